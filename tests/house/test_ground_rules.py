"""tests/conftest.py and the settings of pytest make silence the norm: here each kind of noise is made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dev import ROOT

NOISE = """
import importlib.util
import logging
import os
import threading
import warnings
from pathlib import Path

import pytest
from PySide6.QtCore import qWarning

log = logging.getLogger("desktop.somewhere")


def test_quiet(): log.info("all is well")
def test_stray_record(): log.warning("stray")
def test_stray_record_in_a_thread():
    thread = threading.Thread(target=log.error, args=("stray",)); thread.start(); thread.join()
def test_expected_record(expected_log):
    with expected_log("desktop", logging.WARNING, match="disk"): log.warning("disk is slow")
def test_other_record_than_expected(expected_log):
    with expected_log("desktop", logging.WARNING, match="disk"): log.warning("stray")
def test_record_beside_the_expected(expected_log):
    with expected_log("desktop", logging.WARNING, match="disk"): log.warning("disk"); log.warning("stray")
def test_expected_record_that_never_came(expected_log):
    with expected_log("desktop", logging.WARNING): log.info("quiet")
def test_the_cause_is_not_hidden(expected_log):
    with expected_log("desktop", logging.WARNING): raise KeyError("the cause")
def test_warning(): warnings.warn("old", DeprecationWarning)
def test_qt_warning(qtbot): qWarning("stray")
def test_thread_that_dies():
    thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()
def test_home_is_not_ours():
    assert Path.home() == Path(os.environ["HOME"]) and not list(Path.home().iterdir())
    assert "LANTERN_STRAY" not in os.environ
    (Path.home() / "left behind").touch()
def test_home_is_new(): assert not list(Path.home().iterdir())
@pytest.mark.data
def test_data(shared_data): assert shared_data.is_dir()
@pytest.mark.torch
def test_torch(): assert importlib.util.find_spec("torch")
"""
PASS = {"quiet", "expected_record", "home_is_not_ours", "home_is_new"}
OPEN = {"data", "torch"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ground") / "clone"
    (folder / "tests").mkdir(parents=True)
    for name in ("conftest.py", "cheap_keys.py"):
        shutil.copy(ROOT / "tests" / name, folder / "tests")
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "tests" / "test_noise.py").write_text(NOISE, encoding="utf-8")
    return folder


def outcomes(project: Path, *, words: str = "", **environment: str) -> tuple[dict[str, set[str]], str]:
    """Runs the noisy tests; the outcomes of each by name, and all that was printed."""
    clean = {name: value for name, value in os.environ.items() if name not in {"CI", "LANTERN_DATA"}}
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", *words.split()]
    done = subprocess.run(
        command, cwd=project, env={**clean, **environment}, capture_output=True, text=True, check=False
    )
    found: dict[str, set[str]] = {}
    for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR) \S+::test_(\w+)", done.stdout, re.MULTILINE):
        found.setdefault(name, set()).add(outcome)
    return found, done.stdout


def test_every_noise_fails_its_own_test(project: Path) -> None:
    found, shown = outcomes(project, words="--deselect=tests/test_noise.py::test_data", LANTERN_STRAY="1")
    names = set(re.findall(r"def test_(\w+)", NOISE)) - OPEN
    assert {name for name, outcome in found.items() if outcome == {"PASSED"}} - OPEN == PASS
    assert {name for name in names if found[name] & {"FAILED", "ERROR"}} == names - PASS
    assert "KeyError: 'the cause'" in shown


def test_real_data_is_wanted_where_changes_are_checked(project: Path) -> None:
    only = "-k test_data"
    assert outcomes(project, words=only)[0] == {}, "skipped on a developer's machine without data"
    assert outcomes(project, words=only, CI="true")[0] == {"data": {"ERROR"}}
    assert outcomes(project, words=only, LANTERN_DATA=str(project))[0] == {"data": {"PASSED"}}


def test_without_torch_its_tests_are_skipped_by_name(project: Path) -> None:
    hide = project / "sitecustomize.py"
    hide.write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'torch' else find(name, *rest)\n"
    )
    try:
        found, shown = outcomes(project, words="-k test_torch", PYTHONPATH=str(project))
    finally:
        hide.unlink()
    assert found == {}
    assert re.search(r"skipped without PyTorch.*test_noise\.py::test_torch.*1 skipped", shown, re.DOTALL)
