"""The disk is full from the n-th call on, for n = 1, 2, 3 …: its syncs, or whatever changes names, fail."""

import pytest

from tests.survival.recording import Recorder
from tests.survival.sweeping import NAMES, STAYS_FULL, SWEPT, SYNCS, Calls, survive


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SWEPT)
@pytest.mark.parametrize("calls", [SYNCS, NAMES], ids=["syncs", "names"])
def test_a_disk_that_stays_full(recorder: Recorder, scenario: str, calls: Calls) -> None:
    assert survive(recorder, scenario, calls, STAYS_FULL) >= calls.at_least
