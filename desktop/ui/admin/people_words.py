"""Somebody's roles and what went wrong, in words."""

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.ui.widgets.sentences import together

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_BESIDE_THE_FORM = frozenset({ErrorKind.BAD_INPUT, ErrorKind.UNLOCK, ErrorKind.NOT_FOUND})


def role_words(context: "UiContext", roles: Sequence[str]) -> str:
    """Roles in one line, in the order given."""
    names = [context.tr(f"people.role.{role}") for role in roles]
    return reduce(lambda one, other: context.tr("people.roles.join", one=one, other=other), names) if names else ""


def complaint(context: "UiContext", error: Exception) -> str:
    """What to say beside the form: what is wrong and what to do. Empty where a dialog has to say it."""
    if not isinstance(error, UserFacingError) or isinstance(error, KnownFailure) or error.kind not in _BESIDE_THE_FORM:
        return ""
    return together(context, *(context.tr(key, **error.details) for key in (error.key, f"{error.key}.advice")))
