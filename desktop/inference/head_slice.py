"""Numbers measured on one slice of a head CT in a brain window: what is brighter than brain, and where.

A slice is cut out, turned until its halves are alike and brought to one size. With a few hundred slices of some dozens
of people to learn from, numbers that a reader would look for say more than a network finds by itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

METHOD = "head-slice/1"
SIDE = 224
_LARGEST = 420
"""The longer side that a larger slice is brought to first."""
BLACK, BONE = 15, 225
_TISSUE, _SKIN, _AIR = 40, 50, 22
"""Grey values of a window from -20 to 100 HU or one like it."""
_TURNS = 60
_SMALL = 64
_ZONES = ("rim", "core")
_RIM = 14
_SMOOTH = (1.5, 3.0, 6.0)
_LEVELS = (8, 15, 25)
_LEAST_BRAIN, _LEAST_PIECE = 200, 150.0
_BRAIN = (50, 190)

_RANKS = ("highest", "p99", "p95", "lowest", "p1", "side_highest", "side_p98", "side_p90")
NAMES: tuple[str, ...] = (
    *("brain_area", "bone_area", "tissue_area", "head_area", "air_in_head"),
    *("scalp_deepest", "scalp_p90", "scalp_area", "scalp_sides", "scalp_bright"),
    *("bone_gap_area", "bone_gaps", "bone_sides", "bone_thickness", "air_by_brain"),
    *("brain_unevenness", "brain_bright_share", "brain_spread"),
    *(f"{zone}_{smooth:g}_{rank}" for smooth in _SMOOTH for zone in _ZONES for rank in _RANKS),
    *(f"{what}_patch_{level}" for level in _LEVELS for what in ("bright", "side")),
    "dark_patch_15",
)
"""What is measured, in the order of `measure`."""
COUNT = len(NAMES)


@dataclass(frozen=True, eq=False)
class Head:
    """A slice put straight. pixels: (SIDE, SIDE), the head alone. brain, inside, bone: 0 or 1, (SIDE, SIDE); inside: of
    the outer table of the skull."""

    pixels: Bytes
    brain: Bytes
    inside: Bytes
    bone: Bytes


def as_bytes(grey: FloatArray) -> Bytes:
    """(rows, columns) in 0..1 → 0..255, no longer than it need be."""
    pixels: Bytes = np.rint(np.clip(grey, 0.0, 1.0) * 255).astype(np.uint8)
    longest = max(pixels.shape)
    if longest <= _LARGEST:
        return pixels
    rows, columns = (max(1, round(size * _LARGEST / longest)) for size in pixels.shape)
    return np.asarray(cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def measure(grey: FloatArray) -> FloatArray:
    """(1, COUNT) float32, NaN where there is nothing to measure, such as no brain on the slice. grey: (rows, columns)
    in 0..1, bone white."""
    head = straightened(as_bytes(grey))
    numbers = [*_of_slice(head), *_of_scalp(head), *_of_bone(head), *_of_brain(head)]
    return np.array([numbers], dtype=np.float32)


def straightened(pixels: Bytes) -> Head:
    """The head alone, turned until left and right are alike, as large as it fits."""
    body = body_of(pixels)
    rows, columns = np.nonzero(body)
    if rows.size == 0:
        empty = np.zeros((SIDE, SIDE), np.uint8)
        return Head(empty, empty, empty, empty)
    centre = (float(columns.mean()), float(rows.mean()))
    extent = max(int(np.ptp(rows)), int(np.ptp(columns))) + 1
    degrees, aside = _axis(pixels * body, centre, extent)
    # How far the head reaches once it is turned: to either side of its axis, and from top to bottom.
    room = int(extent * 1.5)
    turned = cv2.warpAffine(body, _matrix(centre, degrees, 1.0, room, aside), (room, room), flags=cv2.INTER_NEAREST)
    high, across = np.nonzero(turned)
    middle = room / 2 - 0.5
    half = max(float(np.abs(across - middle).max()), float(np.ptp(high)) / 2) * 1.06
    half = max(half, 0.2 * min(pixels.shape))
    scale = SIDE / (2 * half)
    matrix = _matrix(centre, degrees, scale, SIDE, aside * scale)
    matrix[1, 2] -= ((float(high.min()) + float(high.max())) / 2 - middle) * scale
    head = pixels * cv2.dilate(body, np.ones((9, 9), np.uint8))
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    straight = np.asarray(cv2.warpAffine(head, matrix, (SIDE, SIDE), flags=flags), dtype=np.uint8)
    return Head(straight, *_regions(straight))


def body_of(pixels: Bytes) -> Bytes:
    """1 in the largest thing that is no air, its hollows filled: the head without the table it lies on."""
    tissue = (pixels > _TISSUE).astype(np.uint8)
    width = max(3, round(pixels.shape[0] * 0.012) | 1)
    ball = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.morphologyEx(tissue, cv2.MORPH_OPEN, ball))
    if count < 2:
        return np.zeros_like(tissue)
    return _filled((labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8))


def _filled(shape: Bytes) -> Bytes:
    outlines, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(shape)
    cv2.drawContours(filled, outlines, -1, 1, -1)
    return filled


def _matrix(centre: tuple[float, float], degrees: float, scale: float, side: int, aside: float) -> Floats:
    """Brings `centre` to the middle of a square of `side`, turned and scaled, then moved `aside` to the right."""
    angle = np.deg2rad(degrees)
    cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
    x, y = centre
    middle = side / 2 - 0.5
    return np.array(
        [[cosine, -sine, middle - cosine * x + sine * y + aside], [sine, cosine, middle - sine * x - cosine * y]]
    )


def _axis(head: Bytes, centre: tuple[float, float], extent: int) -> tuple[float, float]:
    """By how many degrees the head is to be turned and how far moved, in its own pixels, to be most like its mirror
    image. A smaller turn is taken rather than a larger one that is hardly better."""
    scale = _SMALL / (extent * 1.25)
    soft = cv2.GaussianBlur(head.astype(np.float32), (0, 0), max(1.0, 0.4 / scale))

    def unlike(degrees: float, aside: float) -> tuple[float, float, float]:
        matrix = _matrix(centre, degrees, scale, _SMALL, aside).astype(np.float32)
        small = cv2.warpAffine(soft, matrix, (_SMALL, _SMALL), flags=cv2.INTER_LINEAR)
        return float(np.abs(small - small[:, ::-1]).mean()) + 0.004 * abs(degrees), degrees, aside

    _, degrees, aside = min(unlike(turn, move) for turn in range(-_TURNS, _TURNS + 1, 5) for move in (-2, 0, 2))
    for step, shift in ((2.0, 1.0), (1.0, 0.5)):
        turns, moves = (degrees - step, degrees, degrees + step), (aside - shift, aside, aside + shift)
        _, degrees, aside = min(unlike(turn, move) for turn in turns for move in moves)
    return degrees, aside / scale


def _regions(pixels: Bytes) -> tuple[Bytes, Bytes, Bytes]:
    """Brain, inside of the outer table, bone. Bridging wider gaps of the skull was tried and told no more."""
    bone = (pixels >= BONE).astype(np.uint8)
    closed = np.asarray(cv2.morphologyEx(bone, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)), dtype=np.uint8)
    inside = _filled(closed)
    return _brain(pixels, ((inside > 0) & (closed == 0)).astype(np.uint8)), inside, bone


def _brain(pixels: Bytes, hollow: Bytes) -> Bytes:
    """What is as grey as brain within the skull, without small pieces."""
    hollow = np.asarray(cv2.morphologyEx(hollow, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)), dtype=np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(hollow)
    brain = np.zeros_like(hollow)
    areas = stats[1:, cv2.CC_STAT_AREA]
    for number in range(1, count):
        part = labels == number
        large = areas[number - 1] >= max(_LEAST_PIECE, 0.1 * float(areas.max()))
        if large and _BRAIN[0] < float(np.median(pixels[part])) < _BRAIN[1]:
            brain |= part.astype(np.uint8)
    return brain


def _of_slice(head: Head) -> Iterator[float]:
    yield float(head.brain.mean())
    yield float(head.bone.mean())
    yield float((head.pixels > _TISSUE).mean())
    yield float(head.inside.mean())
    within = head.inside > 0
    yield float((head.pixels[within] < _AIR + 3).mean()) if within.any() else 0.0


def _of_scalp(head: Head) -> Iterator[float]:
    """What lies outside the skull: a swelling is thick, on one side, and bright where it has bled."""
    outside = (head.inside == 0).astype(np.uint8)
    scalp = (head.pixels > _SKIN) & (outside > 0)
    away = cv2.distanceTransform(outside, cv2.DIST_L2, 3)
    half = SIDE // 2
    left, right = int(scalp[:, :half].sum()), int(scalp[:, half:].sum())
    yield float((away * scalp).max())
    yield float(np.percentile((away * scalp)[scalp], 90)) if scalp.any() else 0.0
    yield float(scalp.mean())
    yield abs(left - right) / (int(head.inside.sum()) + 1)
    yield float(np.log1p(((head.pixels > 150) & scalp & (away > 3)).sum()))


def _of_bone(head: Head) -> Iterator[float]:
    closed = cv2.morphologyEx(head.bone, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    gap = (closed > 0) & (head.bone == 0)
    half = SIDE // 2
    left, right = int(head.bone[:, :half].sum()), int(head.bone[:, half:].sum())
    deep = cv2.distanceTransform(head.bone, cv2.DIST_L2, 3)
    yield float(np.log1p(gap.sum()))
    yield float(ndimage.label(gap)[1])
    yield abs(left - right) / (left + right + 1)
    yield float(np.percentile(deep[head.bone > 0], 95)) if head.bone.any() else 0.0
    by_brain = cv2.dilate(head.brain, np.ones((9, 9), np.uint8)) > 0
    yield float(np.log1p(((head.pixels < _AIR - 2) & (head.inside > 0) & by_brain).sum()))


def _of_brain(head: Head) -> Iterator[float]:
    """How far what is brightest and darkest lies from the middle of the brain's grey values, and from the same place of
    the other half: near the skull and within, in small and in large patches."""
    brain = head.brain > 0
    if int(brain.sum()) < _LEAST_BRAIN:
        yield from [np.nan] * (COUNT - 15)
        return
    values = head.pixels[brain].astype(np.float64)
    usual = float(np.median(values))
    yield float(np.median(np.abs(values - usual))) + 1
    yield float(np.log(np.mean(values > usual + 20) + 1e-4))
    yield float(values.std())
    depth = cv2.distanceTransform(head.brain, cv2.DIST_L2, 3)
    inner = depth > 3
    held = np.where(brain, np.clip(head.pixels.astype(np.float64), usual - 40, usual + 80) - usual, 0).astype(
        np.float32
    )
    patches: list[float] = []
    for smooth in _SMOOTH:
        share = cv2.GaussianBlur(head.brain.astype(np.float32), (0, 0), smooth)
        soft = cv2.GaussianBlur(held, (0, 0), smooth) / np.maximum(share, 0.05)
        sides, both = soft - soft[:, ::-1], inner & inner[:, ::-1]
        for zone in (inner & (depth < _RIM), inner & (depth >= _RIM)):
            yield from _ranks(soft[zone], sides[zone & both])
        if smooth == _SMOOTH[1]:
            for level in _LEVELS:
                patches += [_largest((soft > level) & inner), _largest((sides > level) & both)]
            patches.append(_largest((soft < -_LEVELS[1]) & inner))
    yield from patches


def _ranks(values: Floats, sides: Floats) -> Iterator[float]:
    """As _RANKS; 0 where there is too little to rank."""
    values = values if values.size > 30 else np.zeros(1)
    sides = sides if sides.size > 30 else np.zeros(1)
    yield from _percentiles(values, (100, 99, 95, 0, 1))
    yield from _percentiles(sides, (100, 98, 90))


def _percentiles(values: Floats, ranks: Sequence[float]) -> list[float]:
    return [float(value) for value in np.percentile(values, ranks)]


def _largest(shape: Bools) -> float:
    """The logarithm of the largest patch's pixels plus one."""
    labels, count = ndimage.label(shape)
    return float(np.log1p(np.bincount(labels.ravel())[1:].max())) if count else 0.0
