import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from desktop import vault
from desktop.i18n import Language, Translator
from desktop.jobs import Job
from desktop.records import AuditAction, UserId, new_id
from desktop.store import Checkup, Store, Verification
from tests.store.helpers import NOW, PASSPHRASE, USER, Keys, Read, import_file, read_a_film
from tests.store.tampering import Clinic
from tests.store.visiting import see_a_patient


@pytest.fixture(scope="session")
def _keystore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    folder = tmp_path_factory.mktemp("keystore") / "clinic"
    roles = ("doctor", "administrator")
    unlocked, _ = vault.create(folder, new_id(), USER, UserId(new_id()), roles, PASSPHRASE, calibrate=False)
    yield Keys(folder, unlocked)
    unlocked.close()


@pytest.fixture(scope="session")
def _empty_clinic(_keystore: Keys) -> Keys:
    Store.create(_keystore.folder, _keystore.unlocked, "清河村卫生室", now=NOW).close()
    return _keystore


@pytest.fixture
def keys(_keystore: Keys) -> vault.Unlocked:
    """The unlocked keys of every clinic in these tests."""
    return _keystore.unlocked


@pytest.fixture
def folder(_empty_clinic: Keys, tmp_path: Path) -> Path:
    """A closed, empty clinic of one's own."""
    shutil.copytree(_empty_clinic.folder, tmp_path / "clinic")
    return tmp_path / "clinic"


@pytest.fixture
def store(folder: Path, keys: vault.Unlocked) -> Iterator[Store]:
    """That clinic, open."""
    with Store.open(folder, keys) as opened:
        yield opened


# A clinic to tamper with


@pytest.fixture(scope="module")
def worked(_empty_clinic: Keys, tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    base = tmp_path_factory.mktemp("tamper")
    folder = base / "clinic"
    shutil.copytree(_empty_clinic.folder, folder)
    with Store.open(folder, _empty_clinic.unlocked) as store:
        read = read_a_film(store, _empty_clinic.unlocked)
    shutil.copytree(folder, base / "earlier")
    with Store.open(folder, _empty_clinic.unlocked) as store:
        seen = see_a_patient(store)
        with store.transaction() as tx:
            tx.patients.update(replace(read.patient, village="下河村", phones=("139 8765 4321",)))
            tx.audit.add(AuditAction.EDIT_PATIENT, read.patient.id, actor="t")
        import_file(store, read.patient, random.Random(5).randbytes(3 * 64 * 1024))
    return Clinic(folder, base / "earlier", read, seen)


@pytest.fixture(scope="module")
def checkup() -> Checkup:
    return Checkup(PASSPHRASE)


@pytest.fixture
def clinic(worked: Clinic, tmp_path: Path) -> Clinic:
    """One's own copy."""
    shutil.copytree(worked.folder, tmp_path / "own")
    return replace(worked, folder=tmp_path / "own")


@pytest.fixture
def look(checkup: Checkup) -> Callable[[Path], Verification]:
    """Check a folder; every problem found must be said in both languages."""

    def check(folder: Path) -> Verification:
        found = checkup.verify(folder, USER, Job())
        for language in Language:
            for problem in found.problems:
                for key in (problem.key, f"{problem.key}.advice"):
                    assert Translator(language).text(key, **problem.details) != key
        return found

    return check


@pytest.fixture
def read(folder: Path, keys: vault.Unlocked) -> Read:
    """A closed clinic in which every table holds something."""
    with Store.open(folder, keys) as store:
        return read_a_film(store, keys)
