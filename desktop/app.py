"""Builds every long-lived object once and hands them to the window.

May import everything below it; nothing but `__main__` imports it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from desktop import workflow
from desktop.jobs import Pools
from desktop.settings import Places, SettingsFile, default_places


@dataclass(frozen=True, eq=False)
class Parts:
    """What lives as long as the program."""

    pools: Pools
    places: Places
    settings_file: SettingsFile
    registry: workflow.Registry


def build(places: Places) -> Parts:
    """Everything the window needs; cheap, because models and libraries are loaded when they are first used."""
    models = workflow.load_models(workflow.library_in(places.models))
    return Parts(Pools(), places, SettingsFile(places.settings), models)


def _with_parts(places: Places, show: Callable[..., int]) -> int:
    """Hand the parts to one of `ui.application`'s functions and put them away afterwards."""
    parts = build(places)
    try:
        return show(pools=parts.pools, places=parts.places, settings_file=parts.settings_file, registry=parts.registry)
    finally:
        parts.pools.close()
        parts.registry.close()


def run_window() -> int:
    """Open the window and stay until it is closed."""
    from desktop.ui import application

    return _with_parts(default_places(), application.run)


def run_tour(out: Path) -> int:
    """Do the main job off-screen on a demo clinic of its own; leaves the report and screenshots in a folder."""
    from desktop.ui import application

    return _with_parts(_scratch_places(out), partial(application.tour, out))


def run_screenshots(out: Path) -> int:
    """Draw every screen off-screen on a demo clinic of its own."""
    from desktop.ui import application

    return _with_parts(_scratch_places(out), partial(application.screenshots, out))


def _scratch_places(out: Path) -> Places:
    """A home of its own below the output folder: the person's clinic and settings are left alone."""
    home = out / "home"
    home.mkdir(parents=True, exist_ok=True)
    return Places(settings=home / "settings.json", clinics=home / "clinics", logs=home / "logs")
