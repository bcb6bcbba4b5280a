from datetime import UTC, datetime

import numpy as np
import pytest

from desktop.records import (
    AllergyIntolerance,
    Annotation,
    AnnotationId,
    AnnotationKind,
    Changes,
    Decision,
    FileHeader,
    Finding,
    HumanName,
    Identifier,
    Impression,
    ImpressionId,
    InstanceId,
    Modality,
    Patient,
    PatientId,
    Photometric,
    Picture,
    Review,
    ReviewId,
    Spacing,
    SpacingSource,
    StudyId,
    SuggestionId,
    UserId,
    Verdict,
    VoiWindow,
    is_id,
    new_id,
)

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (HumanName(text="王小明"), "王小明"),
        (HumanName(family="王", given=("小", "明")), "王小明"),
        (HumanName(family="Smith", given=("Ann", "Mary")), "Ann Mary Smith"),
        (HumanName(family="Smith"), "Smith"),
        (HumanName(given=("Ann",)), "Ann"),
    ],
)
def test_names_are_shown_as_people_write_them(name: HumanName, shown: str) -> None:
    assert name.display == shown


def test_what_cannot_be_is_never_built() -> None:
    with pytest.raises(ValueError):
        HumanName(text="  ")
    with pytest.raises(ValueError):
        Identifier(" ")
    with pytest.raises(ValueError):
        AllergyIntolerance("")
    with pytest.raises(ValueError):
        Patient(PatientId(new_id()), ())
    with pytest.raises(ValueError):
        Patient(
            PatientId(new_id()),
            (HumanName("王小明"),),
            allergies=(AllergyIntolerance("青霉素"),),
            no_known_allergies=True,
        )
    with pytest.raises(ValueError):
        Finding("pneumonia", "Pneumonia", 1.01, Decision.LIKELY)
    with pytest.raises(ValueError):
        Spacing(0.0, 0.1, SpacingSource.PIXEL_SPACING)
    with pytest.raises(ValueError):
        VoiWindow(40, 0)
    with pytest.raises(ValueError):
        Impression(ImpressionId(new_id()), StudyId(new_id()), UserId(new_id()), " \n", NOW, before_reveal=True)


@pytest.mark.parametrize(
    ("verdict", "value", "suggestion", "fine"),
    [
        (Verdict.ACCEPT, Decision.LIKELY, "s", True),
        (Verdict.AMEND, Decision.UNLIKELY, "s", True),
        (Verdict.AMEND, None, "s", False),
        (Verdict.REJECT, None, "s", True),
        (Verdict.ADDED, Decision.LIKELY, None, True),
        (Verdict.ADDED, Decision.LIKELY, "s", False),
        (Verdict.ACCEPT, Decision.LIKELY, None, False),
    ],
)
def test_a_review_is_one_of_four(verdict: Verdict, value: Decision | None, suggestion: str | None, fine: bool) -> None:
    def build() -> Review:
        return Review(
            ReviewId(new_id()),
            StudyId(new_id()),
            SuggestionId(suggestion) if suggestion else None,
            "pneumonia",
            verdict,
            value,
            "",
            UserId(new_id()),
            NOW,
        )

    if fine:
        assert build().verdict is verdict
    else:
        with pytest.raises(ValueError):
            build()


def test_a_length_has_two_ends() -> None:
    def draw(kind: AnnotationKind, count: int) -> Annotation:
        points = tuple((float(i), 0.0) for i in range(count))
        return Annotation(AnnotationId(new_id()), InstanceId(new_id()), kind, points, "", UserId(new_id()), NOW)

    assert len(draw(AnnotationKind.LENGTH, 2).points) == 2
    with pytest.raises(ValueError):
        draw(AnnotationKind.LENGTH, 3)
    with pytest.raises(ValueError):
        draw(AnnotationKind.REGION, 1)


def test_pixels_fit_what_they_are_said_to_be() -> None:
    header = FileHeader(Modality.CR)
    grey = Picture(np.zeros((2, 3), np.uint16), Photometric.MONOCHROME2, header)
    assert (grey.rows, grey.columns) == (2, 3)
    with pytest.raises(ValueError):
        Picture(np.zeros((2, 3, 3), np.uint8), Photometric.MONOCHROME2, header)
    with pytest.raises(ValueError):
        Picture(np.zeros((2, 3, 3), np.uint16), Photometric.RGB, header)
    with pytest.raises(ValueError):
        Picture(np.zeros((0, 3), np.uint16), Photometric.MONOCHROME2, header)


def test_ids_are_uuid4() -> None:
    one = new_id()
    assert is_id(one)
    assert one[14] == "4"
    assert not is_id(one.upper()) or one == one.upper()
    assert not is_id("x")


def test_changes_add_up() -> None:
    assert not Changes()
    both = Changes(patients=True) | Changes(studies=True)
    assert both == Changes(patients=True, studies=True)
    assert both
