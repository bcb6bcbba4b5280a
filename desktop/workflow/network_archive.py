"""Looking for studies in an archive, and fetching one: who it seems to be of is told before, and never guessed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from desktop.access import Permission
from desktop.errors import KnownFailure, UserFacingError
from desktop.jobs import Job
from desktop.network.parts import FoundStudy, Step, StepQuery, StudyQuery
from desktop.records import Changes, FileHeader, Modality, PartialDate, Patient, Sex, StudyId
from desktop.records.dicom_node import Doubt, Peer
from desktop.workflow.clinic import Clinic, open_to_all, requires
from desktop.workflow.import_finding import draft_from_header
from desktop.workflow.network_asking import have_study_sent, query_peer, query_worklist, retrieve_study
from desktop.workflow.network_matching import whose
from desktop.workflow.network_node import Hearers
from desktop.workflow.network_receiving import Stored
from desktop.workflow.patients import PatientDraft

_HAN = re.compile(r"[\u3400-\u9fff]")
_NO_GET = frozenset({"network.service_not_offered"})
_SEXES = {"M": Sex.MALE, "F": Sex.FEMALE, "O": Sex.OTHER}
_DAY = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for. name: as people write it; number: as the archive knows it; modality: empty for any."""

    name: str = ""
    number: str = ""
    since: date | None = None
    until: date | None = None
    modality: str = ""

    @property
    def asks_anything(self) -> bool:
        """Whether anything narrows the search: nobody wants a list of everybody."""
        return bool(self.name.strip() or self.number.strip() or self.since or self.until)


@dataclass(frozen=True)
class ArchivedStudy:
    """A study of an archive. header: what it says of its patient. owner: whose it certainly is, else None, and doubt
    says why it will be asked."""

    found: FoundStudy
    header: FileHeader
    owner: Patient | None
    doubt: Doubt | None


@dataclass(frozen=True)
class FetchedStudy:
    """What came of it. completed, failed: as the archive counts. filed, asked: of what came over our own call, objects
    that are with their patient, and objects that ask whose they are; None where the archive called us. studies: those
    that have new pictures."""

    completed: int
    failed: int
    filed: int | None
    asked: int | None
    studies: tuple[StudyId, ...]
    changes: Changes


@dataclass(frozen=True)
class PlannedPatient:
    """Somebody on a worklist. owner: who that certainly is here, else None. draft: as the worklist describes them."""

    step: Step
    header: FileHeader
    owner: Patient | None
    draft: PatientDraft


@open_to_all
def name_pattern(text: str) -> str:
    """What people type, as DICOM matches it (PS3.4 C.2.2.2.4): parts in their order, whatever stands between them.

    `zhang xiaoming` → `zhang*xiaoming*`, `张小明` → `*张*小*明*`. Somebody who writes wildcards or carets means them.
    """
    text = text.strip()
    if not text or any(sign in text for sign in "*?^="):
        return text
    if _HAN.search(text):
        return f"*{'*'.join(letter for letter in text if not letter.isspace())}*"
    return f"{'*'.join(text.split())}*"


@requires(Permission.IMPORT_IMAGES)
def search_archive(clinic: Clinic, job: Job, peer: Peer, wanted: Wanted) -> tuple[ArchivedStudy, ...]:
    """Studies of an archive, the newest first, and whose each would be. Raises UserFacingError
    `network.search_is_empty`, KnownFailure of the line."""
    if not wanted.asks_anything:
        raise UserFacingError("network.search_is_empty")
    query = StudyQuery(
        name_pattern(wanted.name), wanted.number.strip(), _days(wanted.since, wanted.until), wanted.modality
    )
    found = query_peer(clinic, job, peer, query)
    with clinic.store.snapshot() as tx:
        studies = []
        for one in sorted(found, key=lambda study: study.day, reverse=True):
            job.check()
            header = _header(one.name, one.number, one.birth_date, one.sex)
            answer = whose(tx, header)
            doubt = answer if isinstance(answer, Doubt) else None
            owner = tx.patients.get(answer) if not isinstance(answer, Doubt) else None
            studies.append(ArchivedStudy(one, header, owner, doubt))
    return tuple(studies)


@requires(Permission.IMPORT_IMAGES)
def fetch_study(
    clinic: Clinic, job: Job, peer: Peer, study_uid: str, hearers: Hearers, *, listening: bool
) -> FetchedStudy:
    """Fetch a study over our own call, or, where the archive only sends, have it call us. listening: whether our node
    does. What was stored before it was cancelled, or broke off, stays, whole.

    Raises KnownFailure: of the line; `network.only_sends` where the archive would have to call us and we do not listen.
    """
    stored: list[Stored] = []

    def keep(one: Stored) -> None:
        stored.append(one)
        hearers.stored(one)

    try:
        done = retrieve_study(clinic, job, peer, study_uid, Hearers(stored=keep, quiet=hearers.quiet))
    except KnownFailure as error:
        if error.key not in _NO_GET:
            raise
        if not listening:
            raise KnownFailure("network.only_sends", kind=error.kind) from error
        sent = have_study_sent(clinic, job, peer, study_uid)
        return FetchedStudy(sent.completed, sent.failed, None, None, (), sent.changes)
    filed = [one for one in stored if one.study is not None]
    studies = dict.fromkeys(one.study for one in filed if one.study is not None and not one.duplicate)
    changes = Changes(patients=True, studies=True, network=True)
    return FetchedStudy(done.completed, done.failed, len(filed), len(stored) - len(filed), tuple(studies), changes)


@requires(Permission.IMPORT_IMAGES)
def planned_patients(clinic: Clinic, job: Job, peer: Peer, day: date | None) -> tuple[PlannedPatient, ...]:
    """Who is on somebody's worklist, in order of time. day: None for any. Raises KnownFailure."""
    steps = query_worklist(clinic, job, peer, StepQuery("", since=day, until=day))
    headers = [_header(step.name, step.number, step.birth_date, step.sex) for step in steps]
    with clinic.store.snapshot() as tx:
        answers = [whose(tx, header) for header in headers]
        owners = [None if isinstance(answer, Doubt) else tx.patients.get(answer) for answer in answers]
    drafts = [draft_from_header(clinic, job, header) for header in headers]
    planned = [PlannedPatient(*parts) for parts in zip(steps, headers, owners, drafts, strict=True)]
    return tuple(sorted(planned, key=lambda one: one.step.start.isoformat() if one.step.start is not None else "z"))


def _days(since: date | None, until: date | None) -> str:
    """A range match of days (PS3.4 C.2.2.2.5.1)."""
    if since is None and until is None:
        return ""
    first, last = (day.strftime("%Y%m%d") if day is not None else "" for day in (since, until))
    return first if first == last else f"{first}-{last}"


def _header(name: str, number: str, birth_date: str, sex: str) -> FileHeader:
    match = _DAY.fullmatch(birth_date.strip())
    return FileHeader(
        Modality.OT,
        name_groups=_groups(name.split("=")),
        patient_number=number,
        birth_date=_real_day(match) if match is not None else None,
        sex=_SEXES.get(sex.upper()),
    )


def _groups(groups: Sequence[str]) -> tuple[str, ...]:
    return tuple(group.strip() for group in groups) if any(groups) else ()


def _real_day(match: re.Match[str]) -> PartialDate | None:
    try:
        return PartialDate(*(int(part) for part in match.groups()))
    except ValueError:
        return None
