"""Saving what can be proven out of a damaged clinic into a new one; the damaged one is only read."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox

from desktop import workflow
from desktop.ui.start.bringing_back import BringingBackPage
from desktop.ui.widgets.fields import SecretField
from desktop.ui.widgets.parts import label, set_role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Salvaged

_WIDTH = 720


class SalvagePage(BringingBackPage):
    """An administrator's passphrase, and where to."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "salvage", "admin.salvage", _WIDTH)
        self._folder = Path()
        self._done: Salvaged | None = None
        caption = label("salvage_user_label", "strong")
        self.texts.add(caption.setText, "admin.salvage.user")
        self.user = QComboBox()
        self.user.setObjectName("salvage_user")
        self.texts.add(self.user.setAccessibleName, "admin.salvage.user")
        caption.setBuddy(self.user)
        self.passphrase = SecretField("salvage_passphrase")
        self.texts.add(self.passphrase.set_caption, "start.unlock.passphrase")
        self.passphrase.edit.returnPressed.connect(self._submit)
        self._saved = label("salvage_saved", wrap=True, selectable=True)
        self._lost = label("salvage_lost", wrap=True, selectable=True)
        self._trail = label("salvage_trail", "muted", wrap=True, selectable=True)
        self.lay_out((caption, self.user, self.passphrase), (self._saved, self._lost, self._trail))

    def begin(self, folder: Path, user: str = "", passphrase: str = "") -> None:
        """Ask for the clinic in `folder`. user, passphrase: what was typed before, if it was."""
        self.clear()
        self._folder = folder
        self.aim_at(folder.with_name(self.folder_name))
        self.user.clear()
        self.user.addItems(list(workflow.clinic_users(folder)))
        self.user.setCurrentIndex(max(0, self.user.findText(user or self.context.settings.last_user)))
        self.passphrase.edit.setText(passphrase)
        self.show_state()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.passphrase.set_reveal(self.context.tr("start.reveal"), self.context.colours.muted)
        super().retranslate()

    def clear(self) -> None:
        """Forget what was typed and found."""
        self._done = None
        self.complain(None)
        self.passphrase.wipe()
        self.show_state()

    @property
    def finished(self) -> bool:
        """Whether something was saved."""
        return self._done is not None

    @property
    def folder_name(self) -> str:
        """After the damaged clinic's."""
        return f"{self._folder.name}-saved"

    def focus_question(self) -> None:
        """The passphrase, unless it was typed before."""
        (self.submit if self.passphrase.secret() else self.passphrase.edit).setFocus()

    def begin_work(self) -> None:
        """Salvage, once there is a passphrase."""
        if not self.passphrase.secret():
            self.passphrase.edit.setFocus()
            return
        folder, target = self._folder, self.target
        user, passphrase = self.user.currentText(), self.passphrase.secret()

        def salvage(job: "Job") -> "Salvaged":
            return workflow.salvage(folder, target, job, user=user, passphrase=passphrase)

        self.work(salvage, self._salvaged)

    def _salvaged(self, done: "Salvaged") -> None:
        self._done = done
        self.passphrase.wipe()

    def show_result(self) -> None:
        """What was saved, what was lost."""
        done, tr = self._done, self.context.tr
        if done is None:
            return
        self._saved.setText(tr("admin.salvage.saved", what=self._numbers(done.saved)))
        lost = dict(done.lost)
        self._lost.setText(
            tr("admin.salvage.lost", what=self._numbers(lost)) if lost else tr("admin.salvage.nothing_lost")
        )
        set_role(self._lost, "danger" if lost else "ok")
        self._trail.setText(tr("admin.salvage.trail", lines=done.lines, lost=done.lines_lost))
        self.problems.set_found(done.verification.problems)

    def _numbers(self, counts: "Mapping[str, int]") -> str:
        """`12 patients, 40 files`: the kinds a person knows by name, the others together."""
        told: dict[str, int] = {}
        for kind, count in counts.items():
            known = kind if self.context.has_text(f"admin.salvage.kind.{kind}") else "other"
            told[known] = told.get(known, 0) + count
        order = sorted(told, key=lambda kind: (kind == "other", -told[kind]))
        parts = [tr_count for kind in order if (tr_count := self._one(kind, told[kind]))]
        return self.context.tr("backup.count.comma").join(parts) or self.context.tr("admin.salvage.kind.none")

    def _one(self, kind: str, count: int) -> str:
        return self.context.tr(f"admin.salvage.kind.{kind}", count=count)
