"""Hiding parts of a picture finds what an answer hangs on, and says so where it hangs on nothing."""

import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from desktop.errors import Cancelled, UserFacingError
from desktop.imaging.display import grey
from desktop.inference import golden, read_picture_model
from desktop.inference.calibration import Calibration
from desktop.inference.fields import ManifestError
from desktop.inference.occlusion import LEAST_FALL, agreement, hide_parts
from desktop.inference.picture_manifest import OCCLUSION
from desktop.inference.preparation import Prepared
from desktop.inference.registry import parse_manifest
from desktop.jobs import Job
from desktop.records import FileHeader, Modality, Photometric, Picture
from desktop.settings import model_folder

FloatArray = npt.NDArray[np.float32]
SIDE = 40


@dataclass
class OneCorner:
    """A "model" whose log-odds are a weight times how bright the picture's upper right corner is."""

    weight: float = 4.0
    share: float = 0.2
    corner: tuple[slice, slice] = (slice(0, 10), slice(30, 40))
    asked: int = 0
    has_maps: bool = True

    @property
    def manifest(self) -> Any:
        spec = SimpleNamespace(output=0, calibration=Calibration(temperature=2.0, offset=0.5))
        return SimpleNamespace(finding=lambda key: {"bright": spec}[key], occlusion=self.share)

    def prepared(self, picture: FloatArray) -> Prepared:
        return Prepared(picture[None, None], (0.1, 0.0, 0.9, 1.0))

    def answers(self, tensors: FloatArray) -> dict[str, FloatArray]:
        self.asked += len(tensors)
        down, across = self.corner
        bright = tensors[:, 0, down, across].mean(axis=(1, 2)) * np.float32(self.weight)
        maps = np.zeros((len(tensors), 1, 4, 4), np.float32)
        maps[:, 0, 0, 3] = 5.0
        return {"logits": bright[:, None].astype(np.float32), "activation": maps}


def picture() -> FloatArray:
    """Dark, with a bright corner."""
    made = np.zeros((SIDE, SIDE), np.float32)
    made[0:10, 30:40] = 1.0
    return made


def hide(model: OneCorner, of: FloatArray, job: Job | None = None) -> Any:
    return hide_parts(model, of, "bright", job or Job())  # type: ignore[arg-type]  # a stand-in for the network


def test_the_map_is_hot_where_hiding_lowers_the_answer_and_nowhere_else() -> None:
    model = OneCorner()
    found = hide(model, picture())
    assert found.before == pytest.approx(1 / (1 + np.exp(-2.5)))
    assert found.lowest < found.before <= found.highest
    assert found.map is not None
    heat = found.map.heat
    assert (heat.min(), heat.max()) == (0.0, 1.0)
    row, column = divmod(int(np.argmax(heat)), heat.shape[1])
    assert row <= 1
    assert column >= 7
    assert float(heat[5:, :5].max()) == 0.0
    assert found.map.box == (0.1, 0.0, 0.9, 1.0)
    assert model.asked == found.hidden + 1
    assert found.agreement is not None
    assert found.agreement > 0.5


def test_where_no_part_matters_there_is_no_map() -> None:
    found = hide(OneCorner(weight=LEAST_FALL), picture())
    assert (found.map, found.agreement) == (None, None)
    flat = hide(OneCorner(), np.ones((SIDE, SIDE), np.float32))
    assert flat.map is None, "a patch filled with what lies around it hides nothing of an even picture"


def test_a_part_that_speaks_against_raises_the_answer_and_is_not_hot() -> None:
    found = hide(OneCorner(weight=-4.0), picture())
    assert found.highest > found.before
    assert found.map is None


@pytest.mark.parametrize("share", [0.125, 0.2, 0.33, 0.5])
def test_every_size_covers_the_whole_square(share: float) -> None:
    found = hide(OneCorner(share=share, corner=(slice(30, 40), slice(30, 40))), picture()[::-1])
    assert found.map is not None
    row, column = np.unravel_index(int(np.argmax(found.map.heat)), found.map.heat.shape)
    assert row >= found.map.heat.shape[0] / 2
    assert column >= found.map.heat.shape[1] / 2


def test_it_stops_when_asked_and_refuses_what_it_cannot_do() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        hide(OneCorner(), picture(), job)
    measured = OneCorner()
    measured.prepared = lambda picture: Prepared(np.zeros((1, 7), np.float32), (0, 0, 1, 1))  # type: ignore[method-assign]  # numbers instead of a picture
    with pytest.raises(UserFacingError, match="not_this_model"):
        hide(measured, picture())


def test_maps_that_rise_together_agree_and_flat_ones_say_nothing() -> None:
    one = np.arange(16, dtype=np.float64).reshape(4, 4)
    assert agreement(one, one.astype(np.float32)) == pytest.approx(1.0)
    assert agreement(one, one[::-1, ::-1].astype(np.float32)) == pytest.approx(-1.0)
    assert agreement(one, np.zeros((4, 4), np.float32)) is None
    assert agreement(np.zeros((4, 4)), one.astype(np.float32)) is None


def test_the_shipped_model_of_childrens_films_answers_the_same_each_time_and_is_left_as_it_was() -> None:
    model = read_picture_model(model_folder() / "chest-xray-child")
    light = golden.PICTURES[model.manifest.golden.picture]()
    film = Picture(
        pixels=np.rint(light * 255).astype(np.uint8),
        photometric=Photometric.MONOCHROME2,
        header=FileHeader(Modality.CR),
    )
    assert grey(film).shape == light.shape
    before = model.outputs(light)[1]["logits"].copy()
    one, two = (hide_parts(model, film, "pneumonia", Job()) for _ in range(2))
    assert (one.before, one.lowest, one.highest, one.hidden) == (two.before, two.lowest, two.highest, 81)
    assert np.array_equal(model.outputs(light)[1]["logits"], before)
    with pytest.raises(KeyError):
        hide_parts(model, film, "broken_rib", Job())


def test_a_manifest_may_choose_the_size_within_bounds() -> None:
    data = json.loads((model_folder() / "chest-xray-child" / "manifest.json").read_bytes())
    data.pop("explanation", None)
    assert parse_manifest(json.dumps(data).encode()).occlusion == OCCLUSION  # type: ignore[attr-defined]  # of pictures
    data["explanation"] = {"occlusion": 0.25}
    assert parse_manifest(json.dumps(data).encode()).occlusion == 0.25  # type: ignore[attr-defined]  # of pictures
    data["explanation"] = {"occlusion": 0.9}
    with pytest.raises(ManifestError, match=r"explanation\.occlusion"):
        parse_manifest(json.dumps(data).encode())
