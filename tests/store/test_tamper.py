"""Whatever somebody does to a closed clinic's folder is named with its kind and place, or has changed nothing.

`Checkup` looks, as `verify --batch` does: nothing is written, so that each tamper is judged as it lies there.
"""

import base64
import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop import vault
from desktop.i18n import Language, Translator
from desktop.jobs import Job
from desktop.store import Checkup, SignedHead, Store, Wanted, parse_anchor
from desktop.store.places import ATTACHMENTS, DATABASE, HEADS
from tests.store.helpers import NOW, USER
from tests.store.tampering import Clinic, Look, contents, kinds, opened, told

PAGE = 4096
CHUNK = 64 * 1024 + 16
HEADER = 84


def test_nothing_is_told_of_an_untouched_clinic(clinic: Clinic, look: Look) -> None:
    found = look(clinic.folder)
    assert (found.problems, found.notes) == ((), ())


# The database file, without the key


def test_any_flipped_bit_is_told(clinic: Clinic, look: Look) -> None:
    path = clinic.folder / DATABASE
    data = path.read_bytes()
    chance = random.Random(20261121)
    for place in [0, 15, 16, 4015, 4016, 4095, *(chance.randrange(len(data)) for _ in range(30))]:
        spoiled = bytearray(data)
        spoiled[place] ^= 1 << chance.randrange(8)
        path.write_bytes(spoiled)
        assert ("database", DATABASE) in told(look(clinic.folder)), f"byte {place}"


@pytest.mark.parametrize("pages", [0.0, 0.3, 0.5, 1.0, 1.7])
def test_a_cut_database_is_told(clinic: Clinic, look: Look, pages: float) -> None:
    path = clinic.folder / DATABASE
    data = path.read_bytes()
    for length in {int(pages * PAGE), len(data) - int((pages or 1) * PAGE)}:
        path.write_bytes(data[:length])
        assert ("database", DATABASE) in told(look(clinic.folder)), f"{length} bytes"


@pytest.mark.parametrize("garbage", [b"SQLite format 3\0" + bytes(4080), b"\0" * 8192, b"words"])
def test_something_else_in_its_place_is_told(clinic: Clinic, look: Look, garbage: bytes) -> None:
    (clinic.folder / DATABASE).write_bytes(garbage)
    assert told(look(clinic.folder)) == {("database", DATABASE)}


def test_a_plain_database_in_its_place_is_told(clinic: Clinic, look: Look) -> None:
    (clinic.folder / DATABASE).unlink()
    plain = sqlite3.connect(clinic.folder / DATABASE)
    plain.execute("CREATE TABLE patients (id TEXT)")
    plain.close()
    found = look(clinic.folder)
    assert [problem.key for problem in found.problems] == ["store.not_encrypted"]


def test_a_missing_database_is_told(clinic: Clinic, look: Look) -> None:
    (clinic.folder / DATABASE).unlink()
    assert told(look(clinic.folder)) == {("database", DATABASE)}


def test_any_single_page_put_back_is_told(clinic: Clinic, look: Look, keys: vault.Unlocked) -> None:
    before, after = ((folder / DATABASE).read_bytes() for folder in (clinic.earlier, clinic.folder))
    newest = contents(clinic.folder, keys)
    starts = [start for start in range(0, len(before), PAGE) if before[start:][:PAGE] != after[start:][:PAGE]]
    assert len(starts) > 20
    named = set()
    for start in starts:
        (clinic.folder / DATABASE).write_bytes(after[:start] + before[start:][:PAGE] + after[start + PAGE :])
        found = look(clinic.folder)
        named |= kinds(found)
        # A page may differ in unused bytes only; then nothing is lost and nothing is said.
        assert not found.ok or contents(clinic.folder, keys) == newest, f"page {start // PAGE + 1} went unnoticed"
    assert {"database", "rollback"} <= named


def test_the_whole_database_put_back_is_told(clinic: Clinic, look: Look) -> None:
    shutil.copy(clinic.earlier / DATABASE, clinic.folder / DATABASE)
    assert "rollback" in kinds(look(clinic.folder))


def test_the_whole_folder_put_back_shows_by_an_anchor_alone(
    clinic: Clinic, look: Look, checkup: Checkup, keys: vault.Unlocked
) -> None:
    with Store.open(clinic.folder, keys) as store:
        head = SignedHead.sign(store.store_id, store.sign_head(), NOW, keys.user_id, keys.signing_key)
    anchor = parse_anchor(json.dumps(head.to_json()).encode())
    assert checkup.verify(clinic.folder, USER, Job(), Wanted(anchor=anchor)).ok
    shutil.rmtree(clinic.folder)
    shutil.copytree(clinic.earlier, clinic.folder)
    assert look(clinic.folder).ok
    found = checkup.verify(clinic.folder, USER, Job(), Wanted(anchor=anchor))
    assert told(found) == {("anchor", f"audit/{head.sequence}")}


