"""Studies, readings and reports: what goes in comes out, in the documented order."""

from datetime import timedelta

import pytest

from desktop import vault
from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.records import (
    Addendum,
    Annotation,
    AnnotationId,
    AnnotationKind,
    AuditAction,
    ImagingStudy,
    Impression,
    ImpressionId,
    Instance,
    InstanceId,
    Modality,
    ReportId,
    StudyId,
    SuggestionId,
    UserId,
    new_id,
)
from desktop.records.canonical_report import report_canonical_bytes
from desktop.records.ids import AttachmentId, PatientId
from desktop.store import Store, canonical_bytes
from tests.store.helpers import (
    NOW,
    USER,
    add_patient,
    import_file,
    patient,
    read_a_film,
    signed_report,
    suggestion_for,
)


def bare_study() -> ImagingStudy:
    study = StudyId(new_id())
    instance = Instance(InstanceId(new_id()), study, AttachmentId(new_id()), "1.2.3.4", 300, 200)
    return ImagingStudy(study, PatientId(new_id()), "1.2.3", Modality.DX, None, "", NOW, (instance,))


def test_a_film_is_read_from_import_to_addendum(store: Store, keys: vault.Unlocked) -> None:
    read = read_a_film(store, keys)
    study = read.study.id
    with store.snapshot() as tx:
        assert tx.studies.get(study) == read.study
        assert tx.studies.instance(read.instance.id) == read.instance
        assert tx.studies.by_uid(read.patient.id, "1.2.3") == read.study
        assert tx.studies.by_uid(read.patient.id, "9.9") is None
        assert tx.attachments.get(read.attachment.id) == read.attachment
        assert [entry.text for entry in tx.impressions.for_study(study)] == ["肺炎?"]
        assert canonical_bytes(tx.suggestions.get(read.suggestion.id)) == canonical_bytes(read.suggestion)
        assert [entry.id for entry in tx.suggestions.for_study(study)] == [read.suggestion.id]
        assert tx.suggestions.revealed_at(read.suggestion.id) == NOW
        assert [entry.finding for entry in tx.reviews.for_study(study)] == ["pneumonia"]
        assert [drawing.label for drawing in tx.annotations.for_instance(read.instance.id)] == ["影"]
        report = tx.reports.get(read.report.content.report)
        assert (report.content, report.sha256) == (read.report.content, read.report.sha256)
        assert [addendum.text for addendum in report.addenda] == ["复查"]
        assert tx.reports.for_study(study) == [report]
        assert tx.reports.canonical(report.content.report) == report_canonical_bytes(report.content)
        draft = tx.drafts.get(study, keys.user_id)
        assert draft is not None
        assert (draft.findings_text, draft.impression_text) == ("findings", "impression")
        assert tx.policy.get("report_language") == "zh"


def test_the_worklist_shows_unsigned_first_and_newest_first(store: Store, keys: vault.Unlocked) -> None:
    owner = add_patient(store, patient("李四"))
    studies = []
    for day in range(3):
        _, study = import_file(store, owner, data=b"film" + bytes([day]))
        later = ImagingStudy(
            StudyId(new_id()), owner.id, f"1.{day}", Modality.CR, None, "", NOW + timedelta(days=day + 1)
        )
        with store.transaction() as tx:
            tx.studies.add_study(later)
            tx.audit.add(AuditAction.IMPORT_STUDY, later.id, actor="t")
        studies += [study, later]
    newest = studies[-1]
    with store.transaction() as tx:
        tx.reports.add(signed_report(keys, owner, newest))
        tx.suggestions.add(suggestion_for(studies[0]))
        tx.impressions.add(
            Impression(ImpressionId(new_id()), studies[0].id, UserId("t"), "clear", NOW, before_reveal=False)
        )
        tx.audit.add(AuditAction.SIGN_REPORT, newest.id, actor="t")
    with store.snapshot() as tx:
        work = tx.studies.worklist(10)
        assert [entry.signed for entry in work] == [False] * 5 + [True]
        assert [entry.study.added for entry in work[:5]] == sorted(
            (entry.study.added for entry in work[:5]), reverse=True
        )
        assert {entry.patient_name for entry in work} == {"李四"}
        first = next(entry for entry in work if entry.study.id == studies[0].id)
        assert (first.has_impression, first.has_suggestion) == (True, True)
        assert len(tx.studies.worklist(2)) == 2
        assert next(entry.study.id for entry in tx.studies.for_patient(owner.id)) == newest.id


