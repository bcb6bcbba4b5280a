"""What a command says: JSON Lines or plain words on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TextIO

from desktop.errors import ErrorKind, UserFacingError
from desktop.i18n import Translator


@dataclass
class Output:
    """Writes one answer per line, each flushed when it is true. `failed` is set by any answer that is not fine."""

    as_json: bool
    translator: Translator
    stream: TextIO
    failed: bool = False

    def answer(self, line: Mapping[str, object], words: str = "") -> None:
        """One answer: the JSON object, or the words a person reads."""
        text = _json_line(line) if self.as_json else (words or _plain(line))
        self.stream.write(text + "\n")
        self.stream.flush()

    def answer_all(self, lines: Iterable[Mapping[str, object]]) -> None:
        """Several answers that became true together."""
        say = _json_line if self.as_json else _plain
        self.stream.write("".join(say(line) + "\n" for line in lines))
        self.stream.flush()

    def error(self, error: UserFacingError) -> None:
        """The line of a command that cannot go on."""
        self.failed = True
        said = self.translator.error(error)
        line = {
            "status": "error",
            "kind": error.kind.value,
            "message": said.message,
            "advice": said.advice,
        }
        self.answer(line, f"{said.message}\n{said.advice}")

    def bug(self) -> None:
        """A failure nobody foresaw: no traceback, no names; the log holds what is needed to mend it."""
        self.error(UserFacingError("cli.bug", kind=ErrorKind.IO))

    def reason(self, error: UserFacingError) -> str:
        """What happened and what to do, in one string for an answer's `reason`."""
        said = self.translator.error(error)
        return f"{said.message} {said.advice}".strip()


def _json_line(line: Mapping[str, object]) -> str:
    """JSON in plain UTF-8; what came in as no UTF-8 (a file name of an old disc) goes out as escapes."""
    text = json.dumps(line, ensure_ascii=False)
    return text if text.isascii() or _encodable(text) else json.dumps(line)


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def note(text: str) -> None:
    """Words for the person at the terminal; never a name, a file name or a clinical text."""
    print(text, file=sys.stderr, flush=True)


def _plain(line: Mapping[str, object]) -> str:
    """An answer for people: `key: value` pairs, empty ones left out."""
    return "  ".join(f"{key}: {value}" for key, value in line.items() if value not in (None, "", [], {}))
