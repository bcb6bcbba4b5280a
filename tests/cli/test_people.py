"""Several people and one clinic, from the command line."""

import errno
import json
from pathlib import Path

import pytest

from desktop import workflow
from desktop.errors import ErrorKind, KnownFailure
from desktop.records import is_id
from desktop.store.membership import Membership
from desktop.vault import changes
from tests.cli.helpers import PASSPHRASE, Answer, Lantern
from tests.cli.test_clinic import add

NURSE = "a nurse's own words"


def secret(lantern: Lantern, words: str, name: str = "new-passphrase") -> Path:
    return lantern.file(name, words + "\nonly the first line counts\n")


def add_user(lantern: Lantern, name: str = "王芳", *roles: str, passphrase: str = NURSE) -> Answer:
    options = [word for role in (roles or ("nurse",)) for word in ("--role", role)]
    return lantern.run("users", "add", name, *options, "--new-passphrase-file", secret(lantern, passphrase))


def sign_in(lantern: Lantern, user: str, passphrase: str) -> None:
    lantern.user = user
    lantern.file("passphrase", passphrase + "\n")


def may_unlock(lantern: Lantern, user: str, passphrase: str) -> bool:
    before = lantern.user, (lantern.folder / "passphrase").read_text(encoding="utf-8")
    sign_in(lantern, user, passphrase)
    answer = lantern.run("users", "passphrase", "--new-passphrase-file", secret(lantern, passphrase))
    lantern.user = before[0]
    lantern.file("passphrase", before[1])
    if answer.code == 0:
        return True
    assert (answer.code, answer.only["kind"]) == (3, "unlock")
    return False


def info(lantern: Lantern) -> dict[str, object]:
    return lantern.run("clinic", "info").only


def test_adding_answers_with_the_user_and_lets_them_in(lantern: Lantern) -> None:
    made = add_user(lantern, "王芳", "nurse", "technician")
    assert made.code == 0, made
    assert is_id(made.only["id"])
    assert made.only == {
        "id": made.only["id"],
        "user": "王芳",
        "roles": ["nurse", "technician"],
        "disabled": False,
    }
    assert may_unlock(lantern, "王芳", NURSE)
    assert not may_unlock(lantern, "王芳", PASSPHRASE)
    listed = lantern.run("users", "list")
    assert [line["user"] for line in listed.lines] == ["li", "王芳"]
    assert listed.lines[0]["roles"] == ["doctor", "administrator"]
    assert all(line.keys() == {"id", "user", "roles", "disabled"} for line in listed.lines)
    assert lantern.run("verify").only["ok"] is True


@pytest.mark.parametrize("name", ["li", "LI", "Ｌｉ", " li "])
def test_a_name_is_given_once(lantern: Lantern, name: str) -> None:
    refused = add_user(lantern, name)
    assert (refused.code, refused.only["kind"]) == (1, "bad_input")
    assert len(lantern.run("users", "list").lines) == 1


def test_what_makes_no_user_is_refused(lantern: Lantern) -> None:
    assert add_user(lantern, passphrase="short").only["kind"] == "bad_input"
    for name in ("   ", "x" * 81, "a\nb", "a\x07", "\udcff"):
        assert add_user(lantern, name).only["kind"] == "bad_input", name
    missing = lantern.run(
        "users", "add", "x", "--role", "nurse", "--new-passphrase-file", lantern.folder / "no such file"
    )
    assert (missing.code, missing.only["kind"]) == (1, "not_found")
    without = lantern.run("users", "add", "x", "--role", "nurse")
    assert (without.code, without.only["kind"]) == (1, "bad_input")
    for words in (["--role", "surgeon"], []):
        with pytest.raises(SystemExit) as usage:
            lantern.run("users", "add", "x", *words, "--new-passphrase-file", secret(lantern, NURSE))
        assert usage.value.code == 2
    assert len(lantern.run("users", "list").lines) == 1


