"""Where a model was shown to do worse it gives the probability and decides nothing."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.inference import Registry, Subject, decided_by_threshold, parse_manifest
from desktop.inference.fields import Fields, ManifestError
from desktop.inference.subject import AgeRange
from desktop.inference.withheld import ALWAYS, IN_GROUP, Withheld, read_withheld, withhold
from desktop.jobs import Job
from desktop.records import Decision, Finding, Sex
from desktop.settings import model_folder

OLD_MEN = Withheld(Sex.MALE, AgeRange(60, 150))
SAID = Finding("effusion", "Effusion", 0.91, Decision.LIKELY)


@pytest.mark.parametrize(
    ("subject", "concerned"),
    [
        (Subject(60.0, Sex.MALE), True),
        (Subject(59.9, Sex.MALE), False),
        (Subject(150.0, Sex.MALE), True),
        (Subject(70.0, Sex.FEMALE), False),
        (Subject(70.0, None), False),
        (Subject(None, Sex.MALE), False),
    ],
)
def test_all_conditions_have_to_be_known_to_hold(subject: Subject, concerned: bool) -> None:
    (told,) = withhold([SAID], {"effusion": [OLD_MEN]}, subject)
    assert told.probability == SAID.probability
    assert (told.decision, told.reason) == ((Decision.CANNOT_SAY, IN_GROUP) if concerned else (Decision.LIKELY, ""))


def test_a_view_is_told_as_the_file_writes_it_and_other_findings_are_left_alone() -> None:
    only_pa = {"effusion": [Withheld(view="PA")]}
    other = Finding("edema", "Oedema", 0.8, Decision.LIKELY)
    assert [one.decision for one in withhold([SAID, other], only_pa, Subject(), "pa")] == [
        Decision.CANNOT_SAY,
        Decision.LIKELY,
    ]
    assert withhold([SAID], only_pa, Subject(), "AP") == (SAID,)
    assert withhold([SAID], only_pa, Subject(), "") == (SAID,)


def test_what_no_clinic_can_know_holds_for_everybody_and_an_earlier_reason_stays() -> None:
    everybody = {"effusion": [Withheld()]}
    (told,) = withhold([SAID], everybody, Subject())
    assert (told.decision, told.reason) == (Decision.CANNOT_SAY, ALWAYS)
    unknown = Finding("effusion", "Effusion", 0.5, Decision.CANNOT_SAY, reason="inference.reason.age_unknown")
    assert withhold([unknown], everybody, Subject()) == (unknown,)


def test_what_lies_between_says_so_too_and_only_a_clinic_s_own_fit_lifts_what_holds_for_everybody() -> None:
    """Else a clinic would fit its thresholds to nothing but the answers that lay between the old ones."""
    between = Finding("effusion", "Effusion", 0.5, Decision.CANNOT_SAY, reason="inference.reason.between")
    assert [withhold([one], {"effusion": [Withheld()]}, Subject())[0].reason for one in (SAID, between)] == [ALWAYS] * 2
    assert decided_by_threshold(ALWAYS)
    assert not decided_by_threshold(IN_GROUP)
    document = json.loads((model_folder() / "risk-diabetes" / "manifest.json").read_text(encoding="utf-8"))
    document["findings"][0]["withheld"] = [{"part": "collector A"}, {"part": "men", "sex": "male"}]
    manifest = parse_manifest(json.dumps(document).encode())
    assert manifest.withheld["diabetes"] == (Withheld(), Withheld(Sex.MALE))
    fitted = replace(manifest, findings=(replace(manifest.findings[0], site=True),))
    assert fitted.withheld["diabetes"] == (Withheld(Sex.MALE),)


def test_a_manifest_states_them_and_a_strange_one_is_refused() -> None:
    stated = {"withheld": [{"part": "old men", "sex": "male", "age_years": {"minimum": 60, "maximum": 150}}]}
    assert read_withheld(Fields.of(stated, "findings[0]")) == (OLD_MEN,)
    assert read_withheld(Fields.of({}, "findings[0]")) == ()
    for wrong in ({"sex": "unknown"}, {"age_years": {"minimum": 9, "maximum": 3}}, {"sex": 1}, {"view": ["PA"]}):
        with pytest.raises(ManifestError):
            read_withheld(Fields.of({"withheld": [wrong]}, "findings[0]"))


def test_a_model_of_tables_knows_the_age_from_the_row_and_the_sex_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "risk-diabetes"
    shutil.copytree(model_folder() / folder.name, folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    parts = [{"part": "above 50 years", "age_years": {"minimum": 51, "maximum": 150}}, {"part": "men", "sex": "male"}]
    manifest["findings"][0]["withheld"] = parts
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with_both = Registry.load([tmp_path])
    try:
        model = with_both.table_model("risk-diabetes")
        row: dict[str, float | str | None] = {"glucose_2h": 60, "bmi": 20.0, "pedigree": 0.1, "pregnancies": 0}
        row |= {"skinfold": 15, "diastolic_bp": 60, "insulin_2h": 40}
        young, old = (model.analyse({**row, "age": age}, Job()).findings[0] for age in (22, "60"))
    finally:
        with_both.close()
    assert young.decision is Decision.UNLIKELY
    assert (old.decision, old.reason) == (Decision.CANNOT_SAY, IN_GROUP)
