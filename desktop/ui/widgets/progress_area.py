"""Running work: what it is, how far, and a way to stop it. Empty while nothing takes longer than 0.6 s."""

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QProgressBar, QWidget

from desktop.ui.widgets.parts import button, label, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.ui.operations import Operation

_BAR_WIDTH = 160


class ProgressArea(QWidget):
    """Shows the oldest piece of visible work and how many more there are."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("progress_area")
        self._context = context
        self._operation: Operation[Any] | None = None
        self._words = label("progress_words")
        self._bar = QProgressBar()
        self._bar.setObjectName("progress_bar")
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(_BAR_WIDTH)
        self._cancel = button("progress_cancel", "quiet")
        self._cancel.clicked.connect(self._stop)
        layout = row(self, spacing=12)
        layout.addWidget(self._bar)
        layout.addWidget(self._words)
        layout.addWidget(self._cancel)
        layout.addStretch(1)
        context.operations.shown.connect(self._refresh)
        context.language_changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        visible = self._context.operations.visible
        self._operation = visible[0] if visible else None
        for part in (self._bar, self._words, self._cancel):
            part.setVisible(self._operation is not None)
        if self._operation is None:
            return
        progress = self._operation.progress
        words = self._context.tr(progress.key) if progress.key else self._operation.title
        parts = [words or self._context.tr("ui.progress.working")]
        if progress.total:
            parts.append(self._context.tr("ui.progress.of", done=progress.done, total=progress.total))
        if len(visible) > 1:
            parts.append(self._context.tr("ui.progress.more", count=len(visible) - 1))
        self._words.setText(" · ".join(parts))
        self._bar.setMaximum(progress.total)
        self._bar.setValue(progress.done)
        cancelled = self._operation.job.cancelled
        self._cancel.setText(self._context.tr("ui.progress.stopping" if cancelled else "ui.cancel"))
        self._cancel.setEnabled(not cancelled)

    def _stop(self) -> None:
        if self._operation is not None:
            self._operation.cancel()
            self._refresh()