def test_a_nurse_manages_nobody_but_herself(lantern: Lantern) -> None:
    add_user(lantern)
    sign_in(lantern, "王芳", NURSE)
    new = secret(lantern, "another passphrase")
    for command in (
        ("users", "add", "x", "--role", "nurse", "--new-passphrase-file", new),
        ("users", "disable", "li"),
        ("users", "enable", "li", "--new-passphrase-file", new),
        ("users", "reset", "li", "--new-passphrase-file", new),
        ("users", "roles", "王芳", "--role", "administrator"),
        ("users", "list"),
        ("rekey",),
        ("clinic", "new-card", "--recovery-out", lantern.folder / "card-2.txt"),
    ):
        refused = lantern.run(*command)
        assert (refused.code, refused.only["kind"]) == (1, "permission"), command
    assert not (lantern.folder / "card-2.txt").exists()
    assert lantern.run("users", "passphrase", "--new-passphrase-file", new).only["user"] == "王芳"
    assert may_unlock(lantern, "王芳", "another passphrase")
    assert not may_unlock(lantern, "王芳", NURSE)


def test_a_disabled_user_is_refused_in_the_same_words_as_a_wrong_passphrase(lantern: Lantern) -> None:
    identity = add_user(lantern).only["id"]
    disabled = lantern.run("users", "disable", "王芳")
    assert disabled.code == 0
    assert disabled.only == {"id": identity, "user": "王芳", "roles": ["nurse"], "disabled": True}
    sign_in(lantern, "王芳", NURSE)
    gone = lantern.run("patients", "search", "x")
    sign_in(lantern, "li", "not the passphrase")
    wrong = lantern.run("patients", "search", "x")
    assert (gone.code, gone.lines) == (wrong.code, wrong.lines)
    assert gone.code == 3
    sign_in(lantern, "li", PASSPHRASE)
    assert lantern.run("users", "disable", "王芳").only["kind"] == "bad_input"
    assert lantern.run("users", "list").lines[1]["disabled"] is True
    enabled = lantern.run("users", "enable", "王芳", "--new-passphrase-file", secret(lantern, "welcome back")).only
    assert (enabled["id"], enabled["disabled"]) == (identity, False)
    assert may_unlock(lantern, "王芳", "welcome back")
    assert lantern.run("verify").only["ok"] is True


def test_nobody_disables_himself_and_one_administrator_stays(lantern: Lantern) -> None:
    assert lantern.run("users", "disable", "li").only["kind"] == "bad_input"
    assert lantern.run("users", "roles", "li", "--role", "doctor").only["kind"] == "bad_input"
    add_user(lantern, "second", "administrator")
    assert lantern.run("users", "roles", "li", "--role", "doctor").only["roles"] == ["doctor"]
    sign_in(lantern, "second", NURSE)
    assert lantern.run("users", "roles", "second", "--role", "auditor").only["kind"] == "bad_input"
    assert lantern.run("users", "disable", "li").only["disabled"] is True
    assert lantern.run("users", "disable", "nobody").only["kind"] == "not_found"


def test_the_card_alone_resets_a_passphrase(lantern: Lantern) -> None:
    add(lantern)
    reset = lantern.run(
        "users",
        "reset",
        "li",
        "--recovery-file",
        lantern.folder / "card.txt",
        "--new-passphrase-file",
        secret(lantern, "found again"),
    )
    assert reset.code == 0, reset
    assert (reset.only["user"], reset.only["disabled"]) == ("li", False)
    assert not may_unlock(lantern, "li", PASSPHRASE)
    sign_in(lantern, "li", "found again")
    assert lantern.run("verify").only["problems"] == []
    lines = lantern.run("users", "list").lines
    assert [line["roles"] for line in lines] == [["doctor", "administrator"]]