def test_the_same_bytes_are_found_again_for_the_same_patient_only(store: Store) -> None:
    owner, other = add_patient(store, patient("甲")), add_patient(store, patient("乙"))
    attachment, study = import_file(store, owner)
    with store.snapshot() as tx:
        found = tx.studies.find_duplicate(owner.id, attachment.sha256)
        assert found is not None
        assert (found[0].id, found[1].attachment) == (study.id, attachment.id)
        assert tx.studies.find_duplicate(other.id, attachment.sha256) is None
        assert tx.studies.find_duplicate(owner.id, "00" * 32) is None


def test_a_drawing_changes_by_a_later_row(store: Store) -> None:
    _, study = import_file(store, add_patient(store, patient()))
    instance = study.instances[0].id
    first = Annotation(
        AnnotationId(new_id()), instance, AnnotationKind.LENGTH, ((0.0, 0.0), (9.0, 9.0)), "a", UserId("t"), NOW
    )
    second = Annotation(
        AnnotationId(new_id()), instance, AnnotationKind.LENGTH, ((1.0, 1.0), (2.0, 2.0)), "b", UserId("t"), NOW
    )
    forms = (
        first,
        second,
        Annotation(**{**vars(first), "label": "c"}),
        Annotation(**{**vars(second), "deleted": True}),
    )
    for form in forms:
        with store.transaction() as tx:
            tx.annotations.add(form)
            tx.audit.add(AuditAction.ANNOTATE, form.id, actor="t")
    with store.snapshot() as tx:
        assert [drawing.label for drawing in tx.annotations.for_instance(instance)] == ["c"]
    assert store.verify(Job()).ok


def test_only_the_first_reveal_is_noted(store: Store, keys: vault.Unlocked) -> None:
    read = read_a_film(store, keys)
    with store.transaction() as tx:
        assert tx.suggestions.mark_revealed(read.study.id, UserId("other"), NOW + timedelta(days=1)) == ()
        assert tx.suggestions.revealed_at(read.suggestion.id) == NOW


def test_drafts_are_replaced_cleared_and_need_no_audit_line(store: Store, keys: vault.Unlocked) -> None:
    _, study = import_file(store, add_patient(store, patient()))
    for words in ("one", "two"):
        with store.transaction() as tx:
            tx.drafts.save(study.id, keys.user_id, words, "")
    with store.transaction() as tx:
        draft = tx.drafts.get(study.id, keys.user_id)
        assert draft is not None
        assert draft.findings_text == "two"
        assert tx.drafts.get(study.id, UserId(new_id())) is None
        tx.drafts.clear(study.id)
        assert tx.drafts.get(study.id, keys.user_id) is None


def test_a_report_whose_hash_is_not_its_own_is_refused(store: Store, keys: vault.Unlocked) -> None:
    owner = add_patient(store, patient())
    _, study = import_file(store, owner)
    report = signed_report(keys, owner, study)
    with pytest.raises(ValueError), store.transaction() as tx:
        tx.reports.add(type(report)(report.content, "00" * 32, report.signature, report.public_key))


def test_unknown_ids_are_told_in_words(store: Store) -> None:
    nobody = new_id()
    with store.transaction() as tx:
        for look in (
            lambda: tx.patients.get(PatientId(nobody)),
            lambda: tx.studies.get(StudyId(nobody)),
            lambda: tx.studies.instance(InstanceId(nobody)),
            lambda: tx.attachments.get(AttachmentId(nobody)),
            lambda: tx.suggestions.get(SuggestionId(nobody)),
            lambda: tx.reports.get(ReportId(nobody)),
            lambda: tx.reports.add_addendum(ReportId(nobody), Addendum("x", USER, NOW, "", b"")),
            lambda: tx.users.get(UserId(nobody)),
            lambda: tx.users.by_name("nobody"),
        ):
            with pytest.raises(UserFacingError) as caught:
                look()
            assert caught.value.kind is ErrorKind.NOT_FOUND
            assert caught.value.key.startswith("store.")


def test_the_first_user_is_there_and_policy_has_defaults(store: Store, keys: vault.Unlocked) -> None:
    with store.transaction() as tx:
        (user,) = tx.users.all()
        assert (user.id, user.name, user.public_key) == (keys.user_id, USER, keys.public_key)
        assert tx.users.by_name(USER) == user
        tx.users.add(user)
        assert tx.policy.get("reading_order") == "doctor_first"
        with pytest.raises(KeyError):
            tx.policy.get("favourite_colour")
        with pytest.raises(KeyError):
            tx.policy.set("favourite_colour", "blue")
