"""The queue, labels, the labellers' board and tuning, as lines."""

from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from desktop import workflow
from desktop.jobs import Job
from desktop.records import Decision, HumanName
from desktop.workflow import tuning_whole
from tests.cli.helpers import PASSPHRASE, Lantern
from tests.confirmed_clinic import FINDING, MODEL, fill
from tests.workflow.test_model_rates import keep


@pytest.fixture
def filled(lantern: Lantern) -> Lantern:
    """The clinic of the command line with 60 confirmed cases."""
    clinic = workflow.unlock(
        lantern.store, Job(), user=lantern.user, passphrase=PASSPHRASE, models=workflow.load_models()
    )
    fill(clinic, lantern.folder, 60)
    workflow.lock(clinic)
    return lantern


@pytest.fixture
def film_in(lantern: Lantern) -> tuple[str, str]:
    """A film with a sealed answer of a model."""
    clinic = workflow.unlock(
        lantern.store, Job(), user=lantern.user, passphrase=PASSPHRASE, models=workflow.load_models()
    )
    path = lantern.folder / "queued.png"
    Image.fromarray(np.random.default_rng(3).integers(0, 255, (90, 100), np.uint8)).save(path)
    patient = workflow.register_patient(clinic, Job(), workflow.PatientDraft((HumanName(text="Wei"),))).patient
    done = workflow.import_file(clinic, Job(), path, patient.id)
    keep(clinic, done.study, done.instance, datetime(2026, 10, 5, 9, tzinfo=UTC), Decision.CANNOT_SAY)
    workflow.lock(clinic)
    return done.study, done.instance


def test_a_picture_is_queued_labelled_and_gone(lantern: Lantern, film_in: tuple[str, str]) -> None:
    study, instance = film_in
    (line,) = lantern.run("suggestions", "queue").lines
    assert line == {
        "study": study,
        "instance": instance,
        "questions": [{"finding": "pneumonia", "model": "chest-xray-child"}],
    }
    place = ("--study", study, "--instance", instance, "--finding", "pneumonia")
    said = lantern.run("suggestions", "label", *place, "--value", "present").only
    assert (said["finding"], said["value"], said["basis"]) == ("pneumonia", "present", "blind")
    assert lantern.run("suggestions", "queue").lines == []
    board = lantern.run("suggestions", "quality").only
    assert (board["basis"], board["shared"], board["gold"], board["alpha"]) == ("one", 0, 0, None)
    (who,) = board["labellers"]
    assert (who["you"], who["answers"], who["sensitivity"]) == (True, 1, None)
    assert who["unsure"]["enough"] is False
    wrong = lantern.run(
        "suggestions", "label", *place[:3], "00000000-0000-4000-8000-000000000000", *place[4:], "--value", "absent"
    )
    assert (wrong.code, wrong.only["kind"]) == (1, "not_found")


def test_too_few_are_counted_and_nothing_is_kept(filled: Lantern, monkeypatch: pytest.MonkeyPatch) -> None:
    said = filled.run("models", "tune", MODEL)
    assert said.code == 0
    *findings, last = said.lines
    line = next(one for one in findings if one["finding"] == FINDING)
    assert (line["verdict"], line["may_be_promoted"], line["champion"], line["worse"]) == ("too_few", False, None, [])
    assert line["cases"] + line["missing"]["cases"] == 50
    assert line["original_validation"] == "not re-run"
    nothing = {"model": MODEL, "pictures": 0, "left_out": 0, "version": None, "digest": None, "in_use": False}
    assert last == {**nothing, "whole": False, "stranger": False, "rounds": []}
    monkeypatch.setattr(tuning_whole, "whole_networks_can_learn", lambda: True)
    *findings, last = filled.run("models", "tune", MODEL, "--all").lines
    wanting = next(one for one in findings if one["finding"] == FINDING)
    assert (wanting["verdict"], wanting["present"] + wanting["missing"]["present"]) == ("too_few", 100)
    assert last == {**nothing, "whole": True, "stranger": False, "rounds": []}
    monkeypatch.setattr(tuning_whole, "whole_networks_can_learn", lambda: False)
    said = filled.run("models", "tune", MODEL, "--all")
    assert (said.code, said.only["kind"]) == (1, "not_found")
    assert "PyTorch" in said.only["message"]


def test_what_cannot_be_tuned_is_said(lantern: Lantern) -> None:
    assert lantern.run("models", "tune", "nobody").only["kind"] == "not_found"
    unknown = lantern.run("models", "tune", MODEL, "--finding", "gout")
    assert (unknown.code, unknown.only["kind"]) == (1, "not_found")
    assert lantern.run("models", "tune", "risk-diabetes").code == 1
    with pytest.raises(SystemExit) as usage:
        lantern.run("models", "tune", MODEL, "--seconds", "0")
    assert usage.value.code == 2
