"""Sticks are FAT32: every name and part a backup writes is legal there, and one that is mounted takes and gives it."""

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from desktop import vault
from desktop.errors import ErrorKind, KnownFailure
from desktop.jobs import Job
from desktop.records import UserId, new_id
from desktop.store import Store
from desktop.store.backup import make_backup
from desktop.store.backup_check import Backup
from desktop.store.backup_files import PART_BYTES, part_names
from desktop.store.backup_rotation import MEDIUM, make_scheduled, mark_medium
from desktop.store.restore import find_backups, restore_backup
from tests.store.backup_clinic import Carried, everything, tree
from tests.store.helpers import NOW, PASSPHRASE, USER, add_patient, full_patient, import_file, read_a_film

LARGEST_FILE = (1 << 32) - 1
# Windows' longest path, less the drive, a folder of the clinic's own and the closing NUL.
LONGEST_BELOW_A_STICK = 260 - 3 - 100 - 1
_LEGAL = re.compile(r"[A-Za-z0-9_.-]*[A-Za-z0-9_-]")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carried]:
    """An open clinic with two films."""
    folder = tmp_path_factory.mktemp("carried") / "clinic"
    unlocked, card = vault.create(folder, new_id(), USER, UserId(new_id()), ("doctor",), PASSPHRASE, calibrate=False)
    with Store.create(folder, unlocked, "清河村卫生室", now=NOW) as store:
        read_a_film(store, unlocked)
        import_file(store, add_patient(store, full_patient()), b"another film" * 9000)
        yield Carried(store, unlocked, card.code)
    unlocked.close()


def written(stick: Path, clinic: Carried) -> list[Path]:
    """Everything on a stick after each kind of backup, the unfinished ones that lay there meanwhile included."""
    seen: set[Path] = set()

    class Looking(Job):
        def report(self, key: str, done: int = 0, total: int = 0) -> None:
            seen.update(path.relative_to(stick) for path in stick.rglob("*"))

    mark_medium(stick)
    make_backup(clinic.store, stick, Looking(), now=NOW, part_bytes=30_000)
    make_scheduled(clinic.store, stick, Looking(), now=datetime(2031, 12, 31, 23, 59, 59, tzinfo=UTC))
    Looking().report("")
    return sorted(seen)


