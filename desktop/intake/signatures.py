"""How a file format shows in its first bytes."""

_PREAMBLE = 128
_VALUE_REPRESENTATIONS = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)
_MAX_FIRST_LENGTH = 1024


def is_png(header: bytes) -> bool:
    """PNG signature (PNG specification 5.2)."""
    return header.startswith(b"\x89PNG\r\n\x1a\n")


def is_jpeg(header: bytes) -> bool:
    """Start of image followed by another marker."""
    return header.startswith(b"\xff\xd8\xff")


def is_tiff(header: bytes) -> bool:
    """Classic TIFF or BigTIFF of either byte order."""
    return header[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def is_dicom(header: bytes) -> bool:
    """A DICOM file with its `DICM` prefix (PS3.10 7.1), or a data set without preamble.

    Without the prefix the first element must be of group 0002 or 0008 with a plausible length, in little endian with
    explicit or implicit VR or in explicit big endian: old acquisition stations write such files.
    """
    if header[_PREAMBLE : _PREAMBLE + 4] == b"DICM":
        return True
    if len(header) < 8 or header[:2] not in (b"\x02\0", b"\x08\0", b"\0\x02", b"\0\x08"):
        return False
    big_endian = header[0] == 0
    element = int.from_bytes(header[2:4], "big" if big_endian else "little")
    if element > 0x0100:
        return False
    if header[4:6] in _VALUE_REPRESENTATIONS:
        length = int.from_bytes(header[6:8], "big" if big_endian else "little")
        return length <= _MAX_FIRST_LENGTH
    return not big_endian and int.from_bytes(header[4:8], "little") <= _MAX_FIRST_LENGTH
