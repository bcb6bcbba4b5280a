"""Everything that was gathered, sorted into patients, studies and series by what the headers say.

Only headers are read. A disc whose DICOMDIR is true is read once a series: the rest stands in the directory.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO

from desktop.errors import UserFacingError
from desktop.intake.dicom_header import file_header
from desktop.intake.dicom_scan import ScannedHeader, scan
from desktop.intake.dicomdir import Listed
from desktop.intake.ecg import trace_reader
from desktop.intake.folder import DiskSource, Gathered, NotTaken, Source
from desktop.intake.folder_content import in_words
from desktop.intake.notes import read_note
from desktop.intake.reader import HEADER_BYTES, recognise, too_large
from desktop.intake.signatures import is_dicom
from desktop.intake.volume_file import headers_of
from desktop.intake.volume_file import media_type as is_volume
from desktop.jobs import Job
from desktop.records import FileHeader, Modality

_NAME, _NUMBER, _BIRTH, _SEX = 0x00100010, 0x00100020, 0x00100030, 0x00100040
_INSTANCE_NUMBER, _SERIES_NUMBER, _ROWS, _SYNTAX = 0x00200013, 0x00200011, 0x00280010, 0x00020010
NOTES = frozenset(("PR", "SR", "KO", "DOC"))
"""Words of files that mark other files' pictures, or are to be read."""
_LARGEST_NOTE = 32 * 1024 * 1024
_WITHOUT_ROWS = frozenset(("ECG", "HD", "EPS", "RESP", "EEG", *NOTES))
_PART_OF_TRACE = (".dat", ".atr", ".qrs", ".mat", ".xyz")
PICTURES, TRACES, DOCUMENTS, VOLUMES = "PHOTO", "ECG", "DOC", "VOLUME"
"""Words for what is no DICOM file, in the place of its modality."""


@dataclass(frozen=True)
class FoundSeries:
    """Files of one series in their order. modality: the file's own word. uid: empty for what is no DICOM file."""

    uid: str
    modality: str
    description: str
    number: int | None
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class FoundStudy:
    """One study. uid: empty for files that say none; each of those becomes a study of its own."""

    uid: str
    started: date | None
    description: str
    series: tuple[FoundSeries, ...]

    @property
    def modalities(self) -> tuple[str, ...]:
        """Every word once."""
        return tuple(dict.fromkeys(one.modality for one in self.series))

    @property
    def sources(self) -> tuple[Source, ...]:
        """All files, series by series; the largest first, as a study is called by what is kept of it first."""
        return tuple(source for one in sorted(self.series, key=_largest_first) for source in one.sources)


@dataclass(frozen=True)
class FoundPatient:
    """Studies whose files say the same of whose they are. header: of the first; names nobody where the files do not."""

    header: FileHeader
    studies: tuple[FoundStudy, ...]


@dataclass(frozen=True)
class FolderIndex:
    """not_taken: files that are damaged, locked or of no use here. strangers: files that are no pictures at all, such
    as the viewer on a disc."""

    patients: tuple[FoundPatient, ...]
    not_taken: tuple[NotTaken, ...]
    strangers: tuple[NotTaken, ...]

    @property
    def count(self) -> int:
        """Files that can be brought in, as far as their headers tell."""
        return sum(len(study.sources) for patient in self.patients for study in patient.studies)


@dataclass
class _Series:
    header: ScannedHeader | None
    modality: str
    files: list[tuple[int, str, Source]] = field(default_factory=list)


@dataclass
class _Study:
    header: ScannedHeader | None
    series: dict[str, _Series] = field(default_factory=dict)


@dataclass
class _Person:
    header: ScannedHeader | None
    studies: dict[str, _Study] = field(default_factory=dict)


def index_folder(gathered: Gathered, job: Job) -> FolderIndex:
    """Sort what was gathered. Raises Cancelled only; what is wrong with a file is in the answer."""
    sorting = _Sorting(gathered, job)
    sorting.run()
    return sorting.result()


