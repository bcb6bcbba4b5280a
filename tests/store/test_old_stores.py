"""Stores of earlier releases open, migrate and keep everything; how each was made is told beside it."""

import contextlib
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from desktop import vault
from desktop.jobs import Job
from desktop.records import AttachmentId, PatientId, ReportId, StudyId
from desktop.store import Store
from desktop.store.database import connect, value
from desktop.store.migrations import MIGRATIONS

OLD_STORES = Path(__file__).resolve().parents[1] / "old_stores"
USER = "li"
PASSPHRASE = "lantern-demo"

CHILD = PatientId("64ad9b5a-9cfc-4b13-8505-f946cee9d8f0")
CARDS = {CHILD: "0000013", "89421a32-20de-44f3-b6ce-66638735ec29": "0000021"}
STUDY = StudyId("86c3f73d-abdc-42d5-b0c1-f23648a205dd")
FILM = AttachmentId("cf13fe62-4dd4-4ea6-9fc4-6b155e0404b7")
FILM_SHA256 = "7bcf52d0c479c6bf2967aac7b0922933c13bd113dbd4c60f17387c3907e5e5f0"
REPORT = ReportId("8d0e69e2-1afe-4826-9766-0b5a71cb62a0")
REPORT_SHA256 = "9148268fdceb1a05cb2e1c7220e703adc75d6bdcba068082eb3415ebd8b8f49e"
LAST_LINE = (28, "6324f2ee96e39b138c2b742585555657bdeba358c14c6a1892725af4db6cf18b")


@pytest.fixture(scope="module", params=sorted(path.name for path in OLD_STORES.glob("*.zip")))
def released(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a released store, untouched."""
    folder = tmp_path_factory.mktemp("old")
    with zipfile.ZipFile(OLD_STORES / request.param) as archive:
        archive.extractall(folder)
    return folder / str(request.param).removesuffix(".zip")


@pytest.fixture(scope="module")
def keys(released: Path) -> Iterator[vault.Unlocked]:
    with contextlib.closing(vault.unlock(released, USER, PASSPHRASE)) as unlocked:
        yield unlocked


@pytest.fixture(scope="module")
def migrated(released: Path, keys: vault.Unlocked) -> Iterator[Store]:
    """That store, opened by today's program."""
    with contextlib.closing(connect(released / "clinic.db", keys.master.derive("db"))) as before:
        assert value(before, "PRAGMA user_version") < len(MIGRATIONS)
    with Store.open(released, keys) as store:
        yield store


def test_the_form_is_the_newest(migrated: Store, released: Path, keys: vault.Unlocked) -> None:
    with contextlib.closing(connect(released / "clinic.db", keys.master.derive("db"))) as now:
        assert value(now, "PRAGMA user_version") == len(MIGRATIONS)


def test_nothing_is_wrong_with_it(migrated: Store) -> None:
    found = migrated.verify(Job())
    assert [(problem.where, problem.key) for problem in found.problems] == []
    assert found.counts["patients"] == 3


def test_everything_is_still_there(migrated: Store) -> None:
    with migrated.snapshot() as tx:
        assert {patient: tx.patients.get(PatientId(patient)).card_number for patient in CARDS} == CARDS
        child = tx.patients.get(CHILD)
        assert (child.display_name, child.village, str(child.birth_date)) == ("欧阳小明", "石桥村", "2023-05-07")
        assert [allergy.substance for allergy in child.allergies] == ["青霉素"]
        assert [summary.study.id for summary in tx.studies.for_patient(CHILD)] == [STUDY]
        assert len(tx.impressions.for_study(STUDY)) == 1
        assert len(tx.reviews.for_study(STUDY)) == 1
        (suggestion,) = tx.suggestions.for_study(STUDY)
        assert [finding.key for finding in suggestion.analysis.findings] == ["pneumonia"]
        assert tx.reports.get(REPORT).sha256 == REPORT_SHA256
        assert hashlib.sha256(tx.reports.canonical(REPORT)).hexdigest() == REPORT_SHA256
        chain = {(entry.sequence, entry.hash) for entry in tx.audit.entries(1000)}
    assert LAST_LINE in chain
    assert hashlib.sha256(migrated.attachments.read(FILM)).hexdigest() == FILM_SHA256


@pytest.mark.parametrize("text", ["小明", "oyxm", "ouyang", "1234", "石桥", "2041"])
def test_people_are_found_as_before(migrated: Store, text: str) -> None:
    with migrated.snapshot() as tx:
        assert CHILD in [match.patient.id for match in tx.patients.search(text)]


def test_a_migration_that_fails_leaves_the_old_store(
    tmp_path: Path, released: Path, keys: vault.Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(OLD_STORES / f"{released.name}.zip") as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / released.name

    def fails(connection: object) -> None:
        raise dbapi2.OperationalError("database or disk is full")

    monkeypatch.setattr("desktop.store.migrations.MIGRATIONS", (*MIGRATIONS[:3], fails))
    with contextlib.suppress(Exception):
        Store.open(folder, keys)
    with contextlib.closing(connect(folder / "clinic.db", keys.master.derive("db"))) as now:
        assert value(now, "PRAGMA user_version") == 1
    monkeypatch.undo()
    with Store.open(folder, keys) as store:
        assert store.verify(Job()).ok
