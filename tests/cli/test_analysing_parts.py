"""What the answer of a model may hold beside findings: beats, episodes, boxes, counts, masks."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop import workflow
from desktop.records import (
    Analysis,
    AnalysisStatus,
    Beat,
    BeatKind,
    Count,
    Decision,
    DetectedBox,
    Episode,
    Finding,
    Mask,
    Provenance,
    Quality,
)
from tests.cli.helpers import Lantern


def png() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).save(stream, "PNG")
    return stream.getvalue()


ANSWER = Analysis(
    AnalysisStatus.OK,
    Provenance("some-model", "1.0", "ab" * 32, "CPU", "cd" * 32, 21.5),
    Quality(ok=True),
    (Finding("afb", "Acid-fast bacilli", 0.9, Decision.LIKELY, grade=2),),
    beats=(Beat(7, BeatKind.NORMAL), Beat(300, BeatKind.VENTRICULAR)),
    episodes=(Episode("atrial_fibrillation", 0, 300),),
    boxes=(DetectedBox(1.5, 2.0, 30.0, 31.0, "afb", 0.75),),
    counts=(Count("afb", 12), Count("other", 0)),
    masks=(Mask("vessels", png()),),
)


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> None:
    def analyse_file(*_: object, **__: object) -> Iterator[workflow.FileAnalysis]:
        yield workflow.FileAnalysis(None, ANSWER, None)

    monkeypatch.setattr(workflow, "analyse_file", analyse_file)


@pytest.mark.usefixtures("answered")
def test_every_part_is_said(lantern: Lantern, tmp_path: Path) -> None:
    masks = tmp_path / "new" / "masks"
    answer = lantern.run("analyse", "a/left eye.jpg", "--masks", masks)
    assert answer.code == 0
    line = answer.only
    assert line["findings"][0]["grade"] == 2
    assert line["beats"] == [{"sample": 7, "class": "N"}, {"sample": 300, "class": "V"}]
    assert line["episodes"] == [{"key": "atrial_fibrillation", "start": 0, "end": 300}]
    assert line["boxes"] == [{"x": 1.5, "y": 2.0, "width": 30.0, "height": 31.0, "class": "afb", "probability": 0.75}]
    assert line["counts"] == {"afb": 12, "other": 0}
    assert "tiles" not in line
    assert line["masks"] == [str(masks / "left eye_vessels.png")]
    assert (masks / "left eye_vessels.png").read_bytes() == png()


def test_in_how_many_tiles_it_looked_is_said(lantern: Lantern, monkeypatch: pytest.MonkeyPatch) -> None:
    def analyse_file(*_: object, **__: object) -> Iterator[workflow.FileAnalysis]:
        yield workflow.FileAnalysis(None, replace(ANSWER, tiles=20), None)

    monkeypatch.setattr(workflow, "analyse_file", analyse_file)
    assert lantern.run("analyse", "wide.jpg").only["tiles"] == 20


@pytest.mark.usefixtures("answered")
def test_no_mask_is_written_unasked(lantern: Lantern) -> None:
    answer = lantern.run("analyse", "eye.jpg")
    assert (answer.code, answer.only["masks"]) == (0, [])


@pytest.mark.usefixtures("answered")
def test_a_mask_that_cannot_be_written_is_an_error(lantern: Lantern, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    (masks / "eye_vessels.png").mkdir(parents=True)
    answer = lantern.run("analyse", "eye.jpg", "--masks", masks)
    assert (answer.code, answer.only["status"], answer.only["masks"]) == (1, "error", [])
    assert answer.only["reason"]
    assert [path.name for path in masks.iterdir()] == ["eye_vessels.png"]
