"""Films side by side, one to nine, that scroll, zoom and darken together: the one being read, and others beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from desktop.records import Picture, VoiWindow
from desktop.ui.context import UiContext
from desktop.ui.viewers.cine_bar import CineBar
from desktop.ui.viewers.compare_films import BesidePane, Legend
from desktop.ui.viewers.film import FilmViewer
from desktop.ui.viewers.film_words import FilmText
from desktop.ui.viewers.frames import BACKGROUND
from desktop.ui.viewers.view_commands import VIEW_COMMANDS
from desktop.ui.viewers.view_state import ViewState

LAYOUTS: tuple[tuple[int, int], ...] = (
    (1, 1),
    (1, 2),
    (2, 1),
    (1, 3),
    (3, 1),
    (2, 2),
    (2, 3),
    (3, 2),
    (3, 3),
)
"""Rows and columns, in the order of the key that goes on to the next."""
_GAP = 2


@dataclass(frozen=True, eq=False)
class Companion:
    """A film to show beside the one being read, and the words in its corners. picture: None where there are only words
    to say. words: in the middle of a pane without a picture. legend: what the colours of a difference mean."""

    picture: Picture | None
    text: FilmText
    words: str = ""
    legend: Legend | None = None


class FilmTiles(QWidget):
    """The film being read at the top left; what lies beside it is looked at, not drawn on.

    Signals: layout_changed() when there is room for more or fewer films; chosen() when somebody chose the layout, or
    whether the films move together.
    """

    layout_changed = Signal()
    chosen = Signal()

    def __init__(self, context: UiContext, viewer: FilmViewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("film_tiles")
        self._context = context
        self._viewer = viewer
        self._others: list[BesidePane] = []
        self._shown: list[Companion | None] = []
        self._at = 0
        self._linked = True
        self._following = False
        self._field = QWidget(self)
        self._field.setAutoFillBackground(True)
        ground = self._field.palette()
        ground.setColor(QPalette.ColorRole.Window, QColor(*BACKGROUND).lighter(240))
        self._field.setPalette(ground)
        self._grid = QGridLayout(self._field)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(_GAP)
        self._page = QVBoxLayout(self)
        self._page.setContentsMargins(0, 0, 0, 0)
        self._page.setSpacing(0)
        self._page.addWidget(self._field, 1)
        self._cine: CineBar | None = None
        viewer.cine.changed.connect(self._want_strip)
        self.setFocusProxy(viewer)
        viewer.setMinimumSize(120, 100)
        viewer.state_changed.connect(self._changed)
        self._arrange()

    # What the page asks

    @property
    def room(self) -> int:
        """How many films fit beside the one being read."""
        rows, columns = LAYOUTS[self._at]
        return rows * columns - 1

    @property
    def layout_shown(self) -> tuple[int, int]:
        """Rows and columns."""
        return LAYOUTS[self._at]

    @property
    def linked(self) -> bool:
        """Whether the films move together."""
        return self._linked

    @property
    def viewers(self) -> tuple[FilmViewer, ...]:
        """Every pane, the film being read first."""
        return (self._viewer, *self._others[: self.room])

    @property
    def active(self) -> FilmViewer:
        """The pane the keys go to: the one that has the focus, else the film being read."""
        return next((pane for pane in self.viewers if pane.hasFocus()), self._viewer)

    def run(self, command: str) -> bool:
        """Carry out a command: one about looking in the pane that has the keys, the others on the film being read."""
        if command == "viewer.next_layout":
            self.choose_layout((self._at + 1) % len(LAYOUTS))
        elif command == "viewer.previous_layout":
            self.choose_layout((self._at - 1) % len(LAYOUTS))
        elif command == "viewer.link":
            self.set_linked(not self._linked)
            key = "viewer.linked" if self._linked else "viewer.not_linked"
            self._context.toast(self._context.tr(key))
            self.chosen.emit()
        else:
            pane = self.active if command in VIEW_COMMANDS else self._viewer
            return pane.run(command)
        return True

    def set_layout(self, number: int) -> None:
        """Room for other films, or for one alone. number: of LAYOUTS."""
        if number == self._at:
            return
        self._at = number
        self._arrange()
        self.layout_changed.emit()

    def choose_layout(self, number: int) -> None:
        """As `set_layout`, by somebody's hand."""
        self.set_layout(number)
        self.chosen.emit()

    def set_linked(self, linked: bool) -> None:
        """Let the films move together, or each by itself."""
        self._linked = linked
        self._changed_by(self.active)

    def show_companions(self, companions: Sequence[Companion | None]) -> None:
        """The films beside the one being read, as many as there is room for; a pane without one is empty."""
        filled = len([one for one in companions if one is not None])
        for place, pane in enumerate(self._others[: self.room]):
            wanted = companions[place] if place < len(companions) else None
            nothing = self._context.tr("viewer.no_other") if place == 0 and not filled else ""
            pane.set_empty_words(wanted.words if wanted is not None else nothing)
            if wanted is self._shown[place]:
                continue
            self._shown[place] = wanted
            if wanted is None or wanted.picture is None:
                pane.clear()
            else:
                pane.show_picture(wanted.picture)
                pane.set_text(wanted.text)
            pane.set_legend(wanted.legend if wanted is not None else None)

    def clear(self) -> None:
        """Forget every film beside the one being read; the layout stays."""
        for pane in self._others:
            pane.clear()
        self._shown = [None] * len(self._others)

    # Inside

    def _want_strip(self) -> None:
        """The first clip brings its strip; single films have one thing less to tab through."""
        if self._cine is None and self._viewer.cine.run is not None:
            self._cine = CineBar(self._context, self._viewer.cine)
            self._page.addWidget(self._cine)
            self._cine.show()

    def _arrange(self) -> None:
        rows, columns = LAYOUTS[self._at]
        while len(self._others) < self.room:
            self._others.append(self._pane(len(self._others)))
            self._shown.append(None)
        for place, pane in enumerate((self._viewer, *self._others)):
            self._grid.removeWidget(pane)
            used = place < rows * columns
            if used:
                self._grid.addWidget(pane, *divmod(place, columns))
            elif pane is not self._viewer:
                pane.clear()
                self._shown[place - 1] = None
            pane.setVisible(used)
        for line in range(3):
            self._grid.setRowStretch(line, 1 if line < rows else 0)
            self._grid.setColumnStretch(line, 1 if line < columns else 0)

    def _pane(self, number: int) -> BesidePane:
        pane = BesidePane(self._context, self)
        pane.setObjectName(f"film_beside_{number + 1}")
        pane.setMinimumSize(120, 100)
        pane.state_changed.connect(self._changed)
        pane.first_frame.connect(self._join)
        return pane

    def _changed(self) -> None:
        pane = self.sender()
        if isinstance(pane, FilmViewer):
            self._changed_by(pane)

    def _join(self) -> None:
        """A film that has just come is shown as the one being read is, where they move together."""
        self._changed_by(self._viewer)

    def _changed_by(self, pane: FilmViewer) -> None:
        """Let the other panes follow, unless they are what follows, or somebody unlinked them."""
        if self._following or not self._linked or pane.state is None or pane.source is None:
            return
        self._following = True
        try:
            for other in self.viewers:
                if other is not pane and other.state is not None and other.source is not None:
                    other.set_state(_followed(pane, pane.state, other, other.state))
        finally:
            self._following = False


