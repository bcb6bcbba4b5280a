"""Whose an object from the network is. A wrong answer files a film under the wrong child; a question costs a minute.

So a rule answers only where the name fits one patient, the birth date or the identifier says the same, and nothing
speaks against it. Everything else is asked.
"""

import re

from desktop.intake import NameVerdict, names_fit
from desktop.records import FileHeader, HumanName, Identifier, Patient, PatientId, Sex, new_id
from desktop.records.dicom_node import Doubt
from desktop.store import Transaction

_MOST_CANDIDATES = 20
_HAN_SPACE = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")


def whose(tx: Transaction, header: FileHeader) -> PatientId | Doubt:
    """The one patient it is certainly of, or why that has to be asked."""
    names = _names(header)
    if not names:
        return Doubt.NO_NAME
    known = _candidates(tx, header, names)
    checks = [(patient, names_fit(header, patient)) for patient in known]
    fitting = [patient for patient, check in checks if check.verdict is NameVerdict.FITS]
    certain = [
        patient
        for patient, check in checks
        if check.verdict is NameVerdict.FITS and not check.remarks and _says_the_same(header, patient)
    ]
    if len(certain) == 1 and not any(_numbered(header, other) for other in known if other is not certain[0]):
        return certain[0].id
    if len(certain) > 1 or (not certain and len(fitting) > 1):
        return Doubt.SEVERAL
    if certain or fitting or any(_numbered(header, patient) for patient in known):
        return Doubt.UNSURE
    fits = NameVerdict.FITS
    return Doubt.UNSURE if any(names_fit(header, one).verdict is fits for one in _named(tx, names)) else Doubt.NOBODY


def likely_patients(tx: Transaction, header: FileHeader) -> list[Patient]:
    """Whom to offer where it is asked, the likeliest first: who resembles, then who only has such a name."""
    names = _names(header)
    if not names:
        return []
    found = {patient.id: patient for patient in _candidates(tx, header, names)}
    for patient in _named(tx, names):
        found.setdefault(patient.id, patient)
    return list(found.values())[:_MOST_CANDIDATES]


def _says_the_same(header: FileHeader, patient: Patient) -> bool:
    """Whether identifier or birth date agree, as far as either is given; a number that is not theirs does not."""
    if header.patient_number:
        return _numbered(header, patient)
    return (
        header.birth_date is not None and header.birth_date.day is not None and header.birth_date == patient.birth_date
    )


def _numbered(header: FileHeader, patient: Patient) -> bool:
    """Whether the number in the file is the patient's."""
    number = _plain(header.patient_number)
    theirs = (patient.card_number, *(identifier.value for identifier in patient.identifiers))
    return bool(number) and number in map(_plain, theirs)


def _plain(number: str) -> str:
    return number.strip().casefold()


def _names(header: FileHeader) -> tuple[HumanName, ...]:
    """The name's groups as people write them: 汉字 without spaces."""
    texts = (" ".join(group.replace("^", " ").split()) for group in header.name_groups)
    return tuple(
        HumanName(text=text if text.isascii() else _HAN_SPACE.sub("", text))
        for text in texts
        if any(character.isalpha() for character in text)
    )


def _named(tx: Transaction, names: tuple[HumanName, ...]) -> list[Patient]:
    """Everybody a search for the name finds, whatever speaks against them."""
    return [match.patient for name in names for match in tx.patients.search(name.text, _MOST_CANDIDATES)]


def _candidates(tx: Transaction, header: FileHeader, names: tuple[HumanName, ...]) -> list[Patient]:
    """Everybody who may be meant: whose card number it is, and who is found by name, identifier and birth date."""
    number = header.patient_number.strip()
    described = Patient(
        id=PatientId(new_id()),
        names=names,
        sex=header.sex or Sex.UNKNOWN,
        birth_date=header.birth_date,
        identifiers=(Identifier(number),) if number else (),
    )
    found = {patient: tx.patients.get(patient) for patient in tx.lookups.patients_numbered(number) if number}
    for candidate in tx.patients.duplicates(described, _MOST_CANDIDATES):
        found.setdefault(candidate.patient.id, candidate.patient)
    return list(found.values())
