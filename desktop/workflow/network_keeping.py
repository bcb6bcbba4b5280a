"""Answering others who ask us to keep for good what they sent (storage commitment, PS3.4 annex J).

A device may erase its own copy on our word, so it is given only for what was read back, whole, a moment ago.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from desktop.errors import UserFacingError
from desktop.network.parts import KeepingAnswer, KeepingAsked, NotKept, ObjectName
from desktop.records import AttachmentId, AuditAction, new_id
from desktop.records.dicom_node import OwedAnswer, OwedAnswerId, OwedObject, OwedState, Peer
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic
from desktop.workflow.network_lines import line_to
from desktop.workflow.network_objects import read_object
from desktop.workflow.network_settings import stored_settings

_log = logging.getLogger(__name__)

BY_THE_NODE = "system"
"""Who does in the audit trail what nobody at the keyboard did."""

_PAUSES = (1, 5, 15, 60, 240, 720, 1440)
"""Minutes between calls to somebody who is not there to hear our answer; after the last one they have to ask again."""
_MOST_OWED = 100
_FRESH = timedelta(hours=1)


def keeping(clinic: Clinic, asked: KeepingAsked, by: str) -> KeepingAnswer:
    """Which objects are here, whole, and of the class they are said to be. by: who answers, for the audit trail."""
    with clinic.store.snapshot() as tx:
        files = tx.lookups.files_of_objects([name.instance_uid for name in asked.objects])
    kept: list[ObjectName] = []
    failed: list[tuple[ObjectName, NotKept]] = []
    for name in asked.objects:
        lost = _lost(clinic, name, files.get(name.instance_uid, []))
        if lost is None:
            kept.append(name)
        else:
            failed.append((name, lost))
    with clinic.store.transaction() as tx:
        counts = f"{asked.title}: {len(kept)}, {len(failed)}"
        tx.audit.add(AuditAction.PROMISE_TO_KEEP, clinic.store.store_id, actor=by, reason=counts)
    return KeepingAnswer(asked.transaction, tuple(kept), tuple(failed))


def _lost(clinic: Clinic, name: ObjectName, files: list[AttachmentId]) -> NotKept | None:
    """Why no promise can be given; None where one can: one of the files is read back whole."""
    lost = NotKept.UNKNOWN
    for file in files:
        try:
            found = read_object(clinic.store.attachments.read(file))
        except (UserFacingError, OSError):  # damaged, or the disk does not give it back
            lost = NotKept.FAILURE
            continue
        if (found.class_uid, found.instance_uid) == (name.sop_class, name.instance_uid):
            return None
        lost = NotKept.OTHER_CLASS
    return lost


class OwedAnswers:
    """Answers on their way on calls of ours. They lie in the clinic's file: a restart forgets none."""

    def __init__(self, clinic: Clinic) -> None:
        self._clinic = clinic

    def __bool__(self) -> bool:
        """Whether anybody waits for one."""
        if not self._clinic.store.is_open:
            return False
        with self._clinic.store.snapshot() as tx:
            return tx.owed_answers.any_waiting()

    def add(self, asked: KeepingAsked, answer: KeepingAnswer) -> None:
        """Owe somebody an answer; a former one to the same question is none any more."""
        now = self._clinic.clock()
        owed = OwedAnswer(
            OwedAnswerId(new_id()), asked.title, asked.address, asked.transaction, _objects(answer), now, now
        )
        with self._clinic.store.transaction() as tx:
            waiting = tx.owed_answers.waiting()
            same = [one for one in waiting if (one.title, one.transaction) == (owed.title, owed.transaction)]
            oldest = waiting[: max(0, len(waiting) - _MOST_OWED + 1)]
            for one in {one.id: one for one in (*same, *oldest)}.values():
                _note(tx, _settled(one, OwedState.GIVEN_UP))
            tx.owed_answers.add(owed)
            tx.audit.add(AuditAction.PROMISE_TO_KEEP, owed.id, actor=BY_THE_NODE, reason=owed.state.value)

    def deliver(self, stopped: Callable[[], bool]) -> None:
        """Call everybody whose turn it is."""
        now = self._clinic.clock()
        with self._clinic.store.snapshot() as tx:
            due = [one for one in tx.owed_answers.waiting() if one.due <= now]
        for one in due:
            if stopped():
                return
            current = self._fresh(one)
            after = self._told(current)
            if after is OwedState.WAITING and current.tried < len(_PAUSES):
                pause = timedelta(minutes=_PAUSES[current.tried])
                self._note(replace(current, due=self._clinic.clock() + pause, tried=current.tried + 1))
            else:
                self._note(_settled(current, OwedState.TOLD if after is OwedState.TOLD else OwedState.GIVEN_UP))

    def _note(self, owed: OwedAnswer) -> None:
        with self._clinic.store.transaction() as tx:
            _note(tx, owed)

    def _fresh(self, owed: OwedAnswer) -> OwedAnswer:
        """An answer given on what was read back a short while ago, not before the last restart."""
        now = self._clinic.clock()
        if now - owed.answered < _FRESH:
            return owed
        names = tuple(ObjectName(one.class_uid, one.instance_uid) for one in owed.objects)
        asked = KeepingAsked(owed.transaction, names, owed.title, owed.address)
        return replace(owed, objects=_objects(keeping(self._clinic, asked, BY_THE_NODE)), answered=now)

    def _told(self, owed: OwedAnswer) -> OwedState:
        """Whether they heard it; GIVEN_UP where there is nobody to tell."""
        from desktop.network.calls import tell_keeping

        peer = self._peer(owed)
        if peer is None:
            _log.warning("somebody who asked for a promise is not on the list with a port")
            return OwedState.GIVEN_UP
        try:
            tell_keeping(line_to(self._clinic, peer), _answer(owed))
        except UserFacingError as error:
            _log.info("an answer about what is kept was not heard: %s", error.key)
            return OwedState.WAITING
        return OwedState.TOLD

    def _peer(self, owed: OwedAnswer) -> Peer | None:
        """Who asked, as the list knows them: by title, and by address where several have that title."""
        peers = [peer for peer in stored_settings(self._clinic).peers if peer.title == owed.title and peer.listens]
        same = [peer for peer in peers if peer.address == owed.address.removeprefix("::ffff:")]
        return next(iter(same or peers), None)


def _objects(answer: KeepingAnswer) -> tuple[OwedObject, ...]:
    kept = tuple(OwedObject(name.sop_class, name.instance_uid) for name in answer.kept)
    failed = tuple(OwedObject(name.sop_class, name.instance_uid, int(why)) for name, why in answer.failed)
    return kept + failed


def _answer(owed: OwedAnswer) -> KeepingAnswer:
    named = [(ObjectName(one.class_uid, one.instance_uid), one.failure) for one in owed.objects]
    return KeepingAnswer(
        owed.transaction,
        tuple(name for name, failure in named if failure is None),
        tuple((name, NotKept(failure)) for name, failure in named if failure is not None),
    )


def _note(tx: Transaction, owed: OwedAnswer) -> None:
    tx.owed_answers.update(owed)
    tx.audit.add(AuditAction.PROMISE_TO_KEEP, owed.id, actor=BY_THE_NODE, reason=owed.state.value)


def _settled(owed: OwedAnswer, state: OwedState) -> OwedAnswer:
    """What is left to remember: that it was asked, and what came of it."""
    return replace(owed, objects=(), state=state)
