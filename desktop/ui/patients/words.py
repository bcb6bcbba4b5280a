"""A patient in words: age, sex, allergies, one-line summaries."""

from datetime import date
from typing import TYPE_CHECKING

from desktop.i18n import format_age, format_date
from desktop.records import DuplicateCandidate, MedicationRequest, Patient, PatientField, PatientMatch, StudySummary
from desktop.ui.widgets.rows import Row, Tone

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


def today(context: "UiContext") -> date:
    """The day at the clinic."""
    if context.clinic is None:
        return date.today()  # noqa: DTZ011  # the day where the PC stands is the one meant
    return context.clinic.clock().astimezone().date()


def age_text(context: "UiContext", patient: Patient) -> str:
    """Age in the unit a doctor would say; `about` where the birth date is not exact; says when it is unknown."""
    if patient.birth_date is None:
        return context.tr("patients.age.unknown")
    age = patient.birth_date.age_on(today(context))
    if age is None:
        return context.tr("patients.age.unknown")
    words = format_age(age.months, age.days, context.language)
    return words if age.exact else context.tr("patients.age.about", age=words)


def birth_text(context: "UiContext", patient: Patient) -> str:
    """The birth date as far as it is known, the local way; empty where it is not."""
    born = patient.birth_date
    if born is None:
        return ""
    return format_date(born.earliest, context.language) if born.day is not None else str(born)


def sex_text(context: "UiContext", patient: Patient) -> str:
    """The sex, or that it is unknown."""
    return context.tr(f"patients.sex.{patient.sex.value}")


def allergies_text(context: "UiContext", patient: Patient) -> str:
    """Every allergy with its reaction; that there are none; or that nobody asked."""
    if patient.allergies:
        listed = context.tr("patients.list_comma").join(_allergies(context, patient))
        return context.tr("patients.allergy.known", list=listed)
    if patient.no_known_allergies:
        return context.tr("patients.allergy.none")
    return context.tr("patients.allergy.unknown")


def _allergies(context: "UiContext", patient: Patient) -> tuple[str, ...]:
    return tuple(
        context.tr("patients.allergy.with_reaction", substance=a.substance, reaction=a.reaction)
        if a.reaction
        else a.substance
        for a in patient.allergies
    )


def facts(context: "UiContext", patient: Patient) -> str:
    """Age, sex, village and card number on one line."""
    parts = [age_text(context, patient), sex_text(context, patient), patient.village]
    if patient.card_number:
        parts.append(context.tr("patients.number", number=patient.card_number))
    return " · ".join(part for part in parts if part)


def field_text(context: "UiContext", patient: Patient, field: PatientField) -> str:
    """What a record says in a field; says so where it says nothing."""
    listed: tuple[str, ...]
    match field:
        case PatientField.NAMES:
            listed = tuple(name.display for name in patient.names)
        case PatientField.SEX:
            listed = (sex_text(context, patient),)
        case PatientField.BIRTH_DATE:
            born = birth_text(context, patient)
            listed = (f"{born} · {age_text(context, patient)}",) if born else ()
        case PatientField.PHONES:
            listed = patient.phones
        case PatientField.VILLAGE:
            listed = (patient.village,)
        case PatientField.IDENTIFIERS:
            listed = tuple(identifier.value for identifier in patient.identifiers)
        case PatientField.ALLERGIES:
            asked = "none" if patient.no_known_allergies else "not_asked"
            listed = _allergies(context, patient) or (context.tr(f"patients.form.asked.{asked}"),)
    said = context.tr("patients.list_comma").join(part for part in listed if part)
    return said or context.tr("patients.fact.missing")


def medicine_text(request: MedicationRequest) -> str:
    """A medicine's name and how it is taken."""
    dosage = request.dosage
    dose = f"{dosage.dose:g} {dosage.unit} × {dosage.times_per_day:g}" if dosage is not None else ""
    return " ".join(part for part in (request.medication, dose, request.instruction) if part)


def reasons_text(context: "UiContext", candidate: DuplicateCandidate) -> str:
    """Why somebody may be the same person, on one line."""
    keys = [f"patients.same.{reason}" for reason in candidate.reasons]
    reasons = context.tr("patients.list_comma").join(context.tr(key) for key in keys if context.has_text(key))
    return context.tr("patients.duplicates.same", reasons=reasons)


def patient_row(context: "UiContext", match: PatientMatch) -> Row:
    """A search hit: who, and why it matched."""
    reasons = [context.tr(f"patients.why.{why}") for why in match.why if context.has_text(f"patients.why.{why}")]
    if reasons:
        remark = context.tr("patients.list_comma").join(reasons)
    elif match.last_seen is not None:
        remark = format_date(match.last_seen.astimezone().date(), context.language)
    else:
        remark = ""
    return Row(match.patient.id, match.patient.display_name, facts(context, match.patient), remark)


def study_row(context: "UiContext", summary: StudySummary, *, with_name: bool) -> Row:
    """A study: whose or what, when, and how far its reading is."""
    study = summary.study
    what = [context.tr(f"patients.modality.{study.modality.value}")]
    if study.description:
        what.append(study.description)
    taken = study.started or study.added.astimezone().date()
    what.append(format_date(taken, context.language))
    words = " · ".join(what)
    if summary.signed:
        remark, tone = context.tr("patients.study.signed"), Tone.GOOD
    elif summary.has_impression:
        remark, tone = context.tr("patients.study.read"), Tone.NEXT
    else:
        remark, tone = context.tr("patients.study.waiting"), Tone.NEXT
    if with_name:
        return Row(study.id, summary.patient_name, words, remark, tone)
    return Row(study.id, words, _instances(context, len(study.instances)), remark, tone)


def _instances(context: "UiContext", count: int) -> str:
    return context.tr("patients.study.pictures", count=count)
