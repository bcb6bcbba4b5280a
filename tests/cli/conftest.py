import functools
from pathlib import Path

import pytest

from desktop.vault import keystore
from tests.cli.helpers import Lantern


@pytest.fixture
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key derivation's lowest allowed cost instead of a second per unlock."""
    monkeypatch.setattr(keystore, "create", functools.partial(keystore.create, calibrate=False))


@pytest.fixture
def empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, quick_keys: None
) -> Lantern:
    """A folder without a clinic."""
    return Lantern(tmp_path, capsys, monkeypatch)


@pytest.fixture
def lantern(empty: Lantern) -> Lantern:
    """A clinic with its first user."""
    made = empty.run(
        "clinic", "create", "--name", "石桥村卫生室", "--admin", "li", "--recovery-out", empty.folder / "card.txt"
    )
    assert made.code == 0, made
    return empty
