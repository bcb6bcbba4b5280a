"""`analyse` on electrocardiograms: one line each, judged whatever the recorder's rate, unit and order of leads."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from desktop.records import STANDARD_LEADS, Trace
from tests.cli.helpers import Lantern
from tests.inference.traces import heart, only, write_wfdb

MODEL = "ecg-12-lead"
KEYS = [
    "normal_ecg",
    "myocardial_infarction",
    "st_t_change",
    "conduction_disturbance",
    "hypertrophy",
    "atrial_fibrillation",
]


def probabilities(line: dict[str, Any]) -> dict[str, float]:
    return {finding["key"]: finding["probability"] for finding in line["findings"]}


def test_twelve_leads_are_judged_without_age_or_sex(lantern: Lantern, tmp_path: Path) -> None:
    path = write_wfdb(tmp_path, "drawn", heart())
    answer = lantern.run("analyse", path)
    line = answer.only
    assert (answer.code, line["file"], line["status"], line["model"]) == (0, str(path), "ok", MODEL)
    assert [finding["key"] for finding in line["findings"]] == KEYS
    assert all(0 <= finding["probability"] <= 1 for finding in line["findings"])
    assert line["quality"] == {"ok": True, "problems": []}
    assert (line["beats"], line["episodes"], line["boxes"], line["counts"], line["masks"]) == ([], [], [], {}, [])
    again = lantern.run("analyse", tmp_path / "drawn.dat", "--model", MODEL).only  # the signal names its header
    assert probabilities(again) == probabilities(line)


def test_rate_unit_and_order_of_leads_hardly_matter(lantern: Lantern, tmp_path: Path) -> None:
    paths = [
        write_wfdb(tmp_path, "usual", heart()),
        write_wfdb(tmp_path, "slow", heart(rate=100.0)),
        write_wfdb(tmp_path, "fast", heart(rate=1000.0)),
        write_wfdb(tmp_path, "backwards", only(heart(), *reversed(STANDARD_LEADS))),
        write_wfdb(tmp_path, "eight", only(heart(), "I", "II", "V1", "V2", "V3", "V4", "V5", "V6")),
        write_wfdb(tmp_path, "microvolts", heart(), unit="uV", gain=0.5),
    ]
    usual, *others = lantern.run("analyse", *paths).lines
    for other in others:
        assert probabilities(other) == pytest.approx(probabilities(usual), abs=0.15), other["file"]


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (lambda: heart(seconds=4.5), "too_short"),
        (lambda: replace(heart(), samples=np.zeros((12, 5000), np.float32)), "flat"),
        (lambda: only(heart(), "II"), "leads_missing"),
    ],
)
def test_what_cannot_be_judged_is_refused_and_no_error(
    lantern: Lantern, tmp_path: Path, made: Callable[[], Trace], problem: str
) -> None:
    path = write_wfdb(tmp_path, "poor", made())
    answer = lantern.run("analyse", path, "--model", MODEL)
    assert (answer.code, answer.only["status"], answer.only["quality"]["problems"]) == (0, "refused", [problem])
    assert answer.only["findings"] == []
    assert answer.only["reason"]


def test_each_kind_of_model_refuses_the_others_files(lantern: Lantern, tmp_path: Path) -> None:
    trace = write_wfdb(tmp_path, "drawn", heart())
    picture = tmp_path / "film.png"
    Image.fromarray(np.zeros((200, 200), np.uint8)).save(picture)
    for path, model in ((trace, "chest-xray-child"), (trace, "risk-diabetes"), (picture, MODEL)):
        answer = lantern.run("analyse", path, "--model", model)
        assert (answer.code, answer.only["status"], answer.only["model"]) == (0, "refused", model)
        assert answer.only["reason"]


def test_a_batch_goes_on_after_what_cannot_be_read(lantern: Lantern, tmp_path: Path) -> None:
    good = write_wfdb(tmp_path, "good", heart(rate=100.0))
    broken = tmp_path / "broken.hea"
    broken.write_text("broken 12 100 1000\nmissing.dat 16 1000/mV 16 0 0 0 0 I\n", encoding="ascii")
    text = f'{{"file": "{good}", "age_years": 40, "sex": "female"}}\n{broken}\n{tmp_path / "none.hea"}\n{good}\n'
    answer = lantern.run("analyse", "--batch", stdin=text)
    assert answer.code == 1
    assert [line["status"] for line in answer.lines] == ["ok", "error", "error", "ok"]
    first, last = answer.lines[0], answer.lines[-1]
    assert probabilities(first) == probabilities(last)
    assert [one["decision"] for one in first["findings"]] == [one["decision"] for one in last["findings"]]
