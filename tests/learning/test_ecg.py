"""The model of twelve leads: forests that see what numbers tell together, graphs that say the same, honest cards."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.errors import Cancelled, KnownFailure, UserFacingError
from desktop.inference.manifest import TensorSpec
from desktop.inference.registry import read_trace_model
from desktop.inference.runner_onnx import OnnxRunner
from desktop.inference.tasks.trace_findings import features
from desktop.jobs import Job
from desktop.learning import RECIPES, ecg_card, ecg_data, robustness
from desktop.learning.ecg_data import FINDINGS, EcgTable, read_trace, records_of
from desktop.learning.ecg_export import NAMES, graph_of
from desktop.learning.ecg_study import BATTERY, lost_of
from desktop.learning.ecg_training import EcgSettings, FittedEcg, split
from desktop.learning.forest import Forest, ForestPlan, grow
from desktop.learning.forest_graph import familiar_of
from desktop.learning.recipes.ecg_12_lead import Ecg12Lead
from desktop.learning.robustness import lost_rows
from desktop.learning.statistics import auc
from desktop.records import STANDARD_LEADS, Trace
from desktop.settings import model_folder
from desktop.signals.twelve_features import COUNT
from tests.inference.traces import heart, write_wfdb

pytest.importorskip("onnx", reason="needs the package onnx to write graphs")

PLAN = ForestPlan(12, 2, 1.0)
SETTINGS = EcgSettings(trees=4, folds=2, repeats=1, rounds=20)


def quiet(_: str) -> None:
    """Nobody listens."""


def crossed(count: int, seed: int) -> tuple[Any, Any]:
    """Two columns whose signs together are the label and neither alone, one of no meaning, some values missing."""
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(count, 3))
    labels = (rows[:, 0] > 0) ^ (rows[:, 1] > 0)
    rows[generator.random(count) < 0.05, 2] = np.nan
    return rows, labels


@pytest.fixture(scope="module")
def forest() -> Forest:
    return grow(*crossed(200, 1), PLAN, 5)


def test_a_forest_finds_what_only_two_columns_together_tell(forest: Forest) -> None:
    rows, labels = crossed(300, 2)
    assert auc(forest.shares(rows), labels) > 0.9


def test_the_same_seed_grows_the_same_forest(forest: Forest) -> None:
    rows, _ = crossed(50, 3)
    assert np.array_equal(forest.shares(rows), grow(*crossed(200, 1), PLAN, 5).shares(rows))
    assert not np.array_equal(forest.shares(rows), grow(*crossed(200, 1), PLAN, 6).shares(rows))


def test_a_forest_of_one_class_is_none() -> None:
    rows, labels = crossed(20, 1)
    with pytest.raises(ValueError, match="both classes"):
        grow(rows, labels | True, PLAN, 1)


def test_the_graph_says_what_the_forests_say() -> None:
    generator = np.random.default_rng(4)
    rows = generator.normal(size=(60, COUNT))
    rows[generator.random(rows.shape) < 0.02] = np.nan
    forests = tuple(grow(rows, generator.random(60) < 0.4, ForestPlan(3, 2, 0.1), place) for place in range(6))
    familiar = familiar_of(rows, SETTINGS.familiar)
    runner = OnnxRunner(
        graph_of(FittedEcg(forests, (), (), familiar)),
        TensorSpec("features", (COUNT,)),
        (TensorSpec("logits", (6,)), TensorSpec("distance", (1,))),
    )
    found = runner.run_many(rows.astype(np.float32))
    shares = 1 / (1 + np.exp(-found["logits"].astype(np.float64)))
    for place, one in enumerate(forests):
        assert shares[:, place] == pytest.approx(np.clip(one.shares(rows), 1e-3, 1 - 1e-3), abs=1e-5)
    assert found["distance"][:, 0] == pytest.approx(familiar.distance(rows), rel=1e-4)
    assert found["distance"].max() < familiar.limit


def test_all_recordings_of_a_patient_are_in_one_part() -> None:
    patients = tuple(str(number // 3) for number in range(60))
    parts = split(patients, 5, 1)
    assert all(len(set(parts[3 * one : 3 * one + 3])) == 1 for one in range(20))
    assert set(parts) == set(range(5))


def write_set(root: Path, count: int = 30, first: int = 1) -> Path:
    """A folder that holds `ecg/ptbxl100` with drawn hearts; each third has a wide QRS, each fourth no P wave."""
    folder = root / "ecg" / "ptbxl100"
    rows = []
    for number in range(first, first + count):
        labels = [name for place, name in enumerate(list(FINDINGS.values())[:-1]) if number % (place + 2) == 0]
        shape = heart(rate=100.0, noise_mv=0.01 + 0.04 * (number % 3 == 0), seed=number)
        write_wfdb(folder / "records", f"{number:05}_lr", shape)
        rows.append(
            {
                "ecg_id": number,
                "patient_id": f"{1000 + number // 2}.0",
                "age": "" if number == first else 40 + number,
                "sex": number % 2,
                "scp_codes": "{'AFIB': 0.0}" if number % 4 == 0 else "{'SR': 0.0}",
                "filename_lr": f"records/{number:05}_lr",
                "superclass": ";".join(labels),
            }
        )
    with (folder / "ptbxl_database.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return root


def quickly(trace: Trace) -> tuple[Any, None]:
    """Numbers that cost nothing, for all that is about something else than measuring."""
    return np.resize(trace.samples[:, :200].std(axis=1), (1, COUNT)).astype(np.float32), None


@pytest.fixture(scope="module", autouse=True)
def measured_quickly() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ecg_data, "features", quickly)
        yield


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("ecg"))


@pytest.fixture(scope="module")
def trained(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models")
    Ecg12Lead(SETTINGS).train(drawn, out, Job(), quiet)
    return out / "ecg-12-lead"


def test_records_are_read_with_their_labels(drawn: Path) -> None:
    records, digest = records_of(drawn / "ecg")
    assert len(digest) == 64
    twelfth = records[11]
    assert (twelfth.id, twelfth.patient, twelfth.woman) == ("12", "1006", False)
    assert twelfth.labels == (True, True, True, False, True, True)
    trace = read_trace(twelfth.path)
    assert features(trace)[0].shape == (1, COUNT)
    assert (trace.rate, trace.length, trace.leads[0].name) == (100.0, 1000, "I")
    assert np.isnan(records[0].age)


def test_training_leaves_a_model_that_answers_and_a_card_that_says_how_well(trained: Path, drawn: Path) -> None:
    model = read_trace_model(trained)
    assert model.self_test().ok
    assert [spec.key for spec in model.manifest.findings] == list(FINDINGS) == list(NAMES)
    training = json.loads((trained / "training.json").read_text(encoding="utf-8"))
    assert (training["films"], training["patients"], len(training["patient_marks"])) == (30, 16, 16)
    card = (trained / "CARD.md").read_text(encoding="utf-8")
    assert "CC BY 4.0" in card
    record = Ecg12Lead(SETTINGS).evaluate(drawn, trained, Job(), quiet)
    macro: Any = record.figures["macro_auc"]
    assert f"| mean of the six | | {macro['value']:.3f}" in card
    assert (trained / "CARD.md").read_text(encoding="utf-8") == card
    manifest = json.loads((trained / "manifest.json").read_text(encoding="utf-8"))
    assert all(f"{macro['value']:.2f}" in text for text in manifest["limits"].values())


def test_other_patients_are_judged_by_the_model_itself(trained: Path, tmp_path: Path) -> None:
    record = Ecg12Lead(SETTINGS).evaluate(write_set(tmp_path, 36, 13), trained, Job(), quiet)
    assert record.figures["judged_by"] == "the model itself"
    assert record.figures["recordings"] == 17  # the first nineteen are of patients it has learned from
    with pytest.raises(UserFacingError) as caught:
        Ecg12Lead(SETTINGS).evaluate(write_set(tmp_path / "same", 29, 1), trained, Job(), quiet)
    assert caught.value.key == "learning.nobody_new"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("NORM", "NORMAL"),
        ("NORM", "MI"),
        ("{'SR': 0.0}", "SR"),
        ("records/00002_lr", "../../../../secret"),
        ("ecg_id", "number"),
    ],
)
def test_a_table_that_is_not_as_it_should_be_teaches_nothing(tmp_path: Path, old: str, new: str) -> None:
    path = write_set(tmp_path, 6) / "ecg" / "ptbxl100" / "ptbxl_database.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(UserFacingError) as caught:
        Ecg12Lead(SETTINGS).train(tmp_path, tmp_path, Job(), quiet)
    assert caught.value.key == "learning.bad_table"


def test_missing_data_are_named_and_training_can_be_cancelled(tmp_path: Path, drawn: Path) -> None:
    with pytest.raises(UserFacingError) as caught:
        Ecg12Lead(SETTINGS).train(tmp_path, tmp_path, Job(), quiet)
    assert caught.value.key == "learning.no_data"
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        Ecg12Lead(SETTINGS).train(drawn, tmp_path, job, quiet)
    with pytest.raises(KnownFailure):
        Ecg12Lead(SETTINGS).evaluate(drawn, tmp_path / "none", Job(), quiet)


@pytest.mark.parametrize("name", BATTERY)
def test_poor_recordings_of_the_battery_are_recordings(name: str) -> None:
    trace = heart(rate=100.0)
    spoilt = BATTERY[name](trace, np.random.default_rng(1))
    assert spoilt.shape[0] == 12
    assert spoilt.shape[1] in (trace.length, trace.length // 2)
    assert not np.array_equal(spoilt, trace.samples[:, : spoilt.shape[1]]) or spoilt.shape[1] < trace.length


def test_what_poor_recordings_cost_is_told_by_finding_and_stands_on_the_card(
    trained: Path, drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robustness, "FEWEST", 0)
    random = np.random.default_rng(3)
    labels = random.random((40, len(FINDINGS))) < 0.5
    people = tuple(f"p{one // 2}" for one in range(40))
    table = EcgTable(np.zeros((40, 1)), labels, people, people, np.zeros(40), np.zeros(40, bool), "")
    logits = np.where(labels, 2.0, -2.0) + random.normal(0, 0.5, labels.shape)
    names, clear = ("as recorded", "tremor, 0.1 mV at 35 Hz", "the first five seconds only"), np.zeros(40, bool)
    rows: list[Any] = lost_of(
        table,
        names,
        np.stack([logits, -logits, -logits]),
        [clear, clear, ~clear],
        EcgSettings(alphas=(0.2,), strictness=1.0),
    )
    assert [row["kind"] for row in rows] == ["lost"] * 2 * len(FINDINGS)
    lost = lost_rows([row["told"] for row in rows])
    assert all(one.value is not None and one.value > 0.9 for one in lost[: len(FINDINGS)]), "every answer turned round"
    assert all((one.value, one.refused) == (0.0, 1.0) for one in lost[len(FINDINGS) :]), "no answer given"
    manifest, training = (
        json.loads((trained / name).read_text("utf-8")) for name in ("manifest.json", "training.json")
    )
    figures = Ecg12Lead(SETTINGS).evaluate(drawn, trained, Job(), quiet).figures
    told = {name: text.decode() for name, text in ecg_card.texts(manifest, training, figures, rows).items()}
    assert "- tremor, 0.1 mV at 35 Hz: normal_ecg +" in told["CARD.md"]
    assert "muscle tremor or hum in the trace. No clinician" in json.loads(told["manifest.json"])["limits"]["en"]
    assert "Not measured yet" in ecg_card.texts(manifest, training, figures, [])["CARD.md"].decode()


def test_exchanged_arm_cables_turn_lead_one_over_and_keep_the_laws_of_the_limb_leads() -> None:
    trace = heart(rate=100.0)
    swapped = dict(zip(STANDARD_LEADS, BATTERY["arm cables exchanged"](trace, np.random.default_rng(1)), strict=True))
    assert swapped["I"] == pytest.approx(-trace.samples[0])
    assert swapped["III"] == pytest.approx(swapped["II"] - swapped["I"], abs=1e-5)
    assert swapped["aVR"] == pytest.approx(-(swapped["I"] + swapped["II"]) / 2, abs=1e-5)


def test_the_shipped_model_has_a_recipe() -> None:
    assert RECIPES["ecg-12-lead"]().name == "ecg-12-lead"
    assert (model_folder() / "ecg-12-lead" / "manifest.json").is_file()
