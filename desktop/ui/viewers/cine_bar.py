"""The strip under a run of pictures: which one, play, how fast, round or forth and back."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QSlider

from desktop.ui.context import UiContext
from desktop.ui.viewers.cine_player import CinePlayer
from desktop.ui.viewers.cine_words import rate_words
from desktop.ui.viewers.strip import Strip


class CineBar(Strip):
    """Follows a player; hidden while there is one picture only."""

    def __init__(self, context: UiContext, player: CinePlayer) -> None:
        super().__init__(spacing=4)
        self._context = context
        self._player = player
        self._rates: tuple[float, ...] = ()
        self._own: float | None = None
        self.play = self.add_tool("cine_play", player.toggle)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setObjectName("cine_slider")
        self.slider.setMinimum(1)
        self.slider.setPageStep(10)
        self.slider.valueChanged.connect(self._slid)
        self.row.addWidget(self.slider, 1)
        self.number = QLabel(self)
        self.number.setObjectName("cine_number")
        self.row.addWidget(self.number)
        self.speed = self.add_box("cine_speed")
        self.speed.activated.connect(self._speed_chosen)
        self.sweep = self.add_tool("cine_sweep", self._sweep_pressed)
        self.sweep.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        player.changed.connect(self._follow)
        context.language_changed.connect(self.retranslate)
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        self.sweep.setText(tr("viewer.cine.sweep"))
        self.sweep.setToolTip(tr("viewer.cine.sweep.tip"))
        self.slider.setAccessibleName(tr("viewer.cine.slider"))
        self.speed.setAccessibleName(tr("viewer.cine.speed"))
        self.speed.setToolTip(tr("viewer.cine.speed"))
        self._rates = ()
        self._follow()

    def _sweep_pressed(self) -> None:
        self._player.set_sweep(self.sweep.isChecked())

    def _follow(self) -> None:
        player, cine, tr = self._player, self._player.cine, self._context.tr
        if self.parentWidget() is not None:
            self.setVisible(player.run is not None)
        if player.run is None:
            return
        self.play.setText(tr("viewer.cine.pause" if cine.playing else "viewer.cine.play"))
        self.sweep.setChecked(cine.sweep)
        self.number.setText(tr("viewer.cine.of", number=cine.number + 1, count=cine.count))
        self.number.setMinimumWidth(
            self.number.fontMetrics().horizontalAdvance(tr("viewer.cine.of", number=cine.count, count=cine.count))
        )
        self.slider.blockSignals(True)
        self.slider.setMaximum(cine.count)
        self.slider.setValue(cine.number + 1)
        self.slider.blockSignals(False)
        if (self._rates, self._own) != (cine.rates, cine.own):
            self._rates, self._own = cine.rates, cine.own
            self.speed.clear()
            self.speed.addItems([self._speed_words(rate) for rate in cine.rates])
        self.speed.setCurrentIndex(cine.rates.index(cine.rate) if cine.rate in cine.rates else -1)

    def _speed_words(self, rate: float) -> str:
        words = rate_words(self._context, rate)
        return self._context.tr("viewer.cine.own", rate=words) if rate == self._own else words

    def _slid(self, value: int) -> None:
        self._player.go(value - 1)

    def _speed_chosen(self, at: int) -> None:
        self._player.set_rate(self._rates[at])
