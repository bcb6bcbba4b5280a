"""The validation table against values worked out by hand, and what it must say where there is too little."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.learning.clinical_validation import (
    FEWEST_CASES,
    FEWEST_OF_CLASS,
    Answers,
    Judged,
    area,
    roc,
    row_of,
    validate,
)
from desktop.records import Decision

LIKELY, UNLIKELY, CANNOT = Decision.LIKELY, Decision.UNLIKELY, Decision.CANNOT_SAY


def cases(present: bool, **counts: int) -> list[Judged]:
    """So many of each decision, each of a patient of its own; probabilities that fit the decision."""
    said = {"likely": (LIKELY, 0.9), "unlikely": (UNLIKELY, 0.1), "cannot_say": (CANNOT, 0.5)}
    return [
        Judged(f"{present}-{name}-{number}", said[name][1], said[name][0], present)
        for name, count in counts.items()
        for number in range(count)
    ]


def drawn(count: int, seed: int = 3, *, group: str = "") -> list[Judged]:
    """Cases whose probabilities are exactly as they say."""
    generator = np.random.default_rng(seed)
    made = []
    for number in range(count):
        said = float(generator.uniform(0.02, 0.98))
        decision = LIKELY if said > 0.6 else UNLIKELY if said < 0.4 else CANNOT
        made.append(Judged(f"p{seed}-{number}", said, decision, bool(generator.random() < said), group))
    return made


def test_shares_of_a_table_worked_out_by_hand() -> None:
    row = row_of(
        "", [*cases(True, likely=32, cannot_say=4, unlikely=4), *cases(False, likely=3, cannot_say=7, unlikely=50)]
    )
    assert row.present == Answers(32, 4, 4)
    assert row.absent == Answers(3, 7, 50)
    assert row.cases == 100
    assert row.sensitivity is not None
    assert row.sensitivity.value == pytest.approx(32 / 40)
    # Wilson (1927) for 32 of 40: (0.8 + 1.9208/40 ± 1.96 sqrt(0.16/40 + 0.9604/1600)) / (1 + 3.8416/40)
    assert row.sensitivity.low == pytest.approx(0.6524, abs=1e-4)
    assert row.sensitivity.high == pytest.approx(0.8950, abs=1e-4)
    assert row.specificity is not None
    assert row.specificity.value == pytest.approx(50 / 60)
    assert row.sensitivity_decided is not None
    assert row.sensitivity_decided.value == pytest.approx(32 / 36)
    assert row.specificity_decided is not None
    assert row.specificity_decided.value == pytest.approx(50 / 53)
    assert row.decided is not None
    assert row.decided.value == pytest.approx(0.89)
    assert row.likely_right is not None
    assert row.likely_right.value == pytest.approx(32 / 35)
    assert row.unlikely_right is not None
    assert row.unlikely_right.value == pytest.approx(50 / 54)


def test_the_area_by_hand() -> None:
    """Three pairs of 2 x 3 stand right, one is a tie: (4 + 0.5) / 6."""
    said = [(0.9, True), (0.4, True), (0.4, False), (0.2, False), (0.7, False)]
    found = area([Judged(str(number), one, LIKELY, truth) for number, (one, truth) in enumerate(said)])
    assert found.value == pytest.approx(4.5 / 6)


def test_the_area_of_classes_far_apart_does_not_claim_certainty() -> None:
    found = area([*cases(True, likely=12), *cases(False, unlikely=40)])
    assert found.value == 1.0
    assert found.high == 1.0
    # Wilson for 12 of 12: 12 / (12 + 3.8415)
    assert found.low == pytest.approx(12 / (12 + 1.959963984540054**2), abs=1e-4)


@pytest.mark.parametrize("present", [0, 1, FEWEST_OF_CLASS - 1])
def test_too_few_with_the_finding(present: int) -> None:
    row = row_of("", [*cases(True, likely=present), *cases(False, unlikely=40)])
    assert row.sensitivity is None
    assert row.area is None
    assert row.calibration is None
    assert row.specificity is not None
    assert row.missing == (0, FEWEST_OF_CLASS - present, 0)


def test_too_few_of_everything() -> None:
    row = row_of("", [*cases(True, likely=9), *cases(False, unlikely=10)])
    assert row.missing == (FEWEST_CASES - 19, 1, 0)
    assert (row.decided, row.specificity, row.area) == (None, None, None)


def test_nothing_at_all() -> None:
    table = validate([])
    assert table.whole.cases == 0
    assert table.rows == ()
    assert table.roc is None


def test_enough_decided_of_a_class_is_asked_for_too() -> None:
    row = row_of("", [*cases(True, likely=5, cannot_say=20), *cases(False, unlikely=30)])
    assert row.sensitivity is not None
    assert row.sensitivity.value == pytest.approx(0.2)
    assert row.sensitivity_decided is None


def test_groups_are_counted_apart() -> None:
    table = validate([*drawn(60, 1, group="male"), *drawn(12, 2, group="female")])
    assert [row.group for row in table.rows] == ["female", "male"]
    assert table.rows[0].sensitivity is None
    assert table.rows[1].cases == 60
    assert table.whole.cases == 72


def test_probabilities_that_are_right_are_found_right() -> None:
    row = row_of("", drawn(700))
    found = row.calibration
    assert found is not None
    assert found.slope is not None
    assert found.slope.low < 1 < found.slope.high
    assert found.offset.low < 0 < found.offset.high
    assert found.brier.value < found.brier_of_share
    inside = sum(one.seen.low <= one.said <= one.seen.high for one in found.bins)
    assert len(found.bins) == 10
    assert inside >= 7


def test_too_bold_probabilities_are_told() -> None:
    def bolder(said: float) -> float:
        return 1 / (1 + math.exp(-3 * math.log(said / (1 - said))))

    bold = [Judged(one.patient, bolder(one.probability), one.decision, one.present) for one in drawn(700)]
    found = row_of("", bold).calibration
    assert found is not None
    assert found.slope is not None
    assert found.slope.high < 0.6


def test_probabilities_of_nought_and_one_do_no_harm() -> None:
    sure = [Judged(f"a{n}", 1.0, LIKELY, n % 9 != 0) for n in range(30)]
    sure += [Judged(f"b{n}", 0.0, UNLIKELY, n % 9 == 0) for n in range(30)]
    found = row_of("", sure).calibration
    assert found is not None
    assert math.isfinite(found.offset.value)


def test_several_pictures_of_a_patient_widen_the_interval() -> None:
    alone = drawn(80)
    together = [Judged(f"p{n // 8}", one.probability, one.decision, one.present) for n, one in enumerate(alone)]
    assert row_of("", together).patients == 10
    narrow, wide = area(alone), area([one for one in together for _ in range(1)])
    assert narrow.value == wide.value
    repeated = [Judged(one.patient, one.probability, one.decision, one.present) for one in alone for _ in range(4)]
    apart = [Judged(f"{n}", one.probability, one.decision, one.present) for n, one in enumerate(repeated)]
    assert area(repeated).high - area(repeated).low > 1.5 * (area(apart).high - area(apart).low)


@settings(max_examples=6, deadline=None)
@given(st.integers(40, 90), st.integers(0, 1000))
def test_the_curve_goes_from_corner_to_corner_and_bounds_its_area(count: int, seed: int) -> None:
    made = drawn(count, seed)
    if min(sum(one.present for one in made), sum(not one.present for one in made)) < FEWEST_OF_CLASS:
        return
    curve = roc(made)
    assert curve.points[0] == (0.0, 0.0)
    assert curve.points[-1] == (1.0, 1.0)
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in zip(curve.points, curve.points[1:], strict=False))
    below = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in zip(curve.points, curve.points[1:], strict=False))
    assert below == pytest.approx(curve.area.value)
    assert all(0 <= low <= high <= 1 for _, low, high in curve.band)
    assert curve.area.low <= curve.area.value <= curve.area.high
