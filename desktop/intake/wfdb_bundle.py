"""A WFDB record in one piece: its header and the files beside it, unchanged, in a ZIP without compression.

The clinic keeps one sealed file for each import; a record is several. The ZIP opens everywhere, so nothing is locked
in, and the same files always give the same bytes.
"""

import io
import zipfile
from collections.abc import Mapping

from desktop.errors import UserFacingError
from desktop.intake.limits import MAX_FILE_BYTES

_EPOCH = (1980, 1, 1, 0, 0, 0)
_LOCAL_FILE = b"PK\x03\x04"
_NAME_LENGTH, _NAME = 26, 30
MAX_FILES = 50_000


def is_bundle(header: bytes) -> bool:
    """Whether a file that begins so is a ZIP whose first entry is a WFDB header."""
    if not header.startswith(_LOCAL_FILE) or len(header) < _NAME:
        return False
    length = int.from_bytes(header[_NAME_LENGTH : _NAME_LENGTH + 2], "little")
    return header[_NAME : _NAME + length].lower().endswith(b".hea")


def pack(files: Mapping[str, bytes]) -> bytes:
    """The files in the given order, the record's header first."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return packed.getvalue()


def unpack(data: bytes) -> Mapping[str, bytes]:
    """The files by their plain names, in the order they lie there. Raises UserFacingError (damaged, too large)."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MAX_FILES or sum(entry.file_size for entry in entries) > MAX_FILE_BYTES:
                raise UserFacingError("intake.too_large", megabytes=MAX_FILE_BYTES // (1024 * 1024))
            return {entry.filename.rpartition("/")[2]: archive.read(entry) for entry in entries}
    # Wrong checksums, unknown compression, encryption, lying sizes: the module has no common error for them.
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError) as error:
        raise UserFacingError("ecg.damaged") from error
    except zipfile.LargeZipFile as error:
        raise UserFacingError("ecg.damaged") from error
