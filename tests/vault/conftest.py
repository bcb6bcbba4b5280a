import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.vault.helpers import Made, make_keystore


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_keystore(tmp_path_factory.mktemp("keystore") / "clinic")


@pytest.fixture
def made(_template: Made, tmp_path: Path) -> Made:
    """A keystore of one's own, to be opened and spoiled."""
    shutil.copytree(_template.folder, tmp_path / "clinic")
    return replace(_template, folder=tmp_path / "clinic")
