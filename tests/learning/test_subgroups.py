"""A part of the people fails where its interval lies below that of all; the manifest then says so."""

from typing import Any

from desktop.learning import subgroups
from desktop.learning.subgroups import OLDEST, of_age_words, of_ages, of_origin, of_sex, of_view

WHOLE = {"value": 0.80, "low": 0.76, "high": 0.84}


def area(low: float, high: float) -> dict[str, float]:
    return {"value": (low + high) / 2, "low": low, "high": high}


def test_only_what_lies_below_all_together_beyond_chance_fails() -> None:
    parts = [
        (of_sex("women", "female"), area(0.60, 0.7599)),
        (of_sex("men", "male"), area(0.60, 0.76)),
        (of_view("view PA", "pa"), None),
        (of_origin("collector A"), area(0.5, 0.6)),
    ]
    failed = subgroups.failed_parts("effusion", WHOLE, parts)
    assert [one.part.name for one in failed] == ["women", "collector A"]
    assert subgroups.failed_parts("effusion", None, parts) == []


def test_a_few_people_who_cannot_be_drawn_otherwise_fail_nothing() -> None:
    """Seven pictures with it and fourteen without, of which two people lie beside one another in the same part."""
    assert subgroups.failed_parts("no_finding", WHOLE, [(of_origin("collector D"), area(0.75, 0.75))]) == []


def test_ages_begin_where_the_younger_end() -> None:
    names = ["sex F", "age up to 50", "age over 65", "age up to 35", "age up to 65"]
    assert of_age_words(names, up_to="age up to ", over="age over ") == [
        of_ages("age up to 50", 36, 50),
        of_ages("age over 65", 66, OLDEST),
        of_ages("age up to 35", 0, 35),
        of_ages("age up to 65", 51, 65),
    ]
    assert of_age_words(["up to 29 years", "above 29 years"], up_to="up to ", over="above ") == [
        of_ages("up to 29 years", 0, 29),
        of_ages("above 29 years", 30, OLDEST),
    ]


def test_the_manifest_is_stated_anew_each_time() -> None:
    manifest: dict[str, Any] = {"findings": [{"key": "effusion", "withheld": [{"part": "old"}]}, {"key": "edema"}]}
    failed = subgroups.failed_parts("edema", WHOLE, [(of_view("view PA", "PA"), area(0.5, 0.6))])
    stated = subgroups.with_withheld(manifest, failed)
    assert stated["findings"] == [
        {"key": "effusion"},
        {"key": "edema", "withheld": [{"part": "view PA", "view": "PA"}]},
    ]
    assert manifest["findings"][0]["withheld"], "the document that came in is left alone"


def test_the_card_says_the_rule_and_what_failed() -> None:
    assert subgroups.withheld_text([]).endswith("No part failed.")
    failed = subgroups.failed_parts("edema", WHOLE, [(of_origin("collector A"), area(0.5, 0.6))])
    assert "| edema | collector A | 0.55 (0.50–0.60) | 0.80 (0.76–0.84) | everywhere |" in subgroups.withheld_text(
        failed
    )
