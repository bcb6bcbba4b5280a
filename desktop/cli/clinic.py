"""`clinic create`, and where its recovery card is written."""

import argparse
import contextlib
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
    folder, written = store_folder(arguments), arguments.recovery_out
    passphrase = read_secret(arguments.passphrase_file)
    cards: list[workflow.RecoveryCard] = []

    def hand_over(card: workflow.RecoveryCard) -> None:
        write_recovery(written, card)
        cards.append(card)

    try:
        created = workflow.create_clinic(
            folder,
            Job(),
            name=arguments.name,
            admin=arguments.admin,
            passphrase=passphrase,
            models=workflow.load_models(),
            hand_over=hand_over,
        )
    except BaseException:
        if cards and not workflow.clinic_exists(folder):
            remove_recovery(written)  # the card of no clinic; it would be in the way of the next try
        raise
    identity = created.clinic.store.store_id
    workflow.lock(created.clinic)
    output.answer({"id": identity})


def write_recovery(path: Path, card: workflow.RecoveryCard) -> None:
    """The card's code on the first line, readable by its owner only, certain on the disk. An older file is never
    overwritten, half of one never left."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UserFacingError("cli.recovery_file_exists", kind=ErrorKind.NOT_EMPTY) from error
    except OSError as error:
        raise from_os_error(error) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(card.text())
            stream.flush()
            os.fsync(stream.fileno())
        _make_name_certain(path)
    except OSError as error:
        remove_recovery(path)
        raise from_os_error(error) from error


def _make_name_certain(path: Path) -> None:
    """A new file's name is on the disk for certain after its folder was synced. Windows has no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_recovery(path: Path) -> None:
    """Take a card back that opens nothing; one that cannot be removed stays."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
