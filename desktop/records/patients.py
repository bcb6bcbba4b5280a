"""Patients, by FHIR R4's names."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from desktop.records.ids import PatientId
from desktop.records.partial_date import PartialDate


class Sex(StrEnum):
    """FHIR administrative-gender."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class HumanName:
    """FHIR HumanName: what is written in `text`, or family and given parts. At least one part is not blank."""

    text: str = ""
    family: str = ""
    given: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.display:
            raise ValueError("a name needs at least one part")

    @property
    def display(self) -> str:
        """The name as people write it: Chinese without a space and family name first, others given name first."""
        if self.text.strip():
            return self.text.strip()
        given = " ".join(part.strip() for part in self.given if part.strip())
        family = self.family.strip()
        if any("\u3400" <= character <= "\u9fff" for character in family + given):
            return family + given.replace(" ", "")
        return f"{given} {family}".strip()


@dataclass(frozen=True)
class Identifier:
    """A number somebody gave the patient. system: what kind it is (a URI or a word), may be empty."""

    value: str
    system: str = ""

    def __post_init__(self) -> None:
        if not self.value.strip():
            raise ValueError("an identifier needs a value")


@dataclass(frozen=True)
class AllergyIntolerance:
    """A known allergy. substance and reaction as told, in the patient's words or a drug name."""

    substance: str
    reaction: str = ""

    def __post_init__(self) -> None:
        if not self.substance.strip():
            raise ValueError("an allergy needs a substance")


@dataclass(frozen=True)
class Patient:
    """One person. `no_known_allergies` is an answer; an empty `allergies` alone means nobody asked."""

    id: PatientId
    names: tuple[HumanName, ...]
    sex: Sex = Sex.UNKNOWN
    birth_date: PartialDate | None = None
    phones: tuple[str, ...] = ()
    village: str = ""
    identifiers: tuple[Identifier, ...] = ()
    allergies: tuple[AllergyIntolerance, ...] = ()
    no_known_allergies: bool = False
    card_number: str = ""
    synthetic: bool = False

    def __post_init__(self) -> None:
        if not self.names:
            raise ValueError("a patient needs a name")
        if self.allergies and self.no_known_allergies:
            raise ValueError("a patient cannot have allergies and none")

    @property
    def display_name(self) -> str:
        """The name shown on screens and paper."""
        return self.names[0].display


@dataclass(frozen=True)
class DuplicateCandidate:
    """Somebody already registered who may be the same person.

    score: 0 to 1. reasons: keys such as `name`, `name_sound`, `birth_date`, `phone`, `village`, `identifier`.
    """

    patient: Patient
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class PatientMatch:
    """One search hit. why: which field matched how, such as `name`, `pinyin`, `initials`, `typo`, `phone`,
    `identifier`, `village`, `card`, `id`."""

    patient: Patient
    why: tuple[str, ...]
    last_seen: datetime | None = field(default=None, compare=False)
