"""The versions of models that were brought to this PC or trained on it: brought in, put into use, taken back."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFrame, QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.i18n import format_date
from desktop.ui.widgets.folder_dialog import ask_for_folder
from desktop.ui.widgets.parts import Icons, Texts, button, card, column, label, row

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import BroughtModel, ModelVersion

_NOT_TRUSTED = "inference.not_trusted"
_BUNDLED = "bundled"


class ModelVersions(QFrame):
    """Only an administrator sees it. Signal: changed() when another version is in use."""

    changed = Signal()

    def __init__(self, context: "UiContext", texts: Texts, icons: Icons, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("brought_models")
        self.setProperty("role", "card")
        self._context = context
        self._versions: tuple[ModelVersion, ...] = ()
        self._rows: list[QWidget] = []
        self._asked: Path | None = None
        self._named = ""
        inside = column(self, margin=16, spacing=12)
        heading = label(role="heading", wrap=True)
        texts.add(heading.setText, "settings.models.brought")
        about = label(role="muted", wrap=True)
        texts.add(about.setText, "settings.models.brought.about")
        self._list = column(spacing=8)
        self._question = card("brought_question", "plain")
        self._words = label("brought_question_words", wrap=True)
        self._yes, self._no = button("brought_question_yes"), button("brought_question_no", "quiet")
        texts.add(self._yes.setText, "settings.models.question.yes")
        texts.add(self._no.setText, "settings.models.question.no")
        self._yes.clicked.connect(self._vouch)
        self._no.clicked.connect(self._leave)
        answers = row()
        answers.addWidget(self._yes)
        answers.addWidget(self._no)
        answers.addStretch(1)
        asking = column(self._question, margin=12, spacing=8)
        asking.addWidget(self._words)
        asking.addLayout(answers)
        self._question.hide()
        self._add = button("brought_add")
        icons.add(self._add, "import")
        texts.add(self._add.setText, "settings.models.add")
        self._add.clicked.connect(self._ask)
        foot = row()
        foot.addWidget(self._add)
        foot.addStretch(1)
        for part in (heading, about):
            inside.addWidget(part)
        inside.addLayout(self._list)
        inside.addWidget(self._question)
        inside.addLayout(foot)

    def load(self) -> None:
        """Read what is there, where the person may change it."""
        clinic = self._context.clinic
        may = clinic is not None and clinic.session.may(Permission.MANAGE_CLINIC)
        self.setVisible(may)
        if not may:
            return
        folder = self._context.places.models

        def work(job: "Job") -> "tuple[ModelVersion, ...]":
            return workflow.model_versions(workflow.library_in(folder))

        self._context.operations.run(work, initiator=self, done=self._show, pool="compute")

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._words.setText(self._context.tr("settings.models.question", name=self._named))
        self._show(self._versions)

    # What is shown

    def _show(self, versions: "tuple[ModelVersion, ...]") -> None:
        self._versions = versions
        for old in self._rows:
            self._list.removeWidget(old)
            old.hide()
            old.deleteLater()
        # A model that only came with the program has nothing to choose from.
        several = {one.name for one in versions if one.trust != _BUNDLED}
        self._rows = [self._row_of(place, one) for place, one in enumerate(versions) if one.name in several]
        for widget in self._rows:
            self._list.addWidget(widget)

    def _row_of(self, place: int, one: "ModelVersion") -> QWidget:
        tr = self._context.tr
        widget = QWidget(self)
        widget.setObjectName(f"version_{place}")
        name, from_whom = label(wrap=True), label(role="muted", wrap=True)
        name.setText(tr("settings.models.one", name=one.name, version=one.version))
        who = "nobody" if one.trust == "administrator" and not one.vouched else one.trust.value
        origin = tr(f"settings.models.trust.{who}", who=one.vouched)
        brought = datetime.fromisoformat(one.since).astimezone().date() if one.since else None
        day = format_date(brought, self._context.language) if brought is not None else ""
        from_whom.setText(" · ".join(part for part in (origin, day, one.digest[:8]) if part))
        line = row(widget)
        texts = column()
        texts.addWidget(name)
        texts.addWidget(from_whom)
        line.addLayout(texts, 1)
        if one.in_use:
            used = label(role="ok")
            used.setText(tr("settings.models.in_use"))
            line.addWidget(used)
        if one.before:
            line.addWidget(self._deed("version_back", "settings.models.back", place, self._go_back))
        elif not one.in_use:
            line.addWidget(self._deed("version_use", "settings.models.use", place, self._use))
        return widget

    def _deed(self, name: str, key: str, place: int, slot: Callable[[], None]) -> QWidget:
        made = button(f"{name}_{place}", "quiet")
        made.setText(self._context.tr(key))
        made.setProperty("place", place)
        made.clicked.connect(slot)
        return made

    def _of_sender(self) -> "ModelVersion":
        sender: QObject = self.sender()
        return self._versions[int(sender.property("place"))]

    # Bringing in

    def _ask(self) -> None:
        ask_for_folder(self._context, self, self._context.tr("settings.models.add.where"), self.bring)

    def bring(self, folder: str) -> None:
        """Bring in the model of a folder; where nobody known signed it, ask whether the person answers for it."""
        self._start(Path(folder), vouch=False)

    def _start(self, bundle: Path, *, vouch: bool) -> None:
        keeper, library = workflow.keeper_of(self._context.open_clinic), self._context.places.models
        self._asked = bundle
        self._question.hide()
        self._add.setEnabled(False)

        def work(job: "Job") -> "BroughtModel":
            return workflow.import_model(bundle, job, keeper=keeper, vouch=vouch, library=workflow.library_in(library))

        self._context.operations.run(
            work,
            initiator=self,
            done=self._brought,
            failed=self._not_brought,
            ended=self._ready,
            pool="compute",
            title=self._context.tr("settings.models.adding"),
        )

    def _brought(self, brought: "BroughtModel") -> None:
        version = brought.version
        self._asked = None
        self._context.toast(self._context.tr("settings.models.added", name=version.name, version=version.version))
        self.load()

    def _not_brought(self, error: Exception) -> None:
        if isinstance(error, UserFacingError) and error.key == _NOT_TRUSTED:
            self._named = str(error.details["model"])
            self._words.setText(self._context.tr("settings.models.question", name=self._named))
            self._question.show()
            self._no.setFocus()
        else:
            self._asked = None
            self._context.show_error(error, self)

    def _vouch(self) -> None:
        if self._asked is not None:
            self._start(self._asked, vouch=True)

    def _leave(self) -> None:
        self._asked = None
        self._question.hide()

    def _ready(self) -> None:
        self._add.setEnabled(True)

    # Using

    def _use(self) -> None:
        one = self._of_sender()
        keeper, library = workflow.keeper_of(self._context.open_clinic), self._context.places.models
        wanted = _BUNDLED if one.trust == _BUNDLED else one.digest

        def work(job: "Job") -> None:
            workflow.activate_model(one.name, job, keeper=keeper, version=wanted, library=workflow.library_in(library))

        self._change(work)

    def _go_back(self) -> None:
        one = self._of_sender()
        keeper, library = workflow.keeper_of(self._context.open_clinic), self._context.places.models

        def work(job: "Job") -> None:
            workflow.roll_back_model(one.name, keeper=keeper, library=workflow.library_in(library))

        self._change(work)

    def _change(self, work: "Callable[[Job], None]") -> None:
        # A button that is switched off hands its focus on, and the page would scroll after it.
        self.setFocus()
        for widget in self._rows:
            widget.setEnabled(False)
        self._context.operations.run(
            work,
            initiator=self,
            ended=self._after_change,
            pool="compute",
            title=self._context.tr("settings.models.adding"),
        )

    def _after_change(self) -> None:
        self.load()
        self.changed.emit()
