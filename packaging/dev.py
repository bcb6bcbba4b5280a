#!/usr/bin/env python3
"""One command for everyone who has a clone: run, test, measure, photograph and lock Lantern.

    python3 packaging/dev.py run               open Lantern (without a display: do its main job and show the result)
    python3 packaging/dev.py test [-k NAME …]  every check of this repository; the rest goes to pytest, as does
                                               --cov, which counts the lines that the tests came by
    python3 packaging/dev.py bench [-k NAME …] the benchmarks
    python3 packaging/dev.py screenshots OUT   pictures of every screen in both languages
    python3 packaging/dev.py lock [--upgrade]  resolve the dependencies anew

Needs Python 3.11 or newer and nothing else: it makes `.venv`, installs what packaging/*.txt lock, and on Linux
names the system libraries that are missing, or installs them when it may. Standard library only.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import locks
from environment import Environment, InstallFailed, Layer
from machine import MachineNotReady, Purpose, ensure, has_display, window_purposes

ROOT = Path(__file__).resolve().parents[1]
OLDEST_PYTHON = (3, 11)

TORCH_ADVICE = """\
PyTorch 2.13.0 could not be installed, so the tests that need it are skipped; they are named below.
On Linux this is the CPU build "2.13.0+cpu", which the usual package index does not carry. To get it, open
PyTorch's own site, "Get started", choose Linux, Pip and CPU, and give pip what it shows after --index-url:
    PIP_EXTRA_INDEX_URL=<that address> python3 packaging/dev.py test
or save the wheel in a folder and name the folder: PIP_FIND_LINKS=<folder>."""


def say(text: str) -> None:
    """One line of progress, at once."""
    print(f"[lantern] {text}", flush=True)


@dataclass(frozen=True)
class Step:
    """One check of the test command."""

    name: str
    arguments: tuple[str, ...]


# Done in a moment, so before the tests.
QUICK_CHECKS: tuple[Step, ...] = (
    Step("ruff check", ("-m", "ruff", "check", ".")),
    Step("ruff format", ("-m", "ruff", "format", "--check", ".")),
)
# Two minutes on one core: beside the tests, in the time for which these leave the cores idle.
SLOW_CHECKS: tuple[Step, ...] = (
    Step("mypy --strict", ("-m", "mypy")),
    Step(
        "import-linter",
        ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache", "--no-logo"),
    ),
)


def pytest_arguments(extra: Sequence[str]) -> tuple[str, ...]:
    """The whole suite, one process per core, each file in one of them; what the caller adds wins.

    Files in their own order: with those of many tests first, a few of the slowest tests are left for one core at last.
    """
    return ("-m", "pytest", "--numprocesses=auto", "--dist=loadfile", "--no-loadscope-reorder", *extra)


def bench_arguments(extra: Sequence[str]) -> tuple[str, ...]:
    """The benchmarks: each prints its figures, so output is not captured."""
    settings = ("--override-ini=norecursedirs=.*", "--override-ini=python_files=bench_*.py")
    return ("-m", "pytest", "-s", "-q", *settings, "tests/benchmarks", *extra)


def gently() -> tuple[tuple[str, ...], int]:
    """What makes a program give way to others, yet so that it has ended before minutes of tests have: words before its
    command, and Windows' flags for starting it."""
    if sys.platform == "win32":
        return (), subprocess.BELOW_NORMAL_PRIORITY_CLASS
    return ("nice", "-n", "5"), 0


