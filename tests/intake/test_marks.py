"""Marks that other programs wrote are read as they are; hostile ones are refused in words."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from highdicom import pr
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from desktop.errors import UserFacingError
from desktop.exports import measurement_report, presentation_state
from desktop.intake.marks import MOST_DRAWINGS, MarksFile, moment
from desktop.intake.marks_file import read_marks
from desktop.records import AnnotationKind, ImportedDrawing, MarksFormat
from tests.exports.drawn import bundle, every_kind, film_bytes
from tests.intake.dicom_files import file_bytes, film

KINDS = AnnotationKind


def read(data: bytes) -> MarksFile:
    found = read_marks(data)
    assert found is not None
    return found


def refused(data: bytes) -> str:
    with pytest.raises(UserFacingError) as raised:
        read_marks(data)
    return raised.value.key


def saved(dataset: Dataset) -> bytes:
    with io.BytesIO() as stream:
        dataset.save_as(stream, enforce_file_format=True)
        return stream.getvalue()


def foreign_state(objects: Sequence[pr.GraphicObject], texts: Sequence[pr.TextObject] = ()) -> Dataset:
    """A presentation state as highdicom writes it, on one picture."""
    source = pydicom.dcmread(io.BytesIO(film_bytes()))
    layer = pr.GraphicLayer("LAYER1", 1)
    drawn = pr.GraphicAnnotation(
        [source], layer, graphic_objects=list(objects) or None, text_objects=list(texts) or None
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pr.GrayscaleSoftcopyPresentationState(
            referenced_images=[source],
            series_instance_uid=highdicom.UID(),
            series_number=9,
            sop_instance_uid=highdicom.UID(),
            instance_number=1,
            manufacturer="Another maker",
            manufacturer_model_name="Viewer",
            software_versions="1",
            device_serial_number="1",
            content_label="MARKS",
            content_description="What I saw",
            content_creator_name="Doe^Jane",
            institution_name="County hospital",
            graphic_layers=[layer],
            graphic_annotations=[drawn],
            concept_name=None,
        )


def graphic(kind: str, points: Sequence[tuple[float, float]], units: str = "PIXEL") -> pr.GraphicObject:
    return pr.GraphicObject(graphic_type=kind, graphic_data=np.array(points), units=units)


def only(data: bytes) -> ImportedDrawing:
    (drawing,) = read(data).drawings
    return drawing


def test_a_state_of_another_program_keeps_its_lines_words_and_maker() -> None:
    state = foreign_state(
        [
            graphic("POLYLINE", [(10.5, 10.5), (20.5, 15.5)]),
            graphic("POLYLINE", [(1.5, 1.5), (9.5, 1.5), (9.5, 9.5), (1.5, 1.5)]),
            graphic("CIRCLE", [(30.5, 20.5), (34.5, 20.5)]),
            graphic("ELLIPSE", [(20.5, 20.5), (40.5, 20.5), (30.5, 15.5), (30.5, 25.5)]),
            graphic("ELLIPSE", [(20.5, 20.5), (30.5, 30.5), (27.5, 23.5), (23.5, 27.5)]),
            graphic("POINT", [(5.5, 6.5)]),
        ],
        [pr.TextObject("a shadow", units="PIXEL", anchor_point=(12.0, 12.0))],
    )
    marks = read(saved(state))
    assert (marks.format, marks.source, marks.title) == (
        MarksFormat.PRESENTATION,
        "County hospital, Another maker, Viewer",
        "What I saw",
    )
    line, closed, circle, ellipse, leaning, point = marks.drawings
    assert (line.kind, line.points, line.closed, line.label) == (None, ((10.0, 10.0), (20.0, 15.0)), False, "a shadow")
    assert (closed.kind, len(closed.points), closed.closed) == (KINDS.REGION, 3, True)
    assert (circle.kind, circle.points) == (KINDS.ELLIPSE, ((26.0, 16.0), (34.0, 24.0)))
    assert (ellipse.kind, ellipse.points) == (KINDS.ELLIPSE, ((20.0, 15.0), (40.0, 25.0)))
    assert (leaning.kind, leaning.closed) == (None, True)
    assert leaning.points[0] == pytest.approx((30.0, 30.0))
    assert (point.kind, point.points) == (KINDS.POINT, ((5.0, 6.0),))
    assert {one.observer for one in marks.drawings} == {"Doe Jane"}
    assert all(one.stated == () for one in marks.drawings), "a line alone measures nothing"


def test_words_without_a_line_have_their_place() -> None:
    text = pr.TextObject("look here", units="PIXEL", bounding_box=(10.5, 12.5, 30.5, 20.5))
    drawing = only(saved(foreign_state([], [text])))
    assert (drawing.kind, drawing.points, drawing.label) == (None, ((10.0, 12.0),), "look here")


@pytest.mark.parametrize(
    ("turned", "flipped", "wanted"),
    [
        (0, "N", (15.5, 35.5)),  # a quarter across, three quarters down, of 64 by 48
        (0, "Y", (47.5, 35.5)),
        (90, "N", (47.5, 35.5)),
        (180, "N", (47.5, 11.5)),
        (270, "N", (15.5, 11.5)),
        (90, "Y", (47.5, 11.5)),
    ],
)
def test_places_on_the_screen_are_places_on_the_picture(turned: int, flipped: str, wanted: tuple[float, float]) -> None:
    """PS3.3 C.10.4, C.10.6: turned clockwise, then mirrored; the displayed area is the whole picture."""
    state = foreign_state([graphic("POINT", [(0.25, 0.75)], units="DISPLAY")])
    state.ImageRotation, state.ImageHorizontalFlip = turned, flipped
    (point,) = only(saved(state)).points
    assert point == pytest.approx(wanted)


def test_a_picture_of_many_frames_is_pointed_at_by_its_frame() -> None:
    state = foreign_state([graphic("POINT", [(5.5, 6.5)])])
    state.GraphicAnnotationSequence[0].ReferencedImageSequence[0].ReferencedFrameNumber = [3, 7]
    assert [one.frame for one in read(saved(state)).drawings] == [3, 7]


def test_a_state_of_dcmtk_without_drawings_is_refused(tmp_path: Path) -> None:
    tool = shutil.which("dcmpsmk")
    if tool is None:
        pytest.skip("dcmpsmk is not installed")
    (tmp_path / "film.dcm").write_bytes(film_bytes())
    subprocess.run([tool, tmp_path / "film.dcm", tmp_path / "state.dcm"], check=True, timeout=60)
    assert refused((tmp_path / "state.dcm").read_bytes()) == "intake.marks.none"


def report() -> Dataset:
    (data,) = measurement_report.render(bundle(every_kind()))
    return pydicom.dcmread(io.BytesIO(data))


def groups(dataset: Dataset) -> Any:
    return next(item for item in dataset.ContentSequence if item.ValueType == "CONTAINER").ContentSequence


def test_a_report_that_does_not_say_it_is_ours_is_understood_by_its_codes() -> None:
    dataset = report()
    for group in groups(dataset):
        for item in group.ContentSequence:
            if item.ValueType == "TEXT" and item.ConceptNameCodeSequence[0].CodeValue == "112039":
                item.TextValue = "lesion"
    kinds = [one.kind for one in read(saved(dataset)).drawings]
    for kind in (KINDS.LENGTH, KINDS.ANGLE, KINDS.COBB, KINDS.BIDIRECTIONAL, KINDS.ELLIPSE, KINDS.REGION, KINDS.POINT):
        assert kind in kinds
    assert KINDS.CALIBRATION not in kinds, "nobody else's length calibrates our pictures"
    assert KINDS.CARDIOTHORACIC not in kinds


def test_places_in_the_patient_are_not_on_a_picture() -> None:
    dataset = report()
    del groups(dataset)[1:]
    for item in groups(dataset)[0].ContentSequence:
        if item.ValueType == "SCOORD":
            item.ValueType = "SCOORD3D"
    assert refused(saved(dataset)) == "intake.marks.in_space"


def test_a_report_in_words_has_nothing_to_draw() -> None:
    dataset = report()
    del groups(dataset)[:]
    assert refused(saved(dataset)) == "intake.marks.none"


def test_a_film_is_none_of_these() -> None:
    assert read_marks(film_bytes()) is None
    assert read_marks(file_bytes(film(Modality="PR", SOPClassUID="1.2.840.10008.5.1.4.1.1.7"))) is None


def test_too_much_is_refused() -> None:
    dataset = report()
    item = next(
        child
        for group in groups(dataset)
        for number in group.ContentSequence
        if number.ValueType == "NUM"
        for child in number.get("ContentSequence", ())
        if child.ValueType == "SCOORD"
    )
    item.GraphicType, item.GraphicData = "MULTIPOINT", [float(place) for place in range(2 * MOST_DRAWINGS + 2)]
    assert refused(saved(dataset)) == "intake.marks.too_many"


def test_a_tree_without_an_end_is_refused() -> None:
    dataset = report()
    item = groups(dataset)[0]
    for _ in range(60):
        deeper = Dataset()
        deeper.ValueType, deeper.RelationshipType = "CONTAINER", "CONTAINS"
        deeper.ContentSequence = DicomSequence([item])
        item = deeper
    dataset.ContentSequence = DicomSequence([item])
    assert refused(saved(dataset)) == "intake.damaged"


def outcome(data: bytes) -> str:
    """What becomes of a file: a refusal's key, or nothing where it was read."""
    try:
        found = read_marks(data)
    except UserFacingError as error:
        return error.key
    return "intake.read" if found is None or found.pictures else "read, but marks nothing"


