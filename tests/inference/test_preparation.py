"""The tensor does not know the file's size, aspect or exposure."""

import numpy as np
import pytest
from PIL import Image

from desktop.inference import golden
from desktop.inference.manifest import Preparation
from desktop.inference.preparation import fingerprint, prepare, resample, stretch

PREPARATION = Preparation(128, 0.5, 99.5, 0.05)


def phantom(rows: int, columns: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    picture = Image.fromarray(golden.lung_phantom())
    found: np.ndarray[tuple[int, int], np.dtype[np.float32]] = np.asarray(
        picture.resize((columns, rows), Image.Resampling.BICUBIC), dtype=np.float32
    )
    return found


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
    grey = np.zeros((200, 200), np.float32)
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
