"""A clinic in which it is known what cases turned out to be: people who do not exist, answers as if a model had given
them, truths as if the laboratory had."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image

from desktop import workflow
from desktop.jobs import Job
from desktop.records import (
    Analysis,
    AnalysisStatus,
    AuditAction,
    Decision,
    Finding,
    HumanName,
    ImagingStudy,
    Instance,
    InstanceId,
    Label,
    LabelBasis,
    LabelId,
    LabelValue,
    Modality,
    PartialDate,
    PatientId,
    Provenance,
    Quality,
    Review,
    ReviewId,
    Sex,
    StudyId,
    Suggestion,
    SuggestionId,
    UserId,
    Verdict,
    new_id,
)
from desktop.store import Transaction

MODEL, FINDING = "chest-xray-child", "pneumonia"
FIRST = date(2026, 9, 1)


def fill(
    clinic: workflow.Clinic,
    folder: Path,
    count: int = 80,
    *,
    seed: int = 4,
    basis: LabelBasis | None = LabelBasis.LABORATORY,
    refused: int = 0,
    unknown: int = 0,
    sha256: str = "",
    present: float = 0.4,
) -> list[StudyId]:
    """So many confirmed cases, a patient each, one a day from the first of September. basis: None for the doctor's
    decision after the suggestion was seen. refused, unknown: further answers nothing was or is known of. sha256: of
    weights other than those in use. The probabilities are drawn, those with the finding higher."""
    generator = np.random.default_rng(seed)
    draft = workflow.PatientDraft((HumanName("第一位"),), sex=Sex.MALE, birth_date=PartialDate(2022, 5))
    first = workflow.register_patient(clinic, Job(), draft).patient
    picture = folder / f"film-{seed}.png"
    Image.fromarray(generator.integers(0, 255, (90, 100), np.uint8)).save(picture)
    kept = workflow.import_file(clinic, Job(), picture, first.id).study
    with clinic.store.snapshot() as tx:
        attachment = tx.studies.get(kept).main.attachment
    model = clinic.models.get(MODEL)
    weights = sha256 or model.sha256
    thresholds = model.thresholds(FINDING)
    studies = []
    me = clinic.session.user.id
    with clinic.store.transaction() as tx:
        for number in range(count + refused + unknown):
            truth = number % 10 < round(10 * present)
            said = float(generator.beta(5, 2) if truth else generator.beta(2, 5))
            when = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(days=number % 60, hours=9)
            person = workflow.PatientDraft(
                (HumanName(f"虚构 {number}"),),
                sex=Sex.FEMALE if number % 3 == 0 else Sex.MALE,
                birth_date=PartialDate(2026 - 1 - number % 8, 5),
                synthetic=True,
            ).as_patient(PatientId(new_id()), tx.patients.next_card_number())
            tx.patients.add(person)
            study = StudyId(new_id())
            instance = Instance(InstanceId(new_id()), study, attachment, "", 90, 100)
            tx.studies.add_study(
                ImagingStudy(study, person.id, "", Modality.DX, when.date(), "", when, instances=(instance,))
            )
            made = Provenance(MODEL, model.version if not sha256 else "0.9", weights, "CPU", "cd" * 32, 1.0)
            if count <= number < count + refused:
                analysis = Analysis(AnalysisStatus.REFUSED, made, Quality(ok=False), reason="inference.reason.quality")
            else:
                decision = thresholds.decide(said)
                reason = "inference.reason.between" if decision is Decision.CANNOT_SAY else ""
                found = Finding(FINDING, "Pneumonia", said, decision, reason=reason)
                analysis = Analysis(AnalysisStatus.OK, made, Quality(ok=True), (found,))
            suggestion = Suggestion(SuggestionId(new_id()), study, instance.id, analysis, when)
            tx.suggestions.add(suggestion)
            tx.suggestions.mark_revealed(study, me, when)
            if number < count:
                _confirm(tx, suggestion, truth, basis, me)
                studies.append(study)
        tx.audit.add(AuditAction.IMPORT_STUDY, kept, actor=clinic.actor)
    return studies


def _confirm(
    tx: Transaction,
    suggestion: Suggestion,
    truth: bool,
    basis: LabelBasis | None,
    author: UserId,
) -> None:
    when = suggestion.created + timedelta(days=3)
    if basis is not None:
        value = LabelValue.PRESENT if truth else LabelValue.ABSENT
        tx.labels.add(
            Label(LabelId(new_id()), suggestion.study, suggestion.instance, FINDING, value, basis, author, when)
        )
        return
    settled = Decision.LIKELY if truth else Decision.UNLIKELY
    tx.reviews.add(
        Review(ReviewId(new_id()), suggestion.study, suggestion.id, FINDING, Verdict.AMEND, settled, "", author, when)
    )
