"""The n-th call that changes a name fails once, for n = 1, 2, 3 …, and whoever works there tries again."""

import pytest

from tests.survival.recording import Recorder
from tests.survival.sweeping import DEFECTIVE_ONCE, NAMES, SWEPT, survive


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SWEPT)
def test_one_failure_with_a_name_and_a_second_try(recorder: Recorder, scenario: str) -> None:
    assert survive(recorder, scenario, NAMES, DEFECTIVE_ONCE) >= NAMES.at_least
