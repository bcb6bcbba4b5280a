"""Photographs of the back of the eye: the green light alone, local contrast, and the grid of the macula.

Points are (x, y) in pixels, x to the right, y down, pixel centres at integers.
"""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from desktop.imaging.geometry import Point
from desktop.records import Photometric, Picture
from desktop.records.picture import Array

CLIP_LIMIT, TILES = 2.0, 8
"""Of the contrast-limited adaptive histogram equalisation: how far a tile's histogram may stand out above an even one,
and how many tiles there are along each side (Zuiderveld, Graphics Gems IV, 1994, VIII.5; OpenCV's CLAHE)."""

DISC_FOVEA_MM = 4.76
DISC_FOVEA_DEVIATION_MM = 0.34
DISC_DIAMETER_MM = 1.80
"""What an eye of unknown size is taken to have: the mean distance from the centre of the optic disc to the fovea in
2,836 adults, with its standard deviation, and that distance by its mean ratio of 2.65 to the disc's diameter (Beijing
Eye Study 2011, Jonas et al., PLOS ONE 2015;10:e0138701)."""

RING_DIAMETERS_MM = (1.0, 3.0, 6.0)
SPOKE_DEGREES = (45, 135, 225, 315)
"""The macular grid of the Early Treatment Diabetic Retinopathy Study: three circles, and four lines from the inner to
the outer one (DICOM PS3.17 UU.5)."""

_CORNERS = 72


class FundusLook(StrEnum):
    """How a photograph is shown. Only AS_TAKEN is what the camera saw."""

    AS_TAKEN = "as_taken"
    GREEN = "green"
    ENHANCED = "enhanced"
    GREEN_ENHANCED = "green_enhanced"

    @property
    def green(self) -> bool:
        """Whether only green light is shown."""
        return self in (FundusLook.GREEN, FundusLook.GREEN_ENHANCED)

    @property
    def enhanced(self) -> bool:
        """Whether local contrast is raised."""
        return self in (FundusLook.ENHANCED, FundusLook.GREEN_ENHANCED)

    @classmethod
    def of(cls, *, green: bool, enhanced: bool) -> "FundusLook":
        """The look with these two."""
        return next(look for look in cls if look.green == green and look.enhanced == enhanced)


def looked_at(picture: Picture, look: FundusLook) -> Picture:
    """A colour photograph the way it is asked for; grey ones have no green of their own."""
    seen = green_channel(picture) if look.green else picture
    return enhanced(seen) if look.enhanced else seen


def green_channel(picture: Picture) -> Picture:
    """The green light of a colour photograph as a grey picture, values as the camera stored them: in it vessels and
    bleedings stand out most. A grey picture stays as it is."""
    if picture.photometric is not Photometric.RGB:
        return picture
    return replace(
        picture, pixels=np.ascontiguousarray(picture.pixels[..., 1]), photometric=Photometric.MONOCHROME2, bits=8
    )


def enhanced(picture: Picture) -> Picture:
    """Local contrast raised within a limit; in colour only how light a point is (L* of CIE L*a*b*), not its colour.

    Its values are for looking, not for measuring.
    """
    import cv2  # loads in a tenth of a second; the window starts without it

    equaliser = cv2.createCLAHE(clipLimit=CLIP_LIMIT, tileGridSize=(TILES, TILES))
    if picture.photometric is not Photometric.RGB:
        light = _eight_bits(picture)
        made: Array = equaliser.apply(light)
        return Picture(made, Photometric.MONOCHROME2, picture.header, spacing=picture.spacing)
    colours = np.asarray(cv2.cvtColor(np.ascontiguousarray(picture.pixels), cv2.COLOR_RGB2LAB))
    colours[..., 0] = equaliser.apply(np.ascontiguousarray(colours[..., 0]))
    return replace(picture, pixels=np.asarray(cv2.cvtColor(colours, cv2.COLOR_LAB2RGB)))


def _eight_bits(picture: Picture) -> Array:
    from desktop.imaging.display import RenderSettings, render

    return render(picture, RenderSettings())


class GridReference(StrEnum):
    """What was marked to size the grid: the disc from rim to rim, or disc and fovea from centre to centre."""

    DISC = "disc"
    FOVEA = "fovea"

    @property
    def millimetres(self) -> float:
        """How long the marked line is taken to be."""
        return DISC_DIAMETER_MM if self is GridReference.DISC else DISC_FOVEA_MM


@dataclass(frozen=True)
class RetinalGrid:
    """centre: of the circles. reference: what the line from `start` to `end` joins; from it comes the size, as the
    length it is taken to have in an eye nobody measured."""

    centre: Point
    start: Point
    end: Point
    reference: GridReference

    @property
    def pixels_per_mm(self) -> float:
        """Pixels of a millimetre on the retina, estimated; 0 where the line has no length."""
        return math.dist(self.start, self.end) / self.reference.millimetres

    @property
    def radii(self) -> tuple[float, ...]:
        """Of the circles, in pixels."""
        return tuple(diameter / 2 * self.pixels_per_mm for diameter in RING_DIAMETERS_MM)

    @property
    def disc_centre(self) -> Point:
        """The middle of the optic disc, as it was marked."""
        if self.reference is GridReference.FOVEA:
            return self.start
        return (self.start[0] + self.end[0]) / 2, (self.start[1] + self.end[1]) / 2

    @property
    def anchors(self) -> tuple[Point, ...]:
        """Where the grid can stand by what was marked: on the disc, and on the fovea where that is known."""
        fovea = (self.end,) if self.reference is GridReference.FOVEA else ()
        return (self.disc_centre, *fovea)

    def lines(self) -> tuple[tuple[Point, ...], ...]:
        """Circles, closed, then spokes: what there is to draw."""
        inner, _, outer = self.radii
        angles = [2 * math.pi * at / _CORNERS for at in range(_CORNERS + 1)]
        rings = [tuple(self._at(radius, angle) for angle in angles) for radius in self.radii]
        turns = [math.radians(degrees) for degrees in SPOKE_DEGREES]
        return (*rings, *((self._at(inner, turn), self._at(outer, turn)) for turn in turns))

    def _at(self, radius: float, angle: float) -> Point:
        return self.centre[0] + radius * math.cos(angle), self.centre[1] + radius * math.sin(angle)
