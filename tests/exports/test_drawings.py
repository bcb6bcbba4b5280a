"""Drawings as presentation states, reports and key objects: valid for other programs, and back as they were."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest

from desktop.exports import key_objects, measurement_report, presentation_state
from desktop.exports.drawings import Shown
from desktop.imaging.geometry import Orientation
from desktop.intake.marks import MarksFile
from desktop.intake.marks_file import read_marks
from desktop.records import Annotation, AnnotationKind, MarkedPicture, MarksFormat, SpacingSource, VoiWindow
from tests.exports.drawn import NOW, SHAPES, Film, bundle, drawing, every_kind, film_bytes, single
from tests.intake.dicom_files import file_bytes, film

UNCHECKED = ("W: The VR checker does not support", "W: ObservationDateTime (0040,a032) violates VR definition")
RENDERERS = {
    "gsps": presentation_state.render,
    "tid1500": measurement_report.render,
    "ko": key_objects.render,
}


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def ran(*words: object) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, check=False)
    return f"{done.stdout}\n{done.stderr}"


def read(data: bytes) -> MarksFile:
    found = read_marks(data)
    assert found is not None
    return found


def as_drawn(one: Annotation) -> tuple[object, ...]:
    return one.kind, single(one.points), one.label, one.frame


@pytest.fixture(scope="module")
def drawings() -> tuple[Annotation, ...]:
    return every_kind()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, drawings: tuple[Annotation, ...]) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "film.dcm").write_bytes(film_bytes())
    found = {"film": folder / "film.dcm"}
    for name, render in RENDERERS.items():
        (data,) = render(bundle(drawings))
        (folder / f"{name}.dcm").write_bytes(data)
        found[name] = folder / f"{name}.dcm"
    return found


@pytest.mark.parametrize("name", ["gsps", "tid1500"])
def test_every_kind_comes_back_as_it_was_within_single_precision(
    files: dict[str, Path], drawings: tuple[Annotation, ...], name: str
) -> None:
    marks = read(files[name].read_bytes())
    found = [(one.kind, single(one.points), one.label, one.frame) for one in marks.drawings]
    assert found == [as_drawn(one) for one in drawings]
    assert {one.instance_uid for one in marks.drawings} == {"1.2.3.4.5"}
    assert {one.observer for one in marks.drawings} == {"王医生"}
    assert marks.source == "清河村卫生室, Lantern"
    assert {one.kind for one in drawings} == set(AnnotationKind) - {AnnotationKind.GRID_FOVEA}
    assert [one.tracking_uid for one in marks.drawings] == [
        f"2.25.{int(one.id.replace('-', ''), 16)}" for one in drawings
    ]


@pytest.mark.parametrize("name", ["gsps", "tid1500", "ko"])
def test_dciodvfy_finds_no_error(files: dict[str, Path], name: str) -> None:
    said = ran(program("dciodvfy"), files[name])
    assert "Error" not in said
    assert {
        "gsps": "GrayscaleSoftcopyPresentationState",
        "tid1500": "Comprehensive3DSR",
        "ko": "KeyObjectSelectionDocument",
    }[name] in said


@pytest.mark.parametrize("name", ["gsps", "tid1500", "ko"])
def test_dcmdump_reads_them(files: dict[str, Path], name: str) -> None:
    said = ran(program("dcmdump"), "-q", "+P", "SOPClassUID", files[name])
    assert "SOPClassUID" in said
    assert "E:" not in said


def test_dsrdump_reads_every_number_with_unit_method_and_observer(files: dict[str, Path]) -> None:
    said = ran(program("dsrdump"), "-Ei", files["tid1500"])
    # dcmtk 3.6.7 cannot check times in a file of UTF-8, and says so of each; without a charset it finds none wrong.
    left = [line for line in said.splitlines() if line.startswith(("W:", "E:")) and not line.startswith(UNCHECKED)]
    assert left == []
    for words in (
        'NUM:(,,"Length")',
        'NUM:(,,"Cobb angle")',
        'NUM:(,,"Cardiothoracic ratio")',
        'UCUM,"square millimeter"',
        '"Scale: known object, set by hand"',
        '"Person Observer Name")="王医生^"',
        '(309343006,SCT,"Physician")',
        "Verification Flag   : VERIFIED",
        "2026-11-20 09:30:15",
    ):
        assert words in said, words


def test_dsrdump_reads_key_objects(files: dict[str, Path]) -> None:
    said = ran(program("dsrdump"), files["ko"])
    assert '"Of Interest"' in said
    assert "IMAGE" in said


def test_dcm2pgm_paints_a_picture_through_the_state(files: dict[str, Path], tmp_path: Path) -> None:
    """The picture as the state says: window, inversion, turned clockwise after being mirrored."""
    tool = program("dcmp2pgm")
    lying = Orientation(1, mirrored=True)
    shown = Shown(VoiWindow(2048.0, 4096.0), inverted=True, orientation=lying)
    (data,) = presentation_state.render(bundle((drawing(AnnotationKind.POINT, ((3.0, 4.0),)),), shown))
    (tmp_path / "state.dcm").write_bytes(data)
    said = ran(tool, "-p", tmp_path / "state.dcm", files["film"], tmp_path / "out.pgm")
    assert (tmp_path / "out.pgm").exists(), said
    painted = pgm(tmp_path / "out.pgm")
    stored = pydicom.dcmread(files["film"]).pixel_array.astype(np.float64)
    wanted = lying.apply(255.0 - stored * 255.0 / 4095.0)
    assert painted.shape == wanted.shape
    assert np.abs(painted - wanted).max() <= 1.5


def pgm(path: Path) -> npt.NDArray[np.float64]:
    """The pixels of a portable grey map of one byte each."""
    data = path.read_bytes()
    header = re.match(rb"P5\s+(?:#[^\n]*\n)*(\d+)\s+(\d+)\s+255\s", data)
    assert header is not None
    columns, rows = int(header[1]), int(header[2])
    return np.frombuffer(data, np.uint8, rows * columns, header.end()).reshape(rows, columns).astype(np.float64)


def test_monochrome1_and_an_inverted_view_cancel_out() -> None:
    point = (drawing(AnnotationKind.POINT, ((3.0, 4.0),)),)
    white = Film(elements={"PhotometricInterpretation": "MONOCHROME1"}).bytes()
    shapes = {}
    for inverted in (False, True):
        (data,) = presentation_state.render(bundle(point, Shown(VoiWindow(1.0, 2.0), inverted), white))
        shapes[inverted] = pydicom.dcmread(io.BytesIO(data)).PresentationLUTShape
    assert shapes == {False: "INVERSE", True: "IDENTITY"}


def test_a_picture_in_colour_gets_a_colour_state(tmp_path: Path) -> None:
    rgb = np.zeros((48, 64, 3), np.uint8)
    rgb[..., 0] = 200

    data = file_bytes(
        film(rgb, SOPClassUID="1.2.840.10008.5.1.4.1.1.7", Modality="OT", PatientBirthDate="", PatientSex="O")
    )
    (state,) = presentation_state.render(bundle((drawing(AnnotationKind.POINT, ((3.0, 4.0),)),), data=data))
    assert pydicom.dcmread(io.BytesIO(state)).SOPClassUID == presentation_state.COLOUR
    (tmp_path / "state.dcm").write_bytes(state)
    said = ran(program("dciodvfy"), tmp_path / "state.dcm")
    assert "ColorSoftcopyPresentationState" in said
    assert "Error" not in said


def test_a_report_nobody_signed_says_so() -> None:
    (data,) = measurement_report.render(
        bundle((drawing(AnnotationKind.LENGTH, ((1.0, 1.0), (9.0, 1.0))),), signed=False)
    )
    report = pydicom.dcmread(io.BytesIO(data))
    assert (report.VerificationFlag, report.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")
    assert "VerifyingObserverSequence" not in report


def test_without_a_scale_a_length_is_in_pixels_and_says_so() -> None:
    (data,) = measurement_report.render(
        bundle((drawing(AnnotationKind.LENGTH, ((1.0, 1.0), (9.0, 7.0))),), data=Film().bytes())
    )
    (one,) = read(data).drawings
    assert one.stated == ("Length 10 pixels (No scale in the file: in pixels)",)


def test_a_calibrated_length_states_its_source() -> None:
    calibration = drawing(AnnotationKind.CALIBRATION, SHAPES[AnnotationKind.CALIBRATION], "20")
    length = drawing(AnnotationKind.LENGTH, ((1.0, 1.0), (21.0, 1.0)))
    made = bundle((calibration, length))
    (number,) = made.pictures[0].measured[length.id]
    assert (round(number.value, 6), number.unit, number.source) == (10.0, "mm", SpacingSource.MANUAL)
    (data,) = measurement_report.render(made)
    assert read(data).drawings[1].stated == ("Length 10 mm (Scale: known object, set by hand)",)


def test_key_objects_come_back(files: dict[str, Path]) -> None:
    marks = read(files["ko"].read_bytes())
    assert (marks.format, marks.key_images, marks.made) == (
        MarksFormat.KEY_IMAGES,
        (MarkedPicture("1.2.3.4.5"),),
        NOW.replace(microsecond=0),
    )


@pytest.mark.parametrize("name", ["gsps", "tid1500"])
def test_a_very_long_line_by_hand_fits(name: str) -> None:
    points = tuple((float(place % 60), place / 250) for place in range(9_000))
    (data,) = RENDERERS[name](bundle((drawing(AnnotationKind.FREEHAND, points),)))
    (one,) = read(data).drawings
    assert (one.kind, single(one.points)) == (AnnotationKind.FREEHAND, single(points))


def test_nothing_drawn_is_no_file() -> None:
    empty = bundle((), key_frames=())
    assert [render(empty) for render in RENDERERS.values()] == [(), (), ()]
