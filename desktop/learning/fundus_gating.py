"""The limits of the gate that looks at retinas first, and how it does on spoilt photographs and on other pictures.

Nobody has said of any photograph here that it cannot be judged. The limits lie somewhat beyond what the good ones show,
and what they catch is seen on good ones that are spoilt on purpose.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.inference.fundus_field import find_circle
from desktop.inference.fundus_gate import NOT_RETINA, Limit, problems, shape_measures, sight_measures
from desktop.inference.fundus_model import SeenRetina
from desktop.jobs import Job
from desktop.learning import picture_changes
from desktop.learning.fundus_data import Bytes, colours_of
from desktop.learning.picture_changes import Change
from desktop.learning.records import Json
from desktop.learning.statistics import interval, wilson

FloatArray = npt.NDArray[np.float32]

Look = Callable[[Bytes], SeenRetina | None]
"""Photograph → its retina with the vessels; None where there is no circle."""

SHAPE = (
    Limit("rim", -np.inf, 0.06, NOT_RETINA),
    Limit("seen", 0.25, np.inf, NOT_RETINA),
    Limit("filled", 0.85, np.inf, NOT_RETINA),
    Limit("beyond", -np.inf, 0.12, NOT_RETINA),
    Limit("red_green", 0.1, 2.2, NOT_RETINA),
    Limit("green_blue", 0.1, 4.0, NOT_RETINA),
)
"""What makes a photograph one of a retina. Of 447 of three cameras none comes near a limit: edges lie within 0.04 of
the circle, at least 0.54 of it is seen, 0.99 filled, at most 0.06 of the rest lit, red over green at least 0.31 and
green over blue 0.22 (logarithms). Smears, cells and films fail several."""

_SIDES = (
    ("whole", "low", "field_cut"),
    ("light", "low", "dark_retina"),
    ("black", "high", "dark_retina"),
    ("burnt", "high", "burnt_retina"),
    ("contrast", "low", "blurred_retina"),
    ("sharpness", "low", "blurred_retina"),
    ("vessels", "low", "blurred_retina"),
)
"""What of a retina is measured, on which side of it too little can be seen, and what that is called. How sure the
network is of vessels is no sign: it is not where bleedings cover them."""

_GIVEN_UP = {"contrast": 0.5, "sharpness": 0.5}
"""Per cent of the good photographs on whose worst a limit does not rest, where those are as blurred as what is to be
refused; elsewhere none."""
_EASED = 0.85
"""Such a limit is this share of the worst that counts, so that other cameras pass too."""

_LENIENT = {"whole": 0.75, "black": 0.15, "burnt": 0.15, "vessels": 0.005}
"""Limits are at least as lenient as these: cameras elsewhere cut more off than the one that took most of these, and a
retina full of bleedings hides its vessels."""


def sight_of(seen: SeenRetina) -> dict[str, float]:
    """The measures of a retina that has been looked at."""
    return sight_measures(seen.retina, seen.circle, seen.vessels)


def fit_sight(good: Sequence[Mapping[str, float]], margin: float) -> tuple[Limit, ...]:
    """Limits a little beyond all good photographs, or nearly all. margin: in spreads (5th to 95th percentile)."""
    limits = []
    for measure, side, problem in _SIDES:
        values = np.array([one[measure] for one in good])
        given_up = _GIVEN_UP.get(measure, 0.0)
        low, least, most, high = np.percentile(values, [given_up, 5, 95, 100 - given_up])
        beyond = (1 - _EASED) * float(low) if given_up else margin * float(most - least)
        if side == "low":
            lowest = min(max(0.0, float(low) - beyond), _LENIENT.get(measure, np.inf))
            limits.append(Limit(measure, _rounded(lowest), np.inf, problem))
        else:
            highest = max(float(high) + beyond, _LENIENT.get(measure, -np.inf))
            limits.append(Limit(measure, -np.inf, _rounded(highest), problem))
    return tuple(limits)


def refused(pixels: Bytes, look: Look, sight: Sequence[Limit]) -> bool:
    """Whether the gate with these limits refuses a photograph."""
    circle = find_circle(pixels)
    if circle is None or problems(SHAPE, shape_measures(pixels, circle)):
        return True
    seen = look(pixels)
    return seen is None or bool(problems(sight, sight_of(seen)))


def refusals(photographs: Sequence[Bytes], look: Look, sight: Sequence[Limit], job: Job) -> list[Json]:
    """How many of some photographs are refused as they are and after each way of spoiling them."""
    rows: list[Json] = []
    for name, change in SPOILT.items():
        count = 0
        for pixels in photographs:
            job.check()
            count += refused(changed(pixels, change), look, sight)
        share = interval(wilson(count, len(photographs)))
        rows.append({"spoilt": name, "photographs": len(photographs), "refused": share})
    return rows


def other_pictures(root: Path, job: Job, *, most: int = 60) -> list[Json]:
    """How many pictures of other kinds that lie beside the retinas would be taken for one, by shape and colours."""
    rows: list[Json] = []
    for name in _OTHERS:
        paths = sorted(path for path in (root / name).rglob("*") if path.suffix in (".jpg", ".png"))
        if not paths:
            continue
        taken = 0
        chosen = paths[:: max(1, len(paths) // most)][:most]
        for path in chosen:
            job.check()
            pixels = colours_of(path)
            circle = find_circle(pixels)
            taken += circle is not None and not problems(SHAPE, shape_measures(pixels, circle))
        rows.append({"pictures": name, "n": len(chosen), "taken_for_a_retina": taken})
    return rows


def changed(pixels: Bytes, change: Change | None) -> Bytes:
    """A photograph after a change."""
    if change is None:
        return pixels
    light = change(pixels.astype(np.float32) / np.float32(255))
    return np.ascontiguousarray(np.rint(np.clip(light, 0, 1) * 255).astype(np.uint8))


def _faint(light: FloatArray) -> FloatArray:
    """As through a clouded lens: three quarters of the local contrast gone."""
    import cv2

    veil = cv2.GaussianBlur(light, (0, 0), light.shape[1] / 12)
    return np.asarray(0.25 * light + 0.75 * veil, dtype=np.float32)


def _middle(light: FloatArray) -> FloatArray:
    """The middle quarter, without any of the rim."""
    rows, columns = light.shape[0] // 4, light.shape[1] // 4
    return light[rows:-rows, columns:-columns]


SPOILT: Mapping[str, Change | None] = {
    "as it is": None,
    "a quarter of the light": picture_changes.exposure(0.25),
    "2.5 times the light": picture_changes.exposure(2.5),
    "out of focus by 1 in 150": picture_changes.blur(1 / 150),
    "out of focus by 1 in 75": picture_changes.blur(1 / 75),
    "a veil over it": _faint,
    "left half only": lambda light: light[:, : light.shape[1] // 2],
    "middle only, no rim": _middle,
    "grey": lambda light: np.repeat(light.mean(axis=2, keepdims=True), 3, axis=2).astype(np.float32),
}
"""Ways of spoiling a photograph so that it should not be judged."""

_OTHERS = (
    "blood_cells/images",
    "malaria_smear",
    "sputum_afb",
    "malaria_cells_rgb",
    "cxr/tb_nlm128",
)


def _rounded(value: float) -> float:
    return round(value, 4)
