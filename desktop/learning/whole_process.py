"""The process in which a whole network learns: begun, watched, ended. Needs no PyTorch here."""

import importlib.util
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from desktop.errors import ErrorKind, KnownFailure
from desktop.inference.runner_torch import end_process
from desktop.inference.torch_worker import receive, send
from desktop.learning.whole_tuning import Learned, Material, Proof, WholeEpoch, WholeSettings, identity
from desktop.learning.whole_worker import packed, unpacked_answer

MEGABYTES = 2500
"""Of its own beyond the pictures, where the system can limit a process (Linux); elsewhere only the time is limited."""
_GRACE = 600.0
"""Seconds beyond its time that the last round may take before the process is ended."""
_POLL = 0.2


def whole_networks_can_learn() -> bool:
    """Whether what it takes is installed on this PC: PyTorch and onnx, which nothing else in a clinic needs."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "onnx"))


def learn_apart(
    graph: bytes,
    material: Material,
    proof: Proof,
    settings: WholeSettings,
    *,
    seconds: float,
    checkpoint: Path | None,
    asked: tuple[str, ...],
    megabytes: int = MEGABYTES,
    check: Callable[[], None] = lambda: None,
    say: Callable[[WholeEpoch], None] = lambda epoch: None,
) -> Learned:
    """Teach the graph in a process of its own.

    seconds, megabytes: what it may take; the pictures' own size is added to the second. checkpoint: file to go on from
    after a power cut, removed at the end. asked: keys of the findings that are learned. check: called while waiting,
    may raise Cancelled; then the process is ended and the checkpoint stays. say: told of each round.

    Raises KnownFailure: PyTorch is missing, the graph cannot be taught, too little memory, it died or took too long.
    """
    told, parts = packed(graph, material, proof)
    head = {
        **told,
        "settings": asdict(settings),
        "checkpoint": str(checkpoint) if checkpoint is not None else "",
        "identity": identity(graph, material, settings, asked),
        "seconds": seconds,
    }
    room = megabytes + 4 * sum(map(len, parts)) // 2**20
    command = [sys.executable, "-m", "desktop.learning.whole_worker", str(room)]
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError as error:
        raise KnownFailure("learning.whole_failed", kind=ErrorKind.IO) from error
    late = threading.Event()

    def stop() -> None:
        late.set()
        process.kill()

    watch = threading.Timer(seconds + _GRACE, stop)
    watch.daemon = True
    watch.start()
    try:
        learned = _watched(process, head, parts, check, say)
    finally:
        watch.cancel()
        end_process(process)
    if learned is None:
        raise KnownFailure("learning.whole_too_long" if late.is_set() else "learning.whole_failed", kind=ErrorKind.IO)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return learned


def _watched(
    process: "subprocess.Popen[bytes]",
    head: dict[str, Any],
    parts: list[bytes],
    check: Callable[[], None],
    say: Callable[[WholeEpoch], None],
) -> Learned | None:
    """Its answer; None where it ended without one. Raises KnownFailure, and what `check` raises."""
    heard: queue.Queue[tuple[dict[str, Any], bytes] | None] = queue.Queue()
    assert process.stdin is not None
    assert process.stdout is not None
    talk = threading.Thread(target=_talk, args=(process.stdin, process.stdout, head, parts, heard), daemon=True)
    talk.start()
    try:
        while True:
            check()
            try:
                message = heard.get(timeout=_POLL)
            except queue.Empty:
                continue
            if message is None:
                return None
            told, body = message
            if "failure" in told:
                raise KnownFailure(str(told["failure"]), kind=ErrorKind.IO)
            if "done" in told:
                return unpacked_answer(told, body)
            say(WholeEpoch(**told["epoch"]))
    finally:
        process.kill()
        talk.join()


def _talk(
    target: IO[bytes],
    source: IO[bytes],
    head: dict[str, Any],
    parts: list[bytes],
    heard: "queue.Queue[tuple[dict[str, Any], bytes] | None]",
) -> None:
    """Send the lesson, then hand on whatever comes back until the other side goes."""
    try:
        send(target, head, *parts)
        while (message := receive(source)) is not None:
            heard.put(message)
    except (OSError, ValueError, KeyError):
        pass
    heard.put(None)
