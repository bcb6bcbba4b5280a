"""The strip above what is read: which study, and the film viewer's commands for the mouse."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QMenu, QPushButton, QSizePolicy, QToolButton, QWidget

from desktop.ui.action import BoundActions
from desktop.ui.context import UiContext
from desktop.ui.reading.sitting import StudyKind

_SHOWN = (
    "viewer.fit",
    "viewer.full_size",
    "viewer.invert",
    "viewer.tool_length",
    "viewer.tool_region",
)
_MEASURES = (
    "viewer.tool_angle",
    "viewer.tool_cobb",
    "viewer.tool_cardiothoracic",
    "viewer.tool_bidirectional",
    "viewer.tool_ellipse",
    "viewer.tool_freehand",
    "viewer.tool_point",
    "viewer.tool_calibration",
)
_LOOKS = (
    "viewer.true_size",
    "viewer.calibrate_screen",
    "viewer.magnifier",
    "viewer.histogram",
    "viewer.exact_pixels",
    "viewer.next_colours",
    "viewer.corner_1",
    "viewer.corner_2",
    "viewer.corner_3",
    "viewer.corner_4",
)
_SIDE = ("viewer.next_layout", "viewer.previous_layout", "viewer.link")
_IN_MENU = (
    "viewer.zoom_in",
    "viewer.zoom_out",
    "viewer.turn_right",
    "viewer.turn_left",
    "viewer.flip_left_right",
    "viewer.flip_top_bottom",
    "viewer.tool_window",
    "viewer.tool_pan",
    "viewer.next_drawing",
    "viewer.label_drawing",
    "viewer.remove_drawing",
    "viewer.overlay",
    "viewer.reset",
)


@dataclass(frozen=True)
class StudyChoice:
    """One study of the patient in the list. key: the study's id."""

    key: str
    words: str


