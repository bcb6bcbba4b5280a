"""What a drop, a folder, an archive or a disc holds, and whose it is."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

from desktop.access import Permission
from desktop.errors import KnownFailure, UserFacingError
from desktop.imaging.display import Pixels8, thumbnail
from desktop.intake import NameVerdict, names_fit
from desktop.intake.dicom_scan import scan
from desktop.intake.folder import DIRECTORY_NAME, Gathered, NotTaken, Source, gather
from desktop.intake.folder_content import FILMS
from desktop.intake.folder_index import NOTES, FolderIndex, FoundPatient, FoundStudy, index_folder
from desktop.intake.folder_picture import first_frame, first_trace
from desktop.intake.reader import HEADER_BYTES
from desktop.intake.signatures import is_dicom, is_video
from desktop.intake.volume_file import media_type as volume_type
from desktop.jobs import Job
from desktop.records import FileHeader, HumanName, Identifier, Modality, Patient, PatientId, Sex
from desktop.records.dicom_node import Doubt
from desktop.signals.paper import small_strips
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.network_matching import likely_patients, whose
from desktop.workflow.patients import PatientDraft

_NUMBER_OF_FRAMES = 0x00280008

__all__ = [
    "Choice",
    "FolderIndex",
    "Found",
    "FoundPatient",
    "FoundStudy",
    "Gathered",
    "Match",
    "NotTaken",
    "Owner",
    "Source",
    "check_choice",
    "draft_from_header",
    "find_files",
    "first_look",
    "gather_files",
    "holds_pictures",
    "is_of_series",
    "look_at",
    "match_files",
]

_LOOKED_AT = 40
"""Files looked at for a first picture, and for whether a disc holds any."""


@dataclass(frozen=True, eq=False)
class Found:
    """Everything found, sorted. Close `gathered` once nothing more is read."""

    gathered: Gathered
    index: FolderIndex


class Owner(StrEnum):
    """How sure it is whose files are. CERTAIN: one patient fits, and nothing speaks against it. OPEN: the files name
    nobody; the open patient is offered. ASK: somebody has to say."""

    CERTAIN = "certain"
    OPEN = "open"
    ASK = "ask"


@dataclass(frozen=True)
class Match:
    """Whose files may be. patient: whom to propose, None for ASK. likely: whom to offer, the likeliest first.

    doubt: why it is asked. remarks: sentences about what differs beside the name.
    """

    owner: Owner
    patient: Patient | None
    likely: tuple[Patient, ...] = ()
    doubt: Doubt | None = None
    remarks: tuple[str, ...] = ()


@requires(Permission.IMPORT_IMAGES)
def gather_files(clinic: Clinic, job: Job, paths: Sequence[Path]) -> Gathered:
    """Every file below some paths, in archives and on discs; close it. Raises UserFacingError
    `importing.too_many`, Cancelled."""
    return gather(paths, job)


@requires(Permission.IMPORT_IMAGES)
def find_files(clinic: Clinic, job: Job, paths: Sequence[Path]) -> Found:
    """Gather and sort everything below some paths. Raises UserFacingError `importing.too_many`, Cancelled."""
    job.report("importing.progress.gathering")
    gathered = gather(paths, job)
    try:
        return Found(gathered, index_folder(gathered, job))
    except BaseException:
        gathered.close()
        raise


@requires(Permission.IMPORT_IMAGES)
def match_files(clinic: Clinic, job: Job, headers: Sequence[FileHeader], opened: PatientId | None) -> tuple[Match, ...]:
    """Whose files are that say so of themselves. opened: whose chart is on the screen. It never guesses."""
    matches = []
    with clinic.store.snapshot() as tx:
        on_screen = tx.patients.get(opened) if opened is not None else None
        for header in headers:
            job.check()
            if on_screen is not None:
                check = names_fit(header, on_screen)
                if check.verdict is NameVerdict.FITS:
                    matches.append(Match(Owner.CERTAIN, on_screen, (on_screen,), None, check.remarks))
                    continue
                if check.verdict is NameVerdict.NO_NAME:
                    matches.append(Match(Owner.OPEN, on_screen, (on_screen,), Doubt.NO_NAME, check.remarks))
                    continue
            answer = whose(tx, header)
            likely = tuple(likely_patients(tx, header))
            if isinstance(answer, Doubt):
                matches.append(Match(Owner.ASK, None, likely, answer))
            else:
                matches.append(Match(Owner.CERTAIN, tx.patients.get(answer), likely))
    return tuple(matches)


@dataclass(frozen=True)
class Choice:
    """A patient somebody chose for files. mismatch: whether the name in them is another's."""

    patient: Patient
    mismatch: bool


