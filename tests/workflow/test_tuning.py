"""Tuning a model here: nothing with few answers; with enough a challenger that nobody uses before a click, and back."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from desktop import workflow
from desktop.errors import Cancelled, ErrorKind, UserFacingError
from desktop.inference import Library, PictureModel, SelfTestResult, read_picture_model
from desktop.jobs import Job
from desktop.learning.challenger import CORRECTION, corrections_in, origin_of
from desktop.records import AuditAction, Decision, InstanceId, LabelValue, PatientId, StudyId
from desktop.workflow import tuning
from desktop.workflow.labelling import add_labels
from desktop.workflow.tuning import Verdict, tune_model, tuning_state
from tests.workflow.test_model_rates import MODEL, keep, study

__all__ = ["study"]

JOB = Job()
KEY = "pneumonia"
WHEN = datetime(2026, 10, 5, 9, tzinfo=UTC)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "models")


@pytest.fixture
def mine(clinic: workflow.Clinic, library: Library) -> workflow.Clinic:
    """The clinic with a shelf of its own."""
    return replace(clinic, models=workflow.load_models(library))


class Pretended:
    """Answers of many people without their pictures: what the network would make of each, and what is true."""

    def __init__(self, model: PictureModel, n: int, *, hidden: float, seed: int = 4) -> None:
        random = np.random.default_rng(seed)
        spec = model.manifest.finding(KEY)
        width = model.manifest.embedding.shape[0]
        features = random.normal(size=(n, width)) * np.linspace(1.5, 0.2, width)
        told = 1.5 * random.normal(size=n)
        truth = random.random(n) < 1 / (1 + np.exp(-(told + hidden * features[:, 0])))
        raw = (told - spec.calibration.offset) * spec.calibration.temperature
        self.looked = {
            InstanceId(f"i{number}"): tuning._Looked(
                features[number].astype(np.float32), np.array([raw[number]], dtype=np.float32)
            )
            for number in range(n)
        }
        self.known = [self._known(number, bool(truth[number])) for number in range(n)]

    @staticmethod
    def _known(number: int, present: bool) -> tuning.KnownPicture:
        return tuning.KnownPicture(
            InstanceId(f"i{number}"), PatientId(f"p{number}"), {KEY: (float(present), 1.0, True)}
        )

    def put(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have the deed find these."""

        def known(clinic: workflow.Clinic, job: Job, model: str) -> Sequence[tuning.KnownPicture]:
            return self.known

        def look(*arguments: object) -> Mapping[InstanceId, tuning._Looked]:
            return self.looked

        monkeypatch.setattr(tuning, "known_truths", known)
        monkeypatch.setattr(tuning, "_look", look)
        # Else another clinic, and so other patients, would be locked in each run.
        monkeypatch.setattr(tuning, "_key", lambda clinic: "a clinic")


def tried_here(folder: Path, *, check: Callable[[], None]) -> SelfTestResult:
    """The trial without a process of its own, which takes seconds."""
    return read_picture_model(folder).self_test()


def test_without_an_answer_nothing_is_learned_and_it_says_so(mine: workflow.Clinic, library: Library) -> None:
    state = tuning_state(mine, JOB, MODEL, library=library)
    assert (state.tuned, state.version) == (False, mine.models.get(MODEL).version)
    assert (state.findings[0].finding, state.findings[0].enough.missing_cases) == (KEY, tuning.LEAST_CASES)
    done = tune_model(mine, JOB, MODEL, library=library)
    assert {one.tuned.verdict for one in done.findings if one.tuned} == {Verdict.TOO_FEW}
    assert (done.kept, done.pictures, done.left_out) == (None, 0, 0)
    assert library.shelf().kept == ()


