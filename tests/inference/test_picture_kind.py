"""Which pictures a manifest is meant for: by size, shape, colour, and one body on black ground."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from desktop.i18n import Language, catalogue
from desktop.inference import Registry, Subject, golden, picture_kind, quality
from desktop.inference.fields import ManifestError
from desktop.inference.head_slice import COUNT, NAMES, measure
from desktop.inference.picture_kind import (
    NOT_A_HEAD,
    NOT_ONE_BODY,
    OTHER_COLOUR,
    OTHER_SHAPE,
    OTHER_SIZE,
    kind_problems,
)
from desktop.inference.picture_manifest import Colour, HeadOnBlack, OneBody, PictureKind
from desktop.inference.registry import parse_manifest, read_picture_model
from desktop.jobs import Job
from desktop.records import AnalysisStatus, Decision, FileHeader, Modality, Photometric, Picture

MakeModel = Callable[..., Path]

ONE_BODY = OneBody(border=0.62, even=0.88, murky=0.09)
CELL = PictureKind(shortest_side=24, longest_side=320, longest_aspect=3.0, one_body=ONE_BODY)
MEMBERS = {"shortest_side": 24, "longest_side": 320, "longest_aspect": 3, "one_body": {**ONE_BODY.__dict__}}


def picture(light: npt.NDArray[Any], modality: Modality = Modality.PHOTO) -> Picture:
    kind = Photometric.RGB if light.ndim == 3 else Photometric.MONOCHROME2
    return Picture(np.rint(light * 255).astype(np.uint8), kind, FileHeader(modality=modality))


def grey(light: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return light @ np.array([0.299, 0.587, 0.114], np.float32)


def change(folder: Path, *path: str, value: object) -> Path:
    """A toy model's folder with another value at a place of its manifest; None takes it away."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    place = manifest
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.mark.parametrize("framed", [0, 30])
@pytest.mark.parametrize("coloured", [True, False])
def test_a_cell_on_black_ground_is_one_body(coloured: bool, framed: int) -> None:
    cell = golden.cell_phantom() if coloured else grey(golden.cell_phantom())
    width = [(framed, framed), (2 * framed, 0)] + [(0, 0)] * (cell.ndim - 2)
    assert kind_problems(CELL, picture(np.pad(cell, width))) == ()


@pytest.mark.parametrize(
    ("light", "kind", "problem"),
    [
        (golden.cell_phantom()[:20], CELL, OTHER_SIZE),
        (np.repeat(golden.cell_phantom(), 4, axis=0), CELL, OTHER_SIZE),
        (np.repeat(golden.cell_phantom()[:, :24], 3, axis=0), CELL, OTHER_SHAPE),
        (golden.cell_phantom(), PictureKind(colour=Colour.GREY), OTHER_COLOUR),
        (grey(golden.cell_phantom()), PictureKind(colour=Colour.COLOUR), OTHER_COLOUR),
        (golden.lung_phantom()[:, 20:], CELL, NOT_ONE_BODY),
        (np.zeros((90, 90)), CELL, NOT_ONE_BODY),
        (np.full((90, 90), 0.7), CELL, NOT_ONE_BODY),
        (1 - grey(golden.cell_phantom()), CELL, NOT_ONE_BODY),
    ],
)
def test_what_is_another_picture_is_told_apart(light: npt.NDArray[Any], kind: PictureKind, problem: str) -> None:
    assert kind_problems(kind, picture(light)) == (problem,)


def test_every_problem_has_words_in_both_languages() -> None:
    for language in Language:
        sentences = catalogue(language)
        for slug in (*picture_kind.KIND_PROBLEMS, quality.STRANGE):
            assert sentences[f"inference.quality.{slug}"]
            assert sentences[f"inference.quality.{slug}.advice"]
        assert sentences["inference.reason.other_kind"]


def test_a_picture_of_another_kind_is_refused_and_the_network_not_asked(make_model: MakeModel) -> None:
    folder = change(make_model(logit=float("nan"), golden=1.0), "applicability", "picture", value=MEMBERS)
    analysis = read_picture_model(folder).analyse(picture(golden.lung_phantom()), Subject(3.0), Job())
    assert analysis.status is AnalysisStatus.REFUSED
    assert [problem.key for problem in analysis.quality.problems] == [OTHER_SIZE]
    assert (analysis.reason, analysis.findings) == ("inference.reason.other_kind", ())


def test_what_lies_beyond_all_that_was_learned_is_refused(make_model: MakeModel) -> None:
    folder = change(make_model(distance=2.5), "out_of_distribution", "refused", value=2.4)
    film = picture(golden.lung_phantom())
    analysis = read_picture_model(folder).analyse(film, Subject(3.0), Job())
    assert analysis.status is AnalysisStatus.REFUSED
    assert [problem.key for problem in analysis.quality.problems] == ["strange"]
    change(folder, "out_of_distribution", "refused", value=2.6)
    assert read_picture_model(folder).analyse(film, Subject(3.0), Job()).status is AnalysisStatus.OK


