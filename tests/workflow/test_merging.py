"""Merging, undoing it and settling crossed edits, as a person at the clinic does it."""

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from desktop import workflow
from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.records import (
    AllergyIntolerance,
    AuditAction,
    ConsentDecision,
    ConsentPurpose,
    HumanName,
    Identifier,
    Observation,
    PartialDate,
    Patient,
    PatientField,
    PatientId,
    Sex,
    Side,
    new_id,
)
from desktop.workflow import Clinic, ConsentDraft, PatientDraft, VisitDraft

XIAOMING = PatientDraft((HumanName("王小明"),), Sex.MALE, PartialDate(2021, 5), ("138 1234 5678",), "清河村")
XIAOMIN = PatientDraft(
    (HumanName("王晓敏"), HumanName(family="Wang", given=("Xiaomin",))),
    birth_date=PartialDate(2021, 5, 7),
    phones=("139 0000 1111",),
    identifiers=(Identifier("S-2041", "urn:example:insurance"),),
    allergies=(AllergyIntolerance("青霉素", "皮疹"),),
)


def register(clinic: Clinic, draft: PatientDraft) -> Patient:
    return workflow.register_patient(clinic, Job(), draft).patient


def found(clinic: Clinic, text: str) -> list[PatientId]:
    return [match.patient.id for match in workflow.search_patients(clinic, Job(), text)]


def refused(deed: Callable[[], object]) -> UserFacingError:
    with pytest.raises(UserFacingError) as refusal:
        deed()
    return refusal.value


@pytest.fixture
def pair(clinic: Clinic) -> tuple[Patient, Patient]:
    """Two records of one child."""
    return register(clinic, XIAOMING), register(clinic, XIAOMIN)


def test_the_preview_shows_both_and_suggests_what_loses_nothing(clinic: Clinic, pair: tuple[Patient, Patient]) -> None:
    kept, gone = pair
    preview = workflow.merge_preview(clinic, Job(), kept.id, gone.id)
    assert {difference.field: difference.suggested for difference in preview.differences} == {
        PatientField.NAMES: Side.BOTH,
        PatientField.SEX: Side.FIRST,
        PatientField.BIRTH_DATE: Side.SECOND,
        PatientField.PHONES: Side.BOTH,
        PatientField.VILLAGE: Side.FIRST,
        PatientField.IDENTIFIERS: Side.BOTH,
        PatientField.ALLERGIES: Side.BOTH,
    }
    assert preview.result.birth_date == PartialDate(2021, 5, 7)
    assert preview.result.phones == ("138 1234 5678", "139 0000 1111")
    assert preview.result.card_number == kept.card_number
    assert workflow.open_patient(clinic, Job(), kept.id).patient == kept


def test_a_merged_record_is_found_under_the_kept_one(clinic: Clinic, pair: tuple[Patient, Patient]) -> None:
    kept, gone = pair
    workflow.merge_patients(clinic, Job(), kept.id, gone.id)
    for text in ("王小明", "晓敏", "wangxiaomin", "xiaomin", "13900001111", "S-2041", gone.card_number, "1381234"):
        assert found(clinic, text) == [kept.id], text
    assert [match.patient.id for match in workflow.recent_patients(clinic, Job())] == [kept.id]


def test_it_is_found_by_what_was_not_taken_over_too(clinic: Clinic, pair: tuple[Patient, Patient]) -> None:
    kept, gone = pair
    nothing = dict.fromkeys(PatientField, Side.FIRST)
    merged = workflow.merge_patients(clinic, Job(), kept.id, gone.id, nothing)
    assert merged.patient == kept
    for text in ("晓敏", "13900001111", "S-2041"):
        assert found(clinic, text) == [kept.id], text
    again = replace(PatientDraft.of(kept), village="石桥村")
    workflow.edit_patient(clinic, Job(), kept.id, again)
    assert found(clinic, "晓敏") == [kept.id]


