"""The window off-screen, on real widgets, threads and files."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from pytestqt.qtbot import QtBot

from desktop.jobs import Pools
from desktop.settings import Places, SettingsFile
from desktop.ui.context import UiContext

if TYPE_CHECKING:
    from desktop.workflow import Registry


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What Qt's off-screen platform says about windows with a smallest size is no fault of ours."""
    for item in items:
        item.add_marker(pytest.mark.qt_log_ignore("plugin does not support propagateSizeHints", extend=True))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Folders of an installation nobody has used."""
    return Places(settings=tmp_path / "settings.json", clinics=tmp_path / "clinics", logs=tmp_path / "logs")


@pytest.fixture
def pools() -> Iterator[Pools]:
    """Real threads, joined at the end."""
    threads = Pools()
    yield threads
    threads.close()


@pytest.fixture
def context(qtbot: QtBot, places: Places, pools: Pools) -> Iterator[UiContext]:
    """What screens are handed, locked and on its first start."""
    made = UiContext(
        pools=pools,
        places=places,
        settings_file=SettingsFile(places.settings),
        registry=cast("Registry", None),
    )
    yield made
    pools.close()
    made.deleteLater()
