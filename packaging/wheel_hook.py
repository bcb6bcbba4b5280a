"""Build hook for hatchling: an installed Lantern carries its resources and models inside the package.

A wheel gets `resources/` and `models/` under `desktop/_bundle/`. An editable install gets neither: it reads
the folders of the clone, and a copy beside them would go stale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLED = ("resources", "models")


class BundleHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's generic has no public argument
    """Adds the data folders to a standard wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files; `version` is "standard" or "editable"."""
        if version != "standard":
            return
        for name in BUNDLED:
            folder = Path(self.root) / name
            if folder.is_dir():
                build_data["force_include"][str(folder)] = f"desktop/_bundle/{name}"
