"""Where a clinic is put together: nobody's work is touched, and what a power cut left of it goes."""

import contextlib
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop import vault
from desktop.errors import KnownFailure, UserFacingError
from desktop.jobs import Job
from desktop.records import UserId, new_id
from desktop.store import Store
from desktop.store.backup_check import Backup
from desktop.store.building_site import PROVING, RESTORING, SALVAGING, is_free, sweep_dead
from desktop.store.places import JOINED_BACKUP, UNFINISHED_BACKUP
from desktop.store.restore import restore_backup
from tests.conftest import ExpectLog
from tests.store.backup_clinic import Carried, breaking, tree
from tests.store.helpers import NOW, PASSPHRASE, USER, read_a_film, verify

_HOLDING = """
import sys, time
from pathlib import Path
from desktop.store.building_site import RESTORING, building_site
with building_site(Path(sys.argv[1]), RESTORING) as building:
    (building / "clinic.db").write_bytes(b"x")
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carried]:
    """An open clinic with a film."""
    folder = tmp_path_factory.mktemp("carried") / "clinic"
    unlocked, card = vault.create(folder, new_id(), USER, UserId(new_id()), ("doctor",), PASSPHRASE, calibrate=False)
    with Store.create(folder, unlocked, "B", now=NOW) as store:
        read_a_film(store, unlocked)
        yield Carried(store, unlocked, card.code)
    unlocked.close()


@pytest.fixture
def backup(clinic: Carried, tmp_path: Path) -> Backup:
    return clinic.back_up(tmp_path / "stick").backup


def left_behind(site: Path) -> Path:
    """What a program that was killed leaves."""
    (site / "clinic" / "att").mkdir(parents=True)
    (site / "clinic" / "clinic.db").write_bytes(b"x")
    (site / "aside").mkdir()
    (site / "lock").touch()
    return site


@contextlib.contextmanager
def other_program(place: Path) -> Iterator[subprocess.Popen[str]]:
    """Another program that builds for `place` meanwhile."""
    command = [sys.executable, "-c", _HOLDING, str(place)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "held\n"
        yield running
        running.kill()


def test_opening_removes_what_killed_programs_left_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "clinic"
    keys, _ = vault.create(folder, new_id(), USER, UserId(new_id()), (), PASSPHRASE, calibrate=False)
    with contextlib.closing(keys):
        Store.create(folder, keys, "B", now=NOW).close()
        dead = [
            left_behind(tmp_path / f".{name}{ending}")
            for name, ending in (
                ("clinic", PROVING),
                ("clinic", RESTORING),
                ("another", RESTORING),
                ("saved", SALVAGING),
            )
        ]
        dead += [left_behind(folder / RESTORING), tmp_path / ".empty.drill"]
        dead[-1].mkdir()
        for name in (UNFINISHED_BACKUP, JOINED_BACKUP):
            (folder / name).write_bytes(b"x")
        somebodys = tmp_path / ".mine.restoring"
        somebodys.mkdir()
        (somebodys / "letter.txt").write_text("dear all", encoding="utf-8")
        unlike = left_behind(tmp_path / ".unlike.drill")
        (unlike / "letter.txt").write_text("dear all", encoding="utf-8")
        (tmp_path / ".linked.drill").symlink_to(unlike, target_is_directory=True)
        with other_program(tmp_path / "elsewhere"):
            Store.open(folder, keys).close()
            assert (tmp_path / ".elsewhere.restoring" / "clinic" / "clinic.db").is_file()
        assert not [site for site in dead if site.exists()]
        assert not (folder / UNFINISHED_BACKUP).exists()
        assert not (folder / JOINED_BACKUP).exists()
        assert (somebodys / "letter.txt").is_file()
        assert (unlike / "clinic" / "clinic.db").is_file()
        Store.open(folder, keys).close()
        assert not (tmp_path / ".elsewhere.restoring").exists(), "its program was killed meanwhile"


def test_a_clinic_opens_although_the_sweeping_fails(
    clinic: Carried, monkeypatch: pytest.MonkeyPatch, expected_log: ExpectLog
) -> None:
    left_behind(clinic.store.folder / RESTORING)
    with breaking(monkeypatch, 1), expected_log("desktop.store.building_site", logging.WARNING, match="errno 5"):
        sweep_dead(clinic.store.folder)
    sweep_dead(clinic.store.folder)
    assert not (clinic.store.folder / RESTORING).exists()


def test_two_programs_do_not_build_for_one_place(clinic: Carried, backup: Backup, tmp_path: Path) -> None:
    target = tmp_path / "again"
    with other_program(target):
        with pytest.raises(KnownFailure, match=r"backup\.site_in_use"):
            clinic.restore(backup.folder, target)
        assert (tmp_path / ".again.restoring" / "clinic" / "clinic.db").read_bytes() == b"x"
    assert clinic.restore(backup.folder, target).found.ok
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "stick"]


# A place that takes no other folder in its stead


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """An empty disk, as it was mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    tool = shutil.which("mount")
    made = tool and subprocess.run([tool, "-t", "tmpfs", "-o", "size=64m", "none", str(place)], capture_output=True)
    if not made or made.returncode:
        pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_clinic_comes_back_onto_a_disk_of_its_own(clinic: Carried, backup: Backup, mounted: Path) -> None:
    assert os.path.ismount(mounted)
    assert clinic.restore(backup.folder, mounted).found.ok
    assert verify(mounted, clinic.unlocked).ok
    assert not (mounted / RESTORING).exists()


