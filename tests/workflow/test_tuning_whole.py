"""A whole network tuned here: nothing with few answers, a challenger that waits for a click, and what holds it back.

What PyTorch would teach is pretended: these need none."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop import workflow
from desktop.access import Role
from desktop.errors import ErrorKind, UserFacingError
from desktop.i18n import Language
from desktop.inference import Library, PictureModel
from desktop.jobs import Job
from desktop.learning.challenger import origin_of
from desktop.learning.whole_tuning import Learned, Material, WholeEpoch
from desktop.records import AuditAction, Decision, InstanceId, PatientId
from desktop.workflow import tuning, tuning_whole
from desktop.workflow.tuning import KnownPicture, Verdict
from desktop.workflow.tuning_whole import tune_whole_model
from tests.workflow.test_model_rates import MODEL
from tests.workflow.test_tuning import KEY, tried_here

JOB = Job()
HINT = "bacterial_if_pneumonia"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "models")


@pytest.fixture
def mine(clinic: workflow.Clinic, library: Library, monkeypatch: pytest.MonkeyPatch) -> workflow.Clinic:
    """The clinic with a shelf of its own, where PyTorch seems to be."""
    monkeypatch.setattr(tuning_whole, "whole_networks_can_learn", lambda: True)
    monkeypatch.setattr(tuning_whole, "locked_key", lambda clinic: "a clinic")
    monkeypatch.setattr(tuning, "try_out", tried_here)
    return replace(clinic, models=workflow.load_models(library))


class Pretended:
    """Answers of many people without their pictures: the shipped network does not see all there is, and the lesson ends
    with one that does. moved: what the hint then says more. worse: on the locked ones it sees less."""

    def __init__(self, model: PictureModel, n: int, *, moved: float = 0.0, worse: bool = False) -> None:
        random = np.random.default_rng(8)
        self.model, self.moved, self.worse = model, moved, worse
        self.told, self.unseen = random.normal(0, 1.5, n), 2.5 * random.normal(0, 1, n)
        truth = random.random(n) < 1 / (1 + np.exp(-(self.told + self.unseen)))
        self.hint = random.normal(0, 1, n)
        self.known = [
            KnownPicture(InstanceId(f"i{one}"), PatientId(f"p{one}"), {KEY: (float(truth[one]), 1.0, True)})
            for one in range(n)
        ]
        self.lessons: list[Material] = []

    def put(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have the deed find these."""
        monkeypatch.setattr(tuning_whole, "known_truths", lambda clinic, job, model: self.known)
        monkeypatch.setattr(tuning_whole._Lesson, "look", self._look)
        # A function, and no bound method, is given the lesson.
        monkeypatch.setattr(tuning_whole._Lesson, "answers", lambda *given: self._answers(*given))
        monkeypatch.setattr(tuning_whole._Lesson, "wrote_what_was_learned", lambda *given: True)
        monkeypatch.setattr(tuning_whole, "learn_apart", self._learn)

    @staticmethod
    def _look(lesson: tuning_whole._Lesson, job: Job, until: float) -> None:
        for one in lesson.known:
            lesson._tensors[one.instance] = np.full((1, 1, 1), int(one.instance[1:]), np.float16)

    def _raw(self, chosen: Sequence[int]) -> np.ndarray:
        """Raw logits of pneumonia and hint, as the shipped network gives them."""
        both = []
        for key, told in ((KEY, self.told), (HINT, self.hint)):
            fit = self.model.manifest.finding(key).calibration
            both.append((told[list(chosen)] - fit.offset) * fit.temperature)
        return np.stack(both, axis=1)

    def _answers(
        self, lesson: tuning_whole._Lesson, job: Job, model: PictureModel, pictures: Sequence[KnownPicture]
    ) -> tuple[np.ndarray, np.ndarray]:
        found = self._raw([int(one.instance[1:]) for one in pictures])
        for place, key in enumerate((KEY, HINT)):
            fit = model.manifest.finding(key).calibration
            found[:, place] = found[:, place] / fit.temperature + fit.offset
        if model is not lesson.base and model.version != self.model.version:
            found[:, 1] += self.moved
            found[:, 0] += (-1.0 if self.worse else 1.0) * self.unseen[[int(one.instance[1:]) for one in pictures]]
        return found, np.full(len(pictures), 0.1)

    def _learn(self, graph: bytes, material: Material, proof: object, settings: object, **more: object) -> Learned:
        self.lessons.append(material)
        chosen = np.flatnonzero(material.inner)
        numbers = material.pictures[chosen, 0, 0, 0].astype(int)
        raw = self._raw(numbers.tolist())
        fit = self.model.manifest.finding(KEY).calibration
        better = raw.copy()
        better[:, 0] += fit.temperature * self.unseen[numbers]
        away = np.full(len(chosen), 0.1)
        curve = (WholeEpoch(0, float("nan"), 0.9, 0.0), WholeEpoch(1, 0.5, 0.6, 1.0))
        other = graph + b"\x32\x01a"  # a remark (ModelProto.doc_string): another file that says the same
        return Learned(other, curve, 1, raw, better, away, away)


def learn(mine: workflow.Clinic, library: Library) -> tuning.ModelTuned:
    return tune_whole_model(mine, JOB, MODEL, library=library)


