"""Noting and signing the audit chain's newest line, and the database's memory of how far it is signed."""

import logging

from sqlcipher3 import dbapi2

from desktop.records import AuditHead
from desktop.store.database import Connection, DamagedDatabase, value
from desktop.store.heads import SIGNED_EVERY, HeadsFile
from desktop.vault import Unlocked

_log = logging.getLogger(__name__)


class HeadSigner:
    """Notes heads of one database. What was committed before stays committed, so whatever the disk refuses here raises
    nothing. connection: to that database, outside any transaction."""

    def __init__(self, heads: HeadsFile, unlocked: Unlocked, connection: Connection) -> None:
        """Raises DamagedDatabase where the memory is gone."""
        self._heads = heads
        self._unlocked = unlocked
        signed = value(connection, "SELECT value FROM meta WHERE name = 'signed_head'")
        if signed is None:
            raise DamagedDatabase
        self._signed = int(signed)

    def note(self, connection: Connection, head: AuditHead) -> None:
        """Note the head of a commit beside the database."""
        if head.sequence - self._signed >= SIGNED_EVERY:
            self.sign(connection, head)
        else:
            self._heads.note(head)

    def sign(self, connection: Connection, head: AuditHead) -> None:
        """Make a head certain beside the database, under the person's key, unless it is so already.

        File first, then the database's memory of it: the other way round a power cut would look like a cut file.
        """
        if head.sequence <= self._signed:
            return
        if self._unlocked.by_card:
            self._heads.note(head)  # the card is nobody's signature
            return
        # What was about to be signed tells a power cut from an older page of the database that was put back.
        if not _remember(connection, "begun_head", head.sequence):
            self._heads.note(head)
        elif self._heads.note(head, self._unlocked.signing_key) and _remember(connection, "signed_head", head.sequence):
            self._signed = head.sequence


def _remember(connection: Connection, name: str, sequence: int) -> bool:
    """Keep a number in the database; whether the disk took it."""
    try:
        connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, sequence))
    except dbapi2.Error:
        _log.warning("the database could not remember %s %d", name, sequence)
        return False
    return True
