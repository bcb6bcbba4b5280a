"""Step 1: the doctor reads and writes what the film shows, before any model speaks."""

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QWidget

from desktop.i18n import Language, Translator
from desktop.records import Modality
from desktop.ui.context import UiContext
from desktop.ui.reading.hanging import kind_of, part_of
from desktop.ui.reading.sitting import Sitting, StudyKind
from desktop.ui.reading.step_card import StepCard, StepState, paragraph, set_paragraph

_CLIPS = frozenset((Modality.US, Modality.XA, Modality.RF, Modality.PT, Modality.NM))
_SLICES = frozenset((Modality.CT, Modality.MR, Modality.VOLUME))
_CHEST = ("x_ray", "CHEST")


def without_open_prompts(findings: str, templates: Iterable[str]) -> str:
    """The findings without the templates' prompts (lines that end in a colon) to which nothing was written."""
    lines = [line.strip() for template in templates for line in template.splitlines()]
    prompts = {line for line in lines if line.endswith((":", "："))}
    return "\n".join(line for line in findings.splitlines() if line.strip() not in prompts).strip()


def templates(sitting: Sitting) -> tuple[str, ...]:
    """What an untouched findings field says, in every language; drafts begun earlier may hold the one for chests."""
    ours = [template(sitting, language) for language in Language]
    return tuple(words.strip() for words in (*ours, *map(sitting.policy.template, Language)))


def template(sitting: Sitting, language: Language) -> str:
    """The clinic's template for films whose files say that they show a chest. Nothing is asked of other films and of
    photographs that is asked of a chest; clips, traces and slices have questions of their own."""
    study = sitting.study.study
    if sitting.kind is StudyKind.TRACE:
        return Translator(language).text("ecg.template")
    if study.modality in _SLICES:
        return Translator(language).text("volume.template")
    if study.modality in _CLIPS:
        return Translator(language).text("viewer.template")
    if (kind_of(study.modality), part_of(study)) == _CHEST:
        return sitting.policy.template(language)
    return Translator(language).text("viewer.template.plain")


