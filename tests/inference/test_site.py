"""Thresholds of the clinic: used for the very version they were fitted to, and for no other."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.errors import KnownFailure
from desktop.i18n import Language
from desktop.inference import Library, Registry, SiteFile, SiteThresholds, decided_by_threshold, site_rule
from desktop.inference.calibration import ConformalThresholds
from desktop.inference.tasks import rhythm
from desktop.records import Decision
from desktop.settings import model_folder
from tests.conftest import ExpectLog

MODEL, FINDING = "chest-xray-child", "pneumonia"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def fitted() -> SiteThresholds:
    model = Registry.load([model_folder()]).get(MODEL)
    calibration = model.calibration(FINDING)
    return SiteThresholds(
        model=MODEL,
        finding=FINDING,
        sha256=model.sha256,
        temperature=calibration.temperature,
        offset=calibration.offset,
        thresholds=ConformalThresholds(0.31, 0.72, 0.05, 0.1),
        cases=80,
        present=32,
        sensitivity=0.95,
        specificity=0.9,
        least="blind",
        fitted="2026-11-22T12:00:00+00:00",
        by="li",
    )


def load(root: Path) -> Registry:
    return Registry.load([model_folder()], Library(root))


def test_they_decide_for_the_version_they_were_fitted_to(root: Path, fitted: SiteThresholds) -> None:
    before = load(root).get(MODEL)
    SiteFile(root).keep(fitted)
    model = load(root).get(MODEL)
    assert before.thresholds(FINDING) != model.thresholds(FINDING) == fitted.thresholds
    assert model.site.used == (fitted,)
    assert (model.sha256, model.version) == (before.sha256, before.version)
    english, chinese = (model.limits(language) for language in Language)
    assert "fitted to this clinic on 22 Nov 2026 from 80 cases" in english
    assert "2026年11月22日" in chinese
    assert english.startswith(before.limits(Language.ENGLISH))
    SiteFile(root).drop(MODEL)
    assert load(root).get(MODEL).thresholds(FINDING) == before.thresholds(FINDING)
    assert load(root).get(MODEL).limits(Language.ENGLISH) == before.limits(Language.ENGLISH)


@pytest.mark.parametrize("other", [{"sha256": "ab" * 32}, {"temperature": 9.0}, {"offset": 1.5}])
def test_another_version_keeps_its_own_and_says_so(
    root: Path, fitted: SiteThresholds, other: dict[str, object]
) -> None:
    own = load(root).get(MODEL).thresholds(FINDING)
    stale = replace(fitted, **other)  # type: ignore[arg-type]  # one of its fields, by name
    SiteFile(root).keep(stale)
    model = load(root).get(MODEL)
    assert model.thresholds(FINDING) == own
    assert (model.site.used, model.site.stale) == ((), (stale,))
    assert "another version" in model.limits(Language.ENGLISH)
    assert "另一版本" in model.limits(Language.CHINESE)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'{"format": "lantern-site/2", "fits": []}', b'{"format": "lantern-site/1", "fits": [{}]}'],
)
def test_a_damaged_file_falls_back_and_says_so(
    root: Path, fitted: SiteThresholds, data: bytes, expected_log: ExpectLog
) -> None:
    own = load(root).get(MODEL).thresholds(FINDING)
    SiteFile(root).keep(fitted)
    (root / "site.json").write_bytes(data)
    with pytest.raises(KnownFailure):
        SiteFile(root).read()
    with expected_log("desktop.inference.registry", logging.ERROR, match="site_damaged"):
        model = load(root).get(MODEL)
    assert model.thresholds(FINDING) == own
    assert model.site.damaged
    assert "cannot be read" in model.limits(Language.ENGLISH)
    SiteFile(root).keep(fitted)
    assert load(root).get(MODEL).thresholds(FINDING) == fitted.thresholds


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sha256", "zz"),
        ("positive", 1.5),
        ("positive", "NaN"),
        ("cases", 3),
        ("fitted", "yesterday"),
        ("model", "../x"),
    ],
)
def test_no_number_that_cannot_be_is_believed(root: Path, fitted: SiteThresholds, name: str, value: object) -> None:
    SiteFile(root).keep(fitted)
    document = json.loads((root / "site.json").read_text())
    entry = document["fits"][0]
    (entry["thresholds"] if name in entry["thresholds"] else entry)[name] = value
    (root / "site.json").write_text(json.dumps(document))
    with pytest.raises(KnownFailure):
        SiteFile(root).read()


def test_one_finding_is_fitted_once_and_others_stay(root: Path, fitted: SiteThresholds) -> None:
    file = SiteFile(root)
    other = replace(fitted, model="fundus", finding="referable_dr")
    file.keep(fitted)
    file.keep(other)
    file.keep(replace(fitted, cases=90))
    assert [(one.model, one.cases) for one in file.read()] == [(MODEL, 90), ("fundus", 80)]
    file.drop("fundus", "referable_dme")
    assert len(file.read()) == 2
    file.drop("fundus", "referable_dr")
    assert [one.model for one in file.read()] == [MODEL]


def test_of_rhythms_only_the_likeliest_is_likely_whatever_was_fitted(root: Path, fitted: SiteThresholds) -> None:
    before = load(root).get("ecg-rhythm")
    calibration = before.calibration("atrial_fibrillation")
    own = replace(
        fitted,
        model="ecg-rhythm",
        finding="atrial_fibrillation",
        sha256=before.sha256,
        temperature=calibration.temperature,
        offset=calibration.offset,
        thresholds=ConformalThresholds(0.1, 0.25, 0.05, 0.1),
    )
    SiteFile(root).keep(own)
    model = load(root).trace_model("ecg-rhythm")
    assert model.site.used == (own,)
    assert site_rule(model) == "one_rhythm"
    first = {one.key: one for one in rhythm.findings(model.manifest, [0.5, 0.4, 0.05, 0.05])}
    assert first["atrial_fibrillation"].decision is Decision.CANNOT_SAY, "the sinus rhythm is likelier"
    second = {one.key: one for one in rhythm.findings(model.manifest, [0.3, 0.4, 0.2, 0.1])}["atrial_fibrillation"]
    assert (second.decision, second.reason) == (Decision.LIKELY, "inference.reason.site")


def test_a_table_keeps_its_own(root: Path, fitted: SiteThresholds) -> None:
    table = load(root).get("risk-diabetes")
    SiteFile(root).keep(replace(fitted, model="risk-diabetes", finding="diabetes", sha256=table.sha256))
    assert load(root).get("risk-diabetes").site.used == ()


def test_every_answer_says_who_decided(root: Path, fitted: SiteThresholds) -> None:
    SiteFile(root).keep(fitted)
    spec = load(root).picture_model(MODEL).manifest.finding(FINDING)
    between = "inference.reason.between"
    assert spec.reason(spec.thresholds.decide(0.9), between) == "inference.reason.site"
    assert spec.reason(Decision.CANNOT_SAY, between) == between
    own = Registry.load([model_folder()]).picture_model(MODEL).manifest.finding(FINDING)
    assert own.reason(Decision.LIKELY, between) == ""
    for reason in ("", between, "inference.reason.trace_between", "inference.reason.site"):
        assert decided_by_threshold(reason)
    for reason in ("inference.reason.age_unknown", "inference.reason.unfamiliar"):
        assert not decided_by_threshold(reason)