class _Sorting:
    def __init__(self, gathered: Gathered, job: Job) -> None:
        self._sources = gathered.sources
        self._job = job
        self._not_taken = list(gathered.not_taken)
        self._strangers: list[NotTaken] = []
        self._people: dict[tuple[bytes, ...], _Person] = {}
        listed = [one for directory in gathered.directories if directory.files for one in directory.listed]
        self._listed = {str(one.path): one for one in listed}
        self._trusted: dict[str, ScannedHeader] = {}

    def run(self) -> None:
        """Every source in its place."""
        names = {source.name for source in self._sources}
        for number, source in enumerate(self._sources):
            # Reporting costs more than scanning, if it is done for every file.
            if number % 32 == 0:
                self._job.report("importing.progress.indexing", number, len(self._sources))
            try:
                self._place(source, names)
            except UserFacingError as error:
                strange = error.key == "intake.not_recognised"
                (self._strangers if strange else self._not_taken).append(NotTaken(source.name, error))
            except OSError as error:
                self._not_taken.append(NotTaken(source.name, in_words(error)))
        self._job.report("importing.progress.indexing", len(self._sources), len(self._sources))

    def _place(self, source: Source, names: set[str]) -> None:
        listed = self._listed.get(source.name) if isinstance(source, DiskSource) else None
        known = self._trusted.get(listed.series_uid) if listed is not None and listed.series_uid else None
        if listed is not None and known is not None:
            self._add_dicom(source, known, listed)
            return
        with source.open() as stream:
            header = stream.read(HEADER_BYTES)
            stream.seek(0)
            scanned = scan(stream) if is_dicom(header) else None
            if scanned is not None and scanned.modality.upper() in NOTES and not scanned.values.get(_ROWS):
                _check_note(stream)
        if not header:
            raise UserFacingError("intake.empty")
        if scanned is not None:
            self._judge(listed, scanned)
            self._add_dicom(source, scanned)
            return
        media_type = _media_type(header)
        if media_type.startswith(("image/", "video/")):
            self._add_other(source, PICTURES)
        elif media_type == "application/pdf":
            self._add_other(source, DOCUMENTS)
        elif is_volume(header):
            self._add_other(source, VOLUMES)
        elif _is_part(source.name, names):
            return
        elif trace_reader(header) is not None:
            self._add_other(source, TRACES)
        else:
            raise UserFacingError("intake.no_single_picture" if media_type else "intake.not_recognised")

    def _judge(self, listed: Listed | None, scanned: ScannedHeader) -> None:
        """Believe a directory about a series whose first file is what it says; not at all where it is not."""
        if listed is None:
            return
        told = listed.study_uid, listed.series_uid, listed.instance_uid, listed.patient_number
        if told == (scanned.study_uid, scanned.series_uid, scanned.instance_uid, scanned.text(_NUMBER)):
            self._trusted[listed.series_uid] = scanned
        else:
            self._listed.clear()
            self._trusted.clear()

    def _add_dicom(self, source: Source, header: ScannedHeader, listed: Listed | None = None) -> None:
        if listed is None and not header.values.get(_ROWS) and header.modality.upper() not in _WITHOUT_ROWS:
            raise UserFacingError("intake.no_pixels")
        key = tuple(header.values.get(tag, b"").strip(b" \0") for tag in (_NAME, _NUMBER, _BIRTH, _SEX))
        person = self._people.setdefault(key, _Person(header))
        # Without UIDs there is nothing to join files by.
        study = person.studies.setdefault(header.study_uid or source.name, _Study(header))
        place = study.series.setdefault(header.series_uid, _Series(header, header.modality.upper() or "OT"))
        number = len(place.files) if listed is not None else _number(header.text(_INSTANCE_NUMBER))
        place.files.append((number, source.name, source))

    def _add_other(self, source: Source, modality: str) -> None:
        """Pictures, traces and documents that name nobody, each kind in one row."""
        person = self._people.setdefault((), _Person(None))
        study = person.studies.setdefault(modality, _Study(None))
        place = study.series.setdefault("", _Series(None, modality))
        place.files.append((0, source.name, source))

    def result(self) -> FolderIndex:
        """What was found, in the order it was met."""
        patients = (
            FoundPatient(_header(person.header), tuple(_study(uid, study) for uid, study in person.studies.items()))
            for person in self._people.values()
        )
        return FolderIndex(tuple(patients), tuple(self._not_taken), tuple(self._strangers))


def _is_part(name: str, names: set[str]) -> bool:
    """Whether a file comes in with another one: signals or voxels whose header lies beside it."""
    stem, dot, ending = name.rpartition(".")
    if dot + ending.lower() in _PART_OF_TRACE and f"{stem}.hea" in names:
        return True
    folder = name[: max(name.rfind("/"), name.rfind("\\")) + 1]
    return any(folder + header in names for header in headers_of(name))


def _check_note(stream: BinaryIO) -> None:
    """Raises UserFacingError for what neither marks a picture nor can be read; others are small, and read."""
    stream.seek(0)
    data = stream.read(_LARGEST_NOTE + 1)
    if len(data) > _LARGEST_NOTE:
        raise too_large()
    if read_note(data) is None:
        raise UserFacingError("intake.no_pixels")


def _header(scanned: ScannedHeader | None) -> FileHeader:
    if scanned is None:
        return FileHeader(Modality.OT)
    word = scanned.modality.upper()
    modality = Modality(word) if word in Modality.__members__ else Modality.OT
    return file_header(scanned.fields(), modality, scanned.text(_SYNTAX))


def _study(uid: str, study: _Study) -> FoundStudy:
    header = _header(study.header)
    series = sorted((_series(key, one) for key, one in study.series.items()), key=_by_number)
    return FoundStudy(header.study_uid, header.study_date, header.description, tuple(series))


def _series(uid: str, series: _Series) -> FoundSeries:
    sources = tuple(source for _, _, source in sorted(series.files, key=lambda one: one[:2]))
    if series.header is None:
        return FoundSeries("", series.modality, "", None, sources)
    number = _number(series.header.text(_SERIES_NUMBER))
    return FoundSeries(uid, series.modality, series.header.fields().text("SeriesDescription"), number, sources)


def _by_number(series: FoundSeries) -> tuple[int, str]:
    return series.number or 0, series.uid


def _largest_first(series: FoundSeries) -> int:
    return -len(series.sources)


def _number(text: str) -> int:
    """An IS value; 0 for what is none."""
    digits = text.strip().lstrip("+")
    return int(digits) if digits.lstrip("-").isdecimal() and len(digits) < 12 and digits.isascii() else 0


def _media_type(header: bytes) -> str:
    """What a file that is no DICOM begins like; empty for what no reader of pictures knows."""
    try:
        return recognise(header).media_type
    except UserFacingError:
        return ""
