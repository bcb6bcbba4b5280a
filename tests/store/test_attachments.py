"""Imported files: sealed before they count, harmless when they never do."""

import contextlib
import hashlib
import os
import time
from pathlib import Path

import pytest

from desktop import vault
from desktop.errors import Cancelled, ErrorKind, KnownFailure
from desktop.jobs import Job
from desktop.records import Attachment, AttachmentId, AuditAction, new_id
from desktop.store import Store
from desktop.store.places import ATTACHMENTS
from desktop.vault import DamagedFile
from tests.store.helpers import NOW, add_patient, import_file, patient


def files(store: Store) -> list[Path]:
    return sorted(path for path in (store.folder / ATTACHMENTS).glob("*/*") if path.is_file())


def test_bytes_and_files_come_back_unchanged(store: Store, tmp_path: Path) -> None:
    data = os.urandom(200_000)
    (tmp_path / "film.dcm").write_bytes(data)
    owner = add_patient(store, patient())
    attachment, _ = import_file(store, owner, data)
    staged = store.attachments.stage(tmp_path / "film.dcm", Job())
    assert (attachment.sha256, attachment.size) == (staged.sha256, staged.size)
    assert attachment.sha256 == hashlib.sha256(data).hexdigest()
    assert store.attachments.read(attachment.id) == data
    with store.attachments.open(attachment.id) as stream:
        assert stream.seek(100_000) == 100_000
        assert stream.read(90_000) == data[100_000:190_000], "readers of files expect as much as they asked for"
    assert (tmp_path / "film.dcm").read_bytes() == data


def test_names_tell_nothing(store: Store) -> None:
    data = b"film" * 1000
    import_file(store, add_patient(store, patient()), data)
    (path,) = files(store)
    assert len(path.name) == 32
    assert path.parent.name == path.name[:2]
    assert hashlib.sha256(data).hexdigest()[:8] not in path.name
    assert b"filmfilm" not in path.read_bytes()


def test_a_record_that_describes_something_else_is_refused(store: Store) -> None:
    owner = add_patient(store, patient())
    staged = store.attachments.stage(b"bytes", Job())
    wrong = Attachment(AttachmentId(new_id()), owner.id, "00" * 32, 5, "image/png", "x", NOW)
    with pytest.raises(ValueError), store.transaction() as tx:
        tx.attachments.add(wrong, staged)


def test_cancelling_leaves_nothing(store: Store) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        store.attachments.stage(bytes(1_000_000), job)
    assert files(store) == []


def test_a_missing_source_is_told_and_leaves_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(KnownFailure) as caught:
        store.attachments.stage(tmp_path / "gone.dcm", Job())
    assert caught.value.kind is ErrorKind.NOT_FOUND
    assert files(store) == []


def test_what_was_discarded_is_gone(store: Store) -> None:
    staged = store.attachments.stage(b"unwanted", Job())
    store.attachments.discard(staged)
    store.attachments.discard(staged)
    assert files(store) == []


def test_only_old_orphans_are_swept(store: Store) -> None:
    attachment, _ = import_file(store, add_patient(store, patient()))
    for data in (b"fresh", b"stale"):
        store.attachments.stage(data, Job())
    (store.folder / ATTACHMENTS / "ab").mkdir(exist_ok=True)
    half = store.folder / ATTACHMENTS / "ab" / ("ab" * 16 + ".new")
    half.write_bytes(b"half")
    foreign = half.with_name("notes.txt")
    foreign.write_bytes(b"not ours")
    yesterday = time.time() - 25 * 3600
    with store.snapshot() as tx:
        kept = tx.attachments.stored(attachment.id).file
    stale = next(path for path in files(store) if path.name != kept and path not in (half, foreign))
    for path in (stale, half, foreign, next(path for path in files(store) if path.name == kept)):
        os.utime(path, (yesterday, yesterday))
    assert store.attachments.sweep() == 2
    assert len(files(store)) == 3
    assert foreign.exists()
    assert store.attachments.read(attachment.id)


def test_damage_is_told_in_words(store: Store) -> None:
    attachment, _ = import_file(store, add_patient(store, patient()))
    (path,) = files(store)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedFile):
        store.attachments.read(attachment.id)
    path.unlink()
    with pytest.raises(KnownFailure, match=r"store\.attachment_missing"):
        store.attachments.read(attachment.id)


@pytest.mark.parametrize("failing", range(1, 5))
def test_a_disk_that_fails_at_any_fsync_leaves_no_half_file(
    store: Store, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """ENOSPC at the first, second … fsync until the staging needs no more of them."""
    real, calls = os.fsync, iter(range(1, 100))

    def fsync(descriptor: int) -> None:
        if next(calls) == failing:
            raise OSError(28, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        # One for the new folder above the bytes, one for them, one for the name.
        expected = pytest.raises(KnownFailure, match=r"error\.disk_full") if failing <= 3 else contextlib.nullcontext()
        with expected:
            store.attachments.stage(b"bytes", Job())
    assert not [path for path in files(store) if path.suffix == ".new"]
    store.attachments.discard(store.attachments.stage(b"bytes", Job()))
    assert store.verify(Job()).ok


def test_the_same_staged_file_cannot_be_referred_to_twice(store: Store, keys: vault.Unlocked) -> None:
    owner = add_patient(store, patient())
    staged = store.attachments.stage(b"bytes", Job())
    with pytest.raises(Exception, match="UNIQUE"), store.transaction() as tx:
        for _ in range(2):
            tx.attachments.add(
                Attachment(AttachmentId(new_id()), owner.id, staged.sha256, staged.size, "x", "x", NOW), staged
            )
        tx.audit.add(AuditAction.IMPORT_STUDY, owner.id, actor="t")
