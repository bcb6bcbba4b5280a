"""The layouts somebody chose by hand: seen, changed, forgotten."""

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QComboBox, QFrame

from desktop.settings import OwnLayout
from desktop.ui.reading.hanging import forgotten, learned
from desktop.ui.reading.hanging_words import sight_words
from desktop.ui.settings.section import Section
from desktop.ui.viewers.film_tiles import LAYOUTS
from desktop.ui.widgets.parts import button, card, column, label, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_SLICES = ("ct", "mr", "volume")
_BESIDE = ((1, 1), (1, 2))
"""Slices are alone, or have an earlier scan beside them."""


class LayoutsSection(Section):
    """One box for each kind of picture the person on duty laid out by hand."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "settings_layouts", "settings.section.layouts")
        about = label(role="muted", wrap=True)
        self.texts.add(about.setText, "hanging.settings.about")
        self._none = label("layouts_none", "muted", wrap=True)
        self.texts.add(self._none.setText, "hanging.settings.none")
        self._all = button("layouts_forget_all")
        self.texts.add(self._all.setText, "hanging.settings.forget_all")
        self._all.clicked.connect(self._forget_all)
        foot = row()
        foot.addWidget(self._all)
        foot.addStretch(1)
        self._boxes: list[QFrame] = []
        self._shown: tuple[OwnLayout, ...] = ()
        self.body.addWidget(about)
        self.body.addWidget(self._none)
        self.body.addLayout(foot)
        self.body.addStretch(1)
        context.settings_changed.connect(self._settings_changed)

    def activated(self) -> None:
        """Show what is kept for whoever is on duty."""
        self._show()

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        self._show()

    def clear(self) -> None:
        """The clinic is locked."""
        self._show()

    @property
    def _user(self) -> str:
        clinic = self.context.clinic
        return clinic.session.user.id if clinic is not None else ""

    def _settings_changed(self) -> None:
        if self._own() != self._shown:
            self._show()

    def _own(self) -> tuple[OwnLayout, ...]:
        return tuple(one for one in self.context.settings.own_layouts if one.user == self._user)

    def _show(self) -> None:
        for box in self._boxes:
            self.body.removeWidget(box)
            box.hide()
            box.deleteLater()
        self._shown = self._own()
        self._boxes = [self._box(number, own) for number, own in enumerate(self._shown)]
        for place, box in enumerate(self._boxes):
            self.body.insertWidget(2 + place, box)
        self._none.setVisible(not self._boxes)
        self._all.setVisible(bool(self._boxes))

    def _box(self, number: int, own: OwnLayout) -> QFrame:
        tr = self.context.tr
        box = card(f"layout_{number}")
        inside = column(box, margin=16, spacing=8)
        title = label(role="heading", wrap=True)
        title.setText(sight_words(self.context, own.kind, own.part, own.earlier))
        sizes = QComboBox()
        sizes.setObjectName(f"layout_size_{number}")
        sizes.setAccessibleName(tr("hanging.settings.layout"))
        for rows, columns in _choices(own):
            sizes.addItem(tr("hanging.rows_columns", rows=rows, columns=columns))
        sizes.setCurrentIndex(_choices(own).index((own.rows, own.columns)))
        sizes.setProperty("number", number)
        sizes.activated.connect(self._size_chosen)
        linked = QCheckBox(tr("hanging.settings.linked"))
        linked.setObjectName(f"layout_linked_{number}")
        linked.setChecked(own.linked)
        linked.setProperty("number", number)
        linked.toggled.connect(self._linked_chosen)
        forget = button(f"layout_forget_{number}", "quiet")
        forget.setText(tr("hanging.settings.forget"))
        forget.setProperty("number", number)
        forget.clicked.connect(self._forget)
        caption = label(role="muted")
        caption.setText(tr("hanging.settings.layout"))
        line = row()
        for part in (caption, sizes, linked):
            line.addWidget(part)
        line.addStretch(1)
        line.addWidget(forget)
        inside.addWidget(title)
        inside.addLayout(line)
        return box

    # Changes take effect at once

    def _sender_layout(self) -> OwnLayout:
        return self._shown[int(self.sender().property("number"))]

    def _size_chosen(self, at: int) -> None:
        own = self._sender_layout()
        rows, columns = _choices(own)[at]
        self._keep(replace(own, rows=rows, columns=columns))

    def _linked_chosen(self, linked: bool) -> None:
        self._keep(replace(self._sender_layout(), linked=linked))

    def _keep(self, own: OwnLayout) -> None:
        settings = self.context.settings
        kept = learned(settings.own_layouts, own)
        self._shown = tuple(one for one in kept if one.user == self._user)
        self.context.change_settings(replace(settings, own_layouts=kept))

    def _forget(self) -> None:
        self._drop(self._sender_layout())

    def _forget_all(self) -> None:
        self._drop(None)

    def _drop(self, own: OwnLayout | None) -> None:
        settings = self.context.settings
        self.context.change_settings(replace(settings, own_layouts=forgotten(settings.own_layouts, self._user, own)))
        self.context.toast(self.context.tr("hanging.settings.forgotten"))


def _choices(own: OwnLayout) -> tuple[tuple[int, int], ...]:
    """What may be chosen; a layout from before that is no choice any more still is."""
    usual = _BESIDE if own.kind in _SLICES else LAYOUTS
    return usual if (own.rows, own.columns) in usual else (*usual, (own.rows, own.columns))
