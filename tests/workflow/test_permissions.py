"""Every deed says what it needs."""

import inspect
from types import SimpleNamespace
from typing import Any

import pytest

from desktop import workflow
from desktop.access import Permission, Role, allows
from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job

NO_DEEDS = {"requires", "open_to_all", "system_clock", "write_whole"}
DEEDS = {
    name: getattr(workflow, name)
    for name in workflow.__all__
    if inspect.isfunction(getattr(workflow, name)) and name not in NO_DEEDS
}


@pytest.mark.parametrize("name", sorted(DEEDS))
def test_every_deed_declares_its_permission(name: str) -> None:
    declared = DEEDS[name].__dict__.get("permission", "nothing declared")
    assert declared is None or isinstance(declared, Permission)


@pytest.mark.parametrize("name", sorted(n for n, f in DEEDS.items() if f.__dict__.get("permission") is not None))
@pytest.mark.parametrize("role", list(Role))
def test_a_role_without_the_permission_is_refused_before_anything_happens(name: str, role: Role) -> None:
    deed = DEEDS[name]
    if allows([role], deed.__dict__["permission"]):
        return
    nobody: Any = SimpleNamespace(session=SimpleNamespace(roles=(role,)))
    with pytest.raises(UserFacingError) as refusal:
        deed(nobody, Job())
    assert refusal.value.kind is ErrorKind.PERMISSION


def test_what_needs_no_permission_takes_no_clinic() -> None:
    for name, deed in DEEDS.items():
        if deed.__dict__.get("permission") is None and name != "lock":
            assert "clinic" not in inspect.signature(deed).parameters, name