@requires(Permission.IMPORT_IMAGES)
def check_choice(clinic: Clinic, job: Job, header: FileHeader, patient: PatientId) -> Choice:
    """Whether files may go to a patient without a reason. Raises UserFacingError where the record takes nothing."""
    job.check()
    with clinic.store.snapshot() as tx:
        tx.patients.must_be_open(patient)
        record = tx.patients.get(patient)
    return Choice(record, names_fit(header, record).verdict is NameVerdict.MISMATCH)


@requires(Permission.EDIT_PATIENTS)
def draft_from_header(clinic: Clinic, job: Job, header: FileHeader) -> PatientDraft:
    """Somebody new as a file describes them: each of the name's groups that can be read, Chinese characters first."""
    job.check()
    groups = [" ".join(group.replace("^", " ").split()) for group in header.name_groups[:2]]
    names = [group for group in groups if any(letter.isalpha() for letter in group)]
    written = [name.replace(" ", "") if not name.isascii() else name for name in names]
    ordered = sorted(dict.fromkeys(written), key=str.isascii)
    number = header.patient_number.strip()
    return PatientDraft(
        names=tuple(HumanName(text=name) for name in ordered),
        sex=header.sex or Sex.UNKNOWN,
        birth_date=header.birth_date,
        identifiers=(Identifier(number),) if number else (),
    )


@requires(Permission.IMPORT_IMAGES)
def first_look(clinic: Clinic, job: Job, paths: Sequence[Path], longest: int) -> Pixels8 | None:
    """A small picture of the first file that has one, while everything else is still being sorted; None where the
    first files have none. longest: pixels of its longer side."""
    for path in islice(_files(paths), _LOOKED_AT):
        job.check()
        with gather((path,), job) as gathered:
            for source in gathered.sources[:_LOOKED_AT]:
                light = look_at(clinic, job, source, longest)
                if light is not None:
                    return light
    return None


@requires(Permission.IMPORT_IMAGES)
def look_at(clinic: Clinic, job: Job, source: Source, longest: int) -> Pixels8 | None:
    """A small picture of one file's first frame, or of the beginning of its trace; None where it has neither: (rows,
    columns[, 3]) uint8."""
    try:
        trace = first_trace(source, job)
        picture = first_frame(source, job) if trace is None else None
    except (UserFacingError, KnownFailure, OSError):
        return None
    if trace is not None:
        return small_strips(trace, longest)
    return thumbnail(picture, longest) if picture is not None else None


@requires(Permission.IMPORT_IMAGES)
def holds_pictures(clinic: Clinic, job: Job, place: Path) -> bool:
    """Whether a disc or stick has a DICOMDIR, or a DICOM file among its first; looks at few files, and briefly."""
    try:
        if any(entry.name.lower().rstrip(".") == DIRECTORY_NAME for entry in os.scandir(place)):
            return True
        for path in islice(_files((place,)), _LOOKED_AT):
            job.check()
            if path.is_file():
                with path.open("rb") as stream:
                    if stream.read(132)[128:] == b"DICM":
                        return True
    except OSError:  # pulled out again
        return False
    return False


@requires(Permission.IMPORT_IMAGES)
def is_of_series(clinic: Clinic, job: Job, path: Path) -> bool:
    """Whether a file is a slice, a volume or a clip, which is read as a series, not a single film or a trace."""
    try:
        with path.open("rb") as stream:
            beginning = stream.read(HEADER_BYTES)
            stream.seek(0)
            header = scan(stream) if is_dicom(beginning) else None
            word = header.modality.upper() if header is not None else ""
            if header is not None and header.text(_NUMBER_OF_FRAMES) not in ("", "0", "1"):
                return True
            if not word and (volume_type(beginning) or is_video(beginning)):
                return True
    except (UserFacingError, OSError):  # whoever reads it says what is wrong with it
        return False
    return word in NOTES or (word in Modality.__members__ and Modality(word) not in FILMS)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """Files in the order they are met, without listing a whole disc first."""
    for path in paths:
        if not path.is_dir():
            yield path
        for place, folders, names in os.walk(path):
            folders.sort()
            yield from (Path(place) / name for name in sorted(names))
