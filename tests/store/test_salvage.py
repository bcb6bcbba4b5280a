"""Out of a damaged clinic comes a whole one with everything that can still be proven."""

import json
import random
import shutil
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from desktop import vault
from desktop.errors import Cancelled, UserFacingError
from desktop.jobs import Job
from desktop.records import AuditAction
from desktop.store import Checkup, Store, Wanted
from desktop.store.audit_file import check_lines
from desktop.store.patients import filing_of
from desktop.store.places import ATTACHMENTS, DATABASE
from desktop.store.salvage import TRAIL, Salvaged, salvage
from tests.store.helpers import (
    PASSPHRASE,
    USER,
    Keys,
    Read,
    add_patient,
    as_attacker,
    import_file,
    patient,
    read_a_film,
)
from tests.store.visiting import Seen, see_a_patient

PAGE = 4096


@pytest.fixture(scope="module")
def worked(_empty_clinic: Keys, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Read, Seen]:
    folder = tmp_path_factory.mktemp("salvage") / "clinic"
    shutil.copytree(_empty_clinic.folder, folder)
    with Store.open(folder, _empty_clinic.unlocked) as store:
        read = read_a_film(store, _empty_clinic.unlocked)
        seen = see_a_patient(store)
        for number in range(120):
            add_patient(store, patient(f"王{number}", village="清河村" * 20))
        add_patient(store, patient("刘长生", village="很长的村名" * 3000))  # lies on overflow pages
        import_file(store, read.patient, random.Random(5).randbytes(3 * 64 * 1024))
    return folder, read, seen


@pytest.fixture
def damaged(worked: tuple[Path, Read, Seen], tmp_path: Path) -> Path:
    """One's own copy, still whole."""
    shutil.copytree(worked[0], tmp_path / "clinic")
    return tmp_path / "clinic"


def save(folder: Path, keys: vault.Unlocked) -> Salvaged:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    saved = salvage(folder, folder.parent / "saved", keys, Job(), clock=lambda: datetime.now(UTC))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    return saved


def inventory(folder: Path) -> tuple[object, object]:
    found = Checkup(PASSPHRASE).verify(folder, USER, Job(), Wanted(inventory=True))
    return found.inventory, dict(found.counts)


def test_of_a_whole_clinic_everything_is_saved(damaged: Path, keys: vault.Unlocked) -> None:
    saved = save(damaged, keys)
    assert saved.verification.problems == ()
    assert (saved.lost, saved.lines_lost) == ({}, 0)
    assert inventory(damaged.parent / "saved") == inventory(damaged)


def test_what_was_saved_isworked_with_like_before(
    damaged: Path, keys: vault.Unlocked, worked: tuple[Path, Read, Seen]
) -> None:
    _, read, seen = worked
    save(damaged, keys)
    unlocked = vault.unlock(damaged.parent / "saved", USER, PASSPHRASE)
    with Store.open(damaged.parent / "saved", unlocked) as store, store.snapshot() as tx:
        assert tx.patients.get(read.patient.id) == read.patient
        assert [match.patient.id for match in tx.patients.search("刘长生")] != []
        assert tx.reports.get(read.report.content.report).addenda
        assert len(tx.visits.observations(seen.encounter.id)) > 2
        entry = next(one for one in tx.audit.entries(10_000) if one.action is AuditAction.SALVAGE_CLINIC)
        assert entry.actor == unlocked.user_id
    with Store.open(damaged.parent / "saved", unlocked) as store:
        with store.transaction() as tx:
            newcomer = patient("新来的", card_number=tx.patients.next_card_number())
            tx.patients.add(newcomer)
            tx.audit.add(AuditAction.ADD_PATIENT, newcomer.id, actor="t")
        assert store.verify(Job()).ok
    unlocked.close()


