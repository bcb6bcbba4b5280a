"""The frozen `Clinic` every deed is handed, and the permission each deed declares."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Concatenate, ParamSpec, TypeVar

from desktop.access import Permission, Role, allows, require
from desktop.inference import Registry
from desktop.inference.embedding import Embeddings
from desktop.records import AuditAction, User
from desktop.store import Store
from desktop.vault import Unlocked
from desktop.workflow.media import Media

P = ParamSpec("P")
R = TypeVar("R")
Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, with the PC's own zone: ages, film dates and the hour on a report are the local ones."""
    return datetime.now(UTC).astimezone()


@dataclass(frozen=True)
class Session:
    """Who unlocked the clinic."""

    user: User

    @property
    def roles(self) -> tuple[Role, ...]:
        """The user's roles."""
        return tuple(Role(role) for role in self.user.roles)

    def may(self, permission: Permission) -> bool:
        """Whether the user may do such a deed; screens hide what nobody may press."""
        return allows(self.roles, permission)


class Sitting:
    """What somebody opened since unlocking: looks the audit trail holds already. Ids only; it ends with the clinic."""

    def __init__(self) -> None:
        self._seen: set[tuple[AuditAction, str]] = set()

    def has_seen(self, action: AuditAction, subject: str) -> bool:
        """Whether the trail has a line of this look."""
        return (action, subject) in self._seen

    def saw(self, action: AuditAction, *subjects: str) -> None:
        """The trail has them now: call it after the commit."""
        self._seen.update((action, subject) for subject in subjects)


@dataclass(frozen=True, eq=False)
class Clinic:
    """An unlocked clinic: everything a deed needs, built once by `app` (or the command line) and handed to each."""

    store: Store
    unlocked: Unlocked
    session: Session
    models: Registry
    clock: Clock = system_clock
    sitting: Sitting = field(default_factory=Sitting)
    media: Media = field(default_factory=Media)
    embeddings: Embeddings = field(default_factory=Embeddings)

    @property
    def actor(self) -> str:
        """Who is written into the audit trail."""
        return self.session.user.id

    @property
    def name(self) -> str:
        """The clinic's name, as printed on reports."""
        return self.store.clinic_name


def requires(
    permission: Permission,
) -> Callable[[Callable[Concatenate[Clinic, P], R]], Callable[Concatenate[Clinic, P], R]]:
    """Declares what a deed needs and checks it before anything else. Raises UserFacingError (permission)."""

    def declare(deed: Callable[Concatenate[Clinic, P], R]) -> Callable[Concatenate[Clinic, P], R]:
        @functools.wraps(deed)
        def guarded(clinic: Clinic, /, *args: P.args, **kwargs: P.kwargs) -> R:
            require(clinic.session.roles, permission)
            return deed(clinic, *args, **kwargs)

        guarded.__dict__["permission"] = permission
        return guarded

    return declare


def open_to_all(deed: Callable[P, R]) -> Callable[P, R]:
    """Declares that a deed touches no patient's record, so it needs no permission (unlocking, analysing a file)."""
    deed.__dict__["permission"] = None
    return deed
