"""The locks say what to install, by hash, for every system, and never from where."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import locks
import pytest
from dev import ROOT

NAMES = [lock.name for lock in locks.LOCKS]
REQUIREMENT = re.compile(r"^([a-z0-9][a-z0-9-]*)==(\S+?)(?: ; (.*?))? \\$", re.MULTILINE)


def text(name: str) -> str:
    return (ROOT / "packaging" / f"{name}.txt").read_text(encoding="utf-8")


@cache
def pins(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for package, version, _marker in REQUIREMENT.findall(text(name)):
        found.setdefault(package, set()).add(version)
    return found


def project() -> dict[str, list[str]]:
    """Required distributions by extra; the core under ""."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": table["dependencies"], **table["optional-dependencies"]}
    return {
        extra: [re.split(r"[<>=;\[ ]", line)[0].lower().replace(".", "-") for line in lines]
        for extra, lines in groups.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_no_lock_names_a_place(name: str) -> None:
    assert locks.foreign_lines(text(name)) == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.org/simple",
        "-i https://example.org/simple",
        "--extra-index-url x",
        "--find-links /somewhere",
        "-f wheels",
        "-e .",
        "torch @ file:///wheels/torch.whl",
        "package @ https://example.org/package.whl",
        "# from https://example.org",
    ],
)
def test_a_place_would_be_seen(line: str) -> None:
    good = f"numpy==2 \\\n    --hash=sha256:{'0' * 64}\n    # via lantern-clinic (pyproject.toml)\n"
    assert locks.foreign_lines(good) == []
    assert locks.foreign_lines(f"{good}{line}\n") == [line]


@pytest.mark.parametrize("name", NAMES)
def test_every_requirement_is_pinned_by_hash(name: str) -> None:
    entries = re.split(r"\n(?=\S)", text(name).strip())
    for entry in entries:
        first, *rest = entry.splitlines()
        assert REQUIREMENT.match(f"{first}\n"), first
        assert any("--hash=sha256:" in line for line in rest), first


@pytest.mark.parametrize("name", ["dev", "torch"])
def test_the_others_hold_to_the_core(name: str) -> None:
    core, other = pins("core"), pins(name)
    assert {package: other[package] for package in core.keys() & other.keys()} == {
        package: core[package] for package in core.keys() & other.keys()
    }


@pytest.mark.parametrize("lock", locks.LOCKS, ids=NAMES)
def test_each_lock_resolves_the_project_as_it_stands(lock: locks.Lock) -> None:
    wanted = [package for extra in ("", *lock.extras) for package in project()[extra]]
    assert set(wanted) <= pins(lock.name).keys()


def test_what_must_not_move_does_not() -> None:
    core = pins("core")
    assert core["pyside6-essentials"] == {"6.11.3"}
    assert core["sqlcipher3"] == {"0.6.4"}
    assert "hatchling" in core, "the project is installed without build isolation"
    assert "editables" in core


def test_no_second_package_brings_the_module_sqlcipher3_and_none_of_qt_is_extra() -> None:
    everything = set().union(*(pins(name) for name in NAMES))
    assert not everything & {"sqlcipher3-wheels", "sqlcipher3-binary", "pyside6", "pyside6-addons", "pyqt6"}


def test_torch_for_linux_is_the_build_without_cuda() -> None:
    markers = {version: marker for name, version, marker in REQUIREMENT.findall(text("torch")) if name == "torch"}
    assert markers == {"2.13.0+cpu": "sys_platform == 'linux'", "2.13.0": "sys_platform != 'linux'"}
    assert not [name for name in pins("torch") if name.startswith(("nvidia", "triton"))]
    assert "torch" not in pins("core").keys() | pins("dev").keys()


def test_the_resolver_is_asked_for_every_system_and_for_no_address() -> None:
    for lock in locks.LOCKS:
        command = locks.resolve_command(Path("python"), lock, links=["wheels"])
        assert {"--universal", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"} <= set(command)
        assert ("packaging/core.txt" in command) is (lock.name != "core" or command[-1] == "packaging/core.txt")
        assert command[-1] == f"packaging/{lock.name}.txt"
        assert "--upgrade" not in command
    assert "--upgrade" in locks.resolve_command(Path("python"), locks.LOCKS[0], upgrade=True)
