"""`models fit-site` and `drop-site`: in use for `analyse` and `models list`, and taken back."""

from pathlib import Path

import pytest

from desktop import workflow
from desktop.jobs import Job
from tests.cli.helpers import PASSPHRASE, Lantern
from tests.confirmed_clinic import FINDING, MODEL, fill


@pytest.fixture
def filled(lantern: Lantern, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lantern:
    """The clinic of the command line with 60 confirmed cases, on a PC with models of its own."""
    library = workflow.library_in(tmp_path / "own-models")
    for module in ("shelf", "shelving", "site_fitting"):
        monkeypatch.setattr(f"desktop.workflow.{module}.own_library", lambda: library)
    clinic = workflow.unlock(
        lantern.store, Job(), user=lantern.user, passphrase=PASSPHRASE, models=workflow.load_models()
    )
    fill(clinic, lantern.folder, 60)
    workflow.lock(clinic)
    return lantern


def listed(lantern: Lantern) -> list[dict[str, object]]:
    found: list[dict[str, object]] = next(
        line["site"] for line in lantern.run("models", "list").lines if line["name"] == MODEL
    )
    return found


def test_fitted_listed_and_dropped(filled: Lantern) -> None:
    assert listed(filled) == []
    dry = filled.run("models", "fit-site", MODEL, "--finding", FINDING, "--sensitivity", "0.9", "--dry-run").only
    assert (dry["in_use"], dry["cases"], dry["present"], dry["finding"]) == (False, 60, 24, FINDING)
    assert dry["same_cases"]["sensitivity"]["value"] >= 0.9
    assert listed(filled) == []
    done = filled.run("models", "fit-site", MODEL, "--finding", FINDING, "--sensitivity", "0.9").only
    assert done["in_use"] is True
    assert done["thresholds"] == dry["thresholds"]
    (one,) = listed(filled)
    assert (one["used"], one["cases"], one["positive"]) == (True, 60, done["thresholds"]["positive"])
    assert filled.run("models", "drop-site", MODEL).only == {"model": MODEL, "site": []}
    assert listed(filled) == []
    again = filled.run("models", "drop-site", MODEL)
    assert (again.code, again.only["kind"]) == (1, "not_found")


def test_what_is_refused(filled: Lantern) -> None:
    few = filled.run("models", "fit-site", "ecg-12-lead", "--finding", "hypertrophy", "--sensitivity", "0.9")
    assert (few.code, few.only["kind"]) == (1, "bad_input")
    assert "50" in few.only["message"]
    which = filled.run("models", "fit-site", "ecg-12-lead", "--sensitivity", "0.9")
    assert (which.code, which.only["kind"]) == (1, "bad_input")
    wild = filled.run("models", "fit-site", MODEL, "--finding", FINDING, "--sensitivity", "1.5")
    assert (wild.code, wild.only["kind"]) == (1, "bad_input")
