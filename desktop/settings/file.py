"""The settings file: strict when written, forgiving when read."""

import json
import os
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from desktop.i18n import Language


class Theme(StrEnum):
    """Looks of the window."""

    LIGHT = "light"
    DARK = "dark"
    HIGH_CONTRAST = "high_contrast"


@dataclass(frozen=True)
class OwnKeys:
    """The keys somebody chose for a command. action: its id. keys: portable text such as `Ctrl+N`; empty for none."""

    action: str
    keys: str


@dataclass(frozen=True)
class OwnLayout:
    """How somebody looks at pictures of one kind. user: whose choice, an id. kind, part: of what, as slugs such as
    `x_ray` and `CHEST`; an empty part is one the files do not name. earlier: where there is an earlier one to compare
    with. rows, columns: of panes, 1 to 3. linked: whether they move together."""

    user: str
    kind: str
    part: str
    earlier: bool
    rows: int
    columns: int
    linked: bool = True

    def __post_init__(self) -> None:
        if not (1 <= self.rows <= 3 and 1 <= self.columns <= 3):
            raise ValueError("a layout has one to three rows and columns")


@dataclass(frozen=True)
class Settings:
    """One PC's choices. idle_minutes: minutes without a key or click before the clinic locks itself, 1 to 60.

    pixels_per_mm: logical pixels in a millimetre of this PC's screen, as somebody found with a ruler. hidden_corners:
    whose words over a film are not wanted (0 top left, 1 top right, 2 bottom left, 3 bottom right). own_keys: where
    somebody gave a command other keys than ours. own_layouts: what people chose by hand, one for each kind of picture.
    """

    language: Language | None = None
    theme: Theme = Theme.DARK
    idle_minutes: int = 5
    last_user: str = ""
    last_clinic: str = ""
    pixels_per_mm: float | None = None
    hidden_corners: tuple[int, ...] = ()
    own_keys: tuple[OwnKeys, ...] = ()
    own_layouts: tuple[OwnLayout, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.idle_minutes <= 60:
            raise ValueError("idle_minutes must be 1 to 60")


@dataclass(frozen=True)
class SettingsFile:
    """Reads and writes `Settings` at a path."""

    path: Path

    def load(self) -> Settings:
        """The stored settings; defaults for whatever is missing or unreadable (they are only conveniences)."""
        try:
            raw = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return Settings()
        if not isinstance(raw, dict):
            return Settings()
        defaults = Settings()
        try:
            language = Language(raw["language"]) if raw.get("language") else None
            return Settings(
                language=language,
                theme=Theme(raw.get("theme", defaults.theme)),
                idle_minutes=int(raw.get("idle_minutes", defaults.idle_minutes)),
                last_user=str(raw.get("last_user", "")),
                last_clinic=str(raw.get("last_clinic", "")),
                pixels_per_mm=float(raw["pixels_per_mm"]) if raw.get("pixels_per_mm") else None,
                hidden_corners=tuple(int(corner) for corner in raw.get("hidden_corners", ())),
                own_keys=tuple(OwnKeys(str(own["action"]), str(own["keys"])) for own in raw.get("own_keys", ())),
                own_layouts=tuple(_own_layout(own) for own in raw.get("own_layouts", ())),
            )
        except (ValueError, TypeError, KeyError):
            return defaults

    def save(self, settings: Settings) -> None:
        """Write atomically: a power cut leaves the old file or the new one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".new")
        with temporary.open("w", encoding="utf-8") as stream:
            json.dump(asdict(settings), stream, ensure_ascii=False, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self.path)


def _own_layout(raw: dict[str, object]) -> OwnLayout:
    """Raises KeyError, TypeError or ValueError where it is not one."""
    rows, columns = raw["rows"], raw["columns"]
    if not isinstance(rows, int) or not isinstance(columns, int):
        raise TypeError("rows and columns are numbers")
    user, kind, part = (str(raw[name]) for name in ("user", "kind", "part"))
    return OwnLayout(user, kind, part, bool(raw["earlier"]), rows, columns, bool(raw.get("linked", True)))
