"""What is measured on a retina to grade it: how many dark and bright spots there are, how strong, how large and where.

Dark spots are what microaneurysms and bleedings look like, bright ones hard and soft exudates. A spot is a peak of the
smaller of the two curvatures of the light (in absolute value): along a vessel that is near zero, so vessels are no
spots. Exudates near the macula are what threatens sight first, so bright spots are counted around it as well; where it
lies is told from the optic disc.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.inference.fundus_field import Circle, cut_out

FloatArray = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

METHOD = "fundus-spots/1"
"""Names this way of measuring in manifests. Whatever changes a number below, changes it."""

DIAMETER, SIDE = 408, 416
_RIM = 6
_GROUND = 45
_FINE, _COARSE = (0.8, 1.2, 1.8), (2.7, 4.0, 6.0)
_RANKS = (1, 3, 8, 20, 50)
_NEAR_RANKS = (1, 3, 8)
_NOTICED = (0.01, 0.02, 0.04)
_SPREAD_RANKS = (1, 8, 30)
_BRIGHT, _DARK = (0.08, 0.14, 0.22), (0.10, 0.16, 0.24)
_PERCENTILES = (0.5, 2, 10, 90, 98, 99.5)
_DISC = 0.155
"""Diameter of the optic disc, of that of a field of about 50 degrees."""
_DISC_TO_MACULA = 2.55
_OFF_DISC = 0.72


@dataclass(frozen=True, eq=False)
class Places:
    """looked_at: (side, side) where spots are looked for: not at the rim, not on the disc. macula: distance of each
    point from the middle of the macula, in diameters of the disc."""

    looked_at: Bools
    macula: FloatArray


def lesion_measures(pixels: Bytes, circle: Circle) -> dict[str, float]:
    """Measures by name, the same names in the same order for every photograph. pixels: (rows, columns, 3) RGB."""
    retina = cut_out(pixels, circle, DIAMETER, SIDE)
    red, green, blue = (retina.pixels[..., number].astype(np.float32) for number in range(3))
    places = _places(retina.pixels, retina.field)
    field = retina.field
    found: dict[str, float] = {}
    lights = {"green": _against_ground(green, field), "red": _against_ground(red, field)}
    # Exudates are yellow: the white sheen of a young retina has as much blue as green.
    lights["yellow"] = _against_ground(np.maximum(green - 0.5 * blue, 0.0), field)
    for name, light in lights.items():
        inside = light[places.looked_at]
        values = np.percentile(inside, _PERCENTILES) if inside.size else np.zeros(len(_PERCENTILES))
        found |= {f"{name} p{rank}": float(value) for rank, value in zip(_PERCENTILES, values, strict=True)}
        for key, value in _spots(name, light, places):
            found[key] = value
    found |= dict(_patches(lights["green"], lights["red"], _against_ground(blue, field), places))
    return found


def _places(pixels: Bytes, field: Bools) -> Places:
    import cv2

    disc_x, disc_y = _disc(pixels, field)
    across = DIAMETER * _DISC
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    off_disc = np.hypot(columns - disc_x, rows - disc_y) > _OFF_DISC * across
    inner = cv2.erode(field.astype(np.uint8), np.ones((2 * _RIM + 1, 2 * _RIM + 1), np.uint8), borderValue=0) > 0
    side = 1.0 if disc_x < SIDE / 2 else -1.0
    x, y = disc_x + side * _DISC_TO_MACULA * across, disc_y + 0.25 * across
    # The macula is the darkest place thereabouts.
    away = np.hypot(columns - x, rows - y) / across
    calm = cv2.GaussianBlur(cv2.medianBlur(np.ascontiguousarray(pixels[..., 1]), 9), (0, 0), 8.0).astype(np.float32)
    candidate = (away < 0.7) & inner
    if candidate.any():
        place = int(np.argmin(np.where(candidate, calm + 3.0 * away, np.inf)))
        x, y = float(place % SIDE), float(place // SIDE)
    macula = np.hypot(columns - x, rows - y) / across
    return Places(inner & off_disc, macula.astype(np.float32))


def _disc(pixels: Bytes, field: Bools) -> tuple[float, float]:
    """x, y of the middle of the optic disc: the brightest round place of its size, neither high up nor low down."""
    import cv2

    few = SIDE // 4
    seen = cv2.resize(field.astype(np.float32), (few, few), interpolation=cv2.INTER_AREA)
    light = pixels[..., 0].astype(np.float32) + pixels[..., 1].astype(np.float32)
    small = cv2.resize(light * field, (few, few), interpolation=cv2.INTER_AREA)

    def smooth(reach: float) -> tuple[FloatArray, FloatArray]:
        weight = cv2.GaussianBlur(seen, (0, 0), reach) + np.float32(1e-3)
        return np.asarray(cv2.GaussianBlur(small, (0, 0), reach) / weight), np.asarray(weight)

    near, weight = smooth(3.5)
    stands_out = (near - smooth(11.0)[0]) * (weight > 0.9)
    height = np.abs(np.arange(few) + 0.5 - few / 2) / (few / 2)
    place = int(np.argmax(stands_out * np.clip(1.3 - 1.2 * height, 0.0, 1.0)[:, None]))
    return 4.0 * (place % few) + 1.5, 4.0 * (place // few) + 1.5


def _against_ground(channel: FloatArray, field: Bools) -> FloatArray:
    """The logarithm of each value over the median of its surroundings; 0 beyond the field."""
    import cv2

    inside = field.astype(np.float32)
    weight = cv2.blur(inside, (61, 61))
    # Beyond the field what its rim is like goes on, so that the rim is no edge.
    beyond = cv2.blur(channel * inside, (61, 61)) / np.maximum(weight, np.float32(1e-3))
    filled = np.where(field, channel, beyond).astype(np.float32)
    ground = cv2.medianBlur(np.clip(np.rint(filled), 0, 255).astype(np.uint8), _GROUND)
    calm = cv2.GaussianBlur(ground.astype(np.float32), (0, 0), 6.0)
    light = np.log((filled + np.float32(8)) / (calm + np.float32(8)))
    return np.where(field, light, np.float32(0)).astype(np.float32)


def _spots(name: str, light: FloatArray, places: Places) -> Iterator[tuple[str, float]]:
    """Numbers and strengths of the spots of one light at all sizes."""
    import cv2

    half = (SIDE // 2, SIDE // 2)
    small = cv2.resize(light, half, interpolation=cv2.INTER_AREA)
    looked_at = cv2.resize(places.looked_at.astype(np.uint8), half, interpolation=cv2.INTER_AREA) > 0
    macula = cv2.resize(places.macula, half, interpolation=cv2.INTER_AREA)
    coarse = Places(looked_at, np.asarray(macula))
    for size in (*_FINE, *_COARSE):
        where, source, reach = (places, light, size) if size in _FINE else (coarse, small, size / 2)
        dark, bright = curvatures(np.asarray(source), reach)
        if name != "yellow":
            yield from _of_size(f"{name} dark {size}", dark, where, by_macula=name == "green")
        yield from _of_size(f"{name} bright {size}", bright, where, by_macula=name != "red")


def curvatures(light: FloatArray, reach: float) -> tuple[FloatArray, FloatArray]:
    """How much darker, and how much brighter than around it each point is in the direction in which it is so least.

    reach: standard deviation of the spots looked for, in pixels. Values do not depend on the size of a spot that is a
    bell of that size."""
    import cv2

    calm = cv2.GaussianBlur(light, (0, 0), reach)
    across, down, mixed = (
        np.asarray(cv2.Sobel(calm, cv2.CV_32F, x, y, ksize=3), np.float32) for x, y in ((2, 0), (0, 2), (1, 1))
    )
    middle = (across + down) / 8
    half = np.sqrt(((across - down) / 8) ** 2 + (mixed / 4) ** 2)
    scale = np.float32(reach * reach)
    dark, bright = (middle - half) * scale, -(middle + half) * scale
    return np.asarray(dark, np.float32), np.asarray(bright, np.float32)


def _of_size(key: str, strength: FloatArray, places: Places, *, by_macula: bool) -> Iterator[tuple[str, float]]:
    import cv2

    peak = (strength >= cv2.dilate(strength, np.ones((3, 3), np.uint8))) & (strength > 0) & places.looked_at
    rows, columns = np.nonzero(peak)
    found = strength[rows, columns]
    spread = float(np.std(strength[places.looked_at])) + 1e-4 if places.looked_at.any() else 1.0
    for rank, value in _ranked(found, _RANKS):
        yield f"{key} #{rank}", value
    for rank, value in _ranked(found, _SPREAD_RANKS):
        yield f"{key} #{rank} in spreads", value / spread
    for least in _NOTICED:
        yield f"{key} over {least}", float(np.count_nonzero(found > least))
    if by_macula:
        away = places.macula[rows, columns]
        for near in (1.0, 2.2):
            for rank, value in _ranked(found[away < near], _NEAR_RANKS):
                yield f"{key} within {near} #{rank}", value
            yield f"{key} within {near}", float(np.count_nonzero(found[away < near] > _NOTICED[1]))
    if key.startswith("green dark"):
        middle = strength.shape[0] / 2
        corner = 2 * (rows > middle) + (columns > middle)
        counts = np.sort(np.bincount(corner[found > 1.5 * _NOTICED[0]], minlength=4))
        for place, count in enumerate(counts.tolist()):
            yield f"{key} quarter {place}", float(count)


def _ranked(values: FloatArray, ranks: tuple[int, ...]) -> Iterator[tuple[int, float]]:
    """The largest, the third largest and so on; 0 where there are not as many."""
    ordered = np.sort(values)[::-1]
    for rank in ranks:
        yield rank, float(ordered[rank - 1]) if len(ordered) >= rank else 0.0


def _patches(green: FloatArray, red: FloatArray, blue: FloatArray, places: Places) -> Iterator[tuple[str, float]]:
    """Areas of what is clearly brighter or darker than its surroundings."""
    import cv2

    calm = cv2.GaussianBlur(green, (0, 0), 1.0)
    for least in _BRIGHT:
        bright = (calm > least) & places.looked_at
        sizes = _areas(bright)
        yield f"bright {least} area", float(np.count_nonzero(bright))
        yield f"bright {least} patches", float(np.count_nonzero(sizes >= 4))
        yield f"bright {least} largest", float(sizes.max(initial=0))
        for near in (1.0, 2.0):
            yield f"bright {least} within {near}", float(np.count_nonzero(bright & (places.macula < near)))
        for name, light in (("red", red), ("blue", blue)):
            yield f"bright {least} {name}", float(light[bright].mean(dtype=np.float64)) if bright.any() else 0.0
    for least in _DARK:
        dark = cv2.morphologyEx(
            ((calm < -least) & places.looked_at).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)
        )
        sizes = _areas(dark > 0)
        yield f"dark {least} area", float(np.count_nonzero(dark))
        yield f"dark {least} patches", float(len(sizes))
        yield f"dark {least} largest", float(sizes.max(initial=0))


def _areas(mask: Bools) -> npt.NDArray[np.int64]:
    """Pixels of each connected part."""
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return np.asarray(stats[1:, cv2.CC_STAT_AREA], dtype=np.int64)
