"""`backup` and `restore`."""

import argparse
from pathlib import Path
from typing import Any

from desktop import workflow
from desktop.cli.auditing import problem_line
from desktop.cli.output import Output
from desktop.cli.secrets_in import read_secret
from desktop.cli.session import store_folder, unlocked
from desktop.jobs import Job


def add_commands(commands: "argparse._SubParsersAction[Any]") -> None:
    """The grammar of this module's commands."""
    backup = commands.add_parser("backup", help="make a backup in a new folder below DEST and read it back")
    backup.add_argument("dest", type=Path, metavar="DEST", help="a folder or USB stick; made if its parent exists")
    restore = commands.add_parser("restore", help="bring a clinic back into --store with its recovery card")
    restore.add_argument("source", type=Path, metavar="SRC", help="a backup, or the folder that holds just one")
    restore.add_argument(
        "--recovery-file", type=Path, metavar="C", help="first line is the card's code; else it is asked for"
    )


def backup(arguments: argparse.Namespace, output: Output) -> None:
    """`backup`: answers once the backup is on the medium and was read back; what was found wrong is named."""
    with unlocked(arguments) as clinic:
        made = workflow.backups.back_up(clinic, Job(), arguments.dest)
    output.failed = not made.verified
    output.answer(
        {
            "path": str(made.folder),
            "verified": made.verified,
            "counts": dict(made.counts),
            "problems": [
                {
                    "where": fault.where,
                    "message": output.translator.text(fault.key, where=fault.where),
                    "advice": output.translator.text(f"{fault.key}.advice", where=fault.where),
                }
                for fault in made.faults
            ],
        }
    )


def restore(arguments: argparse.Namespace, output: Output) -> None:
    """`restore`: answers once the clinic is whole and in its place."""
    card = read_secret(arguments.recovery_file, "Recovery code: ")
    restored = workflow.backups.restore(arguments.source, store_folder(arguments), Job(), card=card)
    output.failed = not restored.verified
    output.answer(
        {
            "id": restored.id,
            "counts": dict(restored.counts),
            "audit": {"seq": restored.head.sequence, "head": restored.head.hash} if restored.head else None,
            "verified": restored.verified,
            "problems": [problem_line(output, problem) for problem in restored.problems],
        }
    )
