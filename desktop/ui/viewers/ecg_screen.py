"""How many pixels a millimetre has on this screen, and how that is known."""

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtGui import QScreen

MM_PER_INCH = 25.4
_PLAUSIBLE = (1.5, 30.0)
_USUAL = 96.0 / MM_PER_INCH


class ScaleSource(StrEnum):
    """Where the millimetre comes from. MEASURED: somebody held a ruler to the screen."""

    MEASURED = "measured"
    SCREEN = "screen"
    ASSUMED = "assumed"


@dataclass(frozen=True)
class ScreenScale:
    """pixels: logical pixels in a millimetre."""

    pixels: float
    source: ScaleSource


def scale_of(screen: QScreen | None, measured: float | None) -> ScreenScale:
    """The scale of a screen. measured: what was found with a ruler on this PC, or None.

    What a screen says of itself is often a little wrong, and a projector's is nonsense; it is used only where it is
    plausible, and the trace says so.
    """
    if measured is not None and _PLAUSIBLE[0] <= measured <= _PLAUSIBLE[1]:
        return ScreenScale(measured, ScaleSource.MEASURED)
    said = screen.physicalDotsPerInchX() / MM_PER_INCH if screen is not None else 0.0
    if screen is not None and _PLAUSIBLE[0] <= said <= _PLAUSIBLE[1] and screen.physicalSize().width() > 0:
        return ScreenScale(said, ScaleSource.SCREEN)
    return ScreenScale(_USUAL, ScaleSource.ASSUMED)
