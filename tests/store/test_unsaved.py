"""What was typed about a new patient and not put on file."""

from datetime import timedelta

from desktop.records import UserId
from desktop.store import Store, UnsavedPatient
from tests.store.helpers import NOW


def user_of(store: Store) -> UserId:
    with store.snapshot() as tx:
        return tx.users.all()[0].id


def test_the_newest_form_is_kept_for_its_user_and_needs_no_audit_line(store: Store) -> None:
    user = user_of(store)
    with store.snapshot() as tx:
        lines = tx.audit.head()
        assert tx.unsaved_patients.get(user) is None
    later = NOW + timedelta(minutes=1)
    for words, moment in (("Ai", NOW), ("Aisha", later)):
        with store.transaction() as tx:
            tx.unsaved_patients.save(user, UnsavedPatient(name=words, birth="4"), now=moment)
    with store.snapshot() as tx:
        assert tx.unsaved_patients.get(user) == (UnsavedPatient(name="Aisha", birth="4"), later)
        assert tx.audit.head() == lines
    with store.transaction() as tx:
        tx.unsaved_patients.clear(user)
        assert tx.unsaved_patients.get(user) is None


def test_nothing_of_it_lies_on_the_disk_in_the_clear(store: Store) -> None:
    user = user_of(store)
    with store.transaction() as tx:
        tx.unsaved_patients.save(user, UnsavedPatient(name="Aisha Mwangi-Findable"), now=NOW)
    everything = b"".join(path.read_bytes() for path in store.folder.rglob("*") if path.is_file())
    assert b"Findable" not in everything