def _followed(leader: FilmViewer, led: ViewState, follower: FilmViewer, state: ViewState) -> ViewState:
    """A film shown as another one: as much larger than fitted, the same part of it, the same change of its window."""
    ours = state.fit(follower.width(), follower.height())
    theirs = led.fit(leader.width(), leader.height())
    shown = replace(
        state, inverted=led.inverted, exact=led.exact, colours=led.colours, window=_window(leader, follower)
    )
    if led.fitted:
        return shown.fit(follower.width(), follower.height())
    across = (led.center[0] + 0.5) / led.columns
    down = (led.center[1] + 0.5) / led.rows
    center = (across * state.columns - 0.5, down * state.rows - 0.5)
    return replace(shown, fitted=False, zoom=ours.zoom * led.zoom / theirs.zoom, center=center)


def _window(leader: FilmViewer, follower: FilmViewer) -> VoiWindow | None:
    """The follower's own window, changed as much as the leader's was; Hounsfield units are the same on every film."""
    if leader.state is None or leader.state.window is None or leader.source is None or follower.source is None:
        return None
    window, base, own = leader.state.window, leader.source.base, follower.source.base
    if all(one.source is not None and one.source.picture.header.modality.value == "CT" for one in (leader, follower)):
        return window
    moved = (window.center - base.center) / base.width
    return VoiWindow(own.center + moved * own.width, own.width * window.width / base.width, "", own.function)
