"""Reading a file from disk, in steps that can be watched and cancelled, or looking at it without keeping it."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np

from desktop.errors import UserFacingError, from_os_error
from desktop.intake.inspection import ContentKind, Inspection, InspectionStatus, not_inspected, tally
from desktop.intake.limits import MAX_FILE_BYTES
from desktop.intake.reader import HEADER_BYTES, READERS, read_picture, recognise, too_large
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


def survey_file(path: Path) -> Inspection:
    """What a file holds and the figures of its values; what is wrong with it is in the answer. Never raises for it."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return not_inspected(UserFacingError("intake.not_a_file"))
        with path.open("rb") as source:
            header = source.read(HEADER_BYTES)
            source.seek(0)
            reader = next((reader for reader in READERS if reader.recognises(header)), None)
            if reader is not None:
                return reader.survey(source, path)
    except OSError as error:
        return not_inspected(from_os_error(error))
    except ValueError:  # a path with a NUL in it
        return not_inspected(UserFacingError("intake.not_a_file"))
    return _survey_trace(path, header)


def _survey_trace(path: Path, header: bytes) -> Inspection:
    """A file that is no picture: a trace, or nothing this release reads."""
    from desktop.intake.ecg import find_trace, read_trace_file

    found = Inspection(InspectionStatus.OK, ContentKind.OTHER)
    try:
        if find_trace(path) is None:
            return found.failed(UserFacingError("intake.not_recognised" if header else "intake.empty"))
        found = replace(found, kind=ContentKind.WAVEFORM)
        recording = read_trace_file(path, Job()).recording
    except UserFacingError as error:
        return found.failed(error)
    counted = tally(np.asarray(trace.samples) for trace in recording.traces)
    return replace(
        found,
        modality=recording.header.modality.value,
        samples=recording.traces[0].samples.shape[-1],
        figures=counted.figures(),
    )
