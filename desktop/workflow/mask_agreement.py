"""What several people painted of the same thing: how well each agrees with all together, and one mask from theirs.

Only what people painted from nothing counts: whoever goes on from another's mask says little of their own. Two labels
are the same thing where they have the same name, or the same number where neither has one.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.imaging.volume_labels import unpacked_bits
from desktop.jobs import Job
from desktop.learning.staple import MOST_DRAWERS, MergedMask, merge_masks
from desktop.records import AuditAction, Changes, Segment, Segmentation, SegmentationId, StudyId, UserId, new_id
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.queueing import labeller_code
from desktop.workflow.reading import check_unsigned
from desktop.workflow.segmenting import MaskKept

__all__ = [
    "Drawn",
    "MaskAgreement",
    "PaintedBoard",
    "PainterRow",
    "keep_merged_mask",
    "mask_agreement",
    "painted_boards",
]

# Beside what anybody marked; all of a scan would make everybody's specificity one.
_MARGIN = 4

Bools = npt.NDArray[np.bool_]
Box = tuple[int, int, int, int, int, int]


@dataclass(frozen=True)
class Drawn:
    """How one person's mask of something agrees with the merged one. author: who. by: their name. sensitivity: share of
    the merged mask that they marked; specificity: share that they left free of what it leaves free, within a box four
    voxels beyond all that anybody marked. dice: twice what both hold by the sum of both, 0 to 1."""

    author: UserId
    by: str
    voxels: int
    sensitivity: float
    specificity: float
    dice: float


@dataclass(frozen=True)
class MaskAgreement:
    """One thing that two or more painted. name: its label's, empty where it has none; number: of the label. voxels: of
    the merged mask. left_out: people who painted it, but went on from another's mask or on another grid."""

    name: str
    number: int
    voxels: int
    rows: tuple[Drawn, ...]
    left_out: int


@dataclass(frozen=True)
class PainterRow:
    """One painter on the board, by code. masks: how many were compared; the others are means over them."""

    labeller: str
    masks: int
    sensitivity: float
    specificity: float
    dice: float


@dataclass(frozen=True)
class PaintedBoard:
    """How well people agree on what they paint under one name, over all series. series: how many."""

    name: str
    series: int
    rows: tuple[PainterRow, ...]


@requires(Permission.VIEW_IMAGES)
def mask_agreement(clinic: Clinic, job: Job, study: StudyId, series: str) -> tuple[MaskAgreement, ...]:
    """Everything on a series that two people or more painted, each from nothing. Raises Cancelled."""
    job.check()
    with clinic.store.snapshot() as tx:
        standing = tx.segmentations.standing(study, series)
        names = {user.id: user.name for user in tx.users.all()}
    return tuple(_told(one, names) for one in _things(standing, job))


@requires(Permission.READ_IMAGES)
def keep_merged_mask(clinic: Clinic, job: Job, study: StudyId, series: str) -> MaskKept:
    """Keep what people painted, merged, as a segmentation of its own: nobody's is changed. Merging the same ones again
    is a later form of it. A voxel that two labels claim goes to the one it more likely belongs to.

    Raises UserFacingError: nothing that two painted, a signed report.
    """
    with clinic.store.snapshot() as tx:
        check_unsigned(tx, study)
        standing = tx.segmentations.standing(study, series)
    things = _things(standing, job)
    if not things:
        raise UserFacingError("volume.mask.nothing_shared")
    sources = tuple(sorted({one for thing in things for one in thing.of}))
    before = next((one for one in standing if one.merged_from == sources), None)
    base = next(one for one in standing if one.id == sources[0])
    kept = replace(
        base,
        id=before.id if before is not None else SegmentationId(new_id()),
        segments=_segments(things),
        author=clinic.session.user.id,
        created=clinic.clock(),
        begun_from=None,
        merged_from=sources,
    )
    with clinic.store.transaction() as tx:
        check_unsigned(tx, study)
        tx.segmentations.add(kept)
        tx.audit.add(AuditAction.MERGE_MASKS, kept.id, actor=clinic.actor)
    return MaskKept(kept, Changes(annotations=True))


@requires(Permission.READ_IMAGES)
def painted_boards(clinic: Clinic, job: Job) -> tuple[PaintedBoard, ...]:
    """How well painters agree, by what they call it, over every series that two or more painted. Raises Cancelled."""
    found: dict[str, list[MaskAgreement]] = {}
    with clinic.store.snapshot() as tx:
        several = tx.segmentations.by_several()
    for study, series in several:
        with clinic.store.snapshot() as tx:
            standing = tx.segmentations.standing(study, series)
        for thing in _things(standing, job):
            found.setdefault(_plain(thing.name), []).append(_told(thing, {}))
    return tuple(_board(clinic, told[0].name, told) for _, told in sorted(found.items()))


@dataclass(frozen=True, eq=False)
class _Thing:
    """What several painted under one name. of, authors, segments, masks: in one order. box: what is looked at, and what
    masks and merged lie in."""

    name: str
    of: tuple[SegmentationId, ...]
    authors: tuple[UserId, ...]
    segments: tuple[Segment, ...]
    box: Box
    masks: tuple[Bools, ...]
    merged: MergedMask
    left_out: int


