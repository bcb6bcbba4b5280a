"""Reading a file from disk, in steps that can be watched and cancelled."""

import os
import stat
from pathlib import Path

from desktop.errors import UserFacingError, from_os_error
from desktop.intake.limits import MAX_FILE_BYTES
from desktop.intake.reader import HEADER_BYTES, read_picture, recognise, too_large
from desktop.jobs import Job
from desktop.records import Picture

_STEP = 4 * 1024 * 1024


def read_bytes(path: Path, job: Job) -> bytes:
    """All bytes of a file of a known format.

    Raises UserFacingError where it is no ordinary file, is of no known format or too large (only the beginning is
    read then), KnownFailure where the system cannot read it, Cancelled.
    """
    try:
        state = os.stat(path)
        # A pipe or a device would block this program for ever.
        if not stat.S_ISREG(state.st_mode):
            raise UserFacingError("intake.not_a_file")
        if state.st_size > MAX_FILE_BYTES:
            raise too_large()
        with path.open("rb") as source:
            parts = [source.read(HEADER_BYTES)]
            recognise(parts[0])
            done = len(parts[0])
            job.report("intake.progress.reading", done, state.st_size)
            while part := source.read(_STEP):
                parts.append(part)
                done += len(part)
                if done > MAX_FILE_BYTES:  # it grows while it is read
                    raise too_large()
                job.report("intake.progress.reading", done, state.st_size)
    except OSError as error:
        raise from_os_error(error) from error
    except ValueError as error:  # a path with a NUL in it
        raise UserFacingError("intake.not_a_file") from error
    return b"".join(parts)


def read_file(path: Path, job: Job) -> tuple[bytes, Picture]:
    """A file's bytes, unchanged, and the picture in them. Raises UserFacingError, KnownFailure, Cancelled."""
    data = read_bytes(path, job)
    job.report("intake.progress.decoding")
    picture = read_picture(data)
    job.check()
    return data, picture
