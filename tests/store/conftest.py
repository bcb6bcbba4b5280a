import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop import vault
from desktop.records import UserId, new_id
from desktop.store import Store
from tests.store.helpers import NOW, PASSPHRASE, USER, Keys


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
