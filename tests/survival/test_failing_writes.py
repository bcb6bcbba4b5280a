"""The n-th write fails, for n = 1, 2, 3 …: the disk is full or defective, for once, for a while or from then on.

Every write of a morning's three deeds here. Of the other scenarios every 47th (a prime, so that it does not keep step
with the pairs in which pages are written), another of them for each trouble; every single one in `dev.py bench`.
"""

import pytest

from tests.survival.recording import Recorder
from tests.survival.sweeping import SWEPT, TROUBLES, WRITES, survive

WHOLE = "three deeds"
STRIDE = 47
SAMPLED = (*(scenario for scenario in SWEPT if scenario != WHOLE), "charts")


@pytest.mark.slow
@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_write_fails_in_turn(recorder: Recorder, trouble: str) -> None:
    assert survive(recorder, WHOLE, WRITES, TROUBLES[trouble]) >= WRITES.at_least


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SAMPLED)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_writes_fail_all_over_a_scenario(recorder: Recorder, scenario: str, trouble: str) -> None:
    first = 1 + list(TROUBLES).index(trouble) * STRIDE // len(TROUBLES)
    count = survive(recorder, scenario, WRITES, TROUBLES[trouble], first=first, stride=STRIDE)
    assert count >= WRITES.at_least // STRIDE