def test_who_comes_again_under_the_old_name_is_warned_of(clinic: Clinic, pair: tuple[Patient, Patient]) -> None:
    kept, gone = pair
    workflow.merge_patients(clinic, Job(), kept.id, gone.id, dict.fromkeys(PatientField, Side.FIRST))
    again = PatientDraft((HumanName("王晓敏"),), birth_date=PartialDate(2021, 5), phones=("13900001111",))
    (candidate,) = workflow.possible_duplicates(clinic, Job(), again)
    assert candidate.patient.id == kept.id
    assert {"name", "phone"} <= set(candidate.reasons)
    assert candidate.score >= 0.7
    assert workflow.possible_duplicates(clinic, Job(), again, besides=kept.id) == ()


def test_both_charts_become_one_and_two_again(clinic: Clinic, pair: tuple[Patient, Patient]) -> None:
    kept, gone = pair
    for patient, temperature in ((kept, 38.5), (gone, 39.1)):
        visit = VisitDraft(patient.id, observations=(Observation("8310-5", temperature, "Cel"),))
        workflow.record_visit(clinic, Job(), visit)
    workflow.record_consent(clinic, Job(), ConsentDraft(gone.id, ConsentPurpose.TEACHING, ConsentDecision.REFUSED))
    workflow.merge_patients(clinic, Job(), kept.id, gone.id)
    for either in pair:
        chart = workflow.open_patient(clinic, Job(), either.id)
        assert chart.patient.id == kept.id
        assert len(chart.visits) == 2
        assert [record.id for record in chart.merged] == [gone.id]
        teaching = next(state for state in chart.consents if state.purpose is ConsentPurpose.TEACHING)
        assert teaching.latest is not None
        assert [one.observation.value for one in workflow.observation_course(clinic, Job(), either.id, "8310-5")] == [
            39.1,
            38.5,
        ]
    workflow.unmerge(clinic, Job(), gone.id)
    for either in pair:
        chart = workflow.open_patient(clinic, Job(), either.id)
        assert (chart.patient, len(chart.visits), chart.merged) == (either, 1, ())


def test_undoing_brings_back_the_very_records(clinic: Clinic, pair: tuple[Patient, Patient]) -> None:
    kept, gone = pair
    versions = [workflow.open_patient(clinic, Job(), patient.id).version for patient in pair]
    merge = workflow.merge_patients(clinic, Job(), kept.id, gone.id).merge
    undone = workflow.unmerge(clinic, Job(), merge.id)
    assert (undone.kept, undone.gone) == pair
    assert [workflow.open_patient(clinic, Job(), patient.id).version for patient in pair] == versions
    assert found(clinic, "晓敏") == [gone.id]
    assert found(clinic, "小明") == [kept.id]
    assert [one.undoes for one in workflow.merges(clinic, Job(), gone.id)] == [None, merge.id]
    assert workflow.verify(clinic, Job()).ok


def test_what_was_edited_in_between_stays(clinic: Clinic, pair: tuple[Patient, Patient]) -> None:
    kept, gone = pair
    merged = workflow.merge_patients(clinic, Job(), kept.id, gone.id).patient
    edited = replace(PatientDraft.of(merged), village="石桥村", phones=("137 7777 7777",))
    workflow.edit_patient(clinic, Job(), kept.id, edited)
    after = workflow.unmerge(clinic, Job(), gone.id).kept
    assert (after.village, after.phones) == ("石桥村", ("137 7777 7777",))
    assert (after.names, after.identifiers, after.allergies) == (kept.names, (), ())


def test_nothing_is_added_to_a_record_that_is_gone(clinic: Clinic, pair: tuple[Patient, Patient], film: Path) -> None:
    kept, gone = pair
    workflow.merge_patients(clinic, Job(), kept.id, gone.id)
    third = register(clinic, XIAOMING)
    consent = ConsentDraft(gone.id, ConsentPurpose.CARE, ConsentDecision.GIVEN)
    for deed in (
        lambda: workflow.edit_patient(clinic, Job(), gone.id, XIAOMING),
        lambda: workflow.record_visit(clinic, Job(), VisitDraft(gone.id)),
        lambda: workflow.record_consent(clinic, Job(), consent),
        lambda: workflow.import_file(clinic, Job(), film, gone.id, "a reason"),
        lambda: workflow.merge_patients(clinic, Job(), third.id, gone.id),
        lambda: workflow.merge_patients(clinic, Job(), gone.id, third.id),
    ):
        error = refused(deed)
        assert (error.key, error.kind) == ("store.patient_merged", ErrorKind.BAD_INPUT)
        assert error.details["kept"] == kept.id
    assert workflow.verify(clinic, Job()).ok


