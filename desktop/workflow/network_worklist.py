"""The worklist the clinic serves: whoever is registered or seen today, so that no device needs a name typed again."""

import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from uuid import UUID

from desktop.network.parts import Step, StepQuery
from desktop.records import AuditAction, Encounter, EncounterStatus, Patient, PatientId, Sex
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic

_MOST = 500
_SEXES = {Sex.MALE: "M", Sex.FEMALE: "F", Sex.OTHER: "O"}
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_STEP_ID = 16


def steps_for(clinic: Clinic, query: StepQuery) -> list[Step]:
    """Whom a device asks for: visits that began today, and whoever was registered or looked up today without one."""
    now = clinic.clock()
    today = datetime.combine(now.date(), time(), now.tzinfo)
    steps = []
    with clinic.store.transaction() as tx:
        for patient, visit, moment in _expected(tx, today):
            if _wanted(query, patient, moment):
                steps.append(_step(patient, visit, moment))
        tx.audit.add(
            AuditAction.SERVE_WORKLIST, clinic.store.store_id, actor="system", reason=f"{query.title}: {len(steps)}"
        )
    return steps


def _expected(tx: Transaction, today: datetime) -> Iterator[tuple[Patient, Encounter | None, datetime]]:
    """Each person once, by the newest visit of today; the newest first."""
    seen: set[PatientId] = set()
    for visit in tx.lookups.visits_since(today):
        if visit.status is EncounterStatus.ENTERED_IN_ERROR or visit.started >= today + timedelta(days=1):
            continue
        patient = tx.patients.standing(visit.patient)
        if patient.id not in seen:
            seen.add(patient.id)
            yield patient, visit, visit.started.astimezone(today.tzinfo)
    for match in tx.patients.recent(_MOST):
        if match.patient.id in seen or match.last_seen is None or match.last_seen < today:
            continue
        seen.add(match.patient.id)
        yield match.patient, None, match.last_seen.astimezone(today.tzinfo)


def _wanted(query: StepQuery, patient: Patient, moment: datetime) -> bool:
    """Matching by name (wildcards, any of the person's names), number and day (PS3.4 C.2.2.2)."""
    if query.number and query.number.casefold() != number_of(patient).casefold():
        return False
    if (query.since and moment.date() < query.since) or (query.until and moment.date() > query.until):
        return False
    if not query.name or query.name == "*":
        return True
    pattern = re.escape(_folded(query.name)).replace(r"\*", ".*").replace(r"\?", ".")
    return any(re.fullmatch(pattern, _folded(group)) for group in pn_of(patient).split("="))


def _folded(name: str) -> str:
    return " ".join(name.replace("^", " ").casefold().split())


def number_of(patient: Patient) -> str:
    """The number a device gets: the card's, or the record's id where there is none."""
    return patient.card_number or patient.id


def pn_of(patient: Patient) -> str:
    """The patient's names as a PN (PS3.5 6.2.1): Latin letters in the first group, 汉字 in the second.

    A device that shows only the first group shows pinyin where somebody has no Latin name.
    """
    latin = han = ""
    for name in patient.names:
        text = name.display
        if _HAN.search(text):
            han = han or _components(name.family, "".join(name.given), text)
        else:
            latin = latin or _components(name.family, " ".join(name.given), text)
    if han and not latin:
        latin = _pinyin(han)
    return f"{latin}={han}" if han else latin


def _components(family: str, given: str, text: str) -> str:
    """family^given where the parts are known; else the text as it stands, which no rule can take apart for certain."""
    parts = f"{family.strip()}^{given.strip()}" if family.strip() and given.strip() else text
    return parts.replace("=", " ").replace("\\", " ")


def _pinyin(han: str) -> str:
    """汉字 as letters without tones, for a device that has no others."""
    from pypinyin import Style, lazy_pinyin

    return "^".join(
        "".join(lazy_pinyin(part, style=Style.NORMAL)).encode("ascii", "ignore").decode().capitalize()
        for part in han.split("^")
    )


def _step(patient: Patient, visit: Encounter | None, moment: datetime) -> Step:
    """What a device is told. The study's UID follows from the visit, or from person and day (PS3.5 B.2), so that a
    query repeated gives the same one."""
    origin = UUID(visit.id) if visit is not None else _of_day(patient.id, moment)
    birth = patient.birth_date
    return Step(
        name=pn_of(patient),
        number=number_of(patient),
        birth_date=str(birth).replace("-", "") if birth is not None and birth.day is not None else "",
        sex=_SEXES.get(patient.sex, ""),
        study_uid=f"2.25.{origin.int}",
        step_id=origin.hex[:_STEP_ID].upper(),
        accession=origin.hex[:_STEP_ID].upper(),
        start=moment,
    )


def _of_day(patient: PatientId, moment: datetime) -> UUID:
    from uuid import uuid5

    return uuid5(UUID(patient), moment.date().isoformat())
