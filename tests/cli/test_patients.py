"""Registering in groups, editing, merging and undoing it from the command line."""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from sqlcipher3 import dbapi2

from desktop.__main__ import main
from desktop.records import is_id, new_id
from desktop.store.patients import Patients
from tests.cli.helpers import Answer, Lantern
from tests.cli.test_clinic import CHILD, add

PATIENCE_SECONDS = 20
SECOND: dict[str, Any] = {
    "resourceType": "Patient",
    "name": [{"text": "欧阳晓敏"}],
    "gender": "female",
    "telecom": [{"system": "phone", "value": "136 1111 2222"}],
    "identifier": [{"system": "urn:example:insurance", "value": "S-2041"}],
}


def line_of(name: str, **more: object) -> str:
    return json.dumps({"resourceType": "Patient", "name": [{"text": name}], **more}, ensure_ascii=False)


def edit(lantern: Lantern, patient: str, resource: dict[str, Any]) -> Answer:
    return lantern.run("patients", "edit", patient, "--input", lantern.file("edit.json", json.dumps(resource)))


def shown(lantern: Lantern, patient: str) -> dict[str, Any]:
    answer = lantern.run("patients", "show", patient)
    assert answer.code == 0, answer
    return answer.only


def found(lantern: Lantern, text: str) -> list[str]:
    return [hit["id"] for hit in lantern.run("patients", "search", text).only["patients"]]


def inventory(lantern: Lantern) -> dict[str, str]:
    answer = lantern.run("verify", "--inventory")
    assert answer.code == 0, answer
    patients: dict[str, str] = answer.only["inventory"]["patients"]
    return patients


# In groups


def test_a_group_is_answered_line_by_line_after_its_commit(lantern: Lantern) -> None:
    names = ["王小明", "李秀英", "张伟", "刘洋", "陈静"]
    answer = lantern.run(
        "patients", "add", "--batch", "--group", "2", stdin="".join(line_of(name) + "\n" for name in names)
    )
    assert answer.code == 0
    assert [(line["line"], line["status"], line["duplicates"]) for line in answer.lines] == [
        (number, "ok", []) for number in range(1, 6)
    ]
    for name, line in zip(names, answer.lines, strict=True):
        assert found(lantern, name) == [line["id"]]
    assert lantern.run("verify").only["ok"]


def test_answers_of_a_group_do_not_wait_for_the_next_one(lantern: Lantern) -> None:
    """Three lines in groups of two: the first two are answered while the third has not been given yet."""
    answered_before: list[int] = []

    def answers(expected: int) -> int:
        """Lines said so far, once there are as many; fewer where they do not come."""
        said, latest = 0, time.monotonic() + PATIENCE_SECONDS
        while said < expected and time.monotonic() < latest:
            said += lantern.capsys.readouterr().out.count("\n")
            time.sleep(0.01)
        return said

    class Feed:
        def __iter__(self) -> Iterator[str]:
            for name, expected in (("王小明", 0), ("李秀英", 0), ("张伟", 2)):
                answered_before.append(answers(expected))
                yield line_of(name) + "\n"

    words = lantern.words("patients", "add", "--batch", "--group", "2")
    lantern.monkeypatch.setattr(sys, "stdin", Feed())
    lantern.capsys.readouterr()
    assert main(words) == 0
    assert answered_before == [0, 0, 2]
    assert len(lantern.capsys.readouterr().out.splitlines()) == 1


def test_a_bad_line_spoils_nothing_for_the_others_of_its_group(lantern: Lantern) -> None:
    lines = [line_of("王小明"), "{not json", "", line_of("李秀英", birthDate="soon"), line_of("张伟")]
    answer = lantern.run("patients", "add", "--batch", "--group", "10", stdin="\n".join(lines) + "\n")
    assert answer.code == 1
    assert [(line["line"], line["status"]) for line in answer.lines] == [
        (1, "ok"),
        (2, "error"),
        (3, "error"),
        (4, "error"),
        (5, "ok"),
    ]
    assert [line.get("kind") for line in answer.lines] == [None, "bad_input", "bad_input", "bad_input", None]
    assert all({"line", "status", "id", "duplicates", "reason"} <= line.keys() for line in answer.lines)


