"""How a file format shows in its first bytes."""

import struct
import zlib

_PREAMBLE = 128
_VALUE_REPRESENTATIONS = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)
_MAX_FIRST_LENGTH = 1024

GZIP = b"\x1f\x8b"
NIFTI_MAGICS = (b"n+1\0", b"ni1\0", b"n+2\0", b"ni2\0")
NIFTI_VERSIONS = ((348, 344), (540, 4))
"""Length of the header and place of the magic word, of NIfTI-1 and NIfTI-2."""

_EBML = b"\x1a\x45\xdf\xa3"
_MPEG = (b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")
_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free")
_STILLS = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"crx ")


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


def is_bmp(header: bytes) -> bool:
    """BM, and a header of one of the lengths there are."""
    return header.startswith(b"BM") and header[14:18] in tuple(
        bytes((size, 0, 0, 0)) for size in (12, 40, 52, 56, 108, 124)
    )


def is_nifti(header: bytes) -> bool:
    """A NIfTI header, plain or as the beginning of a gzip stream."""
    if header.startswith(GZIP):
        try:
            header = zlib.decompressobj(31).decompress(header, 540)
        except zlib.error:
            return False
    return nifti_version(header) is not None


def nifti_version(header: bytes) -> tuple[int, str] | None:
    """The length of a NIfTI header, which tells its version, and its byte order; None where it is none."""
    for length, place in NIFTI_VERSIONS:
        if header[place : place + 4] in NIFTI_MAGICS and len(header) >= length:
            for order in "<>":
                if header[:4] == struct.pack(f"{order}i", length):
                    return length, order
    return None


def is_nrrd(header: bytes) -> bool:
    """The magic line."""
    return header.startswith(b"NRRD000")


def is_metaimage(header: bytes) -> bool:
    """An image's first key. Other kinds of MetaIO objects hold no voxels."""
    first = header[:64].split(b"\n")[0].replace(b" ", b"")
    return first.startswith(b"ObjectType=Image") or (first.startswith(b"NDims=") and b"DimSize" in header)


def is_pdf(header: bytes) -> bool:
    """The version line, which other writings may precede (ISO 32000-1 7.5.2, and its readers' tolerance)."""
    return b"%PDF-" in header[:1024]


def is_video(header: bytes) -> bool:
    """MP4 and QuickTime, AVI, Matroska and WebM, MPEG program streams. Playlists, which name other files, are none."""
    if header[4:8] in _ATOMS:
        return header[8:12] not in _STILLS
    return header[:4] in (_EBML, *_MPEG) or (header[:4] == b"RIFF" and header[8:12] == b"AVI ")
