"""What tells one beat from the record's others: how early it comes, how it looks beside the usual one."""

import numpy as np
import numpy.typing as npt

from desktop.inference import rhythm_runs
from desktop.inference.rhythm_lead import AFTER, BEFORE, RATE, ReadyLead, correlation
from desktop.signals.qrs import running_median

Floats = npt.NDArray[np.float64]

NAMES = (
    "before_local", "after_local", "before_after", "before_record", "after_record", "before_last", "after_next",
    "second_before", "second_after", "local_spread", "local_steps", "wide_steps", "local_rate", "early_by_neighbours",
    "before_long", "before_long_local",
    "alike", "alike_local", "alike_last", "alike_next", "height", "height_local", "up", "down", "width", "width_local",
    "width_half", "area", "area_local", "steep", "steep_local", "p_alike", "p_height", "p_local", "p_rest", "t_height",
    "t_alike", "t_rest", "rest", "rest_local", "shift", "common", "common_early", "alike_half", "slow_share",
    "before_level", "common_after", "common_spread", "sinus_alike", "sinus_p_alike",
    "sinus_p_rest", "sinus_width", "sinus_height", "rest_odd", "p_rest_odd", "sinus_p_rest_odd",
    "unlike_odd", "sinus_unlike_odd", "early_odd", "early_odd_record", *rhythm_runs.NAMES,
)  # fmt: skip  # a list reads better with several to a line
"""Names of the numbers, in order."""

_QRS = slice(BEFORE - 10, BEFORE + 13)
_P = slice(BEFORE - 25, BEFORE - 8)
_T = slice(BEFORE + 14, AFTER + BEFORE)
_MOST_COMPARED = 400
_NEAR = 21
_WIDE = 61
_OF_ONE_FOCUS, _SHARED = 0.93, 0.8


def beat_numbers(lead: ReadyLead) -> npt.NDArray[np.float32]:
    """(beats, len(NAMES)) float32, finite. At least three beats; else (beats, …) of nothing."""
    count = len(lead.beats)
    if count < 3:
        return np.zeros((count, len(NAMES)), np.float32)
    columns = [*_of_intervals(lead.when), *_of_shapes(lead)]
    named = dict(zip(NAMES, columns, strict=False))
    columns += [_odd(named[name]) for name in ("rest", "p_rest", "sinus_p_rest")]
    columns += [_odd(1.0 - named[name]) for name in ("alike", "sinus_alike")]
    early = np.minimum(named["before_local"], 0.0)
    columns += [early / (named["local_spread"] + 0.03), early / (float(np.median(named["local_spread"])) + 0.03)]
    columns += rhythm_runs.run_numbers(lead.when)
    found = np.nan_to_num(np.stack(columns, axis=1), nan=0.0, posinf=8.0, neginf=-8.0)
    return np.asarray(np.clip(found, -8.0, 8.0), dtype=np.float32)


def _odd(unlike: Floats) -> Floats:
    """How unlike a beat is against how unlike this record's beats usually are: noise makes all unlike."""
    return np.log((unlike + 0.02) / (float(np.median(unlike)) + 0.02))


def _of_intervals(when: Floats) -> list[Floats]:
    rr = np.diff(when)
    local = running_median(rr, _NEAR)
    usual = float(np.median(rr))
    before, after = np.concatenate([[local[0]], rr]), np.concatenate([rr, [local[-1]]])
    here = np.concatenate([[local[0]], local])
    last, following = _shifted(before, 1), _shifted(after, -1)
    steps = np.abs(np.diff(np.log(rr), prepend=np.log(rr[0])))
    uneven, wide = _running_mean(np.minimum(steps, 0.5), _NEAR), _running_mean((steps > 0.08).astype(float), _WIDE)
    spread = np.sqrt(_running_mean((np.minimum(rr / local, 2.0) - 1.0) ** 2, _NEAR))
    at = np.concatenate([[0], np.arange(len(rr))])
    long = float(np.percentile(rr, 85))
    neighbours = np.median(np.stack([_shifted(before, 1), _shifted(before, 2), _shifted(before, 3)]), axis=0)
    return [
        np.log(before / here),
        np.log(after / here),
        np.log(before / after),
        np.log(before / usual),
        np.log(after / usual),
        np.log(before / last),
        np.log(after / following),
        np.log(last / here),
        np.log(following / here),
        spread[at],
        uneven[at],
        wide[at],
        np.log(here / 0.8),
        np.log(before / neighbours),
        np.log(before / long),
        np.log(before / _running_long(rr)[at]),
    ]