def test_with_a_group_nobody_is_compared(lantern: Lantern) -> None:
    text = json.dumps(CHILD, ensure_ascii=False) + "\n"
    grouped = lantern.run("patients", "add", "--batch", "--group", "1", stdin=text * 2)
    assert [line["duplicates"] for line in grouped.lines] == [[], []]
    alone = lantern.run("patients", "add", "--batch", stdin=text)
    (line,) = alone.lines
    assert {one["id"] for one in line["duplicates"]} == {one["id"] for one in grouped.lines}
    for duplicate in line["duplicates"]:
        assert {"name", "birth_date", "village"} <= set(duplicate["reasons"])
        assert 0.5 <= duplicate["score"] <= 1


@pytest.mark.parametrize(
    ("words", "free", "kind"),
    [
        ("database or disk is full", 1 << 30, "disk_full"),
        ("disk I/O error", 1 << 30, "io"),
        ("disk I/O error", 4096, "disk_full"),
    ],
)
def test_a_full_disk_ends_the_batch_and_no_line_of_the_failed_group_is_ok(
    lantern: Lantern, words: str, free: int, kind: str
) -> None:
    original = Patients.add_all
    left = iter(range(1))

    def fails(patients: Patients, *arguments: Any) -> None:
        original(patients, *arguments)
        if next(left, None) is None:
            raise dbapi2.OperationalError(words)

    lantern.monkeypatch.setattr(Patients, "add_all", fails)
    lantern.monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    lines = [line_of(f"王小{character}") for character in "一二三四五六七八"]
    lines[3] = "{not json"
    answer = lantern.run("patients", "add", "--batch", "--group", "3", stdin="\n".join(lines) + "\n")
    lantern.monkeypatch.setattr(Patients, "add_all", original)
    assert answer.code == 1
    assert [(line["line"], line["status"], line.get("kind")) for line in answer.lines] == [
        (1, "ok", None),
        (2, "ok", None),
        (3, "ok", None),
        (4, "error", "bad_input"),
        (5, "error", kind),
        (6, "error", kind),
    ]
    assert lantern.run("verify").only["counts"]["patients"] == 3


@pytest.mark.parametrize("options", [(), ("--group", "2"), ("--group", "10")])
def test_a_blank_line_is_answered_wherever_it_stands(lantern: Lantern, options: tuple[str, ...]) -> None:
    text = "\n" + line_of("甲") + "\n \t\n" + line_of("乙") + "\n\n"
    answer = lantern.run("patients", "add", "--batch", *options, stdin=text)
    assert answer.code == 1
    assert [(line["line"], line["status"]) for line in answer.lines] == [
        (1, "error"),
        (2, "ok"),
        (3, "error"),
        (4, "ok"),
        (5, "error"),
    ]
    blank = answer.lines[0]
    assert (blank["kind"], blank["id"]) == ("bad_input", None)
    assert blank["message"] == "This line is blank."
    searched = lantern.run("patients", "search", "--batch", stdin="\n甲\n\n乙\n\n")
    assert searched.code == 0
    assert [(line["query"], len(line["patients"])) for line in searched.lines] == [
        ("", 0),
        ("甲", 1),
        ("", 0),
        ("乙", 1),
        ("", 0),
    ]


def test_a_group_without_a_batch_is_a_usage_error(lantern: Lantern) -> None:
    path = lantern.file("one.json", line_of("王小明"))
    for command in (("--group", "2", "--input", path), ("--batch", "--group", "0"), ("--batch", "--group", "x")):
        with pytest.raises(SystemExit) as left:
            lantern.run("patients", "add", *command)
        assert left.value.code == 2


# Editing


def test_an_edit_is_the_whole_new_record(lantern: Lantern) -> None:
    patient = add(lantern)
    before = shown(lantern, patient)
    answer = edit(lantern, patient, {**CHILD, "address": [{"city": "清河村"}]})
    assert answer.code == 0
    assert answer.only["id"] == patient
    assert answer.only["status"] == "ok"
    after = shown(lantern, patient)
    assert after["meta"]["versionId"] == answer.only["version"] != before["meta"]["versionId"]
    assert inventory(lantern) == {patient: answer.only["version"]}
    assert after["address"] == [{"city": "清河村"}]
    assert after["identifier"][0] == before["identifier"][0]
    assert found(lantern, "清河") == [patient]
    emptied = edit(lantern, patient, {"resourceType": "Patient", "name": [{"text": "欧阳小明"}]})
    assert emptied.code == 0
    bare = shown(lantern, patient)
    assert "telecom" not in bare
    assert bare["identifier"] == [before["identifier"][0]]


