"""Thousands of lanes read what one loop from the first bit on reads, whatever the data."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import JPEGLossless, JPEGLosslessSV1

from desktop.intake import jpeg_lossless_lanes
from desktop.intake.codestream import coded_frame
from desktop.intake.jpeg_lossless import CorruptStream, CutStream, UnsupportedStream, decode
from desktop.intake.jpeg_lossless_codes import Codes, Windows, read_in_turn
from desktop.intake.jpeg_lossless_lanes import read_in_lanes
from desktop.intake.jpeg_lossless_predictors import undo
from tests.intake.dicom_files import file_bytes, film
from tests.intake.jpeg_lossless_encoder import Table, codes_of, encode_film

# T.81 K.3.1, which some devices use for every film, and sizes 12 to 14 behind it. No difference is "00".
USUAL = (bytes([0, 1, 5, *[1] * 9, *[0] * 4]), bytes(range(15)))
FIVE_BITS = (bytes([0, 0, 0, 0, 17, *[0] * 11]), bytes(range(17)))
# Every code and its difference have an even number of bits together: who begins at an odd bit never falls into step.
EVEN = (bytes([*[1] * 12, *[0] * 4]), bytes(range(3, 15)))


def chest(rows: int, columns: int, bits: int, noise: float, seed: int = 3) -> npt.NDArray[np.uint16]:
    """Smooth shapes and noise, like a film's."""
    down, across = np.mgrid[0:rows, 0:columns].astype(np.float64)
    top = (1 << bits) - 1
    shapes = top * (0.45 + 0.3 * np.sin(down / 90) * np.cos(across / 70))
    grain = np.random.default_rng(seed).normal(0, noise, shapes.shape)
    return np.asarray((shapes + grain).clip(0, top), dtype=np.uint16)


def table_of(coded: Table) -> Codes:
    length, size = np.zeros(65536, dtype=np.uint8), np.zeros(65536, dtype=np.uint8)
    for its_size, (code, bits) in codes_of(coded).items():
        span = slice(code << (16 - bits), (code + 1) << (16 - bits))
        length[span], size[span] = bits, its_size
    return Codes(length, size)


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize(("bits", "noise"), [(10, 3), (12, 12), (16, 500)])
def test_films_of_many_lanes_come_back(predictor: int, bits: int, noise: float) -> None:
    samples = chest(300, 400, bits, noise)
    assert np.array_equal(decode(encode_film(samples, bits, predictor)), samples)


def test_films_of_several_batches_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_lossless_lanes, "_LANES", 7)
    samples = chest(120, 90, 12, 12)
    assert np.array_equal(decode(encode_film(samples, 12)), samples)
    assert np.array_equal(decode(encode_film(samples, 12, rows_per_restart=7)), samples)


def test_a_black_surround_coded_with_the_usual_table_comes_back() -> None:
    samples = chest(300, 400, 12, 12)
    samples[70:230, :] = 0
    samples[:, 250:] = 0
    assert np.array_equal(decode(encode_film(samples, 12, tables=(USUAL,))), samples)


def test_data_that_never_falls_into_step_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_lossless_lanes, "_CODES_BEFORE", 3)
    random = np.random.default_rng(2)
    differences = random.choice([-1, 1], (200, 200)) * random.integers(4, 1 << 14, (200, 200))
    samples = undo((differences % 65536).astype(np.uint16), 1, 32768)
    walked = []
    walk = jpeg_lossless_lanes._walk

    def counted(windows: Windows, table: Codes, at: int, end: int) -> int:
        walked.append(at)
        return walk(windows, table, at, end)

    monkeypatch.setattr(jpeg_lossless_lanes, "_walk", counted)
    assert np.array_equal(decode(encode_film(samples, 16, tables=(EVEN,))), samples)
    assert len(walked) > 20


@pytest.mark.parametrize("rows_per_restart", [1, 5, 64])
def test_restarts_come_back(rows_per_restart: int) -> None:
    samples = chest(130, 200, 12, 12)
    assert np.array_equal(decode(encode_film(samples, 12, 7, rows_per_restart=rows_per_restart)), samples)


@pytest.mark.parametrize("tables", [(USUAL,), (USUAL, USUAL), (USUAL, FIVE_BITS, USUAL)])
def test_colours_come_back_from_one_table_or_several(tables: tuple[Table, ...]) -> None:
    samples = np.dstack([chest(60, 70, 8, 40, seed) for seed in range(3)])
    assert np.array_equal(decode(encode_film(samples, 8, tables=tables)), samples)


