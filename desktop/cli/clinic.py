"""`clinic create`, and where its recovery card is written."""

import argparse
import os
from pathlib import Path

from desktop import workflow
from desktop.cli.output import Output
from desktop.cli.secrets_in import read_secret
from desktop.cli.session import store_folder
from desktop.errors import ErrorKind, UserFacingError, from_os_error
from desktop.jobs import Job


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
