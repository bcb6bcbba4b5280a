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
class ReportedSuggestion:
    """What one model said of one picture or trace, and what was decided about it.

    picture: which of the examination's, counted from 1. image_sha256: of the file it judged. title_en, title_zh: what
    the model is called. refusal: key of the reason why it would not judge, else empty. findings: those it suggested.
    """

    model_name: str
    model_version: str
    model_sha256: str
    model_device: str
    title_en: str
    title_zh: str
    picture: int
    image_sha256: str
    refusal: str = ""
    findings: tuple[ReportedFinding, ...] = ()
    counts: tuple[ReportedCount, ...] = ()

    def __post_init__(self) -> None:
        if not self.model_name or self.picture < 1:
            raise ValueError("a suggestion has a model and a picture, counted from 1")
        if any(finding.suggested is None for finding in self.findings):
            raise ValueError("what the doctor added is no suggestion")


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
    suggestions: where models gave more than one, all of them, by picture; then `findings` holds only what the doctor
    added, and `model_*` and `counts` are empty. `said` gives them all, however many there are.
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
    suggestions: tuple[ReportedSuggestion, ...] = ()

    def __post_init__(self) -> None:
        single = bool(self.model_name or self.counts) or any(one.suggested is not None for one in self.findings)
        if self.suggestions and (len(self.suggestions) < 2 or single):
            raise ValueError("a report holds its one suggestion, or a list of several")

    @property
    def said(self) -> tuple[ReportedSuggestion, ...]:
        """Every suggestion, in the order of the pictures."""
        if self.suggestions or not self.model_name:
            return self.suggestions
        return (
            ReportedSuggestion(
                model_name=self.model_name,
                model_version=self.model_version,
                model_sha256=self.model_sha256,
                model_device=self.model_device,
                title_en=self.model_name,
                title_zh=self.model_name,
                picture=1,
                image_sha256=self.image_sha256,
                refusal=self.model_refusal,
                findings=tuple(one for one in self.findings if one.suggested is not None),
                counts=self.counts,
            ),
        )

    @property
    def all_findings(self) -> tuple[ReportedFinding, ...]:
        """Those suggested, then those the doctor added."""
        return (*(finding for one in self.suggestions for finding in one.findings), *self.findings)


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
