"""What a case turned out to be: asked for where its report stands, kept beside the reading, never in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QDialog, QGridLayout, QLineEdit, QScrollArea, QWidget

from desktop.i18n import format_date
from desktop.records import Changes, InstanceId, LabelBasis, LabelValue, StudyId
from desktop.ui.action import Action, bind
from desktop.ui.context import UiContext
from desktop.ui.reading.actions import SCREEN
from desktop.ui.reading.sitting import Sitting
from desktop.ui.review.words import finding_name
from desktop.ui.widgets.fields import Choice
from desktop.ui.widgets.parts import button, column, label, row
from desktop.workflow import labelling, turning_out
from desktop.workflow.turning_out import Outcome

if TYPE_CHECKING:
    from desktop.jobs import Job

TURNED_OUT_ACTIONS: tuple[Action, ...] = (Action("outcomes.record", SCREEN, ("Ctrl+T",), "outcomes.record"),)

_BASES = tuple(one for one in LabelBasis if one.is_reference)
_MOST_HEIGHT = 360


@dataclass(frozen=True)
class Asked:
    """A finding that is asked about. picture: its number in the study, from 1; 0 where there is only one."""

    instance: InstanceId
    key: str
    name: str
    picture: int


@dataclass(frozen=True)
class Told:
    """What was written down of a study."""

    study: StudyId
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class _Kept:
    """What was kept, for whoever listens for changes."""

    changes: Changes


class TurnedOut(QObject):
    """Asks, keeps and tells. Signal: told(Told) whenever what is written down about the study is known."""

    told = Signal(object)

    def __init__(self, context: UiContext, page: QWidget) -> None:
        super().__init__(page)
        self._context = context
        self._page = page
        self._sitting: Sitting | None = None
        self._dialog: TurnedOutDialog | None = None
        self.actions = bind(context, page, TURNED_OUT_ACTIONS, {"outcomes.record": self.ask})
        context.changed.connect(self._on_changed)

    def show_sitting(self, sitting: Sitting) -> None:
        """Another study, or further on with the same."""
        other = self._sitting is None or self._sitting.study.study.id != sitting.study.study.id
        self._sitting = sitting
        self.actions["outcomes.record"].setEnabled(can_be_told(sitting))
        if other:
            self._read()

    def clear(self) -> None:
        """The study is put away."""
        self._sitting = None
        self.actions["outcomes.record"].setEnabled(False)
        if self._dialog is not None:
            self._dialog.close()
            self._dialog = None

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.actions.retranslate()

    def ask(self) -> None:
        """Open the dialog."""
        sitting = self._sitting
        if sitting is None or not can_be_told(sitting):
            return
        self._dialog = TurnedOutDialog(self._context, asked_of(self._context, sitting), self._page)
        self._dialog.given.connect(self._keep)
        self._dialog.open()

    def _keep(self, values: Mapping[Asked, LabelValue], basis: LabelBasis, note: str) -> None:
        sitting = self._sitting
        if sitting is None:
            return
        clinic, study = self._context.open_clinic, sitting.study.study.id
        by_picture: dict[InstanceId, dict[str, LabelValue]] = {}
        for asked, value in values.items():
            by_picture.setdefault(asked.instance, {})[asked.key] = value

        def work(job: "Job") -> _Kept:
            changes = Changes()
            for instance, said in by_picture.items():
                changes |= labelling.add_labels(clinic, job, study, instance, said, basis, note).changes
            return _Kept(changes)

        self._context.operations.run(work, initiator=self, done=self._kept)

    def _kept(self, kept: _Kept) -> None:
        self._context.toast(self._context.tr("outcomes.kept"))

    def _on_changed(self, changes: Changes, initiator: QObject | None) -> None:
        if changes.labels and self._context.clinic is not None:
            self._read()

    def _read(self) -> None:
        sitting = self._sitting
        if sitting is None:
            return
        clinic, study = self._context.open_clinic, sitting.study.study.id

        def work(job: "Job") -> Told:
            return Told(study, turning_out.outcomes(clinic, job, study))

        self._context.operations.run(work, initiator=self, done=self._tell)

    def _tell(self, told: Told) -> None:
        if self._sitting is not None and told.study == self._sitting.study.study.id:
            self.told.emit(told)


class TurnedOutDialog(QDialog):
    """For each finding present, absent or unsure; what told it; a line of words. Findings left open are not kept.

    Signal: given(values by `Asked`, LabelBasis, note)."""

    given = Signal(object, object, str)

    def __init__(self, context: UiContext, asked: tuple[Asked, ...], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("turned_out_dialog")
        self._context = context
        self._asked = asked
        tr = context.tr
        self.setWindowTitle(tr("outcomes.title"))
        about = label("turned_out_about", "muted", wrap=True)
        about.setText(tr("outcomes.about"))
        inner = QWidget()
        inner.setProperty("role", "scroll")
        grid = QGridLayout(inner)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        self._values: list[Choice] = []
        for place, one in enumerate(asked):
            name = label(role="strong", wrap=True)
            name.setText(one.name if not one.picture else tr("outcomes.of_picture", name=one.name, number=one.picture))
            choice = Choice(f"turned_out_{place}", [value.value for value in LabelValue])
            choice.set_texts(name.text(), [tr(f"outcomes.value.{value.value}") for value in LabelValue])
            choice.entered.connect(self._save)
            grid.addWidget(name, place, 0)
            grid.addWidget(choice, place, 1)
            self._values.append(choice)
        grid.setColumnStretch(0, 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        area.setMinimumHeight(min(inner.sizeHint().height() + 8, _MOST_HEIGHT))
        caption = label(role="strong")
        caption.setText(tr("outcomes.basis"))
        self._basis = Choice("turned_out_basis", [basis.value for basis in _BASES])
        self._basis.set_texts(tr("outcomes.basis"), [tr(f"outcomes.basis.{basis.value}") for basis in _BASES])
        self._basis.entered.connect(self._save)
        self._note = QLineEdit()
        self._note.setObjectName("turned_out_note")
        self._note.setPlaceholderText(tr("outcomes.note"))
        self._note.setAccessibleName(tr("outcomes.note"))
        self._note.returnPressed.connect(self._save)
        self._problem = label("turned_out_problem", "danger", wrap=True)
        self._problem.hide()
        save, leave = button("turned_out_save", "primary"), button("turned_out_cancel", "quiet")
        save.setText(tr("outcomes.save"))
        leave.setText(tr("outcomes.cancel"))
        save.clicked.connect(self._save)
        leave.clicked.connect(self.reject)
        foot = row()
        foot.addStretch(1)
        foot.addWidget(leave)
        foot.addWidget(save)
        layout = column(self, margin=24, spacing=12)
        layout.addWidget(about)
        layout.addWidget(area, 1)
        for part in (caption, self._basis, self._note, self._problem):
            layout.addWidget(part)
        layout.addLayout(foot)
        self.resize(640, self.sizeHint().height())
        if self._values:
            self._values[0].setFocus()

    def _save(self) -> None:
        """Hand it over, or say what is missing; the focus goes there."""
        values = {
            one: LabelValue(choice.value) for one, choice in zip(self._asked, self._values, strict=True) if choice.value
        }
        if not values:
            self._say("outcomes.no_value", self._values[0])
        elif not self._basis.value:
            self._say("outcomes.no_basis", self._basis)
        else:
            self.given.emit(values, LabelBasis(self._basis.value), self._note.text().strip())
            self.accept()

    def _say(self, key: str, where: QWidget) -> None:
        self._problem.setText(self._context.tr(key))
        self._problem.show()
        where.setFocus()


def can_be_told(sitting: Sitting) -> bool:
    """Whether the user may say what a case turned out to be: it was read and decided, and there are findings."""
    reading = sitting.reading
    found = any(one.analysis.findings for one in reading.suggestions)
    return sitting.may_read and found and bool(reading.reports or reading.reviews)


def asked_of(context: UiContext, sitting: Sitting) -> tuple[Asked, ...]:
    """What is asked about: what models spoke of, picture by picture."""
    pictures = [one.id for one in sitting.study.study.instances]
    several = len({one.instance for one in sitting.reading.suggestions}) > 1
    found: dict[tuple[InstanceId, str], Asked] = {}
    for suggestion in sitting.reading.suggestions:
        for finding in suggestion.analysis.findings:
            number = pictures.index(suggestion.instance) + 1 if several and suggestion.instance in pictures else 0
            name = finding_name(context, suggestion, finding)
            found[suggestion.instance, finding.key] = Asked(suggestion.instance, finding.key, name, number)
    return tuple(found.values())


def outcome_lines(context: UiContext, sitting: Sitting, told: Told) -> str:
    """What was written down, a line each; nothing while the suggestion is sealed: who reads shall look first."""
    if sitting.reading.sealed:
        return ""
    names = {(one.instance, one.key): one for one in asked_of(context, sitting)}
    lines = []
    for outcome in told.outcomes:
        asked = names.get((outcome.instance, outcome.finding))
        words = context.tr(
            "outcomes.line",
            finding=asked.name if asked is not None else outcome.finding,
            value=context.tr(f"outcomes.value.{outcome.value.value}"),
            basis=context.tr(f"outcomes.basis.{outcome.basis.value}"),
            day=format_date(outcome.written.astimezone().date(), context.language),
            who=outcome.by,
        )
        lines.append(context.tr("outcomes.noted", line=words, note=outcome.note) if outcome.note else words)
    return "\n".join(lines)
