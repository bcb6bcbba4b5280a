"""`clinic`, `patients` and `verify`."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from desktop import workflow
from desktop.cli.output import Output
from desktop.cli.secrets_in import read_secret, read_text
from desktop.cli.session import milliseconds_since, store_folder, unlocked
from desktop.errors import ErrorKind, UserFacingError, from_os_error
from desktop.jobs import Job

_ENDS_A_BATCH = (ErrorKind.DISK_FULL, ErrorKind.IO)


def clinic(arguments: argparse.Namespace, output: Output) -> None:
    """`clinic create`: answers with the clinic's id once it is in place and its recovery card is on disk."""
    passphrase = read_secret(arguments.passphrase_file)
    created = workflow.create_clinic(
        store_folder(arguments),
        Job(),
        name=arguments.name,
        admin=arguments.admin,
        passphrase=passphrase,
        models=workflow.load_models(),
        hand_over=lambda card: write_recovery(arguments.recovery_out, card),
    )
    identity = created.clinic.store.store_id
    workflow.lock(created.clinic)
    output.answer({"id": identity})


def write_recovery(path: Path, card: workflow.RecoveryCard) -> None:
    """The card's code on the first line, readable by its owner only. An older file is never overwritten."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(card.text())
            stream.flush()
            os.fsync(stream.fileno())
    except FileExistsError as error:
        raise UserFacingError("cli.recovery_file_exists", kind=ErrorKind.NOT_EMPTY) from error
    except OSError as error:
        raise from_os_error(error) from error


def patients(arguments: argparse.Namespace, output: Output) -> None:
    """`patients add | search`."""
    with unlocked(arguments) as clinic:
        if arguments.verb == "add":
            _add_patients(arguments, output, clinic)
        else:
            _search_patients(arguments, output, clinic)


def _add_patients(arguments: argparse.Namespace, output: Output, clinic: workflow.Clinic) -> None:
    source = _batch_lines() if arguments.batch else _documents(arguments.input)
    for number, text in source:
        try:
            registered = workflow.register_fhir_patient(clinic, Job(), _json(text))
        except UserFacingError as error:
            output.failed = True
            said = output.translator.error(error)
            output.answer(
                {
                    "line": number,
                    "status": "error",
                    "id": None,
                    "duplicates": [],
                    "reason": output.reason(error),
                    "kind": error.kind.value,
                    "message": said.message,
                    "advice": said.advice,
                }
            )
            if error.kind in _ENDS_A_BATCH:
                return
            continue
        output.answer(
            {
                "line": number,
                "status": "ok",
                "id": registered.patient.id,
                "duplicates": [
                    {
                        "id": candidate.patient.id,
                        "name": candidate.patient.display_name,
                        "score": round(candidate.score, 3),
                        "reasons": list(candidate.reasons),
                    }
                    for candidate in registered.duplicates
                ],
                "reason": None,
            }
        )


def _batch_lines() -> Iterator[tuple[int, str]]:
    """Standard input's lines with their numbers; blank ones are passed over."""
    for number, line in enumerate(sys.stdin, 1):
        if line.strip():
            yield number, line


def _documents(path: Path) -> Iterator[tuple[int, str]]:
    """One resource, or one per line."""
    text = read_text(path)
    try:
        json.loads(text)
    except ValueError:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        yield from lines if len(lines) > 1 else [(1, text)]
    else:
        yield 1, text


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserFacingError("cli.not_json") from error


def _search_patients(arguments: argparse.Namespace, output: Output, clinic: workflow.Clinic) -> None:
    queries = (line.rstrip("\r\n") for line in sys.stdin) if arguments.batch else [arguments.text]
    for query in queries:
        started = time.perf_counter()
        found = workflow.search_patients(clinic, Job(), query, arguments.limit) if query.strip() else ()
        line: dict[str, object] = {
            "query": query,
            "milliseconds": milliseconds_since(started),
            "patients": [
                {
                    "id": match.patient.id,
                    "name": match.patient.display_name,
                    "birthDate": str(match.patient.birth_date) if match.patient.birth_date else None,
                    "why": list(match.why),
                }
                for match in found
            ],
        }
        words = "\n".join(f"{m.patient.id}  {m.patient.display_name}  {m.patient.birth_date or ''}" for m in found)
        output.answer(line, words or output.translator.text("cli.nobody_found"))