def test_where_age_does_not_matter_nobody_is_asked_for_it(make_model: MakeModel) -> None:
    folder = change(make_model(logit=2.0), "applicability", "age_years", value=None)
    model = read_picture_model(folder)
    for subject in (Subject(), Subject(80.0)):
        (finding,) = model.analyse(picture(golden.lung_phantom()), subject, Job()).findings
        assert (finding.decision, finding.reason) == (Decision.LIKELY, "")


def test_plain_limits_are_gate_enough(make_model: MakeModel) -> None:
    folder = change(make_model(logit=2.0), "quality", value={"pixels": {"shortest_side": 320, "coloured_share": 1.0}})
    change(folder, "golden", "quality_logits", value=[])
    (folder / "quality.onnx").unlink()
    model = read_picture_model(folder)
    assert model.self_test().ok
    film = golden.lung_phantom()
    analysis = model.analyse(picture(film), Subject(3.0), Job())
    assert [problem.key for problem in analysis.quality.problems] == [quality.TOO_SMALL]
    large = np.stack([np.kron(film, np.ones((2, 2))), *[np.zeros((600, 680))] * 2], axis=2)
    assert model.analyse(picture(large), Subject(3.0), Job()).status is AnalysisStatus.OK


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("quality",), {}, "quality.classes"),
        (("quality",), {"pixels": {"black_share": 2}}, "quality.pixels.black_share"),
        (("applicability", "picture"), {"colour": "pink"}, "applicability.picture.colour"),
        (("applicability", "picture"), {"longest_side": 0}, "applicability.picture.longest_side"),
        (("applicability", "picture"), {"one_body": {"border": 1}}, "applicability.picture.one_body.even"),
        (("preparation", "method"), "magic", "preparation.method"),
        (("out_of_distribution", "refused"), -1, "out_of_distribution.refused"),
    ],
)
def test_a_lie_is_refused_at_its_place(make_model: MakeModel, path: tuple[str, ...], value: object, where: str) -> None:
    folder = change(make_model(), *path, value=value)
    with pytest.raises(ManifestError) as caught:
        parse_manifest((folder / "manifest.json").read_bytes())
    assert caught.value.where == where


def test_the_manifest_that_describes_the_picture_comes_first(make_model: MakeModel) -> None:
    films = make_model()
    cells = change(films.rename(films.with_name("cells")), "name", value="cells")
    change(cells, "applicability", "picture", value=MEMBERS)
    registry = Registry([read_picture_model(make_model()), read_picture_model(cells)])

    def asked(light: npt.NDArray[Any], modality: Modality = Modality.PHOTO) -> list[str]:
        return [model.name for model in registry.fitting(picture(light, modality))]

    assert asked(golden.lung_phantom()) == ["toy"]
    assert asked(golden.cell_phantom()) == ["cells"], "in colour it is no film"
    small = grey(golden.cell_phantom())[::2, ::2]
    assert asked(small) == ["cells"], "too small for a film"
    assert asked(grey(golden.cell_phantom())) == ["cells", "toy"], "it might be either; the gate tells"
    assert asked(np.random.default_rng(1).random((200, 200, 3))) == ["toy"], "as ever: a refusal with a reason"
    assert asked(golden.cell_phantom(), Modality.CT) == []


HEAD = HeadOnBlack(ground=0.3, bone=0.05, edge=0.1)


def test_a_head_on_black_is_told_from_other_pictures() -> None:
    kind = PictureKind(head=HEAD)
    head = golden.head_phantom()
    assert kind_problems(kind, picture(head)) == ()
    assert kind_problems(kind, picture(np.repeat(head[:, :, None], 3, axis=2))) == ()
    for other in (golden.lung_phantom(), head * 0.8, head[60:240, 60:220], np.zeros((80, 80), np.float32)):
        assert kind_problems(kind, picture(other)) == (NOT_A_HEAD,)


def test_what_is_measured_on_a_head_does_not_change_with_its_size_or_place() -> None:
    head = golden.head_phantom()
    numbers = measure(head)[0]
    assert numbers.shape == (COUNT,) == (len(set(NAMES)),)
    moved = measure(np.pad(head, ((20, 5), (40, 0))))[0]
    assert np.nanmax(np.abs(moved - numbers) / (1 + np.abs(numbers))) < 0.35
    said = dict(zip(NAMES, numbers.tolist(), strict=True))
    assert said["bright_patch_25"] > 5
    assert said["rim_3_side_highest"] > 30
    assert said["bone_gap_area"] > 0


def test_nothing_is_measured_where_there_is_no_brain() -> None:
    empty = measure(np.zeros((90, 70), np.float32))[0]
    assert np.isnan(empty).sum() == COUNT - 15
    assert np.isfinite(empty[:15]).all()