def test_damaged_files_never_do_more_than_refuse() -> None:
    (state,) = presentation_state.render(bundle(every_kind()))
    rng = random.Random(7)
    for whole in (state, saved(report())):
        for _ in range(15):
            data = bytearray(whole[: rng.randrange(400, len(whole))] if rng.random() < 0.3 else whole)
            for _ in range(rng.randrange(1, 8)):
                data[rng.randrange(132, len(data))] = rng.randrange(256)
            assert outcome(bytes(data)).startswith("intake.")


def test_moments_carry_their_zone() -> None:
    there = moment("20261120093015.25+0800")
    assert there is not None
    assert there.isoformat() == "2026-11-20T09:30:15.250000+08:00"
    assert moment("20261120093015", "-0500") == moment("20261120143015+0000")
    assert moment("20261340093015+0000") is None
    assert moment("yesterday") is None


@pytest.mark.data
def test_reports_of_another_viewer_are_drawn(shared_data: Path) -> None:
    """dwv's measurement groups, and its older reports without any template."""
    found = {}
    for path in sorted((shared_data / "dicom_conformance" / "files").glob("dwv__*sr-*.dcm")):
        marks = read(path.read_bytes())
        found[path.name.removeprefix("dwv__").removesuffix(".dcm")] = {one.kind for one in marks.drawings}
        assert len(marks.drawings) == 3
        assert len(marks.pictures) == 1
        assert all(one.created is not None for one in marks.drawings)
    wanted = {
        "arrow": KINDS.POINT,
        "protractor": KINDS.ANGLE,
        "roi": KINDS.REGION,
        "circle": KINDS.ELLIPSE,
        "ellipse": KINDS.ELLIPSE,
        "rectangle": KINDS.REGION,
        "ruler": KINDS.LENGTH,
    }
    assert found == {name: {wanted[name.partition("sr-")[2]]} for name in found}
    assert len(found) == 10
