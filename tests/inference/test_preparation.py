"""The tensor does not know the file's size, aspect or exposure."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from desktop.inference import golden
from desktop.inference.picture_manifest import Preparation
from desktop.inference.preparation import WHOLE, fingerprint, resample, stretch, without_frame
from desktop.inference.preparation import prepare as prepare_whole

PREPARATION = Preparation(128, 0.5, 99.5, 0.05, 0.02)
Film = npt.NDArray[np.float32]


def prepare(grey: Film, preparation: Preparation) -> Film:
    return prepare_whole(grey, preparation).tensor


def phantom(rows: int, columns: int) -> Film:
    picture = Image.fromarray(golden.lung_phantom())
    found: Film = np.asarray(picture.resize((columns, rows), Image.Resampling.BICUBIC), dtype=np.float32)
    return found


def lit_film() -> Film:
    """A film that is nowhere black and not even at its edges."""
    shading = (
        np.linspace(0.1, 0.3, 340, dtype=np.float32)[None, :] + np.linspace(0, 0.1, 300, dtype=np.float32)[:, None]
    )
    return np.asarray(phantom(300, 340) * np.float32(0.6) + shading, dtype=np.float32)


def test_a_large_radiograph_and_its_small_copy_give_nearly_the_same_tensor() -> None:
    large = phantom(3000, 2500)
    small = np.asarray(Image.fromarray(large).resize((320, 384), Image.Resampling.LANCZOS), dtype=np.float32)
    difference = np.abs(prepare(large, PREPARATION) - prepare(small, PREPARATION))
    assert float(difference.mean()) < 0.01
    assert float(difference.max()) < 0.25


def test_fine_stripes_average_out_instead_of_aliasing() -> None:
    stripes = np.tile(np.array([0.0, 1.0], np.float32), (1024, 512))
    inner = resample(stripes, 128)[4:-4, 4:-4]
    assert float(np.abs(inner - 0.5).max()) < 0.02


@pytest.mark.parametrize(("scale", "shift"), [(0.5, 0.0), (0.25, 0.5), (4000.0, -1000.0)])
def test_scaling_and_shifting_grey_values_changes_nothing(scale: float, shift: float) -> None:
    grey = phantom(300, 340)
    changed = (grey * np.float32(scale) + np.float32(shift)).astype(np.float32)
    assert np.allclose(prepare(grey, PREPARATION), prepare(changed, PREPARATION), atol=2e-3)


def test_the_aspect_of_the_file_is_gone() -> None:
    wide, tall = phantom(300, 600), phantom(600, 300)
    assert prepare(wide, PREPARATION).shape == (1, 1, 128, 128)
    assert float(np.abs(prepare(wide, PREPARATION) - prepare(tall, PREPARATION)).mean()) < 0.02


def test_left_stays_left() -> None:
    grey = np.random.default_rng(0).uniform(0.0, 0.3, (200, 200)).astype(np.float32)
    grey[:60, :40] = 1.0
    tensor = prepare(grey, PREPARATION)[0, 0]
    assert tensor[10, 10] > 1
    assert tensor[10, -10] < 1
    assert tensor[-10, 10] < 1


def test_a_flat_picture_gives_nought_and_no_warning() -> None:
    assert not stretch(np.full((64, 64), 0.7, np.float32), 0.5, 99.5).any()
    assert np.isfinite(prepare(np.full((64, 64), 0.7, np.float32), PREPARATION)).all()


def test_the_fingerprint_tells_tensors_apart() -> None:
    tensor = prepare(phantom(300, 340), PREPARATION)
    other = tensor.copy()
    other[0, 0, 5, 5] += 1e-3
    assert fingerprint(tensor) == fingerprint(tensor.copy()) != fingerprint(other)


@pytest.mark.parametrize("edges", [(30, 30, 30, 30), (0, 80, 0, 0), (0, 0, 11, 57), (1, 2, 3, 4)])
def test_a_black_frame_changes_nothing(edges: tuple[int, int, int, int]) -> None:
    film = lit_film()
    top, bottom, left, right = edges
    framed = np.pad(film, ((top, bottom), (left, right)))
    assert np.array_equal(prepare(framed, PREPARATION), prepare(film, PREPARATION))
    box = prepare_whole(framed, PREPARATION).box
    height, width = framed.shape
    assert box == (left / width, top / height, (left + 340) / width, (top + 300) / height)


def test_a_frame_with_a_letter_in_it_stays() -> None:
    framed = np.pad(lit_film(), 40)
    framed[3:9, 3:9] = 1.0
    kept, box = without_frame(framed, 0.02)
    assert kept.shape == (337, 377)
    assert box[:2] == (3 / 420, 3 / 380)


def test_without_a_level_or_in_a_flat_picture_nothing_is_cut() -> None:
    framed = np.pad(phantom(100, 100), 20)
    assert without_frame(framed, 0.0)[1] == WHOLE
    flat = np.zeros((80, 80), np.float32)
    assert without_frame(flat, 0.02) == (flat, WHOLE)
