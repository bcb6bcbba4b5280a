"""What the tests of the store share."""

import contextlib
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from sqlcipher3 import dbapi2

from desktop import vault
from desktop.i18n import Language, Translator
from desktop.jobs import Job
from desktop.records import (
    Activation,
    Addendum,
    Analysis,
    AnalysisStatus,
    Annotation,
    AnnotationId,
    AnnotationKind,
    Attachment,
    AttachmentId,
    AuditAction,
    Beat,
    BeatKind,
    CellBox,
    CellLabel,
    CellQuestion,
    Count,
    Decision,
    DetectedBox,
    Episode,
    Finding,
    GridSource,
    HumanName,
    Identifier,
    ImagingStudy,
    ImportedDrawing,
    ImportedMarks,
    Impression,
    ImpressionId,
    Instance,
    InstanceId,
    KeyImage,
    KeyImageId,
    Label,
    LabelBasis,
    LabelId,
    LabelValue,
    LaterAnswer,
    LaterAnswerId,
    MarksFormat,
    MarksId,
    Mask,
    Modality,
    PartialDate,
    Patient,
    PatientId,
    Provenance,
    Quality,
    ReportContent,
    ReportId,
    Review,
    ReviewId,
    Segment,
    Segmentation,
    SegmentationId,
    Sex,
    SignedReport,
    StudyId,
    Suggestion,
    SuggestionId,
    UserId,
    Verdict,
    new_id,
)
from desktop.records.canonical_report import addendum_canonical_bytes, report_canonical_bytes
from desktop.store import Store, Transaction, Verification
from desktop.store.places import DATABASE

PASSPHRASE = "correct horse battery"
USER = "li"
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Keys:
    """A keystore on the disk, already unlocked."""

    folder: Path
    unlocked: vault.Unlocked


@dataclass(frozen=True)
class Read:
    """A study that has been through everything."""

    patient: Patient
    attachment: Attachment
    study: ImagingStudy
    instance: Instance
    suggestion: Suggestion
    report: SignedReport


def patient(name: str = "王小明", **fields: object) -> Patient:
    values: dict[str, object] = {"id": PatientId(new_id()), "names": (HumanName(text=name),), **fields}
    return Patient(**values)  # type: ignore[arg-type]  # fields of the record by name


def full_patient() -> Patient:
    return patient(
        sex=Sex.FEMALE,
        birth_date=PartialDate(2021, 5),
        phones=("138 1234 5678",),
        village="清河村",
        identifiers=(Identifier("A-77", "urn:x"),),
    )


def add_patient(store: Store, record: Patient, actor: str = "tester") -> Patient:
    with store.transaction() as tx:
        tx.patients.add(record)
        tx.audit.add(AuditAction.ADD_PATIENT, record.id, actor=actor)
    return record


def import_file(store: Store, owner: Patient, data: bytes = b"pixels" * 20000) -> tuple[Attachment, ImagingStudy]:
    staged = store.attachments.stage(data, Job())
    attachment = Attachment(AttachmentId(new_id()), owner.id, staged.sha256, staged.size, "image/png", "film.png", NOW)
    study = ImagingStudy(StudyId(new_id()), owner.id, "1.2.3", Modality.DX, date(2026, 11, 20), "chest", NOW)
    instance = Instance(InstanceId(new_id()), study.id, attachment.id, "1.2.3.4", 300, 200)
    with store.transaction() as tx:
        tx.attachments.add(attachment, staged)
        tx.studies.add_study(study)
        tx.studies.add_instance(instance)
        tx.audit.add(AuditAction.IMPORT_STUDY, study.id, actor="tester")
        study = tx.studies.get(study.id)
    return attachment, study


def suggestion_for(study: ImagingStudy) -> Suggestion:
    heat = np.linspace(0, 1, 24, dtype=np.float32).reshape(4, 6)
    analysis = Analysis(
        AnalysisStatus.OK,
        Provenance("chest-xray-child", "1.0", "ab" * 32, "CPU", "cd" * 32, 21.5),
        Quality(ok=True),
        (Finding("pneumonia", "Pneumonia", 0.875, Decision.LIKELY),),
        (Activation("pneumonia", heat, (0.0, 0.1, 1.0, 0.9)),),
        beats=(Beat(40, BeatKind.NORMAL),),
        episodes=(Episode("atrial_fibrillation", 0, 3000),),
        boxes=(DetectedBox(1.5, 2.0, 30.0, 31.0, "afb", 0.75),),
        counts=(Count("afb", 12),),
        masks=(Mask("vessels", b"PNG"),),
    )
    return Suggestion(SuggestionId(new_id()), study.id, study.instances[0].id, analysis, NOW)


