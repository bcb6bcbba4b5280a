"""A bar and a ruler: how the millimetre of this screen is found."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QWidget

from desktop.ui.context import UiContext
from desktop.ui.widgets.parts import button, column, label, row

BAR_MM = 100.0
_STEP, _COARSE = 0.5, 5.0
_SHORTEST, _LONGEST = 150.0, 3000.0


class _Bar(QWidget):
    """A bar of so many logical pixels with ends that a ruler can be laid against."""

    def __init__(self, pixels: float) -> None:
        super().__init__()
        self.pixels = pixels

    def sizeHint(self) -> QSize:
        """Room for the bar and its ends."""
        return QSize(int(self.pixels) + 40, 60)

    def minimumSizeHint(self) -> QSize:
        """The same: a bar that is cut off cannot be measured."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bar in the middle."""
        painter = QPainter(self)
        left = (self.width() - self.pixels) / 2
        ink = self.palette().text()
        painter.fillRect(QRectF(left, 24, self.pixels, 12), ink)
        painter.fillRect(QRectF(left, 8, 1, 44), ink)
        painter.fillRect(QRectF(left + self.pixels - 1, 8, 1, 44), ink)
        painter.end()


class CalibrationDialog(QDialog):
    """Signals: kept(logical pixels in a millimetre, or None to forget what was measured)."""

    kept = Signal(object)

    def __init__(self, context: UiContext, pixels_per_mm: float, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("ecg_calibration")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        tr = context.tr
        self.setWindowTitle(tr("ecg.calibrate.title"))
        words = label(wrap=True)
        words.setText(tr("ecg.calibrate.words", length=round(BAR_MM)))
        self._bar = _Bar(pixels_per_mm * BAR_MM)
        shorter, longer = button("calibrate_shorter"), button("calibrate_longer")
        shorter.setText(tr("ecg.calibrate.shorter"))
        longer.setText(tr("ecg.calibrate.longer"))
        for one in (shorter, longer):
            one.setAutoRepeat(True)
        keep, forget = button("calibrate_keep", "primary"), button("calibrate_forget", "quiet")
        keep.setText(tr("ecg.calibrate.keep", length=round(BAR_MM)))
        forget.setText(tr("ecg.calibrate.forget"))
        shorter.clicked.connect(self._shorten)
        longer.clicked.connect(self._lengthen)
        keep.clicked.connect(self._keep)
        forget.clicked.connect(self._forget)
        layout = column(self, margin=24, spacing=16)
        layout.addWidget(words)
        layout.addWidget(self._bar, 1)
        steps = row(spacing=8)
        for widget in (shorter, longer):
            steps.addWidget(widget)
        steps.addStretch(1)
        layout.addLayout(steps)
        foot = row(spacing=8)
        foot.addWidget(forget)
        foot.addStretch(1)
        foot.addWidget(keep)
        layout.addLayout(foot)
        keep.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows change the length; with Shift in large steps."""
        by = _COARSE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else _STEP
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Down):
            self._change(-by)
        elif event.key() in (Qt.Key.Key_Right, Qt.Key.Key_Up):
            self._change(by)
        else:
            super().keyPressEvent(event)

    def _shorten(self) -> None:
        self._change(-_STEP)

    def _lengthen(self) -> None:
        self._change(_STEP)

    def _change(self, by: float) -> None:
        self._bar.pixels = min(max(self._bar.pixels + by, _SHORTEST), _LONGEST)
        self._bar.updateGeometry()
        self._bar.update()

    def _keep(self) -> None:
        self.kept.emit(self._bar.pixels / BAR_MM)
        self.accept()

    def _forget(self) -> None:
        self.kept.emit(None)
        self.accept()
