"""Runs one command and gives its exit status: 0 done, 1 refused, failed or found, 2 usage, 3 not unlocked."""

import argparse
import io
import logging
import sys
from collections.abc import Callable, Mapping

from desktop.cli import (
    analysing,
    auditing,
    backups,
    dicom,
    drawings,
    importing,
    inspecting,
    measuring,
    models,
    patients,
    people,
    reading,
)
from desktop.cli.output import Output
from desktop.errors import Cancelled, ErrorKind, UserFacingError
from desktop.i18n import Language, Translator

_log = logging.getLogger(__name__)

# What the store looks for or writes down as it is given; other words are cleaned or refused by the deed itself.
_KEPT_AS_TEXT = ("id", "keep", "gone", "study", "patient", "dest", "instance", "label")

COMMANDS: Mapping[str, Callable[[argparse.Namespace, Output], None]] = {
    "analyse": analysing.analyse,
    "inspect": inspecting.inspect,
    "measure": measuring.measure,
    "selftest": models.selftest,
    "models": models.models,
    "users": people.users,
    "rekey": people.rekey,
    "clinic": people.clinic,
    "patients": patients.patients,
    "verify": auditing.verify,
    "audit": auditing.audit,
    "backup": backups.backup,
    "restore": backups.restore,
    "import": importing.bring_in,
    "impressions": reading.impressions,
    "suggestions": reading.suggestions,
    "report": reading.report,
    "export": drawings.export,
    "annotations": drawings.annotations,
    "key-images": drawings.key_images,
    "dicom": dicom.dicom,
}


def run(arguments: argparse.Namespace) -> int:
    """Run a parsed command."""
    _speak_utf8()
    output = Output(arguments.json, Translator(Language(arguments.language)), sys.stdout)
    try:
        _check_text(arguments)
        COMMANDS[arguments.command](arguments, output)
    except UserFacingError as error:
        output.error(error)
        return 3 if error.kind is ErrorKind.UNLOCK else 1
    except (Cancelled, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:
        # Only the type and the place: a message may hold a name.
        _log.critical("unforeseen %s", _place(error))
        output.bug()
        return 1
    return 1 if output.failed else 0


def _check_text(arguments: argparse.Namespace) -> None:
    """Raises UserFacingError for an id, or a folder the clinic would have to remember, that is no UTF-8."""
    for name in _KEPT_AS_TEXT:
        value = getattr(arguments, name, None)
        if value is not None and any("\ud800" <= character <= "\udfff" for character in str(value)):
            raise UserFacingError("cli.not_text")


def _place(error: BaseException) -> str:
    """Type and innermost line of an exception, without its message."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "?"
    return f"{type(error).__name__} at {where}"


def _speak_utf8() -> None:
    """Standard streams are UTF-8 whatever the PC's code page is; what comes in may start with a byte-order mark."""
    for stream, encoding, errors in (
        (sys.stdin, "utf-8-sig", "surrogateescape"),
        (sys.stdout, "utf-8", "surrogateescape"),
        (sys.stderr, "utf-8", "replace"),
    ):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=encoding, errors=errors)
