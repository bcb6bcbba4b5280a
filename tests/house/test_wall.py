"""The import rule is not only kept today: each way of breaking it is reported."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dev import ROOT, SLOW_CHECKS

DOWN = "Imports go down only"
QT = "Nothing but ui knows Qt"
THROUGH = "The window and the command line reach everything through workflow"
ARRAYS = "The command line leaves array maths to workflow"


STRAYS = (
    ("jobs", "from PySide6.QtCore import QObject", QT),
    ("cli", "import pyqtgraph", QT),
    ("records", "import desktop.jobs", DOWN),
    ("exports", "from desktop.store import Store", DOWN),
    ("imaging", "import desktop.vault", DOWN),
    ("workflow", "import desktop.cli", DOWN),
    ("ui", "import desktop.inference", THROUGH),
    ("ui", "import desktop.vault", THROUGH),
    ("cli", "import desktop.store", THROUGH),
    ("cli", "import desktop.imaging", ARRAYS),
)


def copied(folder: Path) -> Path:
    """The package's source and its contracts, to be broken."""
    shutil.copytree(ROOT / "desktop", folder / "desktop", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return copied(tmp_path)


def broken_contracts(clone: Path) -> dict[str, str]:
    """What the test command's own check says of each contract that it reports as broken, by the contract's name."""
    (step,) = (step for step in SLOW_CHECKS if step.name == "import-linter")
    done = subprocess.run([sys.executable, *step.arguments], cwd=clone, capture_output=True, text=True, check=False)
    broken = {line.removesuffix(" BROKEN") for line in done.stdout.splitlines() if line.endswith(" BROKEN")}
    assert (done.returncode == 0) is (not broken), done.stdout + done.stderr
    # A headline is underlined; what is said of its contract stands below it, up to the next one.
    parts = re.split(r"^(.+)\n-+$", done.stdout, flags=re.MULTILINE)
    said = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {name: said[name] for name in broken}


def test_the_rule_is_kept(clone: Path) -> None:
    assert broken_contracts(clone) == {}


@pytest.fixture(scope="module")
def said_of_strays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said where every one of them is there, and a package that nobody declared."""
    clone = copied(tmp_path_factory.mktemp("strays"))
    for number, (package, line, _) in enumerate(STRAYS):
        (clone / "desktop" / package / f"stray_{number}.py").write_text(f"{line}\n", encoding="utf-8")
    (clone / "desktop" / "undeclared").mkdir()
    (clone / "desktop" / "undeclared" / "__init__.py").touch()
    return broken_contracts(clone)


@pytest.mark.parametrize("number", range(len(STRAYS)), ids=[f"{package}: {line}" for package, line, _ in STRAYS])
def test_a_stray_import_is_reported(said_of_strays: dict[str, str], number: int) -> None:
    package, _, contract = STRAYS[number]
    assert f"desktop.{package}.stray_{number} -> " in said_of_strays[contract]


def test_an_undeclared_package_is_reported(said_of_strays: dict[str, str]) -> None:
    assert "- desktop.undeclared\n" in said_of_strays[DOWN]


def test_qt_behind_a_neighbour_is_reported(clone: Path) -> None:
    """The wall holds for what is imported indirectly."""
    (clone / "desktop" / "errors.py").write_text("import shiboken6\n", encoding="utf-8")
    assert QT in broken_contracts(clone)
