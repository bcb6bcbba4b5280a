"""What is looked for in the audit trail: words, who, what, and between which days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from desktop.records import AuditAction
from desktop.ui.patients.typed import parse_date
from desktop.ui.widgets.parts import Texts, column, label, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_PAUSE_MILLISECONDS = 300
_DAY_WIDTH = 148
_COMBO_WIDTH = 180


@dataclass(frozen=True)
class Wanted:
    """Which lines; empty is any. until: left out itself."""

    text: str = ""
    action: AuditAction | None = None
    actor: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def __bool__(self) -> bool:
        return self != Wanted()


class AuditFilter(QWidget):
    """`changed` a moment after the last keystroke, and at once on Enter or another choice."""

    changed = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("audit_filter")
        self._context = context
        self._texts = Texts(context)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MILLISECONDS)
        self._pause.timeout.connect(self.changed)
        self.search = QLineEdit()
        self.search.setObjectName("audit_search")
        self.search.setClearButtonEnabled(True)
        self.who = QComboBox()
        self.who.setObjectName("audit_who")
        self.what = QComboBox()
        self.what.setObjectName("audit_what")
        self.first = QLineEdit()
        self.first.setObjectName("audit_first")
        self.last = QLineEdit()
        self.last.setObjectName("audit_last")
        self._wrong = label("audit_day_wrong", "danger")
        fields = row(spacing=8)
        fields.addWidget(self.search, 1)
        for field, width in (
            (self.who, _COMBO_WIDTH),
            (self.what, _COMBO_WIDTH),
            (self.first, _DAY_WIDTH),
            (self.last, _DAY_WIDTH),
        ):
            field.setFixedWidth(width)
            fields.addWidget(field)
        layout = column(self, spacing=4)
        layout.addLayout(fields)
        layout.addWidget(self._wrong)
        for field, key in (
            (self.search, "admin.audit.search"),
            (self.first, "admin.audit.first"),
            (self.last, "admin.audit.last"),
        ):
            self._texts.add(field.setPlaceholderText, key)
            self._texts.add(field.setAccessibleName, key)
            field.textChanged.connect(self._pause.start)
            field.returnPressed.connect(self._at_once)
        for combo, key in ((self.who, "admin.audit.who"), (self.what, "admin.audit.what")):
            self._texts.add(combo.setAccessibleName, key)
            combo.activated.connect(self._at_once)
        self.retranslate()

    def wanted(self) -> Wanted | None:
        """What is looked for; None, with a complaint, where a day makes no sense."""
        days: list[date | None] = []
        wrong = False
        for field in (self.first, self.last):
            bad = False
            try:
                days.append(parse_date(field.text()))
            except ValueError:
                days.append(None)
                bad = True
            wrong = wrong or bad
            field.setProperty("invalid", bad)
            field.style().unpolish(field)
            field.style().polish(field)
        self._wrong.setText(self._context.tr("admin.audit.day_wrong") if wrong else "")
        self._wrong.setVisible(wrong)
        if wrong:
            return None
        chosen = self.what.currentData()
        action = AuditAction(chosen) if chosen else None
        text = self.search.text().strip()
        meant = self._meant(text)
        if meant is not None and action in (None, meant):
            action, text = meant, ""
        first, last = days
        return Wanted(
            text,
            action,
            self.who.currentData() or "",
            _midnight(first) if first is not None else None,
            _midnight(last + timedelta(days=1)) if last is not None else None,
        )

    def set_names(self, names: Mapping[str, str]) -> None:
        """Whom one can choose."""
        self._choices(self.who, "admin.audit.anybody", [(name, actor) for actor, name in names.items()])

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        tr = self._context.tr
        deeds = sorted((tr(f"admin.action.{action.value}"), action.value) for action in AuditAction)
        self._choices(self.what, "admin.audit.anything", deeds)
        names = {self.who.itemData(at): self.who.itemText(at) for at in range(1, self.who.count())}
        self.set_names(names)
        if not self._wrong.isHidden():
            self._wrong.setText(tr("admin.audit.day_wrong"))
        self._wrong.setVisible(bool(self._wrong.text()))

    def clear(self) -> None:
        """Look for nothing, and forget who there is."""
        self._pause.stop()
        for field in (self.search, self.first, self.last):
            field.blockSignals(True)
            field.clear()
            field.blockSignals(False)
        self.what.setCurrentIndex(0)
        self.who.setCurrentIndex(0)
        self.set_names({})

    def _meant(self, text: str) -> AuditAction | None:
        """The one deed whose words on this screen contain the text; the trail itself knows only its slugs."""
        if not text:
            return None
        fits = [
            action
            for action in AuditAction
            if text.casefold() in self._context.tr(f"admin.action.{action.value}").casefold()
        ]
        return fits[0] if len(fits) == 1 else None

    def _choices(self, combo: QComboBox, any_key: str, entries: list[tuple[str, str]]) -> None:
        chosen = combo.currentData()
        combo.clear()
        combo.addItem(self._context.tr(any_key), "")
        for words, value in entries:
            combo.addItem(words, value)
        combo.setCurrentIndex(max(0, combo.findData(chosen)))

    def _at_once(self) -> None:
        self._pause.stop()
        self.changed.emit()


def _midnight(day: date) -> datetime:
    """When a day begins on this PC."""
    return datetime.combine(day, time.min).astimezone()