def offscreen(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program that must draw without a display."""
    return {**environment, "QT_QPA_PLATFORM": "offscreen"}


def shared_cores(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of tests, each core having a process of its own: threads of array maths do not wait busily for
    others that have no core."""
    return {**environment, "OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}


def data_folder(platform: str, environment: Mapping[str, str], home: Path) -> Path:
    """Where this user's programs keep their data; `platform` is sys.platform."""
    if platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if platform == "darwin":
        return home / "Library" / "Application Support"
    return Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")


def tour_folder() -> Path:
    """A new folder, outside the clone, for what a run without a display leaves behind."""
    name = time.strftime("tour-%Y%m%d-%H%M%S")
    try:
        folder = data_folder(sys.platform, os.environ, Path.home()) / "Lantern" / name
        folder.mkdir(parents=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="lantern-tour-"))
    return folder


def listing(folder: Path) -> list[str]:
    """The reports and pictures in a folder, reports first, each with its size."""
    found = (path for path in folder.iterdir() if path.suffix in {".pdf", ".png"})
    files = sorted(found, key=lambda path: (path.suffix != ".pdf", path))
    return [f"{path}  ({path.stat().st_size / 1024:.0f} KiB)" for path in files]


@dataclass(frozen=True)
class Session:
    """One call of this script: the environment it works in, and what was said beyond the command."""

    environment: Environment
    rest: tuple[str, ...] = ()

    def prepare(self, purposes: Iterable[Purpose], *layers: Layer) -> frozenset[Layer]:
        """Makes machine and environment ready and returns the layers that are there."""
        ensure({Purpose.INSTALL, *purposes}, say)
        return self.environment.ensure((Layer.CORE, *layers), say)

    def python(self, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
        """Runs the environment's Python in the clone, its output on the screen; returns its exit code."""
        return subprocess.call([str(self.environment.python), *arguments], cwd=ROOT, env=environment)

    def aside(self, arguments: Sequence[str]) -> tuple[int, str]:
        """Runs the environment's Python in the clone, giving way to other programs; its exit code and what it said."""
        first, flags = gently()
        done = subprocess.run(
            [*first, str(self.environment.python), *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            creationflags=flags,
            check=False,
        )
        return done.returncode, done.stdout


def run(session: Session, _arguments: argparse.Namespace) -> int:
    """Opens the window; where there is no display, does the same job off-screen and says where the result is."""
    session.prepare(window_purposes(os.environ))
    if has_display(sys.platform, os.environ):
        return session.python(["-m", "desktop"])
    say("There is no display. Lantern now does its main job off-screen on the demo clinic.")
    out = tour_folder()
    code = session.python(["-m", "desktop", "--tour", str(out)], offscreen(os.environ))
    if code == 0:
        say(f"The signed report and a picture of each step are in {out}:")
        for line in listing(out):
            print(f"    {line}")
    return code


def test(session: Session, _arguments: argparse.Namespace) -> int:
    """Every check; all run even where an early one fails. pytest's closing line comes last when all is well."""
    held = session.prepare({Purpose.OFFSCREEN, Purpose.TESTS}, Layer.DEV, Layer.TORCH)
    failed = []
    for step in QUICK_CHECKS:
        say(step.name)
        if session.python(step.arguments) != 0:
            failed.append(step.name)
    if failed:
        say(f"FAILED before the tests: {', '.join(failed)}")
    if Layer.TORCH not in held:
        print(TORCH_ADVICE, flush=True)
    say(f"pytest; beside it {' and '.join(step.name for step in SLOW_CHECKS)}, heard of at the end if they fail")
    with ThreadPoolExecutor(1) as beside:
        outcomes = [beside.submit(session.aside, step.arguments) for step in SLOW_CHECKS]
        code = session.python(pytest_arguments(session.rest), shared_cores(offscreen(os.environ)))
    for step, outcome in zip(SLOW_CHECKS, outcomes, strict=True):
        ended, said = outcome.result()
        if ended != 0:
            say(step.name)
            print(said, flush=True)
            failed.append(step.name)
    if failed:
        say(f"FAILED: {', '.join(failed)}{'' if code == 0 else ', pytest'}")
    return code or (1 if failed else 0)


def bench(session: Session, _arguments: argparse.Namespace) -> int:
    """The benchmarks, with torch to compare against where it can be had."""
    held = session.prepare({Purpose.OFFSCREEN, Purpose.TESTS}, Layer.DEV, Layer.TORCH)
    if Layer.TORCH not in held:
        print(TORCH_ADVICE, flush=True)
    return session.python(bench_arguments(session.rest), offscreen(os.environ))


def screenshots(session: Session, arguments: argparse.Namespace) -> int:
    """Pictures of every screen, drawn off-screen."""
    session.prepare({Purpose.OFFSCREEN})
    out = Path(arguments.out).resolve()
    return session.python(["-m", "desktop", "--screenshots", str(out)], offscreen(os.environ))


def lock(_session: Session, arguments: argparse.Namespace) -> int:
    """Writes packaging/*.txt anew."""
    return locks.resolve(ROOT, upgrade=arguments.upgrade, say=say)


COMMANDS: Mapping[str, Callable[[Session, argparse.Namespace], int]] = {
    "run": run,
    "test": test,
    "bench": bench,
    "screenshots": screenshots,
    "lock": lock,
}
TAKES_PYTEST_ARGUMENTS = frozenset({"test", "bench"})


def parser() -> argparse.ArgumentParser:
    """The command line of this script."""
    top = argparse.ArgumentParser(prog="dev.py", description="Run, test and measure Lantern from a clone.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("run", help="open Lantern")
    commands.add_parser("test", help="run every check; further arguments go to pytest")
    commands.add_parser("bench", help="run the benchmarks; further arguments go to pytest")
    commands.add_parser("screenshots", help="draw every screen").add_argument("out", help="a folder")
    upgrade = commands.add_parser("lock", help="resolve the dependencies anew")
    upgrade.add_argument("--upgrade", action="store_true", help="take newer versions where they are allowed")
    return top


def parse(words: Sequence[str]) -> tuple[argparse.Namespace, tuple[str, ...]]:
    """The command with its options, and the words meant for pytest; exits with code 2 on a wrong line."""
    top = parser()
    arguments, rest = top.parse_known_args(words)
    if rest and arguments.command not in TAKES_PYTEST_ARGUMENTS:
        top.error(f"unrecognized arguments: {' '.join(rest)}")
    return arguments, tuple(rest)


def main(words: Sequence[str]) -> int:
    """Runs one command; 0 when all is well, 1 when something failed, 2 for a wrong command line."""
    arguments, rest = parse(words)
    if sys.version_info < OLDEST_PYTHON:
        found = ".".join(str(part) for part in sys.version_info[:3])
        print(f"Lantern needs Python 3.11 or newer; this is {found}.", file=sys.stderr)
        return 1
    try:
        return COMMANDS[arguments.command](Session(Environment(ROOT), rest), arguments)
    except MachineNotReady as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except InstallFailed as problem:
        print(
            f"\nThis step failed: {problem}\nThe reason is above. Start the same command again once it is "
            "mended; a half-made environment is made anew.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
