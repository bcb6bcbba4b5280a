"""Who a report is about, in the words of its paper."""

from dataclasses import dataclass

from desktop.exports.paper_fonts import Typecase
from desktop.exports.words import Words
from desktop.i18n import Translator, format_age
from desktop.records import Patient, ReportContent

_SHORT = 24
"""Letters in one run that a third of a line can hold."""


@dataclass(frozen=True)
class Field:
    """A label and its value. wide: over the whole line. strong: must catch the eye. fine: may be small."""

    label: str
    value: str
    wide: bool = False
    strong: bool = False
    fine: bool = False


def patient_fields(content: ReportContent, words: Words, case: Typecase) -> list[Field]:
    """The patient's header. What nobody knows says so; it is never left to be taken for normal."""
    patient = content.patient
    names = [case.line(name.display) for name in patient.names]
    fields = [
        Field(words.label("report.name"), " · ".join(names), wide=True, strong=True),
        Field(words.label("report.sex"), words.label(f"report.sex.{patient.sex.value}")),
        Field(words.label("report.age"), words.both(lambda translator: _age(content, translator))),
        Field(words.label("report.birth_date"), _birth_date(patient, words)),
        Field(words.label("report.card_number"), case.line(patient.card_number, _SHORT) or _unknown(words)),
    ]
    if patient.phones:
        fields.append(
            Field(words.label("report.phone"), " · ".join(case.line(phone, _SHORT) for phone in patient.phones))
        )
    if patient.village:
        fields.append(Field(words.label("report.village"), case.line(patient.village, _SHORT)))
    if patient.identifiers:
        fields.append(Field(words.label("report.identifiers"), " · ".join(_identifiers(patient, case)), wide=True))
    return [*fields, _allergies(patient, words, case)]


def _unknown(words: Words) -> str:
    return words.label("report.unknown")


def _age(content: ReportContent, translator: Translator) -> str:
    if content.age_months is None or content.age_days is None:
        return translator.text("report.unknown")
    age = format_age(content.age_months, content.age_days, translator.language)
    born = content.patient.birth_date
    return age if born is not None and born.day is not None else translator.text("report.age.about", age=age)


def _birth_date(patient: Patient, words: Words) -> str:
    return _unknown(words) if patient.birth_date is None else words.date(patient.birth_date)


def _identifiers(patient: Patient, case: Typecase) -> list[str]:
    return [
        case.line(f"{identifier.value} ({identifier.system})" if identifier.system else identifier.value)
        for identifier in patient.identifiers
    ]


def _allergies(patient: Patient, words: Words, case: Typecase) -> Field:
    label = words.label("report.allergies")
    if patient.no_known_allergies:
        return Field(label, words.label("report.allergies.none_known"), wide=True)
    if not patient.allergies:
        return Field(label, words.label("report.allergies.not_asked"), wide=True, strong=True)
    told = [
        case.line(f"{allergy.substance} ({allergy.reaction})" if allergy.reaction else allergy.substance)
        for allergy in patient.allergies
    ]
    return Field(label, " · ".join(told), wide=True, strong=True)
