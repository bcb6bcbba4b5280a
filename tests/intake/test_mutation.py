"""Two thousand spoilt files: no crash, no hang, and never a gigabyte."""

import json
import subprocess
import sys

import pytest

from tests.intake.mutation import mutations

COUNT = 2000
SECONDS = 300
SLOWEST = 20.0
MOST_BYTES = 1 << 30


@pytest.mark.slow
def test_two_thousand_spoilt_files_do_no_harm() -> None:
    """In a process of its own, since what is tested for is that it stays alive."""
    command = [sys.executable, "-m", "tests.intake.mutation", str(COUNT), "7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, f"ended at {done.stdout.splitlines()[-1:]}: {done.stderr[-2000:]}"
    said = json.loads(done.stdout.splitlines()[-1])
    assert sum(said["ends"].values()) == COUNT
    assert set(said["ends"]) == {"ok", "no_pixels", "refused", "error"}
    assert said["slowest"] < SLOWEST, f"number {said['which']}"
    assert said["memory"] < MOST_BYTES


def test_a_number_always_gives_the_same_file() -> None:
    whole = [bytes(range(256)) * 20, b"abc" * 500]
    assert list(mutations(whole, 20, 3)) == list(mutations(whole, 20, 3))
    assert len(set(mutations(whole, 20, 3))) > 15
