"""How a model was trained: what it learned from, for how long, with what, and how its loss fell."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDialog, QGridLayout, QPlainTextEdit, QStackedWidget, QVBoxLayout, QWidget

from desktop.ui.settings.loss_chart import LossChart
from desktop.ui.settings.model_comparison import ModelComparison
from desktop.ui.settings.recorded import recorded
from desktop.ui.widgets.fields import Choice
from desktop.ui.widgets.parts import button, column, label, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.workflow import ModelCard
    from desktop.workflow.shelf import TrainingRun, TriedSettings

_SIZE = (860, 690)
_HASH = 16


class TrainingDialog(QDialog):
    """The facts; below them a page for the curves, one for what it was compared with, one for the settings."""

    def __init__(self, context: "UiContext", model: "ModelCard", parent: QWidget) -> None:
        """model: one with a record of its training."""
        assert model.training is not None, "only shown where there is a record"
        super().__init__(parent)
        self.setObjectName("training_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(context.tr("settings.training.title", model=model.title))
        self.resize(*_SIZE)
        self._context = context
        self._run: TrainingRun = model.training
        self._pages = QStackedWidget()
        names = ["course"]
        self._pages.addWidget(self._course())
        if model.compared:
            names.append("compared")
            self._pages.addWidget(ModelComparison(context, model.compared))
        names.append("settings")
        self._pages.addWidget(self._made_with())
        self._names = tuple(names)
        self.page = Choice("training_page", names)
        title = context.tr("settings.training")
        self.page.set_texts(title, [context.tr(f"settings.training.page.{name}") for name in names])
        self.page.set_value(names[0])
        self.page.chosen.connect(self._turn)
        close = button("training_close", "primary")
        close.setText(context.tr("ui.close"))
        close.clicked.connect(self.accept)
        layout = column(self, margin=16, spacing=12)
        layout.addLayout(self._facts())
        layout.addWidget(self.page)
        layout.addWidget(self._pages, 1)
        layout.addWidget(close, alignment=Qt.AlignmentFlag.AlignRight)
        self.page.setFocus()

    def _turn(self, name: str) -> None:
        """Show another page."""
        self._pages.setCurrentIndex(self._names.index(name))

    def _course(self) -> QWidget:
        """How the loss of one network at a time fell."""
        page, tr = QWidget(), self._context.tr
        layout = column(page, spacing=12)
        if not self._run.curves:
            nothing = label("training_no_curve", "muted", wrap=True)
            nothing.setText(tr("settings.training.no_curve"))
            layout.addWidget(nothing)
            layout.addStretch(1)
            return page
        network, chart = QComboBox(), LossChart(self._context)
        network.setObjectName("training_network")
        network.setAccessibleName(tr("settings.training.network"))
        for curve in self._run.curves:
            network.addItem(recorded(self._context, curve.name))
        caption = label(role="strong")
        caption.setText(tr("settings.training.network"))
        caption.setBuddy(network)
        head = row()
        head.addWidget(caption)
        head.addWidget(network)
        head.addStretch(1)
        layout.addLayout(head)
        layout.addWidget(chart, 1)

        def draw(place: int) -> None:
            chart.show_curve(self._run.curves[place])

        network.currentIndexChanged.connect(draw)
        draw(0)
        return page

    def _made_with(self) -> QWidget:
        """The settings, and those that were tried beside them."""
        page = QWidget()
        lists = row()
        lists.addLayout(self._list("settings", _lines(self._run.settings)))
        if self._run.tried:
            lists.addLayout(self._list("tried", [self._tried(one) for one in self._run.tried]))
        column(page).addLayout(lists)
        return page

    def _list(self, key: str, lines: Sequence[str]) -> QVBoxLayout:
        """Lines under a heading, to be read and copied."""
        heading = label(role="strong")
        heading.setText(self._context.tr(f"settings.training.{key}"))
        text = QPlainTextEdit("\n".join(lines))
        text.setObjectName(f"training_{key}")
        text.setAccessibleName(heading.text())
        text.setReadOnly(True)
        text.setTabChangesFocus(True)
        below = column(spacing=4)
        below.addWidget(heading)
        below.addWidget(text)
        return below

    def _tried(self, one: "TriedSettings") -> str:
        """One line: how well settings did, and whether they were taken."""
        key = "settings.training.taken" if one.chosen else "settings.training.left"
        return self._context.tr(key, loss=f"{one.loss:.4f}", settings=", ".join(_lines(one.settings)))

    def _facts(self) -> QGridLayout:
        tr, run = self._context.tr, self._run
        minutes = tr("settings.training.minutes", minutes=f"{run.seconds / 60:.1f}", count=run.threads)
        facts = (
            ("learned_from", tr("settings.training.cases", count=run.cases, people=run.people)),
            ("time", minutes),
            ("seed", str(run.seed)),
            ("data", f"SHA-256 {run.data_sha256[:_HASH]}…"),
            ("software", ", ".join(f"{name} {version}" for name, version in sorted(run.software.items()))),
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for line, (key, words) in enumerate(facts):
            name = label(role="muted")
            name.setText(tr(f"settings.training.{key}"))
            said = label(f"training_{key}", wrap=True, selectable=True)
            said.setText(words)
            grid.addWidget(name, line, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(said, line, 1)
        return grid


def _lines(settings: Mapping[str, str]) -> list[str]:
    return [f"{name} = {value}" for name, value in sorted(settings.items())]