def test_a_film_of_either_record_is_read_for_the_kept_one(
    clinic: Clinic, pair: tuple[Patient, Patient], film: Path
) -> None:
    kept, gone = pair
    study = workflow.import_file(clinic, Job(), film, gone.id, "a reason").study
    workflow.merge_patients(clinic, Job(), kept.id, gone.id)
    assert workflow.open_study(clinic, Job(), study).patient.id == kept.id
    assert [summary.study.id for summary in workflow.open_patient(clinic, Job(), kept.id).studies] == [study]
    assert [summary.patient_name for summary in workflow.worklist(clinic, Job())] == ["王小明"]
    again = workflow.import_file(clinic, Job(), film, kept.id, "a reason")
    assert (again.duplicate, again.study) == (True, study)


def test_chains_come_apart_in_any_order(clinic: Clinic, pair: tuple[Patient, Patient]) -> None:
    middle, lowest = pair
    top = register(clinic, PatientDraft((HumanName("王明"),), phones=("136 6666 6666",)))
    three = (top, middle, lowest)
    for order in ((lowest, middle), (middle, lowest)):
        workflow.merge_patients(clinic, Job(), middle.id, lowest.id)
        workflow.merge_patients(clinic, Job(), top.id, middle.id)
        for text in ("王明", "小明", "晓敏", "13900001111"):
            assert found(clinic, text) == [top.id], text
        for gone in order:
            workflow.unmerge(clinic, Job(), gone.id)
        assert tuple(workflow.open_patient(clinic, Job(), one.id).patient for one in three) == three
        assert found(clinic, "晓敏") == [lowest.id]
    assert workflow.verify(clinic, Job()).ok


def test_a_link_in_the_middle_of_a_chain_can_go_first(clinic: Clinic, pair: tuple[Patient, Patient]) -> None:
    middle, lowest = pair
    top = register(clinic, PatientDraft((HumanName("王明"),)))
    workflow.merge_patients(clinic, Job(), middle.id, lowest.id)
    workflow.merge_patients(clinic, Job(), top.id, middle.id)
    workflow.unmerge(clinic, Job(), middle.id)
    assert found(clinic, "晓敏") == [middle.id]
    assert workflow.open_patient(clinic, Job(), lowest.id).patient.id == middle.id


def test_what_makes_no_sense_is_refused_in_words(clinic: Clinic, pair: tuple[Patient, Patient]) -> None:
    kept, gone = pair
    nobody = PatientId(new_id())
    assert refused(lambda: workflow.merge_patients(clinic, Job(), kept.id, kept.id)).key == "merging.same"
    for one, other in ((kept.id, nobody), (nobody, gone.id)):
        error = refused(functools.partial(workflow.merge_patients, clinic, Job(), one, other))
        assert error.kind is ErrorKind.NOT_FOUND
    assert refused(lambda: workflow.unmerge(clinic, Job(), kept.id)).key == "merging.not_merged"
    assert refused(lambda: workflow.unmerge(clinic, Job(), nobody)).kind is ErrorKind.NOT_FOUND
    merge = workflow.merge_patients(clinic, Job(), kept.id, gone.id).merge
    workflow.unmerge(clinic, Job(), merge.id)
    assert refused(lambda: workflow.unmerge(clinic, Job(), merge.id)).key == "store.merge_undone"


def test_a_merge_decided_on_an_old_preview_is_refused(clinic: Clinic, pair: tuple[Patient, Patient]) -> None:
    kept, gone = pair
    preview = workflow.merge_preview(clinic, Job(), kept.id, gone.id)
    workflow.edit_patient(clinic, Job(), gone.id, replace(XIAOMIN, village="石桥村"))
    error = refused(lambda: workflow.merge_patients(clinic, Job(), kept.id, gone.id, previewed=preview))
    assert error.key == "merging.changed"