def signed_report(keys: vault.Unlocked, owner: Patient, study: ImagingStudy) -> SignedReport:
    content = ReportContent(
        report=ReportId(new_id()),
        study=study.id,
        clinic_name="清河村卫生室",
        patient=owner,
        age_months=30,
        age_days=None,
        modality="DX",
        body_part="CHEST",
        study_date="2026-11-20",
        study_uid=study.study_uid,
        image_sha256="ef" * 32,
        findings_text="右下肺斑片影",
        impression="肺炎",
        read_before_reveal=True,
        findings=(),
        annotations=(),
        model_name="",
        model_version="",
        model_sha256="",
        model_device="",
        model_refusal="",
        author=keys.user_id,
        author_name=USER,
        signed=NOW,
        audit_head="00" * 32,
        audit_sequence=7,
    )
    data = report_canonical_bytes(content)
    digest = hashlib.sha256(data).hexdigest()
    return SignedReport(content, digest, keys.signing_key.sign(data), keys.public_key)


def signed_addendum(keys: vault.Unlocked, report: SignedReport, words: str, previous: str = "") -> Addendum:
    data = addendum_canonical_bytes(report.sha256, previous, words, USER, NOW)
    return Addendum(words, USER, NOW, hashlib.sha256(data).hexdigest(), keys.signing_key.sign(data))


def read_a_film(store: Store, keys: vault.Unlocked) -> Read:
    """One film from import to addendum, so that every table holds something."""
    owner = add_patient(store, full_patient())
    attachment, study = import_file(store, owner)
    suggestion = suggestion_for(study)
    instance = study.instances[0]
    author = UserId("tester")
    report = signed_report(keys, owner, study)
    with store.transaction() as tx:
        tx.impressions.add(Impression(ImpressionId(new_id()), study.id, author, "肺炎?", NOW, before_reveal=True))
        tx.suggestions.add(suggestion)
        tx.suggestions.mark_revealed(study.id, author, NOW)
        tx.reviews.add(
            Review(ReviewId(new_id()), study.id, suggestion.id, "pneumonia", Verdict.ACCEPT, None, "", author, NOW)
        )
        drawing = Annotation(
            AnnotationId(new_id()), instance.id, AnnotationKind.REGION, ((1.0, 2.0), (3.5, 4.0)), "影", author, NOW
        )
        tx.annotations.add(drawing)
        tx.key_images.add(KeyImage(KeyImageId(new_id()), instance.id, author, NOW))
        lines = ImportedDrawing(AnnotationId(new_id()), "1.2.3.4", ((1.0, 2.0),), label="片影")
        came = MarksFormat.PRESENTATION
        tx.imported.add(
            ImportedMarks(MarksId(new_id()), owner.id, attachment.id, "1.2.3", came, "PACS", author, NOW, (lines,))
        )
        painted = Segment(1, "影", (255, 0, 0), (0, 0, 0, 1, 1, 8), zlib.compress(b"\xff"), 8)
        axes = (0.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)
        source = GridSource.POSITIONS
        tx.segmentations.add(
            Segmentation(SegmentationId(new_id()), study.id, "1.2", (1, 8, 8), *axes, source, (painted,), author, NOW)
        )
        kind = LabelValue.PRESENT, LabelBasis.LABORATORY
        tx.labels.add(Label(LabelId(new_id()), study.id, instance.id, "pneumonia", *kind, author, NOW, "培养"))
        later = replace(suggestion.analysis, activations=(), masks=())
        tx.later_answers.add(LaterAnswer(LaterAnswerId(new_id()), study.id, instance.id, later, NOW, author, "X 1"))
        lay = CellQuestion.PARASITE, LabelValue.UNSURE, LabelBasis.LAY
        box = CellBox(3.0, 4.5, 20.0, 21.0)
        tx.cells.add(CellLabel(LabelId(new_id()), study.id, instance.id, suggestion.id, box, *lay, author, NOW))
        tx.policy.set("report_language", "zh")
        tx.drafts.save(study.id, keys.user_id, "findings", "impression")
        tx.reports.add(report)
        tx.reports.add_addendum(report.content.report, signed_addendum(keys, report, "复查"))
        tx.audit.add(AuditAction.SIGN_REPORT, report.content.report, actor=author)
    return Read(owner, attachment, study, instance, suggestion, report)


@contextlib.contextmanager
def snapshot(store: Store) -> Iterator[Transaction]:
    with store.snapshot() as tx:
        yield tx


def as_attacker(folder: Path, keys: vault.Unlocked, *statements: str) -> None:
    """Somebody with the key and a tool of his own: no authorizer, and the triggers dropped."""
    connection = dbapi2.connect(str(folder / DATABASE), isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{keys.master.derive('db').hex()}'\"")
    triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _, sql in triggers:
        connection.execute(sql)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()


def verify(folder: Path, keys: vault.Unlocked) -> Verification:
    with Store.open(folder, keys) as store:
        return store.verify(Job())


def kinds(verification: Verification) -> set[str]:
    return {problem.kind.value for problem in verification.problems}


def keys_of(verification: Verification) -> set[str]:
    return {problem.key for problem in verification.problems}


def said_in_both_languages(verification: Verification) -> bool:
    """Whether every problem and note has its sentence, and problems their advice, in each language."""
    for language in Language:
        translator = Translator(language)
        for problem in verification.problems:
            for key in (problem.key, f"{problem.key}.advice"):
                assert translator.text(key, **problem.details) != key
        for note in verification.notes:
            assert translator.text(note.key, **note.details) != note.key
    return True