# Sealed files


def sealed(clinic: Clinic) -> list[Path]:
    """The sealed files, the largest first."""
    return sorted((clinic.folder / ATTACHMENTS).glob("*/*"), key=lambda path: -path.stat().st_size)


def swap_chunks(path: Path) -> None:
    data = path.read_bytes()
    first, second = data[HEADER:][:CHUNK], data[HEADER + CHUNK :][:CHUNK]
    assert len(second) == CHUNK
    path.write_bytes(data[:HEADER] + second + first + data[HEADER + 2 * CHUNK :])


def drop_chunk(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:HEADER] + data[HEADER + CHUNK :])


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


FILE_TAMPERS: dict[str, Callable[[Path], object]] = {
    "magic flipped": lambda path: flip(path, 0),
    "size flipped": lambda path: flip(path, 23),
    "key flipped": lambda path: flip(path, 50),
    "data flipped": lambda path: flip(path, HEADER + 100),
    "tag flipped": lambda path: flip(path, -1),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-5]),
    "cut to chunks": lambda path: path.write_bytes(path.read_bytes()[: HEADER + CHUNK]),
    "chunks swapped": swap_chunks,
    "chunk dropped": drop_chunk,
    "lengthened": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "emptied": lambda path: path.write_bytes(b""),
    "removed": lambda path: path.unlink(),
}


@pytest.mark.parametrize("tamper", FILE_TAMPERS)
def test_a_spoiled_file_is_told(clinic: Clinic, look: Look, tamper: str, keys: vault.Unlocked) -> None:
    path = sealed(clinic)[0]
    (identity,) = (
        opened(clinic.folder, keys).execute("SELECT id FROM attachments WHERE file = ?", (path.name,)).fetchone()
    )
    FILE_TAMPERS[tamper](path)
    assert told(look(clinic.folder)) == {("attachment", f"attachments/{identity}")}


def test_exchanged_files_are_told(clinic: Clinic, look: Look) -> None:
    first, second, *_ = sealed(clinic)
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    assert [problem.kind.value for problem in look(clinic.folder).problems] == ["attachment", "attachment"]


# The keystore


def edited(path: Path, change: Callable[[dict[str, Any]], object], *, as_lantern: bool = True) -> None:
    raw = json.loads(path.read_text(encoding="utf-8"))
    change(raw)
    text = json.dumps(raw, ensure_ascii=False, indent=1) + "\n" if as_lantern else json.dumps(raw)
    path.write_text(text, encoding="utf-8")


def inject_slot(raw: dict[str, Any]) -> None:
    raw["slots"].append({**raw["slots"][0], "user": "mallory", "user_id": "11111111-1111-4111-8111-111111111111"})


def set_cost(name: str, number: int) -> Callable[[dict[str, Any]], None]:
    def change(raw: dict[str, Any]) -> None:
        raw["slots"][0]["kdf"][name] = number

    return change


def spoil_mac(raw: dict[str, Any]) -> None:
    raw["mac"] = base64.b64encode(bytes(32)).decode()


KEYSTORE_TAMPERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "slot injected": inject_slot,
    "card injected": lambda raw: raw["recovery"].append(raw["recovery"][0]),
    "card removed": lambda raw: raw["recovery"].clear(),
    "role raised": lambda raw: raw["slots"][0]["roles"].append("auditor"),
    "passes below the floor": set_cost("time", 1),
    "memory below the floor": set_cost("memory_kib", 1024),
    "absurd memory": set_cost("memory_kib", 1 << 40),
    "absurd passes": set_cost("time", 1 << 30),
    "generation raised": lambda raw: raw.update(generation=99),
    "mac forged": spoil_mac,
}
# These change what the passphrase must open, so that in both copies it opens nothing.
LOCKING_TAMPERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "slot removed": lambda raw: raw["slots"].clear(),
    "passes changed": set_cost("time", 4),
    "epoch changed": lambda raw: raw.update(epoch=2),
    "another store": lambda raw: raw.update(store_id="11111111-1111-4111-8111-111111111111"),
}


@pytest.mark.full_keys
@pytest.mark.parametrize("name", ["keystore.json", "keystore.copy.json"])
@pytest.mark.parametrize("tamper", [*KEYSTORE_TAMPERS, *LOCKING_TAMPERS])
def test_one_edited_copy_of_the_keystore_is_told(clinic: Clinic, look: Look, tamper: str, name: str) -> None:
    edited(clinic.folder / name, (KEYSTORE_TAMPERS | LOCKING_TAMPERS)[tamper])
    assert told(look(clinic.folder)) == {("keystore", name)}


@pytest.mark.full_keys
@pytest.mark.parametrize("tamper", KEYSTORE_TAMPERS)
def test_two_edited_copies_are_told(clinic: Clinic, look: Look, tamper: str) -> None:
    for name in ("keystore.json", "keystore.copy.json"):
        edited(clinic.folder / name, KEYSTORE_TAMPERS[tamper])
    assert kinds(look(clinic.folder)) == {"keystore"}


