"""Training goes on after a cut as if nothing had happened, and leaves a model the clinic can load."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from desktop.errors import Cancelled, KnownFailure
from desktop.inference import Subject
from desktop.inference.registry import read_picture_model
from desktop.jobs import Job
from desktop.learning import RECIPES
from desktop.learning.child_graph import ALONE
from desktop.learning.child_settings import Settings
from desktop.learning.films import read_picture
from desktop.learning.learning_curve import curve_points
from desktop.learning.recipes.chest_xray_child import ChestXrayChild
from desktop.learning.records import Study
from desktop.records import AnalysisStatus
from tests.learning.stated import check_figures_agree

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from desktop.learning.network import SmallNetwork
    from desktop.learning.training import Lesson

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

TINY = Settings(
    members=2,
    side=32,
    widths=(8, 8, 8),
    blocks=(0, 0, 1),
    batch=8,
    epochs=3,
    gate_side=32,
    gate_widths=(8, 8, 8),
    gate_blocks=(0, 0, 0),
    gate_epochs=2,
    gate_steps=3,
    threads=2,
)


@pytest.fixture(autouse=True)
def few_drawings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.learning.child_data.DRAWN", 12)


def quiet(text: str) -> None:
    """Progress nobody reads."""


def train(data: Path, out: Path, job: Job | None = None, say: Callable[[str], None] = quiet) -> bytes:
    ChestXrayChild(TINY).train(data, out, job or Job(), say)
    return (out / "model.onnx").read_bytes()


def named(folder: Path) -> Path:
    """A model lies in a folder of its own name."""
    return folder / "chest-xray-child"


@dataclass(frozen=True)
class TinyModel:
    """A finished training: the model's folder, and what was said on the way."""

    folder: Path
    lines: tuple[str, ...]


