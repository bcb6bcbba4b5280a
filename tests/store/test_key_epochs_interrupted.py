"""A new key epoch, interrupted at every call to the disk: the old clinic or the new one is there, whole."""

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop.errors import KnownFailure
from desktop.jobs import Job
from desktop.store import Store
from desktop.store.places import epochs_present
from tests.store.epoch_clinic import Clinic, quick_clinic, rekey


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    return quick_clinic(tmp_path / "clinic", monkeypatch)


class Disk:
    """Counts what changes the folder and does something at the n-th call."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, at: int, deed: Callable[[], None], *, then_always: bool
    ) -> None:
        self.calls = 0
        self.at, self.deed, self.then_always = at, deed, then_always
        fsync, replace, unlink = os.fsync, Path.replace, Path.unlink

        def counted_fsync(descriptor: int) -> None:
            self.count()
            fsync(descriptor)

        def counted_replace(path: Path, target: Path) -> Path:
            self.count()
            return replace(path, target)

        def counted_unlink(path: Path, missing_ok: bool = False) -> None:
            self.count()
            unlink(path, missing_ok=missing_ok)

        monkeypatch.setattr(os, "fsync", counted_fsync)
        monkeypatch.setattr(Path, "replace", counted_replace)
        monkeypatch.setattr(Path, "unlink", counted_unlink)

    def count(self) -> None:
        self.calls += 1
        if self.calls == self.at or (self.then_always and self.calls > self.at):
            self.deed()


def fail_with(number: int) -> Callable[[], None]:
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "then_always"), [(errno.EIO, False), (errno.EIO, True), (errno.ENOSPC, True)], ids=str
)
def test_the_nth_call_to_the_disk_fails(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, then_always: bool
) -> None:
    """For every n until nothing fails any more: the old or the new clinic is there, whole, and work goes on."""
    epochs = []
    for n in range(1, 200):
        victim = clinic.copied(tmp_path / f"{n}")
        told = ""
        unlocked = victim.unlock()
        store = Store.open(victim.folder, unlocked)
        with monkeypatch.context() as patch, quiet_logs(patch):
            disk = Disk(patch, n, fail_with(number), then_always=then_always)
            try:
                store.begin_epoch(Job(), actor="t")
                store.attachments.reseal(Job(), actor="t")
            except KnownFailure as error:
                told = error.key
            store.close()
        unlocked.close()
        epochs.append(victim.is_whole())
        shutil.rmtree(victim.folder)
        if disk.calls < n:
            break
        assert told in ("error.io", "error.disk_full", "vault.half_written", "")
    assert epochs[0] == 1
    assert epochs[-1] == 2
    assert len(epochs) > 15


@contextlib.contextmanager
def quiet_logs(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk that fails is logged by several modules; which of them depends on n."""
    for module in ("key_epochs", "heads", "signing"):
        patch.setattr(f"desktop.store.{module}._log.disabled", True)
    patch.setattr("desktop.vault.keystore._log.disabled", True)
    yield


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_the_process_dies_at_the_nth_call(clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    epochs = []
    for n in range(1, 200):
        victim = clinic.copied(tmp_path / f"{n}")
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                Disk(monkeypatch, n, lambda: os._exit(9), then_always=False)
                rekey(victim)
            os._exit(0)
        died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        epochs.append(victim.is_whole())
        assert len(epochs_present(victim.folder)) == 1
        assert not list(victim.folder.glob("*.new*"))
        shutil.rmtree(victim.folder)
        if died == 0:
            break
    assert (epochs[0], epochs[-1]) == (1, 2)
    assert len(epochs) > 15
