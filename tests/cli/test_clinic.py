"""Clinics and patients from the command line."""

import json
import os
from pathlib import Path

import pytest

from desktop.records import is_id
from tests.cli.helpers import Lantern

CHILD = {
    "resourceType": "Patient",
    "name": [{"text": "欧阳小明"}, {"family": "Ouyang", "given": ["Xiaoming"]}],
    "gender": "male",
    "birthDate": "2023-05-07",
    "telecom": [{"system": "phone", "value": "13900001234"}],
    "address": [{"city": "石桥村"}],
    "identifier": [{"system": "urn:card", "value": "A-7788"}],
}


def add(lantern: Lantern, **changed: object) -> str:
    path = lantern.file("patient.json", json.dumps({**CHILD, **changed}, ensure_ascii=False))
    answer = lantern.run("patients", "add", "--input", path)
    assert answer.code == 0, answer
    return str(answer.only["id"])


def test_creating_answers_with_an_id_and_leaves_a_card(empty: Lantern) -> None:
    card = empty.folder / "card.txt"
    answer = empty.run("clinic", "create", "--name", "N", "--admin", "li", "--recovery-out", card)
    assert answer.code == 0
    assert is_id(answer.only["id"])
    assert card.read_text(encoding="utf-8").splitlines()[0].strip()
    if os.name == "posix":
        assert card.stat().st_mode & 0o077 == 0


def test_an_existing_card_or_store_is_never_overwritten(lantern: Lantern) -> None:
    card = lantern.folder / "card.txt"
    before = card.read_bytes()
    lantern_two = Lantern(lantern.folder / "two", lantern.capsys, lantern.monkeypatch)
    lantern_two.folder.mkdir()
    refused = lantern_two.run("clinic", "create", "--name", "N", "--admin", "li", "--recovery-out", card)
    assert (refused.code, refused.only["kind"]) == (1, "not_empty")
    assert not lantern_two.store.exists()
    refused = lantern.run("clinic", "create", "--name", "N", "--admin", "x", "--recovery-out", lantern.folder / "c2")
    assert (refused.code, refused.only["kind"]) == (1, "not_empty")
    assert card.read_bytes() == before
    assert not (lantern.folder / "c2").exists()


def test_nothing_is_left_where_creating_fails(empty: Lantern) -> None:
    missing = empty.folder / "no such folder" / "card.txt"
    refused = empty.run("clinic", "create", "--name", "N", "--admin", "li", "--recovery-out", missing)
    assert (refused.code, refused.only["status"]) == (1, "error")
    assert {path.name for path in empty.folder.iterdir()} == {"passphrase"}


def test_a_wrong_passphrase_and_a_wrong_name_exit_with_three(lantern: Lantern) -> None:
    (lantern.folder / "passphrase").write_text("not the passphrase", encoding="utf-8")
    wrong = lantern.run("patients", "search", "x")
    assert (wrong.code, wrong.only["status"], wrong.only["kind"]) == (3, "error", "unlock")
    assert wrong.only["message"]
    assert wrong.only["advice"]
    lantern.user = "nobody"
    assert lantern.run("patients", "search", "x").code == 3


def test_a_folder_without_a_clinic_is_not_found_and_stays_as_it_was(empty: Lantern) -> None:
    answer = empty.run("patients", "search", "x")
    assert (answer.code, answer.only["kind"]) == (1, "not_found")
    assert not empty.store.exists()


def test_a_patient_is_found_by_every_way_of_asking(lantern: Lantern) -> None:
    patient = add(lantern)
    queries = ["欧阳", "小明", "ouyang", "oyxm", "Xiaoming", "1234", "7788", "石桥", "欧", "shiqiao 欧阳"]
    answer = lantern.run("patients", "search", "--batch", stdin="\n".join(queries) + "\n")
    assert [line["query"] for line in answer.lines] == queries
    for line in answer.lines:
        assert [hit["id"] for hit in line["patients"]] == [patient], line["query"]
        hit = line["patients"][0]
        assert (hit["name"], hit["birthDate"]) == ("欧阳小明", "2023-05-07")
        assert hit["why"]
    assert lantern.run("patients", "search", "nobody").only["patients"] == []


