"""Answering others who ask us to keep for good what they sent (storage commitment, PS3.4 annex J).

A device may erase its own copy on our word, so it is given only for what was read back, whole, a moment ago.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from desktop.errors import UserFacingError
from desktop.network.parts import KeepingAnswer, KeepingAsked, NotKept, ObjectName
from desktop.records import AttachmentId, AuditAction
from desktop.records.dicom_node import Peer
from desktop.workflow.clinic import Clinic
from desktop.workflow.network_lines import line_to
from desktop.workflow.network_objects import read_object
from desktop.workflow.network_settings import stored_settings

_log = logging.getLogger(__name__)

_PAUSES = (1, 5, 15, 60)
"""Minutes between calls to somebody who is not there to hear our answer; after the last one they have to ask again."""
_MOST_OWED = 100


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


@dataclass(frozen=True)
class _Owed:
    """An answer that somebody has not heard yet. tried: calls so far."""

    title: str
    address: str
    answer: KeepingAnswer
    due: datetime
    tried: int = 0


class OwedAnswers:
    """Answers on their way on calls of ours. They are not written down: who hears nothing asks again."""

    def __init__(self, clinic: Clinic) -> None:
        self._clinic = clinic
        self._owed: list[_Owed] = []
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        """Whether anybody waits for one."""
        with self._lock:
            return bool(self._owed)

    def add(self, asked: KeepingAsked, answer: KeepingAnswer) -> None:
        """Owe somebody an answer."""
        with self._lock:
            del self._owed[: max(0, len(self._owed) - _MOST_OWED + 1)]
            self._owed.append(_Owed(asked.title, asked.address, answer, self._clinic.clock()))

    def deliver(self, stopped: Callable[[], bool]) -> None:
        """Call everybody whose turn it is."""
        now = self._clinic.clock()
        with self._lock:
            due = [one for one in self._owed if one.due <= now]
            self._owed = [one for one in self._owed if one.due > now]
        for one in due:
            if stopped():
                return
            if self._told(one) or one.tried >= len(_PAUSES):
                continue
            later = replace(one, due=now + timedelta(minutes=_PAUSES[one.tried]), tried=one.tried + 1)
            with self._lock:
                self._owed.append(later)

    def _told(self, owed: _Owed) -> bool:
        from desktop.network.calls import tell_keeping

        peer = self._peer(owed)
        if peer is None:
            _log.warning("somebody who asked for a promise is not on the list with a port")
            return True
        try:
            tell_keeping(line_to(self._clinic, peer), owed.answer)
        except UserFacingError as error:
            _log.info("an answer about what is kept was not heard: %s", error.key)
            return False
        return True

    def _peer(self, owed: _Owed) -> Peer | None:
        """Who asked, as the list knows them: by title, and by address where several have that title."""
        peers = [peer for peer in stored_settings(self._clinic).peers if peer.title == owed.title and peer.listens]
        same = [peer for peer in peers if peer.address == owed.address.removeprefix("::ffff:")]
        return next(iter(same or peers), None)