class FilmBar(QFrame):
    """Signals: worklist_asked(); study_chosen(id); preset_chosen(number from 0, 0 is the film's own window)."""

    worklist_asked = Signal()
    study_chosen = Signal(str)
    preset_chosen = Signal(int)

    def __init__(self, context: UiContext, actions: BoundActions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("film_bar")
        self._context = context
        self._actions = actions
        self.worklist = QPushButton(self)
        self.worklist.setObjectName("film_worklist")
        self.worklist.setProperty("role", "quiet")
        self.worklist.clicked.connect(self.worklist_asked)
        self.studies = QComboBox(self)
        self.studies.setObjectName("film_studies")
        self.studies.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.studies.setMinimumContentsLength(14)
        self.studies.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.studies.setMaximumWidth(480)
        self.studies.activated.connect(self._study_activated)
        self.presets = QComboBox(self)
        self.presets.setObjectName("film_presets")
        self.presets.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.presets.setMinimumContentsLength(11)
        self.presets.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.presets.activated.connect(self.preset_chosen)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(2)
        layout.addWidget(self.worklist)
        layout.addWidget(self.studies, 1000)
        layout.addStretch(1)
        self._slices = QWidget(self)
        room = QHBoxLayout(self._slices)
        room.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slices)
        layout.addWidget(self.presets)
        self.back = QPushButton(self)
        self.back.setObjectName("film_back")
        self.back.setProperty("role", "quiet")
        self.back.clicked.connect(actions["reading.film"].trigger)
        self.back.hide()
        self._back_to = StudyKind.FILM
        layout.addWidget(self.back)
        self._tools: list[tuple[str, QToolButton]] = []
        for name in _SHOWN:
            tool = self._tool(name)
            tool.clicked.connect(actions[name].trigger)
            layout.addWidget(tool)
            self._tools.append((name, tool))
        self._more = self._tool("viewer.more")
        self._menu = QMenu(self._more)
        self._measures, self._looks, self._side, self._pictures, self._marks = (
            self._menu.addMenu("") for _ in range(5)
        )
        listed = ((self._measures, _MEASURES), (self._looks, _LOOKS), (self._side, _SIDE), (self._menu, _IN_MENU))
        for menu, names in listed:
            for name in names:
                menu.addAction(actions[name])
        self._more.setMenu(self._menu)
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        layout.addWidget(self._more)
        self.retranslate()

    def _tool(self, name: str) -> QToolButton:
        tool = QToolButton(self)
        tool.setObjectName(f"film_tool_{name.removeprefix('viewer.')}")
        tool.setProperty("role", "film")
        tool.setAutoRaise(True)
        return tool

    def add_side(self, actions: Sequence[QAction]) -> None:
        """What else lies side by side."""
        for action in actions:
            self._side.addAction(action)

    def add_pictures(self, actions: Sequence[QAction]) -> None:
        """What photographs can do besides, in a menu of its own."""
        for action in actions:
            self._pictures.addAction(action)

    def add_marks(self, actions: Sequence[QAction]) -> None:
        """Key images, and drawings from and for other programs, in a menu of their own."""
        for action in actions:
            self._marks.addAction(action)

    def add_for_slices(self, widget: QWidget) -> None:
        """Something that stands here while slices are read."""
        room = self._slices.layout()
        assert room is not None
        room.addWidget(widget)
        QWidget.setTabOrder(self.studies, widget)

    @property
    def last(self) -> QWidget:
        """Where Tab leaves."""
        return self._more

    def sizeHint(self) -> QSize:
        """As high as its buttons."""
        return QSize(640, 44)

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        self.worklist.setText(tr("reading.worklist.button"))
        self.worklist.setToolTip(tr("reading.action.reading_worklist") + " (W)")
        self.back.setText(tr(f"reading.button.back_to.{self._back_to.value}"))
        self.back.setToolTip(_tip(self._actions["reading.film"]))
        self.studies.setAccessibleName(tr("reading.studies"))
        self.presets.setAccessibleName(tr("viewer.presets"))
        for name, tool in self._tools:
            tool.setText(tr(f"viewer.short.{name.removeprefix('viewer.')}"))
            tool.setToolTip(_tip(self._actions[name]))
        self._more.setText(tr("viewer.short.more"))
        self._measures.setTitle(tr("viewer.menu.measure"))
        self._looks.setTitle(tr("viewer.menu.look"))
        self._side.setTitle(tr("viewer.menu.side"))
        self._pictures.setTitle(tr("photo.menu"))
        self._marks.setTitle(tr("marks.menu"))

    def set_studies(self, choices: Sequence[StudyChoice], current: str) -> None:
        """The patient's studies."""
        self.studies.clear()
        for choice in choices:
            self.studies.addItem(choice.words, choice.key)
        self.studies.setCurrentIndex(self.studies.findData(current))

    def set_presets(self, names: Sequence[str]) -> None:
        """Words of the film's windows; the first is its own."""
        self.presets.clear()
        self.presets.addItems(list(names))

    def show_tools(self, kind: StudyKind, previewing: bool) -> None:
        """The tools for a film; a trace and slices have their own. Before the report's pages there is the way back."""
        for widget in (self.presets, self._more, *(tool for _, tool in self._tools)):
            widget.setVisible(kind is StudyKind.FILM and not previewing)
        self._slices.setVisible(kind is StudyKind.SLICES and not previewing)
        self._back_to = kind
        self.back.setVisible(previewing)
        self.retranslate()

    def set_tool_checked(self, name: str, checked: bool) -> None:
        """Show which tool the left button has, or that the film is inverted."""
        for known, tool in self._tools:
            if known == name:
                tool.setCheckable(True)
                tool.setChecked(checked)

    def step_study(self, by: int) -> None:
        """To the next or previous study of the patient."""
        at = self.studies.currentIndex() + by
        if 0 <= at < self.studies.count():
            self.studies.setCurrentIndex(at)
            self.study_chosen.emit(self.studies.itemData(at))

    def clear(self) -> None:
        """Forget every word."""
        self.studies.clear()
        self.presets.clear()

    def _study_activated(self, at: int) -> None:
        self.study_chosen.emit(self.studies.itemData(at))


def _tip(action: QAction) -> str:
    keys = action.shortcut().toString(action.shortcut().SequenceFormat.NativeText)
    return f"{action.text()} ({keys})" if keys else action.text()
