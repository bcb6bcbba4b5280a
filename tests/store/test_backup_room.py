"""A backup asks for room before it writes anything: on the medium, and beside the clinic where it needs that."""

import math
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop import vault
from desktop.errors import ErrorKind, KnownFailure
from desktop.records import UserId, new_id
from desktop.store import Store
from desktop.store.database import value
from tests.store.backup_clinic import Carried
from tests.store.helpers import NOW, PASSPHRASE, USER, read_a_film


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Carried]:
    """An open clinic with a film."""
    folder = tmp_path / "clinic"
    unlocked, card = vault.create(folder, new_id(), USER, UserId(new_id()), ("doctor",), PASSPHRASE, calibrate=False)
    with Store.create(folder, unlocked, "B", now=NOW) as store:
        read_a_film(store, unlocked)
        yield Carried(store, unlocked, card.code)
    unlocked.close()


def test_a_full_stick_is_told_before_anything_is_written(
    clinic: Carried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=4 << 20))
    with pytest.raises(KnownFailure, match=r"backup\.medium_short") as caught:
        clinic.back_up(tmp_path / "stick")
    assert caught.value.kind is ErrorKind.DISK_FULL
    needed = value(clinic.store._connection, "PRAGMA page_count") * 4096 + _films(clinic)  # type: ignore[arg-type]  # open
    assert caught.value.details == {"missing": math.ceil(needed / 1_000_000)}
    assert not list((tmp_path / "stick").iterdir())


@pytest.mark.parametrize("one_disk", [True, False])
def test_a_database_of_several_parts_needs_room_beside_the_clinic(
    clinic: Carried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_disk: bool
) -> None:
    stick = Path("/dev/shm" if not one_disk else tmp_path) / f"lantern-{new_id()}"
    stick.mkdir()
    if not one_disk and stick.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    size = value(clinic.store._connection, "PRAGMA page_count") * 4096  # type: ignore[arg-type]  # open
    needed = 2 * size + _films(clinic) if one_disk else size
    usage = shutil.disk_usage(tmp_path)

    def free(folder: Path) -> object:
        return usage._replace(free=(4 << 20) + needed - 1 if folder == clinic.store.folder else 1 << 40)

    monkeypatch.setattr(shutil, "disk_usage", free)
    try:
        with pytest.raises(KnownFailure, match=r"backup\.disk_short") as caught:
            clinic.back_up(stick, part_bytes=size - 1)
        assert (caught.value.kind, caught.value.details) == (ErrorKind.DISK_FULL, {"missing": 1})
        assert not list(stick.iterdir())
        assert clinic.back_up(stick, part_bytes=size).faults == (), "one part goes straight onto the medium"
    finally:
        shutil.rmtree(stick)


def _films(clinic: Carried) -> int:
    return sum(path.stat().st_size for path in (clinic.store.folder / "att").rglob("*") if path.is_file())


def test_a_shared_film_in_several_parts_needs_its_room_once(
    clinic: Carried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = tmp_path / "stick"
    wanted: list[int] = []

    def noted(folder: Path, needed: int, short: str) -> None:
        if folder == stick:
            wanted.append(needed)

    monkeypatch.setattr("desktop.store.backup.need_room", noted)
    sealed = next(path for path in (clinic.store.folder / "att").rglob("*") if path.is_file()).stat().st_size
    first = clinic.back_up(stick, shared=True, part_bytes=40_000)
    assert len(first.backup.manifest.attachments[0]) > 1
    clinic.back_up(stick, shared=True, part_bytes=40_000)
    assert wanted[1] - wanted[0] == -sealed
    last = stick / first.backup.manifest.attachments[0][-1].name
    last.write_bytes(last.read_bytes()[:-1])
    clinic.back_up(stick, shared=True, part_bytes=40_000)
    assert wanted[2] - wanted[1] == 1, "copied anew; what lies there gives its room back"
    last.unlink()
    assert clinic.back_up(stick, shared=True, part_bytes=40_000).faults == ()
    assert wanted[3] - wanted[1] == first.backup.manifest.attachments[0][-1].size