class WordsField(QPlainTextEdit):
    """A field for a few lines. Tab goes on to the next field; Esc leaves it and keeps the text."""

    left = Signal()

    def __init__(self, name: str, lines: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setTabChangesFocus(True)
        self._lines = lines
        self._fit()

    def _fit(self) -> None:
        height = QFontMetrics(self.font()).lineSpacing() * self._lines
        self.setFixedHeight(height + 2 * self.frameWidth() + 2 * int(self.document().documentMargin()) + 8)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leaves."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
            return
        super().keyPressEvent(event)


class ReadStep(StepCard):
    """Findings from the clinic's template and the impression. Folds up once the impression is saved.

    Signals: typed() after each change by hand; left() when Esc was pressed in a field.
    """

    typed = Signal()
    left = Signal()

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(1, parent)
        self._context = context
        self._sitting: Sitting | None = None
        self._editing = False
        self._filling = False
        self._findings_label = QLabel(self)
        self.findings = WordsField("findings_text", 5, self)
        self._findings_label.setBuddy(self.findings)
        self._impression_label = QLabel(self)
        self.impression = WordsField("impression_text", 3, self)
        self._impression_label.setBuddy(self.impression)
        self._draft = paragraph("draft_note", "small", self)
        self._read = paragraph("impression_read", "body", self)
        self._change = QPushButton(self)
        self._change.setObjectName("change_impression")
        self._change.setProperty("role", "quiet")
        self._change.setAutoDefault(True)
        self._change.clicked.connect(self.edit)
        row = QHBoxLayout()
        row.addWidget(self._read, 1)
        row.addWidget(self._change, 0, Qt.AlignmentFlag.AlignTop)
        for widget in (
            self._findings_label,
            self.findings,
            self._impression_label,
            self.impression,
            self._draft,
        ):
            self.body.addWidget(widget)
        self.body.addLayout(row)
        for field in (self.findings, self.impression):
            field.textChanged.connect(self._changed)
            field.left.connect(self.left)

    # What is shown

    def begin(self, sitting: Sitting) -> None:
        """Another study: fill the fields with its draft, its last impression, or the clinic's template."""
        reading = sitting.reading
        written = reading.impressions[-1].text if reading.impressions else ""
        self._editing = False
        self._fill(reading.draft.findings_text, reading.draft.impression or written)
        self.show_sitting(sitting)

    def show_sitting(self, sitting: Sitting) -> None:
        """Where the reading stands now; what was typed stays."""
        self._sitting = sitting
        self.retranslate()

    def clear(self) -> None:
        """Forget every word."""
        self._sitting = None
        self._editing = False
        self._fill("", "")
        for field in (self.findings, self.impression):
            field.document().clearUndoRedoStacks()
        set_paragraph(self._read, "")
        set_paragraph(self._draft, "")

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        self._impression_label.setText(tr("reading.impression"))
        self.impression.setPlaceholderText(tr("reading.impression.placeholder"))
        self._change.setText(tr("reading.change_impression"))
        sitting = self._sitting
        self.set_words(tr("reading.step.read"))
        trace = sitting is not None and sitting.kind is StudyKind.TRACE
        self._findings_label.setText(tr("reading.findings.trace" if trace else "reading.findings"))
        if sitting is None:
            return
        if not sitting.signed and self.findings_words.strip() in {"", *templates(sitting)}:
            self._fill(template(sitting, self._context.language), self.impression_words)
        saved = bool(sitting.reading.impressions)
        self.set_state(StepState.DONE if saved else StepState.NOW)
        open_fields = sitting.writable and (not saved or self._editing)
        for widget in (self._findings_label, self.findings, self._impression_label, self.impression):
            widget.setVisible(open_fields)
        if not open_fields:
            set_paragraph(self._draft, "")
        set_paragraph(self._read, "" if open_fields else self._words_read(sitting))
        self._change.setVisible(sitting.writable and saved and not self._editing)
        self.set_words(tr("reading.step.read"), self._note_words(sitting))

    def _words_read(self, sitting: Sitting) -> str:
        if not sitting.reading.impressions:
            return self._context.tr("reading.not_yours") if not sitting.may_read else ""
        return sitting.reading.impressions[-1].text

    def _note_words(self, sitting: Sitting) -> str:
        """Whether the last impression is the one read before the reveal, where there is anything to reveal."""
        impressions = sitting.reading.impressions
        if not impressions or sitting.no_model:
            return ""
        key = "reading.read_first" if impressions[-1].before_reveal else "reading.changed_after"
        return self._context.tr(key, count=len(impressions))

    # What is typed

    @property
    def editing(self) -> bool:
        """Whether a saved impression is being changed."""
        return self._editing

    @property
    def findings_words(self) -> str:
        """What stands in the findings field."""
        return self.findings.toPlainText()

    @property
    def impression_words(self) -> str:
        """What stands in the impression field."""
        return self.impression.toPlainText()

    @property
    def impression_changed(self) -> bool:
        """Whether the impression field says something that is not on record."""
        impressions = self._sitting.reading.impressions if self._sitting is not None else ()
        words = self.impression_words.strip()
        return bool(words) and (not impressions or words != impressions[-1].text)

    def edit(self) -> None:
        """Open the fields again; what is saved then is kept beside what was read first."""
        if self._sitting is None or not self._sitting.writable:
            return
        self._editing = bool(self._sitting.reading.impressions)
        self.retranslate()
        self.impression.setFocus(Qt.FocusReason.OtherFocusReason)
        self.impression.moveCursor(self.impression.textCursor().MoveOperation.End)

    def stop_editing(self) -> None:
        """Fold up again."""
        self._editing = False
        self.retranslate()

    def say_draft(self, sentence: str) -> None:
        """Whether the draft is safe, in small print."""
        set_paragraph(self._draft, sentence if self.impression.isVisibleTo(self) else "")

    def _fill(self, findings: str, impression: str) -> None:
        self._filling = True
        try:
            self.findings.setPlainText(findings)
            self.impression.setPlainText(impression)
        finally:
            self._filling = False

    def _changed(self) -> None:
        if not self._filling:
            self.typed.emit()