def _of_shapes(lead: ReadyLead) -> list[Floats]:
    shapes, usual = lead.shapes, lead.usual
    near = _running_shape(shapes)
    qrs = shapes[:, _QRS] - _level(shapes)[:, None]
    qrs_usual = usual[_QRS] - _level(usual[None])[0]
    qrs_near = near[:, _QRS] - _level(near)[:, None]
    height, height_near = np.ptp(qrs, axis=1), np.ptp(qrs_near, axis=1)
    width, width_near = _width(qrs, 0.25), _width(qrs_near, 0.25)
    area, area_near = np.abs(qrs).mean(axis=1), np.abs(qrs_near).mean(axis=1)
    steep, steep_near = np.abs(np.diff(qrs)).max(axis=1), np.abs(np.diff(qrs_near)).max(axis=1)
    p, p_near = _centred(shapes[:, _P]), _centred(near[:, _P])
    t, t_usual = _centred(shapes[:, _T]), _centred(usual[None, _T])
    common, common_early, common_after, common_spread = _common(lead)
    sinus = _sinus(lead)
    qrs_sinus = sinus[:, _QRS] - _level(sinus)[:, None]
    p_sinus = _centred(sinus[:, _P])
    scale = float(np.ptp(qrs_usual)) + 0.1
    slow = np.abs(_smooth(qrs)).mean(axis=1) / (area + 1e-3)
    return [
        lead.alike,
        correlation(shapes, near),
        correlation(shapes, np.roll(shapes, 1, axis=0)),
        correlation(shapes, np.roll(shapes, -1, axis=0)),
        np.log((height + 0.05) / scale),
        np.log((height + 0.05) / (height_near + 0.05)),
        qrs.max(axis=1),
        qrs.min(axis=1),
        width * 10.0,
        (width - width_near) * 10.0,
        _width(qrs, 0.5) * 10.0,
        np.log((area + 0.01) / (float(np.abs(qrs_usual).mean()) + 0.01)),
        np.log((area + 0.01) / (area_near + 0.01)),
        np.log((steep + 0.01) / (float(np.abs(np.diff(qrs_usual)).max()) + 0.01)),
        np.log((steep + 0.01) / (steep_near + 0.01)),
        _likeness(p, p_near),
        np.ptp(p, axis=1),
        np.ptp(p, axis=1) - np.ptp(p_near, axis=1),
        np.sqrt(((p - p_near) ** 2).mean(axis=1)) * 4.0,
        t.max(axis=1) + t.min(axis=1),
        _likeness(t, np.broadcast_to(t_usual, t.shape)),
        np.sqrt(((t - t_usual) ** 2).mean(axis=1)) * 2.0,
        np.sqrt(((qrs - qrs_usual) ** 2).mean(axis=1)) * 2.0,
        np.sqrt(((qrs - qrs_near) ** 2).mean(axis=1)) * 2.0,
        (np.abs(qrs).argmax(axis=1) - int(np.abs(qrs_usual).argmax())) / 5.0,
        common,
        common_early,
        _likeness(_centred(shapes[:, BEFORE - 5 : BEFORE + 6]), _centred(usual[None, BEFORE - 5 : BEFORE + 6])),
        slow,
        _level(shapes) - float(_level(usual[None])[0]),
        common_after,
        common_spread,
        correlation(shapes, sinus),
        _likeness(p, p_sinus),
        np.sqrt(((p - p_sinus) ** 2).mean(axis=1)) * 4.0,
        (width - _width(qrs_sinus, 0.25)) * 10.0,
        np.log((height + 0.05) / (np.ptp(qrs_sinus, axis=1) + 0.05)),
    ]


def _level(shapes: Floats) -> Floats:
    """(beats,) the baseline just before the complex."""
    return np.asarray(np.median(shapes[:, BEFORE - 12 : BEFORE - 6], axis=1))


def _centred(values: Floats) -> Floats:
    return np.asarray(values - values.mean(axis=1, keepdims=True))


def _likeness(one: Floats, other: Floats) -> Floats:
    """Correlation of centred rows; rows without any wave are like nothing."""
    norm = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    return np.asarray((one * other).sum(axis=1) / (norm + 0.02))


def _width(qrs: Floats, share: float) -> Floats:
    """(beats,) seconds from the first to the last sample that is further from the baseline than a share of the most."""
    size = np.abs(qrs)
    high = size > share * size.max(axis=1, keepdims=True)
    first, last = high.argmax(axis=1), high.shape[1] - 1 - high[:, ::-1].argmax(axis=1)
    return np.asarray((last - first + 1) / RATE)


def _smooth(qrs: Floats) -> Floats:
    from scipy.ndimage import uniform_filter1d

    return np.asarray(uniform_filter1d(qrs, 9, axis=1))


