"""What every test stands on: real data by name, a home of its own, and silence as the norm.

Warnings and Qt warnings fail by configuration (pyproject.toml). Here a log record of WARNING or above fails
the test that caused it, unless the test said that it expects it:

    with expected_log("desktop.store", logging.WARNING, match="write-ahead log"):
        reopen_after_crash()
"""

from __future__ import annotations

import gc
import importlib.util
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.cheap_keys import make_cheap

REPOSITORY = Path(__file__).resolve().parents[1]
TORCH_PRESENT = importlib.util.find_spec("torch") is not None

# How fast a machine draws examples is no property of the code: a busy one must not fail.
settings.register_profile("lantern", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lantern")

# Read by Qt when the application object is built, so before any test runs.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

ExpectLog = Callable[..., AbstractContextManager[None]]


class LogGuard(logging.Handler):
    """Collects records of WARNING and above that no test has claimed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.unclaimed: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.unclaimed.append(record)

    @contextmanager
    def expected(self, logger: str, level: int = logging.WARNING, match: str = "") -> Iterator[None]:
        """Claims the records of `logger` (and below it) at `level` that match; there must be one."""
        start = len(self.unclaimed)
        yield
        seen = self.unclaimed[start:]
        claimed = [
            record
            for record in seen
            if (record.name == logger or record.name.startswith(f"{logger}."))
            and record.levelno == level
            and re.search(match, record.getMessage())
        ]
        if not claimed:
            pytest.fail(f"no {logging.getLevelName(level)} from {logger} matched {match!r}")
        self.unclaimed[start:] = [record for record in seen if record not in claimed]

    def report(self) -> str:
        """The unclaimed records, one a line; empty when all is well."""
        return "\n".join(f"{record.levelname} {record.name}: {record.getMessage()}" for record in self.unclaimed)


@pytest.fixture(autouse=True)
def _log_guard() -> Iterator[LogGuard]:
    guard = LogGuard()
    root = logging.getLogger()
    root.addHandler(guard)
    try:
        yield guard
    finally:
        root.removeHandler(guard)
    if guard.unclaimed:
        pytest.fail(f"unexpected log records:\n{guard.report()}", pytrace=False)


@pytest.fixture
def expected_log(_log_guard: LogGuard) -> ExpectLog:
    """`expected_log(logger, level, match=regex)`: the block must log such a record, and may."""
    return _log_guard.expected


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No test sees, or leaves anything in, the home of whoever runs it."""
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o700)
    places = {
        "HOME": home,
        "USERPROFILE": home,
        "APPDATA": home / "AppData" / "Roaming",
        "LOCALAPPDATA": home / "AppData" / "Local",
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_DATA_HOME": home / ".local" / "share",
        "XDG_STATE_HOME": home / ".local" / "state",
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_RUNTIME_DIR": home,
    }
    for name, place in places.items():
        monkeypatch.setenv(name, str(place))
    for name in [name for name in os.environ if name.startswith("LANTERN_") and name != "LANTERN_DATA"]:
        monkeypatch.delenv(name)
    return home


@pytest.fixture(scope="module", autouse=True)
def _what_stays() -> None:
    """What is loaded before the first test of a module is never garbage; leaving it out makes each collection, such as
    the one at every lock, cheap."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _quick_keys(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id at next to no cost, but for tests marked `full_keys`: another process refuses keys as cheap as these."""
    if request.node.get_closest_marker("full_keys") is None:
        make_cheap(monkeypatch)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real data: LANTERN_DATA, else `shared/data` beside the repository."""
    folder = Path(os.environ.get("LANTERN_DATA") or REPOSITORY.parent / "shared" / "data")
    if folder.is_dir():
        return folder
    reason = "no real data: put it at ../shared/data or name its folder in LANTERN_DATA"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without PyTorch its tests are skipped; each is named in the summary."""
    if TORCH_PRESENT:
        return
    for item in items:
        if item.get_closest_marker("torch"):
            item.add_marker(pytest.mark.skip(reason="PyTorch is not installed"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names each test that was skipped for want of PyTorch (pytest's own summary folds them)."""
    skipped = [
        report
        for report in terminalreporter.getreports("skipped")
        if isinstance(report, pytest.TestReport) and "torch" in report.keywords
    ]
    if not skipped or TORCH_PRESENT:
        return
    terminalreporter.section("skipped without PyTorch")
    for report in skipped:
        terminalreporter.line(report.nodeid)
