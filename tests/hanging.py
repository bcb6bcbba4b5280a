"""A share whose server is gone: whoever asks for something on it waits."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


class Hanging:
    """Every question about a path in or below a folder blocks until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place: Path | None = None
        self.asked = 0
        self._answering = threading.Event()
        monkeypatch.setattr(Path, "stat", self._blocking(Path.stat))
        monkeypatch.setattr(Path, "open", self._blocking(Path.open))

    def _blocking(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Path, *args: Any, **kwargs: Any) -> Any:
            if self.place is not None and path.is_relative_to(self.place):
                self.asked += 1
                self._answering.wait()
            return real(path, *args, **kwargs)

        return call

    def let_go(self) -> None:
        self._answering.set()
