"""The list of marked slices: key images and slices with drawings, of this series and of the study's others."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox

from desktop.imaging.frame_run import FramePlace
from desktop.records import InstanceId
from desktop.ui.context import UiContext
from desktop.ui.viewers.slice_drawer import SliceDrawer
from desktop.ui.viewers.slice_marks import MarkedSlice
from desktop.ui.viewers.volume import VolumeViewer


class MarkedList(QComboBox):
    """Hidden while nothing is marked. Signals: series_asked(number) where a marked slice lies in another series; once
    that is there, `go_on` shows the slice."""

    series_asked = Signal(int)

    def __init__(self, context: UiContext, viewer: VolumeViewer, drawer: SliceDrawer) -> None:
        super().__init__()
        self.setObjectName("volume_marked")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._context, self._viewer, self._drawer = context, viewer, drawer
        self._here: tuple[MarkedSlice, ...] = ()
        self._there: list[tuple[int, FramePlace]] = []
        self._names: Sequence[str] = ()
        self._number = -1
        self._series_of: Mapping[InstanceId, int] = {}
        self._wanted: FramePlace | None = None
        self.activated.connect(self._chosen)
        drawer.changed.connect(self._list)
        self.hide()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.setAccessibleName(self._context.tr("slice.marked"))
        self.setToolTip(self._context.tr("slice.marked.tip"))
        self._list()

    def name_series(self, names: Sequence[str], number: int) -> None:
        """The series of the study, and which of them is on show."""
        self._names, self._number = names, number
        self._list()

    def go_on(self, series_of: Mapping[InstanceId, int]) -> None:
        """All of a series is there: to the slice it was opened for. series_of: of each picture of the study."""
        self._series_of = series_of
        self._list()
        wanted, self._wanted = self._wanted, None
        found = next((one for one in self._here if one.place == wanted), None)
        if found is not None:
            self._drawer.jump(found)

    def forget(self) -> None:
        """Another study comes."""
        self._series_of, self._wanted = {}, None

    def _list(self) -> None:
        tr, series = self._context.tr, self._viewer.series
        self._here, self._there = self._drawer.marked, []
        self.clear()
        self.addItem("")
        for one in self._here:
            words = tr("volume.slice", number=one.counted, count=series.count if series is not None else 0)
            self.addItem(self._words(words, one.key, one.drawings))
        for place, key, drawings in self._drawer.elsewhere if series is not None else ():
            number = self._series_of.get(place.instance, self._number)
            if number != self._number and number < len(self._names):
                self._there.append((number, place))
                self.addItem(self._words(self._names[number], key, drawings))
        self.setItemText(0, tr("slice.marked.count", count=self.count() - 1))
        self.setCurrentIndex(0)
        self.setVisible(self.count() > 1)

    def _words(self, place: str, key: bool, drawings: int) -> str:
        tr = self._context.tr
        said = [place, *([tr("marks.badge")] if key else [])]
        return " · ".join([*said, *([tr("slice.marked.drawings", count=drawings)] if drawings else [])])

    def _chosen(self, at: int) -> None:
        self.setCurrentIndex(0)
        if 0 < at <= len(self._here):
            self._drawer.jump(self._here[at - 1])
        elif at > len(self._here):
            number, self._wanted = self._there[at - len(self._here) - 1]
            self.series_asked.emit(number)
        self._viewer.setFocus()
