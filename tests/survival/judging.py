"""Is a disk, as a power cut left it, still the clinic that was acknowledged?"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop import vault, workflow
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import HumanName
from desktop.store import Store, Verification
from desktop.store.audit import origin, read_lines
from tests.survival.desk import ADMIN
from tests.survival.promises import CARD, Promises


@dataclass(frozen=True)
class Known:
    """What the undisturbed run came to. chain: the audit chain's hashes, the origin first. order: records as made."""

    chain: tuple[str, ...]
    order: tuple[tuple[str, str], ...]


def known_end(folder: Path, promises: Promises) -> Known:
    """What the whole run came to."""
    unlocked = vault.unlock(folder, ADMIN, promises.passphrases[ADMIN], touch=False)
    with contextlib.closing(unlocked), Store.open(folder, unlocked) as store, store.snapshot() as tx:
        chain = [origin(store.store_id)]
        while lines := read_lines(tx.audit._rows, after=len(chain) - 1):
            chain += [line.hash for line in lines]
    return Known(tuple(chain), tuple(promises.records))


def faults(disk: Path, promises: Promises, sequence: int, known: Known | None, *, live_on: bool = False) -> list[str]:
    """Everything that is not as promised; empty when all is well.

    disk: the folder that holds `clinic`. sequence: number of the newest audit line that an acknowledged deed wrote.
    known: None where the run was disturbed, so nobody knows what it would have come to. live_on: then open the clinic
    as a person does, work, and look again.
    """
    folder = disk / "clinic"
    try:
        if not promises.clinic and not Store.exists(folder):
            return []
        found = [*_faults_inside(folder, promises, sequence, known), *_faults_of_keys(disk, promises)]
        if live_on and not found:
            found += _faults_after_work(folder, promises)
        if not found:
            found += [fault for backup in promises.backups for fault in _faults_of_backup(disk, Path(backup), promises)]
    except UserFacingError as error:
        return [f"refused: {error.key}"]
    except Exception as error:  # whatever the damage leads to is a finding of this one state
        return [f"cannot be judged: {type(error).__name__} {error}"]
    return found


def checked(folder: Path, promises: Promises) -> Verification:
    """As `verify --inventory --batch` does it: nothing is written into the folder."""
    checkup = workflow.Checkup(promises.passphrases[ADMIN])
    return workflow.verify_closed(checkup, folder, Job(), user=ADMIN, inventory=True)


def _told(verification: Verification) -> list[str]:
    return [f"{problem.kind} {problem.where} {problem.key}" for problem in verification.problems]


def _present(verification: Verification) -> set[tuple[str, str]]:
    inventory = verification.inventory
    kinds = {"patients": inventory.patients, "attachments": inventory.attachments, "reports": inventory.reports}
    return {(kind, identity) for kind, ids in kinds.items() for identity in ids}


def _faults_inside(folder: Path, promises: Promises, sequence: int, known: Known | None) -> list[str]:
    found = checked(folder, promises)
    present, faults = _present(found), _told(found)
    faults += [f"{kind} {identity} is lost" for kind, identity in promises.records if (kind, identity) not in present]
    faults += [
        f"reports {report} is another"
        for report, digest in promises.reports.items()
        if found.inventory.reports.get(report) not in (None, digest)
    ]
    if found.head is None:
        return [*faults, "there is no audit chain"]
    if found.head.sequence < sequence:
        faults.append(f"audit line {sequence} is lost")
    if known is not None:
        if known.chain[found.head.sequence : found.head.sequence + 1] != (found.head.hash,):
            faults.append("the audit chain is not the beginning of what happened")
        there = [record in present for record in known.order]
        if sorted(there, reverse=True) != there:
            faults.append("a later record is there without an earlier one")
    return faults


def _faults_of_keys(disk: Path, promises: Promises) -> list[str]:
    """Everybody who was let in can open it, those who were shut out cannot, and the card is there."""
    folder, found = disk / "clinic", []
    for name, passphrase in promises.passphrases.items():
        if name not in promises.unsure and not _opens(folder, name, passphrase):
            found.append("a user's passphrase does not open it")
    for name, passphrase in promises.shut.items():
        if name not in promises.unsure and _opens(folder, name, passphrase):
            found.append("a passphrase that was taken away opens it")
    if promises.card and CARD not in promises.unsure and not _card_opens(folder, disk / promises.card):
        found.append("the recovery card is lost")
    return found


def _opens(folder: Path, name: str, passphrase: str) -> bool:
    try:
        vault.unlock(folder, name, passphrase, touch=False).close()
    except UserFacingError:
        return False
    return True


def _card_opens(folder: Path, card: Path) -> bool:
    try:
        vault.unlock_with_card(folder, _code(card), touch=False).close()
    except (UserFacingError, FileNotFoundError):
        return False
    return True


def _code(card: Path) -> str:
    return card.read_text(encoding="utf-8").split("\n")[0]


def _faults_after_work(folder: Path, promises: Promises) -> list[str]:
    """Opening mends and tidies: afterwards everything is there as before, and what is done now stays."""
    with _unlocked(folder, promises) as clinic:
        draft = workflow.PatientDraft((HumanName("停电之后"),))
        promises.records.append(("patients", workflow.register_patient(clinic, Job(), draft).patient.id))
    try:
        found = checked(folder, promises)
        faults = [f"after work: {told}" for told in _told(found)]
        faults += [f"after work: {note.key}" for note in found.notes if note.key != "verify.orphan"]
        lost = set(promises.records) - _present(found)
        return faults + [f"after work: {kind} {identity} is lost" for kind, identity in lost]
    finally:
        promises.records.pop()


@contextlib.contextmanager
def _unlocked(folder: Path, promises: Promises) -> Iterator[workflow.Clinic]:
    models = workflow.Registry([])
    clinic = workflow.unlock(
        folder, Job(), user=ADMIN, passphrase=promises.passphrases[ADMIN], models=models, wait=lambda _seconds: None
    )
    try:
        yield clinic
    finally:
        workflow.lock(clinic)


def _faults_of_backup(disk: Path, backup: Path, promises: Promises) -> list[str]:
    """A backup that was acknowledged brings everything back that was acknowledged before it. backup: below the disk."""
    target = disk / "restored"
    workflow.backups.restore(disk / backup, target, Job(), card=_code(disk / promises.card))
    found = checked(target, promises)
    lost = promises.records_in_backup - _present(found)
    return [f"restored: {told}" for told in _told(found)] + [f"restored: {kind} {one} is lost" for kind, one in lost]
