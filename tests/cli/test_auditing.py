"""`verify` and `audit` from the command line."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.helpers import Lantern
from tests.cli.test_clinic import add

VERIFIED = {"ok", "problems", "notes", "audit", "counts", "inventory"}
PROBLEM = {"kind", "where", "message", "advice"}


def everything(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below a folder, its bytes and when it was last changed."""
    return {
        str(path.relative_to(folder)): (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns)
        for path in sorted([folder, *folder.rglob("*")])
    }


def kinds(answer: dict[str, Any]) -> list[str]:
    assert all(problem.keys() == PROBLEM and all(problem.values()) for problem in answer["problems"])
    return [problem["kind"] for problem in answer["problems"]]


def remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink()


def test_every_documented_key_is_there_and_the_inventory_only_where_asked(lantern: Lantern) -> None:
    patient = add(lantern)
    plain = lantern.run("verify")
    assert plain.code == 0
    assert plain.only.keys() == VERIFIED
    assert plain.only["audit"].keys() == {"seq", "head"}
    assert plain.only["counts"].items() >= {"patients": 1, "attachments": 0, "reports": 0}.items()
    assert plain.only["inventory"] == {"patients": {}, "attachments": {}, "reports": {}}
    listed = lantern.run("verify", "--inventory").only["inventory"]
    assert list(listed["patients"]) == [patient]
    assert len(listed["patients"][patient]) == 64


def test_a_failed_unlock_is_a_problem_with_every_key(lantern: Lantern) -> None:
    (lantern.folder / "passphrase").write_text("wrong", encoding="utf-8")
    answer = lantern.run("verify")
    assert (answer.code, kinds(answer.only)) == (1, ["unlock"])
    assert answer.only.keys() == VERIFIED
    assert answer.only["audit"] is None
    assert answer.only["counts"].items() >= {"patients": 0, "attachments": 0, "reports": 0}.items()


def test_checking_is_audited_but_not_in_a_batch(lantern: Lantern) -> None:
    lantern.run("verify")
    out = lantern.folder / "trail.jsonl"
    lantern.run("audit", "export", "--out", out)
    actions = [json.loads(line).get("action") for line in out.read_text(encoding="utf-8").splitlines()]
    assert actions.count("verify_clinic") == 1
    before = everything(lantern.store)
    answer = lantern.run("verify", "--batch", stdin=f"{lantern.store}\n")
    assert (answer.code, answer.only["ok"]) == (0, True)
    assert everything(lantern.store) == before


# Batch


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no twin": (lambda store: (store / "keystore.copy.json").unlink(), "keystore"),
    "no first": (lambda store: (store / "keystore.json").unlink(), "keystore"),
    "spoiled twin": (lambda store: (store / "keystore.copy.json").write_bytes(b"{}"), "keystore"),
    "no keystore": (lambda store: remove(store.glob("keystore*")), "keystore"),
    "no database": (lambda store: (store / "clinic.db").unlink(), "database"),
    "no heads": (lambda store: (store / "audit-heads.jsonl").unlink(), "audit"),
    "no folder": (shutil.rmtree, "keystore"),
}


def test_a_batch_answers_each_folder_in_order_and_writes_nothing(lantern: Lantern) -> None:
    add(lantern)
    folders = [lantern.store]
    for number, (spoil, _) in enumerate(DAMAGES.values()):
        folder = lantern.folder / f"copy {number}"
        shutil.copytree(lantern.store, folder)
        spoil(folder)
        folders.append(folder)
    folders.append(lantern.store)
    before = everything(lantern.folder)
    answer = lantern.run("verify", "--batch", "--inventory", stdin="\n".join(str(folder) for folder in folders))
    assert answer.code == 1
    assert [line["store"] for line in answer.lines] == [str(folder) for folder in folders]
    assert all(line.keys() == VERIFIED | {"store"} for line in answer.lines)
    found = [set(kinds(line)) for line in answer.lines]
    assert found == [set(), *({kind} for _, kind in DAMAGES.values()), set()]
    assert everything(lantern.folder) == before
    assert list(Path(tempfile.gettempdir()).glob("lantern-check-*")) == []


def test_a_batch_needs_no_store_and_takes_wrong_passphrases_without_slowing_down(lantern: Lantern) -> None:
    (lantern.folder / "passphrase").write_text("wrong", encoding="utf-8")
    before = everything(lantern.store)
    answer = lantern.run("--store", "/nowhere/at/all", "verify", "--batch", stdin=f"{lantern.store}\n" * 4)
    assert [kinds(line) for line in answer.lines] == [["unlock"]] * 4
    assert everything(lantern.store) == before


def test_a_batch_ends_well_where_nothing_is_wrong(lantern: Lantern) -> None:
    assert lantern.run("verify", "--batch", stdin="").code == 0
    assert lantern.run("verify", "--batch", stdin=f"{lantern.store}\n").code == 0