@pytest.fixture
def rooted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that says of itself that it is the root of a disk."""
    place = tmp_path / "root"
    place.mkdir()
    real = os.path.ismount
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == place or real(path))
    return place


def test_a_power_cut_at_any_rename_leaves_nothing_that_opens_or_the_clinic(
    clinic: Carried, backup: Backup, rooted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[Path] = []
    real = Path.rename

    def cut(path: Path, name: Path) -> Path:
        for state in (tmp_path / f"cut {len(states)}",) if RESTORING in path.parts else ():
            shutil.copytree(rooted, state)
            states.append(state)
        return real(path, name)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", cut)
        assert clinic.restore(backup.folder, rooted).found.ok
    assert len(states) >= 5
    opened = 0
    for state in states:
        try:
            keys = vault.unlock(state, USER, PASSPHRASE)
        except UserFacingError:
            assert is_free(state)
        else:
            with contextlib.closing(keys):
                Store.open(state, keys).close()  # writes the second key file, which is all that was missing
            assert verify(state, clinic.unlocked).ok
            assert not is_free(state)
            opened += 1
            continue
        monkeypatch.setattr(os.path, "ismount", lambda path, state=state: Path(path) == state)
        assert clinic.restore(backup.folder, state).found.ok
        assert sorted(path.name for path in state.iterdir()) == sorted(path.name for path in rooted.iterdir())
    assert opened == 1


def test_any_failing_operation_leaves_the_root_empty_or_the_clinic(
    clinic: Carried, backup: Backup, rooted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with breaking(monkeypatch, 0) as counting:
        clinic.restore(backup.folder, rooted)
    complete = set(tree(rooted))
    failed = 0
    # The last calls are those that put the clinic in its place.
    for failing in range(counting.calls - 15, counting.calls + 1):
        shutil.rmtree(rooted)
        rooted.mkdir()
        with breaking(monkeypatch, failing), contextlib.suppress(KnownFailure):
            clinic.restore(backup.folder, rooted)
        if list(rooted.iterdir()):
            assert set(tree(rooted)) == complete
        else:
            failed += 1
    assert failed >= 6


def test_a_folder_that_holds_something_else_is_not_free(tmp_path: Path) -> None:
    assert is_free(tmp_path / "absent")
    assert is_free(tmp_path)
    (tmp_path / "clinic.db").write_bytes(b"x")
    assert not is_free(tmp_path), "a clinic that lost its key files"
    (tmp_path / RESTORING).mkdir()
    assert is_free(tmp_path)
    (tmp_path / "letter.txt").touch()
    assert not is_free(tmp_path)
    assert not is_free(tmp_path / "letter.txt")


def test_where_the_parent_takes_no_folder_the_clinic_is_built_inside(
    clinic: Carried, backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "mine"
    target.mkdir()
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path and real(path, mode))
    seen: list[str] = []

    class Looking(Job):
        def report(self, key: str, done: int = 0, total: int = 0) -> None:
            seen.extend(path.name for path in tmp_path.iterdir())

    restore_backup(backup.folder, target, clinic.card, Looking(), clock=lambda: NOW)
    assert set(seen) == {"mine", "stick"}
    assert verify(target, clinic.unlocked).ok
