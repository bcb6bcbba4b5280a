"""Other people's files, spoilt by the thousand: `python -m tests.intake.mutation COUNT SEED` in a process of its own.

Each is inspected as `lantern inspect` would. The process says on standard output which one it is at, so that whoever
started it knows which one ended it, and at the end a line of JSON: how many ended how, the slowest, the most memory.
"""

import io
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pydicom

from desktop.errors import UserFacingError
from desktop.intake import Inspection, not_inspected
from desktop.intake.reader import HEADER_BYTES, READERS

_LARGEST_SEED = 120_000
_HEADER = 1200
_LENGTHS = (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\xff\xff", b"\0\0", b"\x10\x27")


def seeds() -> list[bytes]:
    """Whole files: those pydicom ships, those of the conformance folder where it is there, and some of each format."""
    from tests.intake.other_formats import small_files

    folders = [Path(pydicom.__file__).parent / "data" / "test_files"]
    data = os.environ.get("LANTERN_DATA") or str(Path(__file__).resolve().parents[2].parent / "shared" / "data")
    folders.append(Path(data) / "dicom_conformance" / "files")
    found = [
        path.read_bytes()
        for folder in folders
        if folder.is_dir()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and 0 < path.stat().st_size <= _LARGEST_SEED
    ]
    return [*found, *small_files()]


def mutations(whole: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Spoilt files; a number and a seed always give the same one."""
    for number in range(count):
        source = random.Random(f"{seed}-{number}")
        data = bytearray(source.choice(whole))
        for _ in range(source.choice((1, 1, 2, 4, 16))):
            _spoil(data, source)
        yield bytes(data)


def _spoil(data: bytearray, source: random.Random) -> None:
    reach = min(len(data), _HEADER) if source.random() < 0.5 else len(data)
    if not reach:
        return
    at = source.randrange(reach)
    kind = source.randrange(8)
    if kind < 3:
        data[at] = source.randrange(256)
    elif kind == 3:
        data[at] ^= 1 << source.randrange(8)
    elif kind == 4:
        some = source.choice(_LENGTHS)
        data[at : at + len(some)] = some
    elif kind == 5:
        del data[at : at + source.choice((1, 2, 8, 64, 1024))]
    elif kind == 6:
        other = source.randrange(len(data))
        data[at:at] = data[other : other + source.choice((1, 4, 64, 512))]
    else:
        del data[source.randrange(len(data)) :]


def inspected(data: bytes) -> Inspection:
    """What is said of a file's bytes."""
    reader = next((reader for reader in READERS if reader.recognises(data[:HEADER_BYTES])), None)
    if reader is None:
        return not_inspected(UserFacingError("intake.not_recognised"))
    return reader.survey(io.BytesIO(data), None)


def main(count: int, seed: int, first: int = 0) -> None:
    """Inspect `count` spoilt files, from number `first` on."""
    ends: Counter[str] = Counter()
    slowest, which = 0.0, -1
    for number, data in enumerate(mutations(seeds(), count, seed)):
        if number < first:
            continue
        print(number, flush=True)
        started = time.perf_counter()
        found = inspected(data)
        took = time.perf_counter() - started
        if took > slowest:
            slowest, which = took, number
        ends[found.status.value] += 1
    # Not ru_maxrss, which begins with what the parent held when it started this process.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    most = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024
    print(json.dumps({"ends": ends, "slowest": slowest, "which": which, "memory": most}), flush=True)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
