"""Measurements on phantoms of known size, once for each place a millimetre can come from."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset

from desktop.imaging import measure
from desktop.imaging.measure_region import (
    ValueUnit,
    ellipse_outline,
    ellipse_values,
    point_value,
    polygon_mask,
    polygon_values,
)
from desktop.intake import read_picture
from desktop.records import (
    CalibratedRegion,
    FileHeader,
    Modality,
    Photometric,
    Picture,
    Spacing,
    SpacingSource,
    Uptake,
)
from tests.intake.dicom_files import film_bytes

Pixels = npt.NDArray[np.uint16]

BAR_MM, BALL_MM = 50.0, 20.0


def phantom(row_mm: float, column_mm: float) -> tuple[Pixels, float, float]:
    """A bar of 50 mm lying along a row and a ball of 20 mm, drawn on pixels of that size; where the bar begins and
    ends, found again in the pixels as an eye finds it: half way up its edges."""
    pixels = np.full((240, 320), 100, np.uint16)
    rows, columns = np.mgrid[0:240, 0:320]
    wide = round(BAR_MM / column_mm)
    pixels[20:30, 40 : 40 + wide] = 1000
    radius = BALL_MM / 2
    ball = ((rows - 140) * row_mm) ** 2 + ((columns - 160) * column_mm) ** 2 <= radius**2
    pixels[ball] = 2000
    edges = np.flatnonzero(np.diff((pixels[25] > 550).astype(int)))
    return pixels, float(edges[0]) + 0.5, float(edges[-1]) + 0.5


SOURCES: dict[SpacingSource, tuple[dict[str, object], tuple[float, float]]] = {
    SpacingSource.PIXEL_SPACING: ({"PixelSpacing": ["0.40", "0.25"]}, (0.40, 0.25)),
    SpacingSource.IMAGER_PIXEL_SPACING: ({"ImagerPixelSpacing": ["0.25", "0.25"]}, (0.25, 0.25)),
    SpacingSource.NOMINAL_SCANNED: ({"NominalScannedPixelSpacing": ["0.20", "0.20"]}, (0.20, 0.20)),
    SpacingSource.MAGNIFICATION: (
        {"ImagerPixelSpacing": ["0.30", "0.30"], "EstimatedRadiographicMagnificationFactor": "1.2"},
        (0.25, 0.25),
    ),
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_bar_of_50_mm_is_50_mm_by_each_tag(source: SpacingSource) -> None:
    tags, (row_mm, column_mm) = SOURCES[source]
    pixels, begin, end = phantom(row_mm, column_mm)
    picture = read_picture(film_bytes(pixels, **tags))
    found = measure.length(measure.scale_at(picture, ((begin, 25), (end, 25))), (begin, 25), (end, 25))
    assert found.value == pytest.approx(BAR_MM, abs=column_mm)
    assert (found.unit, found.source) == ("mm", source)


@pytest.mark.parametrize("factor", ["0.5", "25", "0"])
def test_a_magnification_that_cannot_be_is_no_scale_for_the_body(factor: str) -> None:
    tags = {"ImagerPixelSpacing": ["0.3", "0.3"], "EstimatedRadiographicMagnificationFactor": factor}
    spacing = read_picture(film_bytes(phantom(0.3, 0.3)[0], **tags)).spacing
    assert spacing is not None
    assert spacing.source is SpacingSource.IMAGER_PIXEL_SPACING


def ultrasound(*regions: CalibratedRegion) -> Picture:
    return film(phantom(0.5, 0.25)[0], regions=regions)


def film(pixels: Pixels | None = None, **more: Any) -> Picture:
    stored = phantom(0.25, 0.25)[0] if pixels is None else pixels
    return Picture(stored, Photometric.MONOCHROME2, FileHeader(modality=Modality.OT), bits=12, **more)


def test_ultrasound_is_measured_by_the_region_a_drawing_lies_in() -> None:
    tissue = CalibratedRegion(0, 0, 319, 120, Spacing(0.5, 0.25, SpacingSource.ULTRASOUND_REGION))
    doppler = CalibratedRegion(0, 121, 319, 239, None)
    picture = ultrasound(tissue, doppler)
    _, begin, end = phantom(0.5, 0.25)
    inside = measure.length(measure.scale_at(picture, ((begin, 25), (end, 25))), (begin, 25), (end, 25))
    assert inside.value == pytest.approx(BAR_MM, abs=0.25)
    assert inside.source is SpacingSource.ULTRASOUND_REGION
    for points in (((begin, 25.0), (end, 200.0)), ((begin, 200.0), (end, 200.0)), ((begin, 25.0), (400.0, 25.0))):
        outside = measure.length(measure.scale_at(picture, points), *points)
        assert (outside.unit, outside.source) == ("px", None)


def test_a_known_object_calibrates_by_hand() -> None:
    pixels, begin, end = phantom(0.25, 0.25)
    picture = film(pixels)
    assert measure.scale_at(picture, ((0, 0),)) is None
    manual = measure.calibrated(picture, ((begin, 25), (end, 25)), BAR_MM)
    scale = measure.scale_at(picture, ((0, 0),), manual)
    assert scale is not None
    assert scale.source is SpacingSource.MANUAL
    assert scale.row_mm == pytest.approx(0.25)
    with pytest.raises(ValueError, match="length"):
        measure.calibrated(picture, ((5, 5), (5, 5)), BAR_MM)


def test_a_known_object_keeps_the_proportions_of_the_pixels() -> None:
    """A film whose pixels are twice as high as wide, 10 % smaller than its file says."""
    picture = film(spacing=Spacing(0.4, 0.2, SpacingSource.IMAGER_PIXEL_SPACING))
    manual = measure.calibrated(picture, ((0, 0), (100, 0)), 18.0)
    assert manual.row_mm == pytest.approx(0.36)
    assert manual.column_mm == pytest.approx(0.18)
    assert measure.length(manual, (0, 0), (0, 100)).value == pytest.approx(36.0)


@pytest.mark.parametrize("degrees", [0.5, 12, 45, 90, 133, 179])
@pytest.mark.parametrize("scale", [None, Spacing(0.5, 0.2, SpacingSource.PIXEL_SPACING)])
def test_angles_are_those_of_the_patient_not_of_the_pixels(degrees: float, scale: Spacing | None) -> None:
    wide, high = measure.proportions(scale)
    turned = math.radians(degrees)
    far = (100 * math.cos(turned) / wide + 50, 100 * math.sin(turned) / high + 60)
    found = measure.angle(scale, (100 / wide + 50, 60), (50, 60), far)
    assert found is not None
    assert found.degrees == pytest.approx(degrees)
    crossing = measure.cobb(scale, ((50, 60), (100 / wide + 50, 60)), (far, (50, 60)))
    assert crossing is not None
    assert crossing.degrees == pytest.approx(min(degrees, 180 - degrees))


def test_without_a_side_there_is_no_angle() -> None:
    assert measure.angle(None, (1, 1), (1, 1), (5, 5)) is None
    assert measure.cobb(None, ((1, 1), (2, 2)), ((3, 3), (3, 3))) is None
    assert measure.bidirectional(None, ((1, 1), (1, 1)), ((3, 3), (3, 4))) is None


def test_the_longer_diameter_comes_first() -> None:
    scale = Spacing(0.5, 0.5, SpacingSource.PIXEL_SPACING)
    found = measure.bidirectional(scale, ((0, 0), (0, 20)), ((-20, 10), (20, 10)))
    assert found is not None
    assert (found.long.value, found.short.value) == (20.0, 10.0)
    assert found.degrees == pytest.approx(90)


def region(bottom: int, units: tuple[int, int], **more: object) -> Dataset:
    item = Dataset()
    item.RegionLocationMinX0, item.RegionLocationMinY0 = 0, bottom - 100
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = 319, bottom
    item.PhysicalUnitsXDirection, item.PhysicalUnitsYDirection = units
    item.PhysicalDeltaX, item.PhysicalDeltaY = 0.025, -0.05
    for keyword, value in more.items():
        setattr(item, keyword, value)
    return item


def test_the_regions_of_an_ultrasound_file() -> None:
    """One of tissue in centimetres, a Doppler trace in seconds and cm/s, one that ends before it begins."""
    items = [
        region(120, (3, 3)),
        region(230, (4, 7)),
        region(120, (3, 3), RegionLocationMaxX1=0, RegionLocationMinX0=9),
    ]
    pixels, begin, end = phantom(0.5, 0.25)
    picture = read_picture(film_bytes(pixels, SequenceOfUltrasoundRegions=items, PixelSpacing=["9", "9"]))
    assert [r.spacing for r in picture.regions] == [Spacing(0.5, 0.25, SpacingSource.ULTRASOUND_REGION), None]
    scale = measure.scale_at(picture, ((begin, 25), (end, 25)))
    assert measure.length(scale, (begin, 25), (end, 25)).value == pytest.approx(BAR_MM, abs=0.25)
    assert measure.scale_at(picture, ((5, 200), (9, 200))) is None


def pet(**changed: object) -> bytes:
    """A picture with everything standardized uptake needs, an hour after 370 MBq of fluorine-18."""
    drug = Dataset()
    drug.RadionuclideTotalDose, drug.RadionuclideHalfLife = 370e6, 6586.2
    drug.RadiopharmaceuticalStartTime = "090000"
    elements: dict[str, object] = {
        "Units": "BQML",
        "CorrectedImage": ["ATTN", "DECY"],
        "DecayCorrection": "START",
        "PatientWeight": "70",
        "SeriesDate": "20260102",
        "SeriesTime": "100000.5",
        "RescaleSlope": "10",
        "RadiopharmaceuticalInformationSequence": [drug],
    }
    return film_bytes(None, **elements | changed)


def test_uptake_counts_what_has_decayed() -> None:
    found = read_picture(pet()).uptake
    assert found is not None
    assert found.grams == 70_000
    assert found.becquerels == pytest.approx(370e6 * 0.5 ** (3600.5 / 6586.2))
    admitted = read_picture(pet(DecayCorrection="ADMIN")).uptake
    assert admitted is not None
    assert admitted.becquerels == 370e6


@pytest.mark.parametrize(
    "changed",
    [
        {"Units": "CNTS"},
        {"CorrectedImage": ["ATTN"]},
        {"DecayCorrection": "NONE"},
        {"PatientWeight": None},
        {"SeriesTime": "250000"},
        {"SeriesDate": None},
        {"RadiopharmaceuticalInformationSequence": []},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_without_all_of_it_there_is_no_uptake(changed: dict[str, object]) -> None:
    kept = {name: value for name, value in changed.items() if value is not None}
    data = pet(**kept)
    if len(kept) < len(changed):
        name = next(iter(changed))
        data = pet(**{name: ""})
    assert read_picture(data).uptake is None


class TestRegions:
    SCALE = Spacing(0.5, 0.25, SpacingSource.PIXEL_SPACING)

    def test_an_ellipse_around_a_ball_of_20_mm(self) -> None:
        picture = film(phantom(0.5, 0.25)[0], spacing=self.SCALE)
        ends = ((160 - 40.0, 140 - 20.0), (160 + 40.0, 140 + 20.0))
        found = ellipse_values(picture, ends, self.SCALE)
        assert found is not None
        assert found.area.value == pytest.approx(math.pi * 100, rel=1e-9)
        assert (found.area.unit, found.area.source) == ("mm²", SpacingSource.PIXEL_SPACING)
        assert found.pixels * 0.125 == pytest.approx(found.area.value, rel=0.02)
        assert (found.mean, found.deviation, found.minimum, found.maximum) == (2000, 0, 2000, 2000)

    def test_half_ball_half_ground(self) -> None:
        pixels = np.zeros((100, 100), np.uint16)
        pixels[:, 50:] = 10
        corners = ((39.5, 19.5), (59.5, 19.5), (59.5, 39.5), (39.5, 39.5))
        found = polygon_values(film(pixels), corners, None)
        assert found is not None
        assert (found.pixels, found.mean, found.deviation) == (400, 5.0, 5.0)
        assert (found.minimum, found.maximum) == (0, 10)
        assert (found.area.value, found.area.unit, found.area.source) == (400.0, "px²", None)

    def test_agrees_with_counting_point_by_point(self) -> None:
        """Against the crossing rule written out for each pixel, on a star with a point in a notch."""
        star = tuple(
            (50 + radius * math.cos(turn), 50 + radius * math.sin(turn))
            for turn, radius in ((2 * math.pi * step / 9, 40 if step % 2 else 13) for step in range(9))
        )
        mask = polygon_mask(star, 0, 0, 100, 100)

        def inside(x: int, y: int) -> bool:
            odd = False
            for (x0, y0), (x1, y1) in zip(star, (*star[1:], star[0]), strict=True):
                if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
                    odd = not odd
            return odd

        assert [[inside(x, y) for x in range(100)] for y in range(100)] == mask.tolist()

    def test_padding_and_what_lies_off_the_picture_do_not_count(self) -> None:
        pixels = np.full((20, 20), 7, np.uint16)
        pixels[:10] = 63
        found = polygon_values(film(pixels, pixel_padding=63), ((-9, -9), (40, -9), (40, 40), (-9, 40)), None)
        assert found is not None
        assert (found.pixels, found.mean) == (200, 7.0)
        assert polygon_values(film(pixels), ((30, 30), (40, 30), (40, 40)), None) is None
        assert polygon_values(film(pixels), ((3.2, 3.2), (3.4, 3.2), (3.4, 3.4)), None) is None

    def test_an_outline_lies_on_its_ellipse(self) -> None:
        for x, y in ellipse_outline(((10, 20), (30, 60))):
            assert ((x - 20) / 10) ** 2 + ((y - 40) / 20) ** 2 == pytest.approx(1)


class TestValues:
    def test_standardized_uptake(self) -> None:
        """70 kg, 100 MBq left: 5,000 Bq/ml is 3.5 times what an even spread would give."""
        pixels = np.full((4, 4), 500, np.uint16)
        picture = film(pixels, slope=10.0, uptake=Uptake(70_000, 100e6))
        found = point_value(picture, (1.2, 2.4))
        assert found is not None
        assert (found.x, found.y, found.unit) == (1, 2, ValueUnit.UPTAKE)
        assert found.value == pytest.approx(3.5)

    def test_stored_values_have_no_unit(self) -> None:
        found = point_value(film(slope=2.0, intercept=-50.0), (160, 140))
        assert found is not None
        assert (found.value, found.unit) == (3950, ValueUnit.STORED)

    def test_colour_gives_brightness(self) -> None:
        rgb = np.zeros((3, 3, 3), np.uint8)
        rgb[1, 1] = (255, 255, 255)
        picture = Picture(rgb, Photometric.RGB, FileHeader(modality=Modality.PHOTO))
        found = point_value(picture, (1, 1))
        assert found is not None
        assert (round(found.value), found.unit) == (255, ValueUnit.BRIGHTNESS)

    def test_nothing_off_the_picture_or_on_padding(self) -> None:
        picture = film(pixel_padding=2000)
        assert point_value(picture, (-1, 3)) is None
        assert point_value(picture, (320, 3)) is None
        assert point_value(picture, (160, 140)) is None
