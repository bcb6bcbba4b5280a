"""`inspect`: what files hold, a line for each; no store, no unlock."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from desktop import workflow
from desktop.cli.output import Output
from desktop.cli.session import milliseconds_since
from desktop.errors import UserFacingError
from desktop.workflow import Inspection, InspectionStatus


def add_command(commands: "argparse._SubParsersAction[Any]") -> None:
    """The grammar of `inspect`."""
    inspect = commands.add_parser("inspect", help="say what files hold and decode all of it; nothing is stored")
    inspect.add_argument("files", nargs="*", metavar="FILE")


def inspect(arguments: argparse.Namespace, output: Output) -> None:
    """Answer each file in order, each answer before the next input is needed."""
    for file in _batch() if arguments.batch else arguments.files:
        started = time.perf_counter()
        if isinstance(file, UserFacingError):
            found, name = workflow.not_inspected(file), ""
        else:
            found, name = workflow.inspect_file(Path(file)), file
        output.failed |= found.status in (InspectionStatus.REFUSED, InspectionStatus.ERROR)
        output.answer(_line(name, found, output, started))


def _batch() -> Iterator[str | UserFacingError]:
    """A path per line, or `{"file": …}`."""
    for line in sys.stdin:
        yield parse_batch_line(line.rstrip("\r\n"))


def parse_batch_line(text: str) -> str | UserFacingError:
    """The path in one line of a batch, or why there is none."""
    if not text.strip():
        return UserFacingError("cli.blank_line")
    if not text.lstrip().startswith("{"):
        return text
    try:
        file = json.loads(text)["file"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return UserFacingError("cli.bad_inspect_line")
    return file if isinstance(file, str) else UserFacingError("cli.bad_inspect_line")


def _line(file: str, found: Inspection, output: Output, started: float) -> dict[str, object]:
    figures = found.figures
    return {
        "file": file,
        "status": found.status.value,
        "reason": output.reason(found.reason) if found.reason is not None else None,
        "kind": found.kind.value if found.kind is not None else None,
        "modality": found.modality,
        "transfer_syntax": found.transfer_syntax,
        "frames": found.frames,
        "rows": found.rows,
        "columns": found.columns,
        "samples": found.samples,
        "dtype": figures.dtype if figures is not None else None,
        "minimum": figures.minimum if figures is not None else None,
        "maximum": figures.maximum if figures is not None else None,
        "mean": figures.mean if figures is not None else None,
        "milliseconds": milliseconds_since(started),
    }
