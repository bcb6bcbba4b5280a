"""Building the shim, and running scenarios under it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path(__file__).with_name("shim.c")


def compiler() -> str | None:
    """The system's C compiler, on the one system whose loader knows LD_PRELOAD as we use it."""
    return shutil.which("cc") if sys.platform.startswith("linux") else None


def build_shim(folder: Path) -> Path:
    """Compile the shim. Raises CalledProcessError."""
    library = folder / "shim.so"
    cc = compiler()
    assert cc is not None
    command = [cc, "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(library), str(SOURCE)]
    subprocess.run([*command, "-lpthread"], check=True)
    return library


@dataclass(frozen=True)
class Strike:
    """What the shim is to do at the `at`-th counted call (from 1).

    calls: letters as in `disk.What`. file: part of the path, empty for any. kill: SIGKILL, after the call or before
    it; else the call fails with `error`, and with `forever` every counted call from then on.
    """

    calls: str
    at: int
    error: int = 0
    forever: bool = False
    kill: bool = False
    after: bool = False
    file: str = ""


@dataclass(frozen=True)
class Run:
    """How a run ended. ended: exit status, negative for a signal. seen: counted calls. failure: what the command that
    failed said; None if none did. left_open: files on the disk that were still open at the end."""

    folder: Path
    ended: int
    said: bytes
    errors: str
    log: Path | None
    codes: tuple[int, ...] = ()
    failure: list[dict[str, Any]] | None = None
    seen: int = 0
    left_open: int = 0


class Recorder:
    """The driver, running under the shim. Close it."""

    def __init__(self, shim: Path, scratch: Path) -> None:
        self._scratch = scratch
        self._number = 0
        self._prepared: dict[str, Path] = {}
        environment = {**os.environ, "LD_PRELOAD": str(shim), "PYTHONPATH": str(ROOT)}
        self._driver = subprocess.Popen(
            [sys.executable, "-m", "tests.survival.driver", str(_made(scratch))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the driver go."""
        for stream in (self._driver.stdin, self._driver.stdout):
            if stream is not None:
                stream.close()
        self._driver.wait()

    def run(
        self,
        scenario: str,
        *,
        record: bool = False,
        strike: Strike | None = None,
        synchronous: str = "",
        tries: int = 1,
        room_after: int = 0,
    ) -> Run:
        """Perform a scenario on a fresh copy of what it prepares.

        tries: how often whoever works there tries a thing that fails. room_after: after so many failures of a thing
        no call fails any more; 0: they go on failing.
        """
        place = self._place()
        shutil.copytree(self._ground(scenario), place / "disk")
        if record:
            shutil.copytree(place / "disk", place / "before")
        job: dict[str, Any] = {
            "phase": "perform",
            "scenario": scenario,
            "folder": str(place / "disk"),
            "inputs": str(_made(place / "inputs")),
            "acknowledged": str(place / "said"),
            "errors": str(place / "errors"),
            "result": str(place / "result"),
            "log": str(place / "log") if record else "",
            "synchronous": synchronous,
            "tries": tries,
            "room_after": room_after,
            "arm": asdict(strike) if strike else None,
        }
        ended = self._ask(job)["ended"]
        errors = (place / "errors").read_text(encoding="utf-8", errors="replace")
        if ended > 0:
            raise AssertionError(f"the scenario itself failed:\n{errors}")
        result = json.loads((place / "result").read_text(encoding="utf-8")) if ended == 0 else {}
        return Run(
            place / "disk",
            ended,
            (place / "said").read_bytes(),
            errors,
            place / "log" if record else None,
            tuple(result.get("codes", ())),
            result.get("failure"),
            result.get("seen", 0),
            result.get("left_open", 0),
        )

    def faults(self, scenario: str, run: Run, *, state: Path | None = None, live_on: bool = False) -> list[str]:
        """Everything that is not as promised in what a disturbed run left, or in a state laid out from its log."""
        job = {
            "phase": "judge",
            "folder": str(state or run.folder),
            "said": [str(place.parent / "said") for place in (self._ground(scenario), run.folder)],
            "live_on": live_on,
        }
        found: list[str] = self._ask(job)["faults"]
        return found

    def forget(self, run: Run) -> None:
        """Remove what a run left."""
        shutil.rmtree(run.folder.parent)

    def _ground(self, scenario: str) -> Path:
        """The folder that a scenario starts from, laid once."""
        if scenario not in self._prepared:
            place = self._place()
            folder = _made(place / "disk")
            said = place / "said"
            job = {
                "phase": "prepare",
                "scenario": scenario,
                "folder": str(folder),
                "inputs": str(_made(place / "inputs")),
                "acknowledged": str(said),
            }
            self._ask(job)
            self._prepared[scenario] = folder
        return self._prepared[scenario]

    def prepared_words(self, scenario: str) -> bytes:
        """What was acknowledged while the ground was laid."""
        return (self._ground(scenario).parent / "said").read_bytes()

    def _ask(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self._driver.stdin is not None
        assert self._driver.stdout is not None
        self._driver.stdin.write(json.dumps(job) + "\n")
        self._driver.stdin.flush()
        line = self._driver.stdout.readline()
        if not line:
            raise AssertionError("the driver ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _place(self) -> Path:
        self._number += 1
        return _made(self._scratch / f"{self._number}")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def fast_folder(slow: Path) -> Iterator[Path]:
    """A folder in memory where there is one: thousands of states are laid out, read and thrown away."""
    import tempfile

    memory = Path("/dev/shm")
    base = memory if memory.is_dir() and os.access(memory, os.W_OK) else slow
    with tempfile.TemporaryDirectory(prefix="lantern-survival-", dir=base) as folder:
        yield Path(folder)