@pytest.mark.parametrize("as_lantern", [True, False])
@pytest.mark.parametrize("tamper", LOCKING_TAMPERS)
def test_two_copies_that_open_nothing_are_a_failed_unlock(
    clinic: Clinic, look: Look, tamper: str, as_lantern: bool
) -> None:
    for name in ("keystore.json", "keystore.copy.json"):
        edited(clinic.folder / name, LOCKING_TAMPERS[tamper], as_lantern=as_lantern)
    found = kinds(look(clinic.folder))
    assert found == ({"unlock"} if as_lantern else {"unlock", "keystore"})


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b"\0" * 40)])
def test_a_lost_copy_is_told_and_both_lost_too(clinic: Clinic, look: Look, spoil: Callable[[Path], object]) -> None:
    spoil(clinic.folder / "keystore.json")
    assert told(look(clinic.folder)) == {("keystore", "keystore.json")}
    spoil(clinic.folder / "keystore.copy.json")
    assert kinds(look(clinic.folder)) == {"keystore"}


def test_any_flipped_bit_of_a_keystore_is_told(clinic: Clinic, look: Look) -> None:
    path = clinic.folder / "keystore.copy.json"
    data = path.read_bytes()
    chance = random.Random(7)
    for place in (chance.randrange(len(data)) for _ in range(25)):
        spoiled = bytearray(data)
        spoiled[place] ^= 1 << chance.randrange(8)
        path.write_bytes(spoiled)
        assert ("keystore", path.name) in told(look(clinic.folder)), f"byte {place}"


# The heads file


def test_an_older_heads_file_is_told(clinic: Clinic, look: Look) -> None:
    shutil.copy(clinic.earlier / HEADS, clinic.folder / HEADS)
    assert told(look(clinic.folder)) == {("audit", HEADS)}


def test_any_flipped_bit_of_the_heads_is_told(clinic: Clinic, look: Look) -> None:
    path = clinic.folder / HEADS
    data = path.read_bytes()
    chance = random.Random(8)
    for place in [len(data) - 1, *(chance.randrange(len(data)) for _ in range(25))]:
        spoiled = bytearray(data)
        spoiled[place] ^= 1 << chance.randrange(8)
        path.write_bytes(spoiled)
        assert "audit" in kinds(look(clinic.folder)), f"byte {place}"


# Anything at all


def damage(path: Path, earlier: Path, chance: random.Random) -> None:
    """What happens to files: a bit flips, the end or a piece is lost, an older one or rubbish is put there."""
    data = bytearray(path.read_bytes())
    place = chance.randrange(len(data) + 1)
    match chance.randrange(7):
        case 0 if data:
            data[place % len(data)] ^= 1 << chance.randrange(8)
        case 1:
            del data[place:]
        case 2:
            data[place : place + 6000] = bytes(chance.randrange(1, 6000))
        case 3:
            data += chance.randbytes(chance.randrange(1, 5000))
        case 4 if earlier.exists():
            data[:] = earlier.read_bytes()
        case 5:
            data[:] = chance.randbytes(chance.randrange(9000))
        case _:
            path.unlink()
            return
    path.write_bytes(data)


@pytest.mark.slow
def test_random_damage_is_told_or_changed_nothing(worked: Clinic, checkup: Checkup, tmp_path: Path) -> None:
    chance = random.Random(1917)
    whole = checkup.verify(worked.folder, USER, Job(), Wanted(inventory=True))
    told_of = 0
    for number in range(80):
        folder = tmp_path / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(worked.folder, folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
        for path in chance.sample(files, chance.choice((1, 1, 1, 2, 3))):
            damage(path, worked.earlier / path.relative_to(folder), chance)
        found = checkup.verify(folder, USER, Job(), Wanted(inventory=True))
        told_of += not found.ok
        assert not found.ok or (found.inventory, found.head) == (whole.inventory, whole.head), f"damage {number}"
    assert told_of > 60


# What is not tampering


def test_what_a_crash_leaves_is_noted_and_no_problem(clinic: Clinic, look: Look, keys: vault.Unlocked) -> None:
    with Store.open(clinic.folder, keys) as store:
        store.attachments.stage(b"before its row", Job())
    heads = clinic.folder / HEADS
    heads.write_bytes(heads.read_bytes() + b'{"sequence": 99')
    (clinic.folder / "keystore.json.new").write_bytes(b"{")
    (clinic.folder / (DATABASE + ".new")).write_bytes(b"half")
    found = look(clinic.folder)
    assert found.problems == ()
    assert {note.key for note in found.notes} == {"verify.orphan", "verify.head_torn", "verify.leftover"}
    for language in Language:
        assert all(Translator(language).text(note.key, **note.details) != note.key for note in found.notes)