@pytest.fixture(scope="module")
def tiny(drawn_data: Path, tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """One training for the tests that only look at its outcome; whoever changes the folder takes a copy."""
    folder = named(tmp_path_factory.mktemp("tiny"))
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("desktop.learning.child_data.DRAWN", 12)
        train(drawn_data, folder, say=lines.append)
    return TinyModel(folder, tuple(lines))


@pytest.mark.slow
def test_a_tiny_training_gives_a_model_the_clinic_can_load(drawn_data: Path, tiny: TinyModel) -> None:
    assert any(line.startswith("member 2: epoch 3/3") for line in tiny.lines)
    assert {path.name for path in tiny.folder.iterdir()} == {
        "CARD.md",
        "manifest.json",
        "model.onnx",
        "quality.onnx",
        "training.json",
    }
    model = read_picture_model(tiny.folder)
    assert model.self_test().ok
    record = json.loads((tiny.folder / "training.json").read_text(encoding="utf-8"))
    assert record["sha256"] == model.sha256
    assert (record["films"], record["patients"], record["seed"]) == (72, 36, TINY.seed)
    assert {len(curve) for name, curve in record["curves"].items() if name.startswith("member")} == {3}
    assert len(record["patient_marks"]) == 36
    assert dict(model.manifest.hints) == {"bacterial_if_pneumonia": "pneumonia"}
    assert "bacterial_if_pneumonia" in record["calibration"]
    assert "72 films of 36 children" in (tiny.folder / "CARD.md").read_text(encoding="utf-8")
    check_figures_agree(tiny.folder)
    analysis = model.analyse(read_picture(next((drawn_data / "cxr").rglob("*.png"))), Subject(3.0), Job())
    assert analysis.status in (AnalysisStatus.OK, AnalysisStatus.REFUSED)


@pytest.mark.slow
def test_an_evaluation_states_its_figures_again(drawn_data: Path, tiny: TinyModel, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny.folder, named(tmp_path))
    manifest, card = folder / "manifest.json", folder / "CARD.md"
    stated = (manifest.read_text(encoding="utf-8"), card.read_text(encoding="utf-8"))
    manifest.write_text(re.sub(r"\b[01]\.\d{3}\b", "0.123", stated[0]), encoding="utf-8")
    card.unlink()
    assert "was 0.123 (0.123 on" in manifest.read_text(encoding="utf-8")
    record = json.loads(RECIPES["chest-xray-child"]().evaluate(drawn_data, folder, Job(), quiet).to_json())
    assert (record["figures"]["known_children"], record["study"]) == (72, [])
    assert all(0 <= record["figures"]["alone"][name]["value"] <= 1 for name in ALONE)
    assert f"was {record['figures']['all']['auc']['value']:.3f} (" in manifest.read_text(encoding="utf-8")
    assert card.read_text(encoding="utf-8") == stated[1]
    check_figures_agree(folder)


@pytest.mark.slow
def test_a_study_puts_the_comparators_on_the_card(drawn_data: Path, tiny: TinyModel, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny.folder, named(tmp_path))
    card = folder / "CARD.md"
    assert "Not measured on this data" in card.read_text(encoding="utf-8")
    lines: list[str] = []
    record = ChestXrayChild(TINY).evaluate(drawn_data, folder, Job(), lines.append, study=True)
    rows = json.loads(record.to_json())["study"]
    curve = curve_points(rows)
    assert [point.share for point in curve] == [25, 50, 100]
    assert f"| {curve[-1].learned:,} children (100 %) |" in card.read_text(encoding="utf-8")
    rows = [row for row in rows if "name" in row]
    names = [row["name"] for row in rows]
    assert {"network, lungs and heart painted grey", "network, all of them", "network"} <= set(names)
    assert len([name for name in names if name.startswith("thumbnail")]) == 2
    assert all(0 <= row["auc"]["value"] <= 1 and row["auc"]["n"] > 0 for row in rows)
    assert any(line.startswith("network, all of them") and "epoch 1/6" in line for line in lines)
    assert not (folder / ".study").exists()
    written = card.read_text(encoding="utf-8")
    assert all(f"| {row['name']} | {row['trained_on']} |" in written for row in rows)
    check_figures_agree(folder)
    kept = Study.read(folder / "study.json", record.data_sha256)
    assert kept is not None
    assert kept.rows == json.loads(record.to_json())["study"]
    assert Study.read(folder / "study.json", "0" * 64) is None, "rows of other data are not this model's"


def _script(data: Path, out: Path) -> str:
    settings = ", ".join(f"{name}={getattr(TINY, name)!r}" for name in TINY.__dataclass_fields__)
    return (
        "import pathlib\n"
        "from desktop.jobs import Job\n"
        "from desktop.learning import child_data\n"
        "from desktop.learning.child_settings import Settings\n"
        "from desktop.learning.recipes.chest_xray_child import ChestXrayChild\n"
        "child_data.DRAWN = 12\n"
        f"recipe = ChestXrayChild(Settings({settings}))\n"
        f"data, out = pathlib.Path({str(data)!r}), pathlib.Path({str(out)!r})\n"
        "recipe.train(data, out, Job(), lambda line: print(line, flush=True))\n"
    )


@pytest.mark.slow
def test_a_run_killed_in_the_middle_ends_with_the_same_weights(
    drawn_data: Path, tiny: TinyModel, tmp_path: Path
) -> None:
    whole = (tiny.folder / "model.onnx").read_bytes()
    out = named(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", _script(drawn_data, out)], stdout=subprocess.PIPE, text=True, env=os.environ.copy()
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("member 1: epoch 1/"):
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL, "the run must not have come to its end"
    lines: list[str] = []
    assert train(drawn_data, out, say=lines.append) == whole
    assert any("going on after epoch" in line for line in lines)


def test_networks_that_learn_at_the_same_time_speak_in_turn() -> None:
    from desktop.learning.side_by_side import in_turn

    heard: list[str] = []

    def slowly(line: str) -> None:
        for part in (line, "\n"):
            time.sleep(0.001)
            heard.append(part)

    speak = in_turn(slowly)
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(speak, [f"line {number}" for number in range(40)]))
    assert sorted("".join(heard).splitlines()) == sorted(f"line {number}" for number in range(40))


def test_cancelling_a_training_stops_it_and_keeps_what_was_learned(drawn_data: Path, tmp_path: Path) -> None:
    job = Job()

    def cancel_after_first_epoch(line: str) -> None:
        if "epoch 1/" in line:
            job.cancel()

    out = named(tmp_path)
    with pytest.raises(Cancelled):
        train(drawn_data, out, job, cancel_after_first_epoch)
    assert list((out / ".training").rglob("*.pt"))
    assert not (out / "manifest.json").exists()


def _lesson(epochs: int) -> "Lesson":
    from desktop.learning.training import Batch, Lesson, Schedule

    def batches(epoch: int, random: "Generator") -> Iterator[Batch]:
        for _ in range(4):
            inputs = torch.randn(8, 1, 32, 32, generator=random)
            yield Batch(inputs, (inputs.mean((1, 2, 3)) > 0).float()[:, None], torch.ones(8))

    def loss(logits: "Tensor", targets: "Tensor", weights: "Tensor") -> "Tensor":
        found: Tensor = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
        return found

    return Lesson("toy", "one", Schedule(epochs, 4), 5, batches, loss, lambda network: (1.0, 0.5))


def _build() -> "SmallNetwork":
    from desktop.learning.network import SmallNetwork

    return SmallNetwork((8, 8, 8), (1, 0, 1), 1)


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None])
def test_a_checkpoint_that_cannot_be_read_starts_again(tmp_path: Path, damage: bytes | None) -> None:
    from desktop.learning.training import train as train_network

    path = tmp_path / "toy.pt"
    first = train_network(_lesson(3), _build, path, Job(), quiet)
    assert first.resumed_at == 0
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] if damage is None else damage)
    again = train_network(_lesson(3), _build, path, Job(), quiet)
    assert again.resumed_at == 0
    for name, value in first.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[name])


def test_without_improvement_the_training_stops_early(tmp_path: Path) -> None:
    from desktop.learning.training import train as train_network

    trained = train_network(_lesson(50), _build, None, Job(), quiet)
    assert len(trained.curve) == 1 + 5
    assert trained.best_epoch == 1


def test_without_torch_a_training_says_so(drawn_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(KnownFailure) as caught:
        ChestXrayChild(TINY).train(drawn_data, named(tmp_path), Job(), quiet)
    assert caught.value.key == "learning.torch_missing"


def test_the_lungs_are_painted_over_and_the_frame_is_not() -> None:
    from desktop.learning.child_lessons import mask_lungs

    film = torch.rand(1, 1, 64, 64)
    masked = mask_lungs(film)[0, 0]
    assert bool((masked[20:45, 16:48] == 0.5).all())
    assert torch.equal(masked[0], film[0, 0, 0])
    assert torch.equal(masked[-3:], film[0, 0, -3:])
    assert np.isclose(float((masked == 0.5).float().mean()), 0.62, atol=0.05)
