"""What the program says of itself on its way: to standard error and into logs, and never a name.

Libraries put what they stumble over into their words: pydicom and highdicom quote the value of an element that is not
as it should be, which may be a patient's name. Here, where everything that is said comes by, only our own sentences,
which hold none, go through; of everybody else's it is told who spoke and from where.
"""

import logging
import os
import sys
import threading
import traceback
import warnings
from types import TracebackType
from typing import TextIO

_OURS = "desktop"

_log = logging.getLogger(__name__)


def speak_no_names(stream: TextIO) -> None:
    """From now on: log records of WARNING and above go to `stream`, and so does word of Python's warnings and of
    failures that nobody caught; none of them with what a library or an exception says."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Discreet())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # A record that cannot be formatted would be printed with all it holds.
    logging.raiseExceptions = False
    warnings.showwarning = _warned
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _uncaught_in_thread


def describe(error: BaseException) -> str:
    """Type and places of an error, without its message: a message may quote a name."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"  {frame.filename.rpartition('desktop')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    return "\n".join([type(error).__qualname__, *places])


class _Discreet(logging.Formatter):
    """Our own records as they are, without the message of an exception; where others' came from."""

    def format(self, record: logging.LogRecord) -> str:
        who = f"{record.levelname} {record.name}"
        if record.name != _OURS and not record.name.startswith(f"{_OURS}."):
            return f"{who}: at {os.path.basename(record.pathname)}:{record.lineno}"
        error = record.exc_info[1] if record.exc_info else None
        return f"{who}: {record.getMessage()}" + (f"\n{describe(error)}" if error is not None else "")


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """In the place of `warnings.showwarning`, with its parameters."""
    _log.warning("%s at %s:%s", category.__qualname__, os.path.basename(filename), lineno)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _log.error("unexpected failure\n%s", describe(error))


def _uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
    if caught.exc_value is not None and not issubclass(caught.exc_type, SystemExit):
        _log.error("unexpected failure in a thread\n%s", describe(caught.exc_value))


def _unraisable(caught: "sys.UnraisableHookArgs") -> None:
    if caught.exc_value is not None:
        _log.error("unexpected failure while something was put away\n%s", describe(caught.exc_value))
