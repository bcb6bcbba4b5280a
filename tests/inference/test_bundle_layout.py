"""A MONAI Bundle is brought in like any other model, where it says what Lantern has to know."""

import json
from pathlib import Path

import pytest

from desktop.errors import KnownFailure
from desktop.inference import Incoming, Library, read_model
from desktop.inference.bundle_layout import parts_of
from tests.inference.conftest import SIDE, write_model

FORMAT = {"inputs": {"image": {"type": "image", "num_channels": 1, "spatial_shape": [SIDE, SIDE], "dtype": "float32"}}}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The toy model, laid out as MONAI lays out bundles, with the code and the pickle those usually have."""
    flat, made = write_model(tmp_path / "flat"), tmp_path / "bundle"
    for folder in ("configs", "models", "docs", "scripts"):
        (made / folder).mkdir(parents=True)
    for name in ("model.onnx", "quality.onnx"):
        (made / "models" / name).write_bytes((flat / name).read_bytes())
    (made / "models" / "model.pt").write_bytes(b"\x80\x02a pickle")
    (made / "scripts" / "net.py").write_text("raise SystemExit", encoding="utf-8")
    (made / "configs" / "inference.json").write_text('{"network_def": "$__import__(\'os\')"}', encoding="utf-8")
    (made / "configs" / "lantern.json").write_bytes((flat / "manifest.json").read_bytes())
    (made / "configs" / "metadata.json").write_text(
        json.dumps({"version": "0.1.0", "name": "Toy", "network_data_format": FORMAT}), encoding="utf-8"
    )
    (made / "docs" / "README.md").write_text("# toy\n", encoding="utf-8")
    (made / "LICENSE").write_text("Apache-2.0\n", encoding="utf-8")
    return made


def test_it_is_copied_flat_without_code_and_answers_its_golden_example(bundle: Path, tmp_path: Path) -> None:
    with Incoming(Library(tmp_path / "own"), bundle) as incoming:
        assert {path.name for path in incoming.folder.iterdir()} == {
            *("CARD.md", "LICENSE.txt", "manifest.json", "metadata.json", "model.onnx", "quality.onnx"),
        }
        assert read_model(incoming.folder).self_test().ok


def test_one_that_says_too_little_is_told_so(bundle: Path, tmp_path: Path) -> None:
    (bundle / "configs" / "lantern.json").unlink()
    with pytest.raises(KnownFailure, match="monai_says_too_little"):
        Incoming(Library(tmp_path / "own"), bundle)


@pytest.mark.parametrize(
    ("image", "agrees"),
    [
        ({"num_channels": 3, "spatial_shape": [SIDE, SIDE]}, False),
        ({"num_channels": 1, "spatial_shape": [SIDE, SIDE + 1]}, False),
        ({"num_channels": 1, "spatial_shape": ["16*n", "*"]}, True),
        ({}, True),
    ],
)
def test_two_documents_that_disagree_are_not_believed(bundle: Path, image: dict[str, object], agrees: bool) -> None:
    words = {"network_data_format": {"inputs": {"image": image}}}
    (bundle / "configs" / "metadata.json").write_text(json.dumps(words), encoding="utf-8")
    if agrees:
        assert "manifest.json" in parts_of(bundle)
    else:
        with pytest.raises(KnownFailure, match="shapes_differ"):
            parts_of(bundle)


def test_metadata_that_cannot_be_read_are_told(bundle: Path) -> None:
    (bundle / "configs" / "metadata.json").write_text("{", encoding="utf-8")
    with pytest.raises(KnownFailure, match="no_bundle"):
        parts_of(bundle)


def test_a_link_out_of_the_bundle_is_not_followed(bundle: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.onnx"
    secret.write_bytes(b"secret")
    (bundle / "models" / "more.onnx").symlink_to(secret)
    assert "more.onnx" not in parts_of(bundle)
