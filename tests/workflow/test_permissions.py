"""Every deed says what it needs."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from desktop import workflow
from desktop.access import Permission, Role, allows
from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job

NO_DEEDS = {"requires", "open_to_all", "system_clock", "write_whole"}


def deeds() -> Iterator[tuple[str, Callable[..., object]]]:
    """What a person can do, wherever in the package it stands: what is exported, by name or in a module of its own,
    and whatever else takes the clinic and a job."""
    exported = [getattr(workflow, name) for name in workflow.__all__]
    for found in pkgutil.walk_packages(workflow.__path__, f"{workflow.__name__}."):
        module = importlib.import_module(found.name)
        shown = getattr(module, "__all__", dir(module)) if module in exported else ()
        for name, deed in vars(module).items():
            if not inspect.isfunction(deed) or deed.__module__ != module.__name__ or name.startswith("_"):
                continue
            takes = [*inspect.signature(deed).parameters][:2]
            if name not in NO_DEEDS and (deed in exported or name in shown or takes == ["clinic", "job"]):
                yield f"{found.name.removeprefix('desktop.workflow.')}.{name}", deed


DEEDS = dict(deeds())


def test_every_exported_function_is_among_the_deeds() -> None:
    members = {name: getattr(workflow, name) for name in workflow.__all__}
    modules = [workflow, *(member for member in members.values() if inspect.ismodule(member))]
    assert {workflow.backups, workflow.people} < set(modules)
    named = [(module, name) for module in modules for name in getattr(module, "__all__", dir(module))]
    functions = [(name, getattr(module, name)) for module, name in named if inspect.isfunction(getattr(module, name))]
    ours = [(name, one) for name, one in functions if one.__module__.startswith(workflow.__name__) and name[0] != "_"]
    assert {name for name, one in ours if one not in DEEDS.values()} == NO_DEEDS


@pytest.mark.parametrize("name", sorted(DEEDS))
def test_every_deed_declares_its_permission(name: str) -> None:
    declared = DEEDS[name].__dict__.get("permission", "nothing declared")
    assert declared is None or isinstance(declared, Permission)


@pytest.mark.parametrize("name", sorted(n for n, f in DEEDS.items() if f.__dict__.get("permission") is not None))
def test_a_role_without_the_permission_is_refused_before_anything_happens(name: str) -> None:
    deed = DEEDS[name]
    without = [role for role in Role if not allows([role], deed.__dict__["permission"])]
    for role in without:
        nobody: Any = SimpleNamespace(session=SimpleNamespace(roles=(role,)))
        with pytest.raises(UserFacingError) as refusal:
            deed(nobody, Job())
        assert refusal.value.kind is ErrorKind.PERMISSION, role


def test_what_needs_no_permission_takes_no_clinic() -> None:
    for name, deed in DEEDS.items():
        if deed.__dict__.get("permission") is None and name != "opening.lock":
            assert "clinic" not in inspect.signature(deed).parameters, name
