"""The recovery card: shown once, printed or saved, confirmed by typing two of its groups."""

import random
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout

from desktop import workflow
from desktop.ui.printing import Page, print_pages
from desktop.ui.start.page import StartPage
from desktop.ui.widgets.fields import Field
from desktop.ui.widgets.file_dialog import file_dialog
from desktop.ui.widgets.parts import button, card, label, row

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Clinic, RecoveryCard

_WIDTH = 720
_PRINT_DPI = 200


class RecoveryPage(StartPage):
    """`finished` once two groups were typed back, or the person chose to go on without."""

    finished = Signal()

    # Sentences, for a card that replaces an earlier one.
    TITLE = "start.recovery.title"
    ABOUT = "start.recovery.about"
    WITHOUT = "start.recovery.without"
    CONTINUE = "start.recovery.continue"

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "recovery_page", _WIDTH)
        self._card: RecoveryCard | None = None
        self._clinic: Clinic | None = None
        self._asked: tuple[int, int] = (0, 1)
        title = label("recovery_title", "title")
        about = label("recovery_about", wrap=True)
        self.texts.add(title.setText, self.TITLE)
        self.texts.add(about.setText, self.ABOUT)
        self.body.addWidget(title)
        self.body.addWidget(about)
        self._build_code()
        self._build_outputs()
        self._build_confirmation()
        self._build_buttons()
        self.retranslate()

    def show_card(self, made: "RecoveryCard", clinic: "Clinic") -> None:
        """Show a new clinic's card."""
        self._card, self._clinic = made, clinic
        groups = made.code.split("-")
        for place, shown in enumerate(self._groups):
            shown.setText(groups[place] if place < len(groups) else "")
        first, second = sorted(random.SystemRandom().sample(range(len(groups)), 2))
        self._asked = (first, second)
        for field in self._fields:
            field.wipe()
        self._without.setVisible(True)
        self._surely.hide()
        self._sure.hide()
        self.retranslate()
        self._check()

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        for field, place in zip(self._fields, self._asked, strict=True):
            field.set_caption(self.context.tr("start.recovery.group", number=place + 1))

    def activated(self) -> None:
        """Printing comes first."""
        self._print.setFocus()

    def clear(self) -> None:
        """Forget the card."""
        self._card = self._clinic = None
        for shown in self._groups:
            shown.setText("")
        for field in self._fields:
            field.wipe()

    def _build_code(self) -> None:
        box = card("recovery_code")
        grid = QGridLayout(box)
        grid.setContentsMargins(16, 12, 16, 12)
        grid.setSpacing(4)
        self._groups = [label(f"recovery_group_{place + 1}", "code") for place in range(7)]
        for place, shown in enumerate(self._groups):
            shown.setAlignment(Qt.AlignmentFlag.AlignCenter)
            number = label(role="small")
            number.setText(str(place + 1))
            number.setAlignment(Qt.AlignmentFlag.AlignCenter)
            grid.addWidget(number, 0, place)
            grid.addWidget(shown, 1, place)
        self.body.addWidget(box)

    def _build_outputs(self) -> None:
        self._print = button("recovery_print")
        self._save = button("recovery_save")
        self.icons.add(self._print, "print")
        self.icons.add(self._save, "save")
        self.texts.add(self._print.setText, "start.recovery.print")
        self.texts.add(self._save.setText, "start.recovery.save")
        self._print.clicked.connect(self._start_print)
        self._save.clicked.connect(self._choose_file)
        buttons = row()
        buttons.addWidget(self._print)
        buttons.addWidget(self._save)
        buttons.addStretch(1)
        self.body.addLayout(buttons)

    def _build_confirmation(self) -> None:
        ask = label("recovery_ask", wrap=True)
        self.texts.add(ask.setText, "start.recovery.ask")
        self.body.addWidget(ask)
        self._fields = (Field("recovery_first"), Field("recovery_second"))
        fields = row(spacing=16)
        for field in self._fields:
            fields.addWidget(field)
            field.edit.textChanged.connect(self._check)
            field.edit.returnPressed.connect(self._finish)
        self.body.addLayout(fields)

    def _build_buttons(self) -> None:
        self._sure = label("recovery_without_warning", "danger", wrap=True)
        self.texts.add(self._sure.setText, "start.recovery.without.warning")
        self._sure.hide()
        self.body.addWidget(self._sure)
        self._without = button("recovery_without", "quiet")
        self._surely = button("recovery_surely", "danger")
        self._continue = button("recovery_continue", "primary")
        self.texts.add(self._without.setText, self.WITHOUT)
        self.texts.add(self._surely.setText, "start.recovery.surely")
        self.texts.add(self._continue.setText, self.CONTINUE)
        self._surely.hide()
        self._without.clicked.connect(self.go_without)
        self._surely.clicked.connect(self.finished)
        self._continue.clicked.connect(self._finish)
        buttons = row()
        buttons.addWidget(self._without)
        buttons.addWidget(self._surely)
        buttons.addStretch(1)
        buttons.addWidget(self._continue)
        self.body.addLayout(buttons)

    def _typed_right(self) -> bool:
        if self._card is None:
            return False
        groups = self._card.code.split("-")
        return all(
            field.text().upper() == groups[place] for field, place in zip(self._fields, self._asked, strict=True)
        )

    def _check(self) -> None:
        self._continue.setEnabled(self._typed_right())

    def _finish(self) -> None:
        if self._typed_right():
            self.finished.emit()
            return
        for field, place in zip(self._fields, self._asked, strict=True):
            right = self._card is not None and field.text().upper() == self._card.code.split("-")[place]
            field.set_error("" if right or not field.text() else self.context.tr("start.recovery.wrong"))

    def go_without(self) -> None:
        """Without a card: say first what that means."""
        self._without.hide()
        self._sure.show()
        self._surely.show()
        self._surely.setFocus()

    def _choose_file(self) -> None:
        dialog = file_dialog(self.context, self, self.context.tr("start.recovery.save"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter("PDF (*.pdf)")
        dialog.setDefaultSuffix("pdf")
        dialog.selectFile(self.context.tr("start.recovery.file_name"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._save_to)
        dialog.open()

    def _save_to(self, chosen: str) -> None:
        made, clinic, language = self._card, self._clinic, self.context.language
        if made is None or clinic is None:
            return

        def work(job: "Job") -> None:
            workflow.write_whole(Path(chosen), workflow.recovery_card_pdf(made, (language,)))

        self.context.operations.run(work, initiator=self, done=self._saved, title=self._working())

    def _saved(self, _: object) -> None:
        self.context.toast(self.context.tr("start.recovery.saved"))

    def _start_print(self) -> None:
        made, clinic, language = self._card, self._clinic, self.context.language
        if made is None or clinic is None:
            return

        def work(job: "Job") -> list[Page]:
            pdf = workflow.recovery_card_pdf(made, (language,))
            return workflow.page_images(clinic, job, pdf, _PRINT_DPI)

        self.context.operations.run(work, initiator=self, done=self._send, title=self._working())

    def _send(self, pages: list[Page]) -> None:
        print_pages(self.context, pages, self)

    def _working(self) -> str:
        return self.context.tr("start.recovery.working")
