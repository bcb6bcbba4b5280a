"""What was painted in volumes: the newest row holds, the older ones stay."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlcipher3 import dbapi2

from desktop import vault
from desktop.records import AuditAction, GridSource, Segment, Segmentation, SegmentationId, StudyId, UserId, new_id
from desktop.store.canonical import canonical_bytes, from_canonical
from desktop.store.store import Store
from tests.store.helpers import read_a_film

AUTHOR = UserId(new_id())
LIVER = Segment(1, "肝", (230, 159, 0), (0, 1, 2, 3, 4, 5), b"\x00\xff\x10", 12)


def painted(study: StudyId) -> Segmentation:
    return Segmentation(
        SegmentationId(new_id()),
        study,
        "1.2.3",
        (5, 6, 7),
        (-10.25, 3.0, 4.5),
        (0.0, 0.0, 2.5),
        (0.0, 0.7, 0.0),
        (0.7, 0.0, 0.0),
        GridSource.POSITIONS,
        (LIVER,),
        AUTHOR,
        datetime(2026, 11, 21, tzinfo=UTC),
    )


def test_the_newest_form_holds_and_nothing_is_erased(store: Store, keys: vault.Unlocked) -> None:
    read = read_a_film(store, keys)
    first = painted(read.instance.study)
    second = replace(first, segments=(LIVER, replace(LIVER, number=2, name="Cyst")))
    with store.transaction() as tx:
        assert tx.segmentations.standing(first.study, first.series) == []
        for one in (first, second):
            tx.segmentations.add(one)
            tx.audit.add(AuditAction.PAINT_MASK, one.id, actor=AUTHOR)
    with store.snapshot() as tx:
        assert tx.segmentations.standing(first.study, first.series) == [second]
        assert tx.segmentations.standing(first.study, "1.2.4") == []
        assert tx.segmentations.by_several() == []
        held = tx.segmentations._rows.all("SELECT id FROM segmentations WHERE id = ?", (first.id,))
        assert len(held) == 2
    other = replace(first, id=SegmentationId(new_id()), begun_from=first.id)
    merged = replace(first, id=SegmentationId(new_id()), merged_from=(first.id, other.id))
    with store.transaction() as tx:
        for one in (other, merged):
            tx.segmentations.add(one)
            tx.audit.add(AuditAction.PAINT_MASK, one.id, actor=AUTHOR)
        assert tx.segmentations.standing(first.study, first.series) == [second, other, merged]
        assert tx.segmentations.by_several() == [(first.study, first.series)]
    with pytest.raises(dbapi2.DatabaseError), store.transaction() as tx:
        tx.segmentations._rows.run("DELETE FROM segmentations")


def test_a_record_is_valid_or_is_none() -> None:
    good = painted(StudyId(new_id()))
    assert from_canonical(Segmentation, canonical_bytes(good)) == good
    with pytest.raises(ValueError, match="numbers of their own"):
        replace(good, segments=(LIVER, LIVER))
    with pytest.raises(ValueError, match="lies in its grid"):
        replace(good, segments=(replace(LIVER, box=(0, 0, 0, 9, 1, 1)),))
    with pytest.raises(ValueError, match="two or more"):
        replace(good, merged_from=(good.id,))
    with pytest.raises(ValueError, match="number"):
        replace(LIVER, number=0)
