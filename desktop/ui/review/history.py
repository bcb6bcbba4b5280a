"""Everything that was read and decided about a study, in order; nothing is ever overwritten."""

from datetime import datetime

from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from desktop.i18n import format_datetime
from desktop.records import Finding, Question, Review, Suggestion
from desktop.ui.context import UiContext
from desktop.ui.reading.sitting import Sitting
from desktop.ui.review import words


def history_lines(context: UiContext, sitting: Sitting) -> tuple[str, ...]:
    """One line per row on record, oldest first."""
    rows: list[tuple[datetime, str]] = [
        (
            impression.created,
            context.tr(
                "review.history.read_first" if impression.before_reveal else "review.history.read_after",
                words=impression.text,
            ),
        )
        for impression in sitting.reading.impressions
    ]
    rows += [(review.created, _review_line(context, sitting, review)) for review in sitting.reading.reviews]
    rows += [(report.content.signed, context.tr("review.history.signed")) for report in sitting.reading.reports]
    rows.sort(key=lambda row: row[0])
    return tuple(f"{format_datetime(when.astimezone(), context.language)}  {line}" for when, line in rows)


def _review_line(context: UiContext, sitting: Sitting, review: Review) -> str:
    named: dict[Question, tuple[Suggestion, Finding]] = {
        Question(suggestion.id, finding.key): (suggestion, finding)
        for suggestion in sitting.reading.suggestions
        for finding in suggestion.analysis.findings
    }
    name = review.finding
    if review.question in named:
        name = words.finding_name(context, *named[review.question])
        if len(sitting.reading.suggestions) > 1:
            about = words.about(context, sitting, named[review.question][0])
            name = context.tr("review.open.of", about=about, findings=name)
    value = words.decision_word(context, review.value) if review.value is not None else ""
    line = context.tr(f"review.row.{review.verdict.value}", finding=name, value=value)
    return context.tr("review.row.reason", row=line, reason=review.reason) if review.reason else line


class HistoryDialog(QDialog):
    """The rows, to read and to copy."""

    def __init__(self, context: UiContext, sitting: Sitting, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("history_dialog")
        self.setWindowTitle(context.tr("review.history.title"))
        self.resize(620, 360)
        text = QPlainTextEdit(self)
        text.setObjectName("history_rows")
        text.setReadOnly(True)
        text.setPlainText("\n".join(history_lines(context, sitting)))
        close = QPushButton(context.tr("reading.close"), self)
        close.setProperty("role", "primary")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(close)
        layout = QVBoxLayout(self)
        layout.addWidget(text)
        layout.addLayout(row)
