"""`users`, `rekey` and what `clinic` says without creating one."""

import argparse
import getpass
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from desktop import workflow
from desktop.access import Role
from desktop.cli import clinic as clinics
from desktop.cli.output import Output, note
from desktop.cli.secrets_in import read_secret
from desktop.cli.session import store_folder, unlocked
from desktop.errors import KnownFailure, UserFacingError
from desktop.i18n import Translator
from desktop.jobs import Job
from desktop.records import User


def add_commands(commands: "argparse._SubParsersAction[Any]") -> None:
    """The grammar of `users` and `rekey`."""
    commands.add_parser("rekey", help="re-encrypt the clinic under a new key (a new key epoch)")
    users = commands.add_parser("users", help="who may unlock the clinic").add_subparsers(dest="verb", required=True)
    users.add_parser("list", help="everybody, one per line")
    add = users.add_parser("add", help="let somebody new unlock the clinic")
    passphrase = users.add_parser("passphrase", help="another passphrase for --user")
    disable = users.add_parser("disable", help="somebody may not unlock any more")
    enable = users.add_parser("enable", help="somebody who was disabled may unlock again")
    reset = users.add_parser("reset", help="a new passphrase for somebody who lost theirs")
    roles = users.add_parser("roles", help="other roles for somebody")
    for verb in (add, disable, enable, reset, roles):
        verb.add_argument("name", metavar="NAME")
    for verb in (add, roles):
        verb.add_argument("--role", action="append", required=True, choices=[role.value for role in Role], metavar="R")
    for verb in (add, passphrase, enable, reset):
        verb.add_argument(
            "--new-passphrase-file",
            type=Path,
            metavar="F",
            help="first line is the new passphrase; else it is asked for",
        )
    reset.add_argument(
        "--recovery-file", type=Path, metavar="C", help="the recovery card's code; nobody needs to unlock then"
    )


def add_clinic_verbs(verbs: "argparse._SubParsersAction[Any]") -> None:
    """What `clinic` does besides `create`."""
    verbs.add_parser("info", help="which clinic this is and where its files lie; needs no passphrase")
    card = verbs.add_parser("new-card", help="another recovery card; the old one opens nothing any more")
    card.add_argument("--recovery-out", type=Path, required=True, metavar="F")


def clinic(arguments: argparse.Namespace, output: Output) -> None:
    """`clinic create | info | new-card`."""
    deeds: Mapping[str, Callable[[argparse.Namespace, Output], None]] = {
        "create": clinics.clinic,
        "info": _info,
        "new-card": _new_card,
    }
    deeds[arguments.verb](arguments, output)


def users(arguments: argparse.Namespace, output: Output) -> None:
    """`users add | passphrase | disable | enable | list | reset | roles`: one line per user, as it is now."""
    deeds: Mapping[str, Callable[[argparse.Namespace, Output], None]] = {
        "add": _add,
        "passphrase": _passphrase,
        "disable": _disable,
        "enable": _enable,
        "list": _list,
        "reset": _reset,
        "roles": _roles,
    }
    deeds[arguments.verb](arguments, output)


def rekey(arguments: argparse.Namespace, output: Output) -> None:
    """`rekey`: answers once the clinic and every stored file are under the new epoch's key."""
    job = _TellingJob(output.translator)
    with unlocked(arguments) as opened:
        epoch = workflow.people.start_new_epoch(opened, job)
        try:
            left = workflow.people.reseal_attachments(opened, job)
        except UserFacingError as error:
            raise KnownFailure("cli.files_wait_for_key", kind=error.kind, epoch=epoch) from error
    output.answer({"epoch": epoch, "unreadable_attachments": left})


class _TellingJob(Job):
    """Says each step once, on standard error."""

    def __init__(self, translator: Translator) -> None:
        super().__init__()
        self._translator = translator

    def report(self, key: str, done: int = 0, total: int = 0) -> None:
        """Say a new step."""
        if key != self.progress.key:
            note(self._translator.text(key))
        super().report(key, done, total)


