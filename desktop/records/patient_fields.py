"""A patient's record field by field: where two of them differ, and one record made of both."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from desktop.records.patients import Patient, Sex

T = TypeVar("T")


class PatientField(StrEnum):
    """What somebody can choose between; allergies and that none are known are one answer."""

    NAMES = "names"
    SEX = "sex"
    BIRTH_DATE = "birth_date"
    PHONES = "phones"
    VILLAGE = "village"
    IDENTIFIERS = "identifiers"
    ALLERGIES = "allergies"


class Side(StrEnum):
    """Whose value is taken. BOTH goes with fields that are lists."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"


LISTS = frozenset({PatientField.NAMES, PatientField.PHONES, PatientField.IDENTIFIERS, PatientField.ALLERGIES})


@dataclass(frozen=True)
class FieldDifference:
    """A field in which two records differ. suggested: whose value loses nothing and contradicts least."""

    field: PatientField
    suggested: Side


def differences(first: Patient, second: Patient) -> tuple[FieldDifference, ...]:
    """The fields in which two records differ, in the order in which a form shows them."""
    return tuple(
        FieldDifference(field, _suggested(field, first, second))
        for field in PatientField
        if values_of(first, field) != values_of(second, field)
    )


def suggested_choices(first: Patient, second: Patient) -> dict[PatientField, Side]:
    """What `differences` suggests, ready for `combined`."""
    return {difference.field: difference.suggested for difference in differences(first, second)}


def combined(first: Patient, second: Patient, choices: Mapping[PatientField, Side]) -> Patient:
    """The first record with the chosen fields of the second. Its id, card number and origin stay the first's.

    Raises ValueError for BOTH with a field that holds one value.
    """
    result = first
    for field, side in choices.items():
        if side is Side.SECOND:
            result = with_field(result, field, second)
        elif side is Side.BOTH:
            result = _with_both(result, field, first, second)
    return result


def values_of(patient: Patient, field: PatientField) -> tuple[object, ...]:
    """What a record says in a field, comparable."""
    if field is PatientField.ALLERGIES:
        return (patient.allergies, patient.no_known_allergies)
    return (getattr(patient, field.value),)


def with_field(patient: Patient, field: PatientField, source: Patient) -> Patient:
    """A record with one field as another has it."""
    changed: dict[str, Any] = {field.value: getattr(source, field.value)}
    if field is PatientField.ALLERGIES:
        changed["no_known_allergies"] = source.no_known_allergies
    return replace(patient, **changed)


def _with_both(patient: Patient, field: PatientField, first: Patient, second: Patient) -> Patient:
    if field not in LISTS:
        raise ValueError(f"{field} holds one value")
    changed: dict[str, Any] = {field.value: _union(getattr(first, field.value), getattr(second, field.value))}
    if field is PatientField.ALLERGIES:
        # An allergy somebody told of outweighs the answer "none" that somebody else gave.
        changed["no_known_allergies"] = not changed["allergies"] and (
            first.no_known_allergies or second.no_known_allergies
        )
    return replace(patient, **changed)


def _union(first: tuple[T, ...], second: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _suggested(field: PatientField, first: Patient, second: Patient) -> Side:
    match field:
        case PatientField.SEX:
            return Side.SECOND if first.sex is Sex.UNKNOWN else Side.FIRST
        case PatientField.BIRTH_DATE:
            return Side.SECOND if _says_more(second, first) else Side.FIRST
        case PatientField.VILLAGE:
            return Side.FIRST if first.village.strip() else Side.SECOND
        case _:
            return Side.BOTH


def _says_more(one: Patient, other: Patient) -> bool:
    """Whether a birth date is the only one, or known more exactly.

    A year is often reckoned from an age somebody told, and is off by one or more; a day was read from a card.
    """
    if one.birth_date is None or other.birth_date is None:
        return other.birth_date is None
    return len(str(one.birth_date)) > len(str(other.birth_date))
