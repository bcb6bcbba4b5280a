"""The main job from the command line: import, read, review, sign, export."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from desktop.settings import model_folder
from tests.cli.helpers import Lantern
from tests.cli.test_clinic import add

MODEL = "chest-xray-child"
RISKS = ("risk-diabetes", "risk-heart-disease", "risk-kidney-disease", "risk-liver-disease")
ANALYSE_KEYS = {
    "file",
    "status",
    "reason",
    "model",
    "version",
    "sha256",
    "device",
    "quality",
    "findings",
    "milliseconds",
}


@pytest.fixture
def film(lantern: Lantern) -> Path:
    """One of our own synthetic films of the child, as DICOM."""
    from datetime import date

    from desktop.imaging.synthetic import demo_film
    from desktop.records import HumanName, PartialDate, Patient, PatientId
    from desktop.workflow.demo_patients import demo_patients

    drawn = next(f for p in demo_patients(date(2026, 11, 21)) for f in p.films)
    child = Patient(
        PatientId("00000000-0000-4000-8000-000000000001"),
        (HumanName("欧阳小明"),),
        birth_date=PartialDate(2023, 5, 7),
    )
    return lantern.file("film.dcm", demo_film(drawn.seed, child, drawn.opacity, date(2026, 11, 20)))


def bring_in(lantern: Lantern, film: Path, **changed: object) -> tuple[str, dict[str, Any]]:
    patient = add(lantern, **changed)
    answer = lantern.run("import", film, "--patient", patient)
    assert answer.code == 0, answer
    return patient, answer.only


def test_from_file_to_signed_report(lantern: Lantern, film: Path) -> None:
    before = film.read_bytes()
    patient, imported = bring_in(lantern, film)
    assert {"file", "status", "reason", "study", "attachment"} <= imported.keys()
    assert imported["status"] == "ok"
    study = imported["study"]

    sealed = lantern.run("suggestions", "list", "--study", study).only
    assert sealed["sealed"] is True
    assert not ANALYSE_KEYS & sealed.keys()
    early = lantern.run("suggestions", "review", sealed["id"], "--finding", "pneumonia", "--verdict", "accept")
    assert (early.code, early.only["kind"]) == (1, "bad_input")

    text = lantern.file("impression.txt", "右下肺斑片影。\nPatchy opacity, right lower zone.\n")
    assert lantern.run("impressions", "add", "--study", study, "--text-file", text).only["id"]
    revealed = lantern.run("suggestions", "list", "--study", study).only
    assert revealed["sealed"] is False
    assert revealed.keys() >= ANALYSE_KEYS
    assert (revealed["model"], revealed["file"]) == (MODEL, film.name)
    assert [finding["key"] for finding in revealed["findings"]] == ["pneumonia", "bacterial_if_pneumonia"]

    review = lantern.run(
        "suggestions", "review", revealed["id"], "--finding", "pneumonia", "--verdict", "amend", "--value", "unlikely"
    )
    assert review.code == 0
    rates = lantern.run("suggestions", "rates", "--model", MODEL, "--by", "version").only
    assert rates["answers"] == 1
    changed = {rate["finding"]: rate["cases"] for rate in rates["rates"] if rate["kind"] == "changed"}
    assert changed["pneumonia"] == 1
    assert changed.get("bacterial_if_pneumonia", 0) == 0
    signed = lantern.run("report", "sign", "--study", study).only
    assert signed.keys() == {"id", "sha256", "audit_head"}

    pdf, fhir = lantern.folder / "report.pdf", lantern.folder / "report.json"
    for language in ("en", "zh", "both"):
        out = lantern.run(
            "report", "export", signed["id"], "--format", "pdf", "--language", language, "--out", pdf
        ).only
        assert out["sha256"] == hashlib.sha256(pdf.read_bytes()).hexdigest()
    assert pdf.read_bytes().startswith(b"%PDF")
    assert lantern.run("report", "export", signed["id"], "--format", "fhir", "--out", fhir).code == 0
    bundle = json.loads(fhir.read_text(encoding="utf-8"))
    assert bundle["resourceType"] == "Bundle"
    assert "DiagnosticReport" in {entry["resource"]["resourceType"] for entry in bundle["entry"]}

    again = lantern.run("report", "sign", "--study", study)
    assert (again.code, again.only["status"]) == (1, "error")
    assert lantern.run("impressions", "add", "--study", study, "--text-file", text).code == 1
    assert film.read_bytes() == before
    assert lantern.run("verify").only["ok"] is True

    twice = lantern.run("import", film, "--patient", patient).only
    assert (twice["status"], twice["study"], twice["attachment"]) == ("duplicate", study, imported["attachment"])


def test_an_undecided_suggestion_never_blocks_the_report(lantern: Lantern, film: Path) -> None:
    _, imported = bring_in(lantern, film)
    nothing = lantern.run("report", "sign", "--study", imported["study"])
    assert nothing.code == 1
    text = lantern.file("impression.txt", "正常")
    assert lantern.run("report", "sign", "--study", imported["study"], "--impression-file", text).code == 0


def test_another_childs_film_is_refused_unless_there_is_a_reason(lantern: Lantern, film: Path) -> None:
    patient = add(lantern, name=[{"text": "李雷"}])
    refused = lantern.run("import", film, "--patient", patient)
    assert refused.code == 1
    assert refused.only["status"] == "refused"
    assert refused.only["study"] is None
    accepted = lantern.run("import", film, "--patient", patient, "--accept-mismatch", "registered under a milk name")
    assert (accepted.code, accepted.only["status"]) == (0, "ok")


def test_the_same_film_of_another_patient_is_not_a_duplicate(lantern: Lantern, film: Path) -> None:
    _, first = bring_in(lantern, film)
    _, second = bring_in(lantern, film, birthDate="2023-05-08")
    assert second["status"] == "ok"
    assert second["study"] != first["study"]


def test_bad_files_are_named_and_the_rest_goes_on(lantern: Lantern, film: Path) -> None:
    patient = add(lantern)
    folder = lantern.folder / "stick"
    folder.mkdir()
    (folder / "1-text.png").write_text("not a picture", encoding="utf-8")
    (folder / "2-cut.dcm").write_bytes(film.read_bytes()[:20000])
    (folder / "3-empty.jpg").write_bytes(b"")
    (folder / "4-good.dcm").write_bytes(film.read_bytes())
    answer = lantern.run("import", folder, folder / "missing.dcm", "--patient", patient)
    assert answer.code == 1
    assert [line["status"] for line in answer.lines] == ["error", "error", "error", "ok", "error"]
    assert all(line["reason"] for line in answer.lines if line["status"] == "error")
    assert lantern.run("verify").only["counts"]["attachments"] == 1


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names there are always text")
def test_a_film_of_an_old_disc_whose_name_is_no_text_is_kept(lantern: Lantern, film: Path) -> None:
    patient = add(lantern)
    odd = lantern.folder / "\udcd3\udcb0 1.dcm"
    odd.write_bytes(film.read_bytes())
    answer = lantern.run("import", odd, "--patient", patient)
    assert (answer.code, answer.only["status"], answer.only["file"]) == (0, "ok", str(odd))
    assert lantern.run("verify").only["ok"] is True


def test_analyse_needs_no_clinic_and_answers_in_order(empty: Lantern, tmp_path: Path) -> None:
    noise = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 300), np.uint8)).save(noise)
    broken = tmp_path / "broken.png"
    broken.write_bytes(noise.read_bytes()[:500])
    lines = [str(noise), json.dumps({"file": str(broken), "age_years": None}), "[]", json.dumps({"age_years": 3})]
    answer = empty.run("analyse", "--batch", "--model", MODEL, stdin="\n".join(lines) + "\n")
    assert answer.code == 1
    assert [line["status"] for line in answer.lines] == ["refused", "error", "error", "error"]
    blanks = empty.run("analyse", "--batch", "--model", MODEL, stdin=f"\n{noise}\n \n{noise}\n\n")
    assert blanks.code == 1
    assert [line["status"] for line in blanks.lines] == ["error", "refused", "error", "refused", "error"]
    assert all(line.keys() == answer.lines[1].keys() for line in blanks.lines[::2])
    assert all(line.keys() >= ANALYSE_KEYS | {"file"} for line in answer.lines)
    assert answer.lines[0]["quality"]["ok"] is False
    assert answer.lines[0]["quality"]["problems"]
    assert answer.lines[0]["file"] == str(noise)


def test_an_unknown_model_is_named(empty: Lantern) -> None:
    answer = empty.run("analyse", "x.png", "--model", "no-such-model")
    assert (answer.code, answer.only["kind"]) == (1, "not_found")


def test_selftest_says_what_is_installed(empty: Lantern) -> None:
    answer = empty.run("selftest")
    line = answer.only
    assert answer.code == 0, line
    assert line.keys() == {"ok", "sqlcipher", "sqlite", "providers", "qt", "models"}
    assert line["ok"] is True
    shelf = sorted(path.parent.name for path in model_folder().glob("*/manifest.json"))
    assert [model["name"] for model in line["models"]] == shelf
    assert {MODEL, "malaria-cell", *RISKS} <= set(shelf)
    assert line["models"][0].keys() == {"name", "version", "sha256", "ok", "max_difference"}


@pytest.mark.data
def test_a_real_film_is_answered_with_age_gate(empty: Lantern, shared_data: Path) -> None:
    film = sorted((shared_data / "cxr" / "kermany_full" / "images").glob("*.jpg"))[0]
    child = empty.run("analyse", film, "--model", MODEL, "--age-years", "3").only
    adult = empty.run("analyse", film, "--model", MODEL, "--age-years", "40").only
    unknown = empty.run("analyse", film, "--model", MODEL).only
    assert child["status"] == adult["status"] == unknown["status"] == "ok"
    assert adult["findings"][0]["decision"] == unknown["findings"][0]["decision"] == "cannot_say"
    assert adult["findings"][0]["reason"]
    assert child["findings"][0]["probability"] == adult["findings"][0]["probability"]


def test_a_child_unknown_to_the_clinic_is_not_found(lantern: Lantern, film: Path) -> None:
    answer = lantern.run("import", film, "--patient", "00000000-0000-4000-8000-000000000009")
    assert (answer.code, answer.only["kind"]) == (1, "not_found")
