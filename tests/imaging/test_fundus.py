"""The back of an eye: green light, local contrast, the grid; on photographs other people's cameras made."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from desktop.imaging.fundus import (
    DISC_DIAMETER_MM,
    DISC_FOVEA_MM,
    FundusLook,
    GridReference,
    RetinalGrid,
    enhanced,
    green_channel,
    looked_at,
)
from desktop.imaging.measure_lines import LAYERED, strokes
from desktop.intake import read_picture
from desktop.records import AnnotationKind, FileHeader, Modality, Photometric, Picture
from desktop.records.picture import Array


@pytest.mark.data
def test_green_light_shows_vessels_best_and_contrast_shows_them_better(shared_data: Path) -> None:
    """Vessels as an observer of the data set drew them: how far they stand out from what is around them."""
    folder = shared_data / "fundus" / "CHASEDB1"
    photograph = read_picture((folder / "Image_01L.jpg").read_bytes())
    vessels = read_picture((folder / "Image_01L_1stHO.png").read_bytes()).pixels > 0
    eye = photograph.pixels[..., 1] > 20
    near = cv2.blur((eye & ~vessels).astype(np.float32), (41, 41))
    seen = vessels & eye & (near > 0.2)

    def apart(pixels: Array) -> float:
        """How much darker vessels are than what is close to them, in steps of light."""
        ground = cv2.blur(np.where(eye & ~vessels, pixels, 0).astype(np.float32), (41, 41)) / np.maximum(near, 1e-3)
        return float((ground[seen] - pixels[seen]).mean())

    green = green_channel(photograph)
    assert green.photometric is Photometric.MONOCHROME2
    assert np.array_equal(green.pixels, photograph.pixels[..., 1])
    assert apart(green.pixels) > max(apart(photograph.pixels[..., other]) for other in (0, 2))
    assert apart(enhanced(green).pixels) > 1.5 * apart(green.pixels)
    coloured = enhanced(photograph)
    assert coloured.photometric is Photometric.RGB
    assert coloured.pixels.shape == photograph.pixels.shape
    assert not np.array_equal(coloured.pixels, photograph.pixels)


def test_a_grey_picture_has_no_green_but_can_be_enhanced() -> None:
    deep = np.linspace(0, 4095, 64 * 64).reshape(64, 64).astype(np.uint16)
    picture = Picture(deep, Photometric.MONOCHROME2, FileHeader(Modality.PHOTO), bits=12)
    for look in (FundusLook.GREEN, FundusLook.AS_TAKEN):
        assert looked_at(picture, look) is picture
    assert enhanced(picture).pixels.dtype == np.uint8


def test_the_looks_are_all_pairs() -> None:
    assert {(look.green, look.enhanced) for look in FundusLook} == {
        (g, e) for g in (False, True) for e in (False, True)
    }
    assert all(FundusLook.of(green=look.green, enhanced=look.enhanced) is look for look in FundusLook)


def test_the_grid_has_the_sizes_of_the_study_in_what_an_eye_is_taken_to_have() -> None:
    ratio = DISC_FOVEA_MM / DISC_DIAMETER_MM
    by_disc = RetinalGrid((500, 400), (100, 300), (100 + 90 * DISC_DIAMETER_MM, 300), GridReference.DISC)
    by_fovea = RetinalGrid((500, 400), (100, 300), (100, 300 + 90 * DISC_FOVEA_MM), GridReference.FOVEA)
    for grid in (by_disc, by_fovea):
        assert grid.pixels_per_mm == pytest.approx(90)
        assert grid.radii == pytest.approx((45, 135, 270))
    assert list(by_disc.anchors) == [(100 + 45 * DISC_DIAMETER_MM, 300)]
    assert list(by_fovea.anchors) == [(100, 300), by_fovea.end]
    # The mean ratio of both, of the same study.
    assert ratio == pytest.approx(2.65, abs=0.01)


def test_a_grid_on_record_is_drawn_as_circles_and_spokes_and_cells_one_by_one() -> None:
    centre, start, end = (500.0, 400.0), (0.0, 0.0), (180.0, 0.0)
    lines = strokes(AnnotationKind.GRID_DISC, (centre, start, end))
    assert len(lines) == 7
    for line, radius in zip(lines, (50, 150, 300), strict=False):
        assert [np.hypot(x - 500, y - 400) for x, y in line] == pytest.approx([radius] * len(line))
    for inner, outer in lines[3:]:
        assert np.hypot(inner[0] - 500, inner[1] - 400) == pytest.approx(50)
        assert np.hypot(outer[0] - 500, outer[1] - 400) == pytest.approx(300)
        assert abs(outer[0] - 500) == pytest.approx(abs(outer[1] - 400))
    assert strokes(AnnotationKind.COUNT, ((1, 2), (3, 4))) == (((1, 2),), ((3, 4),))
    assert AnnotationKind.COUNT in LAYERED
