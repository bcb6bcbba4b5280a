"""Names of files by key epoch, and which files belong to which."""

from pathlib import Path

import pytest

from desktop.store.places import StoreFiles, anything_present, epochs_present, files_of_other_epochs


def test_the_first_epoch_keeps_the_names_of_the_first_release() -> None:
    files = StoreFiles(Path("c"))
    names = (files.database, files.heads, files.lock, files.attachments)
    assert [path.name for path in names] == ["clinic.db", "audit-heads.jsonl", "clinic.lock", "att"]


def test_later_epochs_are_numbered_and_share_lock_and_attachments() -> None:
    first, third = StoreFiles(Path("c"), 1), StoreFiles(Path("c"), 3)
    assert (third.database.name, third.heads.name) == ("clinic-3.db", "audit-heads-3.jsonl")
    assert (third.lock, third.attachments) == (first.lock, first.attachments)
    assert third.unfinished_database.name == "clinic-3.db.new"
    with pytest.raises(ValueError):
        StoreFiles(Path("c"), 0)


def test_other_epochs_files_are_told_from_the_current_ones_and_from_strangers(tmp_path: Path) -> None:
    current = {"clinic-2.db", "clinic-2.db-wal", "clinic-2.db-shm", "audit-heads-2.jsonl", "clinic-2.db.before-3"}
    others = {
        "clinic.db",
        "clinic.db-wal",
        "audit-heads.jsonl",
        "clinic-3.db",
        "clinic-3.db.new",
        "clinic-2.db.new-wal",
        "clinic.db.before-1",
    }
    strangers = {"clinic-1.db", "clinic-007.db", "clinic-0.db", "clinic.db.bak", "my clinic.db", "keystore.json"}
    for name in current | others | strangers:
        (tmp_path / name).touch()
    assert {path.name for path in files_of_other_epochs(tmp_path, 2)} == others
    assert epochs_present(tmp_path) == (1, 2, 3)


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("clinic.db", True),
        ("clinic-2.db", True),
        ("audit-heads-4.jsonl", True),
        ("att", True),
        ("clinic.db.new", False),
    ],
)
def test_an_interrupted_creation_is_no_clinic(tmp_path: Path, name: str, there: bool) -> None:
    (tmp_path / name).touch()
    assert anything_present(tmp_path) is there
    assert not anything_present(tmp_path / "elsewhere")
