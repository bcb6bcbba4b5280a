"""Average beats, now and earlier: each lead's shape and the numbers side by side."""

import numpy as np
from pyqtgraph.functions import arrayToQPath
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from desktop.records import STANDARD_LEADS
from desktop.signals.average import AverageBeat
from desktop.signals.measure import EcgMeasurements, Measured
from desktop.ui.context import UiContext
from desktop.ui.viewers.ecg_painting import Inks, trace_pen
from desktop.ui.viewers.ecg_state import EcgView

BEATS_ENLARGED = 1.5
"""A millimetre of the paper is shown so many times as large: shapes are compared, not distances on the screen."""

_BEFORE, _AFTER = 0.30, 0.55
_TABLE_WIDTH = 330.0
_COLUMNS = 4


def paint_beats(
    painter: QPainter,
    area: QRectF,
    view: EcgView,
    pixels: float,
    now: EcgMeasurements,
    earlier: EcgMeasurements | None,
    colours: Inks,
) -> None:
    """The average beat of each lead in a grid, the earlier one behind it, R peaks over each other."""
    beat = now.beat
    if beat is None:
        return
    names = [name for name in STANDARD_LEADS if name in beat.names] or list(beat.names)
    rows = -(-len(names) // _COLUMNS)
    width, height = area.width() / min(_COLUMNS, len(names)), area.height() / rows
    for number, name in enumerate(names):
        # Down the columns, as on a page of three by four.
        column, row = divmod(number, rows)
        cell = QRectF(area.left() + column * width, area.top() + row * height, width, height)
        painter.save()
        painter.setClipRect(cell)
        if earlier is not None and earlier.beat is not None:
            painter.setPen(trace_pen(colours.earlier))
            _paint_beat(painter, cell, view, pixels, earlier.beat, name)
        painter.setPen(trace_pen(colours.trace))
        _paint_beat(painter, cell, view, pixels, beat, name)
        painter.restore()
        painter.setPen(colours.label)
        painter.drawText(cell.adjusted(6, 4, 0, 0), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, name)


def _paint_beat(painter: QPainter, cell: QRectF, view: EcgView, pixels: float, beat: AverageBeat, name: str) -> None:
    if name not in beat.names:
        return
    first, last = beat.r - round(_BEFORE * beat.rate), beat.r + round(_AFTER * beat.rate)
    values = beat.rows[beat.names.index(name), max(0, first) : last]
    middle = cell.center() + QPointF((_BEFORE - _AFTER) / 2 * view.speed * pixels, cell.height() * 0.1)
    x = middle.x() + (np.arange(len(values)) - _BEFORE * beat.rate) / beat.rate * view.speed * pixels
    y = middle.y() - values * view.gain * pixels
    painter.drawPath(arrayToQPath(x, y, connect="finite"))


def paint_table(
    painter: QPainter,
    area: QRectF,
    context: UiContext,
    now: EcgMeasurements,
    earlier: EcgMeasurements | None,
    titles: tuple[str, str],
    colours: Inks,
) -> None:
    """Rate and intervals now, earlier, and how they changed."""
    tr = context.tr
    rows = [("", titles[0], titles[1] if earlier is not None else "", "")]
    pairs = (
        ("rate", now.rate, earlier.rate if earlier else None),
        ("pr", now.pr, earlier.pr if earlier else None),
        ("qrs", now.qrs, earlier.qrs if earlier else None),
        ("qt", now.qt, earlier.qt if earlier else None),
        ("qtc_fridericia", now.qtc_fridericia, earlier.qtc_fridericia if earlier else None),
        ("qtc_bazett", now.qtc_bazett, earlier.qtc_bazett if earlier else None),
    )
    for key, new, old in pairs:
        rows.append((tr(f"ecg.row.{key}"), _number(new), _number(old), _change(new, old)))
    metrics = QFontMetricsF(painter.font())
    step, columns = metrics.height() + 6, (0.0, 0.36, 0.62, 0.88)
    for number, cells in enumerate(rows):
        for place, words in zip(columns, cells, strict=True):
            earlier_column = place == columns[2]
            painter.setPen(QColor(colours.earlier if earlier_column else colours.label))
            room = area.width() * (0.25 if place else 0.36)
            shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
            painter.drawText(QPointF(area.left() + place * area.width(), area.top() + (number + 1) * step), shown)


def _number(value: Measured | None) -> str:
    if value is None:
        return ""
    return "–" if value.value is None else f"{value.value:.0f}"


def _change(new: Measured, old: Measured | None) -> str:
    if old is None or new.value is None or old.value is None:
        return ""
    return f"{new.value - old.value:+.0f}"


def table_width(room: float) -> float:
    """What the table takes of a page's width."""
    return min(_TABLE_WIDTH, room * 0.35)
