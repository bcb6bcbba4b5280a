"""Our own JPEG, against the reference library: the same values to the last bit, or a refusal."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import generate_frames

from desktop.intake import jpeg_dct
from desktop.intake.jpeg_dct_transform import ZIGZAG, inverse
from desktop.intake.jpeg_lossless_errors import CorruptStream, CutStream, UnsupportedStream

PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"


def drawn(rows: int, columns: int) -> npt.NDArray[np.uint8]:
    """Smooth shapes, an edge and grain."""
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    shapes = 120 + 80 * np.sin(y / 9) * np.cos(x / 7) + 40 * (x > y)
    grain = np.random.default_rng(1).normal(0, 6, shapes.shape)
    return np.asarray((shapes + grain).clip(0, 255), dtype=np.uint8)


def coded(pixels: npt.NDArray[np.uint8], **options: object) -> bytes:
    """A JPEG of the library that Pillow carries."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def by_pillow(data: bytes) -> npt.NDArray[np.uint8]:
    """What the library itself decodes; colour as brightness and chroma, as it is coded."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("YCbCr" if image.mode == "RGB" else image.mode, image.size)
        return np.asarray(image)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("quality", [30, 75, 98])
@pytest.mark.parametrize("size", [(8, 8), (61, 83), (200, 130)])
def test_grey(progressive: bool, quality: int, size: tuple[int, int]) -> None:
    data = coded(drawn(*size), quality=quality, progressive=progressive, optimize=True)
    assert np.array_equal(jpeg_dct.decode(data), by_pillow(data))


@pytest.mark.parametrize("progressive", [False, True])
def test_colour_that_is_not_subsampled(progressive: bool) -> None:
    pixels = np.stack([drawn(50, 70), drawn(50, 70)[::-1], drawn(50, 70)[:, ::-1]], axis=2)
    data = coded(pixels, quality=90, progressive=progressive, subsampling=0)
    assert np.array_equal(jpeg_dct.decode(data), by_pillow(data))


@pytest.mark.parametrize("progressive", [False, True])
def test_restart_markers(progressive: bool) -> None:
    data = coded(drawn(64, 80), quality=80, progressive=progressive, restart_marker_blocks=7)
    assert b"\xff\xd0" in data
    assert np.array_equal(jpeg_dct.decode(data), by_pillow(data))


def test_twelve_bits_are_those_of_gdcm() -> None:
    import SimpleITK

    path = PYDICOM_FILES / "JPEG-lossy.dcm"
    dataset = dcmread(path)
    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    values = jpeg_dct.decode(frame)
    assert values.dtype == np.uint16
    reference = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))[0]
    assert np.array_equal(values, reference)


def test_the_transform_of_large_coefficients_is_that_of_small_ones_in_wider_numbers() -> None:
    random = np.random.default_rng(3)
    blocks = random.integers(-200, 200, (64, 64), dtype=np.int32)
    steps = np.ones(64, dtype=np.int64)
    narrow = inverse(blocks, steps, 12, 8)
    outlier = np.concatenate([blocks, np.full((8, 64), 1 << 16, dtype=np.int32)])
    assert np.array_equal(inverse(outlier, steps, 12, 8)[:64], narrow)


def test_the_transform_is_the_cosine_transform() -> None:
    random = np.random.default_rng(4)
    blocks = random.integers(-60, 60, (1, 64), dtype=np.int32)
    found = inverse(blocks, np.ones(64, dtype=np.int64), 12, 1).astype(float) - 2048
    u = np.arange(8)
    basis = np.cos((2 * u[:, None] + 1) * u[None, :] * np.pi / 16) * np.where(u == 0, np.sqrt(1 / 8), 0.5)
    assert np.abs(found - basis @ blocks.reshape(8, 8) @ basis.T).max() < 0.6


def test_zigzag_visits_every_place_once() -> None:
    assert sorted(ZIGZAG.tolist()) == list(range(64))


class TestRefusals:
    def test_subsampled_colour(self) -> None:
        pixels = np.stack([drawn(32, 32)] * 3, axis=2)
        with pytest.raises(UnsupportedStream):
            jpeg_dct.decode(coded(pixels, subsampling=2))

    def test_another_process(self) -> None:
        with pytest.raises(UnsupportedStream):
            jpeg_dct.decode(coded(drawn(16, 16)).replace(b"\xff\xc0", b"\xff\xc3"))

    @pytest.mark.parametrize("progressive", [False, True])
    def test_an_end_that_is_missing(self, progressive: bool) -> None:
        data = coded(drawn(64, 64), progressive=progressive)
        for end in (len(data) - 2, len(data) // 2, 40):
            with pytest.raises(CorruptStream):
                jpeg_dct.decode(data[:end])

    def test_data_that_ends_before_the_picture(self) -> None:
        data = coded(drawn(64, 64))
        with pytest.raises(CutStream):
            jpeg_dct.decode(data[: len(data) * 2 // 3] + b"\xff\xd9")

    def test_more_scans_than_any_picture_has(self) -> None:
        data = coded(drawn(16, 16), progressive=True)
        first = data.index(b"\xff\xda")
        second = data.index(b"\xff", data.index(b"\xff\xda", first + 2) - 4)
        with pytest.raises(CorruptStream):
            jpeg_dct.decode(data[:first] + data[first:second] * 200 + data[second:])

    def test_a_size_that_no_film_has(self) -> None:
        data = coded(drawn(16, 16))
        at = data.index(b"\xff\xc0") + 5
        with pytest.raises(UnsupportedStream):
            jpeg_dct.decode(data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :])


SEEDS = [
    coded(drawn(40, 40), quality=80, progressive=progressive, restart_marker_blocks=marks)
    for progressive in (False, True)
    for marks in (0, 3)
]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_spoilt_data_is_decoded_or_refused(seed: bytes, changes: list[tuple[float, int]]) -> None:
    data = bytearray(seed)
    for place, value in changes:
        data[int(place * len(data))] = value
    try:
        values = jpeg_dct.decode(bytes(data))
    except (CorruptStream, UnsupportedStream):
        return
    assert values.ndim in (2, 3)
