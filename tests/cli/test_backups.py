"""`backup` and `restore` as a person or another program types them."""

import json
import shutil
from pathlib import Path

from PIL import Image

from tests.cli.helpers import Lantern

PATIENT = {"resourceType": "Patient", "name": [{"text": "金丝雀凤凰"}], "gender": "female", "birthDate": "2019-05-07"}


def at(lantern: Lantern, target: str) -> Lantern:
    """The command line of another store."""

    class Elsewhere(Lantern):
        @property
        def store(self) -> Path:
            return self.folder / target

    return Elsewhere(lantern.folder, lantern.capsys, lantern.monkeypatch)


def test_there_and_back(lantern: Lantern) -> None:
    added = lantern.run("patients", "add", "--input", lantern.file("patient.json", json.dumps(PATIENT))).only
    stick = lantern.folder / "stick"
    made = lantern.run("backup", stick)
    assert made.code == 0
    assert made.only.keys() == {"path", "verified", "counts", "problems"}
    assert made.only["verified"] is True
    assert made.only["counts"] == {"patients": 1, "attachments": 0, "reports": 0}
    folder = Path(made.only["path"])
    assert folder.parent == stick
    second = Path(lantern.run("backup", stick).only["path"])
    assert {folder, second} == set(stick.iterdir())
    shutil.move(lantern.store, lantern.folder / "lost")
    again = at(lantern, "again")
    done = again.run("restore", folder, "--recovery-file", lantern.folder / "card.txt")
    assert done.code == 0, done
    assert done.only.keys() == {"id", "counts", "audit", "verified", "problems"}
    assert (done.only["counts"], done.only["verified"]) == (made.only["counts"], True)
    checked = again.run("verify")
    assert (checked.code, checked.only["ok"], checked.only["notes"]) == (0, True, [])
    assert checked.only["audit"]["seq"] >= done.only["audit"]["seq"]
    found = again.run("patients", "search", "金丝雀")
    assert [patient["id"] for patient in found.only["patients"]] == [added["id"]]


def test_refusals_have_their_kinds(lantern: Lantern) -> None:
    folder = Path(lantern.run("backup", lantern.folder / "stick").only["path"])
    again = at(lantern, "again")
    lantern.file("other.txt", "2ERM1-SKZZP-YP7Y3-3MY7C-K2K6D-X0P52-KZ72F\n")
    lantern.file("typo.txt", "not a card\n")
    cut = lantern.folder / "cut"
    shutil.copytree(folder, cut)
    (cut / "database").write_bytes((cut / "database").read_bytes()[:-1])
    (lantern.folder / "empty").mkdir()
    cases = [
        (lantern, folder, "card.txt", "not_empty"),
        (again, folder, "other.txt", "wrong_recovery_card"),
        (again, folder, "typo.txt", "wrong_recovery_card"),
        (again, cut, "card.txt", "backup_damaged"),
        (again, cut, "typo.txt", "backup_damaged"),
        (again, lantern.folder / "empty", "card.txt", "not_a_backup"),
        (again, lantern.store, "card.txt", "not_a_backup"),
        (again, folder, "nowhere.txt", "not_found"),
    ]
    for where, source, card, kind in cases:
        told = where.run("restore", source, "--recovery-file", lantern.folder / card)
        assert (told.code, told.only["status"], told.only["kind"]) == (1, "error", kind), told
        assert told.only["message"]
        assert told.only["advice"]
    assert not (lantern.folder / "again").exists()
    assert lantern.run("verify").code == 0


def test_backup_refuses_in_words_and_needs_an_unlock(lantern: Lantern) -> None:
    assert lantern.run("backup", lantern.folder / "no" / "stick").only["kind"] == "not_found"
    assert lantern.run("backup", lantern.store / "stick").only["kind"] == "bad_input"
    lantern.file("passphrase", "wrong one altogether\n")
    told = lantern.run("backup", lantern.folder / "stick")
    assert (told.code, told.only["kind"]) == (3, "unlock")
    assert not (lantern.folder / "stick").exists()


def test_what_the_clinic_lost_is_named(lantern: Lantern) -> None:
    owner = lantern.run("patients", "add", "--input", lantern.file("patient.json", json.dumps(PATIENT))).only["id"]
    Image.new("L", (64, 64), 90).save(lantern.folder / "film.png")
    imported = lantern.run("import", lantern.folder / "film.png", "--patient", owner).only
    (film,) = [path for path in (lantern.store / "att").rglob("*") if path.is_file()]
    data = bytearray(film.read_bytes())
    data[len(data) // 2] ^= 1
    film.write_bytes(data)
    made = lantern.run("backup", lantern.folder / "stick")
    assert (made.code, made.only["verified"]) == (1, False)
    (problem,) = made.only["problems"]
    assert problem["where"] == f"attachments/{imported['attachment']}"
    assert problem["advice"]
    again = at(lantern, "again")
    done = again.run("restore", made.only["path"], "--recovery-file", lantern.folder / "card.txt")
    assert (done.code, done.only["verified"]) == (1, False)
    assert [problem["kind"] for problem in done.only["problems"]] == ["attachment"]


def test_nothing_is_said_of_a_patient(lantern: Lantern) -> None:
    lantern.run("patients", "add", "--input", lantern.file("patient.json", json.dumps(PATIENT)))
    made = lantern.run("backup", lantern.folder / "stick")
    done = at(lantern, "again").run("restore", lantern.folder / "stick", "--recovery-file", lantern.folder / "card.txt")
    for answer in (made, done):
        assert answer.code == 0
        assert "金丝雀" not in answer.errors + json.dumps(answer.lines, ensure_ascii=False)
    for path in (lantern.folder / "stick").rglob("*"):
        assert not path.is_file() or "金丝雀".encode() not in path.read_bytes()
