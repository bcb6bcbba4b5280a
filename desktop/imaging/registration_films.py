"""Two films of the same part laid over each other, and what is different between them.

A film says nothing about depth: the earlier one is turned, moved and scaled as a whole (a similarity). Found by
correlation of the films as they are first shown, once each way, on copies of at most 192 pixels, with SimpleITK.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.imaging import display
from desktop.imaging.registration import follow, threads
from desktop.imaging.volume import Floats
from desktop.jobs import Job
from desktop.records import FileHeader, Modality, Photometric, Picture
from desktop.records.picture import Array

LONGEST = 192
"""Pixels along the longer side of what is compared."""
SHOWN_LONGEST = 1024
LEAST_CORRELATION = 0.75
LEAST_OVERLAP = 0.6
MOST_APART = 0.02
CLEARLY_BETTER = 0.03
"""How much higher the correlation has to be with the earlier film turned over before anybody is asked to look which
side is which. Of 52 follow-up pairs of NIH ChestX-ray14 that fit, 3 are asked about so, and 31 of the same pairs with
one film turned over (measured): a hint, and no proof either way."""
SCALES = (0.75, 1.35)
MOST_DEGREES = 25.0
FULL_COLOUR = 0.35
"""The difference, as a share of the range from black to white, that has its full colour."""
LITTLE = 0.05
"""Smaller differences have none."""
BRIGHTER, DARKER = (230, 159, 0), (0, 114, 178)
"""Brighter (denser) and darker than before: orange and blue of Okabe and Ito, told apart by colour-blind people."""
_ANATOMY = 0.45
_STEPS = 150
_FRONTAL, _SIDE = frozenset(("PA", "AP")), frozenset(("LL", "RL", "LATERAL", "LAT"))


class FilmProblem(StrEnum):
    """Why two films are not laid over each other."""

    OTHER_PART = "other_part"
    OTHER_SIDE = "other_side"
    OTHER_VIEW = "other_view"
    OTHER_KIND = "other_kind"
    COLOUR = "colour"
    LITTLE_OVERLAP = "little_overlap"
    NOT_CONVERGED = "not_converged"
    UNLIKE = "unlike"


@dataclass(frozen=True)
class FilmMotion:
    """From a place on a film to the same place on the earlier one, both (x, y) in pixels: turned, scaled, moved.

    turn: radians. scale: pixels of the earlier film to a pixel of this one.
    """

    scale: float
    turn: float
    shift: tuple[float, float]

    def __post_init__(self) -> None:
        if not (self.scale > 0 and all(math.isfinite(v) for v in (self.scale, self.turn, *self.shift))):
            raise ValueError("a similarity turns, scales and moves")

    @property
    def matrix(self) -> Floats:
        """(2, 3): applied to (x, y, 1)."""
        right, down = self.scale * math.cos(self.turn), self.scale * math.sin(self.turn)
        return np.array([[right, -down, self.shift[0]], [down, right, self.shift[1]]])

    def moved(self, points: npt.ArrayLike) -> Floats:
        """(…, 2) places of the one as (…, 2) places of the other."""
        places: Floats = np.asarray(points, dtype=np.float64) @ self.matrix[:, :2].T + np.array(self.shift)
        return places


@dataclass(frozen=True)
class FilmRegistration:
    """How a film lies over an earlier one.

    motion: in pixels of both; None where it was not tried. correlation: of what both show, -1 to 1. overlap: share of
    this film that the earlier one shows too. apart: mean distance, as a share of the film's diagonal, between where a
    place comes from and where it is taken to when the search is done once each way. problem: why there is no difference
    to be shown. mirrored: turned over, left for right, the earlier film would fit clearly better; nothing is turned.
    """

    motion: FilmMotion | None
    correlation: float = 0.0
    overlap: float = 0.0
    apart: float = 0.0
    problem: FilmProblem | None = None
    mirrored: bool = False


@dataclass(frozen=True, eq=False)
class FilmDifference:
    """What changed. values: (rows, columns) float32, now minus before as shares of the range from black to white, NaN
    where the earlier film shows nothing. picture: the same as colours over this film, darkened, for a viewer."""

    registration: FilmRegistration
    values: npt.NDArray[np.float32]
    picture: Picture


def not_comparable(now: FileHeader, before: FileHeader) -> FilmProblem | None:
    """Why films are not laid over each other, from what their files say; what a file does not say is no obstacle."""
    if (now.modality is Modality.PHOTO) is not (before.modality is Modality.PHOTO):
        return FilmProblem.OTHER_KIND
    pairs = (
        (FilmProblem.OTHER_PART, now.body_part, before.body_part),
        (FilmProblem.OTHER_SIDE, now.laterality, before.laterality),
    )
    for problem, one, other in pairs:
        if one and other and one.strip().upper() != other.strip().upper():
            return problem
    views = [_view(one) for one in (now, before)]
    return FilmProblem.OTHER_VIEW if all(views) and views[0] != views[1] else None


def film_difference(now: Picture, before: Picture, job: Job) -> FilmDifference | FilmRegistration:
    """What changed between two films; a registration with a `problem` where that cannot be said. Raises Cancelled."""
    problem = not_comparable(now.header, before.header)
    if Photometric.RGB in (now.photometric, before.photometric) and Modality.PHOTO not in (
        now.header.modality,
        before.header.modality,
    ):
        problem = problem or FilmProblem.COLOUR
    if problem is not None:
        return FilmRegistration(None, problem=problem)
    found = register_films(now, before, job)
    if found.problem is not None or found.motion is None:
        return found
    job.report("imaging.progress.registering", 95, 100)
    shown, there = _grey(now, SHOWN_LONGEST), _grey(before, SHOWN_LONGEST)
    motion = _between_copies(found.motion, now, shown, before, there)
    moved = _warped(there, motion, shown.shape)
    values = shown - _matched(moved, shown)
    return FilmDifference(found, values, _picture(now, shown, values))


def register_films(now: Picture, before: Picture, job: Job) -> FilmRegistration:
    """Lay a film over an earlier one, whatever their files say. Raises Cancelled."""
    job.report("imaging.progress.registering", 0, 100)
    one, other = _grey(now, LONGEST), _grey(before, LONGEST)
    there = _search(one, other, job, (5, 35))
    back = _search(other, one, job, (35, 65))
    rows, columns = one.shape
    spread = np.stack(np.meshgrid(np.linspace(0.2, 0.8, 5), np.linspace(0.2, 0.8, 5)), axis=-1).reshape(-1, 2)
    places = spread * (columns - 1, rows - 1)
    apart = float(np.linalg.norm(back.moved(there.moved(places)) - places, axis=-1).mean()) / math.hypot(rows, columns)
    correlation, overlap = _likeness(one, other, there)
    physical = there.scale * _fit(one, other)
    problem = None
    if overlap < LEAST_OVERLAP:
        problem = FilmProblem.LITTLE_OVERLAP
    elif apart > MOST_APART or not SCALES[0] < physical < SCALES[1] or abs(math.degrees(there.turn)) > MOST_DEGREES:
        problem = FilmProblem.NOT_CONVERGED
    elif correlation < LEAST_CORRELATION:
        problem = FilmProblem.UNLIKE
    whole = _between_copies(there, one, now, other, before)
    mirrored = problem in (None, FilmProblem.UNLIKE) and _fits_turned_over(one, other, correlation, job)
    return FilmRegistration(whole, correlation, overlap, apart, problem, mirrored)


# Inside


def _likeness(one: Array, other: Array, motion: FilmMotion) -> tuple[float, float]:
    """The correlation of what both show, and how much of the one that is."""
    moved = _warped(other, motion, one.shape)
    inside = np.isfinite(moved)
    return _correlation(one[inside], moved[inside]), float(inside.mean())


def _fits_turned_over(one: Array, other: Array, correlation: float, job: Job) -> bool:
    """Whether the other film, left for right, is clearly more like the one than it is as it lies."""
    turned = np.ascontiguousarray(other[:, ::-1])
    likeness, overlap = _likeness(one, turned, _search(one, turned, job, (65, 95)))
    return overlap >= LEAST_OVERLAP and likeness >= max(LEAST_CORRELATION, correlation + CLEARLY_BETTER)


def _view(header: FileHeader) -> str:
    """Frontal, from the side, or as the file says; empty where it does not."""
    said = header.view_position.strip().upper()
    return "frontal" if said in _FRONTAL else "side" if said in _SIDE else said


def _grey(picture: Picture, longest: int) -> npt.NDArray[np.float32]:
    """(rows, columns) float32 in 0 to 1 as first shown, MONOCHROME1 turned, averaged over blocks."""
    light = display.thumbnail(picture, longest)
    if light.ndim == 3:
        light = np.rint(light.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)).astype(np.uint8)
    shown: npt.NDArray[np.float32] = light.astype(np.float32) / np.float32(255)
    return shown


def _shape(of: "Picture | Array") -> tuple[int, int]:
    return (of.rows, of.columns) if isinstance(of, Picture) else (int(of.shape[0]), int(of.shape[1]))


def _fit(one: Array, other: Array) -> float:
    """What makes the longer side of `other` as long as that of `one`, in pixels."""
    return float(max(one.shape)) / float(max(other.shape))


def _between_copies(
    motion: FilmMotion, old_one: "Picture | Array", one: "Picture | Array", old_other: "Picture | Array", other: Any
) -> FilmMotion:
    """A motion between two pictures as one between other copies of them; pixel centres at integers."""
    here = max(_shape(one)) / max(_shape(old_one))
    there = max(_shape(other)) / max(_shape(old_other))
    scale = motion.scale * there / here
    # A point x of the new copy is (x + 0.5) / here - 0.5 of the old one.
    origin = motion.moved((0.5 / here - 0.5, 0.5 / here - 0.5))
    shift = (origin + 0.5) * there - 0.5
    return FilmMotion(scale, motion.turn, (float(shift[0]), float(shift[1])))


def _image(values: Array) -> Any:
    import SimpleITK

    return SimpleITK.GetImageFromArray(np.ascontiguousarray(values, dtype=np.float32))


def _search(one: Array, other: Array, job: Job, part: tuple[int, int]) -> FilmMotion:
    """The motion from `one` to `other`, both small and grey. part: of a hundred, for the report."""
    import SimpleITK

    tools: Any = SimpleITK  # half of it has types
    fixed, moving = _image(one), _image(other)
    start = tools.Similarity2DTransform()
    middle = [(size - 1) / 2 for size in reversed(one.shape)]
    start.SetCenter(middle)
    start.SetScale(1 / _fit(one, other))
    start.SetTranslation([(size - 1) / 2 - at for size, at in zip(reversed(other.shape), middle, strict=True)])
    method = tools.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    method.SetInterpolator(tools.sitkLinear)
    method.SetNumberOfThreads(threads())
    method.SetInitialTransform(start, inPlace=False)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0,
        minStep=0.002,
        numberOfIterations=_STEPS,
        relaxationFactor=0.6,
        gradientMagnitudeTolerance=1e-7,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([3.0, 1.5, 0.5])
    follow(method, tools, job, part)
    try:
        found = method.Execute(fixed, moving)
    except RuntimeError:  # nothing of the one lies in the other any more
        found = start
    job.check()
    origin = np.array(found.TransformPoint((0.0, 0.0)))
    across = np.array(found.TransformPoint((1.0, 0.0))) - origin
    turn = math.atan2(float(across[1]), float(across[0]))
    return FilmMotion(float(np.linalg.norm(across)), turn, (float(origin[0]), float(origin[1])))


def _warped(values: Array, motion: FilmMotion, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """`values` where `motion` takes a film of that shape; NaN beside them."""
    import cv2

    rows, columns = shape[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    made = cv2.warpAffine(
        np.asarray(values, np.float32), motion.matrix, (columns, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    places = motion.moved(np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1))
    off = (places < -0.5).any(axis=-1) | (places > (values.shape[1] - 0.5, values.shape[0] - 0.5)).any(axis=-1)
    warped: npt.NDArray[np.float32] = np.where(off, np.float32(np.nan), np.asarray(made, np.float32))
    return warped


def _correlation(one: Array, other: Array) -> float:
    if one.size < 100 or one.std() < 1e-6 or other.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _matched(before: npt.NDArray[np.float32], now: Array) -> npt.NDArray[np.float32]:
    """The earlier film in the later one's brightness and contrast: a line fitted to the middle nine tenths, so that
    what changed much does not decide what counts as unchanged."""
    inside = np.isfinite(before)
    x, y = before[inside].astype(np.float64), now[inside].astype(np.float64)
    gain, offset = 1.0, 0.0
    kept = np.ones(x.size, np.bool_)
    for _ in range(3):
        if kept.sum() < 100 or x[kept].std() < 1e-6:
            break
        gain, offset = (float(v) for v in np.polyfit(x[kept], y[kept], 1))
        away = np.abs(y - gain * x - offset)
        kept = away <= np.quantile(away, 0.9)
    return np.asarray(before * np.float32(gain) + np.float32(offset), dtype=np.float32)


def _picture(now: Picture, shown: Array, values: npt.NDArray[np.float32]) -> Picture:
    """The film darkened, in grey, and over it the colours of what changed."""
    amount = np.nan_to_num(np.clip((np.abs(values) - LITTLE) / (FULL_COLOUR - LITTLE), 0, 1))[..., None]
    ground = np.repeat((shown * _ANATOMY * 255)[..., None], 3, axis=-1)
    ground = np.where(np.isnan(values)[..., None], ground * 0.4, ground)
    colour = np.where((values > 0)[..., None], np.array(BRIGHTER), np.array(DARKER))
    pixels = np.rint(ground * (1 - amount) + colour * amount).astype(np.uint8)
    return Picture(pixels, Photometric.RGB, FileHeader(modality=now.header.modality))
