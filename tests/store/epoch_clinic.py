"""A small clinic with films, for what becomes of it under new keys."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from desktop import vault
from desktop.jobs import Job
from desktop.records import Attachment, AuditAction, Patient, UserId, new_id
from desktop.store import Store, verify_folder
from tests.cheap_keys import make_cheap
from tests.store.helpers import NOW, PASSPHRASE, USER, add_patient, patient

FILM = b"film of a chest " * 9000
KEYSTORES = ("keystore.json", "keystore.copy.json")


@dataclass
class Clinic:
    """A closed clinic with one patient and two films."""

    folder: Path
    card: str
    owner: Patient
    films: tuple[Attachment, ...]

    def unlock(self) -> vault.Unlocked:
        return vault.unlock(self.folder, USER, PASSPHRASE)

    @contextlib.contextmanager
    def open(self) -> Iterator[Store]:
        unlocked = self.unlock()
        with Store.open(self.folder, unlocked) as store:
            yield store
        unlocked.close()

    def copied(self, to: Path) -> "Clinic":
        shutil.copytree(self.folder, to)
        return Clinic(to, self.card, self.owner, self.films)

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir() if path.name not in (*KEYSTORES, "clinic.lock", "att")}

    def sealed(self) -> set[str]:
        return {path.name for path in (self.folder / "att").rglob("*") if path.is_file()}

    def is_whole(self) -> int:
        """Everything reads and verifies; returns the epoch."""
        with self.open() as store:
            with store.snapshot() as tx:
                assert tx.patients.get(self.owner.id) == self.owner
            for film in self.films:
                assert store.attachments.read(film.id) == FILM + film.id.encode()
            found = store.verify(Job())
            assert found.ok, found.problems
            epoch = store._files.epoch
        checked = verify_folder(self.folder, USER, PASSPHRASE, Job())
        assert checked.ok, checked.problems
        assert vault.unlock_with_card(self.folder, self.card, touch=False).epoch == epoch
        return epoch


def quick_clinic(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    """A new one, whose passphrase costs next to nothing."""
    make_cheap(monkeypatch)
    unlocked, card = vault.create(folder, new_id(), USER, UserId(new_id()), ("administrator",), PASSPHRASE)
    with Store.create(folder, unlocked, "清河村卫生室", now=NOW) as store:
        owner = add_patient(store, patient())
        films = tuple(own_film(store, owner) for _ in range(2))
    unlocked.close()
    return Clinic(folder, card.code, owner, films)


def own_film(store: Store, owner: Patient) -> Attachment:
    """A film whose bytes name its attachment."""
    staged_name = new_id()
    data = FILM + staged_name.encode()
    staged = store.attachments.stage(data, Job())
    film = Attachment(staged_name, owner.id, staged.sha256, staged.size, "image/png", "film.png", NOW)  # type: ignore[arg-type]  # an id
    with store.transaction() as tx:
        tx.attachments.add(film, staged)
        tx.audit.add(AuditAction.ADD_ATTACHMENT, film.id, actor="t")
    return film


def rekey(clinic: Clinic) -> None:
    with clinic.open() as store:
        store.begin_epoch(Job(), actor="t")
        assert store.attachments.reseal(Job(), actor="t") == 0


def put(clinic: Clinic, contents: dict[str, bytes]) -> None:
    for name, data in contents.items():
        (clinic.folder / name).write_bytes(data)


def contents(clinic: Clinic, *names: str) -> dict[str, bytes]:
    return {name: (clinic.folder / name).read_bytes() for name in names}
