"""Opening, transactions, the lock, and what is never created."""

import contextlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from desktop import vault
from desktop.errors import Cancelled, ErrorKind, KnownFailure
from desktop.records import AuditAction, StudyId, UserId, new_id
from desktop.store import Store, database, lock, migrations, versions
from desktop.store.places import DATABASE
from tests.store.helpers import NOW, add_patient, patient

PLAIN = b"SQLite format 3\0"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_PATIENCE_SECONDS", 0.1)


def failing(folder: Path, keys: vault.Unlocked) -> KnownFailure:
    with pytest.raises(KnownFailure) as caught:
        Store.open(folder, keys)
    return caught.value


def test_a_clinic_opens_again(folder: Path, keys: vault.Unlocked) -> None:
    assert Store.exists(folder)
    with Store.open(folder, keys) as store:
        assert (store.clinic_name, store.store_id) == ("清河村卫生室", keys.store_id)
        kept = add_patient(store, patient())
    with Store.open(folder, keys) as store, store.snapshot() as tx:
        assert tx.patients.get(kept.id) == kept


def test_the_library_is_the_right_one() -> None:
    cipher, sqlite = versions()
    assert cipher
    assert tuple(int(part) for part in sqlite.split(".")) >= (3, 53, 0)


@pytest.mark.parametrize("version", [(3, 51, 1), (3, 52, 0)], ids=["damages in WAL mode", "cannot migrate"])
def test_another_library_is_refused(
    folder: Path, keys: vault.Unlocked, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]
) -> None:
    monkeypatch.setattr(dbapi2, "sqlite_version_info", version)
    assert failing(folder, keys).key == "store.wrong_library"


def test_the_settings_are_those_that_survive_a_power_cut(store: Store) -> None:
    connection = store._connection
    assert connection is not None
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "trusted_schema": 0}
    for name, setting in expected.items():
        assert database.value(connection, f"PRAGMA {name}") == setting


def test_the_file_is_encrypted_from_the_first_byte(folder: Path, keys: vault.Unlocked) -> None:
    assert not (folder / DATABASE).read_bytes().startswith(PLAIN)
    assert b"CREATE TABLE" not in (folder / DATABASE).read_bytes()


def test_a_plaintext_file_is_refused_and_left_alone(folder: Path, keys: vault.Unlocked) -> None:
    (folder / DATABASE).unlink()
    with dbapi2.connect(str(folder / DATABASE)) as plain:
        plain.execute("CREATE TABLE patients (id)")
    plain.close()
    before = (folder / DATABASE).read_bytes()
    assert before.startswith(PLAIN)
    assert failing(folder, keys).key == "store.not_encrypted"
    assert (folder / DATABASE).read_bytes() == before


def test_a_missing_or_empty_file_is_never_made_anew(folder: Path, keys: vault.Unlocked) -> None:
    (folder / DATABASE).write_bytes(b"")
    assert failing(folder, keys).key == "store.database_damaged"
    assert (folder / DATABASE).read_bytes() == b""
    (folder / DATABASE).unlink()
    assert failing(folder, keys).key == "store.database_missing"
    assert not (folder / DATABASE).exists()
    with pytest.raises(KnownFailure):
        database.connect(folder / DATABASE, bytes(32))
    assert not (folder / DATABASE).exists()


def test_another_key_opens_nothing(folder: Path) -> None:
    with pytest.raises(KnownFailure) as caught:
        database.connect(folder / DATABASE, bytes(32))
    assert caught.value.key == "store.database_damaged"


def test_a_clinic_is_not_created_over_another(folder: Path, keys: vault.Unlocked) -> None:
    before = (folder / DATABASE).read_bytes()
    with pytest.raises(KnownFailure) as caught:
        Store.create(folder, keys, "other", now=NOW)
    assert caught.value.key == "store.exists"
    assert (folder / DATABASE).read_bytes() == before


