"""An exported audit trail shows by itself whatever was done to it."""

import json
from collections.abc import Callable

import pytest

from desktop import vault
from desktop.i18n import Language, Translator
from desktop.records import AuditHead
from desktop.store import FileCheck, SignedHead, Store
from desktop.store.audit import ChainLine, read_lines
from desktop.store.audit_file import check_lines, head_line, row_line
from tests.store.helpers import NOW, add_patient, full_patient


@pytest.fixture
def lines(store: Store, keys: vault.Unlocked) -> list[bytes]:
    """The trail of a clinic in which something was done, as it is exported."""
    for _ in range(6):
        add_patient(store, full_patient(), actor=keys.user_id)
    with store.snapshot() as tx:
        chain = read_lines(tx.audit._rows)
    last = AuditHead(chain[-1].sequence, chain[-1].hash)
    signed = SignedHead.sign(store.store_id, last, NOW, keys.user_id, keys.signing_key)
    return [*(row_line(columns(line)) for line in chain), head_line(signed)]


def columns(line: ChainLine) -> tuple[object, ...]:
    return tuple(vars(line).values())


def wheres(found: FileCheck) -> list[str]:
    for language in Language:
        translator = Translator(language)
        for problem in found.problems:
            assert problem.kind.value == "audit"
            for key in (problem.key, f"{problem.key}.advice"):
                assert translator.text(key, **problem.details) != key
    return [problem.where for problem in found.problems]


def test_an_untouched_trail_is_whole_however_its_json_is_spaced(lines: list[bytes]) -> None:
    found = check_lines(lines)
    assert (found.problems, found.rows) == ((), len(lines) - 1)
    assert found.head is not None
    assert found.head.sequence == found.rows
    spaced = [json.dumps(json.loads(line), indent=None, separators=(" , ", " : ")).encode() for line in lines]
    assert check_lines(spaced).problems == ()


def edit(lines: list[bytes], place: int, **changed: object) -> list[bytes]:
    raw = {**json.loads(lines[place]), **changed}
    return [*lines[:place], json.dumps(raw).encode() + b"\n", *lines[place + 1 :]]


def test_a_signature_from_before_all_time_is_none(lines: list[bytes]) -> None:
    last = {**json.loads(lines[-1]), "time": "0001-01-01T00:00:00.000000+14:00"}
    assert check_lines([*lines[:-1], json.dumps(last).encode()]).problems[0].key == "verify.file_head_changed"


FORGERIES: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "edited": (lambda lines: edit(lines, 2, actor="somebody"), "audit/3"),
    "time edited": (lambda lines: edit(lines, 2, time="2020-01-01T00:00:00.000000+00:00"), "audit/3"),
    "number edited": (lambda lines: edit(lines, 2, seq=30), "audit/3"),
    "field added": (lambda lines: edit(lines, 2, extra=1), "audit/3"),
    "first edited": (lambda lines: edit(lines, 0, actor="somebody"), "audit/1"),
    "last edited": (lambda lines: edit(lines, len(lines) - 2, actor="x"), "audit/last"),
    "deleted": (lambda lines: lines[:2] + lines[3:], "audit/3"),
    "first deleted": (lambda lines: lines[1:], "audit/1"),
    "last deleted": (lambda lines: [*lines[:-2], lines[-1]], "audit/last"),
    "reordered": (lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]], "audit/3"),
    "repeated": (lambda lines: [*lines[:3], lines[2], *lines[3:]], "audit/3"),
    "inserted": (lambda lines: [*lines[:2], edit(lines, 2, actor="x")[2], *lines[2:]], "audit/3"),
    "inserted words": (lambda lines: [*lines[:2], b"words\n", *lines[2:]], "audit/3"),
    "head missing": (lambda lines: lines[:-1], "audit/end"),
    "cut": (lambda lines: lines[:3], "audit/4"),
    "cut in a line": (lambda lines: [*lines[:3], lines[3][:40]], "audit/4"),
    "empty": (lambda lines: [], "audit/1"),
    "head moved up": (lambda lines: [*lines[:3], lines[-1], *lines[3:-1]], "audit/4"),
    "head edited": (lambda lines: edit(lines, len(lines) - 1, user="x"), "audit/last"),
    "head of fewer": (lambda lines: edit(lines, len(lines) - 1, seq=2), "audit/2"),
    "another store's": (lambda lines: edit(lines, len(lines) - 1, store_id="x"), "audit/1"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_trail_is_named(lines: list[bytes], forgery: str) -> None:
    forge, where = FORGERIES[forgery]
    names = {"audit/last": f"audit/{len(lines) - 1}", "audit/end": f"audit/{len(lines)}"}
    assert names.get(where, where) in wheres(check_lines(forge(lines)))


def test_two_forgeries_are_both_named(lines: list[bytes]) -> None:
    forged = edit(edit(lines, 1, actor="x"), 5, actor="y")
    assert wheres(check_lines(forged)) == ["audit/2", "audit/6"]


def test_a_trail_forged_to_the_end_does_not_fit_its_head(lines: list[bytes]) -> None:
    chain = [ChainLine(*json.loads(line).values()) for line in lines[:-1]]
    forged, previous = [], chain[0].previous
    for line in chain:
        fields = {**vars(line), "actor": "somebody", "previous": previous}
        previous = ChainLine(**fields).expected_hash()
        forged.append(row_line((*list(fields.values())[:-1], previous)))
    assert wheres(check_lines([*forged, lines[-1]])) == [f"audit/{len(chain)}"]


def test_any_flipped_bit_is_found(lines: list[bytes]) -> None:
    data = b"".join(lines)
    whole = [json.loads(line) for line in lines]
    for place in range(len(data)):
        spoiled = bytearray(data)
        spoiled[place] ^= 1 << place % 7
        if not check_lines(bytes(spoiled).splitlines(keepends=True)).problems:
            # A blank for another blank says the same: nothing was changed then.
            assert [json.loads(line) for line in bytes(spoiled).splitlines()] == whole, f"byte {place}"


@pytest.mark.parametrize(
    "garbage", [b"", b"\n\n", b"null\n", b"[1]\n", b"\xff\xfe\n", b"[" * 5000 + b"\n", b'{"seq": 1}\n']
)
def test_what_is_no_trail_at_all(garbage: bytes) -> None:
    found = check_lines(garbage.splitlines(keepends=True))
    assert "audit/1" in wheres(found)
    assert found.head is None
