import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import JPEGLosslessSV1

from desktop.errors import UserFacingError
from desktop.intake import read_picture
from desktop.intake.codestream import coded_frame
from desktop.intake.jpeg_lossless import CorruptStream, CutStream, UnsupportedStream, decode
from tests.intake.dicom_files import file_bytes, film

# Seventeen sizes of a difference, all coded in 5 bits: wasteful, and as legal as any table.
COUNTS = bytes([0, 0, 0, 0, 17] + [0] * 11)
SIZES = bytes(range(17))


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def predicted(values: npt.NDArray[np.int64], row: int, column: int, top: int, predictor: int, start: int) -> int:
    """The prediction for one sample, word for word as in T.81 H.1.2.1 (table H.1). top: first row of the interval."""
    if row == top:
        return start if column == 0 else int(values[row, column - 1])
    if column == 0:
        return int(values[row - 1, 0])
    a, b, c = int(values[row, column - 1]), int(values[row - 1, column]), int(values[row - 1, column - 1])
    return [0, a, b, c, a + b - c, a + ((b - c) >> 1), b + ((a - c) >> 1), (a + b) >> 1][predictor]


def encode(
    samples: npt.NDArray[Any], precision: int, predictor: int = 1, shift: int = 0, rows_per_restart: int = 0
) -> bytes:
    """A plain encoder, one sample after the other. samples: (rows, columns, components)."""
    rows, columns, count = samples.shape
    values = samples.astype(np.int64) >> shift
    frame = struct.pack(">BHHB", precision, rows, columns, count)
    frame += b"".join(bytes([index + 1, 0x11, 0]) for index in range(count))
    scan = bytes([count]) + b"".join(bytes([index + 1, 0]) for index in range(count)) + bytes([predictor, 0, shift])
    out = b"\xff\xd8" + segment(0xFE, b"made for a test") + segment(0xC3, frame) + segment(0xC4, b"\0" + COUNTS + SIZES)
    if rows_per_restart:
        out += segment(0xDD, struct.pack(">H", rows_per_restart * columns))
    out += segment(0xDA, scan)
    band = rows_per_restart or rows
    for number, top in enumerate(range(0, rows, band)):
        bits = ""
        for row in range(top, min(rows, top + band)):
            for column in range(columns):
                for index in range(count):
                    plane = values[:, :, index]
                    guess = predicted(plane, row, column, top, predictor, 1 << (precision - shift - 1))
                    bits += coded(int(plane[row, column]) - guess)
        bits += "1" * (-len(bits) % 8)
        body = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
        out += (bytes([0xFF, 0xD0 + (number - 1) % 8]) if number else b"") + body
    return out + b"\xff\xd9"


def coded(difference: int) -> str:
    difference = (difference + 32768) % 65536 - 32768
    if difference == -32768:
        return f"{16:05b}"
    size = abs(difference).bit_length()
    if size == 0:
        return f"{0:05b}"
    extra = difference if difference > 0 else difference + (1 << size) - 1
    return f"{size:05b}{extra:0{size}b}"


def noise(rows: int, columns: int, precision: int, count: int = 1, seed: int = 1) -> npt.NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, 1 << precision, (rows, columns, count))


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("precision", [2, 8, 12, 16])
def test_every_predictor_comes_back(predictor: int, precision: int) -> None:
    samples = noise(13, 17, precision)
    decoded = decode(encode(samples, precision, predictor))
    assert decoded.dtype == (np.uint8 if precision <= 8 else np.uint16)
    assert np.array_equal(decoded, samples[:, :, 0])


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 7),
    columns=st.integers(1, 7),
    count=st.sampled_from([1, 3]),
    precision=st.integers(2, 16),
    predictor=st.integers(1, 7),
    band=st.integers(0, 4),
    seed=st.integers(0, 99),
)
def test_every_shape_comes_back(
    rows: int, columns: int, count: int, precision: int, predictor: int, band: int, seed: int
) -> None:
    samples = noise(rows, columns, precision, count, seed)
    decoded = decode(encode(samples, precision, predictor, rows_per_restart=band))
    assert np.array_equal(decoded.reshape(samples.shape), samples)


def test_a_point_transform_gives_back_the_upper_bits() -> None:
    samples = noise(6, 6, 12)
    assert np.array_equal(decode(encode(samples, 12, shift=3)), samples[:, :, 0] >> 3 << 3)


