"""The ECG viewer with the strip of its commands for the mouse."""

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from desktop.ui.context import UiContext
from desktop.ui.viewers.ecg import EcgViewer
from desktop.ui.viewers.ecg_state import EcgFilter, EcgLayout
from desktop.ui.viewers.ecg_words import filter_name
from desktop.ui.viewers.strip import Strip, key_tip

_SHOWN = ("speed", "gain_down", "gain_up", "mains", "marks", "caliper", "true_size", "calibrate")
_LETTERS = 15


class EcgPane(QWidget):
    """Signals: asked(command id) for a button that was pressed."""

    asked = Signal(str)

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ecg_pane")
        self._context = context
        self.viewer = EcgViewer(context)
        strip = Strip()
        self.layouts, self.filters = (strip.add_box(name, _LETTERS) for name in ("ecg_layouts", "ecg_filters"))
        self.layouts.activated.connect(self._layout_chosen)
        self.filters.activated.connect(self._filter_chosen)
        self._tools = {name: strip.add_tool(f"ecg_tool_{name}", self._pressed) for name in _SHOWN}
        strip.row.addStretch(1)
        strip.stand_above(self.viewer, self)
        self.viewer.view_changed.connect(self._follow)
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        for box, words, accessible in (
            (self.layouts, [tr(f"ecg.layout.{layout.value}") for layout in EcgLayout], "ecg.bar.layout"),
            (self.filters, [filter_name(self._context, choice) for choice in EcgFilter], "ecg.bar.filter"),
        ):
            at = max(0, box.currentIndex())
            box.clear()
            box.addItems(words)
            box.setCurrentIndex(at)
            box.setAccessibleName(tr(accessible))
        for name, tool in self._tools.items():
            tool.setText(tr(f"ecg.short.{name}"))
        self.viewer.update()

    def set_tips(self, actions: Mapping[str, QAction]) -> None:
        """What the buttons do and their keys."""
        for name, tool in self._tools.items():
            tool.setToolTip(key_tip(actions[f"ecg.{name}"]))

    def _pressed(self) -> None:
        name = self.sender().objectName().removeprefix("ecg_tool_")
        self.asked.emit(f"ecg.{name}")
        self.viewer.setFocus()

    def _layout_chosen(self, at: int) -> None:
        self.asked.emit(f"ecg.layout_{list(EcgLayout)[at].value}")
        self.viewer.setFocus()

    def _filter_chosen(self, at: int) -> None:
        self.viewer.choose_filter(list(EcgFilter)[at])
        self.viewer.setFocus()

    def _follow(self) -> None:
        """Keep the strip as the page is."""
        view = self.viewer.view
        self.layouts.setCurrentIndex(list(EcgLayout).index(view.layout))
        self.filters.setCurrentIndex(list(EcgFilter).index(view.filter))
        for name, on in (("marks", view.marks), ("caliper", view.caliper is not None), ("true_size", not view.fitted)):
            self._tools[name].setCheckable(True)
            self._tools[name].setChecked(on)