def test_an_interrupted_creation_leaves_no_clinic_and_may_be_repeated(
    tmp_path: Path, keys: vault.Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            Store.create(tmp_path, keys, "first", now=NOW)
    assert not Store.exists(tmp_path)
    with Store.create(tmp_path, keys, "second", now=NOW) as store:
        assert store.clinic_name == "second"


# Transactions


def test_an_error_undoes_everything(store: Store) -> None:
    record = patient()
    with pytest.raises(Cancelled), store.transaction() as tx:
        tx.patients.add(record)
        tx.audit.add(AuditAction.ADD_PATIENT, record.id, actor="t")
        raise Cancelled
    with store.snapshot() as tx:
        assert tx.patients.count() == 0
        assert tx.patients.search("王") == []
        assert tx.audit.head().sequence == 2


def test_a_change_needs_an_audit_line(store: Store) -> None:
    with pytest.raises(RuntimeError, match="without an audit line"), store.transaction() as tx:
        tx.patients.add(patient())
    with store.snapshot() as tx:
        assert tx.patients.count() == 0


def test_a_snapshot_only_reads(store: Store) -> None:
    with pytest.raises(RuntimeError, match="only reads"), store.snapshot() as tx:
        tx.patients.add(patient())


def test_a_kept_transaction_does_nothing_afterwards(store: Store) -> None:
    with store.transaction() as tx:
        pass
    with pytest.raises(RuntimeError, match="over"):
        tx.patients.count()
    with pytest.raises(RuntimeError, match="over"):
        tx.drafts.save(StudyId(new_id()), UserId(new_id()), "", "")


def test_transactions_do_not_nest(store: Store) -> None:
    with pytest.raises(RuntimeError, match="already open"), store.transaction(), store.transaction():
        pass
    with store.transaction():
        pass


def test_threads_take_turns(store: Store) -> None:
    def work(name: str) -> None:
        for number in range(5):
            add_patient(store, patient(f"{name}{number}"))

    threads = [threading.Thread(target=work, args=(name,)) for name in ("Anna", "Bela", "Cara")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.snapshot() as tx:
        assert tx.patients.count() == 15
        assert tx.audit.head().sequence == 2 + 15


def test_a_closed_store_does_nothing(folder: Path, keys: vault.Unlocked) -> None:
    store = Store.open(folder, keys)
    store.close()
    store.close()
    with pytest.raises(RuntimeError, match="closed"), store.snapshot():
        pass


# One program at a time


def test_a_second_program_is_told(store: Store, keys: vault.Unlocked, impatient: None) -> None:
    program = (
        "import sys; from pathlib import Path; from desktop.errors import KnownFailure\n"
        "from desktop.store import lock\n"
        "lock._PATIENCE_SECONDS = 0.2\n"
        "try: lock.ProcessLock(Path(sys.argv[1]))\n"
        "except KnownFailure as error: print(error.key)\n"
    )
    command = [sys.executable, "-c", program, str(store.folder / "clinic.lock")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "store.in_use"
    assert failing(store.folder, keys).key == "store.in_use"


def test_the_second_waits_for_the_first(folder: Path, keys: vault.Unlocked) -> None:
    first = Store.open(folder, keys)
    leaving = threading.Event()

    def leave() -> None:
        leaving.set()
        first.close()

    timer = threading.Timer(0.3, leave)
    timer.start()
    with contextlib.closing(Store.open(folder, keys)) as second:
        assert leaving.is_set()
        with second.snapshot() as tx:
            assert tx.patients.count() == 0
    timer.join()


# Migrations


def test_a_newer_file_is_refused_and_left_alone(
    folder: Path, keys: vault.Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add_colour(connection: database.Connection) -> None:
        connection.execute("ALTER TABLE drafts ADD COLUMN colour TEXT")

    with monkeypatch.context() as later:
        later.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, add_colour))
        with Store.open(folder, keys) as store:
            newest = database.value(store._connection, "PRAGMA user_version")  # type: ignore[arg-type]  # open
            assert newest == len(migrations.MIGRATIONS)
    assert failing(folder, keys).key == "store.too_new"


def test_a_failing_step_leaves_the_old_version(
    folder: Path, keys: vault.Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(connection: database.Connection) -> None:
        connection.execute("CREATE TABLE half (done)")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as later:
        later.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, stumble))
        assert failing(folder, keys).kind is ErrorKind.DISK_FULL
    with Store.open(folder, keys) as store:
        connection = store._connection
        assert connection is not None
        assert database.value(connection, "PRAGMA user_version") == len(migrations.MIGRATIONS)
        assert database.value(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'") == 0


def test_importing_the_store_is_cheap() -> None:
    program = "import sys, desktop.store; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pypinyin", "pydicom", "onnxruntime", "PySide6", "SimpleITK", "typst"} & set(loaded)


def test_failed_unlocks_reach_the_chain_once(folder: Path, keys: vault.Unlocked) -> None:
    for name in ("li", "nobody"):
        with pytest.raises(Exception, match=r"unlock\.wrong_passphrase"):
            vault.unlock(folder, name, "wrong horse", wait=lambda seconds: None)
    kept = (folder / "unlock-failures.jsonl").read_bytes()
    for _ in range(2):
        (folder / "unlock-failures.jsonl").write_bytes(kept)  # as after a crash before it was removed
        with Store.open(folder, keys) as store, store.snapshot() as tx:
            entries = [entry for entry in tx.audit.entries(10) if entry.action is AuditAction.UNLOCK_FAILED]
        assert [entry.actor for entry in reversed(entries)] == [UserId(keys.user_id), ""]
        assert not (folder / "unlock-failures.jsonl").exists()


def test_unsigned_words_of_the_form_with_one_user_become_that_users() -> None:
    with contextlib.closing(dbapi2.connect(":memory:", isolation_level=None)) as connection:
        migrations.create_first_tables(connection)
        connection.execute("INSERT INTO users VALUES ('li', 'Li', x'00', x'00')")
        connection.execute("INSERT INTO drafts VALUES ('film', 'lungs: ', 'so far', '2026-11-21T09:00:00')")
        migrations.keep_drafts_for_each_user(connection)
        connection.execute("INSERT INTO drafts VALUES ('film', 'mwangi', '', 'mine', '2026-11-21T10:00:00')")
        rows = connection.execute("SELECT study, user, findings_text, impression_text FROM drafts ORDER BY user")
        assert rows.fetchall() == [("film", "li", "lungs: ", "so far"), ("film", "mwangi", "", "mine")]
