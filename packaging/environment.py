"""The virtual environment in `.venv`: what is in it, whether that is still right, and how to make it so.

It is stamped last. Whatever ends an installation half-way (a power cut, a full disk, Ctrl-C) leaves no stamp,
and an environment without a valid stamp is built anew from nothing. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

STAMP_NAME = "lantern-stamp.json"
STAMP_FORMAT = 1
LOCK_NAME = ".venv.lock"


class Layer(Enum):
    """One lock file, in the order of installation."""

    CORE = "core"
    DEV = "dev"
    TORCH = "torch"


class InstallFailed(Exception):
    """pip or venv ended with an error; its own words are on the screen already."""


@dataclass(frozen=True)
class Stamp:
    """What an environment holds. Two equal stamps need no work.

    interpreter: kind, minor version, architecture and home of the Python it was made with. The patch version is
    left out on purpose: a security update of Python keeps the environment valid, and a clinic may be offline.
    place: where the environment lies; its scripts name that place, so a moved clone is built anew.
    project: SHA-256 of pyproject.toml, of which the installed command is made.
    locks: SHA-256 of each installed lock file by layer.
    """

    interpreter: str
    place: str
    project: str
    locks: tuple[tuple[str, str], ...]

    def to_json(self) -> str:
        """The text of the stamp file."""
        return json.dumps(
            {
                "format": STAMP_FORMAT,
                "interpreter": self.interpreter,
                "place": self.place,
                "project": self.project,
                "locks": dict(self.locks),
            },
            indent=2,
        )

    @classmethod
    def from_json(cls, text: str) -> Stamp:
        """Reads a stamp file; ValueError where it is torn or of another format."""
        data = json.loads(text)
        if not isinstance(data, dict) or data.get("format") != STAMP_FORMAT:
            raise ValueError("a stamp of another format")
        fields = [data.get(name) for name in ("interpreter", "place", "project")]
        locks = data.get("locks")
        if not all(isinstance(field, str) for field in fields) or not isinstance(locks, dict):
            raise ValueError("a torn stamp")
        interpreter, place, project = (str(field) for field in fields)
        return cls(interpreter, place, project, tuple((str(k), str(v)) for k, v in locks.items()))


class Work(Enum):
    """What an environment needs."""

    NOTHING = "nothing"
    PROJECT = "install the project again"
    ADD = "add layers"
    REBUILD = "build anew"


@dataclass(frozen=True)
class Plan:
    """The work to do and the layers to install (in order)."""

    work: Work
    layers: tuple[Layer, ...] = ()


def plan(found: Stamp | None, now: Stamp, wanted: Iterable[Layer]) -> Plan:
    """Decides from the stamp found (None: no usable one) and the stamp a full environment would have now.

    `now.locks` names every lock file of the clone. A rebuild brings back what was there before, so that `run`
    after `test` does not take the developer's tools away.
    """
    want = frozenset(wanted)
    locks_now = dict(now.locks)
    had: frozenset[Layer] = frozenset()
    usable = found is not None
    if found is not None:
        had = frozenset(layer for layer in Layer if layer.value in dict(found.locks))
        same_ground = (found.interpreter, found.place) == (now.interpreter, now.place)
        fresh = all(locks_now.get(name) == digest for name, digest in found.locks)
        usable = same_ground and fresh and Layer.CORE in had
    if not usable:
        # Torch is the one layer that may be impossible to get: it is asked for, never brought back.
        back = had - {Layer.TORCH}
        return Plan(Work.REBUILD, ordered(want | back))
    if want - had:
        return Plan(Work.ADD, ordered(want - had))
    if found is not None and found.project != now.project:
        return Plan(Work.PROJECT)
    return Plan(Work.NOTHING)


def ordered(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """The layers in the order of installation."""
    chosen = frozenset(layers)
    return tuple(layer for layer in Layer if layer in chosen)


def interpreter_name() -> str:
    """The running Python as a stamp names it."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return f"{sys.implementation.name}-{version} {platform.machine()} {sys.base_prefix}"


def python_in(folder: Path, *, windows: bool = os.name == "nt") -> Path:
    """The interpreter of a virtual environment."""
    return folder / "Scripts" / "python.exe" if windows else folder / "bin" / "python"


