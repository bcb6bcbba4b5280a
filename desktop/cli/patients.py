"""`patients`: register, change, merge, find and show them."""

import argparse
import gc
import json
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from desktop import workflow
from desktop.cli.output import Output
from desktop.cli.secrets_in import read_secret, read_text
from desktop.cli.session import milliseconds_since, unlocked
from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.records import ConflictId, DuplicateCandidate, PatientField, PatientId, Side

_ENDS_A_BATCH = (ErrorKind.DISK_FULL, ErrorKind.IO)


def add_commands(commands: "argparse._SubParsersAction[Any]") -> None:
    """The grammar of `patients`."""
    verbs = commands.add_parser("patients", help="register and find patients").add_subparsers(
        dest="verb", required=True
    )
    add = verbs.add_parser("add", help="register from FHIR R4 Patient resources")
    add.add_argument("--input", type=Path, metavar="FILE")
    add.add_argument(
        "--group", type=_positive, metavar="N", help="with --batch: one commit per N lines, no search for duplicates"
    )
    edit = verbs.add_parser("edit", help="replace what is on file by a FHIR R4 Patient")
    edit.add_argument("id", metavar="ID")
    edit.add_argument("--input", type=Path, required=True, metavar="F")
    merge = verbs.add_parser("merge", help="two records of one person: KEEP stands for GONE from now on")
    merge.add_argument("keep", metavar="KEEP")
    merge.add_argument("gone", metavar="GONE")
    unmerge = verbs.add_parser("unmerge", help="undo a merge")
    unmerge.add_argument("id", metavar="ID", help="the record that was merged away, or the merge")
    show = verbs.add_parser("show", help="the record as a FHIR R4 Patient")
    show.add_argument("id", metavar="ID")
    conflicts = verbs.add_parser("conflicts", help="edits that crossed and wait for a decision")
    conflicts.add_argument("id", metavar="ID")
    settle = verbs.add_parser("settle", help="end a conflict: what is on file stays, but for what is taken")
    settle.add_argument("id", metavar="CONFLICT")
    settle.add_argument(
        "--take",
        action="append",
        default=[],
        choices=[field.value for field in PatientField],
        metavar="FIELD",
        help="follow the losing edit in this field after all; may be given several times",
    )
    bring = verbs.add_parser("bring-in", help="take over what was edited in another copy of this clinic")
    bring.add_argument("folder", type=Path, metavar="DIR", help="the copy, such as the disk it was restored from")
    bring.add_argument(
        "--copy-passphrase-file", type=Path, metavar="F", help="--user's passphrase there, if it is another one"
    )
    search = verbs.add_parser("search", help="find by any part of name, phone, identifier, village")
    search.add_argument("text", nargs="?", metavar="TEXT")
    search.add_argument("--limit", type=_positive, default=50)


def misuse(parsed: argparse.Namespace) -> str:
    """What is wrong with the options of `patients`, or empty."""
    if parsed.verb == "add" and parsed.batch == bool(parsed.input):
        return "patients add takes --input FILE, or --batch"
    if parsed.verb == "add" and parsed.group and not parsed.batch:
        return "--group goes with --batch"
    if parsed.verb == "search" and parsed.batch == (parsed.text is not None):
        return "patients search takes TEXT, or --batch"
    return ""


def patients(arguments: argparse.Namespace, output: Output) -> None:
    """`patients add | edit | merge | unmerge | conflicts | settle | bring-in | show | search`."""
    with unlocked(arguments) as clinic:
        match arguments.verb:
            case "add":
                lines = _batch_lines() if arguments.batch else _documents(arguments.input)
                if arguments.group:
                    _add_in_groups(lines, arguments.group, output, clinic)
                else:
                    _add(lines, output, clinic)
            case "edit":
                _edit(arguments, output, clinic)
            case "merge":
                _merge(arguments, output, clinic)
            case "unmerge":
                undone = workflow.unmerge(clinic, Job(), arguments.id)
                output.answer(
                    {"id": undone.merge.id, "status": "ok", "kept": undone.merge.kept, "gone": undone.merge.gone}
                )
            case "conflicts":
                _conflicts(arguments, output, clinic)
            case "settle":
                settled = workflow.settle_conflict(
                    clinic, Job(), ConflictId(arguments.id), [PatientField(field) for field in arguments.take]
                )
                output.answer({"id": arguments.id, "status": "ok", "patient": settled.patient.id})
            case "bring-in":
                _bring_in(arguments, output, clinic)
            case "show":
                resource = workflow.fhir_patient(clinic, Job(), PatientId(arguments.id))
                output.answer(resource, json.dumps(resource, ensure_ascii=False, indent=1))
            case _:
                _search(arguments, output, clinic)


def _add(lines: Iterable[tuple[int, str]], output: Output, clinic: workflow.Clinic) -> None:
    """One commit and one answer a line; who may be registered already is told."""
    for number, text in lines:
        try:
            registered = workflow.register_fhir_patient(clinic, Job(), _resource(text))
        except UserFacingError as error:
            output.answer(_refused(number, error, output))
            if error.kind in _ENDS_A_BATCH:
                return
        else:
            output.answer(_accepted(number, registered.patient.id, registered.duplicates))


