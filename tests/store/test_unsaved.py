"""What was typed and not put on file."""

import contextlib
from datetime import timedelta

from sqlcipher3 import dbapi2

from desktop.records import EncounterId, PatientId, UserId
from desktop.store import Store, UnsavedEdit, UnsavedPatient, UnsavedVisit, canonical_bytes, migrations
from tests.store.helpers import NOW

LATER = NOW + timedelta(minutes=1)
ONE, OTHER = PatientId("one"), PatientId("other")
VISIT = UnsavedVisit(EncounterId("visit"), reason="cough", temperature="38.")


def user_of(store: Store) -> UserId:
    with store.snapshot() as tx:
        return tx.users.all()[0].id


def test_the_newest_form_is_kept_for_its_user_and_needs_no_audit_line(store: Store) -> None:
    user = user_of(store)
    with store.snapshot() as tx:
        lines = tx.audit.head()
        assert tx.unsaved.get(user, UnsavedPatient) is None
    for words, moment in (("Ai", NOW), ("Aisha", LATER)):
        with store.transaction() as tx:
            tx.unsaved.save(user, UnsavedPatient(name=words, birth="4"), now=moment)
    with store.snapshot() as tx:
        kept = tx.unsaved.get(user, UnsavedPatient)
        assert kept is not None
        assert (kept.form, kept.patient, kept.saved) == (UnsavedPatient(name="Aisha", birth="4"), None, LATER)
        assert tx.audit.head() == lines
    with store.transaction() as tx:
        tx.unsaved.clear(user, UnsavedPatient)
        assert tx.unsaved.get(user, UnsavedPatient) is None


def test_each_patient_and_each_kind_has_a_form_of_its_own(store: Store) -> None:
    user = user_of(store)
    edit = UnsavedEdit("ab12", UnsavedPatient(village="石桥"))
    with store.transaction() as tx:
        tx.unsaved.save(user, VISIT, ONE, now=NOW)
        tx.unsaved.save(user, VISIT, OTHER, now=LATER)
        tx.unsaved.save(user, edit, ONE, now=NOW)
        tx.unsaved.save(user, UnsavedPatient(name="Ai"), now=NOW)
    with store.transaction() as tx:
        assert [kept.patient for kept in tx.unsaved.all(user, UnsavedVisit)] == [OTHER, ONE]
        tx.unsaved.clear(user, UnsavedVisit, ONE)
        assert [kept.patient for kept in tx.unsaved.all(user, UnsavedVisit)] == [OTHER]
        assert [kept.form for kept in tx.unsaved.all(user, UnsavedEdit)] == [edit]
        assert tx.unsaved.get(user, UnsavedEdit, OTHER) is None
        assert tx.unsaved.all(UserId("nobody"), UnsavedVisit) == []


def test_nothing_of_it_lies_on_the_disk_in_the_clear(store: Store) -> None:
    user = user_of(store)
    with store.transaction() as tx:
        tx.unsaved.save(user, UnsavedPatient(name="Aisha Mwangi-Findable"), now=NOW)
        tx.unsaved.save(user, UnsavedVisit(EncounterId("visit"), note="Findable crackles"), ONE, now=NOW)
    everything = b"".join(path.read_bytes() for path in store.folder.rglob("*") if path.is_file())
    assert b"Findable" not in everything


def test_a_registration_begun_in_an_earlier_release_is_still_there() -> None:
    with contextlib.closing(dbapi2.connect(":memory:", isolation_level=None)) as connection:
        migrations.create_first_tables(connection)
        migrations.keep_unsaved_patients(connection)
        form = canonical_bytes(UnsavedPatient(name="Amina"))
        connection.execute("INSERT INTO users VALUES ('li', 'Li', x'00', x'00')")
        connection.execute("INSERT INTO unsaved_patients VALUES ('li', ?, '2026-11-21T09:00:00')", (form,))
        migrations.keep_unsaved_edits_and_visits(connection)
        rows = connection.execute("SELECT user, kind, patient, form FROM unsaved_forms").fetchall()
        assert rows == [("li", "registration", "", form)]
