"""The process that is recorded: started once under the shim, it forks for each run, so that a run costs no start-up.

Reads one JSON job a line from standard input and answers each with a line. Settings that only make tests quick:
Argon2id at next to no cost, and no models.
"""

import ctypes
import gc
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from desktop import workflow
from desktop.store import database
from tests.survival.desk import CommandFailed, Desk
from tests.survival.quick_keys import make_keys_quick
from tests.survival.scenarios import SCENARIOS


def serve() -> None:
    """Answer jobs until standard input ends."""
    for line in sys.stdin:
        job = json.loads(line)
        answer = _prepare(job) if job["phase"] == "prepare" else _perform(job)
        print(json.dumps(answer), flush=True)


def _prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Lay the ground in this process itself, so that what Argon2id gave is known to every run."""
    out = os.dup(1)
    with Path(job["acknowledged"]).open("wb") as file:
        os.dup2(file.fileno(), 1)
    try:
        SCENARIOS[job["scenario"]].prepare(Desk(Path(job["folder"]), Path(job["inputs"])))
    finally:
        os.dup2(out, 1)
        os.close(out)
    return {"ok": True}


def _perform(job: dict[str, Any]) -> dict[str, Any]:
    """One run in a child. ended: its exit status, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            _run(job)
        except BaseException:
            traceback.print_exc()
            os._exit(70)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return {"ended": os.waitstatus_to_exitcode(status)}


def _run(job: dict[str, Any]) -> None:
    acknowledged = os.open(job["acknowledged"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(acknowledged, 1)
    errors = os.open(job["errors"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(errors, 2)
    if job.get("synchronous"):
        _weaken(job["synchronous"])
    desk = Desk(Path(job["folder"]), Path(job["inputs"]), patient=job.get("patient", False))
    shim = ctypes.CDLL(None)
    shim.survival_begin(job["folder"].encode(), job.get("log", "").encode())
    if arm := job.get("arm"):
        shim.survival_arm(
            int(arm["kill"]),
            int(arm["after"]),
            int(arm["forever"]),
            int(arm["error"]),
            ctypes.c_long(arm["at"]),
            arm["calls"].encode(),
            arm["file"].encode(),
        )
    failure = None
    try:
        SCENARIOS[job["scenario"]].perform(desk)
    except CommandFailed as error:
        failure = error.answers
    shim.survival_seen.restype = ctypes.c_long
    result = {"codes": desk.codes, "failure": failure, "seen": shim.survival_seen()}
    shim.survival_begin(b"", b"")
    Path(job["result"]).write_text(json.dumps(result), encoding="utf-8")


def _weaken(synchronous: str) -> None:
    """Let SQLite promise less than it should."""
    real = database.connect

    def connect(*arguments: Any, **options: Any) -> Any:
        connection = real(*arguments, **options)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        return connection

    database.connect = connect  # the same call, with one setting changed after it


if __name__ == "__main__":
    make_keys_quick()
    no_models = workflow.Registry([])
    workflow.load_models = lambda: no_models  # the model's start is not what is tested
    gc.freeze()
    serve()
