"""`verify` and `audit`."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from desktop import workflow
from desktop.cli.output import Output
from desktop.cli.secrets_in import read_secret
from desktop.cli.session import store_folder, unlocked, user_name
from desktop.errors import UserFacingError
from desktop.jobs import Job

_UNREADABLE_ANCHOR = workflow.Problem(workflow.ProblemKind.ANCHOR, "anchor", "verify.anchor_unreadable")

# Of a line that names no folder: there are no key files to begin with.
_BLANK = workflow.Problem(workflow.ProblemKind.KEYSTORE, "", "cli.blank_line")


def add_commands(commands: "argparse._SubParsersAction[Any]") -> None:
    """The grammar of both."""
    check = commands.add_parser("verify", help="check that everything is there and unchanged")
    check.add_argument("--inventory", action="store_true", help="name every patient, file and report with its SHA-256")
    check.add_argument(
        "--anchor", type=Path, metavar="HEAD", help="an audit head, or a backup's manifest, kept elsewhere"
    )
    verbs = commands.add_parser("audit", help="the audit trail").add_subparsers(dest="verb", required=True)
    verbs.add_parser("head", help="its newest line, signed; keep it outside the clinic")
    export = verbs.add_parser("export", help="all of it as JSON Lines, its signed head last")
    export.add_argument("--out", type=Path, required=True, metavar="F")
    exported = verbs.add_parser("verify", help="check an exported trail; needs no clinic")
    exported.add_argument("file", type=Path, metavar="F")


def verify(arguments: argparse.Namespace, output: Output) -> None:
    """Everything checked; damage, and a passphrase that does not open it, are problems and exit with 1."""
    passphrase = read_secret(arguments.passphrase_file)
    anchor = workflow.read_anchor(arguments.anchor) if arguments.anchor is not None else None
    if arguments.batch:
        _verify_each(arguments, output, passphrase, anchor)
        return
    folder = store_folder(arguments)
    result = workflow.verify_clinic(
        folder,
        Job(),
        user=_user(arguments, folder),
        passphrase=passphrase,
        inventory=arguments.inventory,
        anchor=anchor,
        wait=time.sleep,
    )
    _answer(arguments, output, result, anchor)


def _verify_each(
    arguments: argparse.Namespace, output: Output, passphrase: str, anchor: workflow.Anchor | None
) -> None:
    """Folders from standard input; each is answered before the next one is read, and nothing is written into any."""
    checkup = workflow.Checkup(passphrase)
    for line in sys.stdin:
        given = line.rstrip("\r\n")
        if not given.strip():
            _answer(arguments, output, workflow.Verification((_BLANK,)), anchor, store=given)
            continue
        folder = Path(given)
        result = workflow.verify_closed(
            checkup,
            folder,
            Job(),
            user=_user(arguments, folder),
            inventory=arguments.inventory,
            anchor=anchor,
        )
        _answer(arguments, output, result, anchor, store=given)


def _user(arguments: argparse.Namespace, folder: Path) -> str:
    """Who unlocks. A keystore in which nobody can be found is a problem the check itself names."""
    try:
        return user_name(arguments, folder)
    except UserFacingError:
        return ""


def _answer(
    arguments: argparse.Namespace,
    output: Output,
    result: workflow.Verification,
    anchor: workflow.Anchor | None,
    **first: object,
) -> None:
    problems = list(result.problems)
    if arguments.anchor is not None and anchor is None:
        problems.append(_UNREADABLE_ANCHOR)
    inventory = result.inventory
    output.failed = output.failed or bool(problems)
    output.answer(
        {
            **first,
            "ok": not problems,
            "problems": [problem_line(output, problem) for problem in problems],
            "notes": [_note(output, note) for note in result.notes],
            "audit": {"seq": result.head.sequence, "head": result.head.hash} if result.head else None,
            "counts": {"patients": 0, "attachments": 0, "reports": 0, **result.counts},
            "inventory": {
                "patients": dict(inventory.patients),
                "attachments": dict(inventory.attachments),
                "reports": dict(inventory.reports),
            },
        },
        _words(output, problems),
    )


def problem_line(output: Output, problem: workflow.Problem) -> dict[str, str]:
    """What was found, as an answer names it."""
    text = output.translator.text
    return {
        "kind": problem.kind.value,
        "where": problem.where,
        "message": text(problem.key, **problem.details),
        "advice": text(f"{problem.key}.advice", **problem.details),
    }


def _note(output: Output, note: workflow.Note) -> str:
    return f"{note.where}: {output.translator.text(note.key, **note.details)}"


def _words(output: Output, problems: list[workflow.Problem]) -> str:
    """What a person at a terminal reads."""
    if not problems:
        return output.translator.text("cli.verify_ok")
    said = (problem_line(output, problem) for problem in problems)
    return "\n".join(f"{one['where']}: {one['message']} {one['advice']}" for one in said)


def audit(arguments: argparse.Namespace, output: Output) -> None:
    """`audit head | export | verify`."""
    if arguments.verb == "verify":
        _verify_file(arguments.file, output)
        return
    with unlocked(arguments) as clinic:
        if arguments.verb == "head":
            output.answer(workflow.audit_head(clinic, Job()).to_json())
            return
        exported = workflow.export_audit(clinic, Job(), arguments.out)
        output.answer({"file": str(arguments.out), "rows": exported.rows, "sha256": exported.sha256})


def _verify_file(path: Path, output: Output) -> None:
    checked = workflow.verify_audit_file(path, Job())
    output.failed = bool(checked.problems)
    output.answer(
        {
            "ok": not checked.problems,
            "problems": [problem_line(output, problem) for problem in checked.problems],
            "rows": checked.rows,
            "head": checked.head.to_json() if checked.head is not None else None,
        },
        _words(output, list(checked.problems)),
    )
