"""During a shift: who is there, a few digits, Enter."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QPushButton

from desktop.errors import UserFacingError
from desktop.ui.start.page import StartPage
from desktop.ui.widgets.fields import SecretField
from desktop.ui.widgets.parts import button, label, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_WIDTH = 440
_COLUMNS = 2


class PinPage(StartPage):
    """`submitted(user, pin)` on Enter. The digits always have the focus; arrow keys and clicks choose who it is.

    Signals besides: passphrase_requested(user), shift_end_requested.
    """

    submitted = Signal(str, str)
    passphrase_requested = Signal(str)
    shift_end_requested = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "pin_page", _WIDTH)
        self._busy = False
        self._refusal: UserFacingError | None = None
        self._people: list[QPushButton] = []
        title = label("pin_title", "title")
        about = label("pin_about", "muted", wrap=True)
        self.texts.add(title.setText, "start.pin.title")
        self.texts.add(about.setText, "start.pin.about")
        self.body.addWidget(title)
        self.body.addWidget(about)
        self._grid = QGridLayout()
        self._grid.setSpacing(8)
        self.body.addLayout(self._grid)
        self.pin = SecretField("pin")
        self.pin.edit.setInputMethodHints(self.pin.edit.inputMethodHints() | Qt.InputMethodHint.ImhDigitsOnly)
        self.pin.edit.installEventFilter(self)
        self.body.addWidget(self.pin)
        self._build_buttons()
        context.theme_changed.connect(self.retranslate)
        self.retranslate()

    def show_people(self, names: Sequence[str]) -> None:
        """Those on duty, as buttons; whoever was here last is chosen."""
        for made in self._people:
            self._grid.removeWidget(made)
            made.hide()
            made.deleteLater()
        self._people = [self._person(name) for name in names]
        for place, made in enumerate(self._people):
            self._grid.addWidget(made, place // _COLUMNS, place % _COLUMNS)
        last = self.context.settings.last_user
        self._choose(names.index(last) if last in names else 0)
        self.clear()

    @property
    def user(self) -> str:
        """Who is chosen."""
        return next((str(made.property("user")) for made in self._people if made.isChecked()), "")

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        self.pin.set_caption(self.context.tr("start.pin.of", user=self.user))
        self.pin.set_reveal(self.context.tr("start.pin.reveal"), self.context.colours.muted)
        self._show_refusal()

    def activated(self) -> None:
        """The next key is a digit."""
        self.pin.edit.setFocus()

    def clear(self) -> None:
        """Forget what was typed."""
        self._refusal = None
        self.pin.wipe()

    def set_busy(self, busy: bool) -> None:
        """While the PIN is tried nothing can be pressed."""
        self._busy = busy
        for part in (*self._people, self.submit, self.passphrase, self.end):
            part.setEnabled(not busy)
        self.pin.edit.setReadOnly(busy)

    def refuse(self, error: UserFacingError) -> None:
        """Say how many tries are left."""
        self._refusal = error
        self._show_refusal()
        self.pin.edit.setFocus()
        self.pin.edit.selectAll()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and down in the field choose who it is."""
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in steps:
            at = next((place for place, made in enumerate(self._people) if made.isChecked()), 0)
            if not self._busy and self._people:
                self._choose((at + steps[Qt.Key(event.key())]) % len(self._people))
            return True
        return False

    def _person(self, name: str) -> QPushButton:
        made = button("pin_user", "choice")
        made.setText(name.replace("&", "&&"))
        made.setAccessibleName(name)
        made.setProperty("user", name)
        made.setCheckable(True)
        made.setAutoExclusive(True)
        made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        made.clicked.connect(self._clicked)
        return made

    def _build_buttons(self) -> None:
        self.submit = button("pin_submit", "primary")
        self.passphrase = button("pin_passphrase", "quiet")
        self.end = button("pin_end_shift", "quiet")
        self.icons.add(self.submit, "lock")
        self.texts.add(self.submit.setText, "start.unlock.submit")
        self.texts.add(self.passphrase.setText, "start.pin.passphrase")
        self.texts.add(self.end.setText, "start.pin.end_shift")
        self.texts.add(self.end.setToolTip, "people.shift.about")
        main, foot = row(), row()
        main.addStretch(1)
        main.addWidget(self.submit)
        foot.addWidget(self.passphrase)
        foot.addStretch(1)
        foot.addWidget(self.end)
        self.body.addLayout(main)
        self.body.addLayout(foot)
        self.pin.edit.returnPressed.connect(self._submit)
        self.submit.clicked.connect(self._submit)
        self.passphrase.clicked.connect(self._ask_passphrase)
        self.end.clicked.connect(self.shift_end_requested)

    def _clicked(self) -> None:
        self._choose(self._people.index(self.sender()))  # type: ignore[arg-type]  # only those buttons are connected
        self.pin.edit.setFocus()

    def _choose(self, place: int) -> None:
        if self._people:
            self._people[place].setChecked(True)
        self._refusal = None
        self.pin.wipe()
        self.retranslate()

    def _show_refusal(self) -> None:
        refusal = self._refusal
        self.pin.set_error(self.context.tr(refusal.key, **refusal.details) if refusal is not None else "")

    def _submit(self) -> None:
        if self._busy or not self.pin.secret() or not self.user:
            return
        self._refusal = None
        self._show_refusal()
        self.submitted.emit(self.user, self.pin.secret())

    def _ask_passphrase(self) -> None:
        self.passphrase_requested.emit(self.user)
