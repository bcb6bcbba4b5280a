"""Key images and imported drawings: what is on record, and that it only grows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop import vault
from desktop.errors import UserFacingError
from desktop.records import (
    AnnotationId,
    AnnotationKind,
    AuditAction,
    ImportedDrawing,
    ImportedMarks,
    InstanceId,
    KeyImage,
    KeyImageId,
    MarkedPicture,
    MarksFormat,
    MarksId,
    UserId,
    new_id,
)
from desktop.store import Store
from tests.store.helpers import NOW, Read, add_patient, patient, read_a_film

AUTHOR = UserId("tester")


def key_image(read: Read, frame: int = 1) -> KeyImage:
    return KeyImage(KeyImageId(new_id()), read.instance.id, AUTHOR, NOW, frame=frame)


def imported(read: Read) -> ImportedMarks:
    drawing = ImportedDrawing(
        AnnotationId(new_id()), "1.2.3.4", ((1.5, 2.0), (3.25, 4.0)), AnnotationKind.LENGTH, stated=("12.3 mm",)
    )
    return ImportedMarks(
        MarksId(new_id()),
        read.patient.id,
        read.attachment.id,
        "1.2.3",
        MarksFormat.PRESENTATION,
        "PACS of the county",
        AUTHOR,
        NOW,
        drawings=(drawing,),
        key_images=(MarkedPicture("1.2.3.4", 2),),
    )


def test_a_key_image_holds_until_it_is_taken_away(store: Store, keys: vault.Unlocked) -> None:
    read = read_a_film(store, keys)
    first, second = key_image(read), key_image(read, frame=7)
    with store.transaction() as tx:
        before = tx.key_images.for_instance(read.instance.id)
        tx.key_images.add(first)
        tx.key_images.add(second)
        tx.audit.add(AuditAction.MARK_KEY_IMAGE, first.id, actor=AUTHOR)
    with store.snapshot() as tx:
        assert tx.key_images.for_instance(read.instance.id) == [*before, first, second]
    with store.transaction() as tx:
        tx.key_images.add(replace(first, deleted=True))
        tx.audit.add(AuditAction.MARK_KEY_IMAGE, first.id, actor=AUTHOR)
    with store.snapshot() as tx:
        assert tx.key_images.for_instance(read.instance.id) == [*before, second]


def test_imported_marks_are_found_by_study_and_by_bytes(store: Store, keys: vault.Unlocked) -> None:
    read = read_a_film(store, keys)
    marks = imported(read)
    stranger = add_patient(store, patient("王五"))
    with store.transaction() as tx:
        tx.imported.add(marks)
        hidden = replace(marks, hidden=(marks.drawings[0].id,))
        tx.imported.add(hidden)
        tx.audit.add(AuditAction.IMPORT_MARKS, marks.id, actor=AUTHOR)
    with store.snapshot() as tx:
        assert tx.imported.get(marks.id) == hidden
        assert hidden in tx.imported.for_study(read.patient.id, "1.2.3")
        assert tx.imported.for_study(read.patient.id, "9.9") == []
        assert tx.imported.for_study(read.patient.id, "") == []
        assert tx.imported.for_study(stranger.id, "1.2.3") == []
        assert tx.imported.find_duplicate(read.patient.id, read.attachment.sha256) == hidden
        assert tx.imported.find_duplicate(stranger.id, read.attachment.sha256) is None
        with pytest.raises(UserFacingError, match="marks_not_found"):
            tx.imported.get(MarksId(new_id()))
    assert (marks.shown, hidden.shown) == (marks.drawings, ())


@pytest.mark.parametrize("table", ["key_images", "imported_marks"])
def test_neither_can_be_erased(store: Store, keys: vault.Unlocked, table: str) -> None:
    read = read_a_film(store, keys)
    with store.transaction() as tx:
        tx.key_images.add(key_image(read))
        tx.imported.add(imported(read))
        tx.audit.add(AuditAction.MARK_KEY_IMAGE, read.instance.id, actor=AUTHOR)
    with pytest.raises(Exception, match=r"not authorized|may only grow"), store.transaction() as tx:
        tx.key_images._rows.run(f"DELETE FROM {table}")


def test_frames_are_counted_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        KeyImage(KeyImageId(new_id()), InstanceId(new_id()), AUTHOR, NOW, frame=0)
    with pytest.raises(ValueError, match="from 1"):
        ImportedDrawing(AnnotationId(new_id()), "1.2", ((0.0, 0.0),), frame=0)
    with pytest.raises(ValueError, match="points"):
        ImportedDrawing(AnnotationId(new_id()), "1.2", ())