def test_more_samples_than_one_batch_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.intake.jpeg_lossless_codes._BATCH", 10)
    samples = noise(9, 11, 12, 3)
    assert np.array_equal(decode(encode(samples, 12)), samples)


def test_what_another_encoder_wrote_is_read_alike() -> None:
    path = Path(pydicom.__file__).parent / "data" / "test_files" / "SC_rgb_jpeg_gdcm.dcm"
    dataset = pydicom.dcmread(path)
    assert dataset.file_meta.TransferSyntaxUID == JPEGLosslessSV1
    plain = pydicom.dcmread(path.with_name("SC_rgb_rle.dcm")).pixel_array
    assert np.array_equal(decode(get_frame(dataset.PixelData, 0, number_of_frames=1)), plain)


@pytest.mark.parametrize(
    ("dtype", "stored"), [(np.uint8, 8), (np.uint16, 12), (np.uint16, 16), (np.int16, 16), (np.int16, 12)]
)
def test_films_come_back_with_their_sign(dtype: type[np.integer[Any]], stored: int) -> None:
    signed = np.issubdtype(dtype, np.signedinteger)
    low, high = (-(1 << (stored - 1)), (1 << (stored - 1)) - 1) if signed else (0, (1 << stored) - 1)
    pixels = np.linspace(low, high, 120).astype(dtype).reshape(10, 12)
    dataset = film(pixels, BitsStored=stored)
    unsigned = pixels.astype(np.int64) % (1 << stored)
    dataset.PixelData = encapsulate([encode(unsigned[:, :, None], stored)])
    picture = read_picture(file_bytes(dataset, JPEGLosslessSV1))
    assert picture.pixels.dtype == dtype
    assert np.array_equal(picture.pixels, pixels)


class TestSpoiltStreams:
    WHOLE = encode(noise(12, 12, 12), 12)

    def test_cut_anywhere_are_refused(self) -> None:
        for end in range(2, len(self.WHOLE) - 2):
            with pytest.raises(CorruptStream):
                decode(self.WHOLE[:end])

    def test_without_their_last_samples_are_cut(self) -> None:
        with pytest.raises(CutStream):
            decode(self.WHOLE[:-12] + b"\xff\xd9")

    def test_with_data_left_over_are_corrupt(self) -> None:
        with pytest.raises(CorruptStream):
            decode(self.WHOLE[:-2] + b"\x12\x34\x56\xff\xd9")

    def test_beyond_their_precision_are_corrupt(self) -> None:
        with pytest.raises(CorruptStream):
            decode(encode(noise(4, 4, 16), 12))

    def test_with_a_marker_in_the_picture_are_corrupt(self) -> None:
        middle = len(self.WHOLE) - 40
        with pytest.raises(CorruptStream):
            decode(self.WHOLE[:middle] + b"\xff\xc4" + self.WHOLE[middle + 2 :])

    @pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC2, 0xC9, 0xCB])
    def test_of_another_process_are_left_to_others(self, marker: int) -> None:
        with pytest.raises(UnsupportedStream):
            decode(self.WHOLE.replace(b"\xff\xc3", bytes([0xFF, marker])))

    @settings(max_examples=150, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
    def test_give_a_picture_of_the_size_they_claim_or_one_of_our_refusals(self, changes: list[tuple[int, int]]) -> None:
        data = bytearray(self.WHOLE)
        for place, value in changes:
            data[place % len(data)] = value
        try:
            decoded = decode(bytes(data))
        except (CorruptStream, UnsupportedStream):
            return
        claimed = coded_frame(bytes(data))
        assert claimed is not None
        assert decoded.shape == (claimed.rows, claimed.columns) + (claimed.samples,) * (claimed.samples > 1)
        assert decoded.dtype == (np.uint8 if claimed.precision <= 8 else np.uint16)
        assert int(decoded.max()) < 1 << claimed.precision

    def test_in_a_film_are_refused_in_words(self) -> None:
        dataset = film(noise(12, 12, 12)[:, :, 0].astype(np.uint16))
        for data, key in (
            (self.WHOLE[:-40] + b"\xff\xd9", "intake.truncated"),
            (self.WHOLE.replace(b"\xff\xc4", b"\xff\xc5"), "intake.damaged"),
        ):
            dataset.PixelData = encapsulate([data])
            with pytest.raises(UserFacingError) as caught:
                read_picture(file_bytes(dataset, JPEGLosslessSV1))
            assert caught.value.key in {key, "intake.unsupported_transfer_syntax"}
