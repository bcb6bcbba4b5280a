"""A cell is cut out where it lies, and nothing beside it is shown."""

import numpy as np

from desktop.imaging.cutting import cut_oval


def test_the_middle_is_kept_and_the_corners_are_black() -> None:
    pixels = np.arange(1, 40 * 50 + 1, dtype=np.uint16).reshape(40, 50)
    found = cut_oval(pixels, 20.0, 10.0, 12.0, 8.0)
    assert found.shape == (8, 12)
    assert found[4, 6] == pixels[10, 20]
    assert found[0, 5] == pixels[6, 19]
    assert not found[0, 0]
    assert not found[-1, -1]


def test_at_the_edge_of_the_picture_it_stays_in_the_middle() -> None:
    pixels = np.full((40, 50, 3), 200, np.uint8)
    found = cut_oval(pixels, 1.0, 39.0, 20.0, 20.0)
    assert found.shape == (20, 20, 3)
    assert found[10, 10].all()
    assert not found[:, :9].any()
    assert not found[11:].any()
    assert not cut_oval(pixels, -90.0, 90.0, 20.0, 20.0).any()
