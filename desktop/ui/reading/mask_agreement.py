"""How well people agree on what they painted in a series, and one mask from theirs."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QWidget

from desktop.ui.widgets.figure_table import FigureTable
from desktop.ui.widgets.parts import button, column, label, row
from desktop.workflow import mask_agreement
from desktop.workflow.mask_agreement import MaskAgreement

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import MaskKept, OpenSeries

_SIZE = (760, 460)
_COLUMNS = ("what", "who", "voxels", "sensitivity", "specificity", "dice")


class MaskAgreementDialog(QDialog):
    """One line for each person of each thing, and one for the merged mask. Signal: kept(id of the segmentation)."""

    kept = Signal(str)

    def __init__(self, context: "UiContext", opened: "OpenSeries", parent: QWidget, *, may_keep: bool) -> None:
        super().__init__(parent)
        self.setObjectName("mask_agreement_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        tr = context.tr
        self.setWindowTitle(tr("volume.mask.compare.title"))
        self.resize(*_SIZE)
        self._context, self._opened, self._may_keep = context, opened, may_keep
        self._about = label("mask_agreement_about", "muted", wrap=True)
        self.table = FigureTable("mask_agreement_table")
        self.table.setAccessibleName(tr("volume.mask.compare.title"))
        self._notes = label("mask_agreement_notes", "small", wrap=True)
        self._keep = button("mask_agreement_keep", "primary")
        self._keep.setText(tr("volume.mask.compare.keep"))
        self._keep.setEnabled(False)
        self._keep.clicked.connect(self._merge)
        close = button("mask_agreement_close", "quiet")
        close.setText(tr("ui.close"))
        close.clicked.connect(self.reject)
        foot = row()
        foot.addStretch(1)
        foot.addWidget(close)
        foot.addWidget(self._keep)
        layout = column(self, margin=16, spacing=12)
        layout.addWidget(self._about)
        layout.addWidget(self.table, 1)
        layout.addWidget(self._notes)
        layout.addLayout(foot)
        self._count()

    def _count(self) -> None:
        clinic, opened = self._context.open_clinic, self._opened

        def work(job: "Job") -> tuple[MaskAgreement, ...]:
            return mask_agreement.mask_agreement(clinic, job, opened.study, opened.key)

        title = self._context.tr("volume.mask.compare.counting")
        # After the strokes that wait to be kept: they are in the same queue.
        self._context.operations.run(work, initiator=self, done=self._show, failed=self._failed, title=title)

    def _show(self, found: tuple[MaskAgreement, ...]) -> None:
        tr = self._context.tr
        self._about.setText(tr("volume.mask.compare.about" if found else "volume.mask.compare.none"))
        self.table.setVisible(bool(found))
        lines = [line for about in found for line in self._lines(about)]
        self.table.show_lines([tr(f"volume.mask.compare.{name}") for name in _COLUMNS], lines, words=2)
        notes = [tr("volume.mask.compare.box")] if found else []
        if any(len(about.rows) == 2 for about in found):
            notes.append(tr("volume.mask.compare.two"))
        notes += [
            tr("volume.mask.compare.left_out", name=self._name(about), count=about.left_out)
            for about in found
            if about.left_out
        ]
        if found and self._may_keep:
            notes.append(tr("volume.mask.compare.keep.note"))
        self._notes.setText("\n".join(notes))
        self._keep.setVisible(bool(found) and self._may_keep)
        self._keep.setEnabled(bool(found) and self._may_keep)
        if self._keep.isEnabled():
            self._keep.setFocus()

    def _lines(self, about: MaskAgreement) -> list[list[str]]:
        name = self._name(about)
        people = [
            [
                name,
                one.by,
                str(one.voxels),
                f"{100 * one.sensitivity:.0f}%",
                f"{100 * one.specificity:.1f}%",
                f"{one.dice:.2f}",
            ]
            for one in about.rows
        ]
        return [*people, [name, self._context.tr("volume.mask.compare.merged"), str(about.voxels), "", "", ""]]

    def _name(self, about: MaskAgreement) -> str:
        return about.name or self._context.tr("volume.mask.label.number", number=about.number)

    def _merge(self) -> None:
        clinic, opened = self._context.open_clinic, self._opened

        def work(job: "Job") -> "MaskKept":
            return mask_agreement.keep_merged_mask(clinic, job, opened.study, opened.key)

        self._keep.setEnabled(False)
        title = self._context.tr("volume.mask.compare.counting")
        self._context.operations.run(work, initiator=self, done=self._is_kept, failed=self._failed, title=title)

    def _is_kept(self, result: "MaskKept") -> None:
        self._context.toast(self._context.tr("volume.mask.compare.kept"))
        self.kept.emit(result.segmentation.id)
        self.accept()

    def _failed(self, error: Exception) -> None:
        self._context.show_error(error, self)
