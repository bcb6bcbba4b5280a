"""Volume files that are not DICOM, wherever they lie: on a disk, in an archive, sealed in the clinic."""

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO, cast

from desktop.errors import UserFacingError
from desktop.intake.archive import ArchiveMember
from desktop.intake.folder import DiskSource, Source
from desktop.intake.limits import MAX_FILE_BYTES
from desktop.intake.reader import HEADER_BYTES
from desktop.intake.signatures import is_metaimage, is_nifti, is_nrrd
from desktop.intake.volume import ALONE, Around, VolumeHeader, Voxels, on_disk, slices
from desktop.intake.volume_bundle import APART, BUNDLE, is_bundle
from desktop.intake.wfdb_bundle import pack
from desktop.jobs import Job

MOST_SLICES = 10_000
"""Most slices of a volume and most moments of a series: each slice has a place of its own in memory."""


def media_type(beginning: bytes) -> str:
    """What a file is that begins so (HEADER_BYTES of it); empty where it is no volume."""
    if is_bundle(beginning):
        return BUNDLE
    if is_nifti(beginning):
        return "application/x-nifti"
    if is_nrrd(beginning):
        return "application/x-nrrd"
    return "application/x-metaimage" if is_metaimage(beginning) else ""


@contextmanager
def opened(stream: BinaryIO, around: Around = ALONE) -> Iterator[Voxels]:
    """A volume file's header, and its voxels from the first one on. Raises UserFacingError, OSError."""
    if isinstance(stream, io.RawIOBase):  # readers of text headers go byte by byte
        stream = io.BufferedReader(stream)
    beginning = stream.read(HEADER_BYTES)
    stream.seek(0)
    kind = media_type(beginning)
    if kind == BUNDLE:
        with _unbundled(stream) as (inner, beside), opened(inner, beside) as voxels:
            yield voxels
        return
    if not kind:
        raise UserFacingError("intake.not_recognised" if beginning else "intake.empty")
    with _reader(kind)(stream, around) as voxels:
        yield voxels


def _reader(kind: str) -> Callable[[BinaryIO, Around], Voxels]:
    from desktop.intake.metaimage import open_metaimage
    from desktop.intake.nifti import open_nifti
    from desktop.intake.nrrd import open_nrrd

    readers = {"application/x-nifti": open_nifti, "application/x-nrrd": open_nrrd}
    return readers.get(kind, open_metaimage)


@contextmanager
def _unbundled(stream: BinaryIO) -> Iterator[tuple[BinaryIO, Around]]:
    """The header of a bundle, and the files beside it."""
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if not entries or any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise UserFacingError("intake.damaged")
            named = {entry.filename: entry for entry in entries}

            def opens(name: str) -> BinaryIO | None:
                return io.BufferedReader(_entry(archive, named[name])) if name in named else None

            with io.BufferedReader(_entry(archive, entries[0])) as header:
                if is_bundle(header.peek(HEADER_BYTES)):  # a bundle in a bundle is nobody's volume
                    raise UserFacingError("intake.damaged")
                yield header, Around(entries[0].filename, opens)
    # Whatever is wrong shows when it is read, a checksum at the very end.
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, IndexError, EOFError, ValueError) as error:
        raise UserFacingError("intake.damaged") from error


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> io.RawIOBase:
    return cast(io.RawIOBase, archive.open(entry))


def around(source: Source) -> Around:
    """What lies in the same folder, or in the same folder of an archive."""
    if isinstance(source, DiskSource):
        return on_disk(source.path)
    name = source.name.replace("\\", "/").rpartition("/")[2]
    return Around(name, partial(_open_beside, source))


def _open_beside(source: Source, name: str) -> BinaryIO | None:
    found = _beside(source, (name,))
    return found.open() if found is not None else None


def _beside(source: Source, names: Sequence[str]) -> Source | None:
    """The first file of these names in the same folder."""
    if isinstance(source, DiskSource):
        paths = (source.path.with_name(name) for name in names)
        return next((DiskSource(path, path.stat().st_size) for path in paths if path.is_file()), None)
    if isinstance(source, ArchiveMember):
        folder = source.inner.replace("\\", "/").rpartition("/")[0]
        wanted = {f"{folder}/{name}".lstrip("/") for name in names}
        members = (one for one in source.archive.members() if one.inner.replace("\\", "/") in wanted)
        return next((one for one in members if one.error is None), None)
    return None


def headers_of(name: str) -> tuple[str, ...]:
    """The names a header may have whose voxels lie in a file of this name; none where the ending is none of theirs."""
    plain = name.replace("\\", "/").rpartition("/")[2]
    found = []
    for header, endings in APART.items():
        for ending in endings:
            if plain.lower().endswith(ending):
                found += [plain[: -len(ending)] + form for form in (header, header.upper())]
    return tuple(dict.fromkeys(found))


def header_beside(source: Source) -> Source | None:
    """The header of a file that holds nothing but voxels, None where there is none beside it."""
    names = headers_of(source.name)
    return _beside(source, names) if names else None


def prove(stream: BinaryIO, beside: Around, job: Job) -> VolumeHeader:
    """Read a volume file through: packed ones to their last voxel, plain ones to their first slice, as their length is
    known. Raises UserFacingError where it holds no grey volume or is damaged, OSError, Cancelled."""
    with opened(stream, beside) as voxels:
        header = voxels.header
        check_grey(header)
        found = slices(header, voxels.source)
        next(found)
        if isinstance(voxels.source, (io.BufferedReader, io.BytesIO, io.FileIO)):
            return header
        for number, _ in enumerate(found, 1):
            job.report("intake.progress.decoding", number, header.slices * header.times)
        return header


def check_grey(header: VolumeHeader) -> None:
    """Refuse colours, vectors and tensors, and more slices than any scan has. Raises UserFacingError."""
    if header.samples != 1:
        raise UserFacingError("intake.several_values", count=header.samples)
    if header.slices > MOST_SLICES or header.times > MOST_SLICES:
        raise UserFacingError("intake.too_many_slices", count=MOST_SLICES)


def bundled(source: Source, beside: Around) -> bytes | None:
    """Header and voxels of a volume that are two files, as one; None where it is one file. Raises UserFacingError
    where they are too large together, OSError."""
    asked: dict[str, None] = {}

    def opens(name: str) -> BinaryIO | None:
        other = beside.opens(name)
        if other is not None:
            asked[name] = None
        return other

    with source.open() as stream:
        if is_bundle(stream.read(HEADER_BYTES)):
            return None
        stream.seek(0)
        with opened(stream, Around(beside.name, opens)):
            pass
    if not asked:
        return None
    with source.open() as stream:
        files = {beside.name: _whole(stream, MAX_FILE_BYTES)}
    for name in asked:
        other = beside.opens(name)
        if other is None:  # it went away between two looks at it
            raise UserFacingError("intake.voxels_elsewhere")
        with other:
            files[name] = _whole(other, MAX_FILE_BYTES - sum(map(len, files.values())))
    return pack(files)


def _whole(stream: BinaryIO, most: int) -> bytes:
    data = stream.read(most + 1)
    if len(data) > most:
        raise UserFacingError("intake.too_large", megabytes=MAX_FILE_BYTES // (1024 * 1024))
    return data
