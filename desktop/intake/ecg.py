"""Traces in: every format Lantern reads electrocardiograms and other signals from."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from desktop.errors import UserFacingError, from_os_error
from desktop.intake.ecg_parts import Neighbours, no_neighbours
from desktop.intake.limits import MAX_FILE_BYTES
from desktop.jobs import Job
from desktop.records import Recording

HEADER_BYTES = 4096
"""How much of a file's beginning `TraceReader.recognises` looks at."""

WFDB_BUNDLE = "application/x-wfdb+zip"


@dataclass(frozen=True)
class TraceReader:
    """One file format of traces.

    recognises: whether a file's first bytes (up to HEADER_BYTES) are of this format. decode: all bytes of a file, and
    a way to ask for the files beside it, to its recording; raises UserFacingError only.
    """

    media_type: str
    recognises: Callable[[bytes], bool]
    decode: Callable[[bytes, Neighbours], Recording]


# The decoders are imported on first use: pydicom and scipy would slow down every start of the window.


def _is_waveform(header: bytes) -> bool:
    if header[128:132] != b"DICM" and header[:2] not in (b"\x02\0", b"\x08\0", b"\0\x02", b"\0\x08"):
        return False
    from desktop.intake.ecg_dicom import is_waveform

    return is_waveform(header)


def _decode_dicom(data: bytes, _neighbours: Neighbours) -> Recording:
    from desktop.intake.ecg_dicom import decode

    return decode(data)


def _is_scp(header: bytes) -> bool:
    from desktop.intake.scp import is_scp

    return is_scp(header)


def _decode_scp(data: bytes, _neighbours: Neighbours) -> Recording:
    from desktop.intake.scp import decode

    return decode(data)


def _is_edf(header: bytes) -> bool:
    if not header.startswith((b"0       ", b"\xffBIOSEMI")):
        return False
    from desktop.intake.edf import is_edf

    return is_edf(header)


def _decode_edf(data: bytes, _neighbours: Neighbours) -> Recording:
    from desktop.intake.edf import decode

    return decode(data)


def _is_aecg(header: bytes) -> bool:
    if b"<" not in header:
        return False
    from desktop.intake.aecg import is_aecg

    return is_aecg(header)


def _decode_aecg(data: bytes, _neighbours: Neighbours) -> Recording:
    from desktop.intake.aecg import decode

    return decode(data)


def _is_wfdb(header: bytes) -> bool:
    from desktop.intake.wfdb_header import is_header

    return is_header(header)


def _decode_wfdb(data: bytes, neighbours: Neighbours) -> Recording:
    from desktop.intake.wfdb import decode

    return decode(data, neighbours)


def _is_bundle(header: bytes) -> bool:
    from desktop.intake.wfdb_bundle import is_bundle

    return is_bundle(header)


def _decode_bundle(data: bytes, _neighbours: Neighbours) -> Recording:
    from desktop.intake.wfdb import decode
    from desktop.intake.wfdb_bundle import unpack

    files = unpack(data)
    first = next(iter(files.values()), b"")
    return decode(first, files.get)


def _is_table(header: bytes) -> bool:
    from desktop.intake.ecg_csv import is_ecg_table

    return is_ecg_table(header)


def _decode_table(data: bytes, _neighbours: Neighbours) -> Recording:
    from desktop.intake.ecg_csv import decode

    return decode(data)


TRACE_READERS: tuple[TraceReader, ...] = (
    TraceReader("application/dicom", _is_waveform, _decode_dicom),
    TraceReader("application/x-scp-ecg", _is_scp, _decode_scp),
    TraceReader("application/edf", _is_edf, _decode_edf),
    TraceReader("application/vnd.hl7-aecg+xml", _is_aecg, _decode_aecg),
    TraceReader(WFDB_BUNDLE, _is_bundle, _decode_bundle),
    TraceReader("application/x-wfdb-header", _is_wfdb, _decode_wfdb),
    TraceReader("text/csv", _is_table, _decode_table),
)
"""Every format of traces this release reads, in the order they are asked."""


