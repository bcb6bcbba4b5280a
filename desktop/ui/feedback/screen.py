"""The Feedback destination: its pages side by side."""

from typing import TYPE_CHECKING

from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QPushButton, QStackedWidget, QWidget

from desktop.access import Permission
from desktop.ui.action import bind
from desktop.ui.feedback.actions import SCREEN_ACTIONS
from desktop.ui.feedback.cells import CellsPage
from desktop.ui.feedback.labelling import LabellingPage
from desktop.ui.feedback.learning import LearningPage
from desktop.ui.feedback.quality import QualityPage
from desktop.ui.widgets.parts import Texts, button, column, label, row

_PADDING = 36
_NEEDS = {
    "label": Permission.READ_IMAGES,
    "cells": Permission.SORT_CELLS,
    "quality": Permission.READ_IMAGES,
    "learning": Permission.READ_IMAGES,
}

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


class FeedbackScreen(QWidget):
    """Remembers which page was open. A helper finds only the cells."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("feedback_screen")
        self._context = context
        self._texts = Texts(context)
        self.labelling, self.quality, self.learning = (
            LabellingPage(context),
            QualityPage(context),
            LearningPage(context),
        )
        self.cells = CellsPage(context)
        self._pages: dict[str, LabellingPage | CellsPage | QualityPage | LearningPage] = {
            "label": self.labelling,
            "cells": self.cells,
            "quality": self.quality,
            "learning": self.learning,
        }
        self._names: dict[str, QPushButton] = {}
        title = label("feedback_title", "title")
        self._texts.add(title.setText, "feedback.title")
        head = row(margin=12, spacing=8)
        head.addWidget(title)
        head.addSpacing(16)
        self._stack = QStackedWidget()
        for name, page in self._pages.items():
            made = button(f"feedback_section_{name}", "quiet")
            made.setCheckable(True)
            made.setAutoExclusive(True)
            made.setProperty("section", name)
            made.clicked.connect(self._chosen)
            self._texts.add(made.setText, f"feedback.section.{name}")
            self._names[name] = made
            head.addWidget(made)
            self._stack.addWidget(page)
        head.addStretch(1)
        layout = column(self, spacing=0)
        layout.addLayout(head)
        layout.addWidget(self._stack, 1)
        self._names["label"].setChecked(True)
        self._make_room()
        handlers = {
            "feedback_label": self._show_labelling,
            "feedback_quality": self._show_quality,
            "feedback_learning": self._show_learning,
            "feedback_cells": self._show_cells,
        }
        self._actions = bind(context, self, SCREEN_ACTIONS, handlers)

    def show_section(self, name: str) -> None:
        """Go to a page."""
        self._names[name].setChecked(True)
        self._stack.setCurrentWidget(self._pages[name])
        self._pages[name].activated()

    def activated(self) -> None:
        """Called when the destination is shown."""
        session = self._context.open_clinic.session
        allowed = [name for name, permission in _NEEDS.items() if session.may(permission)]
        for name, made in self._names.items():
            made.setVisible(name in allowed)
            self._actions[f"feedback_{name}"].setEnabled(name in allowed)
        current = next(name for name, made in self._names.items() if made.isChecked())
        self.show_section(current if current in allowed else allowed[0])

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self._make_room()
        self._actions.retranslate()
        for page in self._pages.values():
            page.retranslate()

    def clear(self) -> None:
        """The clinic is locked: drop every picture."""
        for page in self._pages.values():
            page.clear()

    def _make_room(self) -> None:
        """The name of the page that is open is bold, and wider than Qt asks for."""
        for made in self._names.values():
            font = QFont(made.font())
            font.setBold(True)
            made.setMinimumWidth(QFontMetrics(font).horizontalAdvance(made.text()) + _PADDING)

    def _show_labelling(self) -> None:
        self.show_section("label")

    def _show_quality(self) -> None:
        self.show_section("quality")

    def _show_learning(self) -> None:
        self.show_section("learning")

    def _show_cells(self) -> None:
        self.show_section("cells")

    def _chosen(self) -> None:
        self.show_section(self.sender().property("section"))
