"""Words of crowded drawings: beside their own, never over one another while there is room."""

from itertools import combinations

from PySide6.QtCore import QRectF, QSizeF

from desktop.ui.viewers.label_places import leader, places

ROOM = QSizeF(800, 600)
WORDS = QSizeF(180, 40)


def test_words_stand_at_the_right_of_a_drawing_that_is_alone() -> None:
    (box,) = places([QRectF(100, 100, 50, 30)], [WORDS], ROOM)
    assert (box.left(), box.center().y()) == (158, 100)
    assert leader(box, QRectF(100, 100, 50, 30)) is None


def test_crowded_words_cover_neither_one_another_nor_the_drawings() -> None:
    drawings = [QRectF(300 + 6 * n, 200 + 8 * n, 60, 40) for n in range(12)]
    boxes = places(drawings, [WORDS] * 12, ROOM)
    assert not any(one.intersects(other) for one, other in combinations(boxes, 2))
    assert not any(box.intersects(drawing) for box in boxes for drawing in drawings)
    assert all(QRectF(0, 0, 800, 600).contains(box) for box in boxes)
    far = [leader(box, drawing) for box, drawing in zip(boxes, drawings, strict=True)]
    lines = [line for line in far if line is not None]
    assert lines
    assert all(line.length() > 24 for line in lines)


def test_words_that_stand_already_are_left_free() -> None:
    drawing = QRectF(100, 100, 50, 30)
    (alone,) = places([drawing], [WORDS], ROOM)
    (box,) = places([drawing], [WORDS], ROOM, [alone])
    assert not box.intersects(alone)


def test_words_in_a_corner_give_way_before_words_of_drawings_do() -> None:
    room, drawings = QSizeF(400, 120), [QRectF(190, 30, 20, 20), QRectF(190, 40, 20, 20)]
    corners = [QRectF(0, 0, 400, 20), QRectF(0, 60, 400, 60)]
    one, other = places(drawings, [QSizeF(300, 40)] * 2, room, (), corners)
    assert not one.intersects(other)
    (free,) = places(drawings[:1], [QSizeF(60, 10)], room, (), corners)
    assert not any(free.intersects(corner) for corner in corners)


def test_without_room_words_stay_inside_and_cover_as_little_as_they_can() -> None:
    drawing = QRectF(0, 0, 200, 90)
    (box,) = places([drawing], [WORDS], QSizeF(200, 90))
    assert QRectF(0, 0, 200, 90).contains(box)
    many = places([drawing] * 61, [WORDS] * 61, ROOM)
    assert many[0] == many[60], "nobody reads sixty labels: each where it would be alone"