def _add_in_groups(lines: Iterator[tuple[int, str]], size: int, output: Output, clinic: workflow.Clinic) -> None:
    """One commit per group; its answers follow it, while the next group is read already. A line that cannot be read
    spoils nothing for the others."""
    with _nothing_collected(), ThreadPoolExecutor(1, "writing") as writer:
        writing: Future[bool] | None = None
        while group := list(islice(lines, size)):
            numbers = [number for number, _ in group]
            read, unread = _read_group(group, clinic)
            if writing is not None and not writing.result():
                return
            writing = writer.submit(_write_group, numbers, read, unread, output, clinic)
        if writing is not None:
            writing.result()


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Millions of small records hold no cycles, and looking for some would take a quarter of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _read_group(
    group: Iterable[tuple[int, str]], clinic: workflow.Clinic
) -> tuple[workflow.GroupRead, dict[int, UserFacingError]]:
    """What the lines tell of patients, and the numbers of those that are no JSON."""
    resources: list[object] = []
    unread: dict[int, UserFacingError] = {}
    for number, text in group:
        try:
            resources.append(_resource(text))
        except UserFacingError as error:
            unread[number] = error
    return workflow.read_fhir_group(clinic, Job(), resources), unread


def _write_group(
    numbers: Iterable[int],
    read: workflow.GroupRead,
    unread: dict[int, UserFacingError],
    output: Output,
    clinic: workflow.Clinic,
) -> bool:
    """Commit a group and answer its lines; False where no further one can be written."""
    failure: UserFacingError | None = None
    try:
        results = iter(workflow.register_group(clinic, Job(), read).results)
    except UserFacingError as error:
        failure = error
        results = iter((error,) * len(read.results))
    answers = []
    for number in numbers:
        result = unread[number] if number in unread else next(results)
        if isinstance(result, UserFacingError):
            answers.append(_refused(number, result, output))
        else:
            answers.append(_accepted(number, result.id, ()))
    output.answer_all(answers)
    return failure is None or failure.kind not in _ENDS_A_BATCH


def _accepted(number: int, patient: str, duplicates: tuple[DuplicateCandidate, ...]) -> dict[str, object]:
    return {
        "line": number,
        "status": "ok",
        "id": patient,
        "duplicates": [
            {
                "id": candidate.patient.id,
                "name": candidate.patient.display_name,
                "score": round(candidate.score, 3),
                "reasons": list(candidate.reasons),
            }
            for candidate in duplicates
        ],
        "reason": None,
    }


def _refused(number: int, error: UserFacingError, output: Output) -> dict[str, object]:
    output.failed = True
    said = output.translator.error(error)
    return {
        "line": number,
        "status": "error",
        "id": None,
        "duplicates": [],
        "reason": output.reason(error),
        "kind": error.kind.value,
        "message": said.message,
        "advice": said.advice,
    }


def _edit(arguments: argparse.Namespace, output: Output, clinic: workflow.Clinic) -> None:
    """The whole new record; an edit that crossed another one is kept beside it and answered `conflict`."""
    patient = PatientId(arguments.id)
    edited = workflow.edit_fhir_patient(clinic, Job(), patient, _json(read_text(arguments.input)))
    crossed = edited.conflict is not None
    output.failed = crossed
    text = output.translator.text
    output.answer(
        {
            "id": patient,
            "status": "conflict" if crossed else "ok",
            "version": edited.version,
            "conflict": edited.conflict.id if edited.conflict is not None else None,
            "reason": f"{text('merging.crossed')} {text('merging.crossed.advice')}" if crossed else None,
        }
    )


def _merge(arguments: argparse.Namespace, output: Output, clinic: workflow.Clinic) -> None:
    """With the suggested choices: what one record lacks is taken from the other, lists are joined."""
    merged = workflow.merge_patients(clinic, Job(), PatientId(arguments.keep), PatientId(arguments.gone))
    output.answer(
        {
            "id": merged.merge.id,
            "status": "ok",
            "kept": merged.merge.kept,
            "gone": merged.merge.gone,
            "taken": [choice.field.value for choice in merged.merge.choices if choice.side is not Side.FIRST],
        }
    )


def _conflicts(arguments: argparse.Namespace, output: Output, clinic: workflow.Clinic) -> None:
    """One line per edit that lost, the oldest first; none where nothing waits."""
    for view in workflow.conflicts(clinic, Job(), PatientId(arguments.id)):
        conflict = view.conflict
        output.answer(
            {
                "id": conflict.id,
                "patient": conflict.patient,
                "edited": conflict.edited.isoformat(),
                "author": conflict.author,
                "differing": [field.value for field in view.differing],
                "losing": workflow.conflict_in_fhir(conflict),
            }
        )


def _bring_in(arguments: argparse.Namespace, output: Output, clinic: workflow.Clinic) -> None:
    """What was changed in both copies is kept as conflicts; visits and films of the other copy are only counted."""
    brought = workflow.bring_in_patients(
        clinic,
        Job(),
        arguments.folder,
        user=clinic.session.user.name,
        passphrase=read_secret(arguments.copy_passphrase_file or arguments.passphrase_file),
    )
    output.answer(
        {
            "status": "ok",
            "added": list(brought.added),
            "updated": list(brought.updated),
            "conflicts": list(brought.conflicts),
            "left": {"visits": brought.visits_left, "studies": brought.studies_left},
        }
    )


def _search(arguments: argparse.Namespace, output: Output, clinic: workflow.Clinic) -> None:
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


def _batch_lines() -> Iterator[tuple[int, str]]:
    """Standard input's lines with their numbers, blank ones too: each line is answered."""
    yield from enumerate(sys.stdin, 1)


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


def _resource(text: str) -> object:
    """What a line holds. Raises UserFacingError."""
    if not text.strip():
        raise UserFacingError("cli.blank_line")
    return _json(text)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserFacingError("cli.not_json") from error


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("must be at least 1")
    return number
