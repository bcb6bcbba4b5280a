"""What every screen is handed: the open clinic, the person's choices, the language, and ways to speak up."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop import workflow
from desktop.errors import ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.i18n import Language, Translator, catalogue
from desktop.jobs import Pools
from desktop.records import Changes
from desktop.settings import Places, Settings, SettingsFile, Theme, describe
from desktop.ui.admin.network_keeper import NodeKeeper
from desktop.ui.operations import Operations
from desktop.ui.theme import PALETTES, Palette

if TYPE_CHECKING:
    from desktop.workflow import Clinic, Registry

_log = logging.getLogger(__name__)

_DAMAGED = "store.database_damaged"
_NARROW = str.maketrans("“”‘’", "\"\"''")
"""The bundled font draws curly quotation marks as wide as a Han character, which tears English sentences apart."""


@dataclass(frozen=True)
class ErrorText:
    """An error in three lines: what happened, what it means for the patient's data, what to do.

    details: what a person who looks after the PC needs; names no patient.
    """

    message: str
    data: str
    advice: str
    details: str


class UiContext(QObject):
    """Built once by `app`, handed to every screen. `shift` keeps the PINs of those on duty, in memory only.

    Signals: language_changed and theme_changed after the choice took effect; changed(Changes, initiator or
    None) after a deed; unlocked once `clinic` is there; locked once it is gone (screens were cleared before);
    damaged(UserFacingError) where a deed met a damaged database; undo_offered(text, words, deed) for a notice with a
    button; study_requested(StudyId) and
    patient_requested(PatientId) ask the frame to show one.
    """

    language_changed = Signal()
    theme_changed = Signal()
    settings_changed = Signal()
    changed = Signal(object, object)
    unlocked = Signal()
    locked = Signal()
    damaged = Signal(object)
    toast_requested = Signal(str)
    undo_offered = Signal(str, str, object)
    lock_requested = Signal()
    shift_end_requested = Signal()
    reseal_requested = Signal()
    study_requested = Signal(str)
    patient_requested = Signal(str)

    def __init__(self, *, pools: Pools, places: Places, settings_file: SettingsFile, registry: "Registry") -> None:
        super().__init__()
        self.pools = pools
        self.places = places
        self.registry = registry
        self._settings_file = settings_file
        self._settings = settings_file.load()
        self._clinic: Clinic | None = None
        self.shift = workflow.Shift()
        self.operations = Operations(pools, self)
        self.operations.unhandled.connect(self._report_failure)
        self.operations.changed.connect(self.announce)
        self.network = NodeKeeper(self, self)

    # The clinic

    @property
    def clinic(self) -> "Clinic | None":
        """The open clinic, or None while locked."""
        return self._clinic

    @property
    def open_clinic(self) -> "Clinic":
        """The open clinic, for screens that exist only while unlocked. Raises RuntimeError while locked."""
        if self._clinic is None:
            raise RuntimeError("the clinic is locked")
        return self._clinic

    def set_clinic(self, clinic: "Clinic | None") -> None:
        """Take over an unlocked clinic, or forget it (None)."""
        self._clinic = clinic
        if clinic is None:
            self.locked.emit()
        else:
            self.unlocked.emit()

    # What this PC remembers

    @property
    def settings(self) -> Settings:
        """This PC's choices."""
        return self._settings

    def change_settings(self, settings: Settings) -> None:
        """Keep new choices; a full disk does not get in the way of working on."""
        before, self._settings = self._settings, settings
        try:
            self._settings_file.save(settings)
        except OSError as error:
            _log.warning("settings not saved: %s", type(error).__name__)
        self.settings_changed.emit()
        if settings.theme is not before.theme:
            self.theme_changed.emit()
        if settings.language is not before.language:
            self.language_changed.emit()

    @property
    def language(self) -> Language:
        """The language of the window; English until somebody chose."""
        return self._settings.language or Language.ENGLISH

    def set_language(self, language: Language) -> None:
        """Speak another language from now on."""
        self.change_settings(replace(self._settings, language=language))

    def set_theme(self, theme: Theme) -> None:
        """Look different from now on."""
        self.change_settings(replace(self._settings, theme=theme))

    @property
    def colours(self) -> Palette:
        """The colours of the theme in use."""
        return PALETTES[self._settings.theme]

    # Words

    def tr(self, key: str, **details: object) -> str:  # type: ignore[override]  # QObject.tr translates by Qt's files; ours are keys
        """The sentence for a key in the window's language."""
        sentence = Translator(self.language).text(key, **details)
        return sentence.translate(_NARROW) if self.language is Language.ENGLISH else sentence

    def has_text(self, key: str) -> bool:
        """Whether the catalogue has a sentence for the key."""
        return key in catalogue(self.language)

    def error_text(self, error: BaseException) -> ErrorText:
        """An error in words a doctor can act on."""
        known = as_user_facing(error)
        if known is None:
            return ErrorText(
                self.tr("ui.error.unexpected"),
                self.tr("ui.error.unexpected.data"),
                self.tr("ui.error.unexpected.advice"),
                describe(error),
            )
        return ErrorText(
            self.tr(known.key, **known.details),
            self._meaning(known),
            self.tr(f"{known.key}.advice", **known.details),
            f"{known.key} ({known.kind})",
        )

    def _meaning(self, error: UserFacingError) -> str:
        own = f"{error.key}.data"
        if self.has_text(own):
            return self.tr(own, **error.details)
        if error.kind is ErrorKind.UNLOCK:
            return self.tr("ui.error.data.locked")
        if isinstance(error, KnownFailure):
            return self.tr("ui.error.data.kept")
        return self.tr("ui.error.data.unchanged")

    # Speaking up

    def announce(self, changes: Changes, initiator: QObject | None) -> None:
        """Tell every screen what a deed changed."""
        if changes:
            self.changed.emit(changes, initiator)
        if changes.models:
            self.toast(self.tr("ui.models_followed"))

    def toast(self, text: str, undo: Callable[[], None] | None = None) -> None:
        """A short quiet notice at the bottom of the window. undo: a bound method that takes back what it tells."""
        if undo is None:
            self.toast_requested.emit(text)
        else:
            self.undo_offered.emit(text, self.tr("ui.undo"), undo)

    def show_error(self, error: BaseException, parent: QWidget | None) -> None:
        """Open a dialog with the three lines of `error_text`; it does not block."""
        from desktop.ui.widgets.error_dialog import ErrorDialog

        ErrorDialog(self, self.error_text(error), parent).open()

    def _report_failure(self, error: BaseException, initiator: QObject | None) -> None:
        if as_user_facing(error) is None:
            _log.error("unexpected failure in a piece of work\n%s", describe(error))
        if isinstance(error, UserFacingError) and error.key == _DAMAGED and self._clinic is not None:
            self.damaged.emit(error)
            return
        parent = initiator if isinstance(initiator, QWidget) else None
        self.show_error(error, parent)


def as_user_facing(error: BaseException) -> UserFacingError | None:
    """The failure a person should read about, or None where it is our own mistake."""
    if isinstance(error, UserFacingError):
        return error
    if isinstance(error, MemoryError):
        return KnownFailure("ui.error.memory", kind=ErrorKind.IO)
    return from_os_error(error) if isinstance(error, OSError) else None
