"""A manifest says everything, or it is refused with the place where it does not."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.i18n import Language
from desktop.inference import Subject
from desktop.inference.fields import ManifestError
from desktop.inference.manifest import MAX_MANIFEST_BYTES
from desktop.inference.picture_manifest import PictureManifest
from desktop.inference.registry import parse_manifest
from desktop.inference.tasks.classification import AGE_UNKNOWN, HINT, interpret
from desktop.records import Decision, Modality

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "chest-xray-child" / "manifest.json"


@pytest.fixture
def document(make_model: Callable[..., Path]) -> dict[str, Any]:
    loaded = json.loads((make_model() / "manifest.json").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def parse(document: dict[str, Any]) -> Any:
    return parse_manifest(json.dumps(document).encode())


def test_a_whole_manifest_is_read_and_newer_members_are_left_alone(document: dict[str, Any]) -> None:
    manifest = parse(document)
    assert manifest.name == "toy"
    assert manifest.finding("pneumonia").codings[0].code == "J18.9"
    assert manifest.finding("pneumonia").names.text(Language.CHINESE) == "肺炎"
    assert manifest.modalities == (Modality.CR, Modality.DX, Modality.PHOTO)
    with pytest.raises(KeyError):
        manifest.finding("fracture")


def with_a_hint(document: dict[str, Any], of: str) -> dict[str, Any]:
    """The same with a second finding that is a hint."""
    other = {**document["findings"][0], "key": "bacterial", "output": 1, "hint_of": of}
    document["findings"].append(other)
    outputs = document["network_data_format"]["outputs"]
    outputs["logits"]["shape"], outputs["activation"]["shape"] = [2], [2, 2, 2]
    document["golden"]["logits"] *= 2
    return document


def test_a_hint_says_nothing_where_what_it_is_about_is_unlikely(document: dict[str, Any]) -> None:
    manifest = parse(with_a_hint(document, "pneumonia"))
    maps = np.zeros((2, 2, 2), np.float32)
    for about, decision, reason in (
        (4.0, Decision.LIKELY, ""),
        (0.0, Decision.LIKELY, ""),
        (-4.0, Decision.CANNOT_SAY, HINT),
    ):
        outputs = {"logits": np.array([about, 3.0], np.float32), "distance": np.ones(1, np.float32), "activation": maps}
        answer = interpret(manifest, outputs, Subject(3.0), (0.0, 0.0, 1.0, 1.0))
        hint = answer.findings[1]
        assert (hint.key, hint.decision, hint.reason) == ("bacterial", decision, reason)
        assert hint.probability == pytest.approx(1 / (1 + np.exp(-3.0)))
        unknown = interpret(manifest, outputs, Subject(None), (0.0, 0.0, 1.0, 1.0))
        assert {one.reason for one in unknown.findings} == {AGE_UNKNOWN}


@pytest.mark.parametrize("of", ["bacterial", "fracture"])
def test_a_hint_belongs_to_another_finding(document: dict[str, Any], of: str) -> None:
    with pytest.raises(ManifestError):
        parse(with_a_hint(document, of))


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("format",), "lantern-model/2", "format"),
        (("name",), "../evil", "name"),
        (("name",), "", "name"),
        (("title", "zh"), None, "title.zh"),
        (("weights", "file"), "../model.onnx", "weights.file"),
        (("weights", "file"), "model.pt", "weights.file"),
        (("weights", "sha256"), "00", "weights.sha256"),
        (("weights", "bytes"), 10**12, "weights.bytes"),
        (("weights", "bytes"), True, "weights.bytes"),
        (("network_data_format", "inputs", "image", "dtype"), "float64", "network_data_format.inputs.image.dtype"),
        (("network_data_format", "inputs", "image", "shape"), [1, 8, 8], "network_data_format.inputs.image"),
        (("network_data_format", "outputs", "logits", "shape"), [2], "findings"),
        (("network_data_format", "outputs", "logits", "shape"), [1.5], "network_data_format.outputs.logits.shape"),
        (("network_data_format", "outputs", "activation", "shape"), [4], "network_data_format.outputs.activation"),
        (("preparation", "side"), 100000, "preparation.side"),
        (("preparation", "epsilon"), 0, "preparation.epsilon"),
        (("findings",), [], "findings"),
        (("findings", 0, "key"), "Pneumonia!", "findings[0].key"),
        (("findings", 0, "output"), 3, "findings"),
        (("findings", 0, "calibration", "temperature"), 0, "findings[0].calibration.temperature"),
        (("findings", 0, "calibration", "temperature"), float("nan"), "findings[0].calibration.temperature"),
        (("findings", 0, "thresholds", "positive"), 1.2, "findings[0].thresholds.positive"),
        (("applicability", "age_years", "maximum"), 0, "applicability.age_years.maximum"),
        (("applicability", "modalities"), ["HOLOGRAM"], "applicability.modalities"),
        (("out_of_distribution", "limit"), -1, "out_of_distribution.limit"),
        (("quality", "classes"), ["good"], "quality.classes"),
        (("quality", "classes"), ["good", "not chest"], "quality.classes[1]"),
        (("golden", "quality_logits"), [1.0], "golden.quality_logits"),
        (("golden", "logits"), [1.0, 2.0], "golden.logits"),
        (("data", 0), "Kermany", "data[0]"),
    ],
)
def test_a_lie_is_refused_at_its_place(
    document: dict[str, Any], path: tuple[str | int, ...], value: object, where: str
) -> None:
    changed: Any = copy.deepcopy(document)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ManifestError) as caught:
        parse(changed)
    assert caught.value.where == where


def test_the_title_of_a_research_pack_says_so_in_every_language(document: dict[str, Any]) -> None:
    assert not parse(document).research
    document["research"] = True
    with pytest.raises(ManifestError) as caught:
        parse(document)
    assert caught.value.where == "title"
    document["title"] = {"en": "Toy (research only)", "zh": "玩具（仅供研究）"}
    assert parse(document).research
    document["research"] = "yes"
    with pytest.raises(ManifestError) as caught:
        parse(document)
    assert caught.value.where == "research"


def test_every_required_member_is_missed(document: dict[str, Any]) -> None:
    for name in set(document) - {"something_newer"}:
        without = {key: value for key, value in document.items() if key != name}
        with pytest.raises(ManifestError):
            parse(without)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"[]", b"{", b"[" * 100_000, b" " * (MAX_MANIFEST_BYTES + 1), b"null"]
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(ManifestError):
        parse_manifest(data)


def test_the_schema_asks_for_the_members_the_reader_asks_for(document: dict[str, Any]) -> None:
    schema = json.loads((SHIPPED.parents[1] / "manifest.schema.json").read_text(encoding="utf-8"))
    (own,) = (rule["then"] for rule in schema["allOf"] if rule["if"]["properties"]["task"]["const"] == document["task"])
    assert {*schema["required"], *own["required"]} == set(document) - {"something_newer"}


def test_the_shipped_manifest_holds() -> None:
    manifest = parse_manifest(SHIPPED.read_bytes())
    assert isinstance(manifest, PictureManifest)
    assert manifest.name == SHIPPED.parent.name
    assert manifest.ages is not None
    assert manifest.ages.contains(1.0)
    assert manifest.ages.contains(5.9)
    assert not manifest.ages.contains(0.99)
    assert not manifest.ages.contains(6.0)
    for word in (manifest.title, manifest.limits, manifest.intended_use):
        assert word.text(Language.ENGLISH) != word.text(Language.CHINESE)


def test_every_bundled_model_states_the_time_and_memory_it_may_take() -> None:
    for path in sorted(SHIPPED.parents[1].glob("*/manifest.json")):
        budget = json.loads(path.read_text(encoding="utf-8"))["budget"]
        assert 0 < budget["memory_mb"] <= 400, path.parent.name
        assert 0 < budget["milliseconds"] <= 3000, path.parent.name
