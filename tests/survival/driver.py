"""The process that is recorded: started once under the shim, so that a run costs no start-up.

Reads one JSON job a line from standard input and answers each with a line. Runs in this process itself; only one that
is to be killed gets a child of its own, since a child copies every page it touches, which costs more than the run. It
judges too, unwatched: here coverage is not measured and little lies in memory for the garbage collector to go through.
Settings that only make tests quick: Argon2id at next to no cost, and no models.
"""

import contextlib
import ctypes
import gc
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from desktop import workflow
from desktop.store import database
from tests.survival.desk import CommandFailed, Desk
from tests.survival.judging import faults
from tests.survival.promises import Promises
from tests.survival.quick_keys import make_keys_quick
from tests.survival.scenarios import SCENARIOS


def serve() -> None:
    """Answer jobs until standard input ends."""
    for line in sys.stdin:
        job = json.loads(line)
        answer = _PHASES[job["phase"]](job)
        print(json.dumps(answer), flush=True)


def _prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Lay the ground, unwatched."""
    with _written_to(1, job["acknowledged"]):
        SCENARIOS[job["scenario"]].prepare(Desk(Path(job["folder"]), Path(job["inputs"])))
    _settle()
    return {}


def _settle() -> None:
    """What is there by now stays: collecting garbage passes it over from now on."""
    gc.collect()
    gc.freeze()


def _judge(job: dict[str, Any]) -> dict[str, Any]:
    """faults: what is not as promised in a folder that a disturbed run left."""
    promises = Promises()
    for said in job["said"]:
        promises.hear(Path(said).read_bytes())
    return {"faults": faults(Path(job["folder"]), promises, 0, None, live_on=job["live_on"])}


def _perform(job: dict[str, Any]) -> dict[str, Any]:
    """One run. ended: exit status, 70 for a mistake in the scenario, negative for a signal."""
    if not (job["arm"] and job["arm"]["kill"]):
        return {"ended": _run(job)}
    child = os.fork()
    if child == 0:
        os._exit(_run(job))
    _, status = os.waitpid(child, 0)
    return {"ended": os.waitstatus_to_exitcode(status)}


def _run(job: dict[str, Any]) -> int:
    with _written_to(1, job["acknowledged"]), _written_to(2, job["errors"]):
        try:
            _work(job)
        except BaseException:  # told to whoever asked for the run
            traceback.print_exc()
            return 70
        finally:
            _SHIM.survival_begin(b"", b"")
    return 0


def _work(job: dict[str, Any]) -> None:
    def make_room(failures: int) -> None:
        if failures == job["room_after"]:
            _SHIM.survival_relent()

    desk = Desk(Path(job["folder"]), Path(job["inputs"]), tries=job["tries"], on_failure=make_room)
    _SHIM.survival_begin(job["folder"].encode(), job["log"].encode())
    if arm := job["arm"]:
        _SHIM.survival_arm(
            int(arm["kill"]),
            int(arm["after"]),
            int(arm["forever"]),
            int(arm["error"]),
            ctypes.c_long(arm["at"]),
            arm["calls"].encode(),
            arm["file"].encode(),
        )
    failure = None
    with _weakened(job["synchronous"]):
        try:
            SCENARIOS[job["scenario"]].perform(desk)
        except CommandFailed as error:
            failure = error.answers
    result = {
        "codes": desk.codes,
        "failure": failure,
        "seen": _SHIM.survival_seen(),
        "left_open": _SHIM.survival_open_files(),
    }
    Path(job["result"]).write_text(json.dumps(result), encoding="utf-8")


@contextlib.contextmanager
def _written_to(descriptor: int, path: str) -> Iterator[None]:
    """What is written to a standard stream goes to the end of a file."""
    kept = os.dup(descriptor)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, descriptor)
    os.close(file)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, descriptor)
        os.close(kept)


@contextlib.contextmanager
def _weakened(synchronous: str) -> Iterator[None]:
    """Let SQLite promise less than it should; empty: as much as Lantern asks of it."""
    real = database.connect

    def connect(*arguments: Any, **options: Any) -> Any:
        connection = real(*arguments, **options)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        return connection

    if synchronous:
        database.connect = connect  # the same call, with one setting changed after it
    try:
        yield
    finally:
        database.connect = real


_SHIM = ctypes.CDLL(None)
_PHASES = {"prepare": _prepare, "perform": _perform, "judge": _judge}

if __name__ == "__main__":
    _SHIM.survival_seen.restype = ctypes.c_long
    make_keys_quick()
    tempfile.tempdir = sys.argv[1]
    no_models = workflow.Registry([])
    workflow.load_models = lambda library=None: no_models  # the model's start is not what is tested
    _settle()
    serve()
