"""Which tables hold records, and how a stored record is compared with what the audit chain says of it."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from desktop.records import (
    Addendum,
    Annotation,
    CellLabel,
    Condition,
    ConflictSettled,
    Consent,
    DocumentReference,
    EditConflict,
    Encounter,
    ImagingStudy,
    ImportedMarks,
    Impression,
    Instance,
    KeyImage,
    Label,
    LaterAnswer,
    MedicationRequest,
    Observation,
    Patient,
    Review,
    Segmentation,
    Suggestion,
    User,
)
from desktop.records.dicom_node import Arrival, ArrivalState, NodeSettings, OwedAnswer, OwedState, Sending
from desktop.store import (
    attachments,
    backup_runs,
    cells,
    clinic_settings,
    clinical,
    conflicts,
    consents,
    dicom_node,
    labels,
    later_answers,
    marks,
    merges,
    patients,
    readings,
    reports,
    segmentations,
    studies,
    visits,
)
from desktop.store.attachments import StoredFile
from desktop.store.backup_runs import BackupPlan, BackupRun
from desktop.store.canonical import from_canonical, time_text
from desktop.store.clinic_settings import Clinic, PolicyEntry
from desktop.store.merges import StoredMerge
from desktop.store.readings import Reveal
from desktop.store.reports import Seal
from desktop.store.rows import Row, Rows
from desktop.store.visits import microseconds

_PAGE = 1000
# The second half lets SQLite use the partial index; without it every record costs a walk through the whole chain.
_ATTESTS = "record = ? AND record <> ''"


@dataclass(frozen=True)
class Kept:
    """A table of records.

    kind: what the audit chain calls them. subject: SQL for the id under which it does. columns: those that repeat
    something of the record, and `repeated` what they must hold. versions: several rows of one id may stand side by
    side. grouped: one audit line attests all rows of one subject together, its hash being that of their stored bytes
    one after the other. order: columns, unique together and indexed, in whose order the rows are read; those of a group
    are neighbours in it. By default `key` or, where there is none, the first of `columns`. found_by: SQL that is true
    for the rows of `audit_log.subject`, where `subject` is no plain column. derived: finds subjects whose row holds
    something that must follow from other rows, and does not. counted: the name under which `verify` counts the rows,
    or empty.
    """

    kind: str
    table: str
    record: type[Any]
    columns: str
    repeated: Callable[[Any], tuple[object, ...]]
    subject: str = "id"
    versions: bool = False
    grouped: bool = False
    order: str = ""
    found_by: str = ""
    derived: Callable[[Rows], list[str]] | None = None
    counted: str = ""

    @property
    def condition(self) -> str:
        """SQL that is true for the row, or rows, of `audit_log.subject`."""
        return self.found_by or f"{self.table}.{self.subject} = audit_log.subject"


def _patient_of(table: str, column: str = "patient") -> str:
    """SQL for the id of the patient whose row a column holds."""
    return f"(SELECT id FROM patients WHERE patients.key = {table}.{column})"


def _encounter_of(table: str) -> str:
    return f"(SELECT id FROM encounters WHERE encounters.key = {table}.encounter)"


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
        derived=merges.merge_faults,
        counted="patients",
    ),
    Kept(
        visits.ENCOUNTER,
        "encounters",
        Encounter,
        f"id, {_patient_of('encounters')}, started",
        lambda encounter: (encounter.id, encounter.patient, microseconds(encounter.started)),
    ),
    Kept(
        visits.OBSERVATIONS,
        "observations",
        Observation,
        "code, patient = (SELECT patient FROM encounters WHERE encounters.key = observations.encounter)",
        lambda observation: (observation.code, 1),
        subject="(SELECT id FROM encounters WHERE encounters.key = observations.encounter)",
        grouped=True,
        found_by="observations.encounter = (SELECT key FROM encounters WHERE id = audit_log.subject)",
        order="encounter, number",
    ),
    Kept(
        clinical.CONDITION,
        "conditions",
        Condition,
        f"id, {_patient_of('conditions')}, {_encounter_of('conditions')}",
        lambda condition: (condition.id, condition.patient, condition.encounter),
    ),
    Kept(
        clinical.MEDICATION,
        "medication_requests",
        MedicationRequest,
        f"id, {_patient_of('medication_requests')}, {_encounter_of('medication_requests')}",
        lambda request: (request.id, request.patient, request.encounter),
    ),
    Kept(
        clinical.DOCUMENT,
        "documents",
        DocumentReference,
        f"id, {_patient_of('documents')}, attachment",
        lambda document: (document.id, document.patient, document.attachment),
    ),
    Kept(
        consents.CONSENT,
        "consents",
        Consent,
        f"id, {_patient_of('consents')}, retain_until",
        lambda consent: (
            consent.id,
            consent.patient,
            consent.retain_until.isoformat() if consent.retain_until else None,
        ),
    ),
    Kept(
        merges.MERGE,
        "patient_merges",
        StoredMerge,
        f"id, {_patient_of('patient_merges', 'kept')}, {_patient_of('patient_merges', 'gone')}, undoes",
        lambda stored: (stored.merge.id, stored.merge.kept, stored.merge.gone, stored.merge.undoes),
    ),
    Kept(
        conflicts.CONFLICT,
        "edit_conflicts",
        EditConflict,
        f"id, {_patient_of('edit_conflicts')}",
        lambda conflict: (conflict.id, conflict.patient),
    ),
    Kept(
        conflicts.SETTLED,
        "conflict_settlements",
        ConflictSettled,
        "conflict",
        lambda settled: (settled.conflict,),
        subject="conflict || '/settled'",
        found_by="conflict_settlements.conflict || '/settled' = audit_log.subject",
    ),
    Kept(
        attachments.KIND,
        "attachments",
        StoredFile,
        "id, patient, sha256, file",
        lambda stored: (
            stored.attachment.id,
            stored.attachment.patient or None,
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
        found_by="suggestion = substr(audit_log.subject, 1, length(audit_log.subject) - length('/reveal'))",
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
    Kept(
        marks.KEY_IMAGE,
        "key_images",
        KeyImage,
        "id, instance",
        lambda key_image: (key_image.id, key_image.instance),
        versions=True,
    ),
    Kept(
        marks.IMPORTED_MARKS,
        "imported_marks",
        ImportedMarks,
        "id, patient, attachment, study_uid",
        lambda imported: (imported.id, imported.patient, imported.attachment, imported.study_uid),
        versions=True,
    ),
    Kept(
        segmentations.SEGMENTATION,
        "segmentations",
        Segmentation,
        "id, study, series",
        lambda painted: (painted.id, painted.study, painted.series),
        versions=True,
    ),
    Kept(labels.LABEL, "labels", Label, "id, study", lambda label: (label.id, label.study)),
    Kept(cells.CELL_LABEL, "cell_labels", CellLabel, "id, study", lambda label: (label.id, label.study)),
    Kept(
        later_answers.LATER_ANSWER,
        "later_answers",
        LaterAnswer,
        "id, study",
        lambda answer: (answer.id, answer.study),
    ),
    Kept(reports.REPORT, "reports", Seal, "id", lambda seal: (seal.report,), counted="reports"),
    Kept(reports.ADDENDUM, "addenda", Addendum, "id", lambda addendum: ()),
    Kept(
        backup_runs.RUN,
        "backup_runs",
        BackupRun,
        "id, kind, ok, medium",
        lambda run: (run.id, run.kind.value, int(run.ok), run.medium),
    ),
    Kept(backup_runs.PLAN, "backup_plans", BackupPlan, "id", lambda plan: ()),
    Kept(dicom_node.NODE, "dicom_nodes", NodeSettings, "id", lambda node: ()),
    Kept(
        dicom_node.ARRIVAL,
        "arrivals",
        Arrival,
        "id, attachment, waiting, study_uid",
        lambda arrival: (
            arrival.id,
            arrival.attachment,
            int(arrival.state is ArrivalState.WAITING),
            arrival.header.study_uid,
        ),
    ),
    Kept(
        dicom_node.SENDING,
        "dicom_sendings",
        Sending,
        "id, state, transaction_uid",
        lambda sending: (sending.id, sending.state.value, sending.transaction),
    ),
    Kept(
        dicom_node.OWED,
        "owed_answers",
        OwedAnswer,
        "id, waiting",
        lambda owed: (owed.id, int(owed.state is OwedState.WAITING)),
    ),
)


@dataclass(frozen=True)
class RecordFault:
    """What is wrong with one record. subject: its id. key: names the sentence."""

    subject: str
    key: str


def record_faults(rows: Rows, kept: Kept, between: Callable[[], None]) -> Iterator[RecordFault]:
    """Records that are not what the audit chain last said, or of which one of the two is missing."""
    for subject, stored in _attested_together(rows, kept, between):
        if key := _fault(rows, kept, subject, stored):
            yield RecordFault(subject, key)
    between()
    yield from _missing(rows, kept)
    for subject in kept.derived(rows) if kept.derived is not None else ():
        yield RecordFault(subject, "verify.record_changed")


def _attested_together(rows: Rows, kept: Kept, between: Callable[[], None]) -> Iterator[tuple[str, list[Row]]]:
    """What one audit line each speaks of: a record, or the records of a group."""
    pages = _pages(rows, kept, between)
    if kept.grouped:
        for subject, group in groupby(pages, key=itemgetter(0)):
            yield subject, list(group)
    else:
        for row in pages:
            yield row[0], [row]


def _pages(rows: Rows, kept: Kept, between: Callable[[], None]) -> Iterator[Row]:
    """Every row as subject, stored bytes, repeated columns; a thousand at a time, so that memory stays constant."""
    order = kept.order or ("key" if _has_key(rows, kept.table) else kept.columns.split(",")[0])
    width = order.count(",") + 1
    marks = ", ".join("?" * width)
    columns = f"{order}, {kept.subject}, record, {kept.columns}"
    page = rows.all(f"SELECT {columns} FROM {kept.table} ORDER BY {order} LIMIT {_PAGE}")
    while page:
        between()
        for row in page:
            yield row[width:]
        page = rows.all(
            f"SELECT {columns} FROM {kept.table} WHERE ({order}) > ({marks}) ORDER BY {order} LIMIT {_PAGE}",
            page[-1][:width],
        )


def _fault(rows: Rows, kept: Kept, subject: str, stored: list[Row]) -> str:
    """Key of what is wrong with stored records, or empty."""
    attested = [
        row[0]
        for row in rows.all(
            f"SELECT content_sha256 FROM audit_log WHERE {_ATTESTS} AND subject = ? ORDER BY sequence DESC",
            (kept.kind, subject),
        )
    ]
    digest = hashlib.sha256(b"".join(row[1] for row in stored)).hexdigest()
    if not attested:
        return "verify.record_unknown"
    if digest != attested[0] and not (kept.versions and digest in attested):
        return "verify.record_older" if digest in attested else "verify.record_changed"
    return "" if all(_repeats(kept, row[1], row[2:]) for row in stored) else "verify.record_changed"


def _repeats(kept: Kept, data: bytes, columns: Row) -> bool:
    """Whether the columns beside a record hold what it says itself."""
    try:
        expected = kept.repeated(from_canonical(kept.record, data))
    except ValueError:
        return False
    return columns[: len(expected)] == expected


def _missing(rows: Rows, kept: Kept) -> Iterator[RecordFault]:
    """Records of which the chain speaks and that are gone."""
    gone = rows.all(
        f"SELECT DISTINCT subject FROM audit_log WHERE {_ATTESTS} "
        f"AND NOT EXISTS (SELECT 1 FROM {kept.table} WHERE {kept.condition})",
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
