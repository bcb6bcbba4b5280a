"""What a reader measures on twelve leads, as numbers: waves of each lead, axes, voltages, intervals, rhythm.

The version of this list is part of a model's manifest (`METHOD`): whoever changes a number's meaning or place changes
the version. NaN is what cannot be measured.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.records import STANDARD_LEADS
from desktop.signals.filters import band_pass, low_pass
from desktop.signals.intervals import Fiducials
from desktop.signals.twelve import RATE, TwelveLeads

Floats = npt.NDArray[np.float64]

METHOD = "ecg-features/1"

LEAD_NAMES = (
    "p", "p_end", "p_area", "q", "q_ms", "r", "s", "s_late", "qrs_area", "qrs_range", "r_ms", "r_share", "notches",
    "j", "st_40", "st_80", "st_slope", "t", "t_area", "t_share", "t_low",
)  # fmt: skip  # a list reads better with several to a line

_AXES = (
    "qrs_axis_sin", "qrs_axis_cos", "t_axis_sin", "t_axis_cos", "frontal_angle", "spatial_angle",
    "first_x", "first_y", "first_z", "last_x", "last_y", "last_z", "qrs_x", "qrs_y", "qrs_z",
    "t_x", "t_y", "t_z", "st_x", "st_y", "st_z", "loop", "spatial_qrs", "spatial_t",
)  # fmt: skip  # a list reads better with several to a line

_CODE = {name: place for place, name in enumerate(STANDARD_LEADS)}
# Inverse Dower matrix (Edenbrandt and Pahlm 1988): X, Y, Z from V1..V6, I, II.
_DOWER = np.array(
    [
        (-0.172, -0.074, 0.122, 0.231, 0.239, 0.194, 0.156, -0.010),
        (0.057, -0.019, -0.106, -0.022, 0.041, 0.048, -0.227, 0.887),
        (-0.229, -0.310, -0.246, -0.063, 0.055, 0.108, 0.022, 0.102),
    ]
)
_DOWER_ROWS = (6, 7, 8, 9, 10, 11, 0, 1)


@dataclass(frozen=True, eq=False)
class _Beat:
    """rows: (12, samples) of the usual beat in mV against the level before the QRS, at 1000 Hz, without what is faster
    than 40 Hz. begin, end: of the QRS complex; p: where the P wave may begin; t_end: of the T wave."""

    rows: Floats
    r: int
    begin: int
    end: int
    p: int
    t_end: int


def measure_twelve(twelve: TwelveLeads) -> dict[str, float]:
    """Every number by name, in an order that never changes; NaN where it cannot be measured."""
    found: dict[str, float] = {}
    found |= _rhythm(twelve)
    beat = _placed(twelve)
    lead_numbers = np.full((12, len(LEAD_NAMES)), np.nan)
    if beat is not None:
        for row in range(12):
            if not twelve.silent[row]:
                lead_numbers[row] = _lead(beat, row)
    for row, lead in enumerate(STANDARD_LEADS):
        found |= {f"{lead}.{name}": float(lead_numbers[row, place]) for place, name in enumerate(LEAD_NAMES)}
    by_name = {name: lead_numbers[:, place] for place, name in enumerate(LEAD_NAMES)}
    found |= _intervals(twelve, beat)
    found |= _axes(beat, twelve)
    found |= _criteria(by_name)
    return found


def _placed(twelve: TwelveLeads) -> _Beat | None:
    if twelve.beat is None:
        return None
    usual, waves = twelve.beat, twelve.waves
    r = usual.r
    rows = low_pass(usual.rows, usual.rate, 40.0)
    begin = r + round(waves.qrs_onset if waves.qrs_onset is not None else -45.0)
    end = r + round(waves.qrs_end if waves.qrs_end is not None else 55.0)
    level = np.median(rows[:, max(0, begin - 24) : begin - 8], axis=1, keepdims=True)
    latest = min(usual.next_p, rows.shape[1] - 1)
    t_end = r + round(waves.t_end) if waves.t_end is not None else begin + round(0.4 * (latest - begin) + 200)
    t_end = max(min(t_end, latest), end + 120)
    p = max(0, usual.previous_t, begin - 260)
    if waves.p_onset is not None:
        p = min(max(0, r + round(waves.p_onset) - 10), begin - 60)
    return _Beat(rows - level, r, begin, end, min(p, begin - 60), min(t_end, rows.shape[1] - 1))


def _lead(beat: _Beat, row: int) -> Floats:
    """The numbers of LEAD_NAMES of one lead."""
    curve = beat.rows[row]
    p = curve[beat.p : beat.begin - 6]
    p = p - np.linspace(p[0], p[-1], p.size)
    qrs = curve[beat.begin : beat.end]
    top = int(np.argmax(qrs))
    low_before, low_after = (float(part.min()) if part.size else 0.0 for part in (qrs[: top + 1], qrs[top:]))
    q, r, s = min(0.0, low_before), max(0.0, float(qrs[top])), min(0.0, low_after)
    if r < 0.05:  # a complex that only goes down: one wave, counted as Q
        q, s = min(0.0, float(qrs.min())), 0.0
    before = qrs[:top] if r >= 0.05 else qrs
    q_ms = float((before < -0.03).sum())
    reach = float(np.ptp(qrs))
    r_ms = float((qrs > 0.05 * max(reach, 0.1)).sum())
    slopes = np.diff(qrs[::4])
    turns = np.flatnonzero(np.diff(np.sign(np.where(np.abs(slopes) > 0.01 * max(reach, 0.1), slopes, 0.0))) != 0)
    after = curve[beat.end + 60 : beat.t_end]
    place = int(np.argmax(np.abs(after))) if after.size else 0
    t = float(after[place]) if after.size else 0.0
    t_low = float(after.min()) if after.size else 0.0
    j, st_40, st_80 = (float(curve[min(beat.end + late, curve.size - 1)]) for late in (2, 40, 80))
    terminal = p[int(0.55 * p.size) :]
    return np.array(
        [
            float(p.max()), float(terminal.min()), float(p.sum()) / 1000.0, q, q_ms, r, s,
            float(qrs[int(0.6 * qrs.size) :].mean()), float(qrs.sum()) / 1000.0, reach, r_ms,
            r / (r - min(q, s) + 0.05), float(len(turns)), j, st_40, st_80, st_80 - j, t,
            float(after.sum()) / 1000.0, t / (reach + 0.2), t_low,
        ]
    )  # fmt: skip  # a list reads better with several to a line


def _rhythm(twelve: TwelveLeads) -> dict[str, float]:
    """Rate and how even the beats are; what moves between the beats in lead II and V1."""
    gaps = np.diff(twelve.peaks) / RATE
    names = ("rate", "rr_spread", "rr_steps", "rr_middle", "rr_early", "rr_long", "rr_turns", "rr_entropy")
    if len(gaps) < 3:
        found = dict.fromkeys(names, math.nan)
    else:
        steps = np.diff(gaps)
        middle = float(np.median(gaps))
        shares = np.histogram(np.clip(gaps / middle, 0.5, 1.5), bins=12, range=(0.5, 1.5))[0] / len(gaps)
        known = shares[shares > 0]
        found = dict(
            zip(
                names,
                (
                    60.0 / middle,
                    float(gaps.std() / gaps.mean()),
                    float(np.sqrt((steps**2).mean()) / middle),
                    float(np.median(np.abs(steps)) / middle),
                    float((gaps < 0.85 * middle).mean()),
                    float((gaps > 1.15 * middle).mean()),
                    float((np.sign(steps[1:]) != np.sign(steps[:-1])).mean()) if len(steps) > 1 else math.nan,
                    float(-(known * np.log(known)).sum() / math.log(min(12, len(gaps)))),
                ),
                strict=True,
            )
        )
    found["alike"] = twelve.alike if twelve.beat is not None else math.nan
    for name in ("II", "V1", "V2"):
        found |= _between(twelve, name)
    return found


def _between(twelve: TwelveLeads, name: str) -> dict[str, float]:
    """Of one lead between the T wave and the next QRS: how much moves at 4 to 10 Hz, and how alike the beats' waves
    before the QRS are (atrial fibrillation: much, not alike)."""
    row = _CODE[name]
    names = (f"between.{name}.size", f"between.{name}.share", f"between.{name}.p_alike", f"between.{name}.p_size")
    if twelve.silent[row] or len(twelve.peaks) < 4:
        return dict.fromkeys(names, math.nan)
    pieces, before = [], []
    waves = low_pass(band_pass(twelve.rows[row : row + 1], RATE, 1.0, 40.0), RATE, 25.0)[0]
    fast = band_pass(twelve.rows[row : row + 1], RATE, 4.0, 10.0)[0]
    for this, following in zip(twelve.peaks[:-1], twelve.peaks[1:], strict=True):
        first, last = this + round(0.6 * (following - this)), following - 8
        if last - first >= 8:
            pieces.append(fast[first:last])
        if following - 25 > this + 30:
            before.append(waves[following - 25 : following - 6])
    if len(pieces) < 2 or len(before) < 3:
        return dict.fromkeys(names, math.nan)
    size = float(np.sqrt(np.mean(np.concatenate(pieces) ** 2)))
    shapes = np.stack(before)
    shapes = shapes - np.linspace(0, 1, shapes.shape[1]) * (shapes[:, -1:] - shapes[:, :1]) - shapes[:, :1]
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    usual = np.median(shapes, axis=0)
    lengths = np.linalg.norm(shapes, axis=1) * np.linalg.norm(usual)
    alike = float(np.mean((shapes * usual).sum(axis=1) / np.where(lengths > 0, lengths, 1.0)))
    whole = float(np.ptp(usual))
    return dict(zip(names, (size, size / (whole + 0.02), alike, whole), strict=True))


def _intervals(twelve: TwelveLeads, beat: _Beat | None) -> dict[str, float]:
    waves = twelve.waves
    begin = waves.qrs_onset

    def between(first: float | None, last: float | None) -> float:
        return last - first if first is not None and last is not None else math.nan

    gaps = np.diff(twelve.peaks) / RATE
    rr = float(gaps.mean()) if len(gaps) else math.nan
    qt = between(begin, waves.t_end)
    return {
        "pr": between(waves.p_onset, begin),
        "p_seen": math.nan if twelve.beat is None else float(waves.p_onset is not None),
        "qrs": between(begin, waves.qrs_end),
        "qt": qt,
        "qtc": qt / rr ** (1 / 3) if rr > 0 else math.nan,
        "jt": between(waves.qrs_end, waves.t_end),
    }


def _axes(beat: _Beat | None, twelve: TwelveLeads) -> dict[str, float]:
    """Frontal axes as sine and cosine, and the angle between QRS and T in the plane and in space, degrees."""
    if beat is None:
        return dict.fromkeys(_AXES, math.nan)
    qrs = beat.rows[:, beat.begin : beat.end]
    after = beat.rows[:, beat.end + 60 : beat.t_end]
    frontal = [
        np.array([area[_CODE["I"]], area[_CODE["aVF"]] * 2 / math.sqrt(3)])
        for area in (qrs.sum(axis=1), after.sum(axis=1))
    ]
    units = [vector / max(float(np.linalg.norm(vector)), 1e-6) for vector in frontal]
    space = _DOWER @ qrs[list(_DOWER_ROWS)]
    space_t = _DOWER @ after[list(_DOWER_ROWS)]
    st = (_DOWER @ beat.rows[list(_DOWER_ROWS)][:, beat.end + 20 : beat.end + 60]).mean(axis=1)
    third = max(1, space.shape[1] // 3)
    first, last = space[:, :third].mean(axis=1), space[:, -third:].mean(axis=1)
    mean_qrs, mean_t = space.mean(axis=1), space_t.mean(axis=1)
    values = np.linalg.svd(space, compute_uv=False)
    found = [
        units[0][1], units[0][0], units[1][1], units[1][0], _angle(units[0], units[1]), _angle(mean_qrs, mean_t),
        *first, *last, *mean_qrs, *mean_t, *st, float(values[1] / max(float(values[0]), 1e-6)),
        float(np.linalg.norm(space, axis=0).max()), float(np.linalg.norm(space_t, axis=0).max()),
    ]  # fmt: skip  # as the names above
    return {name: float(value) for name, value in zip(_AXES, found, strict=True)}


def _angle(one: Floats, other: Floats) -> float:
    product = float(np.linalg.norm(one) * np.linalg.norm(other))
    return math.degrees(math.acos(float(np.clip(one @ other / product, -1.0, 1.0)))) if product > 0 else 0.0


def _criteria(by_name: dict[str, Floats]) -> dict[str, float]:
    """Sums of voltages and changes over neighbouring leads that readers use."""
    r, q = by_name["r"], by_name["q"]
    s = np.minimum(by_name["s"], q)
    lead = _CODE
    t, st = by_name["t"], by_name["st_80"]
    inferior = [lead["II"], lead["III"], lead["aVF"]]
    lateral = [lead["I"], lead["aVL"], lead["V5"], lead["V6"]]
    anterior = [lead["V1"], lead["V2"], lead["V3"], lead["V4"]]
    chest = list(range(6, 12))
    found = {
        "sokolow": max(-s[lead["V1"]], -s[lead["V2"]]) + max(r[lead["V5"]], r[lead["V6"]]),
        "cornell": r[lead["aVL"]] - s[lead["V3"]],
        "lewis": r[lead["I"]] - r[lead["III"]] - s[lead["III"]] + s[lead["I"]],
        "right": r[lead["V1"]] - min(s[lead["V5"]], s[lead["V6"]]),
        "v1_share": r[lead["V1"]] / (r[lead["V1"]] - s[lead["V1"]] + 0.05),
        "limb_size": float(np.mean((r - s)[:6])),
        "chest_size": float(np.mean((r - s)[6:])),
        "r_growth": r[lead["V4"]] - r[lead["V1"]],
        "r_v2": r[lead["V2"]] / (r[lead["V2"]] - s[lead["V2"]] + 0.05),
        "r_v3": r[lead["V3"]] / (r[lead["V3"]] - s[lead["V3"]] + 0.05),
        "r_least_chest": float(np.min(r[chest][1:4])),
    }
    for name, rows in (("inferior", inferior), ("lateral", lateral), ("anterior", anterior)):
        found |= {
            f"q_{name}": float(np.mean(q[rows] / (r[rows] + 0.1))),
            f"q_ms_{name}": float(np.mean(by_name["q_ms"][rows])),
            f"st_{name}": float(np.mean(st[rows])),
            f"t_{name}": float(np.mean(t[rows])),
            f"t_share_{name}": float(np.mean(by_name["t_share"][rows])),
        }
    up = [lead[name] for name in ("I", "II", "V3", "V4", "V5", "V6")]
    found |= {
        "st_lowest": float(np.min(st[up])),
        "st_highest": float(np.max(st)),
        "t_lowest": float(np.min(t[up])),
        "t_share_lowest": float(np.min(by_name["t_share"][up])),
        "t_flat": float(np.mean(np.abs(by_name["t_share"][up]) < 0.08)),
        "p_size": float(np.median(by_name["p"])),
    }
    return {name: float(value) for name, value in found.items()}


_NOTHING = TwelveLeads(np.zeros((12, 1)), np.empty(0, np.int64), None, Fiducials(), np.ones(12, dtype=bool), True, 0.0)
NAMES = tuple(measure_twelve(_NOTHING))
"""What the numbers are called, in their order."""

COUNT = len(NAMES)
