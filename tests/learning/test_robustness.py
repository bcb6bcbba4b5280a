"""What changes cost where a model decides: known losses come out, and the card says what to do."""

import json
from typing import Any

import numpy as np
import pytest

from desktop.inference.calibration import ConformalThresholds
from desktop.learning import (
    cell_battery,
    child_battery,
    detector_evaluation,
    ecg_study,
    fundus_evaluation,
    head_ct_evaluation,
    picture_changes,
    picture_evaluation,
    rhythm_battery,
    risk_battery,
    robustness,
    robustness_card,
)
from desktop.learning.robustness import Fared, by_kind, counted, lost_rows, overlaps, two_sided

BATTERIES = {
    "child": child_battery.CHANGES,
    "cell": cell_battery.CHANGES,
    "picture": picture_evaluation.CHANGES,
    "detector": detector_evaluation.SPOILT,
    "head": head_ct_evaluation.CHANGES,
    "retinas": fundus_evaluation.MILD,
    "one lead": rhythm_battery.CHANGES,
    "values": risk_battery.CHANGES,
    "twelve leads": {"as recorded": None, **ecg_study.BATTERY},
}

LABELS = np.arange(40) % 2 == 0
PEOPLE = [f"p{number // 2}" for number in range(40)]
DRAWN, KINDS = np.array([10.0, 30.0]), np.array([0, 2])
NOBODY = np.zeros(40, dtype=bool)


@pytest.fixture
def however_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robustness, "FEWEST", 0)


def after(called: Any, refused: Any = NOBODY) -> robustness.Lost:
    """What is lost when instead of the truth this is said."""
    fared = [Fared("as it is", {"finding": two_sided(LABELS, LABELS)}, NOBODY)]
    rows = robustness.losses([*fared, Fared("noise 0.03", {"finding": two_sided(called, LABELS)}, refused)], PEOPLE)
    json.dumps(rows)
    return lost_rows(rows)[0]


def test_the_mean_of_sensitivity_and_specificity_is_what_is_lost() -> None:
    assert after(LABELS) == robustness.Lost("noise 0.03", "finding", 0.0, 0.0, 0.0, 0.0)
    nothing_found = after(LABELS & False)
    assert (nothing_found.value, nothing_found.beyond, nothing_found.perhaps_chance) == (0.5, True, False)
    three_missed = after(LABELS & (np.arange(40) >= 6))
    assert three_missed.value == pytest.approx(0.5 * 3 / 20)
    assert three_missed.beyond
    two_missed = after(LABELS & (np.arange(40) >= 4))
    assert (two_missed.value, two_missed.beyond) == (0.05, False), "just what is permitted"


def test_what_is_refused_costs_nothing_and_stands_beside_it() -> None:
    lost = after(LABELS & False, LABELS)
    assert (lost.value, lost.refused) == (0.0, 0.5)


def test_of_few_cases_no_loss_is_told_but_masks_are_measured() -> None:
    few = two_sided(LABELS[:30], LABELS[:30])
    fared = [Fared(name, {"f": few, "m": overlaps([0.5] * 30)}, NOBODY[:30]) for name in ("as it is", "blur")]
    assert [one.value for one in lost_rows(robustness.losses(fared, PEOPLE[:30]))] == [None, 0.0]


@pytest.mark.usefixtures("however_few")
def test_a_rare_finding_counts_as_much_as_a_common_one_and_the_unknown_not_at_all() -> None:
    labels, known = np.array([True, False, False, False, True]), np.array([True, True, True, True, False])
    scores = [two_sided(called, labels, known) for called in (labels, np.array([False, False, False, False, False]))]
    fared = [Fared(name, {"f": one}, np.zeros(5, bool)) for name, one in zip(("as it is", "blur"), scores, strict=True)]
    (lost,) = lost_rows(robustness.losses(fared, list("abcde")))
    assert lost.value == 0.5


@pytest.mark.usefixtures("however_few")
@pytest.mark.parametrize(
    ("before", "now", "lost"),
    [
        (overlaps([0.8, 0.6]), overlaps([0.7, 0.5]), 0.1),
        (counted(np.array([10.0, 10]), DRAWN), counted(np.array([8.0, 30]), DRAWN), -0.45),
        (by_kind(np.array([True, True]), KINDS, 3), by_kind(np.array([False, True]), KINDS, 3), 0.5),
    ],
    ids=["masks", "counts", "kinds"],
)  # fmt: skip  # one line for each measure
def test_other_measures_fall_as_they_should(before: Any, now: Any, lost: float) -> None:
    fared = [Fared("as it is", {"m": before}, np.zeros(2, bool)), Fared("blur", {"m": now}, np.zeros(2, bool))]
    assert lost_rows(robustness.losses(fared, ["a", "b"]))[0].value == pytest.approx(lost)


