"""`lantern measure`: beats and intervals of a trace, the cardiothoracic ratio of a film; neither store nor unlock."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from desktop.__main__ import main

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "ecg"
KEYS = ["file", "status", "reason", "ecg", "ctr", "milliseconds"]
ECG_KEYS = {
    "sampling_rate",
    "leads",
    "leads_left_out",
    "r_peaks",
    "rate",
    "pr",
    "qrs",
    "qt",
    "qtc",
    "beats_averaged",
    "method",
    "reason",
}


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What was answered; nothing else may be on standard output."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A picture of 200 by 100 without millimetres."""
    path = tmp_path / "film.png"
    Image.fromarray(np.zeros((100, 200), np.uint8)).save(path)
    return path


def test_an_electrocardiogram_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(GOLDEN / "biosig.scp")
    assert main(["measure", path, "--json"]) == 0
    (line,) = lines(capsys)
    assert list(line) == KEYS
    assert (line["file"], line["status"], line["reason"], line["ctr"]) == (path, "ok", None, None)
    ecg = line["ecg"]
    assert set(ecg) == ECG_KEYS
    assert ecg["sampling_rate"] == 250.0
    assert all(isinstance(peak, int) for peak in ecg["r_peaks"])
    assert ecg["rate"] == pytest.approx(85.7, abs=0.5)
    assert ecg["pr"] == pytest.approx(160, abs=12)
    assert ecg["qrs"] == pytest.approx(90, abs=10)
    assert ecg["qt"] == pytest.approx(380, abs=14)
    assert ecg["qtc"]["bazett"] == pytest.approx(ecg["qt"] / 0.7**0.5, rel=0.01)
    assert ecg["qtc"]["fridericia"] == pytest.approx(ecg["qt"] / 0.7 ** (1 / 3), rel=0.01)
    assert set(ecg["method"]) == {"r_peaks", "rate", "pr", "qrs", "qt", "qtc"}
    assert "Bazett" in ecg["method"]["qtc"]["bazett"]
    assert ecg["reason"] == {}


def test_what_cannot_be_measured_is_refused_with_its_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flat = tmp_path / "flat.csv"
    flat.write_text("# sampling_rate: 200\nII (mV)\n" + "0\n" * 1000, encoding="utf-8")
    assert main(["measure", str(flat), "--json"]) == 0
    (line,) = lines(capsys)
    assert line["status"] == "refused"
    assert line["reason"]
    assert line["ecg"]["r_peaks"] == []
    assert [line["ecg"][key] for key in ("rate", "pr", "qrs", "qt")] == [None] * 4
    assert line["ecg"]["qtc"] == {"bazett": None, "fridericia": None}
    assert set(line["ecg"]["reason"]) == {"rate", "pr", "qrs", "qt", "qtc"}
    assert line["ecg"]["leads_left_out"] == [{"lead": "II", "reason": "no signal"}]


def test_one_bad_file_does_not_stop_the_others(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", str(film), "nowhere.dcm", str(GOLDEN / "w16.hea"), "--json"]) == 1
    first, second, third = lines(capsys)
    assert (first["status"], second["status"]) == ("error", "error")
    assert "trace" in first["reason"]
    assert third["ecg"] is not None


def test_the_cardiothoracic_ratio_from_points(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["measure", str(film), "--heart", "60,50", "140,60", "--chest", "10,70", "170,70", "--json"]
    assert main(command) == 0
    (line,) = lines(capsys)
    assert line["ctr"] == {"ratio": 0.5, "heart_width": 80.0, "chest_width": 160.0, "unit": "px", "source": None}
    assert line["ecg"] is None


def test_a_film_askew_is_measured_across_its_midline(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The midline leans by 3:4, so what lies across it is 3/5 of the rows and 4/5 of the columns."""
    points = ["--heart", "100,20", "100,60", "--chest", "60,20", "140,80", "--midline", "100,0", "160,80"]
    assert main(["measure", str(film), *points, "--json"]) == 0
    (line,) = lines(capsys)
    assert line["ctr"]["heart_width"] == pytest.approx(40 * 0.6)
    assert line["ctr"]["chest_width"] == pytest.approx(abs(80 * 0.8 - 60 * 0.6))


@pytest.mark.parametrize(
    "points",
    [
        ["--heart", "10,50", "190,50", "--chest", "60,50", "90,50"],
        ["--heart", "60,50", "140,50", "--chest", "10,50", "900,50"],
        ["--heart", "60,50", "60,80", "--chest", "10,50", "90,50"],
    ],
)
def test_points_that_fit_no_chest_are_refused(
    film: Path, points: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["measure", str(film), *points, "--json"]) == 1
    (line,) = lines(capsys)
    assert (line["status"], line["ctr"]) == ("error", None)


def test_a_batch_answers_in_order(
    film: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"file": str(film), "heart": [[60, 50], [140, 50]], "chest": [[20, 50], [180, 50]], "midline": None}
    text = f"{GOLDEN / 'biosig_aecg.xml'}\n{json.dumps(asked)}\n" + '{"file": 3}\n'
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert main(["measure", "--batch", "--json"]) == 1
    first, second, third = lines(capsys)
    assert first["ecg"]["rate"] == pytest.approx(85.7, abs=0.5)
    assert second["ctr"]["ratio"] == 0.5
    assert third["status"] == "error"


@pytest.mark.parametrize(
    "command",
    [
        ["measure"],
        ["measure", "a", "--heart", "1,2", "3,4"],
        ["measure", "a", "--batch"],
        ["measure", "a", "--heart", "1", "2"],
    ],
)
def test_misuse_is_told(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""


def test_each_line_of_a_batch_is_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = str(tmp_path / "missing.scp")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{missing}\n\n{{\n"))
    assert main(["measure", "--batch", "--json"]) == 1
    answers = lines(capsys)
    assert [(line["file"], line["status"]) for line in answers] == [(missing, "error"), ("", "error"), ("", "error")]
    assert answers[1]["reason"].startswith("This line is blank.")