# Edits that crossed


def test_the_second_of_two_windows_loses_nothing(clinic: Clinic) -> None:
    patient = register(clinic, XIAOMING)
    base = workflow.open_patient(clinic, Job(), patient.id).version
    first = workflow.edit_patient(clinic, Job(), patient.id, replace(XIAOMING, village="石桥村"), base)
    assert (first.conflict, first.patient.village) == (None, "石桥村")
    second = workflow.edit_patient(clinic, Job(), patient.id, replace(XIAOMING, phones=("137 0000 0000",)), base)
    assert second.conflict is not None
    assert second.patient == first.patient
    chart = workflow.open_patient(clinic, Job(), patient.id)
    assert chart.patient.village == "石桥村"
    (shown,) = chart.conflicts
    assert shown.conflict == second.conflict
    assert shown.conflict.losing.phones == ("137 0000 0000",)
    assert set(shown.differing) == {PatientField.VILLAGE, PatientField.PHONES}


@pytest.mark.parametrize(
    ("take", "village", "phones"),
    [
        ((), "石桥村", ("138 1234 5678",)),
        ((PatientField.PHONES,), "石桥村", ("137 0000 0000",)),
        (tuple(PatientField), "清河村", ("137 0000 0000",)),
    ],
)
def test_a_conflict_is_settled_field_by_field(
    clinic: Clinic, take: tuple[PatientField, ...], village: str, phones: tuple[str, ...]
) -> None:
    patient = register(clinic, XIAOMING)
    base = workflow.open_patient(clinic, Job(), patient.id).version
    workflow.edit_patient(clinic, Job(), patient.id, replace(XIAOMING, village="石桥村"), base)
    lost = workflow.edit_patient(clinic, Job(), patient.id, replace(XIAOMING, phones=("137 0000 0000",)), base)
    assert lost.conflict is not None
    identity = lost.conflict.id
    error = refused(lambda: workflow.settle_conflict(clinic, Job(), identity, take, base))
    assert error.key == "merging.changed"
    settled = workflow.settle_conflict(clinic, Job(), identity, take, lost.version).patient
    assert (settled.village, settled.phones) == (village, phones)
    chart = workflow.open_patient(clinic, Job(), patient.id)
    assert (chart.patient, chart.conflicts) == (settled, ())
    assert refused(lambda: workflow.settle_conflict(clinic, Job(), identity)).key == "store.conflict_settled"
    assert workflow.verify(clinic, Job()).ok


def test_the_same_edit_twice_is_no_conflict(clinic: Clinic) -> None:
    patient = register(clinic, XIAOMING)
    base = workflow.open_patient(clinic, Job(), patient.id).version
    for _ in range(2):
        edited = workflow.edit_patient(clinic, Job(), patient.id, replace(XIAOMING, village="石桥村"), base)
        assert edited.conflict is None
        assert edited.version != base


def test_a_conflict_of_a_merged_record_is_settled_on_the_kept_one(
    clinic: Clinic, pair: tuple[Patient, Patient]
) -> None:
    kept, gone = pair
    base = "00" * 32
    lost = workflow.edit_patient(clinic, Job(), gone.id, replace(XIAOMIN, village="石桥村"), base)
    assert lost.conflict is not None
    workflow.merge_patients(clinic, Job(), kept.id, gone.id)
    (view,) = workflow.open_patient(clinic, Job(), kept.id).conflicts
    settled = workflow.settle_conflict(clinic, Job(), view.conflict.id, [PatientField.VILLAGE])
    assert (settled.patient.id, settled.patient.village) == (kept.id, "石桥村")


def test_every_deed_leaves_its_line(clinic: Clinic, pair: tuple[Patient, Patient]) -> None:
    kept, gone = pair
    workflow.merge_patients(clinic, Job(), kept.id, gone.id)
    workflow.unmerge(clinic, Job(), gone.id)
    actions = {entry.action for entry in workflow.audit_entries(clinic, Job())}
    assert actions >= {AuditAction.MERGE_PATIENTS, AuditAction.UNMERGE_PATIENTS}