def trace_reader(header: bytes) -> TraceReader | None:
    """The reader for a file that begins with `header`, None where it is no trace."""
    return next((reader for reader in TRACE_READERS if reader.recognises(header[:HEADER_BYTES])), None)


def read_recording(data: bytes, neighbours: Neighbours = no_neighbours) -> Recording:
    """The recording in a file's bytes. Raises UserFacingError whatever is wrong with them."""
    if len(data) > MAX_FILE_BYTES:
        raise UserFacingError("intake.too_large", megabytes=MAX_FILE_BYTES // (1024 * 1024))
    reader = trace_reader(data[:HEADER_BYTES])
    if reader is None:
        raise UserFacingError("ecg.not_recognised" if data else "intake.empty")
    return reader.decode(data, neighbours)


@dataclass(frozen=True, eq=False)
class TraceFile:
    """A file that was read: what is kept of it, and the recording. data: the file's own bytes, or for a WFDB record a
    bundle of all its files; media_type: of `data`."""

    data: bytes
    media_type: str
    recording: Recording


def find_trace(path: Path) -> Path | None:
    """The file to read for a path that is a trace or belongs to one: a WFDB header for the signal and annotation files
    beside it; None where the path is no trace. Raises KnownFailure where the system cannot read it."""
    header = path.with_suffix(".hea")
    if path.suffix.lower() in (".dat", ".atr", ".qrs", ".mat", ".xyz") and header.is_file():
        return header
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        with path.open("rb") as source:
            return path if trace_reader(source.read(HEADER_BYTES)) is not None else None
    except OSError as error:
        raise from_os_error(error) from error
    except ValueError:  # a path with a NUL in it
        return None


def read_trace_file(path: Path, job: Job) -> TraceFile:
    """A trace from disk, with whatever lies beside it and belongs to it.

    Raises UserFacingError, KnownFailure where the system cannot read it, Cancelled.
    """
    found = find_trace(path)
    if found is None:
        raise UserFacingError("ecg.not_recognised")
    job.report("intake.progress.reading")
    data = _bytes(found)
    reader = trace_reader(data[:HEADER_BYTES])
    if reader is None:
        raise UserFacingError("ecg.not_recognised")
    beside = _Beside(found.parent, job)
    job.report("ecg.progress.decoding")
    recording = reader.decode(data, beside)
    job.check()
    if reader.recognises is not _is_wfdb:
        return TraceFile(data, reader.media_type, recording)
    from desktop.intake.wfdb import files_of
    from desktop.intake.wfdb_bundle import pack

    files = {found.name: data}
    for name in files_of(data, beside):
        inner = beside(name)
        if inner is not None:
            files[name] = inner
    return TraceFile(pack(files), WFDB_BUNDLE, recording)


class _Beside:
    """The files in one folder by their plain names, each read once; all together no more than one file may have."""

    def __init__(self, folder: Path, job: Job) -> None:
        self._folder = folder
        self._job = job
        self._read: dict[str, bytes | None] = {}
        self._room = MAX_FILE_BYTES

    def __call__(self, name: str) -> bytes | None:
        if name not in self._read:
            self._job.check()
            path = self._folder / name
            known = path.parent == self._folder and path.is_file()
            self._read[name] = data = _bytes(path, self._room) if known else None
            self._room -= len(data or b"")
        return self._read[name]


def _bytes(path: Path, most: int = MAX_FILE_BYTES) -> bytes:
    try:
        with path.open("rb") as source:
            data = source.read(most + 1)
    except OSError as error:
        raise from_os_error(error) from error
    if len(data) > most:
        raise UserFacingError("intake.too_large", megabytes=MAX_FILE_BYTES // (1024 * 1024))
    return data
