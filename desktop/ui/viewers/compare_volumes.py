"""A scan with an earlier one, or what changed since, beside it: both scroll, zoom and darken together by place."""

from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from desktop.imaging.registration import Rigid, centred
from desktop.imaging.volume_series import VolumeSeries
from desktop.records import VoiWindow
from desktop.ui.context import UiContext
from desktop.ui.viewers.compare_link import Shown, followed
from desktop.ui.viewers.film_words import FilmText
from desktop.ui.viewers.volume import VolumeViewer
from desktop.ui.viewers.volume_screen import VolumeScreen

_COMMANDS = ("compare.prior", "compare.difference", "compare.link")


class VolumesBeside(QWidget):
    """`slices` shows the scan being read, `other` what lies beside it.

    The strip above them is there as soon as there is an earlier scan. Signals: asked(command) for a press on it.
    """

    asked = Signal(str)

    def __init__(self, context: UiContext, screen: VolumeScreen, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("volumes_beside")
        self._context = context
        self.slices = screen
        self.other = VolumeViewer(context)
        self.other.setObjectName("volume_beside")
        self.other.setMinimumWidth(160)
        self._motion = Rigid()
        self._linked = True
        self._following = False
        self._own_window = False
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(0)
        self._settled.timeout.connect(self._follow_again)
        self._bases: dict[VolumeViewer, VoiWindow] = {}
        self._strip = QFrame()
        self._strip.setObjectName("film_bar")
        self._which = QLabel()
        self._which.setObjectName("compare_which")
        self._which.setTextFormat(Qt.TextFormat.PlainText)
        self._says = QLabel()
        self._says.setObjectName("compare_says")
        self._says.setTextFormat(Qt.TextFormat.PlainText)
        self._says.setWordWrap(True)
        self._tools = {name: self._tool(name) for name in _COMMANDS}
        self._lay_out()
        self.setFocusProxy(screen)
        for viewer in (screen.viewer, self.other):
            viewer.state_changed.connect(self._changed)
            viewer.series_shown.connect(self._series_shown)
            for pane in viewer.panes.values():
                pane.installEventFilter(self)
        self.clear()
        self.retranslate()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self._strip)
        row.setContentsMargins(8, 4, 4, 4)
        row.setSpacing(4)
        row.addWidget(self._which)
        row.addWidget(self._says, 1)
        for tool in self._tools.values():
            row.addWidget(tool)
        # Below the controls of the scan, which hold for both, one half each.
        holder = QWidget()
        inner = self.slices.layout()
        if inner is not None:
            inner.replaceWidget(self.slices.viewer, holder)
        panes = QHBoxLayout(holder)
        panes.setContentsMargins(0, 0, 0, 0)
        panes.setSpacing(2)
        panes.addWidget(self.slices.viewer, 1)
        panes.addWidget(self.other, 1)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(0)
        page.addWidget(self._strip)
        page.addWidget(self.slices, 1)

    def _tool(self, name: str) -> QToolButton:
        tool = QToolButton()
        tool.setObjectName(name.replace(".", "_"))
        tool.setProperty("role", "film")
        tool.setProperty("command", name)
        tool.setAutoRaise(True)
        tool.setCheckable(True)
        tool.clicked.connect(self._pressed)
        return tool

    def _pressed(self) -> None:
        self.asked.emit(self.sender().property("command"))

    # What is shown

    @property
    def beside(self) -> bool:
        """Whether something lies beside the scan."""
        return not self.other.isHidden()

    @property
    def linked(self) -> bool:
        """Whether both move together."""
        return self._linked

    @property
    def motion(self) -> Rigid:
        """From places of the scan being read to places of what lies beside it."""
        return self._motion

    def offer(self, which: str) -> None:
        """Say which earlier scan there is; empty words: none, and nothing to press."""
        self._which.setText(which)
        self._strip.setVisible(bool(which))

    def say(self, words: str, *, caution: bool = False) -> None:
        """How the two lie on one another, in words."""
        self._says.setText(words)
        role = "caution" if caution else "muted"
        if self._says.property("role") != role:
            self._says.setProperty("role", role)
            self._says.style().unpolish(self._says)
            self._says.style().polish(self._says)

    def mark(self, prior: bool, difference: bool) -> None:
        """Which of the strip's switches are on."""
        for name, on in zip(_COMMANDS, (prior, difference, self._linked), strict=True):
            self._tools[name].setChecked(on)
        self._tools["compare.link"].setEnabled(prior or difference)

    def show_beside(
        self, series: VolumeSeries, text: FilmText, motion: Rigid | None, window: VoiWindow | None = None
    ) -> None:
        """Lay a series beside the scan. motion: None where nothing is known but the middles of both. window: of a
        difference, whose brightness is its own."""
        self._own_window = window is not None
        self.other.show()
        state = self.slices.viewer.state
        if self.other.series is not series:
            # Nothing follows what is only about to be shown as the scan is.
            self._following = True
            try:
                self.other.show_series(series)
                if window is not None:
                    self.other.choose_window(window)
            finally:
                self._following = False
        self.other.set_text(text)
        shown = self.slices.viewer.series
        if state is not None and shown is not None and shown.solid and not state.alone:
            self.slices.viewer.set_state(replace(state, alone=True))
        self.set_motion(motion if motion is not None else self._middles())

    def hide_beside(self) -> None:
        """The scan alone."""
        self.other.clear()
        self.other.hide()

    def set_motion(self, motion: Rigid) -> None:
        """Another idea of where a place of the scan lies in the other one."""
        self._motion = motion
        self._follow(self.slices.viewer, self.other)

    def set_linked(self, linked: bool) -> None:
        """Let both move together, or each by itself. Linked again, the places on show belong together from then on."""
        if linked and not self._linked:
            here, there = self.slices.viewer.state, self.other.state
            if here is not None and there is not None and not self._own_window:
                turned = Rigid(self._motion.rows)
                shift = Rigid.between(turned.place(here.cross), there.cross).shift
                self._motion = Rigid(self._motion.rows, shift)
        self._linked = linked
        self._tools["compare.link"].setChecked(linked)
        self._follow(self.slices.viewer, self.other)

    @property
    def comparable(self) -> bool:
        """Whether both are volumes: piles with gaps cannot be linked by place."""
        both = (self.slices.viewer.series, self.other.series)
        return all(series is not None and series.solid for series in both)

    def clear(self) -> None:
        """Forget what lies beside; the screen is cleared by whoever filled it."""
        self.hide_beside()
        self._linked, self._motion = True, Rigid()
        self._bases.clear()
        self.offer("")
        self.say("")
        self.mark(False, False)

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        self.other.retranslate()
        for name, tool in self._tools.items():
            tool.setText(tr(f"compare.short.{name.removeprefix('compare.')}"))
            tool.setToolTip(tr(f"reading.action.{name.replace('.', '_')}"))

    # Moving together

    def _middles(self) -> Rigid:
        here, there = self.slices.viewer.series, self.other.series
        if here is None or there is None or not (here.solid and there.solid):
            return Rigid()
        return centred(here.volumes[0], there.volumes[0])

    def _series_shown(self) -> None:
        viewer = self.sender()
        if isinstance(viewer, VolumeViewer) and viewer.state is not None:
            self._bases[viewer] = viewer.state.window

    def _changed(self) -> None:
        if self.sender() is self.other:
            self._follow(self.other, self.slices.viewer)
        else:
            self._follow(self.slices.viewer, self.other)

    def _follow(self, leader: VolumeViewer, follower: VolumeViewer) -> None:
        if self._following or not self._linked or not self.beside or not self.comparable:
            return
        one, other = self._shown(leader), self._shown(follower)
        if one is None or other is None:
            return
        motion = self._motion if leader is self.slices.viewer else self._motion.inverse
        state = followed(one, other, motion, own_window=self._own_window)
        self._following = True
        try:
            if state != other.state:
                follower.set_state(state)
        finally:
            self._following = False

    def _shown(self, viewer: VolumeViewer) -> Shown | None:
        series, state = viewer.series, viewer.state
        if series is None or state is None or not series.solid:
            return None
        pane = viewer.panes[state.active]
        fitted = pane.scale() / state.zoom(state.active).factor
        return Shown(series.volumes[state.moment], state, fitted, self._bases.get(viewer, state.window))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A pane of another size shows another part: the other scan follows once all are laid out."""
        if event.type() is QEvent.Type.Resize:
            self._settled.start()
        return super().eventFilter(watched, event)

    def _follow_again(self) -> None:
        self._follow(self.slices.viewer, self.other)
