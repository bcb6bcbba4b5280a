"""Step 4: the report, before and after signing."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QWidget

from desktop import workflow
from desktop.i18n import format_datetime
from desktop.records import SignedReport
from desktop.ui.context import UiContext
from desktop.ui.reading.sitting import Sitting
from desktop.ui.reading.step_card import StepCard, StepState, paragraph, set_paragraph
from desktop.ui.review.escaping_line import EscapingLine
from desktop.ui.review.words import open_questions


class ReportStep(StepCard):
    """Says what stands in the way of signing, or who signed and when; takes addenda.

    Signals: preview_asked(); language_chosen(); addendum(words); left() on Esc; turned_out_asked().
    """

    preview_asked = Signal()
    language_chosen = Signal()
    addendum = Signal(str)
    left = Signal()
    turned_out_asked = Signal()

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(4, parent)
        self._context = context
        self._sitting: Sitting | None = None
        self._say = paragraph("report_words", "body", self)
        self._signed = paragraph("report_signed", "body", self)
        self._print = paragraph("report_fingerprint", "small", self)
        self._addenda = paragraph("report_addenda", "body", self)
        self._language_label = QLabel(self)
        self.language = QComboBox(self)
        self.language.setObjectName("report_language")
        self.language.activated.connect(self._chosen)
        self._language_label.setBuddy(self.language)
        self.preview = QPushButton(self)
        self.preview.setObjectName("report_preview")
        self.preview.setProperty("role", "quiet")
        self.preview.setAutoDefault(True)
        self.preview.clicked.connect(self.preview_asked)
        self.addendum_words = EscapingLine("addendum_text", self)
        self.addendum_words.returnPressed.connect(self._add)
        self.addendum_words.left.connect(self._stop)
        self.addendum_keep = QPushButton(self)
        self.addendum_keep.setObjectName("addendum_keep")
        self.addendum_keep.setProperty("role", "quiet")
        self.addendum_keep.clicked.connect(self._add)
        self._new = QWidget(self)
        new = QHBoxLayout(self._new)
        new.setContentsMargins(0, 0, 0, 0)
        new.addWidget(self.addendum_words, 1)
        new.addWidget(self.addendum_keep)
        self._new.hide()
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._language_label)
        row.addWidget(self.language)
        row.addStretch(1)
        row.addWidget(self.preview)
        for part in (self._say, self._signed, self._print, self._addenda):
            self.body.addWidget(part)
        self._outcomes = paragraph("report_turned_out", "ok", self)
        self.turned_out = QPushButton(self)
        self.turned_out.setObjectName("turned_out")
        self.turned_out.setProperty("role", "quiet")
        self.turned_out.clicked.connect(self.turned_out_asked)
        self.turned_out.hide()
        self.body.addWidget(self._outcomes)
        self.body.addWidget(self.turned_out)
        self.body.addWidget(self._new)
        self.body.addLayout(row)

    # What is shown

    def begin(self, sitting: Sitting) -> None:
        """Another study: the clinic's report language."""
        self._fill_languages(sitting.policy.report_language.value)
        self.addendum_words.clear()
        self._new.hide()
        self.show_sitting(sitting)

    def show_sitting(self, sitting: Sitting) -> None:
        """Where the reading stands now."""
        self._sitting = sitting
        self.retranslate()

    def clear(self) -> None:
        """Forget every word."""
        self._sitting = None
        for part in (self._say, self._signed, self._print, self._addenda, self._outcomes):
            set_paragraph(part, "")
        self.turned_out.hide()
        self.addendum_words.clear()
        self._new.hide()

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        self._language_label.setText(tr("reports.language"))
        self._fill_languages(self.language.currentData() or "")
        self.preview.setText(tr("reports.preview"))
        self.addendum_words.setPlaceholderText(tr("reports.addendum.placeholder"))
        self.addendum_keep.setText(tr("reports.addendum.keep"))
        self.turned_out.setText(f"{tr('outcomes.button')}  Ctrl+T")
        self.set_words(tr("reading.step.report"))
        sitting = self._sitting
        if sitting is None:
            return
        for part in (self._language_label, self.language, self.preview):
            part.setVisible(sitting.may_preview)
        report = sitting.reading.reports[-1] if sitting.signed else None
        set_paragraph(self._say, "" if report is not None else self._words(sitting))
        set_paragraph(self._signed, self._signed_words(report) if report is not None else "")
        set_paragraph(self._print, tr("reports.fingerprint", sha256=report.sha256[:16]) if report is not None else "")
        set_paragraph(self._addenda, self._addenda_words(report) if report is not None else "")
        self.set_state(self._step_state(sitting))

    def show_outcomes(self, lines: str, *, may_add: bool) -> None:
        """What the case turned out to be, a line each, and whether somebody may say more."""
        set_paragraph(self._outcomes, lines)
        self.turned_out.setVisible(may_add)

    def _step_state(self, sitting: Sitting) -> StepState:
        if sitting.signed:
            return StepState.DONE
        ready = sitting.reading.impressions and not sitting.reading.undecided
        return StepState.NOW if ready else StepState.LATER

    def _words(self, sitting: Sitting) -> str:
        tr = self._context.tr
        if not sitting.reading.impressions:
            return tr("reports.needs_impression")
        if not sitting.may_sign:
            return tr("reports.not_yours")
        if sitting.reading.undecided:
            told = tr("reports.undecided", count=len(sitting.reading.undecided))
            return "\n".join((told, open_questions(self._context, sitting)))
        if not sitting.reading.suggestion_ready and sitting.asking:
            return tr("reports.still_asking")
        return tr("reports.ready")

    def _signed_words(self, report: SignedReport) -> str:
        when = format_datetime(report.content.signed.astimezone(), self._context.language)
        return self._context.tr("reports.signed", when=when, who=report.content.author_name)

    def _addenda_words(self, report: SignedReport) -> str:
        lines = []
        for addendum in report.addenda:
            when = format_datetime(addendum.signed.astimezone(), self._context.language)
            lines.append(
                self._context.tr("reports.addendum.line", when=when, who=addendum.author_name, words=addendum.text)
            )
        return "\n".join(lines)

    # What is chosen

    @property
    def report_language(self) -> "workflow.ReportLanguage":
        """Languages to print."""
        return workflow.ReportLanguage(self.language.currentData())

    def start_addendum(self) -> None:
        """Open the line for an addendum."""
        if self._sitting is not None and self._sitting.signed and self._sitting.may_sign:
            self._new.show()
            self.addendum_words.setFocus()

    def _fill_languages(self, chosen: str) -> None:
        self.language.clear()
        for language in workflow.ReportLanguage:
            self.language.addItem(self._context.tr(f"reports.language.{language.value}"), language.value)
        self.language.setCurrentIndex(max(self.language.findData(chosen), 0))

    def _chosen(self, index: int) -> None:
        self.language_chosen.emit()

    def _add(self) -> None:
        text = self.addendum_words.text().strip()
        if text:
            self.addendum_words.clear()
            self._new.hide()
            self.addendum.emit(text)

    def _stop(self) -> None:
        self._new.hide()
        self.left.emit()
