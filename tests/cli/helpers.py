"""Runs commands the way a person or another program would, in this process or in one of its own."""

import io
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from desktop.__main__ import main

PASSPHRASE = "correct horse battery"


@dataclass
class Answer:
    """What a command said. lines: its standard output as JSON objects."""

    code: int
    lines: list[dict[str, Any]]
    errors: str

    @property
    def only(self) -> dict[str, Any]:
        """The single line it said."""
        assert len(self.lines) == 1, self.lines
        return self.lines[0]


@dataclass
class Lantern:
    """A clinic's command line. folder: holds the store and the small files the commands read."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    user: str = "li"
    global_options: list[str] = field(default_factory=list)

    @property
    def store(self) -> Path:
        """The clinic's folder."""
        return self.folder / "clinic"

    def file(self, name: str, content: str | bytes) -> Path:
        """A small file to hand to a command."""
        path = self.folder / name
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    def words(self, *command: str | Path) -> list[str]:
        """The whole command, unlocking options first."""
        passphrase = self.folder / "passphrase"
        if not passphrase.exists():
            passphrase.write_text(PASSPHRASE + "\nonly the first line counts\n", encoding="utf-8")
        first = ["--store", str(self.store), "--user", self.user, "--passphrase-file", str(passphrase)]
        return [*first, *(str(word) for word in command), "--json"]

    def run(self, *command: str | Path, stdin: str = "") -> Answer:
        """Run in this process."""
        self.monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        self.capsys.readouterr()
        code = main(self.words(*command))
        said = self.capsys.readouterr()
        return Answer(code, [json.loads(line) for line in said.out.splitlines()], said.err)

    def spawn(self, *command: str | Path, stdin: str = "") -> Answer:
        """Run in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "desktop", *self.words(*command)],
            input=stdin.encode(),
            capture_output=True,
            check=False,
            timeout=300,
        )
        lines = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
        return Answer(done.returncode, lines, done.stderr.decode("utf-8", "replace"))
