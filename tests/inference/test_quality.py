"""What pixels alone give away, and what the gate's answer means."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from desktop.imaging import display
from desktop.inference import golden, quality
from desktop.inference.manifest import GraphFile
from desktop.inference.picture_manifest import Preparation, QualityGate
from desktop.records import FileHeader, Modality, Photometric, Picture

GATE = QualityGate(
    GraphFile("quality.onnx", "0" * 64, 1),
    Preparation(96, 0.5, 99.5, 0.05),
    ("good", "sideways", "inverted", "not_chest"),
    pass_at=0.5,
    distance_limit=2.0,
)


def picture(pixels: npt.NDArray[Any]) -> Picture:
    kind = Photometric.RGB if pixels.ndim == 3 else Photometric.MONOCHROME2
    return Picture(pixels, kind, FileHeader(modality=Modality.PHOTO))


def problems(pixels: npt.NDArray[Any]) -> tuple[str, ...]:
    made = picture(pixels)
    return quality.pixel_problems(made, display.grey(made))


def film(gain: float = 1.0, offset: float = 0.0) -> npt.NDArray[np.uint8]:
    found: npt.NDArray[np.uint8] = np.rint(np.clip(golden.lung_phantom() * gain + offset, 0, 1) * 255).astype(np.uint8)
    return found


def test_a_usual_film_has_no_problem() -> None:
    assert problems(film()) == ()


@pytest.mark.parametrize(
    ("pixels", "slug"),
    [
        (film()[:50, :50], quality.TOO_SMALL),
        (np.repeat(film()[:80], 6, axis=1), quality.ELONGATED),
        (film(0.15), quality.LOW_CONTRAST),
        (film(0.25, -0.05), quality.TOO_DARK),
        (film(0.6, 0.75), quality.TOO_BRIGHT),
        (np.full((300, 300), 128, np.uint8), quality.LOW_CONTRAST),
        (np.zeros((300, 300), np.uint8), quality.LOW_CONTRAST),
    ],
)
def test_spoilt_pixels_are_named(pixels: npt.NDArray[np.uint8], slug: str) -> None:
    assert slug in problems(pixels)


def test_a_grey_film_saved_as_colour_is_no_colour_picture() -> None:
    assert problems(np.repeat(film()[..., None], 3, axis=2)) == ()


def test_a_coloured_mark_is_let_pass_but_a_colour_photograph_is_not() -> None:
    marked = np.repeat(film()[..., None], 3, axis=2)
    marked[10:40, 10:60] = (255, 40, 40)
    assert problems(marked) == ()
    photograph = np.repeat(film()[..., None], 3, axis=2)
    photograph[..., 2] //= 3
    assert quality.COLOUR in problems(photograph)


@pytest.mark.parametrize(
    ("logits", "distance", "expected"),
    [
        ((3.0, 0.0, 0.0, 0.0), 1.0, ()),
        ((3.0, 0.0, 0.0, 0.0), 2.5, ("unfamiliar",)),
        ((0.0, 3.0, 0.0, 0.0), 1.0, ("sideways",)),
        ((0.0, 0.0, 0.0, 3.0), 9.0, ("not_chest",)),
        ((0.9, 0.8, 0.85, 0.8), 1.0, ("inverted",)),
        ((1000.0, -1000.0, 0.0, 0.0), 1.0, ()),
    ],
)
def test_the_gate_names_the_likeliest_problem(
    logits: tuple[float, ...], distance: float, expected: tuple[str, ...]
) -> None:
    assert quality.network_problems(GATE, logits, distance) == expected


def test_every_problem_has_words_in_both_languages() -> None:
    from desktop.i18n import Language, catalogue

    slugs = set(quality.PIXEL_PROBLEMS) | {
        quality.UNFAMILIAR,
        "sideways",
        "upside_down",
        "inverted",
        "cropped",
        "not_chest",
    }
    for language in Language:
        sentences = catalogue(language)
        for slug in slugs:
            assert sentences[f"inference.quality.{slug}"]
            assert sentences[f"inference.quality.{slug}.advice"]
        for key in ("quality", "age_unknown", "age_outside", "unfamiliar", "between"):
            assert sentences[f"inference.reason.{key}"]
