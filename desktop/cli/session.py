"""Unlocking for one command."""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from desktop import workflow
from desktop.cli.secrets_in import read_secret
from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.settings import default_places


def store_folder(arguments: argparse.Namespace) -> Path:
    """The clinic's folder: as given, or this PC's own."""
    return arguments.store if arguments.store is not None else default_places().clinic


def user_name(arguments: argparse.Namespace, folder: Path) -> str:
    """Who unlocks: as given, or the only one there is. Raises UserFacingError (unlock)."""
    if arguments.user:
        return str(arguments.user)
    users = workflow.clinic_users(folder)
    if len(users) != 1:
        raise UserFacingError("cli.which_user", kind=ErrorKind.UNLOCK)
    return users[0]


@contextmanager
def unlocked(arguments: argparse.Namespace, *, passphrase: str | None = None) -> Iterator[workflow.Clinic]:
    """The clinic, locked again whatever happens. passphrase: where it was read already.

    Raises UserFacingError (unlock, not_found).
    """
    folder = store_folder(arguments)
    if not workflow.clinic_exists(folder):
        raise UserFacingError("workflow.no_clinic_here", kind=ErrorKind.NOT_FOUND)
    user = user_name(arguments, folder)
    if passphrase is None:
        passphrase = read_secret(arguments.passphrase_file)
    clinic = workflow.unlock(
        folder, Job(), user=user, passphrase=passphrase, models=workflow.load_models(), wait=time.sleep
    )
    del passphrase
    try:
        yield clinic
    finally:
        workflow.lock(clinic)


def milliseconds_since(start: float) -> float:
    """Elapsed time for an answer's `milliseconds`; start: of `time.perf_counter`."""
    return round((time.perf_counter() - start) * 1000, 3)
