"""How right a model was: who counts, what is left out and said, what stands on the paper."""

from pathlib import Path

import pytest

from desktop import workflow
from desktop.errors import ErrorKind, UserFacingError
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import LabelBasis
from desktop.workflow.confirmed import Strength
from desktop.workflow.validating import (
    Flow,
    ValidationGroup,
    export_validation,
    judged_models,
    validate_model,
    validation_pdf,
)
from tests.confirmed_clinic import FINDING, MODEL, fill

JOB = Job()


def words_of(pdf: bytes) -> str:
    """All its words in one line, as `pdftotext` would give them."""
    import pypdfium2  # type: ignore[import-untyped]  # the library ships no types

    document = pypdfium2.PdfDocument(pdf)
    found = []
    for number in range(len(document)):
        page = document[number]
        text = page.get_textpage()
        found.append(str(text.get_text_range()))
        text.close()
        page.close()
    document.close()
    return " ".join("".join(found).split())


def test_cases_are_counted_and_the_rest_is_told(clinic: workflow.Clinic, tmp_path: Path) -> None:
    fill(clinic, tmp_path, 80, refused=3, unknown=5)
    fill(clinic, tmp_path, 7, seed=5, sha256="ab" * 32)
    found = validate_model(clinic, JOB, MODEL, FINDING, by=ValidationGroup.SEX)
    assert found.flow == Flow(seen=95, other_versions=7, refused=3, without=0, unknown=5)
    assert found.flow.cases == found.table.whole.cases == 80
    assert (found.table.whole.present.total, found.table.whole.absent.total) == (32, 48)
    assert found.strengths == {Strength.REFERENCE: 80}
    assert [(row.group, row.cases) for row in found.table.rows] == [("female", 27), ("male", 53)]
    assert found.table.whole.area is not None
    assert 0.85 < found.table.whole.area.value < 1
    assert found.table.rows[0].specificity is not None
    assert (str(found.first), str(found.last)) == ("2026-09-01", "2026-10-30")
    assert judged_models(clinic, JOB)[0].answers == 95


def test_versions_are_told_apart(clinic: workflow.Clinic, tmp_path: Path) -> None:
    fill(clinic, tmp_path, 30)
    fill(clinic, tmp_path, 7, seed=5, sha256="ab" * 32)
    found = validate_model(clinic, JOB, MODEL, FINDING, by=ValidationGroup.VERSION)
    assert found.flow.other_versions == 0
    assert found.table.whole.cases == 37
    assert [row.cases for row in found.table.rows] == [7, 30]
    assert found.table.rows[0].group == "0.9 (abababab)"


def test_weak_truths_are_told_and_can_be_left_out(clinic: workflow.Clinic, tmp_path: Path) -> None:
    fill(clinic, tmp_path, 30)
    fill(clinic, tmp_path, 25, seed=5, basis=None)
    fill(clinic, tmp_path, 10, seed=6, basis=LabelBasis.BLIND)
    found = validate_model(clinic, JOB, MODEL, FINDING)
    assert found.strengths == {Strength.REFERENCE: 30, Strength.REVIEWED: 25, Strength.BLIND: 10}
    assert [(row.group, row.cases) for row in found.table.rows] == [("blind", 10), ("reference", 30), ("reviewed", 25)]
    only = validate_model(clinic, JOB, MODEL, FINDING, least=Strength.REFERENCE)
    assert (only.table.whole.cases, only.flow.unknown) == (30, 35)


def test_nothing_seen_and_nothing_known(clinic: workflow.Clinic) -> None:
    assert judged_models(clinic, JOB) == ()
    found = validate_model(clinic, JOB, MODEL, FINDING)
    assert (found.flow.seen, found.table.whole.cases, found.first) == (0, 0, None)
    with pytest.raises(UserFacingError) as refusal:
        validate_model(clinic, JOB, MODEL, "gout")
    assert refusal.value.kind is ErrorKind.NOT_FOUND


@pytest.mark.parametrize("languages", [(Language.ENGLISH,), (Language.CHINESE,), (Language.CHINESE, Language.ENGLISH)])
def test_the_paper_says_it_all_and_names_no_patient(
    clinic: workflow.Clinic, tmp_path: Path, languages: tuple[Language, ...]
) -> None:
    fill(clinic, tmp_path, 60, refused=2, unknown=4)
    fill(clinic, tmp_path, 21, seed=5, basis=None)
    out = tmp_path / "validation.pdf"
    done = export_validation(clinic, JOB, MODEL, FINDING, out, languages)
    data = out.read_bytes()
    assert len(done.sha256) == 64
    said = words_of(data)
    model = clinic.models.get(MODEL)
    assert clinic.name in said
    assert clinic.session.user.name in said
    assert f"{MODEL} {model.version}" in said
    assert model.sha256 in said.replace(" ", "")
    for language in languages:
        assert model.finding_name(FINDING, language) in said
    whole = validate_model(clinic, JOB, MODEL, FINDING).table.whole
    assert whole.sensitivity is not None
    figure = whole.sensitivity
    assert f"{100 * figure.value:.0f}% ({100 * figure.low:.0f}–{100 * figure.high:.0f})" in said
    if Language.ENGLISH in languages:
        for words in ("87 answers of this model were seen", "2 not judged", "81 confirmed cases", "incorporation bias"):
            assert words in said
    if Language.CHINESE in languages:
        for words in ("模型临床验证报告", "纳入偏倚", "2026"):
            assert words in said
    assert "虚构" not in said
    assert "第一位" not in said


def test_the_paper_of_too_few_cases_gives_no_figure(clinic: workflow.Clinic, tmp_path: Path) -> None:
    fill(clinic, tmp_path, 9)
    said = words_of(validation_pdf(clinic, JOB, MODEL, FINDING, (Language.ENGLISH,)))
    assert "Too few cases to say how honest" in said
    assert "Sensitivity – –" in said


def test_a_paper_nobody_can_write_says_so(clinic: workflow.Clinic, tmp_path: Path) -> None:
    with pytest.raises(UserFacingError):
        export_validation(clinic, JOB, MODEL, FINDING, tmp_path / "no" / "where.pdf", (Language.ENGLISH,))
