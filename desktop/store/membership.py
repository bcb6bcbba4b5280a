"""Who works in the clinic, as the keystore has it: the database follows what the keystore says.

Both copies of the keystore are durable before a row changes. If the power fails in between, the next opening finds a
keystore of a later generation than the one remembered here, and takes it over in the same way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from desktop.records import AuditAction, User
from desktop.store.audit import Audit
from desktop.store.clinic_settings import Users
from desktop.store.database import DamagedDatabase
from desktop.store.rows import Rows
from desktop.vault import Member

GENERATION = "keystore_generation"

# Stands as actor where nobody did it: a change that a power cut had left half done.
SYSTEM = "system"


class Membership:
    """The rows of users against the keystore's slots."""

    def __init__(self, rows: Rows, users: Users, audit: Audit) -> None:
        self._rows = rows
        self._users = users
        self._audit = audit

    def generation(self) -> int:
        """The newest keystore this database has seen."""
        row = self._rows.one("SELECT value FROM meta WHERE name = ?", (GENERATION,))
        if row is None:
            raise DamagedDatabase
        return int(row[0])

    def take_over(self, members: Sequence[Member], generation: int, *, actor: str) -> tuple[User, ...]:
        """Make the rows say what the keystore says, each with an audit line; remember its generation.

        Returns the users that changed.
        """
        changed = tuple(self._differences(members))
        for action, user in changed:
            self._users.put(user)
            self._audit.add(action, user.id, actor=actor)
        self._rows.run("UPDATE meta SET value = ? WHERE name = ?", (generation, GENERATION))
        return tuple(user for _, user in changed)

    def _differences(self, members: Sequence[Member]) -> Iterator[tuple[AuditAction, User]]:
        rows = {user.id: user for user in self._users.all()}
        for member in members:
            known = rows.pop(member.user_id, None)
            if known is None:
                yield AuditAction.ADD_USER, User(member.user_id, member.name, member.roles, member.public_key)
                continue
            now = replace(_with_key(known, member.public_key), roles=member.roles, disabled=False)
            if now == known:
                continue
            if known.disabled:
                yield AuditAction.ENABLE_USER, now
            elif known.public_key != now.public_key:
                yield AuditAction.RESET_USER, now
            else:
                yield AuditAction.CHANGE_ROLES, now
        for user in rows.values():
            if not user.disabled:
                yield AuditAction.DISABLE_USER, replace(user, disabled=True)


def _with_key(user: User, public_key: bytes) -> User:
    """The user with another key; the one before stays good for what it signed."""
    if user.public_key == public_key:
        return user
    return replace(user, public_key=public_key, earlier_public_keys=(*user.earlier_public_keys, user.public_key))
