"""Whether a model that nobody here has run yet answers its golden example: tried in a process of its own.

A graph may hang, eat all memory or end the program; here that ends the trial only.
Run as `python -m desktop.inference.trial FOLDER MEGABYTES`; the answer is one line of JSON.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.inference.fields import ManifestError
from desktop.inference.model import SelfTestResult

SECONDS = 60.0
MEGABYTES = 1500
_POLL = 0.2


def try_out(
    folder: Path,
    *,
    seconds: float = SECONDS,
    megabytes: int = MEGABYTES,
    check: Callable[[], None] = lambda: None,
) -> SelfTestResult:
    """The self-test of the model in a folder. seconds, megabytes: what it may take; the second is held to where the
    system can limit a process (Linux). check: called while waiting, may raise Cancelled.

    Raises KnownFailure where the model did not live to answer, took too long, or could not be read at all.
    """
    command = [sys.executable, "-m", "desktop.inference.trial", str(folder), str(megabytes)]
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError as error:
        raise KnownFailure("inference.trial_failed", kind=ErrorKind.IO) from error
    try:
        answer = _answer_of(process, seconds, check)
    finally:
        process.kill()
        process.communicate()
    try:
        document = json.loads(answer)
        if "failure" in document:
            raise KnownFailure(str(document["failure"]), kind=ErrorKind.BAD_INPUT, model=folder.name)
        return SelfTestResult(**document)
    except (ValueError, TypeError) as error:
        raise KnownFailure("inference.trial_failed", kind=ErrorKind.BAD_INPUT) from error


def _answer_of(process: "subprocess.Popen[bytes]", seconds: float, check: Callable[[], None]) -> bytes:
    """What it printed. Raises KnownFailure where it took too long."""
    waited = 0.0
    while True:
        check()
        try:
            return process.communicate(timeout=_POLL)[0]
        except subprocess.TimeoutExpired:
            waited += _POLL
            if waited >= seconds:
                raise KnownFailure("inference.trial_too_long", kind=ErrorKind.BAD_INPUT) from None


def limit_memory(megabytes: int) -> None:
    """Let this process take no more memory of its own than that, where the system has such a limit."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        limit = megabytes * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def main(folder: Path, megabytes: int) -> None:
    """Print the result of the self-test, or why there is none."""
    from desktop.inference.registry import read_model

    limit_memory(megabytes)
    answer: dict[str, object]
    try:
        answer = asdict(read_model(folder).self_test())
    except ManifestError:
        answer = {"failure": "inference.manifest_damaged"}
    except UserFacingError as error:
        answer = {"failure": error.key}
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
