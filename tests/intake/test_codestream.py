"""What a coded picture says of its own size, however its boxes lie."""

import pytest

from desktop.intake.codestream import CodedFrame, coded_frame

SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
SIZ = b"".join(
    [
        b"\xff\x4f\xff\x51",
        (41).to_bytes(2, "big"),
        bytes(2),
        *(value.to_bytes(4, "big") for value in (40, 30, 0, 0, 40, 30, 0, 0)),
        (1).to_bytes(2, "big"),
        b"\x0b\x01\x01",
    ]
)
STREAM = SIZ + bytes(40) + b"\xff\xd9"


def box(kind: bytes, content: bytes, length: int | None = None) -> bytes:
    return (len(content) + 8 if length is None else length).to_bytes(4, "big") + kind + content


def test_a_jpeg_2000_picture_in_its_boxes_or_bare() -> None:
    expected = CodedFrame(rows=30, columns=40, samples=1, precision=12, complete=True)
    assert coded_frame(STREAM) == expected
    assert coded_frame(SIGNATURE + box(b"ftyp", b"jp2 ") + box(b"jp2c", STREAM)) == expected
    assert coded_frame(SIGNATURE + box(b"ftyp", b"jp2 ") + box(b"jp2c", STREAM, 0)) == expected


@pytest.mark.parametrize("length", [0, 1, 7, 0xFFFFFFFF])
def test_boxes_that_lead_nowhere_are_no_picture(length: int) -> None:
    """A box without a length has kept a decoder busy for ever."""
    assert coded_frame(SIGNATURE + box(b"ftyp", b"jp2 ", length) + box(b"jp2c", STREAM)) is None
    assert coded_frame(SIGNATURE) is None