def test_the_card_needs_neither_user_nor_passphrase(lantern: Lantern, capsys: pytest.CaptureFixture[str]) -> None:
    from desktop.__main__ import main

    card, new = lantern.folder / "card.txt", secret(lantern, "found again")
    words = ["--store", lantern.store, "users", "reset", "li", "--recovery-file", card, "--new-passphrase-file", new]
    assert main([*map(str, words), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["user"] == "li"
    assert may_unlock(lantern, "li", "found again")


def test_a_wrong_card_is_named_and_changes_nothing(lantern: Lantern) -> None:
    before = (lantern.store / "keystore.json").read_bytes()
    code = (lantern.folder / "card.txt").read_text(encoding="utf-8").splitlines()[0]
    other = Lantern(lantern.folder / "two", lantern.capsys, lantern.monkeypatch)
    other.folder.mkdir()
    other.run("clinic", "create", "--name", "N", "--admin", "li", "--recovery-out", other.folder / "card.txt")
    mistyped = ("0" if code[0] != "0" else "1") + code[1:]
    for wrong in (mistyped, "", code[:-3], (other.folder / "card.txt").read_text(encoding="utf-8")):
        refused = lantern.run(
            "users",
            "reset",
            "li",
            "--recovery-file",
            lantern.file("wrong.txt", wrong),
            "--new-passphrase-file",
            secret(lantern, "found again"),
        )
        assert (refused.code, refused.only["kind"]) == (1, "wrong_recovery_card"), wrong
    assert (lantern.store / "keystore.json").read_bytes() == before
    nobody = lantern.run(
        "users",
        "reset",
        "nobody",
        "--recovery-file",
        lantern.folder / "card.txt",
        "--new-passphrase-file",
        secret(lantern, "found again"),
    )
    assert (nobody.code, nobody.only["kind"]) == (1, "not_found")


def test_an_administrator_resets_somebody_without_the_card(lantern: Lantern) -> None:
    add_user(lantern)
    assert lantern.run("users", "reset", "王芳", "--new-passphrase-file", secret(lantern, "given anew")).code == 0
    assert may_unlock(lantern, "王芳", "given anew")
    assert not may_unlock(lantern, "王芳", NURSE)
    lantern.run("users", "disable", "王芳")
    assert (
        lantern.run("users", "reset", "王芳", "--new-passphrase-file", secret(lantern, "given anew")).only["kind"]
        == "bad_input"
    )


def test_the_keystore_says_who_and_at_what_cost(lantern: Lantern) -> None:
    add_user(lantern)
    for name in info(lantern)["files"]["keystores"]:  # type: ignore[index]  # as documented
        slots = json.loads((lantern.store / name).read_text(encoding="utf-8"))["slots"]
        assert [slot["user"] for slot in slots] == ["li", "王芳"]
        assert all(slot["kdf"].keys() >= {"memory_kib", "time", "lanes"} for slot in slots)


def test_info_needs_no_passphrase_and_names_files_that_are_there(lantern: Lantern) -> None:
    identity = add(lantern)
    sign_in(lantern, "nobody", "wrong")
    said = lantern.run("clinic", "info")
    assert said.code == 0
    assert said.only.keys() == {"store_id", "format", "epoch", "files"}
    assert is_id(said.only["store_id"])
    assert said.only["epoch"] == 1
    files = said.only["files"]
    assert files.keys() == {"database", "keystores", "attachments", "audit_heads"}
    assert len(files["keystores"]) == 2
    for name in (files["database"], files["audit_heads"], *files["keystores"]):
        assert not Path(name).is_absolute()
        assert (lantern.store / name).is_file()
    assert not Path(files["attachments"]).is_absolute()
    assert (lantern.store / files["attachments"]).is_dir()
    assert identity


def test_info_of_nothing_is_not_found(empty: Lantern) -> None:
    nothing = empty.run("clinic", "info")
    assert (nothing.code, nothing.only["kind"]) == (1, "not_found")


def test_key_files_of_a_newer_lantern_are_not_called_damaged(lantern: Lantern) -> None:
    for name in ("keystore.json", "keystore.copy.json"):
        path = lantern.store / name
        path.write_bytes(path.read_bytes().replace(b'"version": 1', b'"version": 2'))
    for command, code in ((("clinic", "info"), 1), (("users", "list"), 3)):
        said = lantern.run(*command)
        assert said.code == code
        assert "newer Lantern" in said.only["message"]
        assert "Install the newer version" in said.only["advice"]
    checked = lantern.run("verify")
    assert checked.code == 1
    assert [(problem["kind"], "newer Lantern" in problem["message"]) for problem in checked.only["problems"]] == [
        ("keystore", True)
    ]


def test_a_new_epoch_keeps_everything_and_everybody(lantern: Lantern) -> None:
    identity = add(lantern)
    add_user(lantern)
    before = info(lantern)["files"]
    answer = lantern.run("rekey")
    assert answer.code == 0, answer
    assert answer.only["epoch"] == 2
    assert answer.errors
    after = info(lantern)
    assert after["epoch"] == 2
    assert (lantern.store / after["files"]["database"]).is_file()  # type: ignore[index]  # as documented
    assert not (lantern.store / before["database"]).exists()  # type: ignore[index]  # as documented
    assert [hit["id"] for hit in lantern.run("patients", "search", "欧阳").only["patients"]] == [identity]
    assert may_unlock(lantern, "王芳", NURSE)
    verified = lantern.run("verify").only
    assert (verified["ok"], verified["problems"]) == (True, [])
    assert lantern.run("rekey").only["epoch"] == 3
    reset = lantern.run(
        "users",
        "reset",
        "li",
        "--recovery-file",
        lantern.folder / "card.txt",
        "--new-passphrase-file",
        secret(lantern, "found again"),
    )
    assert reset.code == 0
    sign_in(lantern, "li", "found again")
    assert lantern.run("verify").only["ok"] is True


def test_a_new_card_replaces_the_old_one(lantern: Lantern) -> None:
    old, new = lantern.folder / "card.txt", lantern.folder / "card-2.txt"
    taken = lantern.run("clinic", "new-card", "--recovery-out", old)
    assert (taken.code, taken.only["kind"]) == (1, "not_empty")
    assert lantern.run("clinic", "new-card", "--recovery-out", new).code == 0
    passphrase = secret(lantern, "found again")
    refused = lantern.run("users", "reset", "li", "--recovery-file", old, "--new-passphrase-file", passphrase)
    assert refused.only["kind"] == "wrong_recovery_card"
    assert lantern.run("users", "reset", "li", "--recovery-file", new, "--new-passphrase-file", passphrase).code == 0


def test_a_replaced_card_and_a_copy_of_the_former_key_change_nothing(lantern: Lantern) -> None:
    """Two power cuts between the copies: the second file is from before the new card and the new key."""
    old, twin = lantern.folder / "card.txt", lantern.store / "keystore.copy.json"
    former = twin.read_bytes()
    assert lantern.run("clinic", "new-card", "--recovery-out", lantern.folder / "card-2.txt").code == 0
    assert lantern.run("rekey").code == 0
    twin.write_bytes(former)
    before = (lantern.store / "keystore.json").read_bytes()
    passphrase = secret(lantern, "found again")
    refused = lantern.run("users", "reset", "li", "--recovery-file", old, "--new-passphrase-file", passphrase)
    assert (refused.code, refused.only["kind"]) == (3, "unlock")
    assert (lantern.store / "keystore.json").read_bytes() == before
    assert not may_unlock(lantern, "li", "found again")
    assert may_unlock(lantern, "li", PASSPHRASE)


def test_a_card_that_was_not_taken_leaves_no_file_and_one_that_was_stays(
    lantern: Lantern, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = lantern.folder / "card.txt", lantern.folder / "card-2.txt"

    def full(*_words: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(changes, "write_copies", full)
        refused = lantern.run("clinic", "new-card", "--recovery-out", new)
    assert (refused.code, refused.only["kind"]) == (1, "disk_full")
    assert "Nothing was changed" in refused.only["message"]
    assert not new.exists()
    with monkeypatch.context() as patch:
        patch.setattr(Membership, "take_over", full)
        held = lantern.run("clinic", "new-card", "--recovery-out", new)
    assert (held.code, held.only["kind"]) == (1, "disk_full")
    assert "The new recovery card holds" in held.only["message"]
    passphrase = secret(lantern, "found again")
    refused = lantern.run("users", "reset", "li", "--recovery-file", old, "--new-passphrase-file", passphrase)
    assert refused.only["kind"] == "wrong_recovery_card"
    assert lantern.run("users", "reset", "li", "--recovery-file", new, "--new-passphrase-file", passphrase).code == 0


def test_a_new_key_holds_although_stored_files_could_not_follow(
    lantern: Lantern, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_words: object, **_more: object) -> int:
        raise KnownFailure("error.disk_full", kind=ErrorKind.DISK_FULL)

    with monkeypatch.context() as patch:
        patch.setattr(workflow.people, "reseal_attachments", full)
        held = lantern.run("rekey")
    assert (held.code, held.only["kind"]) == (1, "disk_full")
    assert "epoch 2" in held.only["message"]
    assert "Nothing was changed" not in held.only["message"]
    assert info(lantern)["epoch"] == 2


def test_no_name_and_no_secret_reaches_standard_error_or_the_audit_trail(lantern: Lantern) -> None:
    said = [
        add_user(lantern),
        lantern.run("users", "disable", "王芳"),
        lantern.run("users", "reset", "王芳", "--new-passphrase-file", secret(lantern, "given anew")),
        lantern.run("rekey"),
    ]
    assert all("王芳" not in answer.errors and "given anew" not in answer.errors for answer in said)
