import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cheap_keys import make_cheap
from tests.vault.helpers import Made, make_keystore


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_keystore(tmp_path_factory.mktemp("keystore") / "clinic")


@pytest.fixture
def made(_template: Made, tmp_path: Path) -> Made:
    """A keystore of one's own, to be opened and spoiled."""
    shutil.copytree(_template.folder, tmp_path / "clinic")
    return replace(_template, folder=tmp_path / "clinic")


@pytest.fixture
def cheap_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passphrases that cost a millisecond instead of a second."""
    make_cheap(monkeypatch)
