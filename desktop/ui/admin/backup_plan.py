"""When and where backups are made without anybody asking."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QWidget

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.records import Changes
from desktop.ui.admin.backup_words import error_words
from desktop.ui.widgets.fields import Choice
from desktop.ui.widgets.folder_dialog import ask_for_folder
from desktop.ui.widgets.parts import Icons, Texts, button, card, column, label, row, set_role
from desktop.ui.widgets.spin_box import SpinBox

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow.backups import BackupPlan, PlannedPlace

_OFF, _DAILY, _HOURS = "off", "daily", "hours"
_USUAL_HOUR, _USUAL_INTERVAL = 12, 24
_FIELD_WIDTH = 180
_A_WEEK = 24 * 7


class BackupPlanBox(QWidget):
    """Off, once a day, or every so many hours; to one or more folders or sticks. Saved by the button."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("backup_plan")
        self._context = context
        self._texts = Texts(context)
        self._icons = Icons(context)
        self._plan: BackupPlan | None = None
        self._places: list[Path | PlannedPlace] = []
        self._error: UserFacingError | None = None
        self._allowed = True
        self._shown: tuple[object, ...] = ()
        self.when = Choice("backup_when", (_OFF, _DAILY, _HOURS))
        self.hour = SpinBox("backup_hour", 0, 23, _FIELD_WIDTH)
        self.interval = SpinBox("backup_interval", 1, _A_WEEK, _FIELD_WIDTH)
        self._lines = column(spacing=8)
        self._add = button("backup_add_place")
        self._icons.add(self._add, "plus")
        self._note = label("backup_plan_note", "muted", wrap=True)
        self._undo = button("backup_plan_undo", "quiet")
        self._save = button("backup_plan_save")
        self._texts.add(self._add.setText, "backup.plan.add")
        self._texts.add(self._undo.setText, "settings.undo")
        self._texts.add(self._save.setText, "backup.plan.save")
        self._texts.add(self.hour.setAccessibleName, "backup.plan.hour")
        self._texts.add(self.interval.setAccessibleName, "backup.plan.interval")
        layout = column(self, spacing=12)
        layout.addWidget(self.when)
        for field in (self.hour, self.interval):
            layout.addWidget(field, alignment=Qt.AlignmentFlag.AlignLeft)
        layout.addLayout(self._lines)
        layout.addWidget(self._add, alignment=Qt.AlignmentFlag.AlignLeft)
        foot = row()
        foot.addWidget(self._note, 1)
        foot.addWidget(self._undo)
        foot.addWidget(self._save)
        layout.addLayout(foot)
        self.when.chosen.connect(self._touched)
        self.hour.valueChanged.connect(self._touched)
        self.interval.valueChanged.connect(self._touched)
        self._add.clicked.connect(self._ask_where)
        self._undo.clicked.connect(self._reset)
        self._save.clicked.connect(self._store)
        self._reset()

    def set_plan(self, plan: "BackupPlan") -> None:
        """Show what holds, unless somebody is changing it."""
        if self._plan is not None and self._changed():
            return
        self._plan = plan
        self._reset()

    def set_allowed(self, allowed: bool) -> None:
        """Whether the person may change the plan."""
        self._allowed = allowed
        self._show()

    def clear(self) -> None:
        """The clinic is locked."""
        self._plan = None
        self._reset()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        tr = self._context.tr
        self.when.set_texts(tr("backup.plan.title"), [tr(f"backup.plan.{value}") for value in (_OFF, _DAILY, _HOURS)])
        self.hour.setPrefix(tr("backup.plan.hour.prefix"))
        self.hour.setSuffix(tr("backup.plan.hour.suffix"))
        self.interval.setPrefix(tr("backup.plan.interval.prefix"))
        self.interval.setSuffix(tr("backup.plan.interval.suffix"))
        self._show()

    # Changing

    def _reset(self) -> None:
        plan = self._plan or workflow.backups.BackupPlan()
        self._places = list(plan.places)
        self._error = None
        self.when.set_value(_OFF if not plan.places else _DAILY if plan.hour is not None else _HOURS)
        for field, value in (
            (self.hour, plan.hour if plan.hour is not None else _USUAL_HOUR),
            (self.interval, plan.every_hours if plan.places else _USUAL_INTERVAL),
        ):
            field.blockSignals(True)
            field.setValue(value)
            field.blockSignals(False)
        self._show()

    def _wanted(self) -> tuple[tuple["Path | PlannedPlace", ...], int | None, int]:
        """Places, hour and interval as they are on the screen."""
        if self.when.value == _OFF:
            return (), None, _USUAL_INTERVAL
        hour = self.hour.value() if self.when.value == _DAILY else None
        return tuple(self._places), hour, self.interval.value() if hour is None else _USUAL_INTERVAL

    def _changed(self) -> bool:
        plan = self._plan
        return plan is not None and self._wanted() != (tuple(plan.places), plan.hour, plan.every_hours)

    def _touched(self) -> None:
        self._error = None
        self._show()

    def _ask_where(self) -> None:
        title = self._context.tr("backup.now.where")
        ask_for_folder(self._context, self, title, self.add_place)

    def add_place(self, chosen: str) -> None:
        """One more folder or stick."""
        path = Path(chosen)
        if path not in self._places and str(path) not in [getattr(place, "path", "") for place in self._places]:
            self._places.append(path)
        if self.when.value == _OFF:
            self.when.set_value(_DAILY)
        self._touched()

    def _remove(self) -> None:
        del self._places[self.sender().property("place")]
        self._touched()

    def _store(self) -> None:
        clinic = self._context.open_clinic
        places, hour, interval = self._wanted()
        if self.when.value != _OFF and not places:
            self._ask_where()
            return

        def work(job: "Job") -> "BackupPlan":
            return workflow.backups.set_backup_plan(clinic, job, places=places, hour=hour, every_hours=interval)

        self._save.setEnabled(False)
        self._context.operations.run(work, initiator=self, done=self._stored, failed=self._failed, pool="media")

    def _stored(self, plan: "BackupPlan") -> None:
        self._plan = plan
        self._reset()
        self._context.toast(self._context.tr("settings.saved"))
        self._context.announce(Changes(backups=True), self)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, UserFacingError):
            self._error = error
        self._show()

    # Showing

    def _show(self) -> None:
        tr, when = self._context.tr, self.when.value
        self.hour.setVisible(when == _DAILY)
        self.interval.setVisible(when == _HOURS)
        self._add.setVisible(when != _OFF)
        self._show_places(when != _OFF)
        for field in (self.when, self.hour, self.interval, self._add):
            field.setEnabled(self._allowed)
        changed = self._changed()
        self._save.setVisible(self._allowed)
        self._undo.setVisible(self._allowed and changed)
        self._save.setEnabled(changed)
        words = error_words(self._context, self._error) if self._error is not None else ""
        if not words and not self._allowed:
            words = tr("backup.plan.not_yours")
        elif not words and when != _OFF:
            words = tr("backup.plan.kept" if self._places else "backup.plan.no_place")
        self._note.setText(words)
        set_role(self._note, "danger" if self._error is not None else "muted")

    def _show_places(self, shown: bool) -> None:
        paths = [str(place if isinstance(place, Path) else place.path) for place in (self._places if shown else ())]
        wanted = (*paths, self._allowed, self._context.language)
        if wanted == self._shown:
            return
        self._shown = wanted
        while self._lines.count():
            item = self._lines.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for number, path in enumerate(paths):
            self._lines.addWidget(self._line(number, path))

    def _line(self, number: int, path: str) -> QFrame:
        frame = card(f"backup_place_{number}", "plain")
        inside = row(frame, spacing=8)
        words = label(wrap=True)
        words.setText(path)
        words.setProperty("verbatim", True)
        away = button(f"backup_place_remove_{number}", "quiet")
        away.setText(self._context.tr("backup.plan.remove"))
        away.setAccessibleName(self._context.tr("backup.plan.remove_place", folder=path))
        away.setProperty("place", number)
        away.clicked.connect(self._remove)
        inside.addWidget(words, 1)
        inside.addWidget(away)
        away.setVisible(self._allowed)
        return frame
