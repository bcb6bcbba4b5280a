"""`suggestions validate`: figures as lines, and the paper."""

from pathlib import Path

import pytest

from desktop import workflow
from desktop.jobs import Job
from tests.cli.helpers import PASSPHRASE, Lantern
from tests.confirmed_clinic import FINDING, MODEL, fill


@pytest.fixture
def filled(lantern: Lantern) -> Lantern:
    """The clinic of the command line with 60 confirmed cases."""
    clinic = workflow.unlock(
        lantern.store, Job(), user=lantern.user, passphrase=PASSPHRASE, models=workflow.load_models()
    )
    fill(clinic, lantern.folder, 60, refused=2, unknown=3)
    workflow.lock(clinic)
    return lantern


def test_a_line_with_every_figure(filled: Lantern, tmp_path: Path) -> None:
    out = tmp_path / "paper.pdf"
    line = filled.run(
        "suggestions", "validate", "--model", MODEL, "--finding", FINDING, "--by", "sex", "--pdf", out
    ).only
    assert (line["model"], line["finding"], line["by"], line["least"]) == (MODEL, FINDING, "sex", "reviewed")
    flow = {"seen": 65, "other_versions": 0, "refused": 2, "without": 0, "unknown": 3, "cases": 60}
    assert line["flow"] == {**flow, "afterwards": 0, "learned": 0}
    assert line["strengths"] == {"reference": 60, "blind": 0, "reviewed": 0}
    whole = line["whole"]
    assert sum(whole["present"].values()) + sum(whole["absent"].values()) == whole["cases"] == 60
    assert whole["auc"]["low"] <= whole["auc"]["value"] <= whole["auc"]["high"]
    assert whole["missing"] == {"cases": 0, "present": 0, "absent": 0}
    women, men = line["groups"]
    assert (women["group"], men["group"], women["cases"] + men["cases"]) == ("female", "male", 60)
    assert women["sensitivity"] is None
    assert women["missing"]["present"] == 2
    assert out.read_bytes().startswith(b"%PDF")
    assert len(line["pdf"]["sha256"]) == 64


def test_what_cannot_be_asked(filled: Lantern) -> None:
    assert filled.run("suggestions", "validate", "--model", "nobody").only["kind"] == "not_found"
    said = filled.run("suggestions", "validate", "--model", MODEL, "--finding", "gout")
    assert (said.code, said.only["kind"]) == (1, "not_found")
    many = filled.run("suggestions", "validate", "--model", "ecg-12-lead", "--pdf", "x.pdf")
    assert (many.code, many.only["kind"]) == (1, "bad_input")
    every = filled.run("suggestions", "validate", "--model", "ecg-12-lead")
    assert every.code == 0
    assert {line["whole"]["cases"] for line in every.lines} == {0}
    assert all(line["whole"]["auc"] is None for line in every.lines)


def test_a_version_that_came_later_catches_up(lantern: Lantern) -> None:
    clinic = workflow.unlock(
        lantern.store, Job(), user=lantern.user, passphrase=PASSPHRASE, models=workflow.load_models()
    )
    fill(clinic, lantern.folder, 3, sha256="ab" * 32)
    workflow.lock(clinic)
    line = lantern.run("suggestions", "catch-up", "--model", MODEL, "--dry-run").only
    assert (line["known"], line["answered_before"], line["waiting"]) == (3, 0, 3)
    done = lantern.run("suggestions", "catch-up", "--model", MODEL).only
    assert done["answered"] + done["refused"] + done["passed"] == 3
    flow = lantern.run("suggestions", "validate", "--model", MODEL, "--finding", FINDING).only["flow"]
    assert (flow["seen"], flow["afterwards"] + done["passed"], flow["other_versions"]) == (3, 3, 3)
    assert lantern.run("suggestions", "catch-up", "--model", MODEL).only["waiting"] == 0
    assert lantern.run("suggestions", "catch-up", "--model", "nobody").only["kind"] == "not_found"
