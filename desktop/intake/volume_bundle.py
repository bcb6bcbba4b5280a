"""A volume whose header and voxels are two files, in one piece: both unchanged in a ZIP without compression, the
header first. It opens everywhere, and the same files always give the same bytes (`wfdb_bundle.pack`)."""

import struct
from pathlib import PurePosixPath

BUNDLE = "application/x-volume+zip"
APART = {".hdr": (".img", ".img.gz"), ".nhdr": (".raw", ".raw.gz", ".img"), ".mhd": (".raw", ".zraw", ".img")}
"""Endings of headers that stand by themselves, and those of the voxels beside them."""

_LOCAL_FILE = struct.Struct("<4s2xHHHH12xH2x")
_STORED, _MIDNIGHT, _NEW_YEAR_1980 = 0, 0, 0x0021


def is_bundle(beginning: bytes) -> bool:
    """Whether a file that begins so is such a ZIP: its first entry is a header, stored, with no date of its own."""
    if len(beginning) < _LOCAL_FILE.size:
        return False
    magic, _, method, time, date, length = _LOCAL_FILE.unpack_from(beginning)
    if magic != b"PK\x03\x04" or (method, time, date) != (_STORED, _MIDNIGHT, _NEW_YEAR_1980):
        return False
    name = beginning[_LOCAL_FILE.size : _LOCAL_FILE.size + length].decode("latin-1").lower()
    return PurePosixPath(name).suffix in APART and "/" not in name
