"""True size: at which zoom a millimetre in the picture is one on the screen, and what both millimetres rest on."""

from dataclasses import dataclass, replace

from PySide6.QtGui import QScreen
from PySide6.QtWidgets import QWidget

from desktop.imaging.measure import scale_at
from desktop.records import Picture, Spacing, SpacingSource
from desktop.ui.context import UiContext
from desktop.ui.viewers.ecg_calibration import CalibrationDialog
from desktop.ui.viewers.film_numbers import source_words

_LEAST_SQUARE = 0.01
_MM_PER_INCH = 25.4
_NARROWEST_SCREEN_MM, _WIDEST_SCREEN_MM = 100.0, 3000.0


@dataclass(frozen=True)
class TrueSize:
    """zoom: logical screen pixels per picture pixel; None where that cannot be known, and `reason` is the key of the
    sentence that says why. source: of the picture's millimetres. measured: the screen's millimetre was found with a
    ruler; else it is what the screen says of itself."""

    zoom: float | None
    source: SpacingSource | None = None
    measured: bool = False
    reason: str = ""

    def words(self, context: UiContext) -> str:
        """What it rests on, or why there is none."""
        if self.zoom is None or self.source is None:
            return context.tr(self.reason)
        screen = context.tr(f"viewer.true_size.{'measured' if self.measured else 'reported'}")
        return context.tr("viewer.true_size", source=source_words(context, self.source), screen=screen)


def true_size(
    picture: Picture | None, manual: Spacing | None, pixels_per_mm: float | None, screen: QScreen | None
) -> TrueSize:
    """For a picture on a screen. pixels_per_mm: logical pixels, as found with a ruler."""
    middle = ((picture.columns - 1) / 2, (picture.rows - 1) / 2) if picture is not None else (0.0, 0.0)
    scale = scale_at(picture, (middle,), manual) if picture is not None else None
    if scale is None:
        return TrueSize(None, reason="viewer.true_size.no_scale")
    if abs(scale.row_mm / scale.column_mm - 1) > _LEAST_SQUARE:
        return TrueSize(None, reason="viewer.true_size.not_square")
    known = pixels_per_mm or _reported(screen)
    if known is None:
        return TrueSize(None, reason="viewer.true_size.no_screen")
    return TrueSize(scale.column_mm * known, scale.source, measured=pixels_per_mm is not None)


def _reported(screen: QScreen | None) -> float | None:
    """Logical pixels in a millimetre as the screen says; None where it says nothing that can be."""
    if screen is None:
        return None
    wide = screen.physicalSize().width()
    return screen.geometry().width() / wide if _NARROWEST_SCREEN_MM <= wide <= _WIDEST_SCREEN_MM else None


def ask_screen(context: UiContext, viewer: QWidget) -> None:
    """Let somebody lay a ruler against a bar; what they find holds for this PC's films and traces."""
    screen = viewer.screen()
    guess = context.settings.pixels_per_mm or _reported(screen) or screen.logicalDotsPerInch() / _MM_PER_INCH
    dialog = CalibrationDialog(context, guess, viewer)

    def keep(pixels_per_mm: float | None) -> None:
        context.change_settings(replace(context.settings, pixels_per_mm=pixels_per_mm))

    dialog.kept.connect(keep)
    dialog.open()