def test_a_second_child_of_that_name_is_registered_and_the_first_is_named(lantern: Lantern) -> None:
    first = add(lantern)
    path = lantern.file("again.json", json.dumps(CHILD))
    again = lantern.run("patients", "add", "--input", path)
    assert again.code == 0
    assert again.only["status"] == "ok"
    assert [candidate["id"] for candidate in again.only["duplicates"]] == [first]
    assert again.only["duplicates"][0]["reasons"]


def test_a_batch_answers_each_line_and_goes_on_after_a_bad_one(lantern: Lantern) -> None:
    lines = [json.dumps(CHILD), "{nonsense", json.dumps({"resourceType": "Patient"}), json.dumps(CHILD)]
    answer = lantern.run("patients", "add", "--batch", stdin="\n".join(lines) + "\n")
    assert answer.code == 1
    assert [line["line"] for line in answer.lines] == [1, 2, 3, 4]
    assert [line["status"] for line in answer.lines] == ["ok", "error", "error", "ok"]
    assert all({"line", "status", "id", "duplicates"} <= line.keys() for line in answer.lines)


def test_no_name_reaches_standard_error(lantern: Lantern) -> None:
    add(lantern)
    said = [
        lantern.run("patients", "add", "--batch", stdin='{"resourceType": "Patient", "name": "欧阳小明"}\n'),
        lantern.run("patients", "search", "欧阳小明"),
        lantern.run("import", "欧阳小明.png", "--patient", "nobody"),
        lantern.run("verify"),
    ]
    assert all("欧阳" not in answer.errors for answer in said)


def test_a_healthy_clinic_verifies(lantern: Lantern) -> None:
    add(lantern)
    answer = lantern.run("verify")
    assert (answer.code, answer.only["ok"], answer.only["problems"]) == (0, True, [])
    assert "notes" in answer.only


def test_verify_names_a_failed_unlock_and_a_missing_database(lantern: Lantern) -> None:
    (lantern.folder / "passphrase").write_text("wrong", encoding="utf-8")
    wrong = lantern.run("verify")
    assert (wrong.code, wrong.only["ok"]) == (1, False)
    assert [problem["kind"] for problem in wrong.only["problems"]] == ["unlock"]


@pytest.mark.full_keys
@pytest.mark.slow
def test_the_program_itself_speaks_utf8_json_and_nothing_else(lantern: Lantern) -> None:
    add(lantern)
    lantern.monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    answer = lantern.spawn("patients", "search", "--batch", stdin="\ufeff欧阳\n")
    assert answer.code == 0
    assert answer.only["query"] == "欧阳"
    assert answer.only["patients"][0]["name"] == "欧阳小明"
    assert Path(lantern.store).is_dir()


def test_ids_and_names_that_are_no_text_are_refused_in_words(lantern: Lantern) -> None:
    odd = "\udcff"
    for command in (
        ("patients", "show", odd),
        ("patients", "merge", odd, odd),
        ("patients", "unmerge", odd),
        ("patients", "edit", odd, "--input", lantern.file("p.json", "{}")),
        ("import", "film.png", "--patient", odd),
        ("suggestions", "list", "--study", odd),
        ("report", "export", odd, "--format", "fhir", "--out", lantern.folder / "o.json"),
        ("backup", lantern.folder / odd),
    ):
        refused = lantern.run(*command)
        assert (refused.code, refused.only["kind"]) == (1, "bad_input"), command
        assert "not UTF-8" in refused.only["message"], command
    for name in (f"N{odd}", "N\x07", "N\nM"):
        refused = lantern.run(
            "--store",
            str(lantern.folder / "two"),
            "clinic",
            "create",
            "--name",
            name,
            "--admin",
            "li",
            "--recovery-out",
            lantern.folder / "two.txt",
        )
        assert (refused.code, refused.only["kind"]) == (1, "bad_input"), name
    assert not (lantern.folder / "two").exists()
    checked = lantern.run("verify", "--batch", stdin=f"a\x00b\n{odd}\n{lantern.store}\n")
    assert [line["ok"] for line in checked.lines] == [False, False, True]


def test_what_is_no_utf8_is_answered_in_utf8_all_the_same(lantern: Lantern) -> None:
    answer = lantern.run("patients", "search", "--batch", stdin="\udcff\n")
    assert answer.only["query"] == "\udcff"
    refused = lantern.run(
        "patients", "add", "--batch", stdin='{"resourceType": "Patient", "name": [{"text": "\\ud800"}]}\n'
    )
    assert (refused.code, refused.only["kind"]) == (1, "bad_input")
