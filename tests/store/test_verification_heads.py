"""The file of audit heads: what was changed in it is named, what a power cut leaves of it is a note."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from desktop import vault
from desktop.jobs import Job
from desktop.store import Checkup, Store, heads, places, verification_heads
from desktop.store.heads import HeadsFile
from tests.store.helpers import (
    PASSPHRASE,
    USER,
    Read,
    add_patient,
    as_attacker,
    keys_of,
    kinds,
    patient,
    said_in_both_languages,
    verify,
)


def edit_head(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"sequence": ', b'"sequence": 1')
    return b"".join(lines)


def swap_heads(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    lines[0], lines[-1] = lines[-1], lines[0]
    return b"".join(lines)


def without_line(number: int) -> Callable[[Path], object]:
    def take_out(path: Path) -> None:
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:number] + lines[number + 1 :]))

    return take_out


HEADS_TAMPERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "edited": (lambda path: path.write_bytes(edit_head(path.read_bytes())), "verify.head_changed"),
    "reordered": (lambda path: path.write_bytes(swap_heads(path.read_bytes())), "verify.head_misplaced"),
    "first line taken out": (without_line(0), "verify.head_taken_out"),
    "a line in the middle taken out": (without_line(2), "verify.head_taken_out"),
    "a line written twice": (
        lambda path: path.write_bytes(path.read_bytes() + path.read_bytes().splitlines(keepends=True)[-1]),
        "verify.head_taken_out",
    ),
    "garbage": (lambda path: path.write_bytes(b"\xff\n" + path.read_bytes()), "verify.head_changed"),
    "removed": (lambda path: path.unlink(), "verify.heads_missing"),
    "emptied": (lambda path: path.write_bytes(b""), "verify.heads_cut"),
    "cut back": (lambda path: path.write_bytes(path.read_bytes().splitlines(keepends=True)[0]), "verify.heads_cut"),
}


def test_any_flipped_bit_of_a_head_is_found(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    data = (folder / places.HEADS).read_bytes()
    with Store.open(folder, keys) as store:
        for place in range(0, len(data) - 1, 11):
            spoiled = bytearray(data)
            spoiled[place] ^= 1 << place % 7
            (folder / places.HEADS).write_bytes(spoiled)
            found = store._heads.read()
            signed = all(head.signature_holds(keys.store_id) for head in found.heads if head.signed)
            assert found.bad_lines or not signed, f"byte {place}"
    (folder / places.HEADS).write_bytes(data)


@pytest.mark.parametrize("tamper", HEADS_TAMPERS)
def test_a_spoiled_heads_file_is_named(folder: Path, keys: vault.Unlocked, read: Read, tamper: str) -> None:
    spoil, key = HEADS_TAMPERS[tamper]
    spoil(folder / places.HEADS)
    found = verify(folder, keys)
    assert kinds(found) == {"audit"}
    assert keys_of(found) == {key}
    assert said_in_both_languages(found)


def test_a_head_signed_by_a_stranger_is_named(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    with Store.open(folder, keys) as store:
        head = store.sign_head()
        store._heads.note(head, vault.SigningKey(bytes(32)))
        found = store.verify(Job())
    assert keys_of(found) == {"verify.head_signature"}


def test_a_torn_last_head_is_a_note_and_is_dropped(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    whole = (folder / places.HEADS).read_bytes()
    (folder / places.HEADS).write_bytes(whole + b'{"sequence": 99, "ha')
    found = verify(folder, keys)
    assert found.ok
    assert [note.key for note in found.notes] == ["verify.head_torn"]
    with Store.open(folder, keys) as store:
        add_patient(store, patient("李四"))
    assert verify(folder, keys).ok


@pytest.mark.parametrize("left", [3, 20, 90, -1])
def test_a_signed_head_may_be_the_torn_one(folder: Path, keys: vault.Unlocked, read: Read, left: int) -> None:
    lines = (folder / places.HEADS).read_bytes().splitlines(keepends=True)
    (folder / places.HEADS).write_bytes(b"".join(lines[:-1]) + lines[-1][:left])
    found = verify(folder, keys)
    assert found.ok, keys_of(found)
    assert [note.key for note in found.notes][:1] == ["verify.head_torn"]
    with Store.open(folder, keys) as store:
        add_patient(store, patient("李四"))
    healed = verify(folder, keys)
    assert healed.ok, keys_of(healed)
    assert healed.notes == ()


def test_a_torn_line_excuses_no_other_head(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    lines = (folder / places.HEADS).read_bytes().splitlines(keepends=True)
    (folder / places.HEADS).write_bytes(lines[0] + b'{"sequence": 1, "hash": "')
    assert keys_of(verify(folder, keys)) == {"verify.heads_cut"}


def test_a_memory_of_signed_heads_from_an_earlier_time_is_named(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    with Store.open(folder, keys) as store:
        first = store.sign_head().sequence
        for name in ("赵六", "钱七"):
            add_patient(store, patient(name))
            last = store.sign_head().sequence
    for earlier in (last - 1, first):
        as_attacker(
            folder, keys, f"UPDATE meta SET value = {earlier} WHERE name = 'signed_head' OR name = 'begun_head'"
        )
        found = verify(folder, keys)
        assert (kinds(found), keys_of(found)) == ({"rollback"}, {"verify.signed_head_rolled_back"})
        assert said_in_both_languages(found)


def test_a_memory_of_signed_heads_that_a_power_cut_left_behind_is_honest(
    folder: Path, keys: vault.Unlocked, read: Read
) -> None:
    """The head stands signed in the file, and the database knows only that it was about to."""
    with Store.open(folder, keys) as store:
        first = store.sign_head().sequence
    as_attacker(folder, keys, f"UPDATE meta SET value = {first - 1} WHERE name = 'signed_head'")
    assert verify(folder, keys).ok


def test_one_head_that_an_earlier_release_did_not_remember_is_honest(
    folder: Path, keys: vault.Unlocked, read: Read
) -> None:
    with Store.open(folder, keys) as store:
        first = store.sign_head().sequence
        add_patient(store, patient("赵六"))
        store.sign_head()
    as_attacker(
        folder,
        keys,
        "DELETE FROM meta WHERE name = 'begun_head'",
        f"UPDATE meta SET value = {first} WHERE name = 'signed_head'",
    )
    assert verify(folder, keys).ok


def test_the_page_of_one_signing_ago_is_named(folder: Path, keys: vault.Unlocked, read: Read) -> None:
    before = (folder / places.DATABASE).read_bytes()
    with Store.open(folder, keys) as store:
        add_patient(store, patient("赵六", card_number=""))
    after = (folder / places.DATABASE).read_bytes()
    changed = [at for at in range(0, len(before), 4096) if before[at : at + 4096] != after[at : at + 4096]]
    named = set()
    for at in changed:
        (folder / places.DATABASE).write_bytes(after[:at] + before[at : at + 4096] + after[at + 4096 :])
        named |= keys_of(Checkup(PASSPHRASE).verify(folder, USER, Job()))
    assert "verify.signed_head_rolled_back" in named


@pytest.mark.parametrize("holes", [(2,), (1, 2), (3,)])
def test_a_hole_that_a_power_cut_left_is_a_note_and_then_no_gap(
    folder: Path, keys: vault.Unlocked, holes: tuple[int, ...]
) -> None:
    """Unsigned heads reach the disk in any order; those behind the first hole are dropped."""
    store = Store.open(folder, keys)
    for name in "甲乙丙丁戊":
        add_patient(store, patient(name))
    data = (folder / places.HEADS).read_bytes()
    lines = data.splitlines(keepends=True)
    signed = len(lines) - 5
    spoiled = [bytes(len(line)) if number - signed in holes else line for number, line in enumerate(lines)]
    shutil.copytree(folder, folder.parent / "crashed")
    store.close()
    (folder.parent / "crashed" / places.HEADS).write_bytes(b"".join(spoiled))
    found = Checkup(PASSPHRASE).verify(folder.parent / "crashed", USER, Job())
    assert found.ok, keys_of(found)
    assert "verify.head_torn" in {note.key for note in found.notes}
    with Store.open(folder.parent / "crashed", keys) as opened:
        add_patient(opened, patient("己"))
    healed = verify(folder.parent / "crashed", keys)
    assert (healed.problems, healed.notes) == ((), ())


def test_lines_of_an_earlier_release_have_no_numbers(folder: Path, keys: vault.Unlocked) -> None:
    with Store.open(folder, keys) as store:
        head = store.sign_head()
        noted = store._heads.read().heads[-1]
        plain = replace(noted, mac=store._heads._mac(head, 0), number=0)
    (folder / places.HEADS).write_bytes(plain.to_line())
    with Store.open(folder, keys) as store:
        for name in "甲乙":
            add_patient(store, patient(name))
    noted_since = HeadsFile(folder / places.HEADS, keys.store_id, keys.master.derive("audit")).read().heads
    assert [head.number for head in noted_since] == [0, 1, 2, 3]
    assert verify(folder, keys).ok


def test_lost_unsigned_heads_are_no_damage(folder: Path, keys: vault.Unlocked) -> None:
    """Heads are not made certain one by one: a power cut may take the last unsigned ones."""
    store = Store.open(folder, keys)
    kept = (folder / places.HEADS).read_bytes()
    add_patient(store, patient())
    (folder / places.HEADS).write_bytes(kept)
    assert store.verify(Job()).ok
    store.close()


def test_very_many_heads_are_thinned_out(folder: Path, keys: vault.Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(folder, keys) as store:
        for number in range(12):
            add_patient(store, patient(f"王{number}"))
    monkeypatch.setattr(heads, "_LARGEST", 1000)
    for module in (heads, verification_heads):
        monkeypatch.setattr(module, "KEPT_LINES", 5)
    with Store.open(folder, keys) as store:
        add_patient(store, patient("李四"))
    assert len((folder / places.HEADS).read_bytes().splitlines()) == 5 + 2
    assert verify(folder, keys).ok