@settings(max_examples=150, deadline=None)
@given(
    data=st.binary(min_size=1, max_size=400),
    repeat=st.integers(1, 12),
    share=st.floats(0.01, 1.1),
    lanes=st.integers(1, 9),
    before=st.integers(0, 12),
    coded=st.sampled_from([USUAL, EVEN, FIVE_BITS, (bytes([0, 2, 1, *[0] * 13]), b"\x00\x05\x10")]),
)
def test_any_bits_are_read_as_one_loop_reads_them(
    data: bytes, repeat: int, share: float, lanes: int, before: int, coded: Table
) -> None:
    part = data * repeat
    count = max(1, int(share * len(part)))
    table = table_of(coded)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jpeg_lossless_lanes, "_LANES", lanes)
        patch.setattr(jpeg_lossless_lanes, "_FEWEST_CODES", 4)
        patch.setattr(jpeg_lossless_lanes, "_CODES_BEFORE", before)
        try:
            expected = read_in_turn(part, count, [table])
        except CorruptStream:
            with pytest.raises(CorruptStream):
                read_in_lanes([part], [count], table)
        else:
            assert np.array_equal(read_in_lanes([part], [count], table), expected)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    count=st.sampled_from([1, 3]),
    precision=st.integers(2, 16),
    predictor=st.integers(1, 7),
    band=st.integers(0, 6),
    flat=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_picture_comes_back(
    rows: int, columns: int, count: int, precision: int, predictor: int, band: int, flat: bool, seed: int
) -> None:
    random = np.random.default_rng(seed)
    samples = random.integers(0, 2 if flat else 1 << precision, (rows, columns, count))
    decoded = decode(encode_film(samples, precision, predictor, rows_per_restart=band))
    assert np.array_equal(decoded.reshape(samples.shape), samples)


class TestSpoiltFilms:
    SAMPLES = chest(40, 60, 12, 12)
    WHOLE = encode_film(SAMPLES, 12, rows_per_restart=16)

    @settings(max_examples=200, deadline=None)
    @given(
        changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
        head=st.booleans(),
    )
    def test_are_refused_or_have_the_size_they_claim(self, changes: list[tuple[float, int]], head: bool) -> None:
        data = bytearray(self.WHOLE)
        for place, value in changes:
            data[int(place * (160 if head else len(data)))] = value
        try:
            decoded = decode(bytes(data))
        except (CorruptStream, UnsupportedStream):
            return
        claimed = coded_frame(bytes(data))
        assert claimed is not None
        assert decoded.shape == (claimed.rows, claimed.columns)
        assert int(decoded.max()) < 1 << claimed.precision

    def test_cut_anywhere_are_refused(self) -> None:
        for end in range(2, len(self.WHOLE) - 2, 7):
            with pytest.raises(CorruptStream):
                decode(self.WHOLE[:end])
            with pytest.raises(CorruptStream):
                decode(self.WHOLE[:end] + b"\xff\xd9")

    def test_that_claim_more_than_they_hold_take_no_memory(self) -> None:
        whole = encode_film(self.SAMPLES, 12)
        size = (40).to_bytes(2, "big") + (60).to_bytes(2, "big")
        huge = whole.replace(size, (60_000).to_bytes(2, "big") + (1_600).to_bytes(2, "big"), 1)
        tracemalloc.start()
        try:
            with pytest.raises(CutStream):
                decode(huge)
            assert tracemalloc.get_traced_memory()[1] < 10_000_000
        finally:
            tracemalloc.stop()

    def test_that_hold_more_than_they_claim_are_corrupt(self) -> None:
        whole = encode_film(self.SAMPLES, 12)
        size = (40).to_bytes(2, "big") + (60).to_bytes(2, "big")
        for rows, columns in ((1, 1), (39, 60), (1, 60)):
            with pytest.raises(CorruptStream, match="left over"):
                decode(whole.replace(size, rows.to_bytes(2, "big") + columns.to_bytes(2, "big"), 1))


class TestBesideGdcm:
    """GDCM, in SimpleITK: another hand's encoder and decoder."""

    @pytest.mark.parametrize(("bits", "noise"), [(8, 2), (12, 12), (16, 500)])
    def test_what_it_writes_is_read(self, tmp_path: Path, bits: int, noise: float) -> None:
        samples = chest(150, 200, bits, noise).astype(np.uint8 if bits == 8 else np.uint16)
        path = tmp_path / "film.dcm"
        writer: Any = SimpleITK.ImageFileWriter()  # type: ignore[no-untyped-call]  # SimpleITK has no types
        writer.SetFileName(str(path))
        writer.UseCompressionOn()
        writer.SetCompressor("JPEG")
        writer.Execute(SimpleITK.GetImageFromArray(samples))
        dataset = dcmread(path)
        assert dataset.file_meta.TransferSyntaxUID == JPEGLosslessSV1
        assert np.array_equal(decode(get_frame(dataset.PixelData, 0, number_of_frames=1)), samples)

    @pytest.mark.parametrize("predictor", range(1, 8))
    def test_it_reads_what_we_test_with(self, tmp_path: Path, predictor: int) -> None:
        samples = chest(150, 200, 12, 12)
        dataset = film(samples)
        dataset.PixelData = encapsulate([encode_film(samples, 12, predictor)])
        path = tmp_path / "film.dcm"
        path.write_bytes(file_bytes(dataset, JPEGLossless))
        assert np.array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))[0], samples)
