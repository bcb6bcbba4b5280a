"""Other people's odd files: each is shown as the reference shows it, or refused in words. Nothing else may happen."""

import importlib.util
import io
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian, RLELossless

from desktop.errors import UserFacingError
from desktop.i18n import Language, Translator, catalogue
from desktop.imaging.display import grey
from desktop.intake import read_picture
from desktop.intake.dicom_fields import Fields
from desktop.intake.dicom_file import open_dicom
from desktop.intake.dicom_layout import read_layout
from desktop.intake.dicom_pixels import decode_raw
from desktop.records import Photometric, Picture
from tests.intake.conformance import BEYOND_THE_REFERENCE, Row, read_manifest
from tests.intake.dicom_files import file_bytes, film, film_bytes, gradient

# The files in the package itself; pydicom.data would also look for others on the network.
PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"

# Where pyjpegls is not installed, JPEG-LS is refused in words.
JPEG_LS = importlib.util.find_spec("jpeg_ls") is not None


def shown_or_refused(data: bytes) -> Picture | UserFacingError:
    """The picture or the refusal; the refusal must have words and advice in both languages."""
    try:
        return read_picture(data)
    except UserFacingError as error:
        refusal = error
    for language in Language:
        text = Translator(language).error(refusal)
        assert text.message != refusal.key
        assert text.advice != f"{refusal.key}.advice"
        assert "{" not in text.message + text.advice
        assert refusal.key in catalogue(language)
    return refusal


@pytest.fixture(scope="module")
def manifest(shared_data: Path) -> list[Row]:
    return read_manifest(shared_data)


@pytest.mark.data
def test_every_file_is_shown_or_refused(manifest: list[Row]) -> None:
    shown = []
    for row in manifest:
        data = row.path.read_bytes()
        outcome = shown_or_refused(data)
        if isinstance(outcome, Picture):
            assert row.decoded == "yes" or row.name in BEYOND_THE_REFERENCE, row.name
            shown.append(row.name)
        elif row.decoded == "yes":
            # Only for what the file is, never for how it is packed.
            expected = {"intake.not_an_image_of_this_kind", "intake.several_pictures"}
            if not JPEG_LS and row.transfer_syntax.startswith("JPEG-LS"):
                expected.add("intake.unsupported_transfer_syntax")
            assert outcome.key in expected, row.name
    assert len(shown) >= 50


@pytest.mark.data
def test_decoded_values_are_those_of_the_reference(manifest: list[Row]) -> None:
    compared = 0
    for row in manifest:
        data = row.path.read_bytes()
        outcome = shown_or_refused(data)
        if not isinstance(outcome, Picture) or row.decoded != "yes":
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = open_dicom(io.BytesIO(data))
            assert file.syntax is not None
            assert file.pixels is not None
            raw, photometric = decode_raw(file.pixels, file.dataset, read_layout(Fields(file.dataset)), file.syntax)
        if photometric.startswith("YBR"):
            from pydicom.pixels.processing import convert_color_space

            raw = convert_color_space(raw, "YBR_FULL", "RGB")
        found = (float(raw.min()), float(raw.max()), float(raw.mean()))
        assert found == pytest.approx(row.figures, abs=1e-3), row.name
        if outcome.photometric is not Photometric.RGB and raw.ndim == 2:
            assert np.array_equal(outcome.pixels, raw)
        compared += 1
    assert compared >= 50


def test_every_file_that_pydicom_ships_is_shown_or_refused() -> None:
    paths = [path for path in PYDICOM_FILES.rglob("*") if path.is_file() and path.stat().st_size < 4_000_000]
    assert len(paths) > 60
    outcomes = [shown_or_refused(path.read_bytes()) for path in paths]
    assert sum(isinstance(outcome, Picture) for outcome in outcomes) >= 20


def seeds() -> list[bytes]:
    """Whole small films of several kinds, to be spoilt."""
    from PIL import Image

    coded = dcmread(io.BytesIO(film_bytes()))
    coded.compress(RLELossless, encoding_plugin="pydicom")
    pixels = gradient(24, 32, 255).astype(np.uint8)
    pictures = []
    for kind in ("PNG", "JPEG", "TIFF"):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, kind)
        pictures.append(buffer.getvalue())
    names = ("JPEGLSNearLossless_16.dcm", "SC_rgb_small_odd_jpeg.dcm", "SC_rgb_jpeg_gdcm.dcm", "JPEG2000.dcm")
    compressed = [(PYDICOM_FILES / name).read_bytes() for name in names]
    implicit = file_bytes(film(), ImplicitVRLittleEndian)
    return [film_bytes(), film_bytes()[132:], file_bytes(coded, RLELossless), implicit, *pictures, *compressed]


SEEDS = seeds()


@settings(max_examples=500, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, len(SEEDS) - 1),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=12),
    near_the_head=st.booleans(),
    cut=st.floats(0.2, 1.0),
    repeat=st.integers(0, 2),
)
def test_spoilt_files_are_shown_or_refused(
    seed: int, changes: list[tuple[float, int]], near_the_head: bool, cut: float, repeat: int
) -> None:
    data = bytearray(SEEDS[seed])
    reach = min(len(data), 900) if near_the_head else len(data)
    for place, value in changes:
        data[int(place * reach)] = value
    middle = len(data) // 2
    data[middle:middle] = data[middle : middle + 64] * repeat
    spoilt = bytes(data[: max(1, int(cut * len(data)))] if cut < 0.6 else data)
    outcome = shown_or_refused(spoilt)
    again = shown_or_refused(spoilt)
    if isinstance(outcome, Picture):
        # Whatever its header says by now, it can be painted, and it is the same film whenever it is opened.
        painted = grey(outcome)
        assert painted.shape == outcome.pixels.shape[:2]
        assert 0 <= painted.min() <= painted.max() <= 1
        assert isinstance(again, Picture)
        assert np.array_equal(again.pixels, outcome.pixels)
    else:
        assert isinstance(again, UserFacingError)
        assert (again.key, again.kind) == (outcome.key, outcome.kind)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=600))
def test_any_bytes_after_a_prefix_are_refused(tail: bytes) -> None:
    outcome = shown_or_refused(bytes(128) + b"DICM" + tail)
    assert isinstance(outcome, UserFacingError)
