"""The command line of packaging/dev.py."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import dev
import pytest
from environment import Environment, InstallFailed, Layer
from machine import MachineNotReady, Purpose


class Recorder:
    """Stands in for machine, environment and the programs started in it."""

    def __init__(self) -> None:
        self.purposes: set[Purpose] = set()
        self.layers: set[Layer] = set()
        self.started: list[tuple[str, ...]] = []
        self.beside: list[tuple[str, ...]] = []
        self.platforms: list[str | None] = []
        self.environments: list[Mapping[str, str]] = []
        self.codes: dict[str, int] = {}
        self.held: frozenset[Layer] = frozenset(Layer)

    def prepare(self, _session: dev.Session, purposes: Iterable[Purpose], *layers: Layer) -> frozenset[Layer]:
        self.purposes, self.layers = set(purposes), set(layers)
        return self.held

    def python(
        self, _session: dev.Session, arguments: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> int:
        self.started.append(tuple(arguments))
        self.platforms.append((environment or {}).get("QT_QPA_PLATFORM"))
        self.environments.append(environment or {})
        return self.codes.get(arguments[1], 0)

    def aside(self, _session: dev.Session, arguments: Sequence[str]) -> tuple[int, str]:
        self.beside.append(tuple(arguments))
        return self.codes.get(arguments[1], 0), f"what {arguments[1]} said"


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    result = Recorder()
    monkeypatch.setattr(dev.Session, "prepare", lambda *words: result.prepare(*words))
    monkeypatch.setattr(dev.Session, "python", lambda *words: result.python(*words))
    monkeypatch.setattr(dev.Session, "aside", lambda *words: result.aside(*words))
    return result


def test_run_opens_the_window(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "has_display", lambda *_words: True)
    assert dev.main(["run"]) == 0
    assert recorder.started == [("-m", "desktop")]
    assert recorder.platforms == [None]
    assert recorder.layers == set(), "run needs neither tools nor torch"


def test_run_without_a_display_leaves_its_work_outside_the_clone(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "has_display", lambda *_words: False)
    assert dev.main(["run"]) == 0
    (arguments,) = recorder.started
    assert arguments[:3] == ("-m", "desktop", "--tour")
    out = Path(arguments[3])
    assert out.is_dir()
    assert not out.is_relative_to(dev.ROOT)
    assert recorder.platforms == ["offscreen"]
    assert str(out) in capsys.readouterr().out


def test_test_runs_every_check_and_pytest(recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(["test", "-k", "one thing"]) == 0
    assert recorder.started[:-1] == [step.arguments for step in dev.QUICK_CHECKS]
    assert recorder.beside == [step.arguments for step in dev.SLOW_CHECKS]
    assert "what mypy said" not in capsys.readouterr().out
    assert recorder.started[-1][1] == "pytest"
    assert recorder.started[-1][-2:] == ("-k", "one thing")
    assert recorder.platforms[-1] == "offscreen"
    assert recorder.environments[-1]["OMP_WAIT_POLICY"] == "PASSIVE", "each core has a process of its own to run"
    assert recorder.layers == {Layer.DEV, Layer.TORCH}
    assert Purpose.TESTS in recorder.purposes


@pytest.mark.parametrize("broken", ["ruff", "mypy", "pytest"])
def test_one_failed_check_fails_the_test_command(recorder: Recorder, broken: str) -> None:
    recorder.codes[broken] = 3
    assert dev.main(["test"]) != 0
    assert recorder.started[-1][1] == "pytest", "the tests run all the same"


def test_what_a_check_beside_the_tests_found_is_shown_after_them(
    recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.codes["mypy"] = 1
    assert dev.main(["test"]) == 1
    shown = capsys.readouterr().out
    assert "what mypy said" in shown
    assert shown.splitlines()[-1].endswith("FAILED: mypy --strict")


def test_lines_are_counted_only_where_that_is_asked(recorder: Recorder) -> None:
    """Counting takes a quarter of the time of the tests."""
    assert dev.main(["test"]) == 0
    assert not any(word.startswith("--cov") for word in recorder.started[-1])
    assert dev.main(["test", "--cov"]) == 0
    assert recorder.started[-1][-1] == "--cov"


def test_without_torch_it_says_how_to_get_it(recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    recorder.held = frozenset({Layer.CORE, Layer.DEV})
    assert dev.main(["test"]) == 0
    assert dev.TORCH_ADVICE in capsys.readouterr().out


def test_bench_shows_the_figures(recorder: Recorder) -> None:
    assert dev.main(["bench"]) == 0
    assert "-s" in recorder.started[-1]
    assert "tests/benchmarks" in recorder.started[-1]


def test_screenshots(recorder: Recorder, tmp_path: Path) -> None:
    assert dev.main(["screenshots", str(tmp_path)]) == 0
    assert recorder.started == [("-m", "desktop", "--screenshots", str(tmp_path))]
    assert recorder.platforms == ["offscreen"]


@pytest.mark.parametrize("words", [[], ["fly"], ["run", "--fast"], ["screenshots"], ["lock", "now"]])
def test_a_wrong_command_line_is_code_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        dev.main(words)
    assert end.value.code == 2


@pytest.mark.parametrize("problem", [MachineNotReady("type this: apt-get"), InstallFailed("pip")])
def test_what_cannot_be_done_is_said_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], problem: Exception
) -> None:
    def refuse(*_words: object) -> frozenset[Layer]:
        raise problem

    monkeypatch.setattr(dev.Session, "prepare", refuse)
    assert dev.main(["run"]) == 1
    shown = capsys.readouterr()
    assert str(problem) in shown.err
    assert "Traceback" not in shown.err


def test_an_old_python_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.version_info", (3, 9, 2, "final", 0))
    assert dev.main(["run"]) == 1
    assert "3.9.2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, "home/.local/share"),
        ("linux", {"XDG_DATA_HOME": "data"}, "data"),
        ("darwin", {}, "home/Library/Application Support"),
        ("win32", {}, "home/AppData/Local"),
        ("win32", {"LOCALAPPDATA": "local"}, "local"),
    ],
)
def test_data_folder(platform: str, environment: dict[str, str], expected: str) -> None:
    assert dev.data_folder(platform, environment, Path("home")) == Path(expected)


def test_listing_names_the_report_first(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    for name in ("1-start.png", "report.pdf", "film.dcm", "home/inside.png"):
        (tmp_path / name).write_bytes(b"x")
    first, second = dev.listing(tmp_path)
    assert "report.pdf" in first
    assert "1-start.png" in second


def test_every_command_is_offered() -> None:
    for name in dev.COMMANDS:
        arguments, _rest = dev.parse([name, "OUT"] if name == "screenshots" else [name])
        assert arguments.command == name


def test_session_starts_the_environments_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[Sequence[str]] = []

    def call(command: Sequence[str], **_options: object) -> int:
        started.append(command)
        return 7

    monkeypatch.setattr("subprocess.call", call)
    session = dev.Session(Environment(tmp_path))
    assert session.python(["-m", "desktop"]) == 7
    assert started == [[str(session.environment.python), "-m", "desktop"]]


@pytest.mark.skipif(sys.platform == "win32", reason="priorities are classes there, not numbers")
def test_a_check_beside_the_tests_gives_way_and_is_heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Environment, "python", Path(sys.executable))
    code = "import os, sys; print(os.nice(0), file=sys.stderr); sys.exit(3)"
    ended, said = dev.Session(Environment(tmp_path)).aside(["-c", code])
    assert ended == 3
    assert int(said) > os.nice(0)