def test_what_was_shown_can_be_sent_back_unchanged(lantern: Lantern) -> None:
    patient = add(lantern)
    before = inventory(lantern)
    answer = edit(lantern, patient, shown(lantern, patient))
    assert (answer.code, answer.only["status"]) == (0, "ok")
    assert inventory(lantern) == before == {patient: answer.only["version"]}


def test_the_second_of_two_edits_is_kept_as_a_conflict(lantern: Lantern) -> None:
    patient = add(lantern)
    base = shown(lantern, patient)
    first = edit(lantern, patient, {**base, "address": [{"city": "清河村"}]})
    assert first.only["status"] == "ok"
    second = edit(lantern, patient, {**base, "telecom": [{"system": "phone", "value": "137 0000 0000"}]})
    assert second.code == 1
    assert second.only["status"] == "conflict"
    assert is_id(second.only["conflict"])
    assert second.only["reason"]
    assert second.only["version"] == first.only["version"]
    assert found(lantern, "清河") == [patient]
    assert found(lantern, "13700000000") == []
    assert lantern.run("verify").only["ok"]


def test_a_conflict_is_listed_and_settled(lantern: Lantern) -> None:
    patient = add(lantern)
    base = lantern.run("patients", "show", patient).only
    for number, village in enumerate(("河东", "河西")):
        path = lantern.file(f"{number}.json", json.dumps({**base, "address": [{"city": village}]}))
        lantern.run("patients", "edit", patient, "--input", path)
    listed = lantern.run("patients", "conflicts", patient)
    assert listed.code == 0
    assert listed.only.keys() == {"id", "patient", "edited", "author", "differing", "losing"}
    assert (listed.only["patient"], listed.only["differing"]) == (patient, ["village"])
    assert listed.only["losing"]["address"] == [{"city": "河西"}]
    assert listed.only["losing"]["meta"]["versionId"] == base["meta"]["versionId"]
    conflict = listed.only["id"]
    with pytest.raises(SystemExit) as usage:
        lantern.run("patients", "settle", conflict, "--take", "shoe_size")
    assert usage.value.code == 2
    settled = lantern.run("patients", "settle", conflict, "--take", "village")
    assert (settled.code, settled.only) == (0, {"id": conflict, "status": "ok", "patient": patient})
    assert lantern.run("patients", "show", patient).only["address"] == [{"city": "河西"}]
    assert lantern.run("patients", "conflicts", patient).lines == []
    again = lantern.run("patients", "settle", conflict)
    assert (again.code, again.only["kind"]) == (1, "bad_input")
    nothing = lantern.run("patients", "settle", "00000000-0000-4000-8000-000000000009")
    assert (nothing.code, nothing.only["kind"]) == (1, "not_found")
    assert lantern.run("verify").only["ok"] is True


def test_a_version_number_of_another_program_is_no_base(lantern: Lantern) -> None:
    patient = add(lantern)
    answer = edit(lantern, patient, {**CHILD, "meta": {"versionId": "7"}, "address": [{"city": "清河村"}]})
    assert (answer.code, answer.only["status"]) == (0, "ok")


def test_an_edit_that_cannot_be_is_said_in_words(lantern: Lantern) -> None:
    patient = add(lantern)
    before = inventory(lantern)
    nobody = edit(lantern, new_id(), CHILD)
    assert (nobody.code, nobody.only["kind"]) == (1, "not_found")
    nameless = edit(lantern, patient, {"resourceType": "Patient"})
    assert (nameless.code, nameless.only["kind"]) == (1, "bad_input")
    broken = lantern.run("patients", "edit", patient, "--input", lantern.file("broken.json", "{"))
    assert (broken.code, broken.only["kind"]) == (1, "bad_input")
    missing = lantern.run("patients", "edit", patient, "--input", lantern.folder / "missing.json")
    assert (missing.code, missing.only["kind"]) == (1, "not_found")
    assert inventory(lantern) == before


# Merging