def test_real_answers_are_counted_and_looked_at(
    mine: workflow.Clinic, library: Library, study: StudyId, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mine.store.snapshot() as tx:
        instance = tx.studies.get(study).main.id
    keep(mine, study, instance, WHEN, Decision.LIKELY)
    add_labels(mine, JOB, study, instance, {KEY: LabelValue.PRESENT})
    assert tuning_state(mine, JOB, MODEL, library=library).findings[0].enough.cases == 0, "nobody has seen it yet"
    workflow.record_impression(mine, JOB, study, "Patchy.")
    workflow.reading(mine, JOB, study)
    there = tuning_state(mine, JOB, MODEL, library=library).findings[0].enough
    assert there.cases + there.locked_present == 1
    for limit in ("LEAST_CASES", "LEAST_OF_EACH"):
        monkeypatch.setattr(f"desktop.learning.head_tuning.{limit}", 0)
    looked = tuning._look(mine, JOB, mine.models.picture_model(MODEL), tuning.known_truths(mine, JOB, MODEL), 1e12)
    assert looked[instance].features.shape == mine.models.picture_model(MODEL).manifest.embedding.shape


def test_a_better_challenger_waits_for_a_click_and_can_be_taken_back(
    mine: workflow.Clinic, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = mine.models.picture_model(MODEL)
    Pretended(base, 600, hidden=2.0).put(monkeypatch)
    done = tune_model(mine, JOB, MODEL, findings=[KEY], library=library)
    (about,) = done.findings
    assert about.tuned is not None
    assert about.tuned.verdict is Verdict.BETTER
    assert done.kept is not None
    assert mine.models.get(MODEL).version == base.version, "nobody has put it into use"
    folder = library.folder_of(library.shelf().kept[0])
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["tuned"]["base_sha256"] == base.sha256
    assert manifest["tuned"]["findings"][0]["cases"] == about.enough.cases
    assert "本诊所" in manifest["limits"]["zh"]
    assert "Tuned at a clinic" in (folder / "CARD.md").read_text(encoding="utf-8")
    assert (folder / CORRECTION).stat().st_size < 100_000
    keeper = workflow.keeper_of(mine)
    used = workflow.activate_model(MODEL, JOB, keeper=keeper, version=done.kept.digest, library=library)
    assert used.version == done.kept.version == mine.models.get(MODEL).version
    assert tuning_state(mine, JOB, MODEL, library=library).tuned
    back = workflow.roll_back_model(MODEL, keeper=keeper, library=library)
    assert back is not None
    assert mine.models.get(MODEL).sha256 == base.sha256
    actions = [entry.action for entry in workflow.audit_entries(mine, JOB, limit=20)]
    wanted = [AuditAction.ROLL_BACK_MODEL, AuditAction.ACTIVATE_MODEL, AuditAction.TUNE_MODEL]
    assert [action for action in actions if action in wanted] == wanted


def test_tuning_again_starts_from_the_shipped_model(
    mine: workflow.Clinic, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = mine.models.picture_model(MODEL)
    monkeypatch.setattr(tuning, "try_out", tried_here)
    Pretended(base, 600, hidden=2.0).put(monkeypatch)
    first = tune_model(mine, JOB, MODEL, findings=[KEY], library=library)
    assert first.kept is not None
    keeper = workflow.keeper_of(mine)
    workflow.activate_model(MODEL, JOB, keeper=keeper, version=first.kept.digest, library=library)
    again = tune_model(mine, JOB, MODEL, findings=[KEY], library=library)
    assert again.kept is None, "the same answers teach nothing new"
    later = replace(mine, clock=lambda: mine.clock() + timedelta(days=1))
    Pretended(base, 1400, hidden=2.0).put(monkeypatch)
    third = tune_model(later, JOB, MODEL, findings=[KEY], library=library)
    assert third.findings[0].tuned is not None
    if third.kept is not None:
        newest = library.folder_of(library.shelf().kept[-1])
        origin = origin_of(newest)
        assert origin is not None
        assert origin.sha256 == base.sha256, "corrections do not pile up"
        assert set(corrections_in(newest)) == {KEY}


def test_what_is_unknown_or_no_model_of_pictures_is_said(mine: workflow.Clinic, library: Library) -> None:
    with pytest.raises(UserFacingError) as refusal:
        tune_model(mine, JOB, MODEL, findings=["fracture"], library=library)
    assert refusal.value.kind is ErrorKind.NOT_FOUND
    with pytest.raises(UserFacingError):
        tune_model(mine, JOB, "risk-diabetes", library=library)
    assert MODEL in tuning.tunable_models(mine, JOB)
    assert "risk-diabetes" not in tuning.tunable_models(mine, JOB)


def test_it_can_be_cancelled_and_leaves_nothing(
    mine: workflow.Clinic, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    Pretended(mine.models.picture_model(MODEL), 300, hidden=1.5).put(monkeypatch)
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        tune_model(mine, job, MODEL, findings=[KEY], library=library)
    assert library.shelf().kept == ()
