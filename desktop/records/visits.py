"""What happened at a visit, by FHIR R4's names: encounter, observations, conditions, medication requests, documents."""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from desktop.records.ids import (
    AttachmentId,
    ConditionId,
    DocumentId,
    EncounterId,
    MedicationRequestId,
    PatientId,
    UserId,
)
from desktop.records.partial_date import PartialDate
from desktop.records.suggestions import Coding

LOINC = "http://loinc.org"

_LOINC = re.compile(r"([0-9]{1,7})-([0-9])")
_UCUM = re.compile(r"[!-~]+")


@lru_cache(maxsize=1024)
def is_loinc(code: str) -> bool:
    """Whether a code has LOINC's form and its check digit fits (LOINC Users' Guide, appendix on check digits)."""
    match = _LOINC.fullmatch(code)
    if match is None:
        return False
    total = 0
    for place, digit in enumerate(reversed(match[1])):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return (10 - total % 10) % 10 == int(match[2])


class EncounterClass(StrEnum):
    """Where it took place (HL7 v3 ActCode)."""

    AMBULATORY = "AMB"
    HOME = "HH"
    VIRTUAL = "VR"


class EncounterStatus(StrEnum):
    """FHIR encounter-status, those a clinic needs."""

    IN_PROGRESS = "in-progress"
    FINISHED = "finished"
    ENTERED_IN_ERROR = "entered-in-error"


@dataclass(frozen=True)
class Encounter:
    """A visit. started: with a zone. reason: why the patient came, in their words. note: what was found and done."""

    id: EncounterId
    patient: PatientId
    started: datetime
    author: UserId
    reason: str = ""
    note: str = ""
    kind: EncounterClass = EncounterClass.AMBULATORY
    status: EncounterStatus = EncounterStatus.FINISHED

    def __post_init__(self) -> None:
        _with_zone(self.started)


class ObservationStatus(StrEnum):
    """FHIR observation-status, those a clinic needs."""

    FINAL = "final"
    CORRECTED = "corrected"
    ENTERED_IN_ERROR = "entered-in-error"


@dataclass(frozen=True)
class Observation:
    """One thing measured or found at a visit. What was not measured is no observation.

    code: LOINC. value: finite, with its unit in UCUM (`1` for a bare number); or text. effective: when, where it is
    not the visit's own time. replaces: number within the visit of the one that this corrects.
    """

    code: str
    value: float | None = None
    unit: str = ""
    text: str = ""
    effective: datetime | None = None
    status: ObservationStatus = ObservationStatus.FINAL
    replaces: int | None = None

    def __post_init__(self) -> None:
        if not is_loinc(self.code):
            raise ValueError("not a LOINC code")
        if (self.value is None) == (not self.text.strip()):
            raise ValueError("an observation has a value or a text")
        if self.value is not None:
            if not math.isfinite(self.value):
                raise ValueError("a value is a finite number")
            object.__setattr__(self, "value", float(self.value))
        if (self.value is None) != (not self.unit) or (self.unit and not _UCUM.fullmatch(self.unit)):
            raise ValueError("a value has a unit in UCUM, a text has none")
        if self.effective is not None:
            _with_zone(self.effective)
        if (self.replaces is None) != (self.status is ObservationStatus.FINAL):
            raise ValueError("a correction names what it corrects")


@dataclass(frozen=True)
class RecordedObservation:
    """An observation on file. number: from 1 within its visit. effective: when, in UTC."""

    encounter: EncounterId
    number: int
    effective: datetime
    observation: Observation


class ConditionStatus(StrEnum):
    """FHIR condition-clinical, and that it was entered in error (condition-ver-status)."""

    ACTIVE = "active"
    RECURRENCE = "recurrence"
    REMISSION = "remission"
    RESOLVED = "resolved"
    ENTERED_IN_ERROR = "entered-in-error"


@dataclass(frozen=True)
class Condition:
    """A problem or diagnosis. text: as the doctor words it. coding: ICD-10 or SNOMED CT, if somebody coded it."""

    id: ConditionId
    patient: PatientId
    text: str
    recorded: datetime
    author: UserId
    encounter: EncounterId | None = None
    coding: Coding | None = None
    onset: PartialDate | None = None
    status: ConditionStatus = ConditionStatus.ACTIVE

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("a condition needs words")
        _with_zone(self.recorded)


@dataclass(frozen=True)
class Dosage:
    """How much and how often. dose: of `unit` (mg, mL, tablet …) at a time. days: None where it goes on."""

    dose: float
    unit: str
    times_per_day: float
    days: int | None = None
    route: str = ""

    def __post_init__(self) -> None:
        for amount in (self.dose, self.times_per_day):
            if not (math.isfinite(amount) and amount > 0):
                raise ValueError("a dosage is more than nothing")
        if not self.unit.strip():
            raise ValueError("a dose needs a unit")
        if self.days is not None and self.days < 1:
            raise ValueError("a course lasts a day at least")
        object.__setattr__(self, "dose", float(self.dose))
        object.__setattr__(self, "times_per_day", float(self.times_per_day))


class MedicationStatus(StrEnum):
    """FHIR medicationrequest-status, those a clinic needs."""

    ACTIVE = "active"
    COMPLETED = "completed"
    STOPPED = "stopped"
    ENTERED_IN_ERROR = "entered-in-error"


@dataclass(frozen=True)
class MedicationRequest:
    """A prescription of one medicine. instruction: as told to the patient, where `dosage` cannot say it."""

    id: MedicationRequestId
    patient: PatientId
    medication: str
    authored: datetime
    author: UserId
    encounter: EncounterId | None = None
    coding: Coding | None = None
    dosage: Dosage | None = None
    instruction: str = ""
    status: MedicationStatus = MedicationStatus.ACTIVE

    def __post_init__(self) -> None:
        if not self.medication.strip():
            raise ValueError("a prescription names a medicine")
        _with_zone(self.authored)


class DocumentKind(StrEnum):
    """What a kept document is."""

    REFERRAL = "referral"
    DISCHARGE = "discharge"
    LABORATORY = "laboratory"
    REPORT = "report"
    CONSENT_FORM = "consent_form"
    OTHER = "other"


@dataclass(frozen=True)
class DocumentReference:
    """A document about the patient; its bytes lie sealed as an attachment. title: what it is called on the chart."""

    id: DocumentId
    patient: PatientId
    attachment: AttachmentId
    kind: DocumentKind
    title: str
    added: datetime
    author: UserId
    encounter: EncounterId | None = None

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise ValueError("a document needs a title")
        _with_zone(self.added)


@dataclass(frozen=True)
class Visit:
    """A visit with all that belongs to it; corrected observations are left out, their corrections are in."""

    encounter: Encounter
    observations: tuple[RecordedObservation, ...] = ()
    conditions: tuple[Condition, ...] = ()
    medications: tuple[MedicationRequest, ...] = ()


def _with_zone(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
