"""The lock files: resolved for every system at once, each file pinned by hash, none naming where it came from.

The resolver itself lives in a scratch environment for as long as it is needed. Standard library only.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from environment import base_python, python_in

RESOLVER = "uv>=0.9"
# What a lock must not hold: it says what to install, never from where.
FOREIGN = re.compile(r"://|^\s*-{1,2}[a-z]|\bfile:|@\s", re.MULTILINE)
HASH_OPTION = re.compile(r"^\s+--hash=sha256:[0-9a-f]{64}(?: \\)?$", re.MULTILINE)


@dataclass(frozen=True)
class Lock:
    """One lock file and the extras of pyproject.toml that it resolves."""

    name: str
    extras: tuple[str, ...]
    constrained: bool


LOCKS: tuple[Lock, ...] = (
    Lock("core", ("build",), constrained=False),
    Lock("dev", ("build", "dev"), constrained=True),
    Lock("torch", ("torch",), constrained=True),
)


def resolve_command(python: Path, lock: Lock, *, upgrade: bool = False, links: Sequence[str] = ()) -> list[str]:
    """The resolver's command line, relative to the root of the clone. `links` are folders of wheels."""
    command = [str(python), "-m", "uv", "pip", "compile", "--quiet", "pyproject.toml"]
    command += ["--universal", "--python-version", "3.11", "--fork-strategy", "fewest"]
    command += ["--generate-hashes", "--no-header", "--no-emit-index-url", "--no-emit-find-links"]
    for extra in lock.extras:
        command += ["--extra", extra]
    if lock.constrained:
        command += ["--constraint", f"packaging/{LOCKS[0].name}.txt"]
    for link in links:
        command += ["--find-links", link]
    if upgrade:
        command.append("--upgrade")
    return [*command, "--output-file", f"packaging/{lock.name}.txt"]


def foreign_lines(text: str) -> list[str]:
    """The lines of a lock that name a place, an option or a path."""
    return [line for line in HASH_OPTION.sub("", text).splitlines() if FOREIGN.search(line)]


def pip_links() -> tuple[str, ...]:
    """The folders of wheels that this machine's pip knows; PyTorch's CPU build may lie in one."""
    answer = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    found = re.findall(r"find-links='([^']*)'", answer.stdout)
    words = " ".join([os.environ.get("PIP_FIND_LINKS", ""), *found]).split()
    return tuple(dict.fromkeys(words))


def resolve(root: Path, *, upgrade: bool, say: Callable[[str], None]) -> int:
    """Writes every lock file anew and checks it; 0 when all are well."""
    with tempfile.TemporaryDirectory(prefix="lantern-lock-") as scratch:
        python = python_in(Path(scratch))
        say("Fetching the resolver")
        for command in (
            [base_python(), "-m", "venv", scratch],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", RESOLVER],
        ):
            if subprocess.call(command) != 0:
                return 1
        links = pip_links()
        for lock in LOCKS:
            say(f"Resolving packaging/{lock.name}.txt")
            command = resolve_command(python, lock, upgrade=upgrade, links=links)
            if subprocess.call(command, cwd=root) != 0:
                return 1
    bad = [
        f"packaging/{lock.name}.txt: {line}"
        for lock in LOCKS
        for line in foreign_lines((root / "packaging" / f"{lock.name}.txt").read_text(encoding="utf-8"))
    ]
    for line in bad:
        say(f"not allowed in a lock: {line}")
    return 1 if bad else 0
