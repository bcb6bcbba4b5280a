"""Where the words of drawings go: beside them, not on top of one another. Plain geometry, no state."""

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF

_GAP = 8.0
_EDGE = 2.0
_FAR = 24.0
_MOST = 60
"""With more words than this on one picture nobody reads them; they go where they would alone."""


def places(
    drawings: Sequence[QRectF],
    sizes: Sequence[QSizeF],
    room: QSizeF,
    taken: Sequence[QRectF] = (),
    corners: Sequence[QRectF] = (),
) -> list[QRectF]:
    """A box for the words of each drawing, inside the room where they fit it.

    drawings: their bounds. sizes: of the words of each. taken: where words of other drawings stand already; corners:
    where other words do, which in a small pane have to make room. Each takes the first of a
    few places, beside its drawing and then along the edges, where it covers no other words and no drawing; where there
    is none, the place where it covers least.
    """
    found: list[QRectF] = []
    if len(drawings) > _MOST:
        return [_inside(_beside(one, size), room) for one, size in zip(drawings, sizes, strict=True)]
    for bounds, size in zip(drawings, sizes, strict=True):
        words = (*taken, *found)
        best, least = QRectF(), float("inf")
        for box in _candidates(bounds, size, room):
            covered = 1000 * _covered(box, words) + 10 * _covered(box, corners) + _covered(box, drawings)
            if covered < least:
                best, least = box, covered
            if covered == 0:
                break
        found.append(best)
    return found


def leader(box: QRectF, bounds: QRectF) -> QLineF | None:
    """A line from words to the drawing they are about, where they stand far from it."""
    x = min(max(bounds.center().x(), box.left()), box.right())
    y = min(max(bounds.center().y(), box.top()), box.bottom())
    near = QPointF(min(max(x, bounds.left()), bounds.right()), min(max(y, bounds.top()), bounds.bottom()))
    line = QLineF(QPointF(x, y), near)
    return line if line.length() > _FAR else None


def _candidates(bounds: QRectF, size: QSizeF, room: QSizeF) -> Iterator[QRectF]:
    """Beside, below, above; then down the right edge and the left one, the nearest first."""
    wide, high = size.width(), size.height()
    middle = bounds.center().x() - wide / 2
    corners = (
        (bounds.right() + _GAP, bounds.top() - high / 2),
        (bounds.right() + _GAP, bounds.bottom() - high / 2),
        (bounds.left() - _GAP - wide, bounds.top() - high / 2),
        (bounds.left() - _GAP - wide, bounds.bottom() - high / 2),
        (middle, bounds.bottom() + _GAP),
        (middle, bounds.top() - _GAP - high),
    )
    for left, top in corners:
        yield _inside(QRectF(QPointF(left, top), size), room)
    rows = max(1, int((room.height() - 2 * _EDGE) // (high + _EDGE)))
    tops = sorted((_EDGE + row * (high + _EDGE) for row in range(rows)), key=lambda top: abs(top - bounds.center().y()))
    for left in (room.width() - wide - _EDGE, _EDGE):
        for top in tops:
            yield _inside(QRectF(QPointF(left, top), size), room)


def _beside(bounds: QRectF, size: QSizeF) -> QRectF:
    return QRectF(QPointF(bounds.right() + _GAP, bounds.top() - size.height() / 2), size)


def _inside(box: QRectF, room: QSizeF) -> QRectF:
    left = min(max(box.left(), _EDGE), room.width() - box.width() - _EDGE)
    top = min(max(box.top(), _EDGE), room.height() - box.height() - _EDGE)
    return QRectF(QPointF(left, top), box.size())


def _covered(box: QRectF, others: Sequence[QRectF]) -> float:
    """Square pixels of a box that lie over others."""
    area = 0.0
    for other in others:
        both = box.intersected(other)
        area += both.width() * both.height()
    return area