def test_likely_and_unlikely_part_midway() -> None:
    assert robustness.operating_point(ConformalThresholds(0.2, 0.6, 0.1, 0.1)) == pytest.approx(0.4)


def test_the_card_says_what_is_beyond_and_what_to_do_about_it() -> None:
    rows = [
        {"change": "noise 0.03", "of": "finding", "lost": {"value": 0.01, "low": -0.01, "high": 0.03}, "refused": 0.0},
        {"change": "blur 1 %", "of": "finding", "lost": {"value": 0.12, "low": 0.06, "high": 0.2}, "refused": 0.25},
        {
            "change": "phone held",
            "of": "finding",
            "lost": {"value": 0.06, "low": 0.0, "high": 0.1},
            "refused": 0.0,
        },
        {"change": "turned 7 degrees", "of": "finding", "lost": None, "refused": 0.0},
    ]
    text = robustness_card.section({"robustness": rows}, "the mean of both", "people")
    assert "Permitted after each change: 5 points of the mean of both." in text
    assert "| blur 1 % | 25.0 % | **+12.0 (+6.0 to +20.0)** |" in text
    assert "| turned 7 degrees | 0.0 % | – |" in text
    assert "- blur 1 %: finding +12.0. Focus" in text
    assert "- phone held: finding +6.0 (perhaps by chance). Use the microscope's" in text
    assert "Otherwise nothing is, as far as it can be told." in text
    assert text.endswith("One in five or more gets no answer after: blur 1 % (25 %).")
    limits = robustness_card.limits({"robustness": rows})
    assert limits["en"].endswith("with: a blurred picture."), "not what may be chance"
    assert limits["zh"].endswith("个百分点）：图像模糊。")
    within = robustness_card.section({"robustness": rows[:1]}, "the mean of both", "people")
    assert "Nothing loses more than 5 points after any change, as far as it can be told." in within
    untold = robustness_card.section({"robustness": rows[3:]}, "the mean of both", "people")
    assert "There are too few cases to tell after any change." in untold
    part = {"change": "noise 0.03", "of": "another", "lost": None, "refused": 0.0}
    assert "Too few to tell: another." in robustness_card.section({"robustness": [rows[0], part]}, "the mean", "people")
    assert robustness_card.limits({"robustness": rows[:1]}) == {"en": "", "zh": ""}
    assert robustness_card.section({}, "", "") == ""


@pytest.mark.parametrize("battery", BATTERIES)
def test_of_every_change_the_card_knows_what_to_do(battery: str) -> None:
    first, *names = BATTERIES[battery]
    assert all(robustness_card.cause_of(name) for name in names)
    with pytest.raises(ValueError, match="no cause"):
        robustness_card.cause_of(first)
    if battery not in ("twelve leads", "one lead", "values"):
        phones = {"用手机翻拍", "用手机对着目镜拍摄"}
        assert any(robustness_card.cause_of(name).zh in phones for name in names), "a phone is everywhere"


@pytest.mark.parametrize("shape", [(40, 50), (40, 50, 3)])
def test_a_phone_gives_a_picture_of_the_same_size_and_the_same_again(shape: tuple[int, ...]) -> None:
    light = np.random.default_rng(3).random(shape).astype(np.float32)
    for change in (picture_changes.keystone(0.04), picture_changes.moire(0.1), picture_changes.PHONE_AT_FILM):
        changed = change(light)
        assert (changed.shape, str(changed.dtype)) == (light.shape, "float32")
        assert 0 <= float(changed.min()) <= float(changed.max()) <= 1
        assert np.abs(changed - light).max() > 0.01
        assert np.array_equal(change(light), changed)


def test_a_leaning_phone_narrows_what_is_below_and_adds_nothing_black() -> None:
    light = np.ones((100, 100), np.float32)
    light[:, 40:60] = 0
    changed = picture_changes.keystone(0.1)(light)
    assert changed[2:-2, 2:30].min() > 0.99
    widths = [(changed[row] < 0.5).sum() for row in (5, 95)]
    assert widths[0] > widths[1]