def digest(path: Path) -> str:
    """SHA-256 of a text file, the same for either way of ending lines (git may change them on Windows)."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def pip_install_command(python: Path, lock: Path) -> list[str]:
    """Installs exactly what a lock names: hashes checked, wheels only, nothing built here."""
    return [
        str(python),
        "-m",
        "pip",
        "install",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--no-input",
        "--disable-pip-version-check",
        "-r",
        str(lock),
    ]


def project_install_command(python: Path, root: Path) -> list[str]:
    """Installs this clone itself, editable, with the locked build tools."""
    words = ["install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    return [str(python), "-m", "pip", *words, "-e", str(root)]


@contextmanager
def alone(path: Path, say: Callable[[str], None]) -> Iterator[int]:
    """Waits until no other start is at work in this clone; yields the descriptor that holds the lock.

    The operating system lets go of the lock when its last holder ends, however it ends.
    """
    with path.open("ab") as file:
        if not _try_lock(file.fileno()):
            say("Another start is still installing here; waiting for it to end")
            while not _try_lock(file.fileno()):
                time.sleep(0.2)
        yield file.fileno()


def _try_lock(descriptor: int) -> bool:
    """Takes the lock if it is free."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class Environment:
    """The virtual environment of one clone."""

    root: Path

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return python_in(self.folder)

    def lock(self, layer: Layer) -> Path:
        """The lock file of a layer."""
        return self.root / "packaging" / f"{layer.value}.txt"

    def stamp_now(self) -> Stamp:
        """The stamp of an environment that held every layer as locked today."""
        return Stamp(
            interpreter=interpreter_name(),
            place=str(self.folder),
            project=digest(self.root / "pyproject.toml"),
            locks=tuple((layer.value, digest(self.lock(layer))) for layer in Layer),
        )

    def stamp_found(self) -> Stamp | None:
        """The stamp on disk; None where there is none that can be trusted."""
        if not self.python.exists():
            return None
        try:
            return Stamp.from_json((self.folder / STAMP_NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def ensure(self, wanted: Sequence[Layer], say: Callable[[str], None]) -> frozenset[Layer]:
        """Makes the environment hold these layers and returns what it holds; InstallFailed where it cannot.

        Torch alone may stay away: the CPU build for Linux is not in the usual index.
        """
        found = self.stamp_found()
        if found is None or plan(found, self.stamp_now(), wanted).work is not Work.NOTHING:
            with alone(self.root / LOCK_NAME, say) as held:
                self._mend(wanted, say, held)
            found = self.stamp_found()
        return frozenset(Layer(name) for name, _ in found.locks) if found is not None else frozenset()

    def _mend(self, wanted: Sequence[Layer], say: Callable[[str], None], held: int) -> None:
        """Does the work that is needed now that nobody else does any; `held` is the descriptor of the lock."""
        found, now = self.stamp_found(), self.stamp_now()
        todo = plan(found, now, wanted)
        if todo.work is Work.NOTHING:
            return
        layers = {name for name, _ in found.locks} if found is not None and todo.work is not Work.REBUILD else set()
        (self.folder / STAMP_NAME).unlink(missing_ok=True)
        if todo.work is Work.REBUILD:
            say(f"Making a virtual environment in {self.folder}")
            self._run([base_python(), "-m", "venv", "--clear", str(self.folder)], held)
        for layer in todo.layers:
            say(f"Installing the packages of packaging/{layer.value}.txt (this can take some minutes)")
            try:
                self._run(pip_install_command(self.python, self.lock(layer)), held)
            except InstallFailed:
                if layer is not Layer.TORCH:
                    raise
            else:
                layers.add(layer.value)
        say("Installing Lantern itself")
        self._run(project_install_command(self.python, self.root), held)
        self._write_stamp(now, layers)

    def _run(self, command: Sequence[str], held: int) -> None:
        """Runs one step with its output on the screen; InstallFailed where it ends with an error.

        The step holds the lock too: if this process is killed, the next start waits for the step to end.
        """
        inherited = () if os.name == "nt" else (held,)
        code = subprocess.call(command, cwd=self.root, stdin=subprocess.DEVNULL, pass_fds=inherited)
        if code != 0:
            raise InstallFailed(" ".join(command[:4]))

    def _write_stamp(self, now: Stamp, held: Iterable[str]) -> None:
        """Writes the stamp as the last deed, whole or not at all, after everything else is on the disk."""
        names = frozenset(held)
        stamp = Stamp(now.interpreter, now.place, now.project, tuple(p for p in now.locks if p[0] in names))
        if hasattr(os, "sync"):
            os.sync()
        temporary = self.folder / f"{STAMP_NAME}.new"
        with temporary.open("w", encoding="utf-8") as file:
            file.write(stamp.to_json())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.folder / STAMP_NAME)


def base_python() -> str:
    """The Python that environments are made with: never the one inside `.venv`, which a rebuild deletes."""
    return str(getattr(sys, "_base_executable", "") or sys.executable)
