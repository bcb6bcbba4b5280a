"""Where things lie on this PC."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs

_NAME = "Lantern"


@dataclass(frozen=True)
class Places:
    """Folders of one installation. `LANTERN_HOME` puts all of them under one folder (tests, a USB stick)."""

    settings: Path
    clinics: Path
    logs: Path

    @property
    def clinic(self) -> Path:
        """The clinic's own store, unless another is named."""
        return self.clinics / "clinic"

    @property
    def demo_clinic(self) -> Path:
        """The demo clinic's store."""
        return self.clinics / "demo"

    @property
    def models(self) -> Path:
        """Models that were trained on this PC or brought to it."""
        return self.clinics.parent / "models"


def default_places() -> Places:
    """The folders the operating system means for such files, or those under `LANTERN_HOME`."""
    home = os.environ.get("LANTERN_HOME")
    if home:
        root = Path(home)
        return Places(settings=root / "settings.json", clinics=root / "clinics", logs=root / "logs")
    directories = platformdirs.PlatformDirs(_NAME, appauthor=False)
    return Places(
        settings=directories.user_config_path / "settings.json",
        clinics=directories.user_data_path / "clinics",
        logs=directories.user_log_path,
    )


def model_folder() -> Path:
    """Folder of the bundled models: beside the package in a checkout, inside it in an installed wheel."""
    if hasattr(sys, "_MEIPASS"):
        return Path(sys._MEIPASS) / "models"
    package = Path(__file__).resolve().parent.parent
    bundled = package / "_bundle" / "models"
    return bundled if bundled.is_dir() else package.parent / "models"
