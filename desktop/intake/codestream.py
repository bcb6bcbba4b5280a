"""What a compressed picture says about its own size, read before a decoder written in C sees it.

A file whose two headers disagree is damaged or hostile: memory is reserved for one size and filled for another.
"""

from dataclasses import dataclass, replace

_JP2 = b"\0\0\0\x0cjP  "
_J2K_START = b"\xff\x4f\xff\x51"
_J2K_SEARCH = 4096
_STANDALONE = frozenset((0x01, *range(0xD0, 0xD9)))
_FRAME_MARKERS = frozenset((*range(0xC0, 0xD0), 0xF7)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN = 0xDA
_END = b"\xff\xd9"
_TRAILING = 16


@dataclass(frozen=True)
class CodedFrame:
    """Size of a coded picture. precision: bits per sample. complete: whether its end marker is there."""

    rows: int
    columns: int
    samples: int
    precision: int
    complete: bool


def coded_frame(data: bytes) -> CodedFrame | None:
    """The size a JPEG, JPEG-LS or JPEG 2000 codestream claims, or None where it has no readable frame header."""
    if data.startswith(_JP2) and not _boxes_lead_on(data):
        return None
    complete = _END in data[-_TRAILING:]
    start = data[:_J2K_SEARCH].find(_J2K_START)
    if start >= 0:
        return _jpeg2000(data[start + 4 : start + 64], complete)
    return _jpeg(data, complete)


def _boxes_lead_on(data: bytes) -> bool:
    """Whether the boxes of a JP2 file lead to its codestream (ISO/IEC 15444-1 I.4). pydicom follows them too, and does
    not come back from a box without a length."""
    at = len(_JP2) + 4
    while at + 8 <= len(data):
        if data[at + 4 : at + 8] == b"jp2c":
            return True
        length = int.from_bytes(data[at : at + 4], "big")
        if length < 8:
            return False
        at += length
    return False


def _jpeg2000(size: bytes, complete: bool) -> CodedFrame | None:
    """SIZ marker segment (ISO/IEC 15444-1 A.5.1), from its length field on."""
    if len(size) < 39:
        return None
    x_end, y_end, x_start, y_start = (int.from_bytes(size[at : at + 4], "big") for at in (4, 8, 12, 16))
    samples = int.from_bytes(size[36:38], "big")
    return CodedFrame(y_end - y_start, x_end - x_start, samples, (size[38] & 0x7F) + 1, complete)


def _jpeg(data: bytes, complete: bool) -> CodedFrame | None:
    found = _frame_header(data)
    return replace(found[0], complete=complete) if found is not None else None


def _frame_header(data: bytes) -> tuple[CodedFrame, bytes] | None:
    """First frame header of a JPEG or JPEG-LS, and its components' names (ITU-T T.81 B.2.2, T.87 C.2.2)."""
    if not data.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker in _STANDALONE:
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _FRAME_MARKERS:
            body = data[at + 4 : at + 2 + length]
            if len(body) < 6:
                return None
            size = CodedFrame(
                rows=int.from_bytes(body[1:3], "big"),
                columns=int.from_bytes(body[3:5], "big"),
                samples=body[5],
                precision=body[0],
                complete=False,
            )
            return size, body[6::3]
        if marker == _START_OF_SCAN or length < 2:
            return None
        at += 2 + length
    return None


def colours_of(data: bytes, photometric: str) -> str:
    """What the components of a JPEG mean, by its own marks, where they contradict the data set's word.

    Components named R, G and B are those; a JFIF mark means brightness and chroma (what pydicom goes by, too).
    """
    head = data[:_J2K_SEARCH]
    frame = _frame_header(head)
    if frame is None or frame[0].samples != 3:
        return photometric
    names = frame[1]
    if names in (b"RGB", b"rgb"):
        return "RGB"
    return "YBR_FULL" if head[6:10] == b"JFIF" and "YBR" not in photometric else photometric