def test_with_few_answers_or_without_pytorch_it_says_so(
    mine: workflow.Clinic, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = learn(mine, library)
    assert {one.tuned.verdict for one in done.findings if one.tuned} == {Verdict.TOO_FEW}
    assert (done.whole, done.kept, done.curve) == (True, None, ())
    Pretended(mine.models.picture_model(MODEL), 150).put(monkeypatch)
    assert learn(mine, library).findings[0].enough.to_learn, "enough for a correction, too few for a whole network"
    monkeypatch.setattr(tuning_whole, "whole_networks_can_learn", lambda: False)
    with pytest.raises(UserFacingError) as refusal:
        learn(mine, library)
    assert refusal.value.key == "learning.whole_needs_torch"


def test_a_doctor_alone_does_not_teach_a_whole_network(mine: workflow.Clinic, library: Library) -> None:
    user = replace(mine.session.user, roles=(Role.DOCTOR.value,))
    with pytest.raises(UserFacingError) as refusal:
        learn(replace(mine, session=replace(mine.session, user=user)), library)
    assert refusal.value.kind is ErrorKind.PERMISSION


def test_a_better_one_waits_for_a_click_and_the_next_starts_from_the_shipped_one(
    mine: workflow.Clinic, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = mine.models.picture_model(MODEL)
    pretended = Pretended(base, 700)
    pretended.put(monkeypatch)
    done = learn(mine, library)
    (about,) = done.findings
    assert about.tuned is not None
    assert about.tuned.verdict is Verdict.BETTER
    assert done.kept is not None
    (lesson,) = pretended.lessons
    assert np.isnan(lesson.truths[:, 1]).all(), "a hint is never taught"
    assert 0.1 < lesson.inner.mean() < 0.3
    assert len(lesson.inner) == about.enough.cases, "the locked ones are not in it"
    folder = library.folder_of(library.shelf().kept[0])
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["tuned"]["whole"] is True
    assert manifest["tuned"]["findings"][0]["verdict"] == "better"
    offsets = [one["calibration"]["offset"] for one in manifest["findings"]]
    before = [base.manifest.finding(key).calibration.offset for key in (KEY, HINT)]
    assert offsets[0] != before[0], "calibrated anew"
    assert offsets[1] == before[1]
    assert "整个网络" in manifest["limits"]["zh"]
    assert "Learned on at a clinic" in (folder / "CARD.md").read_text(encoding="utf-8")
    keeper = workflow.keeper_of(mine)
    workflow.activate_model(MODEL, JOB, keeper=keeper, version=done.kept.digest, library=library)
    origin = origin_of(folder)
    assert origin is not None
    assert (origin.sha256, origin.whole) == (base.sha256, True)
    again = learn(mine, library)
    assert again.kept is None, "the same lesson is no better than what it gave"
    with mine.store.snapshot() as tx:
        lines = [one for one in tx.audit.entries(30) if one.action is AuditAction.TUNE_MODEL]
    assert [one.subject for one in lines] == [mine.models.get(MODEL).sha256]


@pytest.mark.parametrize(("moved", "worse"), [(2.0, False), (0.0, True)])
def test_what_is_worse_or_decides_otherwise_unseen_holds_it_back(
    mine: workflow.Clinic, library: Library, monkeypatch: pytest.MonkeyPatch, moved: float, worse: bool
) -> None:
    monkeypatch.setattr(tuning_whole, "_is_hint", lambda model, finding: False)
    Pretended(mine.models.picture_model(MODEL), 700, moved=moved, worse=worse).put(monkeypatch)
    done = learn(mine, library)
    wanted = {Verdict.WORSE} if worse else {Verdict.BETTER, Verdict.MOVED}
    assert {one.tuned.verdict for one in done.findings if one.tuned} == wanted
    assert done.kept is None
    assert library.shelf().kept == ()


def test_a_hint_that_moved_falls_silent(
    mine: workflow.Clinic, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    Pretended(mine.models.picture_model(MODEL), 700, moved=2.0).put(monkeypatch)
    done = learn(mine, library)
    assert [one.tuned.verdict for one in done.findings if one.tuned] == [Verdict.BETTER, Verdict.SILENT]
    assert done.kept is not None
    workflow.activate_model(MODEL, JOB, keeper=workflow.keeper_of(mine), version=done.kept.digest, library=library)
    used = mine.models.picture_model(MODEL)
    assert {used.thresholds(HINT).decide(chance) for chance in (0.0, 0.3, 1.0)} == {Decision.CANNOT_SAY}
    assert "no longer decides" in used.limits(Language.ENGLISH)
    assert used.thresholds(KEY) != used.thresholds(HINT)


def test_a_correction_is_compared_with_the_whole_network_in_use(
    mine: workflow.Clinic, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = mine.models.picture_model(MODEL).version
    Pretended(mine.models.picture_model(MODEL), 700).put(monkeypatch)
    done = learn(mine, library)
    assert done.kept is not None
    workflow.activate_model(MODEL, JOB, keeper=workflow.keeper_of(mine), version=done.kept.digest, library=library)
    asked: list[str] = []

    def look(
        clinic: workflow.Clinic, job: Job, model: PictureModel, known: Sequence[KnownPicture], until: float
    ) -> dict[InstanceId, tuning._Looked]:
        asked.append(model.version)
        random = np.random.default_rng(3)
        width = model.manifest.embedding.shape[0]
        return {
            one.instance: tuning._Looked(random.normal(size=width).astype(np.float32), np.zeros(2, np.float32))
            for one in known
        }

    known = Pretended(mine.models.picture_model(MODEL), 90).known
    monkeypatch.setattr(tuning, "known_truths", lambda clinic, job, model: known)
    monkeypatch.setattr(tuning, "_look", look)
    tuning.tune_model(mine, JOB, MODEL, findings=[KEY], library=library)
    assert asked == [shipped, done.kept.version], "learned from the shipped one, compared with the one in use"
