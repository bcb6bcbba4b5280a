"""The whole store against plain dictionaries: whatever is done in whatever order, both say the same afterwards."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import (
    Attachment,
    AttachmentId,
    AuditAction,
    Consent,
    ConsentDecision,
    ConsentPurpose,
    Encounter,
    EncounterId,
    HumanName,
    MergeId,
    Observation,
    ObservationStatus,
    Patient,
    PatientField,
    PatientId,
    consent_states,
    values_of,
)
from desktop.store import Store
from tests.store.helpers import NOW, Keys, add_patient, patient
from tests.store.visiting import TEMPERATURE, TESTER, consent_of, encounter_of, merge, unmerge

pick = st.integers(0, 999)
RUNS = 20


class StoreMachine(RuleBasedStateMachine):
    """One clinic. A patient is found by a phone nobody else has; `records` is only followed field by field where no
    merge has touched it, as the merges' own properties are tested elsewhere."""

    template: ClassVar[Keys]
    verified: ClassVar[list[bool]]
    came_to: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="lantern-stateful-"))
        shutil.copytree(self.template.folder, self.home / "clinic")
        self.store = Store.open(self.home / "clinic", self.template.unlocked)
        self.order: list[PatientId] = []
        self.records: dict[PatientId, Patient] = {}
        self.phone: dict[PatientId, str] = {}
        self.visits: dict[EncounterId, tuple[Encounter, list[Observation]]] = {}
        self.consents: list[Consent] = []
        self.attachments: dict[AttachmentId, tuple[PatientId, bytes]] = {}
        self.above: dict[PatientId, PatientId] = {}
        self.merges: dict[PatientId, MergeId] = {}
        self.first: dict[PatientId, Patient] = {}

    def teardown(self) -> None:
        found = self.store.verify(Job())
        self.store.close()
        shutil.rmtree(self.home)
        self.verified.append(found.problems == ())
        self.came_to.update(
            patients=len(self.order),
            visits=len(self.visits),
            consents=len(self.consents),
            attachments=len(self.attachments),
        )
        assert found.problems == ()

    # What the dictionaries know

    def standing(self, identity: PatientId) -> PatientId:
        while identity in self.above:
            identity = self.above[identity]
        return identity

    def person(self, identity: PatientId) -> set[PatientId]:
        top = self.standing(identity)
        return {one for one in self.order if self.standing(one) == top}

    def choose(self, number: int) -> PatientId:
        return self.order[number % len(self.order)]

    def refused_when_gone(self, identity: PatientId, deed: Callable[[], object]) -> bool:
        """Do it; for a record that is gone it must be refused and leave no trace. Whether it was done."""
        if identity not in self.above:
            deed()
            return True
        with pytest.raises(UserFacingError) as refusal:
            deed()
        assert refusal.value.key == "store.patient_merged"
        assert refusal.value.details["kept"] == self.standing(identity)
        return False

    # What can be done

    @rule(name=st.sampled_from(["王小明", "王晓明", "李秀英", "Amara Okafor"]), village=st.sampled_from(["", "清河村"]))
    def add(self, name: str, village: str) -> None:
        phone = f"1390000{len(self.order):04d}"
        record = add_patient(self.store, patient(name, village=village, phones=(phone,)))
        self.order.append(record.id)
        self.records[record.id] = self.first[record.id] = record
        self.phone[record.id] = phone

    @precondition(lambda self: self.order)
    @rule(number=pick, name=st.sampled_from(["王大明", "李小英"]))
    def edit(self, number: int, name: str) -> None:
        identity = self.choose(number)
        changed = replace(self.records[identity], names=(HumanName(name),))

        def deed() -> None:
            with self.store.transaction() as tx:
                tx.patients.update(changed)
                tx.audit.add(AuditAction.EDIT_PATIENT, identity, actor=TESTER)

        if self.refused_when_gone(identity, deed):
            self.records[identity] = changed

    @precondition(lambda self: self.order)
    @rule(number=pick, day=st.integers(0, 400), values=st.lists(st.integers(350, 420), max_size=3))
    def visit(self, number: int, day: int, values: list[int]) -> None:
        identity = self.choose(number)
        encounter = encounter_of(identity, NOW + timedelta(days=day, microseconds=len(self.visits)))
        observations = [Observation(TEMPERATURE, value / 10, "Cel") for value in values]

        def deed() -> None:
            with self.store.transaction() as tx:
                tx.visits.add(encounter, observations)
                tx.audit.add(AuditAction.RECORD_VISIT, encounter.id, actor=TESTER)

        if self.refused_when_gone(identity, deed):
            self.visits[encounter.id] = (encounter, observations)

    @precondition(lambda self: any(observations for _, observations in self.visits.values()))
    @rule(number=pick, value=st.integers(350, 420), withdrawn=st.booleans())
    def correct(self, number: int, value: int, withdrawn: bool) -> None:
        with_some = [identity for identity, (_, observations) in self.visits.items() if observations]
        identity = with_some[number % len(with_some)]
        observations = self.visits[identity][1]
        status = ObservationStatus.ENTERED_IN_ERROR if withdrawn else ObservationStatus.CORRECTED
        correction = Observation(TEMPERATURE, value / 10, "Cel", status=status, replaces=number % len(observations) + 1)
        with self.store.transaction() as tx:
            tx.visits.append(identity, (correction,))
            tx.audit.add(AuditAction.EDIT_VISIT, identity, actor=TESTER)
        observations.append(correction)

    @precondition(lambda self: self.order)
    @rule(number=pick, purpose=st.sampled_from(ConsentPurpose), decision=st.sampled_from(ConsentDecision))
    def consent(self, number: int, purpose: ConsentPurpose, decision: ConsentDecision) -> None:
        identity = self.choose(number)
        consent = consent_of(identity, purpose, decision)

        def deed() -> None:
            with self.store.transaction() as tx:
                tx.consents.add(consent)
                tx.audit.add(AuditAction.RECORD_CONSENT, consent.id, actor=TESTER)

        if self.refused_when_gone(identity, deed):
            self.consents.append(consent)

    @precondition(lambda self: self.order)
    @rule(number=pick, data=st.binary(max_size=300))
    def attach(self, number: int, data: bytes) -> None:
        identity = self.choose(number)
        staged = self.store.attachments.stage(data, Job())
        attachment = Attachment(
            AttachmentId(staged.file), identity, staged.sha256, staged.size, "text/plain", "note.txt", NOW
        )
        with self.store.transaction() as tx:
            tx.attachments.add(attachment, staged)
            tx.audit.add(AuditAction.ADD_ATTACHMENT, attachment.id, actor=TESTER)
        self.attachments[attachment.id] = (identity, data)

    @precondition(lambda self: len(self.order) > 1)
    @rule(first=pick, second=pick)
    def merge(self, first: int, second: int) -> None:
        kept, gone = self.choose(first), self.choose(second)
        if kept == gone:
            return
        closed = next((identity for identity in (kept, gone) if identity in self.above), None)
        if closed is not None:
            self.refused_when_gone(closed, partial(merge, self.store, kept, gone))
            return
        self.merges[gone] = merge(self.store, kept, gone)
        self.came_to["merges"] += 1
        self.above[gone] = kept
        self.follow(kept)

    @precondition(lambda self: self.merges)
    @rule(number=pick)
    def unmerge(self, number: int) -> None:
        gone = list(self.merges)[number % len(self.merges)]
        merged = self.merges.pop(gone)
        kept = self.above.pop(gone)
        unmerge(self.store, merged)
        self.follow(kept)
        if kept not in self.above.values():
            # With nothing merged into it any more it says what it said at first, but for the names, which are edited.
            for field in set(PatientField) - {PatientField.NAMES}:
                assert values_of(self.records[kept], field) == values_of(self.first[kept], field)

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = Store.open(self.home / "clinic", self.template.unlocked)

    @precondition(lambda self: self.order)
    @rule(number=pick)
    def fail_half_way(self, number: int) -> None:
        """A transaction that ends in an error leaves no trace; the invariants look for one."""
        identity = self.standing(self.choose(number))
        with pytest.raises(RuntimeError, match="power"), self.store.transaction() as tx:
            tx.patients.update(replace(self.records[identity], village="nowhere"))
            tx.visits.add(encounter_of(identity), (Observation(TEMPERATURE, 41, "Cel"),))
            tx.audit.add(AuditAction.RECORD_VISIT, identity, actor=TESTER)
            raise RuntimeError("power cut")

    def follow(self, kept: PatientId) -> None:
        """Take over what a merge or its undoing made of a record."""
        with self.store.snapshot() as tx:
            self.records[kept] = tx.patients.get(kept)

    # What must hold after each step

    @invariant()
    def patients_are_as_known(self) -> None:
        with self.store.snapshot() as tx:
            assert tx.patients.count() == len(self.order)
            for identity, record in self.records.items():
                assert tx.patients.get(identity) == record
                assert tx.patients.standing(identity).id == self.standing(identity)
            listed = {match.patient.id for match in tx.patients.recent(1000)}
            assert listed == {self.standing(identity) for identity in self.order}

    @invariant()
    def everybody_is_found_by_the_first_phone(self) -> None:
        with self.store.snapshot() as tx:
            for identity, phone in self.phone.items():
                assert self.standing(identity) in {match.patient.id for match in tx.patients.search(phone)}

    @invariant()
    def charts_are_as_known(self) -> None:
        with self.store.snapshot() as tx:
            for identity in self.order:
                person = self.person(identity)
                visits = [visit for visit in self.visits.values() if visit[0].patient in person]
                visits.sort(key=lambda visit: visit[0].started, reverse=True)
                charted = tx.visits.of_person(identity, 1000)
                assert [encounter for encounter, _ in charted] == [encounter for encounter, _ in visits]
                for (_, standing), (_, written) in zip(charted, visits, strict=True):
                    replaced = {one.replaces for one in written}
                    assert [one.observation for one in standing] == [
                        one
                        for number, one in enumerate(written, 1)
                        if number not in replaced and one.status is not ObservationStatus.ENTERED_IN_ERROR
                    ]
                decisions = [consent for consent in self.consents if consent.patient in person]
                assert consent_states(tx.consents.of_person(identity)) == consent_states(decisions)

    @invariant()
    def attachments_are_as_known(self) -> None:
        for identity, (owner, data) in self.attachments.items():
            with self.store.snapshot() as tx:
                assert tx.attachments.get(identity).patient == owner
            assert self.store.attachments.read(identity) == data


@pytest.fixture
def template(_empty_clinic: Keys) -> Keys:
    """The empty clinic that every run begins with a copy of."""
    return _empty_clinic


def test_the_store_is_what_plain_dictionaries_say(template: Keys) -> None:
    StoreMachine.template, StoreMachine.verified, StoreMachine.came_to = template, [], Counter(merges=0)
    run_state_machine_as_test(StoreMachine, settings=settings(max_examples=RUNS, stateful_step_count=30, deadline=None))
    assert len(StoreMachine.verified) >= RUNS
    assert all(StoreMachine.verified)
    assert min(StoreMachine.came_to.values()) > 0, "every kind of record was made in one run or another"