def test_a_blank_line_is_answered_as_no_clinic_wherever_it_stands(lantern: Lantern) -> None:
    answer = lantern.run("verify", "--batch", stdin=f"\n{lantern.store}\n  \n{lantern.store}\n\n")
    assert answer.code == 1
    assert [(line["store"], line["ok"]) for line in answer.lines] == [
        ("", False),
        (str(lantern.store), True),
        ("  ", False),
        (str(lantern.store), True),
        ("", False),
    ]
    assert all(line.keys() == VERIFIED | {"store"} for line in answer.lines)
    assert answer.lines[0]["problems"][0]["message"] == "This line is blank."


# A head kept outside


def head(lantern: Lantern) -> tuple[Path, dict[str, Any]]:
    answer = lantern.run("audit", "head")
    assert answer.code == 0, answer
    assert answer.only.keys() >= {"seq", "head", "store_id", "time", "public_key", "signature"}
    return lantern.file("head.json", json.dumps(answer.only)), answer.only


def test_a_head_kept_outside_is_found_again(lantern: Lantern) -> None:
    path, _ = head(lantern)
    add(lantern)
    assert lantern.run("verify", "--anchor", path).only["ok"] is True
    batch = lantern.run("verify", "--batch", "--anchor", path, stdin=f"{lantern.store}\n")
    assert batch.only["ok"] is True


def test_a_whole_clinic_put_back_shows_by_the_anchor_alone(lantern: Lantern) -> None:
    shutil.copytree(lantern.store, lantern.folder / "older")
    add(lantern)
    path, _ = head(lantern)
    shutil.rmtree(lantern.store)
    shutil.copytree(lantern.folder / "older", lantern.store)
    assert lantern.run("verify", "--batch", stdin=f"{lantern.store}\n").only["ok"] is True
    lost = lantern.run("verify", "--batch", "--anchor", path, stdin=f"{lantern.store}\n")
    assert (lost.code, kinds(lost.only)) == (1, ["anchor"])
    for _ in range(3):
        add(lantern)  # going on working does not cover it up
    assert kinds(lantern.run("verify", "--anchor", path).only) == ["anchor"]


@pytest.mark.parametrize(
    "forged",
    [
        {"seq": 2},
        {"head": "0" * 64},
        {"signature": "00" * 64},
        {"time": "2026-01-01T00:00:00+00:00"},
        {"store_id": "another"},
        {"public_key": "11" * 32},
        {"seq": "many"},
    ],
)
def test_a_forged_anchor_is_named(lantern: Lantern, forged: dict[str, object]) -> None:
    _, said = head(lantern)
    path = lantern.file("forged.json", json.dumps({**said, **forged}))
    answer = lantern.run("verify", "--anchor", path)
    assert answer.code == 1
    assert set(kinds(answer.only)) == {"anchor"}


def test_what_is_no_anchor_is_named_and_a_missing_file_is_an_error(lantern: Lantern) -> None:
    answer = lantern.run("verify", "--anchor", lantern.file("no.json", "[]"))
    assert (answer.code, kinds(answer.only)) == (1, ["anchor"])
    missing = lantern.run("verify", "--anchor", lantern.folder / "nothing.json")
    assert (missing.code, missing.only["kind"]) == (1, "not_found")


# The trail as a file


@pytest.fixture
def trail(lantern: Lantern) -> Path:
    """An exported trail of a clinic in which something was done."""
    add(lantern)
    out = lantern.folder / "trail.jsonl"
    answer = lantern.run("audit", "export", "--out", out)
    assert answer.code == 0
    assert answer.only.keys() >= {"file", "rows", "sha256"}
    assert answer.only["rows"] == len(out.read_bytes().splitlines()) - 1
    return out


def test_a_trail_proves_itself_and_holds_no_name(lantern: Lantern, trail: Path) -> None:
    shutil.rmtree(lantern.store)
    answer = lantern.run("audit", "verify", trail)
    assert (answer.code, answer.only["ok"], answer.only["problems"]) == (0, True, [])
    text = trail.read_text(encoding="utf-8")
    assert "欧阳" not in text
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row["seq"] for row in rows[:-1]] == list(range(1, len(rows)))
    assert (rows[-2]["action"], rows[-1]["seq"], rows[-1]["head"]) == ("export_audit", len(rows) - 1, rows[-2]["hash"])


def test_a_trail_never_replaces_a_file(lantern: Lantern, trail: Path) -> None:
    before = trail.read_bytes()
    answer = lantern.run("audit", "export", "--out", trail)
    assert (answer.code, answer.only["kind"]) == (1, "not_empty")
    assert trail.read_bytes() == before


def test_a_forged_trail_is_named(lantern: Lantern, trail: Path) -> None:
    lines = trail.read_bytes().splitlines(keepends=True)
    trail.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    answer = lantern.run("audit", "verify", trail)
    assert (answer.code, answer.only["ok"], kinds(answer.only)) == (1, False, ["audit"])
    assert answer.only["problems"][0]["where"] == "audit/3"
    trail.write_bytes(b"".join(lines[:-1]))
    assert kinds(lantern.run("audit", "verify", trail).only) == ["audit"]


def test_a_trail_that_is_not_there(lantern: Lantern) -> None:
    answer = lantern.run("audit", "verify", lantern.folder / "nothing.jsonl")
    assert (answer.code, answer.only["status"], answer.only["kind"]) == (1, "error", "not_found")