def test_the_old_trail_lies_beside_it(damaged: Path, keys: vault.Unlocked) -> None:
    saved = save(damaged, keys)
    lines = (damaged.parent / "saved" / TRAIL).read_bytes().splitlines(keepends=True)
    assert len(lines) == saved.lines
    assert [problem.key for problem in check_lines(lines).problems] == ["verify.file_head_missing"]
    assert "王" not in b"".join(lines).decode()


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    path.write_bytes(data)


def zero_pages(*numbers: int) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        data = bytearray((folder / DATABASE).read_bytes())
        for number in numbers:
            data[(number - 1) * PAGE : number * PAGE] = bytes(PAGE)
        (folder / DATABASE).write_bytes(data)

    return spoil


def cut_a_third_off(folder: Path) -> None:
    data = (folder / DATABASE).read_bytes()
    (folder / DATABASE).write_bytes(data[: len(data) * 2 // 3 + 1000])


def scatter(folder: Path) -> None:
    chance = random.Random(11)
    size = (folder / DATABASE).stat().st_size
    for _ in range(20):
        flip(folder / DATABASE, chance.randrange(size))


DAMAGES: dict[str, Callable[[Path], None]] = {
    "first page gone": zero_pages(1),
    "ten pages gone": zero_pages(1, 2, 3, 30, 31, 50, 60, 70, 80, 90),
    "a third cut off": cut_a_third_off,
    "bits flipped": scatter,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_a_damaged_database_still_holds_is_saved(damaged: Path, keys: vault.Unlocked, damage: str) -> None:
    DAMAGES[damage](damaged)
    assert not Checkup(PASSPHRASE).verify(damaged, USER, Job()).ok
    saved = save(damaged, keys)
    assert saved.verification.problems == ()
    # At most what lay on the pages that are gone, and what was attested on them, is missing.
    assert saved.saved["patient"] > (10 if damage == "a third cut off" else 90), saved
    if damage != "first page gone":
        assert saved.lost or saved.lines_lost


def test_a_lost_file_costs_its_own_record_only(damaged: Path, keys: vault.Unlocked) -> None:
    first, *_ = sorted((damaged / ATTACHMENTS).glob("*/*"))
    first.unlink()
    saved = save(damaged, keys)
    assert saved.lost["attachment"] == 1
    assert saved.verification.problems == ()
    assert saved.verification.counts["attachments"] > 0


def test_what_the_chain_does_not_attest_is_left_behind(
    damaged: Path, keys: vault.Unlocked, worked: tuple[Path, Read, Seen]
) -> None:
    identity = worked[1].patient.id
    forged = "UPDATE patients SET record = CAST(replace(CAST(record AS TEXT), '王小明', '王大明') AS BLOB)"
    as_attacker(damaged, keys, f"{forged} WHERE id = '{identity}'")
    saved = save(damaged, keys)
    assert saved.verification.problems == ()
    with Store.open(damaged.parent / "saved", keys) as store, store.snapshot() as tx:
        assert "王大明" not in json.dumps([one.patient.display_name for one in tx.patients.recent(500)])


def test_pages_of_the_write_ahead_log_count(damaged: Path, keys: vault.Unlocked) -> None:
    store = Store.open(damaged, keys)
    late = add_patient(store, patient("最后一位"))
    shutil.copytree(damaged, damaged.parent / "crashed")
    store.close()
    zero_pages(1)(damaged.parent / "crashed")
    saved = salvage(damaged.parent / "crashed", damaged.parent / "saved", keys, Job(), clock=lambda: datetime.now(UTC))
    assert saved.verification.problems == ()
    with Store.open(damaged.parent / "saved", keys) as opened, opened.snapshot() as tx:
        assert tx.patients.get(late.id) == late


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b""), lambda path: path.write_bytes(bytes(PAGE * 9))])
def test_where_nothing_can_be_proven_nothing_is_made(
    damaged: Path, keys: vault.Unlocked, spoil: Callable[[Path], object]
) -> None:
    spoil(damaged / DATABASE)
    with pytest.raises(UserFacingError) as refused:
        save(damaged, keys)
    assert refused.value.key == "store.salvage_nothing"
    assert not (damaged.parent / "saved").exists()


