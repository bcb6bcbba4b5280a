"""The house rules that a machine can check on the files themselves."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from dev import ROOT

LARGEST_FILE = 20 * 2**20
# "About 500" and "about 50" in words; these are where about ends.
LONGEST_MODULE = 550
LONGEST_FUNCTION = 60
ABOVE_THE_QT_WALL = {"__main__", "app", "ui"}
TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "LICENSE",
    "README.md",
    "desktop",
    "models",
    "packaging",
    "pyproject.toml",
    "resources",
    "tests",
}
TEXT_KINDS = {".py", ".md", ".toml", ".txt", ".json", ".typ", ".qss", ".svg", ".spec", ""}
# Paths of somebody's own machine, and hosts that only a package manager should know.
FOREIGN = re.compile(
    r"(?<![\w.])/(?:work|home|root)/\w|/Users/[a-z]\w*/|[A-Z]:\\\\?Users|files\.pythonhosted|pypi\.org|npmjs|download\.pytorch",
)


# A remark that switches a check off, with what stands behind it on its line.
SWITCHED_OFF = re.compile(
    r"#\s?(?:type: ignore|noqa|pragma: no cover|fmt: skip)(?:\[[\w, -]+\]|: [A-Z0-9, ]+)?(?P<reason>.*)"
)


@cache
def tracked() -> tuple[Path, ...]:
    """The files of the repository: what git tracks, and in an unpacked archive everything but the environment."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        paths = [ROOT / name for name in listed.decode().split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if ".venv" not in path.parts]
    return tuple(path for path in paths if path.is_file())


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def parts() -> set[str]:
    """The modules and packages directly inside `desktop`."""
    package = ROOT / "desktop"
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    return modules | {path.parent.name for path in package.glob("*/__init__.py")}


def contract(name: str) -> dict[str, Any]:
    found = [one for one in project()["tool"]["importlinter"]["contracts"] if one["id"] == name]
    assert len(found) == 1
    result: dict[str, Any] = found[0]
    return result


def test_no_file_is_too_large() -> None:
    assert [path.name for path in tracked() if path.stat().st_size > LARGEST_FILE] == []


def test_the_top_level_is_as_designed() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} <= TOP_LEVEL


def test_whoever_switches_a_check_off_says_why() -> None:
    silent = []
    for path in tracked():
        if path.suffix == ".py" and path != Path(__file__):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                found = SWITCHED_OFF.search(line)
                if found is not None and len(re.findall(r"\w+", found["reason"])) < 1:
                    silent.append(f"{path.relative_to(ROOT)}:{number}")
    assert silent == []


def test_modules_and_functions_stay_short() -> None:
    long = []
    for path in (path for path in tracked() if path.suffix == ".py" and path.is_relative_to(ROOT / "desktop")):
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > LONGEST_MODULE:
            long.append(f"{path.relative_to(ROOT)}: {len(text.splitlines())} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines")
    assert long == []


def test_nothing_names_a_machine_or_a_registry() -> None:
    named = []
    for path in tracked():
        if path.suffix in TEXT_KINDS and path != Path(__file__).resolve():
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if FOREIGN.search(line):
                    named.append(f"{path.relative_to(ROOT)}:{number}")
    assert named == []


def test_no_graph_tells_which_source_lines_it_came_from() -> None:
    graphs = list((ROOT / "models").glob("*/*.onnx"))
    assert graphs
    assert [path.parent.name for path in graphs if b"/desktop/learning/" in path.read_bytes()] == []


def test_every_package_says_what_it_holds() -> None:
    silent = [
        path.parent.name
        for path in (ROOT / "desktop").rglob("__init__.py")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_the_qt_wall_stands_around_every_part() -> None:
    walled = {name.removeprefix("desktop.") for name in contract("no-qt-below-ui")["source_modules"]}
    assert walled == parts() - ABOVE_THE_QT_WALL


def test_what_only_workflow_may_touch_is_closed_to_window_and_command_line() -> None:
    line = "(store) | (intake) | (exports) | (decisions) | (learning) | (sync) | (network)"
    assert line in contract("layers")["layers"]
    closed = {name.strip("() ") for name in line.split("|")} | {"inference", "vault"}
    forbidden = {name.removeprefix("desktop.") for name in contract("only-through-workflow")["forbidden_modules"]}
    assert forbidden == closed & parts()
    assert contract("layers")["exhaustive"] is True


@pytest.mark.parametrize("word", ["error"])
def test_silence_is_the_norm(word: str) -> None:
    options = project()["tool"]["pytest"]["ini_options"]
    assert options["filterwarnings"][0] == word
    assert options["qt_log_level_fail"] == "WARNING"


def test_the_continuous_check_is_the_test_command_and_wants_the_data() -> None:
    script = ROOT / ".ci" / "run"
    text = script.read_text(encoding="utf-8")
    assert "../shared/data" in text
    assert "packaging/dev.py test" in text
    if shutil.which("git") and (ROOT / ".git").exists():
        mode = subprocess.run(["git", "ls-files", "-s", ".ci/run"], cwd=ROOT, capture_output=True, check=True)
        assert mode.stdout.startswith(b"100755")
