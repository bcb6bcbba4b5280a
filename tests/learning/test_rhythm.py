"""Matching of beats, splits by patient, choice of limits: what the figures of ecg-rhythm rest on."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from desktop.errors import Cancelled, UserFacingError
from desktop.inference.rhythm_beats import NAMES, beat_inputs
from desktop.inference.rhythm_lead import ReadyLead, ready_lead
from desktop.inference.rhythm_reading import BeatLimits
from desktop.inference.rhythm_strips import strips
from desktop.jobs import Job
from desktop.learning import RECIPES, rhythm_battery, rhythm_card, robustness
from desktop.learning.learning_curve import CurvePoint
from desktop.learning.records import Study, stated_settings
from desktop.learning.rhythm_data import BeatRecord, StripRecords, ecg_folder, matched, read_strips
from desktop.learning.rhythm_evaluation import f1, mean_f1
from desktop.learning.rhythm_judging import (
    JudgedBeats,
    JudgedStrips,
    choose_limits,
    limits_by_others,
    measures,
    reached,
    tally,
)
from desktop.learning.rhythm_parts import beat_parts
from desktop.learning.rhythm_settings import RhythmSettings
from desktop.learning.rhythm_turned import turned, turned_copies
from desktop.learning.robustness import lost_rows
from desktop.signals.synthetic import DrawnHeart, draw


@pytest.fixture(scope="module")
def lead() -> ReadyLead:
    drawn = draw(DrawnHeart(rr=(800.0, 820.0, 790.0)), rate=200, seconds=60, noise_mv=0.01)
    row = drawn.trace.row("II")
    assert row is not None
    return ready_lead(drawn.trace.samples[row].astype(np.float64), 200.0)


def record(lead: ReadyLead, classes: list[int], name: str = "1") -> BeatRecord:
    """A half hour that is a minute, with the given classes of its first beats and normal ones after them."""
    found = np.zeros(len(lead.beats), dtype=np.int64)
    found[: len(classes)] = classes
    kinds = np.array([("N", "S", "V", "F")[kind] if kind >= 0 else "Q" for kind in found])
    return BeatRecord(
        name,
        lead,
        beat_inputs(lead),
        found,
        found < 0,
        found >= 0,
        lead.beats.copy(),
        kinds,
        np.empty((0, 2), np.int64),
        ((0, "(N"),),
    )


def test_each_beat_is_matched_once_and_to_the_nearest() -> None:
    marked, found = np.array([100, 200, 300, 500]), np.array([60, 98, 205, 260, 390, 505])
    assert matched(marked, found, 50) == [(0, 1), (1, 2), (2, 3), (3, 5)]
    assert matched(marked, np.array([], np.int64), 50) == []


def test_f1_is_of_the_first_three() -> None:
    true, said = np.array([0, 0, 1, 2, 3]), np.array([0, 1, 1, 2, 0])
    assert f1(said, true, 0) == pytest.approx(0.5)
    assert mean_f1(said, true) == pytest.approx((0.5 + 2 / 3 + 1.0) / 3)


def test_fusion_beats_are_told_apart_from_other_wrong_ones(lead: ReadyLead) -> None:
    judged = record(lead, [2, 2, 3, -1, 0])
    said = np.zeros(len(lead.beats), dtype=np.int64)
    said[[0, 2, 3, 4]] = 2
    counted = tally(judged, said, 2)
    assert (counted.hits, counted.missed, counted.wrong, counted.fused) == (1, 1, 3, 2)


def test_beats_in_flutter_are_left_out(lead: ReadyLead) -> None:
    judged = record(lead, [])
    flutter = BeatRecord(**{**vars(judged), "flutter": np.array([[0, lead.beats[2] + 1]])})
    said = np.full(len(lead.beats), 2)
    assert tally(flutter, said, 2).wrong == tally(judged, said, 2).wrong - 3


def test_patients_with_rare_beats_are_dealt_to_different_parts(lead: ReadyLead) -> None:
    records = [record(lead, [1] * number, str(number)) for number in range(6)]
    parts = beat_parts(records, RhythmSettings(beat_members=3))
    assert parts == {"5": 0, "4": 1, "3": 2, "2": 2, "1": 1, "0": 0}


def judged(lead: ReadyLead, name: str, above: float = 1.5) -> JudgedBeats:
    """A minute in which every fifth beat is ventricular and every fifth supraventricular, by about so much of log-odds.

    Drawn beats are all alike in form and time, and what one is said to be is shared; the record's times are spread out
    so that only the form is.
    """
    rare = [2 if place % 5 == 0 else 1 if place % 5 == 1 else 0 for place in range(len(lead.beats))]
    logits = np.zeros((len(rare), 4))
    for place, kind in enumerate(rare):
        logits[place] = {0: (3.0, 1.0, -3.0, -9.0), 1: (0.0, above, -3.0, -9.0), 2: (0.0, 0.0, 9.0, -9.0)}[kind]
    apart = replace(
        lead, rate=lead.rate, beats=np.cumsum(np.round(100 * 1.12 ** np.arange(len(rare)))).astype(np.int64)
    )
    begins, made = strips(lead)
    return JudgedBeats(replace(record(lead, rare, name), lead=apart), logits, begins, np.zeros((len(made), 4)))


def test_limits_lie_where_the_classes_part(lead: ReadyLead) -> None:
    one = judged(lead, "1")
    limits = choose_limits([one], 1.0, np.zeros(4))
    assert 0.12 <= limits.supraventricular < 0.82
    assert limits.in_fibrillation >= 0.8
    assert reached([one], limits, 1.0, np.zeros(4))["supraventricular"] == (1.0, 1.0)


def test_limits_of_the_others_are_not_those_of_the_patient_himself(lead: ReadyLead) -> None:
    everyone = [judged(lead, "plain"), judged(lead, "hidden", -1.9)]
    parts = {"plain": 0, "hidden": 1}
    alone = [choose_limits([one], 1.0, np.zeros(4)) for one in everyone]
    assert limits_by_others(everyone, parts, 1.0, np.zeros(4)) == alone[::-1]
    assert alone[0] != alone[1]


def test_a_turned_copy_changes_the_form_of_some_beats_and_nothing_else(lead: ReadyLead) -> None:
    whole = record(lead, [2, 1, 0, -1])
    copy = turned(whole, 0.3, 7)
    assert 0 < copy.taught.sum() < whole.taught.sum()
    assert not copy.taught[~whole.taught].any()
    assert np.array_equal(copy.lead.beats, lead.beats)
    assert np.array_equal(copy.classes, whole.classes)
    other = np.abs(copy.lead.shapes - lead.shapes).max(axis=1)
    assert (other[copy.taught] > 0.1).all()
    assert (other > 0.1).sum() < len(lead.beats)
    assert np.array_equal(turned(whole, 0.3, 7).inputs, copy.inputs)
    assert not np.array_equal(turned(whole, 0.3, 8).inputs, copy.inputs)
    assert turned_copies([whole], 0.0, 7) == ()


def test_the_numbers_of_a_beat_are_finite_and_know_an_early_one() -> None:
    drawn = draw(DrawnHeart(rr=(800.0,) * 9 + (500.0, 1100.0)), rate=250, seconds=60)
    row = drawn.trace.row("II")
    assert row is not None
    early = beat_inputs(ready_lead(drawn.trace.samples[row].astype(np.float64), 250.0))[:, 2, : len(NAMES)]
    assert np.isfinite(early).all()
    assert int(early[:15, NAMES.index("before_local")].argmin()) == 10


@pytest.mark.parametrize("name", list(rhythm_battery.CHANGES)[1:])
def test_a_worse_strip_is_as_long_and_the_same_again(name: str) -> None:
    worsen = rhythm_battery.CHANGES[name]
    wave = np.sin(np.arange(1200) / 7.0)
    assert worsen is not None
    first, again = (worsen(wave, 100.0, np.random.default_rng(4)) for _ in range(2))
    assert first.shape == wave.shape
    assert np.array_equal(first, again)
    assert not np.array_equal(first, wave)
    assert worsen(wave[:300], 100.0, np.random.default_rng(4)).shape == (300,)


def test_what_worse_strips_cost_is_told_by_members_that_never_saw_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robustness, "FEWEST", 0)
    drawn = draw(DrawnHeart(rr=(800.0, 820.0, 790.0)), rate=100, seconds=10, noise_mv=0.01).trace.samples[1]
    strips = np.tile(np.rint(drawn * 1000).astype(np.int64), 6)
    starts, labels = np.arange(7) * len(drawn), np.array(["N", "A", "O", "~", "N", "A"])
    (tmp_path / "cinc2017_100hz").mkdir()
    names = np.array([f"s{number}" for number in range(6)])
    np.savez(
        tmp_path / "cinc2017_100hz" / "part0.npz",
        delta=np.diff(strips, prepend=0), offset=starts, label=labels, record=names,
    )  # fmt: skip  # as the data has them
    records = read_strips(tmp_path, Job(), lambda _text: None)
    assert np.abs(rhythm_battery.read_waves(tmp_path, ["s4"])[0] - drawn).max() < 0.001
    asked: list[tuple[str, ...]] = []

    def judge(worse: StripRecords, parts: Any, *_: Any) -> JudgedStrips:
        asked.append(worse.names)
        kinds = worse.rhythms if len(asked) == 1 else np.array([0, 3, 3])
        logits = tuple(10.0 * np.eye(4)[[kind]] for kind in kinds)
        return JudgedStrips(np.arange(3), ([0.0],) * 3, logits, np.full(3, 10.0))

    monkeypatch.setattr(rhythm_battery, "judge_strips", judge)
    monkeypatch.setattr(rhythm_battery, "stated_calibration", lambda _manifest: (1.0, np.zeros(4), None))
    few = {name: rhythm_battery.CHANGES[name] for name in ("as recorded", "clipped at half the height")}
    monkeypatch.setattr(rhythm_battery, "CHANGES", few)
    graphs: Any = None
    parts = np.array([0, 2, 2, 0, 1, 1])
    (lost,) = lost_rows(rhythm_battery.battery(tmp_path, records, parts, (0, 2), graphs, {}, Job()))
    assert asked == [("s0", "s1", "s2")] * 2, "neither what is no rhythm, nor what no member left out"
    assert lost.value == 0.0
    assert lost.refused == pytest.approx(2 / 3, abs=1e-3)


def test_beats_are_found_anew_in_a_worse_wave_and_missed_ones_are_a_loss(
    lead: ReadyLead, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robustness, "FEWEST", 0)
    whole = record(lead, [2, 2, 2, 2])
    drawn = lead.wave[: round(30 * lead.rate)]
    again = rhythm_battery.with_wave(whole, drawn)
    assert len(again.inputs) == len(again.classes) == len(again.lead.beats)
    assert 0 < len(again.marked) < len(whole.marked)
    assert (again.kinds == "V").sum() == 4
    assert not again.taught.any()
    (tmp_path / "mitbih").mkdir()
    np.savez(tmp_path / "mitbih" / "1.npz", sig=np.rint(lead.wave * 200), adc_zero=0, adc_gain=200)
    assert np.abs(rhythm_battery.read_half_hour(tmp_path, whole) - lead.wave).max() < 0.01

    def judge(worse: Sequence[BeatRecord], *_: Any) -> list[JudgedBeats]:
        asked.append(worse[0])
        return [JudgedBeats(worse[0], np.zeros((len(worse[0].classes), 4)), [0.0], 9.0 * np.eye(4)[[0]])]

    def kinds_of(judged: JudgedBeats, _limits: BeatLimits) -> npt.NDArray[np.int64]:
        return judged.record.classes if len(asked) == 1 else np.zeros_like(judged.record.classes)

    asked: list[BeatRecord] = []
    monkeypatch.setattr(rhythm_battery, "judge_beats", judge)
    monkeypatch.setattr(rhythm_battery, "shares_of_half_hour", lambda judged, *_: judged)
    monkeypatch.setattr(rhythm_battery, "kinds_of", kinds_of)
    limits = BeatLimits(0.5, 0.5, 0.8)
    monkeypatch.setattr(rhythm_battery, "stated_calibration", lambda _manifest: (1.0, np.zeros(4), limits))
    few = {name: rhythm_battery.CHANGES[name] for name in ("as recorded", "low gain, steps of 0.1 mV")}
    monkeypatch.setattr(rhythm_battery, "CHANGES", few)
    graphs: Any = None
    found = lost_rows(rhythm_battery.beat_battery(tmp_path, [whole], {"1": 0}, graphs, {}, Job()))
    told = {one.of: one.value for one in found}
    assert told == {"ventricular beats": 0.5, "supraventricular beats": None}, "all missed and none wrong; none there"


def test_a_folder_without_the_data_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError) as told:
        ecg_folder(tmp_path)
    assert told.value.key == "learning.no_data"
    assert RECIPES["ecg-rhythm"]().name == "ecg-rhythm"


@pytest.fixture
def people(lead: ReadyLead) -> list[BeatRecord]:
    """Eight, each with a number of supraventricular beats of his own."""
    return [record(lead, [2, 3] + [1] * number, str(number)) for number in range(8)]


FEW = RhythmSettings(beat_members=2, beat_epochs=1, beat_steps=4, beat_batch=8)


def test_smaller_shares_lie_within_larger_ones_and_none_holds_who_is_judged(people: list[BeatRecord]) -> None:
    pytest.importorskip("torch")
    from desktop.learning.rhythm_beat_training import BeatsToLearn

    parts = beat_parts(people, FEW)
    copies = turned_copies(people, 0.3, 7)

    def names(kept: int, draw: int) -> set[str]:
        learn, judge = BeatsToLearn(people, copies, kept, draw).split(0, FEW)
        assert {one.name for one in judge} == {name for name, part in parts.items() if part == 0}
        assert not {one.name for one in learn} & {one.name for one in judge}
        assert len(learn) == 2 * len({one.name for one in learn})
        return {one.name for one in learn}

    halves, quarters = [names(50, draw) for draw in range(2)], [names(25, draw) for draw in range(4)]
    assert halves[0] | halves[1] == names(100, 0) == set().union(*quarters)
    assert not halves[0] & halves[1]
    assert all(quarters[draw] <= halves[draw % 2] for draw in range(4))


def test_a_curve_has_all_shares_and_goes_on_where_it_was_cut_off(people: list[BeatRecord], tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from desktop.learning.rhythm_study import curve

    halves = [JudgedBeats(one, np.zeros((len(one.classes), 4)), [0.0], np.zeros((1, 4))) for one in people]
    heard: list[str] = []

    def learned(job: Job) -> Sequence[CurvePoint]:
        return curve(halves, (1.0, np.zeros(4)), FEW, "data", tmp_path, job, heard.append)

    gone = Job()
    gone.cancel()
    with pytest.raises(Cancelled):
        learned(gone)
    first = learned(Job())
    assert learned(Job()) == first
    assert [(one.share, one.learned) for one in first] == [(25, 1), (50, 2), (100, 4)]
    assert len(list(tmp_path.glob("beats*.pt"))) == 2 * (4 + 2)
    assert curve(halves[:4], (1.0, np.zeros(4)), FEW, "data", tmp_path, Job(), heard.append) == ()
    assert all(set(one.figures) == {*measures("ventricular"), *measures("supraventricular")} for one in first)


def test_networks_for_strips_are_taken_over_only_where_they_would_learn_the_same(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from desktop.learning.rhythm_members import LearnedStrips, learned_strips
    from desktop.learning.training import Epoch

    settings = RhythmSettings(members=(0,))
    graph = b"a graph"
    epoch: dict[str, Any] = {"epoch": 1, "training_loss": 0.5, "validation_loss": 0.5, "score": 0.8, "seconds": 30.0}
    document: dict[str, Any] = {
        "settings": stated_settings(settings),
        "patient_marks": [],
        "data_sha256": "data",
        "software": {"torch": torch.__version__},
        "threads": 2,
        "sha256": hashlib.sha256(graph).hexdigest(),
        "curves": {"strips 1": [epoch, epoch], "beats 1": [epoch]},
    }

    def kept(changed: RhythmSettings = settings, data: str = "data", **other: Any) -> bool:
        (tmp_path / "training.json").write_text(json.dumps(document | other), encoding="utf-8")
        return learned_strips(tmp_path, changed, data) is not None

    assert not kept()
    (tmp_path / "model.onnx").write_bytes(graph)
    assert kept()
    assert kept(replace(settings, beat_epochs=99))
    assert not kept(replace(settings, epochs=99))
    assert not kept(replace(settings, strip_lessons=99))
    assert not kept(data="others")
    assert not kept(software={"torch": "0.1"})
    assert not kept(sha256="0")
    assert not kept(curves={})
    assert kept()
    learned = learned_strips(tmp_path, settings, "data")
    assert learned is not None
    assert (learned.graph, learned.seconds) == (graph, 60.0)
    curve = tuple(Epoch(**epoch) for _ in range(2))
    for threads, seconds in ((1, 120.0), (2, 60.0), (8, 60.0)):
        assert LearnedStrips(graph, {"strips 1": curve, "strips 3": curve}, threads).seconds == seconds


def test_beats_are_learned_the_same_one_after_the_other_and_side_by_side(
    people: list[BeatRecord], tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    from desktop.learning.rhythm_members import LearnedStrips, train_all

    found = []
    for threads in (1, 2):
        work = tmp_path / str(threads)
        work.mkdir()
        empty = np.zeros(0, np.int64)
        strips = StripRecords(
            np.zeros(0, np.float16), np.zeros(0, np.float16), empty, np.zeros((0, 1), np.float32), empty, ()
        )
        settings, learned = replace(FEW, threads=threads), LearnedStrips(b"strips", {}, threads)
        curves = train_all(strips, people, settings, "data", work, Job(), lambda line: None, learned=learned)
        losses = {name: [epoch.training_loss for epoch in curve] for name, curve in curves.items()}
        found.append((losses, (work / "beats.onnx").read_bytes(), (work / "model.onnx").read_bytes()))
    assert found[0] == found[1]
    assert list(found[0][0]) == ["beats 1", "beats 2"]


def test_a_card_says_what_the_curve_shows_or_that_there_is_none() -> None:
    names = [*measures("ventricular"), *measures("supraventricular")]

    def told(*last: float) -> str:
        points = [
            CurvePoint(share, learned, dict(zip(names, values, strict=True)))
            for share, learned, values in ((25, 5, (0.5,) * 4), (50, 10, (0.6,) * 4), (100, 20, last))
        ]
        return rhythm_card._curve(Study("data", 1, [point.to_row() for point in points]))

    assert "Not measured yet" in rhythm_card._curve(None)
    assert "| 20 patients (100 %) | 0.600 | 0.600 | 0.700 | 0.600 |" in told(0.6, 0.6, 0.7, 0.6)
    assert "of ventricular beats it is flat" in told(0.6, 0.6, 0.7, 0.6)
    assert "of supraventricular beats it still rises (+0.100 sensitivity" in told(0.6, 0.6, 0.7, 0.6)
    assert told(0.6, 0.6, 0.7, 0.6).endswith("more patients would help.")
    assert told(0.6, 0.6, 0.6, 0.6).endswith("would not help much.")


def test_a_card_names_the_goals_that_were_missed_and_those_reached_by_the_patients_own_limits() -> None:
    def told(f1: float, above: float, by_others: float) -> str:
        def both(value: float) -> dict[str, dict[str, float]]:
            return {"sensitivity": {"value": 0.95}, "ppv": {"value": value}}

        beats = {"ventricular": both(0.95), "others_ventricular": both(0.95)}
        beats |= {"supraventricular": both(above), "others_supraventricular": both(by_others)}
        qrs = {"sensitivity": {"value": 0.999}, "ppv": {"value": 0.999}}
        return rhythm_card._missed({"rhythm": {"mean_f1": {"value": f1}}, "beats": beats, "qrs": qrs})

    assert told(0.84, 0.6, 0.6).replace("\n", " ") == "Every figure that was to be reached is reached on this data."
    assert told(0.84, 0.6, 0.4).endswith(
        "chose, this falls short: supraventricular beats' predictive value (see below)."
    )
    short = told(0.82, 0.4, 0.4)
    assert "the mean F1, supraventricular beats' predictive value (see the learning curve" in short
    assert "only other patients" not in short
