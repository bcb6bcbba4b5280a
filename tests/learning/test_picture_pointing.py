"""Whether maps point where people drew a finding, and what is said where they do not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from desktop.errors import UserFacingError
from desktop.inference.manifest import TensorSpec
from desktop.inference.registry import read_picture_model
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.jobs import Job
from desktop.learning import picture_card, picture_pointing_card
from desktop.learning.graph_maps import with_member_maps
from desktop.learning.picture_adult import CHEST_XRAY_ADULT, read_drawn
from desktop.learning.picture_pointing import Maps, pointing, points_nowhere
from desktop.learning.picture_sets import Drawn, Example
from desktop.learning.picture_settings import PictureSettings
from desktop.settings import model_folder

SETTINGS = PictureSettings(members=2, side=32, frame_level=0.0)
FILMS = 12


class TwoMaps:
    """Stands for a graph with two findings. The first member looks where the film is brightest, the other one into the
    corner at the lower right; of the second finding both look into the upper left one."""

    def run(self, tensor: npt.NDArray[np.float32]) -> Mapping[str, npt.NDArray[np.float32]]:
        bright = tensor[0, 0].reshape(4, 8, 4, 8).mean(axis=(1, 3))
        corner, other = np.zeros((2, 4, 4), np.float32)
        corner[3, 3], other[0, 0] = 0.5, 3.0
        return {"one": np.stack([bright, other]), "two": np.stack([corner, other])}


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    """Films with a bright square in the second row and third column of four; six people."""
    folder = tmp_path_factory.mktemp("films")
    found = []
    for number in range(FILMS):
        pixels = np.full((64, 64), 40 + number, np.uint8)
        pixels[16:32, 32:48] = 220
        Image.fromarray(pixels).save(folder / f"{number}.png")
        found.append(Example(folder / f"{number}.png", f"drawn/{number}.png", f"p{number // 2}", {"first": 1.0}))
    return found


def asked(examples: list[Example], parts: list[int], box: tuple[float, float, float, float]) -> dict[str, Any]:
    maps = Maps(cast(OnnxRunner, TwoMaps()), ("one", "two"))
    drawn = [Drawn(one.name, "first", (box,)) for one in examples]
    drawn += [Drawn(examples[0].name, "unseen", (box,)), Drawn("drawn/elsewhere.png", "first", (box,))]
    return pointing(maps, examples, np.array(parts), drawn, ("first", "second"), SETTINGS, Job())


def test_each_film_is_judged_by_its_own_member(examples: list[Example]) -> None:
    parts = [0] * 9 + [1] * 3
    found = asked(examples, parts, (0.5, 0.25, 0.75, 0.5))
    first = found["first"]
    assert (first["hits"]["value"], first["hits"]["n"], first["people"]) == (0.75, FILMS, 6)
    assert first["chance"] == pytest.approx(1 / 16, abs=0.002)
    assert first["usual"]["value"] == 1.0
    # The middle of the film is the lower left corner of the box.
    assert first["middle"]["value"] == 1.0
    assert first["seen"]["value"] == 0.75
    assert found["unseen"] is None
    assert points_nowhere(first)


def test_a_map_that_beats_what_looks_at_no_film_is_not_called_weak(examples: list[Example]) -> None:
    found = asked(examples, [0] * FILMS, (0.55, 0.3, 0.72, 0.45))["first"]
    assert found["hits"]["value"] == 1.0
    assert not points_nowhere(found | {"usual": {"value": 0.2}, "middle": {"value": 0.0}})
    assert points_nowhere(found | {"usual": {"value": 0.9}, "middle": {"value": 0.0}})
    assert not points_nowhere(found | {"hits": {"value": 0.0, "low": 0.0, "n": 3}, "middle": {"value": 1.0}})


def test_the_shipped_map_is_the_mean_of_its_members() -> None:
    model = read_picture_model(model_folder() / "chest-xray-adult")
    activation = model.manifest.activation
    assert activation is not None
    weights = read_weights(model_folder() / "chest-xray-adult", model.manifest.weights)
    graph, names = with_member_maps(weights, 5)
    outputs = (activation, *(TensorSpec(name, activation.shape) for name in names))
    image = np.random.default_rng(3).normal(size=(1, *model.manifest.input.shape)).astype(np.float32)
    said = OnnxRunner(graph, model.manifest.input, outputs).run(image)
    assert len(set(names)) == 5
    assert np.allclose(np.mean([said[name] for name in names], axis=0), said["activation"], atol=1e-5)
    assert not np.allclose(said[names[0]], said[names[1]], atol=1e-3)
    for wrong in (3, 7):
        with pytest.raises(ValueError, match="the mean of more" if wrong < 5 else "no mean"):
            with_member_maps(weights, wrong)
    with pytest.raises(ValueError, match="not a message"):
        with_member_maps(weights[:-9], 5)


def figures(hits: int) -> dict[str, Any]:
    def of(share: float) -> dict[str, Any]:
        return {"value": share, "low": max(0.0, share - 0.1), "high": min(1.0, share + 0.1), "n": 20}

    pneumonia = {
        "hits": of(hits / 20),
        "people": 18,
        "chance": 0.1,
        "middle": of(0.2),
        "usual": of(0.3),
        "seen": of(0.1),
    }
    return {"pointing": {"pneumonia": pneumonia, "nodule_or_mass": None}}


def test_card_limits_and_manifest_say_when_a_map_is_weak() -> None:
    weak, good = figures(4), figures(18)
    text = picture_pointing_card.section(CHEST_XRAY_ADULT, weak)
    assert "Do not go by the map" in text
    assert "does not speak of: nodule_or_mass" in text
    assert "on 4 of 20 films (blindly it would be 10 %)" in picture_pointing_card.limits(CHEST_XRAY_ADULT, weak)["en"]
    assert "只有 4 张" in picture_pointing_card.limits(CHEST_XRAY_ADULT, weak)["zh"]
    assert picture_card._explanation({"explanation": {"occlusion": 0.3}}, weak) == {
        "explanation": {"occlusion": 0.3, "map": "weak"}
    }
    assert "Do not go by" not in picture_pointing_card.section(CHEST_XRAY_ADULT, good)
    assert picture_pointing_card.limits(CHEST_XRAY_ADULT, good) == {"en": "", "zh": ""}
    assert picture_card._explanation({"explanation": {"map": "weak"}}, good) == {"explanation": {}}
    assert picture_pointing_card.section(CHEST_XRAY_ADULT, {}) == ""


def test_radiologists_boxes_are_read_as_shares_of_the_film(tmp_path: Path) -> None:
    folder = tmp_path / "cxr" / "nih_chestxray14"
    assert read_drawn(tmp_path) == []
    folder.mkdir(parents=True)
    head = "file,label,x,y,w,h,frame\n"
    rows = "images/a.jpg,Pneumonia,20,40,60,80,200x400\nimages/a.jpg,Pneumonia,0,0,20,40,200x400\n"
    (folder / "boxes.csv").write_text(head + rows + "images/a.jpg,Infiltrate,0,0,200,400,200x400\n")
    first, second = read_drawn(tmp_path)
    assert (first.name, first.finding) == ("nih_chestxray14/a.jpg", "pneumonia")
    assert first.boxes == ((0.1, 0.1, 0.4, 0.3), (0.0, 0.0, 0.1, 0.1))
    assert second.finding == "infiltration"
    (folder / "boxes.csv").write_text(head + "images/a.jpg,Gremlin,0,0,20,40,200x400\n")
    with pytest.raises(UserFacingError):
        read_drawn(tmp_path)