def _things(standing: Sequence[Segmentation], job: Job) -> list[_Thing]:
    painted = [one for one in standing if not one.merged_from]
    # The newest of each person, should they have begun twice; on the grid that most of them have.
    own = {one.author: one for one in painted if one.begun_from is None}
    grids = [_grid(one) for one in own.values()]
    usual = max(grids, key=grids.count, default=None)
    counted = [one for one in own.values() if _grid(one) == usual][:MOST_DRAWERS]
    by_name: dict[str, list[tuple[Segmentation, Segment]]] = {}
    for one in counted:
        for segment in one.segments:
            if segment.voxels:
                by_name.setdefault(_called(segment), []).append((one, segment))
    found = []
    for name, drawn in by_name.items():
        job.check()
        if len({one.author for one, _ in drawn}) > 1 and len({one.id for one, _ in drawn}) == len(drawn):
            authors = {
                one.author for one in painted if any(_called(each) == name for each in one.segments if each.voxels)
            }
            found.append(_thing(drawn, left_out=len(authors) - len(drawn)))
    return found


def _grid(one: Segmentation) -> tuple[object, ...]:
    places = (one.origin, one.through, one.down, one.across)
    return one.shape, tuple(round(value, 3) for place in places for value in place)


def _called(segment: Segment) -> str:
    return _plain(segment.name) or f"#{segment.number}"


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _thing(drawn: Sequence[tuple[Segmentation, Segment]], *, left_out: int) -> _Thing:
    segments = tuple(segment for _, segment in drawn)
    box = _around((segment.box for segment in segments), drawn[0][0].shape)
    masks = tuple(_within(segment, box) for segment in segments)
    ids, authors = tuple(one.id for one, _ in drawn), tuple(one.author for one, _ in drawn)
    return _Thing(segments[0].name, ids, authors, segments, box, masks, merge_masks(masks), left_out)


def _around(boxes: Iterable[Box], shape: tuple[int, int, int]) -> Box:
    corners = np.array(list(boxes))
    low = np.maximum(corners[:, :3].min(axis=0) - _MARGIN, 0)
    high = np.minimum(corners[:, 3:].max(axis=0) + _MARGIN, shape)
    first, second, third = (int(value) for value in low)
    return first, second, third, int(high[0]), int(high[1]), int(high[2])


def _within(segment: Segment, box: Box) -> Bools:
    """A segment's voxels in a box around them."""
    found = np.zeros(tuple(last - first for first, last in zip(box[:3], box[3:], strict=True)), dtype=np.bool_)
    place = tuple(
        slice(first - start, last - start)
        for first, last, start in zip(segment.box[:3], segment.box[3:], box[:3], strict=True)
    )
    found[place] = unpacked_bits(segment.box, segment.bits)
    return found


def _told(thing: _Thing, names: "dict[UserId, str]") -> MaskAgreement:
    merged = thing.merged.mask
    inside = int(merged.sum())
    rows = []
    for author, mask in zip(thing.authors, thing.masks, strict=True):
        both, own = int((mask & merged).sum()), int(mask.sum())
        outside = merged.size - inside
        free = outside - (own - both)
        rows.append(
            Drawn(
                author,
                names.get(author, author),
                own,
                both / inside if inside else 0.0,
                free / outside if outside else 1.0,
                2 * both / (own + inside),
            )
        )
    return MaskAgreement(thing.name, thing.segments[0].number, inside, tuple(rows), thing.left_out)


def _segments(things: Sequence[_Thing]) -> tuple[Segment, ...]:
    """The merged masks as segments that do not overlap, numbered anew."""
    whole = _around((thing.box for thing in things), (1 << 30,) * 3)
    sides = tuple(last - first for first, last in zip(whole[:3], whole[3:], strict=True))
    best, label = np.full(sides, 0.5, dtype=np.float32), np.zeros(sides, dtype=np.uint8)
    for number, thing in enumerate(things, 1):
        place = tuple(
            slice(first - start, last - start)
            for first, last, start in zip(thing.box[:3], thing.box[3:], whole[:3], strict=True)
        )
        wins = thing.merged.probability > best[place]
        best[place][wins] = thing.merged.probability[wins]
        label[place][wins] = number
    return tuple(
        _segment(replace(thing.segments[0], number=number), label == number, whole)
        for number, thing in enumerate(things, 1)
    )


def _segment(like: Segment, inside: Bools, box: Box) -> Segment:
    where = np.argwhere(inside)
    if not len(where):
        return replace(like, box=(0, 0, 0, 0, 0, 0), bits=b"", voxels=0)
    low, high = where.min(axis=0), where.max(axis=0) + 1
    tight = inside[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    start = np.array(box[:3])
    first, last = (start + low).tolist(), (start + high).tolist()
    return replace(
        like,
        box=(first[0], first[1], first[2], last[0], last[1], last[2]),
        bits=zlib.compress(np.packbits(tight).tobytes(), 6),
        voxels=int(tight.sum()),
    )


def _board(clinic: Clinic, name: str, told: Sequence[MaskAgreement]) -> PaintedBoard:
    by_author: dict[UserId, list[Drawn]] = {}
    for one in told:
        for row in one.rows:
            by_author.setdefault(row.author, []).append(row)
    rows = sorted(
        (
            PainterRow(
                labeller_code(clinic, author),
                len(drawn),
                float(np.mean([one.sensitivity for one in drawn])),
                float(np.mean([one.specificity for one in drawn])),
                float(np.mean([one.dice for one in drawn])),
            )
            for author, drawn in by_author.items()
        ),
        key=lambda row: row.labeller,
    )
    return PaintedBoard(name, len(told), tuple(rows))
