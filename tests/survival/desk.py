"""Somebody at the PC, for scenarios: works through the command line and as the window does.

Runs inside the recorded process. Before each command a line with its words goes to standard output, then what the
command answers: so the log tells what was acknowledged, and when.
"""

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from desktop import workflow
from desktop.__main__ import main
from desktop.errors import UserFacingError
from desktop.jobs import Job

T = TypeVar("T")

PASSPHRASE = "correct horse battery"
ADMIN = "li"


class CommandFailed(Exception):
    """A command ended with another status than 0, or a deed was refused; answers: what was said."""

    def __init__(self, code: int, answers: list[dict[str, Any]]) -> None:
        super().__init__(f"{code}: {answers}")
        self.code = code
        self.answers = answers


class _Said(io.TextIOBase):
    """Standard output that goes out with each flush and is kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._waiting = ""

    def write(self, text: str, /) -> int:
        self._waiting += text
        return len(text)

    def flush(self) -> None:
        if self._waiting:
            os.write(1, self._waiting.encode())
            self.lines += self._waiting.splitlines()
            self._waiting = ""


@dataclass
class Desk:
    """One PC. folder: the disk that may fail, with the clinic in `clinic`. inputs: a safe place for what commands
    read. codes: how each command ended. tries: how often something is tried before its failure raises
    CommandFailed. on_failure: hears of each failure before the next try, with their number so far. passphrase: the
    administrator's."""

    folder: Path
    inputs: Path
    tries: int = 1
    on_failure: Callable[[int], None] = lambda _failures: None
    passphrase: str = PASSPHRASE
    codes: list[int] = field(default_factory=list)
    _files: int = 0

    @property
    def store(self) -> Path:
        """The clinic."""
        return self.folder / "clinic"

    @property
    def cards(self) -> Path:
        """Where recovery cards are written: on the disk that may fail, beside the clinic."""
        return self.folder / "cards"

    def file(self, content: str | bytes, suffix: str = ".txt") -> Path:
        """A small file to hand to a command."""
        self._files += 1
        path = self.inputs / f"{self._files}{suffix}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def film(self, seed: int) -> Path:
        """A picture that no other seed gives."""
        buffer = io.BytesIO()
        Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 30), np.uint8)).save(buffer, "PNG")
        return self.file(buffer.getvalue(), ".png")

    def lantern(
        self, *words: str | Path, user: str = ADMIN, passphrase: str = "", stdin: str = ""
    ) -> list[dict[str, Any]]:
        """Run a command and give its answers. Raises CommandFailed."""
        command = [str(word) for word in words]
        return self._tried(lambda: self._lantern(command, user, passphrase or self.passphrase, stdin))

    def _lantern(self, words: list[str], user: str, passphrase: str, stdin: str) -> list[dict[str, Any]]:
        self.say(command=words, user=user)
        secret = self.file(passphrase + "\n")
        said = _Said()
        with contextlib.redirect_stdout(said):
            kept, sys.stdin = sys.stdin, io.StringIO(stdin)
            try:
                code = main(
                    ["--store", str(self.store), "--user", user, "--passphrase-file", str(secret), *words, "--json"]
                )
            finally:
                sys.stdin = kept
            said.flush()
        answers = [json.loads(line) for line in said.lines]
        self.codes.append(code)
        if code != 0:
            raise CommandFailed(code, answers)
        return answers

    def say(self, **line: object) -> None:
        """A line of our own on standard output."""
        os.write(1, json.dumps(line).encode() + b"\n")

    @contextlib.contextmanager
    def window(self) -> Iterator[workflow.Clinic]:
        """The clinic unlocked for as long as somebody sits there. Raises CommandFailed where it does not open."""
        clinic = self._tried(lambda: _told(self._unlock))
        try:
            yield clinic
        finally:
            workflow.lock(clinic)

    def _unlock(self) -> workflow.Clinic:
        return workflow.unlock(
            self.store,
            Job(),
            user=ADMIN,
            passphrase=self.passphrase,
            models=workflow.load_models(),
            wait=lambda _seconds: None,
        )

    def deed(self, name: str, deed: Callable[[], dict[str, object]]) -> dict[str, object]:
        """Something done in the window: its acknowledgement is said once it is true."""
        self.say(command=name.split(), user=ADMIN)
        answer = self._tried(lambda: _told(deed))
        self.say(**answer)
        return answer

    def _tried(self, deed: Callable[[], T]) -> T:
        """What the deed gives, at one of the tries. Raises CommandFailed."""
        for failures in range(1, self.tries):
            try:
                return deed()
            except CommandFailed:
                self.on_failure(failures)
        return deed()


def _told(deed: Callable[[], T]) -> T:
    """What a deed in the window gives. Raises CommandFailed where a person reads why not."""
    try:
        return deed()
    except UserFacingError as error:
        raise CommandFailed(1, [{"status": "error", "kind": error.kind.value}]) from error
