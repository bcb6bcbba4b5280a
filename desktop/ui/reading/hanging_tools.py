"""Everything that lies beside what is read, films and slices alike, with its keys."""

from functools import partial

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QWidget

from desktop.ui.action import bind
from desktop.ui.context import UiContext
from desktop.ui.reading.companions import Companions
from desktop.ui.reading.film_side import FilmSide
from desktop.ui.reading.hanging_actions import COMPARE_ACTIONS, FILM_COMPARE_ACTIONS, SLICES_COMPARE_ACTIONS
from desktop.ui.reading.hanging_volumes import VolumePriors
from desktop.ui.reading.sitting import Sitting, StudyKind
from desktop.ui.reading.volume_side import VolumeSide
from desktop.ui.viewers.compare_layouts import LayoutChooser
from desktop.ui.viewers.compare_volumes import VolumesBeside
from desktop.ui.viewers.film_tiles import LAYOUTS, FilmTiles
from desktop.ui.viewers.volume_screen import VolumeScreen

_KINDS = (
    (COMPARE_ACTIONS, (StudyKind.FILM, StudyKind.SLICES)),
    (FILM_COMPARE_ACTIONS, (StudyKind.FILM,)),
    (SLICES_COMPARE_ACTIONS, (StudyKind.SLICES,)),
)


class HangingTools(QObject):
    """`films` hangs films, `volumes` is the slices with what lies beside them; `actions` holds the keys of both."""

    def __init__(
        self,
        context: UiContext,
        page: QWidget,
        tiles: FilmTiles,
        film: FilmSide,
        screen: VolumeScreen,
        slices: VolumeSide,
    ) -> None:
        super().__init__(page)
        self._context = context
        self._page = page
        self._tiles = tiles
        self._kind = StudyKind.FILM
        self.films = Companions(context, tiles, film)
        self.volumes = VolumesBeside(context, screen)
        self._scans = VolumePriors(context, self.volumes, slices, self)
        declared = [action for actions, _ in _KINDS for action in actions]
        self.actions = bind(context, page, declared, {action.id: partial(self.run, action.id) for action in declared})

    def begin(self, sitting: Sitting) -> None:
        """Another study is being read."""
        self._kind = sitting.kind
        self.films.begin(sitting)
        self._scans.begin(sitting)

    def clear(self) -> None:
        """Forget everything that lies beside."""
        self.films.clear()
        self._scans.clear()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.actions.retranslate()
        self.films.retranslate()
        self._scans.retranslate()

    def enable(self, kind: StudyKind, previewing: bool) -> None:
        """Keys for what is in front: films and slices, not traces, nor the report's pages."""
        for actions, kinds in _KINDS:
            for action in actions:
                self.actions[action.id].setEnabled(kind in kinds and not previewing)

    def run(self, command: str) -> None:
        """Carry out one of the actions."""
        if command == "compare.layout":
            self.choose_layout()
        elif self._kind is StudyKind.SLICES:
            self._scans.run(command)
        else:
            self.films.run(command)

    def choose_layout(self) -> LayoutChooser:
        """Nine squares in the middle of the films."""
        chooser = LayoutChooser(self._context, self._tiles.layout_shown, self._page)
        chooser.chosen.connect(self._take_layout)
        chooser.adjustSize()
        middle = self._tiles.rect().center() - QPoint(chooser.width() // 2, chooser.height() // 2)
        chooser.open_at(self._tiles.mapToGlobal(middle))
        return chooser

    def _take_layout(self, rows: int, columns: int) -> None:
        self._tiles.choose_layout(LAYOUTS.index((rows, columns)))
