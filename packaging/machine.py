"""What Lantern needs from the operating system, how to notice that it is missing, and how to get it.

Only Linux leaves anything to do: PySide6 brings Qt, but not the shared libraries of the desktop that Qt opens.
The table was made with `ldd` over the installed Qt plugins on a bare Debian 12. Standard library only.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Purpose(Enum):
    """What a need is for; each command names the purposes it has."""

    INSTALL = "make a virtual environment"
    OFFSCREEN = "draw without a display"
    X11_WINDOW = "open a window"
    WAYLAND_WINDOW = "open a window on Wayland"
    TESTS = "run the tests"


class Kind(Enum):
    """How the presence of a need is probed."""

    LIBRARY = "shared library"
    PROGRAM = "program"
    MODULE = "Python module"
    HEADER = "C header"


HEADERS = Path("/usr/include")


@dataclass(frozen=True)
class Need:
    """One thing the machine must have: its name as probed, and the Debian package that brings it."""

    purpose: Purpose
    kind: Kind
    name: str
    package: str


NEEDS: tuple[Need, ...] = (
    # Debian splits venv's own pip out of Python.
    Need(Purpose.INSTALL, Kind.MODULE, "ensurepip", f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"),
    Need(Purpose.OFFSCREEN, Kind.LIBRARY, "libGL.so.1", "libgl1"),
    Need(Purpose.OFFSCREEN, Kind.LIBRARY, "libEGL.so.1", "libegl1"),
    Need(Purpose.OFFSCREEN, Kind.LIBRARY, "libglib-2.0.so.0", "libglib2.0-0"),
    Need(Purpose.OFFSCREEN, Kind.LIBRARY, "libgthread-2.0.so.0", "libglib2.0-0"),
    Need(Purpose.OFFSCREEN, Kind.LIBRARY, "libdbus-1.so.3", "libdbus-1-3"),
    Need(Purpose.OFFSCREEN, Kind.LIBRARY, "libfontconfig.so.1", "libfontconfig1"),
    Need(Purpose.OFFSCREEN, Kind.LIBRARY, "libxkbcommon.so.0", "libxkbcommon0"),
    Need(Purpose.X11_WINDOW, Kind.LIBRARY, "libxcb-cursor.so.0", "libxcb-cursor0"),
    Need(Purpose.X11_WINDOW, Kind.LIBRARY, "libxcb-icccm.so.4", "libxcb-icccm4"),
    Need(Purpose.X11_WINDOW, Kind.LIBRARY, "libxcb-keysyms.so.1", "libxcb-keysyms1"),
    Need(Purpose.X11_WINDOW, Kind.LIBRARY, "libxcb-shape.so.0", "libxcb-shape0"),
    Need(Purpose.X11_WINDOW, Kind.LIBRARY, "libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
    Need(Purpose.WAYLAND_WINDOW, Kind.LIBRARY, "libwayland-client.so.0", "libwayland-client0"),
    Need(Purpose.WAYLAND_WINDOW, Kind.LIBRARY, "libwayland-cursor.so.0", "libwayland-cursor0"),
    Need(Purpose.WAYLAND_WINDOW, Kind.LIBRARY, "libwayland-egl.so.1", "libwayland-egl1"),
    Need(Purpose.TESTS, Kind.PROGRAM, "pdftotext", "poppler-utils"),
    # Other people's DICOM programs, which tests/network and tests/intake talk with.
    Need(Purpose.TESTS, Kind.PROGRAM, "storescu", "dcmtk"),
    Need(Purpose.TESTS, Kind.PROGRAM, "Orthanc", "orthanc"),
    # Judges whether what we write is as the standard says; dcmtk reads it.
    Need(Purpose.TESTS, Kind.PROGRAM, "dciodvfy", "dicom3tools"),
    # tests/survival stands between Lantern and the disk with a small library of its own.
    Need(Purpose.TESTS, Kind.PROGRAM, "cc", "gcc"),
    Need(Purpose.TESTS, Kind.HEADER, "stdlib.h", "libc6-dev"),
)


def has_display(platform: str, environment: Mapping[str, str]) -> bool:
    """Whether a window can be shown. `platform` is sys.platform."""
    if not platform.startswith("linux"):
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def window_purposes(environment: Mapping[str, str]) -> frozenset[Purpose]:
    """What a Linux machine needs to show a window in this session, or to draw without one."""
    purposes = {Purpose.OFFSCREEN}
    if environment.get("DISPLAY"):
        purposes.add(Purpose.X11_WINDOW)
    elif environment.get("WAYLAND_DISPLAY"):
        purposes.add(Purpose.WAYLAND_WINDOW)
    return frozenset(purposes)


def present(need: Need) -> bool:
    """Probes one need the way the program itself will ask for it."""
    if need.kind is Kind.PROGRAM:
        return shutil.which(need.name) is not None
    if need.kind is Kind.MODULE:
        return importlib.util.find_spec(need.name) is not None
    if need.kind is Kind.HEADER:
        return (HEADERS / need.name).exists()
    try:
        ctypes.CDLL(need.name)
    except OSError:
        return False
    return True


def missing(
    purposes: Iterable[Purpose],
    *,
    platform: str = sys.platform,
    probe: Callable[[Need], bool] = present,
) -> tuple[Need, ...]:
    """The needs of these purposes that this machine lacks; always none off Linux."""
    if not platform.startswith("linux"):
        return ()
    wanted = frozenset(purposes)
    return tuple(need for need in NEEDS if need.purpose in wanted and not probe(need))


def packages(needs: Iterable[Need]) -> tuple[str, ...]:
    """The Debian packages that bring these needs, each once, in the table's order."""
    return tuple(dict.fromkeys(need.package for need in needs))


