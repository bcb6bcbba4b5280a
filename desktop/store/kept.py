"""Which tables hold records, and how a stored record is compared with what the audit chain says of it."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from desktop.records import (
    Addendum,
    Annotation,
    ImagingStudy,
    Impression,
    Instance,
    Patient,
    Review,
    Suggestion,
    User,
)
from desktop.store import attachments, clinic_settings, patients, readings, reports, studies
from desktop.store.attachments import StoredFile
from desktop.store.canonical import from_canonical, time_text
from desktop.store.clinic_settings import Clinic, PolicyEntry
from desktop.store.readings import Reveal
from desktop.store.reports import Seal
from desktop.store.rows import Rows

_PAGE = 1000
# The second half lets SQLite use the partial index; without it every record costs a walk through the whole chain.
_ATTESTS = "record = ? AND record <> ''"


@dataclass(frozen=True)
class Kept:
    """A table of records.

    kind: what the audit chain calls them. subject: SQL for the id under which it does. columns: those that repeat
    something of the record, and `repeated` what they must hold. versions: several rows of one id may stand side by
    side. counted: the name under which `verify` counts the rows, or empty.
    """

    kind: str
    table: str
    record: type[Any]
    columns: str
    repeated: Callable[[Any], tuple[object, ...]]
    subject: str = "id"
    versions: bool = False
    counted: str = ""


KEPT: tuple[Kept, ...] = (
    Kept(clinic_settings.CLINIC, "clinic", Clinic, "id", lambda clinic: (clinic.id,)),
    Kept(
        clinic_settings.USER,
        "users",
        User,
        "id, name, public_key",
        lambda user: (user.id, user.name, user.public_key),
    ),
    Kept(
        clinic_settings.POLICY,
        "policies",
        PolicyEntry,
        "name",
        lambda entry: (entry.name,),
        subject="name",
    ),
    Kept(
        patients.KIND,
        "patients",
        Patient,
        "id, card_number",
        lambda patient: (patient.id, patient.card_number or None),
        counted="patients",
    ),
    Kept(
        attachments.KIND,
        "attachments",
        StoredFile,
        "id, patient, sha256, file",
        lambda stored: (
            stored.attachment.id,
            stored.attachment.patient,
            stored.attachment.sha256,
            stored.file,
        ),
        counted="attachments",
    ),
    Kept(
        studies.STUDY,
        "imaging_studies",
        ImagingStudy,
        "id, patient, study_uid, added",
        lambda study: (study.id, study.patient, study.study_uid, time_text(study.added)),
        counted="studies",
    ),
    Kept(
        studies.INSTANCE,
        "imaging_instances",
        Instance,
        "id, study, attachment",
        lambda instance: (instance.id, instance.study, instance.attachment),
    ),
    Kept(
        readings.SUGGESTION,
        "suggestions",
        Suggestion,
        "id, study",
        lambda suggestion: (suggestion.id, suggestion.study),
        counted="suggestions",
    ),
    Kept(
        readings.REVEAL,
        "suggestion_reveals",
        Reveal,
        "suggestion",
        lambda reveal: (reveal.suggestion,),
        subject="suggestion || '/reveal'",
    ),
    Kept(
        readings.IMPRESSION,
        "impressions",
        Impression,
        "id, study",
        lambda impression: (impression.id, impression.study),
    ),
    Kept(readings.REVIEW, "reviews", Review, "id, study", lambda review: (review.id, review.study)),
    Kept(
        readings.ANNOTATION,
        "annotations",
        Annotation,
        "id, instance",
        lambda annotation: (annotation.id, annotation.instance),
        versions=True,
    ),
    Kept(reports.REPORT, "reports", Seal, "id", lambda seal: (seal.report,), counted="reports"),
    Kept(reports.ADDENDUM, "addenda", Addendum, "id", lambda addendum: ()),
)


@dataclass(frozen=True)
class RecordFault:
    """What is wrong with one record. subject: its id. key: names the sentence."""

    subject: str
    key: str


def record_faults(rows: Rows, kept: Kept, between: Callable[[], None]) -> Iterator[RecordFault]:
    """Records that are not what the audit chain last said, or of which one of the two is missing."""
    order = "key" if _has_key(rows, kept.table) else kept.columns.split(",")[0]
    last: object = -1 if order == "key" else ""
    while page := rows.all(
        f"SELECT {order}, {kept.subject}, record, {kept.columns} FROM {kept.table} WHERE {order} > ? "
        f"ORDER BY {order} LIMIT {_PAGE}",
        (last,),
    ):
        between()
        for place, subject, data, *columns in page:
            if key := _fault(rows, kept, subject, data, tuple(columns)):
                yield RecordFault(subject, key)
            last = place
    yield from _missing(rows, kept)


def _fault(rows: Rows, kept: Kept, subject: str, data: bytes, columns: tuple[object, ...]) -> str:
    """Key of what is wrong with a stored record, or empty."""
    attested = [
        row[0]
        for row in rows.all(
            f"SELECT content_sha256 FROM audit_log WHERE {_ATTESTS} AND subject = ? ORDER BY sequence DESC",
            (kept.kind, subject),
        )
    ]
    digest = hashlib.sha256(data).hexdigest()
    if not attested:
        return "verify.record_unknown"
    if digest != attested[0] and not (kept.versions and digest in attested):
        return "verify.record_older" if digest in attested else "verify.record_changed"
    try:
        record = from_canonical(kept.record, data)
    except ValueError:
        return "verify.record_changed"
    expected = kept.repeated(record)
    return "verify.record_changed" if columns[: len(expected)] != expected else ""


def _missing(rows: Rows, kept: Kept) -> Iterator[RecordFault]:
    """Records of which the chain speaks and that are gone."""
    gone = rows.all(
        f"SELECT subject FROM audit_log WHERE {_ATTESTS} EXCEPT SELECT {kept.subject} FROM {kept.table}",
        (kept.kind,),
    )
    for (subject,) in gone:
        yield RecordFault(subject, "verify.record_missing")
    if kept.versions:
        stored: Mapping[str, int] = dict(rows.all(f"SELECT id, count(*) FROM {kept.table} GROUP BY id"))
        for subject, count in rows.all(
            f"SELECT subject, count(*) FROM audit_log WHERE {_ATTESTS} GROUP BY subject", (kept.kind,)
        ):
            if 0 < stored.get(subject, 0) < count:
                yield RecordFault(subject, "verify.record_missing")


def _has_key(rows: Rows, table: str) -> bool:
    return any(row[1] == "key" for row in rows.all(f"PRAGMA table_info({table})"))
