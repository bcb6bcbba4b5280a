"""Masks of several people on one series: each keeps their own, what was begun from nothing is compared, and the merged
one stands beside them."""

import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.imaging.volume import VolumeGrid
from desktop.imaging.volume_labels import unpacked_bits
from desktop.jobs import Job
from desktop.records import AuditAction, GridSource, Segment, Segmentation, SegmentationId, StudyId, UserId
from desktop.workflow.mask_agreement import keep_merged_mask, mask_agreement, painted_boards
from tests.workflow.test_cells import bring_in

JOB = Job()
SHAPE = (12, 20, 20)
SERIES = "1.2.3"
GRID = VolumeGrid((0.0, 0.0, 0.0), (0.0, 0.0, 2.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))


def block(low: int, high: int, name: str = "Liver", number: int = 1) -> Segment:
    """A cube of voxels from one corner to another."""
    side = high - low
    bits = zlib.compress(np.packbits(np.ones(side**3, np.bool_)).tobytes())
    return Segment(number, name, (230, 159, 0), (low, low, low, high, high, high), bits, side**3)


def as_(clinic: workflow.Clinic, who: str) -> workflow.Clinic:
    return replace(clinic, session=workflow.Session(replace(clinic.session.user, id=UserId(who), name=who)))


def paint(
    clinic: workflow.Clinic,
    study: StudyId,
    who: str,
    *segments: Segment,
    after: SegmentationId | None = None,
    grid: VolumeGrid = GRID,
) -> Segmentation:
    draft = workflow.MaskDraft(study, SERIES, grid, SHAPE, GridSource.POSITIONS, segments, after)
    return workflow.keep_mask(as_(clinic, who), JOB, draft).segmentation


@pytest.fixture
def study(clinic: workflow.Clinic, tmp_path: Path) -> StudyId:
    return bring_in(clinic, tmp_path)


def test_nobody_paints_over_anybody_else(clinic: workflow.Clinic, study: StudyId) -> None:
    anna = paint(clinic, study, "anna", block(2, 8))
    bo = paint(clinic, study, "bo", block(2, 9))
    assert bo.id != anna.id
    went_on = paint(clinic, study, "bo", block(2, 7), after=anna.id)
    assert (went_on.begun_from, len({anna.id, bo.id, went_on.id})) == (anna.id, 3)
    assert paint(clinic, study, "bo", block(2, 6), after=anna.id).id == went_on.id, "the next stroke of the same"
    assert paint(clinic, study, "bo", block(2, 6), after=went_on.id).begun_from == anna.id
    assert workflow.open_mask(as_(clinic, "anna"), JOB, study, SERIES) == anna
    assert workflow.open_mask(as_(clinic, "bo"), JOB, study, SERIES, bo.id) == bo
    newest = workflow.open_mask(as_(clinic, "chen"), JOB, study, SERIES)
    assert newest is not None
    assert newest.id == went_on.id
    listed = {one.id: one for one in workflow.masks_on(as_(clinic, "bo"), JOB, study, SERIES)}
    assert [listed[one.id].own for one in (anna, bo, went_on)] == [False, True, True]
    assert listed[went_on.id].after == "anna"


def test_each_is_compared_with_the_merged_mask_and_it_is_kept_beside_them(
    clinic: workflow.Clinic, study: StudyId
) -> None:
    with pytest.raises(UserFacingError, match="nothing_shared"):
        keep_merged_mask(clinic, JOB, study, SERIES)
    first = paint(clinic, study, "anna", block(2, 8), block(9, 11, "Cyst", 2))
    paint(clinic, study, "bo", block(2, 8, " liver "))
    paint(clinic, study, "chen", block(4, 10))
    paint(clinic, study, "dan", block(2, 8), after=first.id)
    paint(clinic, study, "eve", block(2, 8), grid=replace(GRID, origin=(5.0, 0.0, 0.0)))
    (about,) = mask_agreement(clinic, JOB, study, SERIES)
    assert (about.name, about.voxels, about.left_out) == ("Liver", 6**3, 2)
    told = {row.author: row for row in about.rows}
    assert set(told) == {"anna", "bo", "chen"}
    assert (told[UserId("bo")].sensitivity, told[UserId("bo")].specificity, told[UserId("bo")].dice) == (1.0, 1.0, 1.0)
    # 4³ of 6³ voxels are shared; the box reaches from 0 to 12 and 14 voxels.
    assert told[UserId("chen")].sensitivity == pytest.approx(64 / 216)
    assert told[UserId("chen")].specificity == pytest.approx(1 - 152 / (12 * 14 * 14 - 216))
    assert told[UserId("chen")].dice == pytest.approx(64 / 216)
    kept = keep_merged_mask(clinic, JOB, study, SERIES).segmentation
    (segment,) = kept.segments
    assert (segment.name, segment.box, segment.voxels) == ("Liver", (2, 2, 2, 8, 8, 8), 6**3)
    assert unpacked_bits(segment.box, segment.bits).all()
    assert len(kept.merged_from) == 3
    assert keep_merged_mask(clinic, JOB, study, SERIES).segmentation.id == kept.id
    last = workflow.audit_entries(clinic, JOB, limit=1)[0]
    assert (last.action, last.subject) == (AuditAction.MERGE_MASKS, kept.id)
    assert workflow.open_mask(as_(clinic, "anna"), JOB, study, SERIES) == first
    assert mask_agreement(clinic, JOB, study, SERIES)[0].rows == about.rows, "a merged mask is nobody's word"
    on = paint(clinic, study, "bo", block(2, 8), after=kept.id)
    assert (on.merged_from, on.begun_from) == ((), kept.id)
    (board,) = painted_boards(clinic, JOB)
    assert (board.name, board.series, [row.masks for row in board.rows]) == ("Liver", 1, [1, 1, 1])
    assert max(row.dice for row in board.rows) == 1.0


def test_merged_labels_never_claim_one_voxel_twice(clinic: workflow.Clinic, study: StudyId) -> None:
    paint(clinic, study, "anna", block(2, 6), block(6, 10, "Spleen", 2))
    paint(clinic, study, "bo", block(2, 7), block(7, 10, "Spleen", 2))
    kept = keep_merged_mask(clinic, JOB, study, SERIES).segmentation
    whole = np.zeros(SHAPE, np.int64)
    for segment in kept.segments:
        low, high = segment.box[:3], segment.box[3:]
        inside = unpacked_bits(segment.box, segment.bits)
        assert segment.voxels == inside.sum()
        whole[low[0] : high[0], low[1] : high[1], low[2] : high[2]] += inside
    assert [segment.number for segment in kept.segments] == [1, 2]
    assert whole.max() == 1