def test_every_name_is_legal_on_fat32(clinic: Carried, tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    paths = written(tmp_path / "stick", clinic)
    assert Path(MEDIUM) in paths
    assert any(path.suffix == ".partial" for path in paths)
    assert any(path.name.endswith(".001") for path in paths)
    for path in paths:
        for name in path.parts:
            assert _LEGAL.fullmatch(name), name
            assert not _DEVICES.fullmatch(name), name
        assert len(str(path)) <= LONGEST_BELOW_A_STICK, path
    assert len({str(path).casefold() for path in paths}) == len(paths), "FAT32 does not tell cases apart"
    assert not [path for path in (tmp_path / "stick").rglob("*") if path.is_symlink()]


@pytest.mark.parametrize("size", [1, PART_BYTES, PART_BYTES + 1, LARGEST_FILE + 1, 40 * PART_BYTES, 1 << 41])
def test_every_part_is_small_enough_for_fat32(size: int) -> None:
    parts = part_names("database", size, PART_BYTES)
    assert sum(length for _, length in parts) == size
    assert all(0 < length < LARGEST_FILE for _, length in parts)
    assert len({name for name, _ in parts}) == len(parts)
    assert all(_LEGAL.fullmatch(name) for name, _ in parts)


# A FAT32 file system in a file: written and read by mtools, and mounted where the kernel can


def ran(program: str, *arguments: str) -> bool:
    found = shutil.which(program)
    return found is not None and not subprocess.run([found, *arguments], capture_output=True).returncode


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Skips where none can be made."""
    made = tmp_path / "stick.img"
    with made.open("wb") as stream:
        stream.truncate(64 << 20)
    if not ran("mkfs.vfat", "-F", "32", str(made)):
        pytest.skip("FAT32 cannot be made here: mkfs.vfat (dosfstools) is missing")
    return made


def back_up_each_way(clinic: Carried, stick: Path) -> list[Backup]:
    """One by hand in parts, and two by plan that share their films."""
    made = [make_backup(clinic.store, stick, Job(), now=NOW, part_bytes=30_000)]
    mark_medium(stick)
    days = (datetime(2026, 11, day, 8, tzinfo=UTC) for day in (22, 23))
    made += [make_scheduled(clinic.store, stick, Job(), now=day) for day in days]
    assert [one.faults for one in made] == [(), (), ()]
    return [one.backup for one in made]


def restored_from(clinic: Carried, stick: Path, into: Path) -> list[dict[str, str]]:
    """Everything in each clinic that the backups on a stick give back."""
    back = []
    for number, one in enumerate(find_backups(stick)):
        target = into / f"again {number}"
        restored = restore_backup(one.folder, target, clinic.card, Job(), clock=lambda: NOW)
        assert restored.found.ok, restored.found.problems
        with Store.open(target, clinic.unlocked) as store:
            back.append(everything(store))
    return back


def test_backups_copied_onto_fat32_and_off_it_come_back(clinic: Carried, image: Path, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    back_up_each_way(clinic, tmp_path / "made")
    if not shutil.which("mcopy"):
        pytest.skip("FAT32 cannot be written here: mcopy (mtools) is missing")
    everything_made = [str(path) for path in sorted((tmp_path / "made").iterdir())]
    assert ran("mcopy", "-s", "-Q", "-i", str(image), *everything_made, "::/")
    assert ran("fsck.vfat", "-n", str(image))
    (tmp_path / "read").mkdir()
    assert ran("mcopy", "-s", "-n", "-Q", "-i", str(image), "::*", str(tmp_path / "read"))
    assert tree(tmp_path / "read") == tree(tmp_path / "made"), "names and bytes are as they were"
    assert restored_from(clinic, tmp_path / "read", tmp_path) == 3 * [everything(clinic.store)]


@pytest.fixture
def stick(image: Path, tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "stick"
    place.mkdir()
    if not ran("mount", "-t", "vfat", "-o", "loop", str(image), str(place)):
        pytest.skip("FAT32 cannot be mounted here: no vfat in this kernel, or no right to mount")
    yield place
    subprocess.run(["umount", str(place)], check=True, capture_output=True)


def test_a_mounted_fat32_stick_takes_backups_and_gives_the_clinic_back(
    clinic: Carried, stick: Path, tmp_path: Path
) -> None:
    back_up_each_way(clinic, stick)
    assert restored_from(clinic, stick, tmp_path) == 3 * [everything(clinic.store)]


# A small file system that really fills up, or may really not be written to


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    if not ran("mount", "-t", "tmpfs", "-o", "size=6m", "none", str(place)):
        pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True, capture_output=True)


def test_a_stick_that_really_fills_up_keeps_what_it_had(
    clinic: Carried, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_backup(clinic.store, small, Job(), now=NOW).backup
    (small / "letters.bin").write_bytes(b"x" * 300_000)
    with contextlib.suppress(OSError), (small / "films.bin").open("wb", buffering=0) as stream:
        while stream.write(b"x" * 100_000):
            pass
    monkeypatch.setattr("desktop.store.backup.need_room", lambda *_: None)  # somebody else fills it meanwhile
    for room in (0, 300_000):
        if room:
            (small / "letters.bin").unlink()
        with pytest.raises(KnownFailure) as caught:
            make_backup(clinic.store, small, Job(), now=NOW)
        assert (caught.value.key, caught.value.kind) == ("backup.medium_full", ErrorKind.DISK_FULL)
        assert find_backups(small) == (first,)
        assert not list(small.glob("*.partial"))


def test_a_stick_that_may_really_not_be_written_to_is_called_that(clinic: Carried, small: Path, tmp_path: Path) -> None:
    first = make_backup(clinic.store, small, Job(), now=NOW).backup
    assert ran("mount", "-o", "remount,ro", str(small))
    with pytest.raises(KnownFailure, match=r"backup\.medium_protected"):
        make_backup(clinic.store, small, Job(), now=NOW)
    assert restore_backup(first.folder, tmp_path / "again", clinic.card, Job(), clock=lambda: NOW).found.ok
