"""A new passphrase, typed twice, with a hint how good it is."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from desktop.ui.start.strength import MINIMUM_LENGTH, Strength, strength
from desktop.ui.widgets.fields import Field, SecretField
from desktop.ui.widgets.parts import column, label, set_role

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


class NewPassphrase(QWidget):
    """`submitted` on Enter in either field. Nothing of it survives `wipe`."""

    submitted = Signal()

    def __init__(
        self,
        context: "UiContext",
        name: str,
        *,
        caption: str = "start.new_passphrase",
        again: str = "start.new_passphrase.again",
        hint: str = "",
        spacing: int = 12,
    ) -> None:
        super().__init__()
        self._context = context
        self._captions = (caption, again)
        self._complains = False
        self.passphrase = SecretField(name)
        self.again = SecretField(f"{name}_again")
        self.hint = label(hint or f"{name}_hint", "small", wrap=True)
        layout = column(self, spacing=spacing)
        for part in (self.passphrase, self.hint, self.again):
            layout.addWidget(part)
        self.passphrase.edit.textChanged.connect(self._judge)
        for field in (self.passphrase, self.again):
            field.edit.returnPressed.connect(self.submitted)
        self.setFocusProxy(self.passphrase)
        context.theme_changed.connect(self.retranslate)
        self.retranslate()

    @property
    def fields(self) -> tuple[SecretField, SecretField]:
        """Both, in reading order."""
        return self.passphrase, self.again

    def secret(self) -> str:
        """What was typed, exactly."""
        return self.passphrase.secret()

    def wrong(self) -> list[Field]:
        """Say beside each field what is wrong with it; gives those fields."""
        self._complains = True
        tr, typed = self._context.tr, self.passphrase.secret()
        too_short = len(typed) < MINIMUM_LENGTH
        differs = self.again.secret() != typed
        self.passphrase.set_error(tr("start.passphrase_too_short", minimum=MINIMUM_LENGTH) if too_short else "")
        self.again.set_error(tr("start.create.differs") if differs else "")
        return [field for field, is_wrong in ((self.passphrase, too_short), (self.again, differs)) if is_wrong]

    def retranslate(self) -> None:
        """Speak the window's language."""
        for field, caption in zip(self.fields, self._captions, strict=True):
            field.set_caption(self._context.tr(caption))
            field.set_reveal(self._context.tr("start.reveal"), self._context.colours.muted)
        self._judge()
        if self._complains:
            self.wrong()

    def wipe(self) -> None:
        """Forget what was typed."""
        self._complains = False
        for field in self.fields:
            field.wipe()

    def _judge(self) -> None:
        verdict = strength(self.passphrase.secret())
        key = "start.strength.empty" if not self.passphrase.secret() else f"start.strength.{verdict}"
        self.hint.setText(self._context.tr(key, minimum=MINIMUM_LENGTH))
        set_role(self.hint, "ok" if verdict is Strength.GOOD else "small")
