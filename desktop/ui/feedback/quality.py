"""The labellers' board: how well each sees what is there, told by codes, with what is too little to judge by."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.ui.widgets.figure_table import FigureTable
from desktop.ui.widgets.parts import Texts, column, label
from desktop.workflow import mask_agreement
from desktop.workflow.cells import CellBoard
from desktop.workflow.mask_agreement import PaintedBoard, PainterRow
from desktop.workflow.queueing import TOO_FEW, FindingBoard, QualityBoards

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow.queueing import Board, Share

_COLUMNS = ("finding", "labeller", "pictures", "unsure", "sensitivity", "specificity", "agreement")


@dataclass(frozen=True)
class _Found:
    """What was counted: of who reads pictures, of helpers, and of who paints."""

    readers: QualityBoards
    helpers: tuple[CellBoard, ...]
    painted: tuple[PaintedBoard, ...]


class QualityPage(QWidget):
    """One line for each labeller of each finding, then helpers, then what people painted; below, what holds for all
    of them together."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("quality_page")
        self._context = context
        self._texts = Texts(context)
        self._found: _Found | None = None
        about = label("quality_about", "muted", wrap=True)
        self._texts.add(about.setText, "feedback.quality.about")
        self.table = FigureTable("quality_table")
        self._texts.add(self.table.setAccessibleName, "feedback.section.quality")
        self._together = label("quality_together", wrap=True, selectable=True)
        layout = column(self, margin=24, spacing=12)
        layout.addWidget(about)
        layout.addWidget(self.table, 1)
        layout.addWidget(self._together)
        self.retranslate()

    def activated(self) -> None:
        """The page is shown: count anew."""
        clinic = self._context.open_clinic

        def work(job: "Job") -> _Found:
            return _Found(
                workflow.queueing.quality_boards(clinic, job),
                workflow.cells.helper_boards(clinic, job),
                mask_agreement.painted_boards(clinic, job),
            )

        self._context.operations.run(
            work, initiator=self, done=self._show, pool="display", title=self._context.tr("feedback.quality.counting")
        )
        self.table.setFocus()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self._fill()

    def clear(self) -> None:
        """The clinic is locked."""
        self._found = None
        self._fill()

    def _show(self, found: _Found) -> None:
        self._found = found
        self._fill()

    def _fill(self) -> None:
        tr = self._context.tr
        boards = self._boards()
        lines = [self._line(name, board, place) for name, board in boards for place in range(len(board.rows))]
        painted = self._found.painted if self._found is not None else ()
        lines += [self._painted_line(about, row) for about in painted for row in about.rows]
        self.table.show_lines([tr(f"feedback.quality.{name}") for name in _COLUMNS], lines, words=2)
        self.table.setVisible(bool(lines))
        told = [self._told(name, board) for name, board in boards]
        told += [tr("feedback.quality.painted.told", name=self._thing(about), count=about.series) for about in painted]
        self._together.setText("\n".join(told) if told else tr("feedback.quality.none") if self._found else "")

    def _boards(self) -> "list[tuple[str, Board]]":
        """What is asked, in words, and how well it is answered."""
        if self._found is None:
            return []
        tr = self._context.tr
        readers = [(self._name_of(one), one.board) for one in self._found.readers.boards]
        return readers + [
            (tr(f"feedback.quality.helpers.{one.question.value}"), one.board) for one in self._found.helpers
        ]

    def _painted_line(self, about: PaintedBoard, row: PainterRow) -> list[str]:
        return [
            self._context.tr("feedback.quality.painted", name=self._thing(about)),
            self._who(row.labeller),
            str(row.masks),
            self._context.tr("feedback.quality.no_case"),
            f"{100 * row.sensitivity:.0f}%",
            f"{100 * row.specificity:.1f}%",
            self._context.tr("feedback.quality.painted.dice", value=f"{row.dice:.2f}"),
        ]

    def _thing(self, about: PaintedBoard) -> str:
        return about.name or self._context.tr("feedback.quality.painted.nameless")

    def _who(self, code: str) -> str:
        own = self._found is not None and code == self._found.readers.own
        return self._context.tr("feedback.quality.you", code=code) if own else code

    def _line(self, name: str, board: "Board", place: int) -> list[str]:
        row = board.rows[place]
        return [
            name,
            self._who(row.labeller),
            str(row.answers),
            self._share(row.unsure),
            self._share(row.sensitivity),
            self._share(row.specificity),
            self._share(row.agreement),
        ]

    def _share(self, share: "Share") -> str:
        tr = self._context.tr
        if share.n == 0:
            return tr("feedback.quality.no_case")
        if share.n < TOO_FEW:
            return tr("feedback.quality.few", count=share.n, enough=TOO_FEW)
        low, high = round(100 * share.low), round(100 * share.high)
        return tr("feedback.quality.share", percent=round(100 * share.value), low=low, high=high, count=share.n)

    def _told(self, name: str, board: "Board") -> str:
        tr = self._context.tr
        basis = tr(f"feedback.quality.basis.{board.basis.value}")
        if board.shared < TOO_FEW:
            return tr("feedback.quality.shared_few", finding=name, count=board.shared, enough=TOO_FEW, basis=basis)
        figure = f"{board.agreement.value:.2f}"
        return tr("feedback.quality.shared", finding=name, count=board.shared, figure=figure, basis=basis)

    def _name_of(self, about: FindingBoard) -> str:
        try:
            return self._context.registry.get(about.model).finding_name(about.finding, self._context.language)
        except (UserFacingError, KeyError):
            return about.finding
