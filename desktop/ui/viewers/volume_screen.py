"""The volume viewer with the strip of its controls for the mouse."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QSlider, QToolButton, QVBoxLayout, QWidget

from desktop.imaging.slab import Slab, SlabMode
from desktop.ui.context import UiContext
from desktop.ui.viewers.slice_drawer import SliceDrawer
from desktop.ui.viewers.slice_marked import MarkedList
from desktop.ui.viewers.slice_tools import SLICE_ACTIONS
from desktop.ui.viewers.strip import Strip
from desktop.ui.viewers.volume import VolumeViewer
from desktop.ui.viewers.volume_commands import THICKNESSES
from desktop.ui.viewers.volume_mask_bar import MaskBar
from desktop.ui.viewers.volume_words import preset_name

_TOOLS: Mapping[str, str] = {
    "layout": "volume.enlarge",
    "crosshair": "volume.crosshair",
    "invert": "volume.invert",
    "turning": "volume.turning",
    "mask": "volume.paint",
    "reset": "volume.reset",
}


_NARROWEST, _WIDEST = 48, 110


class VolumeScreen(QWidget):
    """`viewer` does the work; the strip shows how it stands. marked: the list of marked slices, for whoever has room.

    Signals: series_chosen(number) for another series.
    """

    series_chosen = Signal(int)

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("volume_screen")
        self._context = context
        self.viewer = VolumeViewer(context)
        self.drawer = SliceDrawer(context, self.viewer)
        strip = Strip(spacing=4)
        self.series, self.presets, self.slabs = (
            strip.add_box(name) for name in ("volume_series", "volume_presets", "volume_slabs")
        )
        self.thickness = self._slider("volume_thickness", len(THICKNESSES) - 1)
        self.opacity = self._slider("volume_opacity", 100)
        self.moments = self._slider("volume_moments", 0)
        self.series.hide()
        self._names: tuple[tuple[str, int], ...] = ()
        strip.row.addWidget(self.thickness)
        self._tools = {name: strip.add_tool(f"volume_tool_{name}", self._tool_pressed) for name in _TOOLS}
        self._measure = strip.add_tool("volume_tool_measure", self._no_tool)
        self._menu = QMenu(self._measure)
        for action in SLICE_ACTIONS:
            if action.id == "slice.next_drawing":
                self._menu.addSeparator()
            self._menu.addAction(self.drawer.actions[action.id])
        self._menu.addSeparator()
        self._measure.setMenu(self._menu)
        self._measure.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.marked = MarkedList(context, self.viewer, self.drawer)
        strip.row.addStretch(1)
        strip.row.addWidget(self.opacity)
        strip.row.addWidget(self.moments)
        strip.stand_above(self.viewer, self)
        self.masks = MaskBar(context, self.viewer.book)
        page = self.layout()
        assert isinstance(page, QVBoxLayout)
        page.insertWidget(1, self.masks)
        self.series.activated.connect(self.series_chosen)
        self.presets.activated.connect(self._preset_chosen)
        self.slabs.activated.connect(self._slab_chosen)
        self.thickness.valueChanged.connect(self._thickness_chosen)
        self.opacity.valueChanged.connect(self._opacity_chosen)
        self.moments.valueChanged.connect(self._moment_chosen)
        self.masks.used.connect(self.viewer.setFocus)
        self.marked.series_asked.connect(self.series_chosen)
        self.drawer.changed.connect(self._show_tool)
        self.viewer.series_shown.connect(self._offer)
        self.viewer.state_changed.connect(self._follow)
        self.retranslate()

    def _slider(self, name: str, most: int) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setObjectName(name)
        slider.setRange(0, most)
        # With every control there is, narrower ones: words that are cut off help nobody.
        slider.setMinimumWidth(_NARROWEST)
        slider.setMaximumWidth(_WIDEST)
        return slider

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        self.presets.setAccessibleName(tr("volume.presets"))
        self.slabs.setAccessibleName(tr("volume.slabs"))
        for slider, key in (
            (self.thickness, "volume.thickness"),
            (self.opacity, "volume.opacity"),
            (self.moments, "volume.moments"),
        ):
            slider.setAccessibleName(tr(key))
            slider.setToolTip(tr(key))
        for name, tool in self._tools.items():
            tool.setText(tr(f"volume.short.{name}"))
        self._measure.setText(tr("slice.measure"))
        self._measure.setToolTip(tr("slice.measure.tip"))
        self.drawer.retranslate()
        self.marked.retranslate()
        self.slabs.clear()
        self.slabs.addItems([tr("volume.slab.thin"), *(tr(f"volume.slab.{mode.value}") for mode in SlabMode)])
        self.series.setAccessibleName(tr("volume.series.choose"))
        self._name_series(self.series.currentIndex())
        self._offer()
        self.masks.retranslate()
        self.viewer.retranslate()

    def set_series(self, names: Sequence[tuple[str, int]], number: int) -> None:
        """The series there are to choose from: what the station calls each and how many slices it has."""
        self._names = tuple(names)
        self._name_series(number)

    def _name_series(self, number: int) -> None:
        self.series.clear()
        for place, (words, count) in enumerate(self._names, 1):
            name = words or self._context.tr("volume.series", number=place)
            self.series.addItem(self._context.tr("volume.series.count", name=name, count=count))
        self.marked.name_series([self.series.itemText(at) for at in range(self.series.count())], number)
        self.series.setCurrentIndex(number)
        self.series.setVisible(len(self._names) > 1)

    def add_marks(self, actions: Sequence[QAction]) -> None:
        """Key images, and drawings from and for other programs."""
        self._menu.addActions(list(actions))

    def clear(self) -> None:
        """Forget every voxel and every word."""
        self.viewer.clear()
        self.drawer.clear()
        self.marked.forget()
        self.masks.name_layers(())
        self.masks.offer_export(False)
        self.set_series((), -1)
        self._offer()

    def _offer(self) -> None:
        """Controls for what the series allows."""
        series = self.viewer.series
        names = [preset_name(self._context, preset) for preset in self.viewer.presets]
        self.presets.clear()
        self.presets.addItems([*names, self._context.tr("volume.preset.own")])
        solid = series is not None and series.solid
        self.slabs.setVisible(solid)
        self.thickness.setVisible(solid)
        self._tools["layout"].setVisible(solid)
        self._tools["crosshair"].setVisible(solid)
        self._tools["turning"].setVisible(solid)
        self._measure.setVisible(series is not None)
        self.moments.setVisible(series is not None and series.moments > 1)
        self.moments.blockSignals(True)
        self.moments.setMaximum(series.moments - 1 if series is not None else 0)
        self.moments.blockSignals(False)
        self._follow()

    def _follow(self) -> None:
        """Keep the strip as the view is."""
        state = self.viewer.state
        if state is None:
            return
        windows = [preset.window for preset in self.viewer.presets]
        self.presets.setCurrentIndex(windows.index(state.window) if state.window in windows else len(windows))
        thick = state.slab.thickness_mm > 0
        self.slabs.setCurrentIndex(1 + list(SlabMode).index(state.slab.mode) if thick else 0)
        nearest = min(range(len(THICKNESSES)), key=lambda n: abs(THICKNESSES[n] - state.slab.thickness_mm))
        for slider, value in (
            (self.thickness, nearest),
            (self.opacity, round(state.opacity * 100)),
            (self.moments, state.moment),
        ):
            slider.blockSignals(True)
            slider.setValue(value)
            slider.blockSignals(False)
        self.opacity.setVisible(self.viewer.has_masks)
        self._tools["mask"].setVisible(self.viewer.book.available)
        for name, on in (
            ("layout", state.alone),
            ("crosshair", state.crosshair),
            ("invert", state.inverted),
            ("mask", self.viewer.book.painting),
            ("turning", state.turning),
        ):
            self._tools[name].setCheckable(True)
            self._tools[name].setChecked(on)

    def _show_tool(self) -> None:
        self._measure.setCheckable(True)
        self._measure.setChecked(self.drawer.tool is not None)

    # The controls

    def _no_tool(self) -> None:
        """The button opens its menu by itself."""

    def _tool_pressed(self) -> None:
        name = self.sender().objectName().removeprefix("volume_tool_")
        self.viewer.run(_TOOLS[name])
        self.viewer.setFocus()

    def _preset_chosen(self, at: int) -> None:
        if at < len(self.viewer.presets):
            self.viewer.choose_window(self.viewer.presets[at].window)
        self.viewer.setFocus()

    def _slab_chosen(self, at: int) -> None:
        state = self.viewer.state
        if state is not None:
            thickness = state.slab.thickness_mm or 10.0
            self.viewer.choose_slab(Slab(list(SlabMode)[at - 1], thickness) if at else Slab())
        self.viewer.setFocus()

    def _thickness_chosen(self, at: int) -> None:
        state = self.viewer.state
        if state is not None:
            self.viewer.choose_slab(Slab(state.slab.mode, THICKNESSES[at]))

    def _opacity_chosen(self, percent: int) -> None:
        self.viewer.choose_opacity(percent / 100)

    def _moment_chosen(self, moment: int) -> None:
        self.viewer.choose_moment(moment)