def _info(arguments: argparse.Namespace, output: Output) -> None:
    found = workflow.people.clinic_info(store_folder(arguments))
    output.answer(
        {
            "store_id": found.store_id,
            "format": found.format,
            "epoch": found.epoch,
            "files": {
                "database": found.database,
                "keystores": list(found.keystores),
                "attachments": found.attachments,
                "audit_heads": found.audit_heads,
            },
        }
    )


def _new_card(arguments: argparse.Namespace, output: Output) -> None:
    """The card's file is taken back only where it is certain that the old card stays the clinic's."""
    written = arguments.recovery_out
    with unlocked(arguments) as opened:
        workflow.people.new_recovery_card(
            opened,
            Job(),
            hand_over=lambda card: clinics.write_recovery(written, card),
            take_back=lambda _card: clinics.remove_recovery(written),
        )
        identity = opened.store.store_id
    output.answer({"id": identity})


def _add(arguments: argparse.Namespace, output: Output) -> None:
    passphrase = _new_secret(arguments.new_passphrase_file)
    with unlocked(arguments) as opened:
        roles = [Role(role) for role in arguments.role]
        changed = workflow.people.add_user(opened, Job(), name=arguments.name, roles=roles, passphrase=passphrase)
        output.answer(_line(changed.user))


def _passphrase(arguments: argparse.Namespace, output: Output) -> None:
    new = _new_secret(arguments.new_passphrase_file)
    old = read_secret(arguments.passphrase_file)
    with unlocked(arguments, passphrase=old) as opened:
        output.answer(_line(workflow.people.change_passphrase(opened, Job(), old=old, new=new).user))


def _disable(arguments: argparse.Namespace, output: Output) -> None:
    with unlocked(arguments) as opened:
        output.answer(_line(workflow.people.disable_user(opened, Job(), name=arguments.name).user))


def _enable(arguments: argparse.Namespace, output: Output) -> None:
    passphrase = _new_secret(arguments.new_passphrase_file)
    with unlocked(arguments) as opened:
        output.answer(
            _line(workflow.people.enable_user(opened, Job(), name=arguments.name, passphrase=passphrase).user)
        )


def _list(arguments: argparse.Namespace, output: Output) -> None:
    with unlocked(arguments) as opened:
        for user in workflow.people.list_users(opened, Job()):
            output.answer(_line(user))


def _reset(arguments: argparse.Namespace, output: Output) -> None:
    passphrase = _new_secret(arguments.new_passphrase_file)
    if arguments.recovery_file is None:
        with unlocked(arguments) as opened:
            changed = workflow.people.reset_user(opened, Job(), name=arguments.name, passphrase=passphrase)
            output.answer(_line(changed.user))
        return
    changed = workflow.people.reset_with_card(
        store_folder(arguments),
        Job(),
        name=arguments.name,
        card=read_secret(arguments.recovery_file),
        passphrase=passphrase,
        wait=time.sleep,
    )
    output.answer(_line(changed.user))


def _roles(arguments: argparse.Namespace, output: Output) -> None:
    with unlocked(arguments) as opened:
        roles = [Role(role) for role in arguments.role]
        output.answer(_line(workflow.people.set_roles(opened, Job(), name=arguments.name, roles=roles).user))


def _line(user: User) -> dict[str, object]:
    return {"id": user.id, "user": user.name, "roles": list(user.roles), "disabled": user.disabled}


def _new_secret(path: Path | None) -> str:
    """The first line of a file, or what is typed twice at a prompt. Raises UserFacingError."""
    if path is not None:
        return read_secret(path)
    if not sys.stdin.isatty():
        raise UserFacingError("cli.no_new_passphrase")
    first, second = (getpass.getpass(words, stream=sys.stderr) for words in ("New passphrase: ", "Once more: "))
    if first != second:
        raise UserFacingError("cli.passphrases_differ")
    return first
