"""The five most similar cases here of which the truth is known: how they looked, and what they turned out to be."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QDialog, QLabel, QPushButton, QWidget

from desktop.i18n import format_date
from desktop.ui.review.words import decision_word
from desktop.ui.widgets.parts import button, column, label, row
from desktop.ui.widgets.progress_area import ProgressArea
from desktop.workflow import explaining

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.records import Suggestion
    from desktop.ui.context import UiContext
    from desktop.ui.operations import Operation
    from desktop.workflow.explaining import SimilarCase, SimilarCases

_SIZE = (1120, 560)
_CARD = QSize(204, 396)
_PICTURE = 188
_FEW = 5


class CaseCard(QPushButton):
    """One case: its picture, what it turned out to be, how that is known, whose kind and when. Enter opens it."""

    def __init__(self, context: "UiContext", case: "SimilarCase", finding: str, place: int) -> None:
        super().__init__()
        self.setObjectName(f"similar_case_{place}")
        self.setProperty("role", "case")
        self.setAutoDefault(True)
        self.setFixedSize(_CARD)
        self.study = case.study
        tr = context.tr
        picture = QLabel()
        picture.setFixedSize(_PICTURE, _PICTURE)
        picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        picture.setStyleSheet("background: #0a0a0a;")
        picture.setPixmap(_pixmap(case, self.devicePixelRatioF()))
        truth = tr("explaining.present" if case.truth.present else "explaining.absent", finding=finding)
        age = f"settings.rates.age.{case.age}"
        who = tr(
            "explaining.who",
            sex=tr(f"patients.sex.{case.sex}"),
            age=tr(age) if context.has_text(age) else tr("patients.age.unknown"),
        )
        lines = (
            (truth, "strong"),
            (tr(f"explaining.known.{case.truth.strength.name.lower()}"), "small"),
            (f"{who} · {format_date(case.on, context.language)}", "small"),
            (tr(f"explaining.alike.{case.alikeness.value}"), "small"),
            (tr("explaining.said", decision=decision_word(context, case.said.decision)), "small"),
        )
        layout = column(self, margin=8, spacing=4)
        layout.addWidget(picture)
        for words, role in lines:
            made = label(role=role, wrap=True)
            made.setText(words)
            layout.addWidget(made)
        layout.addStretch(1)
        for part in self.findChildren(QLabel):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName(", ".join(words for words, _ in lines))


class SimilarDialog(QDialog):
    """Asks at once; closing it stops the work. Signal: opened(study id) for the case that was chosen."""

    opened = Signal(str)

    def __init__(self, context: "UiContext", suggestion: "Suggestion", key: str, finding: str, parent: QWidget) -> None:
        """key, finding: the finding's slug and its name."""
        super().__init__(parent)
        self.setObjectName("similar_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(context.tr("explaining.similar.title", finding=finding))
        self.resize(*_SIZE)
        self._context = context
        self._finding = finding
        self._cards: list[CaseCard] = []
        self.words = label("similar_words", wrap=True)
        self.words.setText(context.tr("explaining.similar.working"))
        about = label("similar_about", "muted", wrap=True)
        about.setText(context.tr("explaining.similar.about"))
        self._row = row(spacing=12)
        close = button("similar_close", "primary")
        close.setText(context.tr("ui.close"))
        close.clicked.connect(self.accept)
        self.progress = ProgressArea(context)
        foot = row()
        foot.addWidget(self.progress)
        foot.addStretch(1)
        foot.addWidget(close)
        layout = column(self, margin=16, spacing=12)
        layout.addWidget(self.words)
        layout.addLayout(self._row)
        layout.addStretch(1)
        layout.addWidget(about)
        layout.addLayout(foot)
        self._operation = self._ask(suggestion, key)
        self.finished.connect(self._stop)
        close.setFocus()

    def _ask(self, suggestion: "Suggestion", key: str) -> "Operation[SimilarCases]":
        clinic = self._context.open_clinic

        def work(job: "Job") -> "SimilarCases":
            return explaining.similar_cases(clinic, job, suggestion.id, key)

        return self._context.operations.run(
            work,
            initiator=self,
            done=self._show,
            failed=self._failed,
            ended=self._ended,
            pool="background",
            title=self._context.tr("explaining.similar.working"),
        )

    def _show(self, found: "SimilarCases") -> None:
        tr = self._context.tr
        if not found.cases:
            sentences = [tr("explaining.similar.none")]
        elif found.compared < _FEW:
            sentences = [tr("explaining.similar.few", count=found.compared)]
        else:
            present = sum(case.truth.present for case in found.cases)
            sentences = [
                tr(
                    "explaining.similar.some",
                    shown=len(found.cases),
                    count=found.compared,
                    present=present,
                    finding=self._finding,
                )
            ]
        if found.unreadable:
            sentences.append(tr("explaining.similar.unreadable", count=found.unreadable))
        if found.older:
            sentences.append(tr("explaining.similar.older", count=found.older))
        if found.other_weights:
            sentences.append(tr("explaining.similar.other_weights", count=found.other_weights))
        self.words.setText("\n".join(sentences))
        for place, case in enumerate(found.cases):
            made = CaseCard(self._context, case, self._finding, place)
            made.clicked.connect(self._open)
            self._cards.append(made)
            self._row.addWidget(made)
        self._row.addStretch(1)
        if self._cards:
            self._cards[0].setFocus()

    def _failed(self, error: Exception) -> None:
        text = self._context.error_text(error)
        self.words.setText(f"{text.message}\n{text.advice}")

    def _ended(self) -> None:
        if self._operation.job.cancelled:
            self.words.setText(self._context.tr("explaining.similar.stopped"))

    def _open(self) -> None:
        pressed = self.sender()
        if isinstance(pressed, CaseCard):
            self.opened.emit(pressed.study)
            self.accept()

    def _stop(self) -> None:
        self._operation.cancel()


def _pixmap(case: "SimilarCase", ratio: float) -> QPixmap:
    """The picture as large as there is room, never enlarged beyond its own pixels by more than that room."""
    pixels = np.ascontiguousarray(case.picture)
    kind = QImage.Format.Format_RGB888 if pixels.ndim == 3 else QImage.Format.Format_Grayscale8
    image = QImage(pixels.data, pixels.shape[1], pixels.shape[0], pixels.strides[0], kind).copy()
    side = round(_PICTURE * ratio)
    made = QPixmap.fromImage(image).scaled(
        side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    made.setDevicePixelRatio(ratio)
    return made