def test_merging_and_undoing_it_is_the_identity(lantern: Lantern) -> None:
    keep, gone = add(lantern), add(lantern, **SECOND)
    before = inventory(lantern)
    merged = lantern.run("patients", "merge", keep, gone)
    assert merged.code == 0
    assert is_id(merged.only["id"])
    assert (merged.only["status"], merged.only["kept"], merged.only["gone"]) == ("ok", keep, gone)
    assert "phones" in merged.only["taken"]
    for text in ("欧阳小明", "欧阳晓敏", "ouyangxiaomin", "13611112222", "S-2041"):
        assert found(lantern, text) == [keep], text
    assert inventory(lantern)[gone] == before[gone]
    assert shown(lantern, gone)["id"] == keep
    undone = lantern.run("patients", "unmerge", gone)
    assert (undone.code, undone.only["status"]) == (0, "ok")
    assert inventory(lantern) == before
    assert found(lantern, "欧阳晓敏") == [gone]


@pytest.mark.parametrize("by", ["merge", "keep"])
def test_a_merge_can_be_named_in_other_ways(lantern: Lantern, by: str) -> None:
    keep, gone = add(lantern), add(lantern, **SECOND)
    before = inventory(lantern)
    merge = lantern.run("patients", "merge", keep, gone).only["id"]
    assert lantern.run("patients", "unmerge", {"merge": merge, "keep": keep}[by]).code == 0
    assert inventory(lantern) == before


def test_a_record_that_is_gone_names_the_one_that_stands_for_it(lantern: Lantern) -> None:
    keep, gone = add(lantern), add(lantern, **SECOND)
    lantern.run("patients", "merge", keep, gone)
    film = lantern.file("film.png", b"\x89PNG\r\n\x1a\n")
    for refused in (
        edit(lantern, gone, SECOND),
        lantern.run("patients", "merge", gone, keep),
        lantern.run("patients", "merge", keep, gone),
    ):
        assert (refused.code, refused.only["kind"]) == (1, "bad_input")
        assert keep in refused.only["message"]
        assert "欧阳" not in refused.only["message"] + refused.errors
    imported = lantern.run("import", film, "--patient", gone)
    assert imported.code == 1
    assert imported.only["status"] == "error"


def test_what_cannot_be_merged_or_undone_is_said_in_words(lantern: Lantern) -> None:
    patient = add(lantern)
    for command, kind in (
        (("merge", patient, patient), "bad_input"),
        (("merge", patient, new_id()), "not_found"),
        (("merge", new_id(), patient), "not_found"),
        (("unmerge", patient), "bad_input"),
        (("unmerge", new_id()), "not_found"),
        (("show", new_id()), "not_found"),
    ):
        answer = lantern.run("patients", *command)
        assert (answer.code, answer.only["kind"]) == (1, kind), command
        assert answer.only["advice"]


def test_the_audit_trail_holds_no_name(lantern: Lantern) -> None:
    keep, gone = add(lantern), add(lantern, **SECOND)
    lantern.run("patients", "merge", keep, gone)
    lantern.run("patients", "unmerge", gone)
    out = lantern.folder / "audit.jsonl"
    assert lantern.run("audit", "export", "--out", out).code == 0
    text = out.read_text(encoding="utf-8")
    assert "merge_patients" in text
    assert not any(name in text for name in ("欧阳", "小明", "晓敏", "S-2041"))


# Another copy


def test_what_was_edited_in_another_copy_is_brought_in(lantern: Lantern) -> None:
    patient = add(lantern)
    copy = lantern.folder / "old disk"
    shutil.copytree(lantern.store, copy)
    assert edit(lantern, patient, {**CHILD, "address": [{"city": "清河村"}]}).code == 0
    resource = lantern.file(
        "there.json", json.dumps({**CHILD, "telecom": [{"system": "phone", "value": "137 0000 0000"}]})
    )
    assert main(["--store", str(copy), *lantern.words("patients", "edit", patient, "--input", resource)[2:]]) == 0
    brought = lantern.run("patients", "bring-in", copy)
    assert brought.code == 0
    assert brought.only.keys() == {"status", "added", "updated", "conflicts", "left"}
    assert (brought.only["added"], brought.only["updated"]) == ([], [])
    assert brought.only["left"] == {"visits": 0, "studies": 0}
    assert len(brought.only["conflicts"]) == 1
    assert lantern.run("patients", "bring-in", copy).only["conflicts"] == []
    missing = lantern.run("patients", "bring-in", lantern.folder / "nowhere")
    assert missing.code in (1, 3)
    assert missing.only["status"] == "error"