def _common(lead: ReadyLead) -> tuple[Floats, Floats, Floats, Floats]:
    """(beats,) how many of the record's beats have this shape; how early those come and how long the interval after
    them is, on average; how much their earliness differs."""
    shapes = lead.shapes
    chosen = np.unique(np.linspace(0, len(shapes) - 1, min(len(shapes), _MOST_COMPARED)).astype(int))
    rr = np.diff(lead.when)
    relative = np.log(rr / running_median(rr, _NEAR))
    early, after = np.concatenate([[0.0], relative])[chosen], np.concatenate([relative, [0.0]])[chosen]
    part = slice(BEFORE - 15, BEFORE + 20)
    alike = (_unit(shapes[:, part]) @ _unit(shapes[chosen, part]).T) > 0.9
    many = np.maximum(alike.sum(axis=1), 1)
    mean = (alike @ early) / many
    spread = np.sqrt(np.maximum((alike @ early**2) / many - mean**2, 0.0))
    return alike.mean(axis=1), mean, (alike @ after) / many, spread


def _sinus(lead: ReadyLead) -> Floats:
    """(beats, samples) the median of the beats about each one that look usual and follow a long interval: those that
    most likely begin in the sinus node, even where premature beats are the majority."""
    count = len(lead.beats)
    rr = np.diff(lead.when, prepend=2 * lead.when[0] - lead.when[1])
    found = np.empty_like(lead.shapes)
    for begin in range(0, count, 64):
        first = max(0, min(begin + 32 - 100, count - 200))
        near = np.arange(first, min(count, first + 200))
        usual = near[lead.alike[near] > 0.8]
        usual = usual if len(usual) >= 5 else near
        long = usual[rr[usual] >= np.percentile(rr[usual], 70)]
        found[begin : begin + 64] = np.median(lead.shapes[long], axis=0)
    return found


def _running_long(rr: Floats) -> Floats:
    """(intervals,) the 80th percentile of the sixty about each; every eighth is computed."""
    found = np.empty_like(rr)
    for begin in range(0, len(rr), 8):
        first = max(0, min(begin + 4 - _WIDE // 2, len(rr) - _WIDE))
        found[begin : begin + 8] = np.percentile(rr[first : first + _WIDE], 80)
    return found


def _unit(values: Floats) -> Floats:
    centred = _centred(values)
    norm = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    return np.asarray(centred / np.where(norm > 0, norm, 1.0))


def _shifted(values: Floats, by: int) -> Floats:
    """values[i - by], the first or last one going on beyond the end."""
    return values[np.clip(np.arange(len(values)) - by, 0, len(values) - 1)]


def _running_mean(values: Floats, width: int) -> Floats:
    from scipy.ndimage import uniform_filter1d

    return np.asarray(uniform_filter1d(values, min(width, len(values)), mode="nearest"))


def _running_shape(shapes: Floats) -> Floats:
    """(beats, samples) the median shape of the beats about each one, computed for every eighth."""
    count, found = len(shapes), np.empty_like(shapes)
    for begin in range(0, count, 8):
        middle = begin + 4
        first = max(0, min(middle - 15, count - 31))
        found[begin : begin + 8] = np.median(shapes[first : first + 31], axis=0)
    return found


def beat_inputs(lead: ReadyLead) -> npt.NDArray[np.float32]:
    """(beats, 3, BEFORE + AFTER) as the beat network sees them: the beat, what is left of it without the usual one, and
    the numbers (the first of the third row)."""
    made = np.zeros((len(lead.beats), 3, BEFORE + AFTER), np.float32)
    made[:, 0], made[:, 1] = lead.shapes, lead.shapes - lead.usual
    made[:, 2, : len(NAMES)] = beat_numbers(lead)
    return made


def shared(lead: ReadyLead, logits: Floats, most: int = 600) -> Floats:
    """(beats,) log-odds that each beat learned from those that look like it: ectopic beats of one focus are alike.

    logits: (beats,). A beat without any like it keeps its own; one with many takes four fifths of theirs.
    """
    count = len(lead.beats)
    if count < 3:
        return logits
    chosen = np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))
    part = slice(BEFORE - 15, BEFORE + 25)
    unit = _unit(lead.shapes[:, part])
    alike = ((unit @ unit[chosen].T) > _OF_ONE_FOCUS).astype(np.float64)
    many = alike.sum(axis=1)
    theirs = (alike @ logits[chosen] + logits) / (many + 1)
    weight = _SHARED * many / (many + 3)
    return np.asarray((1 - weight) * logits + weight * theirs)
