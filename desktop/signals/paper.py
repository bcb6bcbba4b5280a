"""A page of electrocardiogram as a grey picture, for a report on paper: three by four and a rhythm strip at 25 mm/s.

The screen draws its own pages; this one needs no screen.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from desktop.records import MILLIVOLT, STANDARD_LEADS, Trace
from desktop.records.trace import Samples
from desktop.signals.filters import FilterSetting, applied
from desktop.signals.leads import with_calculated_limb_leads

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

PIXELS = 6
"""Pixels for a millimetre of paper: 150 to the inch."""

_SPEED, _GAIN, _SECONDS = 25.0, 10.0, 10.0
_ROW, _LEAD_IN = 28.0, 9.0
_MOST_ROWS = 12
_MINOR, _MAJOR, _INK = 236, 208, 0
_LIGHT = 225
_SMALL_SECONDS, _MOST_STRIPS = 5.0, 3
_TELLING = ("II", "V1", "V5")


def paper_page(trace: Trace) -> npt.NDArray[np.uint8]:
    """The first ten seconds: (rows, columns) uint8, dark lines on white paper with squares of 1 and 5 mm.

    All twelve leads give three by four with lead II below; fewer give one row for each. Slow wander is taken away
    (0.05 Hz), nothing else. Leads that are not in mV are scaled to their row.
    """
    from PIL import Image, ImageFont
    from PIL.ImageDraw import Draw

    whole, _ = with_calculated_limb_leads(trace)
    samples = applied(whole, FilterSetting(low_hz=0.05))
    grid = _grid(whole)
    page = Image.fromarray(_squares(round((_LEAD_IN + _SECONDS * _SPEED) * PIXELS), round(len(grid) * _ROW * PIXELS)))
    draw = Draw(page)
    font = ImageFont.load_default(4 * PIXELS)
    for number, rows in enumerate(grid):
        middle = (number + 0.55) * _ROW
        _pulse(draw, middle)
        for column, row in enumerate(rows):
            seconds = _SECONDS / len(rows)
            left = _LEAD_IN + column * seconds * _SPEED
            draw.text((left * PIXELS + 4, (number * _ROW + 1) * PIXELS), whole.leads[row].name, fill=_INK, font=font)
            _curve(draw, whole, samples[row], row, (column * seconds, seconds), (left, middle))
    return np.asarray(page)


def small_strips(trace: Trace, longest: int) -> npt.NDArray[np.uint8]:
    """The first five seconds of up to three leads, as recorded, to tell one trace from another: (rows, columns) uint8,
    light lines on black, no scale; `longest` pixels wide."""
    from PIL import Image
    from PIL.ImageDraw import Draw

    whole, _ = with_calculated_limb_leads(trace)
    named = [row for name in _TELLING if (row := whole.row(name)) is not None]
    rows = (named or list(range(len(whole.leads))))[:_MOST_STRIPS]
    columns, each = longest, longest // 4
    page = Image.new("L", (columns, max(each * len(rows), 1)))
    draw = Draw(page)
    until = max(2, min(whole.length, round(_SMALL_SECONDS * whole.rate)))
    for number, row in enumerate(rows):
        part = whole.samples[row, :until].astype(np.float64)
        low, high = np.nanpercentile(part, [0.2, 99.8]) if np.isfinite(part).any() else (0.0, 0.0)
        span = high - low if high > low else 1.0
        y = (number + 0.9 - 0.8 * np.clip((part - low) / span, 0, 1)) * each
        x = np.linspace(0, columns - 1, part.size)
        known = np.isfinite(y)
        for stretch in np.split(np.arange(part.size), np.flatnonzero(np.diff(known)) + 1):
            if stretch.size > 1 and known[stretch[0]]:
                draw.line(list(zip(x[stretch], y[stretch], strict=True)), fill=_LIGHT)
    return np.asarray(page)


def _grid(trace: Trace) -> list[list[int]]:
    rows = {name: row for name in STANDARD_LEADS if (row := trace.row(name)) is not None}
    if len(rows) < len(STANDARD_LEADS):
        return [[row] for row in range(min(len(trace.leads), _MOST_ROWS))]
    return [[rows[STANDARD_LEADS[3 * column + row]] for column in range(4)] for row in range(3)] + [[rows["II"]]]


def _squares(width: int, height: int) -> npt.NDArray[np.uint8]:
    paper = np.full((height, width), 255, np.uint8)
    for every, grey in ((PIXELS, _MINOR), (5 * PIXELS, _MAJOR)):
        paper[::every] = np.minimum(paper[::every], grey)
        paper[:, ::every] = np.minimum(paper[:, ::every], grey)
    return paper


def _pulse(draw: "ImageDraw", middle: float) -> None:
    """1 mV, 200 ms."""
    points = [(1.0, 0.0), (2.0, 0.0), (2.0, -_GAIN), (7.0, -_GAIN), (7.0, 0.0), (8.0, 0.0)]
    draw.line([(x * PIXELS, (middle + y) * PIXELS) for x, y in points], fill=_INK, width=2)


def _curve(
    draw: "ImageDraw", trace: Trace, values: Samples, row: int, time: tuple[float, float], place: tuple[float, float]
) -> None:
    """One lead's stretch. time: begin and length in seconds; place: left edge and middle in mm."""
    first, last = (round(moment * trace.rate) for moment in (time[0], time[0] + time[1]))
    part = values[first : min(last, trace.length)].astype(np.float64)
    gain, zero = _GAIN, 0.0
    if trace.leads[row].unit != MILLIVOLT and np.isfinite(values).any():
        low, high = np.nanpercentile(values, [0.5, 99.5])
        zero, gain = (low + high) / 2, 0.8 * _ROW / (high - low) if high > low else 1.0
    x = (place[0] + np.arange(part.size) / trace.rate * _SPEED) * PIXELS
    y = (place[1] - (part - zero) * gain) * PIXELS
    known = np.isfinite(y)
    for stretch in np.split(np.arange(part.size), np.flatnonzero(np.diff(known)) + 1):
        if stretch.size > 1 and known[stretch[0]]:
            draw.line(list(zip(x[stretch], y[stretch], strict=True)), fill=_INK, width=2)
