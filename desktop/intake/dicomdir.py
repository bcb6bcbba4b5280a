"""DICOMDIR, the table of contents of a disc (PS3.3 F.3, PS3.10 8): what lies where, without opening every file.

It saves a slow drive from being read twice, and it is believed only as far as it is true: each file it lists must be
there. Whoever uses it compares a file's own header besides.
"""

import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import Dataset
from pydicom.filereader import dcmread

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import Fields
from desktop.intake.dicom_file import Budgeted  # importing it quiets pydicom

_MOST_BYTES = 64 * 1024 * 1024
_MOST_RECORDS = 200_000
_IN_USE, _NOT_IN_USE = 0xFFFF, 0
_VERSION = re.compile(r";\d+$")


@dataclass(frozen=True)
class Listed:
    """What a directory says of one file. path: where it lies."""

    path: Path
    patient_name: str
    patient_number: str
    study_uid: str
    series_uid: str
    instance_uid: str
    modality: str


@dataclass(frozen=True)
class Directory:
    """A DICOMDIR that could be read. listed: of each file that is there. missing: how many are not."""

    path: Path
    listed: tuple[Listed, ...]
    missing: int

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are there, in its order; none where it lists others that are not: then it is not true."""
        return () if self.missing else tuple(dict.fromkeys(one.path for one in self.listed))


def read_directory(path: Path) -> Directory | None:
    """A DICOMDIR and the files beside it that it speaks of; None where it cannot be read. Raises OSError."""
    if path.stat().st_size > _MOST_BYTES:
        return None
    try:
        with warnings.catch_warnings(), path.open("rb") as stream:
            warnings.simplefilter("ignore")  # pydicom's words can hold a patient's name
            records = _records(stream)
            found, missing = _resolved(path.parent, records)
    except OSError as error:
        if error.errno is not None:
            raise
        return None
    except Exception:  # a damaged one fails in ways nobody has listed
        return None
    return Directory(path, tuple(found), missing)


@dataclass(frozen=True)
class _Leaf:
    """One file's record, with those above it."""

    record: Fields
    series: Fields | None
    study: Fields | None
    patient: Fields | None


def _records(stream: BinaryIO) -> list[_Leaf]:
    """Every record that names a file. Raises whatever a damaged directory makes the parser raise."""
    source = Budgeted(stream)
    dataset = dcmread(source, force=True)
    items = list(dataset.DirectoryRecordSequence)
    if source.ran_over or len(items) > _MOST_RECORDS:
        raise UserFacingError("intake.damaged")
    above: dict[str, Fields] = {}
    found: list[_Leaf] = []
    for item in _by_links(dataset, items) or items:
        fields = Fields(item)
        kind = fields.text("DirectoryRecordType").upper()
        if kind == "PATIENT":
            above = {kind: fields}
        elif kind == "STUDY":
            above = {key: value for key, value in above.items() if key == "PATIENT"} | {kind: fields}
        elif kind == "SERIES":
            above = {key: value for key, value in above.items() if key != "SERIES"} | {kind: fields}
        if "ReferencedFileID" in item:
            found.append(_Leaf(fields, above.get("SERIES"), above.get("STUDY"), above.get("PATIENT")))
    return found


def _by_links(dataset: Dataset, items: list[Dataset]) -> list[Dataset]:
    """The records from the root down, each before those below it; nothing where the links lead astray."""
    places = {getattr(item, "seq_item_tell", None): item for item in items}
    found: list[Dataset] = []
    seen: set[int] = set()
    waiting = [_offset(dataset, "OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity")]
    while waiting:
        place = waiting.pop()
        if not place:
            continue
        item = places.get(place)
        if item is None or place in seen:
            return []
        seen.add(place)
        waiting.append(_offset(item, "OffsetOfTheNextDirectoryRecord"))
        if item.get("RecordInUseFlag", _IN_USE) != _NOT_IN_USE:
            found.append(item)
            waiting.append(_offset(item, "OffsetOfReferencedLowerLevelDirectoryEntity"))
    return found


def _offset(dataset: Dataset, keyword: str) -> int:
    return Fields(dataset).integer(keyword) or 0


def _resolved(folder: Path, leaves: list[_Leaf]) -> tuple[list[Listed], int]:
    names = _Names(folder)
    found, missing = [], 0
    for leaf in leaves:
        parts = [str(part) for part in leaf.record.values("ReferencedFileID")]
        path = names.find(parts)
        if path is None:
            missing += 1
            continue
        found.append(
            Listed(
                path,
                _text(leaf.patient, "PatientName"),
                _text(leaf.patient, "PatientID"),
                _text(leaf.study, "StudyInstanceUID"),
                _text(leaf.series, "SeriesInstanceUID"),
                leaf.record.text("ReferencedSOPInstanceUIDInFile"),
                _text(leaf.series, "Modality"),
            )
        )
    return found, missing


def _text(fields: Fields | None, keyword: str) -> str:
    if fields is None:
        return ""
    return "=".join(fields.name_groups(keyword)) if keyword == "PatientName" else fields.text(keyword)


class _Names:
    """Files of a disc by the names a DICOMDIR gives them: systems show those of ISO 9660 in lower case, with a version
    (`;1`) or a last dot, or without. A name is looked up in its folder's list, so none leads out of the disc."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lists: dict[Path, dict[str, Path]] = {}

    def find(self, parts: list[str]) -> Path | None:
        """The file of that name, None where it is not there."""
        place = self._folder
        for part in _split(parts):
            below = self._list(place).get(_plain(part))
            if below is None:
                return None
            place = below
        return place if parts and place.is_file() else None

    def _list(self, folder: Path) -> dict[str, Path]:
        if folder not in self._lists:
            try:
                self._lists[folder] = {_plain(entry.name): Path(entry.path) for entry in os.scandir(folder)}
            except NotADirectoryError:
                self._lists[folder] = {}
        return self._lists[folder]


def _split(parts: list[str]) -> Iterator[str]:
    """Some writers put a whole path into one component, with slashes of either kind."""
    for part in parts:
        yield from (piece for piece in part.replace("\\", "/").split("/") if piece)


def _plain(name: str) -> str:
    return _VERSION.sub("", name.strip()).rstrip(".").casefold()


__all__ = ["Directory", "Listed", "read_directory"]
