"""What was acknowledged is there after the program, the disk or the power failed; what must be secret is nowhere."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from desktop import vault
from desktop.errors import ErrorKind, KnownFailure
from desktop.jobs import Job
from desktop.records import AuditAction, Identifier, PatientId, UserId, new_id
from desktop.store import Store
from tests.store.helpers import NOW, PASSPHRASE, USER, add_patient, import_file, patient, read_a_film, verify

# Registers patients and imports films for ever; says an id only when it is true.
WORKER = """
import sys
from pathlib import Path
from desktop import vault
from desktop.store import Store
from tests.store.helpers import PASSPHRASE, USER, add_patient, import_file, patient
store = Store.open(Path(sys.argv[1]), vault.unlock(Path(sys.argv[1]), USER, PASSPHRASE))
add_patient(store, patient())  # the first name loads the readings of all characters
print("ready", flush=True)
while True:
    record = add_patient(store, patient())
    print("patient", record.id, flush=True)
    attachment, study = import_file(store, record, b"film of " + record.id.encode() * 4000)
    print("study", study.id, attachment.id, flush=True)
"""


@pytest.mark.full_keys
def test_kill_nine_loses_nothing_that_was_acknowledged(folder: Path, keys: vault.Unlocked) -> None:
    chance = random.Random(4)
    acknowledged: list[list[str]] = []
    for _ in range(5):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(folder)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
        )
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        lines = [worker.stdout.readline() for _ in range(chance.randint(3, 6))]
        time.sleep(chance.uniform(0, 0.03))
        os.kill(worker.pid, signal.SIGKILL)
        lines += worker.stdout.read().splitlines(keepends=True)
        acknowledged += [line.split() for line in lines if line.endswith("\n")]
        worker.stdout.close()
        worker.wait()
        found = verify(folder, keys)
        assert found.ok, found.problems
    assert len(acknowledged) >= 5 * 3
    with Store.open(folder, keys) as store:
        for kind, identity, *rest in acknowledged:
            with store.snapshot() as tx:
                if kind == "patient":
                    tx.patients.get(PatientId(identity))
                    continue
                study = tx.studies.get(identity)  # type: ignore[arg-type]  # read back as text
            assert study.instances[0].attachment == rest[0]
            assert store.attachments.read(study.instances[0].attachment).startswith(b"film of ")


def test_a_full_disk_undoes_the_deed_and_says_so(store: Store) -> None:
    kept = add_patient(store, patient())
    connection = store._connection
    assert connection is not None
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(KnownFailure) as caught:
        for _ in range(200):
            add_patient(store, patient("某某某", village="很长的村名" * 50))
    assert (caught.value.key, caught.value.kind) == ("error.disk_full", ErrorKind.DISK_FULL)
    connection.execute("PRAGMA max_page_count = 1000000")
    with store.snapshot() as tx:
        assert tx.patients.get(kept.id) == kept
    add_patient(store, patient("又能写了"))
    assert store.verify(Job()).ok


@pytest.mark.parametrize("failing", range(1, 6))
def test_a_keystore_that_cannot_be_written_is_no_clinic_or_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    real, calls = os.fsync, iter(range(1, 100))

    def fsync(descriptor: int) -> None:
        if next(calls) == failing:
            raise OSError(5, "Input/output error")
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        expected = pytest.raises(KnownFailure, match=r"error\.io") if failing <= 4 else contextlib.nullcontext()
        with expected:
            vault.create(tmp_path / "c", new_id(), USER, UserId("u"), (), PASSPHRASE, calibrate=False)
    vault.create(tmp_path / "c", new_id(), USER, UserId("u"), (), PASSPHRASE, calibrate=False)
    assert vault.unlock(tmp_path / "c", USER, PASSPHRASE).user_name == USER


CANARY_NAME, CANARY_PHONE, CANARY_WORD = "金丝雀凤凰", "13977531246", "Canarywoodpecker"


def test_no_canary_is_found_in_any_file(
    folder: Path, keys: vault.Unlocked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with pytest.raises(Exception, match="wrong_passphrase"):
        vault.unlock(folder, CANARY_WORD, CANARY_WORD + CANARY_PHONE)
    copies = tmp_path / "copies"
    with Store.open(folder, keys) as store:
        canary = patient(
            CANARY_NAME, phones=(CANARY_PHONE,), village=CANARY_WORD, identifiers=(Identifier(CANARY_WORD),)
        )
        add_patient(store, canary)
        import_file(store, canary, (CANARY_WORD * 50).encode())
        with store.transaction() as tx:
            tx.patients.search(CANARY_NAME)
            tx.patients.search(CANARY_WORD[:-1])
            tx.audit.add(AuditAction.VIEW_PATIENT, canary.id, actor="t")
        shutil.copytree(folder, copies)  # while the write-ahead log is full
    needles = [
        text.encode(encoding)
        for text in (CANARY_NAME, CANARY_PHONE, CANARY_WORD, CANARY_WORD.lower(), "jinsique")
        for encoding in ("utf-8", "utf-16-le", "gb18030")
    ]
    needles.append(keys.master.derive("db"))
    needles.append(keys.master.derive("db").hex().encode())
    scanned = [path for root in (folder, copies, scratch) for path in root.rglob("*") if path.is_file()]
    assert len(scanned) > 10
    for path in scanned:
        data = path.read_bytes()
        assert not [needle for needle in needles if needle in data], path.name


def test_a_store_can_be_copied_and_moved(store: Store, keys: vault.Unlocked, tmp_path: Path) -> None:
    read = read_a_film(store, keys)
    store.close()
    shutil.move(store.folder, tmp_path / "elsewhere")
    with Store.open(tmp_path / "elsewhere", keys) as moved:
        assert moved.attachments.read(read.attachment.id)
        assert moved.verify(Job()).ok


def test_creating_and_opening_use_the_clock_they_are_given(tmp_path: Path, keys: vault.Unlocked) -> None:
    with Store.create(tmp_path, keys, "x", now=NOW, clock=lambda: NOW) as store, store.snapshot() as tx:
        assert {entry.time for entry in tx.audit.entries(10)} == {NOW}