def install_commands(names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """The commands that install these packages as root on Debian and its kin.

    `dpkg --configure -a` comes first: after a power cut in the middle of an installation apt refuses everything
    until it has been run, and it does nothing on a healthy machine.
    """
    return (
        ("dpkg", "--configure", "-a"),
        ("apt-get", "update"),
        ("apt-get", "install", "--no-install-recommends", "-y", *names),
    )


def command_line(names: Iterable[str], *, sudo: bool) -> str:
    """The same as one line to type, for someone who is not root."""
    line = " && ".join(" ".join(command) for command in install_commands(names))
    return f"sudo sh -c '{line}'" if sudo else f"su -c '{line}'"


def is_root() -> bool:
    """Whether packages can be installed by this process (POSIX)."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


class MachineNotReady(Exception):
    """Something is missing that this process cannot install; the message says what to do."""


def ensure(purposes: Iterable[Purpose], say: Callable[[str], None]) -> None:
    """Installs what is missing (as root, with apt), or raises MachineNotReady with the exact command."""
    wanted = frozenset(purposes)
    needs = missing(wanted)
    if not needs:
        return
    names = packages(needs)
    listed = ", ".join(f"{need.name} ({need.purpose.value})" for need in needs)
    say(f"This computer lacks: {listed}")
    if shutil.which("apt-get") is None:
        raise MachineNotReady(
            "Install them with this system's package manager, then start this command again. "
            f"Their Debian packages: {' '.join(names)}"
        )
    if not is_root():
        line = command_line(names, sudo=shutil.which("sudo") is not None)
        raise MachineNotReady(f"Run this, then start the same command again:\n\n    {line}\n")
    _install(names, say)
    importlib.invalidate_caches()
    left = packages(missing(wanted))
    if left:
        raise MachineNotReady(f"Still missing after installation: {' '.join(left)}")


def _install(names: tuple[str, ...], say: Callable[[str], None]) -> None:
    """Runs the install commands, showing what they print; MachineNotReady where one fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in install_commands(names):
        say(" ".join(command))
        try:
            code = subprocess.call(command, env=environment, stdin=subprocess.DEVNULL)
        except OSError as error:
            raise MachineNotReady(f"{command[0]} could not be started: {error.strerror}") from error
        # An update that fails (no network) matters only if the packages cannot be had from what is known.
        if code != 0 and command[:2] != ("apt-get", "update"):
            raise MachineNotReady(f"'{' '.join(command)}' ended with code {code}; its words are above.")
