"""What this PC remembers outside the encrypted store: language, theme, last clinic. Never anything about a patient.

May import `i18n` and `errors`.
"""

from desktop.settings.discretion import describe, speak_no_names
from desktop.settings.file import OwnKeys, OwnLayout, Settings, SettingsFile, Theme
from desktop.settings.places import Places, default_places, model_folder

__all__ = [
    "OwnKeys",
    "OwnLayout",
    "Places",
    "Settings",
    "SettingsFile",
    "Theme",
    "default_places",
    "describe",
    "model_folder",
    "speak_no_names",
]
