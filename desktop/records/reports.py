"""Reports: frozen once signed; a later change is an addendum."""

from dataclasses import dataclass
from datetime import datetime

from desktop.records.ids import InstanceId, ReportId, StudyId, UserId
from desktop.records.patients import Patient
from desktop.records.picture import VoiWindow
from desktop.records.reviews import Annotation, Verdict
from desktop.records.suggestions import Coding, Decision


@dataclass(frozen=True)
class ReportedFinding:
    """One finding in the report: what the model suggested and what the doctor decided.

    suggested, probability: None for a finding the doctor added. verdict, decided: None while undecided.
    name_en, name_zh: the finding's name in both languages (the doctor's own words for an added one).
    """

    key: str
    name_en: str
    name_zh: str
    suggested: Decision | None
    probability: float | None
    verdict: Verdict | None
    decided: Decision | None
    reason: str = ""
    codings: tuple[Coding, ...] = ()


@dataclass(frozen=True)
class ReportedCount:
    """How many of a kind the model counted in the picture, unedited. low, high: between which the true number usually
    lies, None where it does not tell. name_en, name_zh: the kind's name."""

    key: str
    name_en: str
    name_zh: str
    number: int
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class PrintedPicture:
    """Which slice of a scan a report shows, and how. frame: of the instance, counted from 1. window: None for the one
    its file begins with."""

    instance: InstanceId
    frame: int = 1
    window: VoiWindow | None = None
    inverted: bool = False


@dataclass(frozen=True)
class ReportContent:
    """Everything a report says. Its canonical bytes are what is signed.

    findings_text: the doctor's findings, from the template and edited. impression: as last written.
    model_*: empty where no model ran; model_refusal then may hold the key of the reason it gave.
    study_date: as the file says, or None. image_sha256: of the imported file's bytes. picture: of a scan, the slice
    that was chosen for the report; None where nobody chose one. counts: of a model that counts, else empty.
    """

    report: ReportId
    study: StudyId
    clinic_name: str
    patient: Patient
    age_months: int | None
    age_days: int | None
    modality: str
    body_part: str
    study_date: str | None
    study_uid: str
    image_sha256: str
    findings_text: str
    impression: str
    read_before_reveal: bool
    findings: tuple[ReportedFinding, ...]
    annotations: tuple[Annotation, ...]
    model_name: str
    model_version: str
    model_sha256: str
    model_device: str
    model_refusal: str
    author: UserId
    author_name: str
    signed: datetime
    audit_head: str
    audit_sequence: int
    synthetic: bool = False
    picture: PrintedPicture | None = None
    counts: tuple[ReportedCount, ...] = ()


@dataclass(frozen=True)
class Addendum:
    """Words added to a signed report, signed in turn."""

    text: str
    author_name: str
    signed: datetime
    sha256: str
    signature: bytes

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("an addendum needs words")


@dataclass(frozen=True)
class SignedReport:
    """A report as signed: canonical bytes' SHA-256 (hex) and the author's Ed25519 signature over those bytes.

    public_key: the author's verification key, 32 bytes.
    """

    content: ReportContent
    sha256: str
    signature: bytes
    public_key: bytes
    addenda: tuple[Addendum, ...] = ()
