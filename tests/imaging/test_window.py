"""Which windows are offered for what, and the histogram they are drawn on."""

import numpy as np
import pytest

from desktop.imaging.presets import BodyPart, body_part
from desktop.imaging.window import BINS, histogram, presets
from desktop.records import FileHeader, Modality, Photometric, Picture


def film(part: str = "", photometric: Photometric = Photometric.MONOCHROME2) -> Picture:
    values = np.linspace(0, 4000, 10_000).astype(np.uint16).reshape(100, 100)
    return Picture(values, photometric, FileHeader(modality=Modality.DX, body_part=part), bits=12)


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("CHEST", BodyPart.CHEST),
        ("chest ap", BodyPart.CHEST),
        ("ABDOMEN", BodyPart.ABDOMEN),
        ("SKULL", BodyPart.HEAD),
        ("CSPINE", BodyPart.SPINE),
        ("LSSPINE", BodyPart.SPINE),
        ("FOREARM", BodyPart.LIMB),
        ("ANKLE", BodyPart.LIMB),
        ("", BodyPart.OTHER),
        ("WHOLEBODY", BodyPart.OTHER),
    ],
)
def test_the_files_word_names_the_part(word: str, part: BodyPart) -> None:
    assert body_part(film(word)) is part


def test_a_limb_is_offered_other_windows_than_a_chest() -> None:
    keys = {part: {preset.key for preset in presets(film(part))} for part in ("CHEST", "HAND", "ABDOMEN")}
    assert "imaging.preset.lungs" in keys["CHEST"]
    assert "imaging.preset.soft_tissue" in keys["HAND"]
    assert "imaging.preset.lungs" not in keys["HAND"]
    assert "imaging.preset.gas" in keys["ABDOMEN"]


@pytest.mark.parametrize("part", ["CHEST", "HAND", "ABDOMEN", "SKULL", "LSPINE", ""])
def test_turned_films_get_the_same_shades(part: str) -> None:
    plain = {p.key: p.window for p in presets(film(part))}
    turned = {p.key: p.window for p in presets(film(part, Photometric.MONOCHROME1))}
    assert plain.keys() == turned.keys()
    for key, window in plain.items():
        other = turned[key]
        assert window is not None
        assert other is not None
        assert other.width == pytest.approx(window.width, abs=2)
        assert other.center == pytest.approx(4000 - window.center, abs=2)


def test_a_histogram_counts_every_pixel_but_padding() -> None:
    values = np.repeat(np.arange(256, dtype=np.uint16), 100).reshape(160, 160)
    picture = Picture(values, Photometric.MONOCHROME2, FileHeader(modality=Modality.DX), slope=2.0, pixel_padding=0)
    found = histogram(picture)
    assert (found.low, found.high) == (2.0, 510.0)
    assert found.counts.shape == (BINS,)
    assert found.counts.sum() == values.size - 100
    assert found.counts.max() <= 300


def test_the_histogram_of_one_value_has_a_width() -> None:
    flat = Picture(np.full((8, 8), 5, np.uint8), Photometric.MONOCHROME2, FileHeader(modality=Modality.OT))
    found = histogram(flat)
    assert found.high > found.low
    assert found.counts.sum() == 64
