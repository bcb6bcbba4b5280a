"""The file of audit heads: what was changed in it is named, what a power cut leaves of it is a note."""

from collections.abc import Callable
from pathlib import Path

import pytest

from desktop import vault
from desktop.jobs import Job
from desktop.store import Store, heads, places
from tests.store.helpers import (
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


HEADS_TAMPERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "edited": (lambda path: path.write_bytes(edit_head(path.read_bytes())), "verify.head_changed"),
    "reordered": (lambda path: path.write_bytes(swap_heads(path.read_bytes())), "verify.head_misplaced"),
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
    as_attacker(folder, keys, f"UPDATE meta SET value = {last - 1} WHERE name = 'signed_head'")
    assert verify(folder, keys).ok  # a power cut between the file and the database's memory of it
    as_attacker(folder, keys, f"UPDATE meta SET value = {first} WHERE name = 'signed_head'")
    found = verify(folder, keys)
    assert (kinds(found), keys_of(found)) == ({"rollback"}, {"verify.signed_head_rolled_back"})
    assert said_in_both_languages(found)


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
    monkeypatch.setattr(heads, "_KEPT_LINES", 5)
    with Store.open(folder, keys) as store:
        add_patient(store, patient("李四"))
    assert len((folder / places.HEADS).read_bytes().splitlines()) == 5 + 2
    assert verify(folder, keys).ok
