"""The power fails at any moment: whatever was acknowledged is there, and all of it holds together.

Two thousand states here, twenty thousand in `dev.py bench`. A state that fails is made again from its scenario, point
and seed, which the failure names.
"""

from pathlib import Path

import pytest

from tests.survival.power_cuts import Recording, described, examine_all
from tests.survival.recording import Recorder
from tests.survival.scenarios import SCENARIOS

STATES = 2000
SEED = 20261121


@pytest.mark.slow
def test_no_power_cut_loses_what_was_acknowledged(recorder: Recorder, scratch: Path) -> None:
    recordings = [Recording.made(recorder, name) for name in SCENARIOS]
    states = scratch / "states"
    states.mkdir()
    examined = examine_all(recordings, STATES, SEED, states)
    assert examined.count >= STATES
    assert examined.lost == (), described(examined.lost)
