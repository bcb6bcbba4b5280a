"""PackBits by another library's decoder: what it reads, and what it refuses."""

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.pixels.decoders.rle import _rle_decode_segment
from pydicom.pixels.encoders.native import _encode_segment

from desktop.intake.rle import BadRle, decode_rle


def framed(*segments: bytes) -> bytes:
    """A frame of these segments behind its header."""
    offsets = np.cumsum([64, *(len(segment) for segment in segments[:-1])])
    header = np.zeros(16, "<u4")
    header[0] = len(segments)
    header[1 : 1 + len(offsets)] = offsets
    return header.tobytes() + b"".join(segments)


def unpacked(frame: bytes, rows: int, columns: int, segments: int = 1) -> list[npt.NDArray[np.uint8]]:
    """All segments."""
    return list(decode_rle(frame, rows, columns, segments))


def test_rows_packed_one_by_one() -> None:
    values = np.random.default_rng(1).integers(0, 3, (20, 30), dtype=np.uint8)
    packed = bytes(_encode_segment(values.tobytes(), columns=30))
    assert bytes(_rle_decode_segment(packed)) == values.tobytes()
    (found,) = unpacked(framed(packed), 20, 30)
    assert np.array_equal(found.reshape(20, 30), values)


def test_codes_that_reach_over_the_end_of_a_row() -> None:
    (found,) = unpacked(framed(b"\xf9\x07\x07abcdefgh"), 4, 4)
    assert found.tobytes() == b"\x07" * 8 + b"abcdefgh"


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
