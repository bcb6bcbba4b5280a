"""Straightening a photographed film: corners proposed, moved by whoever looks, the result seen before it is kept."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QVBoxLayout, QWidget

from desktop.imaging.film_photo import FilmFormat, Straightening, flat_size, flatten, inset_corners, light
from desktop.imaging.film_photo_corners import find_corners
from desktop.jobs import Job
from desktop.records import Picture
from desktop.records.picture import Array
from desktop.ui.context import UiContext
from desktop.ui.viewers.photo_corners import CornerView, Photo
from desktop.ui.widgets.parts import button, column, label, row

_SHOWN = 1600
"""Pixels along the longer side of the photograph on the screen."""
_PREVIEW = 420
_COARSE = 1000
"""Pixels along the longer side under which a film is called coarse."""


@dataclass(frozen=True, eq=False)
class Looked:
    """A photograph ready to be shown. found: whether its corners were."""

    photo: Photo
    corners: tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
    found: bool


@dataclass(frozen=True, eq=False)
class Preview:
    """The film laid flat, small, and how it was asked for."""

    asked: Straightening
    image: QImage


class PhotoDialog(QDialog):
    """Nothing is kept before somebody presses the button. Signals: confirmed(Straightening)."""

    confirmed = Signal(object)

    def __init__(self, context: UiContext, picture: Picture, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("photo_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._context = context
        self._picture = picture
        self._showing: Straightening | None = None
        self._busy = False
        self.setWindowTitle(context.tr("photo.title"))
        self.resize(QSize(1180, 680).boundedTo(parent.window().size()))
        self.corners = CornerView()
        self.corners.setAccessibleName(context.tr("photo.corners"))
        self.corners.changed.connect(self._refresh)
        self.words = label("photo_words", wrap=True)
        self.words.setText(context.tr("photo.looking"))
        layout = column(self, margin=16, spacing=12)
        layout.addWidget(self.words)
        middle = row(spacing=16)
        middle.addWidget(self.corners, 3)
        middle.addLayout(self._build_result(), 2)
        layout.addLayout(middle, 1)
        layout.addLayout(self._build_foot())
        self.corners.setFocus()
        context.operations.run(partial(_look, picture), initiator=self, done=self._take, pool="display")

    def _build_result(self) -> QVBoxLayout:
        tr = self._context.tr
        self.preview = label("photo_preview")
        self.preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.preview.setMinimumSize(_PREVIEW // 2, _PREVIEW // 2)
        self.size_words = label("photo_size", "small", wrap=True)
        self.form = QComboBox()
        self.form.setObjectName("photo_form")
        self.form.setAccessibleName(tr("photo.form"))
        for form in FilmFormat:
            self.form.addItem(tr(f"photo.form.{form.value}"), form.value)
        self.form.activated.connect(self._refresh)
        self.grey = QCheckBox(tr("photo.grey"))
        self.grey.setObjectName("photo_grey")
        self.grey.setChecked(True)
        self.grey.toggled.connect(self._refresh)
        self.turn = button("photo_turn")
        self.turn.setText(tr("photo.turn"))
        self.turn.clicked.connect(self._turn)
        caption = label(role="small")
        caption.setText(tr("photo.form"))
        side = column(spacing=8)
        side.addWidget(self.preview, 1)
        side.addWidget(self.size_words)
        chosen = row(spacing=8)
        chosen.addWidget(caption)
        chosen.addWidget(self.form, 1)
        side.addLayout(chosen)
        looks = row(spacing=8)
        looks.addWidget(self.grey)
        looks.addStretch(1)
        looks.addWidget(self.turn)
        side.addLayout(looks)
        return side

    def _build_foot(self) -> QVBoxLayout:
        tr = self._context.tr
        self.keep = button("photo_keep", "primary")
        self.keep.setText(tr("photo.keep"))
        self.keep.setEnabled(False)
        self.keep.clicked.connect(self._keep)
        leave = button("photo_leave", "quiet")
        leave.setText(tr("ui.cancel"))
        leave.clicked.connect(self.reject)
        keys = label(role="small", wrap=True)
        keys.setText(tr("photo.keys"))
        foot = column(spacing=8)
        foot.addWidget(keys)
        buttons = row(spacing=8)
        buttons.addStretch(1)
        buttons.addWidget(leave)
        buttons.addWidget(self.keep)
        foot.addLayout(buttons)
        return foot

    # The photograph

    @property
    def straightening(self) -> Straightening | None:
        """What would be kept."""
        corners = self.corners.corners
        if corners is None:
            return None
        return Straightening(corners, FilmFormat(self.form.currentData()), self.grey.isChecked())

    def _take(self, looked: Looked) -> None:
        self.words.setText(self._context.tr("photo.found" if looked.found else "photo.not_found"))
        self.corners.show_photo(looked.photo, looked.corners)
        self.keep.setEnabled(True)
        self._refresh()

    def _turn(self) -> None:
        asked = self.straightening
        if asked is not None:
            self.corners.set_corners(asked.turned().corners)

    # The result

    def _refresh(self) -> None:
        """Draw the result anew; while one is being drawn only the newest wish waits."""
        asked = self.straightening
        if asked is None or self._busy or asked == self._showing:
            return
        self._busy = True
        self._context.operations.run(
            partial(_flat, self._picture, asked), initiator=self, done=self._show, ended=self._drawn, pool="display"
        )

    def _show(self, preview: Preview) -> None:
        self._showing = preview.asked
        self.preview.setPixmap(QPixmap.fromImage(preview.image))
        asked = preview.asked
        rows, columns = flat_size(asked.corners, self._picture.rows, self._picture.columns, asked.form)
        tr = self._context.tr
        words = tr("photo.size", columns=columns, rows=rows)
        if max(rows, columns) < _COARSE:
            words = f"{words} {tr('photo.coarse')}"
        self.size_words.setText(words)

    def _drawn(self) -> None:
        self._busy = False
        self._refresh()

    def _keep(self) -> None:
        asked = self.straightening
        if asked is not None:
            self.confirmed.emit(asked)
            self.accept()


def _look(picture: Picture, job: Job) -> Looked:
    """Find the corners, and make the copy that is shown."""
    job.check()
    corners = find_corners(picture)
    job.check()
    shown = Photo(_image(_shrunk(light(picture))), picture.rows, picture.columns)
    return Looked(shown, corners or inset_corners(picture.rows, picture.columns), corners is not None)


def _flat(picture: Picture, asked: Straightening, job: Job) -> Preview:
    job.check()
    return Preview(asked, _image(flatten(picture, asked, _PREVIEW)))


def _shrunk(pixels: Array) -> Array:
    import cv2

    factor = _SHOWN / max(pixels.shape[:2])
    if factor >= 1:
        return pixels
    size = max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _image(pixels: Array) -> QImage:
    """(rows, columns[, 3]) uint8 as an image of its own memory."""
    pixels = np.ascontiguousarray(pixels)
    form = QImage.Format.Format_RGB888 if pixels.ndim == 3 else QImage.Format.Format_Grayscale8
    return QImage(pixels.data, pixels.shape[1], pixels.shape[0], pixels.strides[0], form).copy()