def test_a_power_cut_leaves_no_half_clinic_in_its_place(damaged: Path, keys: vault.Unlocked) -> None:
    """Opened, it would look like a whole one in which patients are missing."""
    place = damaged.parent / "saved"
    seen: set[str] = set()

    class Looking(Job):
        def report(self, key: str, done: int = 0, total: int = 0) -> None:
            seen.add(key)
            assert not place.exists()
            super().report(key, done, total)

    salvage(damaged, place, keys, Looking(), clock=lambda: datetime.now(UTC))
    assert {"store.salvage.step.writing", "verify.step.records"} <= seen
    assert sorted(path.name for path in damaged.parent.iterdir()) == ["clinic", "saved"]


def test_memory_does_not_grow_with_the_clinic(folder: Path, keys: vault.Unlocked) -> None:
    """What was read of a million patients would fill several gigabytes; the PC has four."""
    small = peak_of_reading(folder, keys, "small", 150)
    large = peak_of_reading(folder, keys, "large", 750)
    assert large - small < 400_000, (small, large)


def peak_of_reading(folder: Path, keys: vault.Unlocked, name: str, patients: int) -> int:
    """Bytes that Python held at most while all that can be saved of a clinic of so many was read."""
    own = folder.with_name(name)
    shutil.copytree(folder, own)
    with Store.open(own, keys) as store, store.transaction() as tx:
        people = [patient(f"王{number}") for number in range(patients)]
        tx.patients.add_all(people, [filing_of(person) for person in people])
        tx.audit.add_all(AuditAction.ADD_PATIENT, [person.id for person in people], actor="t")

    class OnlyReading(Job):
        def report(self, key: str, done: int = 0, total: int = 0) -> None:
            if key == "store.salvage.step.writing":
                assert total > patients
                self.cancel()
            super().report(key, done, total)

    tracemalloc.start()
    try:
        with pytest.raises(Cancelled):
            salvage(own, own.with_name("saved"), keys, OnlyReading(), clock=lambda: datetime.now(UTC))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_what_is_carved_lies_encrypted_meanwhile_and_goes(damaged: Path, keys: vault.Unlocked) -> None:
    seen: set[str] = set()

    class Looking(Job):
        def report(self, key: str, done: int = 0, total: int = 0) -> None:
            for path in damaged.parent.glob(".*/**/*"):
                if path.is_file() and path.name != TRAIL and not path.name.startswith("keystore"):
                    seen.add(path.name)
                    data = path.read_bytes()
                    assert b"SQLite format 3" not in data
                    assert "清河村".encode() not in data
            super().report(key, done, total)

    left = damaged.parent / ".saved.salvaging" / "aside"  # of a salvage that a power cut ended
    left.mkdir(parents=True)
    (left / "carved.db").write_bytes(b"x")
    salvage(damaged, damaged.parent / "saved", keys, Looking(), clock=lambda: datetime.now(UTC))
    assert "carved.db" in seen
    assert sorted(path.name for path in damaged.parent.iterdir()) == ["clinic", "saved"]


def test_a_cancelled_salvage_leaves_nothing(damaged: Path, keys: vault.Unlocked) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        salvage(damaged, damaged.parent / "saved", keys, job, clock=lambda: datetime.now(UTC))
    assert sorted(path.name for path in damaged.parent.iterdir()) == ["clinic"]


def test_it_never_writes_over_anything(damaged: Path, keys: vault.Unlocked) -> None:
    (damaged.parent / "saved").mkdir()
    (damaged.parent / "saved" / "x").write_bytes(b"x")
    for place in (damaged.parent / "saved", damaged / "inside", damaged):
        with pytest.raises(UserFacingError) as refused:
            salvage(damaged, place, keys, Job(), clock=lambda: datetime.now(UTC))
        assert refused.value.key == "store.salvage_not_empty"
