"""The import rule is not only kept today: each way of breaking it is reported."""

from __future__ import annotations

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


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The package's source and its contracts, to be broken."""
    shutil.copytree(ROOT / "desktop", tmp_path / "desktop", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def broken_contracts(clone: Path) -> set[str]:
    """The names of the contracts that the test command's own check reports as broken."""
    (step,) = (step for step in SLOW_CHECKS if step.name == "import-linter")
    done = subprocess.run([sys.executable, *step.arguments], cwd=clone, capture_output=True, text=True, check=False)
    broken = {line.removesuffix(" BROKEN") for line in done.stdout.splitlines() if line.endswith(" BROKEN")}
    assert (done.returncode == 0) is (not broken), done.stdout + done.stderr
    return broken


def test_the_rule_is_kept(clone: Path) -> None:
    assert broken_contracts(clone) == set()


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("jobs/stray.py", "from PySide6.QtCore import QObject", QT),
        ("cli/stray.py", "import pyqtgraph", QT),
        ("records/stray.py", "import desktop.jobs", DOWN),
        ("exports/stray.py", "from desktop.store import Store", DOWN),
        ("imaging/stray.py", "import desktop.vault", DOWN),
        ("workflow/stray.py", "import desktop.cli", DOWN),
        ("ui/stray.py", "import desktop.inference", THROUGH),
        ("ui/stray.py", "import desktop.vault", THROUGH),
        ("cli/stray.py", "import desktop.store", THROUGH),
        ("cli/stray.py", "import desktop.imaging", ARRAYS),
        ("undeclared/__init__.py", "", DOWN),
    ],
)
def test_a_stray_import_is_reported(clone: Path, module: str, line: str, contract: str) -> None:
    path = clone / "desktop" / module
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{line}\n", encoding="utf-8")
    assert contract in broken_contracts(clone)


def test_qt_behind_a_neighbour_is_reported(clone: Path) -> None:
    """The wall holds for what is imported indirectly."""
    (clone / "desktop" / "errors.py").write_text("import shiboken6\n", encoding="utf-8")
    assert QT in broken_contracts(clone)
