"""What the machine lacks is named, and installed only where that is possible."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence

import machine
import pytest
from machine import Kind, Need, Purpose

LIBRARY = Need(Purpose.OFFSCREEN, Kind.LIBRARY, "libnowhere.so.7", "libnowhere7")


def nothing_there(_need: Need) -> bool:
    return False


@pytest.mark.parametrize(
    ("platform", "environment", "shown"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("win32", {}, True),
        ("darwin", {}, True),
    ],
)
def test_display(platform: str, environment: dict[str, str], shown: bool) -> None:
    assert machine.has_display(platform, environment) is shown


def test_a_window_needs_the_libraries_of_its_display() -> None:
    assert machine.window_purposes({}) == {Purpose.OFFSCREEN}
    assert machine.window_purposes({"DISPLAY": ":0"}) == {Purpose.OFFSCREEN, Purpose.X11_WINDOW}
    both = {"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}
    assert machine.window_purposes(both) == {Purpose.OFFSCREEN, Purpose.X11_WINDOW}
    only_wayland = {"WAYLAND_DISPLAY": "wayland-0"}
    assert machine.window_purposes(only_wayland) == {Purpose.OFFSCREEN, Purpose.WAYLAND_WINDOW}


def test_a_bare_debian_lacks_what_was_measured_there() -> None:
    lacks = machine.missing({Purpose.OFFSCREEN}, platform="linux", probe=nothing_there)
    assert set(machine.packages(lacks)) == {
        "libgl1",
        "libegl1",
        "libglib2.0-0",
        "libdbus-1-3",
        "libfontconfig1",
        "libxkbcommon0",
    }
    lacks = machine.missing({Purpose.X11_WINDOW}, platform="linux", probe=nothing_there)
    assert {"libxcb-cursor0", "libxcb-icccm4", "libxcb-keysyms1", "libxcb-shape0", "libxkbcommon-x11-0"} <= set(
        machine.packages(lacks)
    )


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_other_systems_lack_nothing(platform: str) -> None:
    assert machine.missing(Purpose, platform=platform, probe=nothing_there) == ()


def test_each_kind_is_probed() -> None:
    assert machine.present(Need(Purpose.TESTS, Kind.MODULE, "venv", "x"))
    assert not machine.present(Need(Purpose.TESTS, Kind.MODULE, "no_such_module_here", "x"))
    assert not machine.present(Need(Purpose.TESTS, Kind.PROGRAM, "no-such-program-here", "x"))
    assert not machine.present(Need(Purpose.TESTS, Kind.HEADER, "no-such-header-here.h", "x"))
    assert not machine.present(LIBRARY)


def test_a_broken_installation_is_mended_before_anything_else() -> None:
    commands = machine.install_commands(["libgl1"])
    assert commands[0] == ("dpkg", "--configure", "-a")
    assert commands[-1] == ("apt-get", "install", "--no-install-recommends", "-y", "libgl1")


def test_the_line_to_type_is_exact() -> None:
    line = "dpkg --configure -a && apt-get update && apt-get install --no-install-recommends -y libgl1 libegl1"
    assert machine.command_line(["libgl1", "libegl1"], sudo=True) == f"sudo sh -c '{line}'"
    assert machine.command_line(["libgl1", "libegl1"], sudo=False) == f"su -c '{line}'"


class TestEnsure:
    """`ensure` on a machine that lacks one library."""

    @pytest.fixture(autouse=True)
    def _lacking(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lacking = True
        self.ran: list[tuple[str, ...]] = []
        self.codes: dict[str, int] = {}
        monkeypatch.setattr(machine, "missing", lambda _purposes: (LIBRARY,) if self.lacking else ())
        monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
        monkeypatch.setattr(machine, "is_root", lambda: True)
        monkeypatch.setattr("subprocess.call", self.call)

    def call(self, command: Sequence[str], **_options: object) -> int:
        self.ran.append(tuple(command))
        code = self.codes.get(command[1], 0)
        if command[:2] == ("apt-get", "install") and code == 0:
            self.lacking = False
        return code

    def test_root_installs(self) -> None:
        said: list[str] = []
        machine.ensure({Purpose.OFFSCREEN}, said.append)
        assert self.ran == list(machine.install_commands(["libnowhere7"]))
        assert "libnowhere.so.7" in said[0]

    def test_nobody_else_installs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(machine, "is_root", lambda: False)
        with pytest.raises(machine.MachineNotReady) as problem:
            machine.ensure({Purpose.OFFSCREEN}, lambda _text: None)
        assert machine.command_line(["libnowhere7"], sudo=True) in str(problem.value)
        assert not self.ran

    def test_without_apt_the_packages_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("shutil.which", lambda _name: None)
        with pytest.raises(machine.MachineNotReady, match="libnowhere7"):
            machine.ensure({Purpose.OFFSCREEN}, lambda _text: None)
        assert not self.ran

    def test_a_failed_installation_says_so(self) -> None:
        self.codes["install"] = 100
        with pytest.raises(machine.MachineNotReady, match="code 100"):
            machine.ensure({Purpose.OFFSCREEN}, lambda _text: None)

    def test_a_failed_update_alone_is_no_failure(self) -> None:
        self.codes["update"] = 100
        machine.ensure({Purpose.OFFSCREEN}, lambda _text: None)
        assert not self.lacking

    def test_an_installation_that_changes_nothing_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("subprocess.call", lambda _command, **_options: 0)
        with pytest.raises(machine.MachineNotReady, match="Still missing"):
            machine.ensure({Purpose.OFFSCREEN}, lambda _text: None)


def test_nothing_runs_where_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[Purpose]] = []
    started: list[object] = []
    said: list[str] = []

    def missing(purposes: Iterable[Purpose]) -> tuple[Need, ...]:
        asked.append(set(purposes))
        return ()

    monkeypatch.setattr(machine, "missing", missing)
    monkeypatch.setattr(subprocess, "call", lambda *arguments, **_options: started.append(arguments))
    machine.ensure(Purpose, said.append)
    assert asked == [set(Purpose)]
    assert (started, said) == ([], [])
