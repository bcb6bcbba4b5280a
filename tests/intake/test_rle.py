"""PackBits by another library's decoder: what it reads, and what it refuses."""

from itertools import pairwise
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.pixels.decoders.rle import _rle_decode_segment
from pydicom.pixels.encoders.native import _encode_segment

from desktop.intake import rle
from desktop.intake.rle import BadRle


def framed(*segments: bytes) -> bytes:
    """A frame of these segments behind its header."""
    offsets = np.cumsum([64, *(len(segment) for segment in segments[:-1])])
    header = np.zeros(16, "<u4")
    header[0] = len(segments)
    header[1 : 1 + len(offsets)] = offsets
    return header.tobytes() + b"".join(segments)


def unpacked(frame: bytes, rows: int, columns: int, segments: int = 1) -> list[npt.NDArray[np.uint8]]:
    """All segments."""
    return list(rle.decode_rle(frame, rows, columns, segments))


def spoilt(draw: Random) -> tuple[bytes, int, int, int]:
    """A frame with, mostly, something wrong in it, and its rows, columns and segments."""
    rows, columns, count = draw.randint(1, 12), draw.randint(1, 40), draw.choice((1, 2, 3, 4))
    values = np.random.default_rng(draw.randrange(1 << 30)).integers(0, draw.choice((2, 256)), rows * columns, np.uint8)
    row = draw.choice((columns, rows * columns))
    frame = bytearray(framed(*[bytes(_encode_segment(values.tobytes(), columns=row))] * count))
    for _ in range(draw.choice((0, 1, 1, 2, 5))):
        what = draw.random()
        if what < 0.7 and frame:
            frame[draw.randrange(len(frame))] = draw.choice((0, 1, 127, 128, 129, 255, draw.randrange(256)))
        elif what < 0.85:
            del frame[draw.randint(50, len(frame)) :]
        else:
            frame += draw.randbytes(draw.randint(1, 9))
    return bytes(frame), rows, columns, count


def reference(frame: bytes, values: int, segments: int) -> bytes | None:
    """What pydicom's decoder makes of it; None where that is too little, or there is another number of segments."""
    if len(frame) < 64 or int.from_bytes(frame[:4], "little") != segments:
        return None
    offsets = [*np.frombuffer(frame[4 : 4 + 4 * segments], "<u4").tolist(), len(frame)]
    if offsets[0] < 64 or sorted(offsets) != offsets:
        return None
    parts = [bytes(_rle_decode_segment(frame[low:high]))[:values] for low, high in pairwise(offsets)]
    return b"".join(parts) if all(len(part) == values for part in parts) else None


@pytest.mark.parametrize("least", [0, 1 << 62], ids=["at once", "one by one"])
def test_spoilt_frames_are_read_as_another_decoder_reads_them_or_refused(
    monkeypatch: pytest.MonkeyPatch, least: int
) -> None:
    monkeypatch.setattr(rle, "_WORTH_IT", least)
    draw = Random(5)
    whole = refused = 0
    for _ in range(400):
        frame, rows, columns, segments = spoilt(draw)
        expected = reference(frame, rows * columns, segments)
        try:
            assert rle.decode_rle(frame, rows, columns, segments).tobytes() == expected
            whole += 1
        except BadRle:
            refused += expected is not None
    assert whole > 150
    # A last code that asks for more than is there is forgiven by some.
    assert refused < 20


def test_a_large_frame_goes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_again(packed: bytes, values: int) -> bytes:
        raise AssertionError

    monkeypatch.setattr(rle, "_unpack", not_again)
    values = np.random.default_rng(2).integers(0, 3, (250, 300), dtype=np.uint8)
    packed = bytes(_encode_segment(values.tobytes(), columns=300))
    for segments in (1, 3):
        found = unpacked(framed(*[packed] * segments), 250, 300, segments)
        assert all(np.array_equal(one.reshape(250, 300), values) for one in found)


def test_rows_packed_one_by_one() -> None:
    values = np.random.default_rng(1).integers(0, 3, (20, 30), dtype=np.uint8)
    packed = bytes(_encode_segment(values.tobytes(), columns=30))
    assert bytes(_rle_decode_segment(packed)) == values.tobytes()
    (found,) = unpacked(framed(packed), 20, 30)
    assert np.array_equal(found.reshape(20, 30), values)


def test_codes_that_reach_over_the_end_of_a_row() -> None:
    (found,) = unpacked(framed(b"\xf9\x07\x07abcdefgh"), 4, 4)
    assert found.tobytes() == b"\x07" * 8 + b"abcdefgh"


def test_no_code_is_cut_at_the_end_of_a_row() -> None:
    """Two bytes of the run belong to the second row; what lies behind the picture does not."""
    packed = b"\x00\x01\xfd\x02\x03wxyz"
    assert bytes(_rle_decode_segment(packed)) == b"\1\2\2\2\2wxyz"
    (found,) = unpacked(framed(packed), 2, 3)
    assert found.tobytes() == b"\1\2\2\2\2w"


def test_a_code_that_means_nothing_is_passed_over() -> None:
    (found,) = unpacked(framed(b"\x80\x02abc\x80\xfeZ\x00"), 2, 3)
    assert found.tobytes() == b"abcZZZ"


def test_several_segments() -> None:
    high, low = unpacked(framed(b"\xfd\x01", b"\xfd\x02"), 2, 2, 2)
    assert (high.tolist(), low.tolist()) == ([1] * 4, [2] * 4)


@pytest.mark.parametrize(
    ("frame", "cut"),
    [
        (framed(b"\x02ab"), True),
        (framed(b""), True),
        (framed(b"\xfdx", b"\xfdx"), False),
        (b"\1\0\0\0", False),
        ((1).to_bytes(4, "little") + (9999).to_bytes(4, "little") + bytes(56) + b"\xfdx", True),
        ((1).to_bytes(4, "little") + (3).to_bytes(4, "little") + bytes(56) + b"\xfdx", False),
    ],
)
def test_what_contradicts_itself_is_refused(frame: bytes, cut: bool) -> None:
    with pytest.raises(BadRle) as caught:
        unpacked(frame, 2, 2)
    assert caught.value.cut is cut
