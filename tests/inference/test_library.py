"""What was brought to this PC: copied before it is believed, kept by its digest, chosen, taken back, and never lost."""

import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.inference import BUNDLED, Incoming, Kept, Library, Registry, Trust, read_manifest
from desktop.inference.library import Shelf
from desktop.inference.trusted import Publisher
from desktop.settings import model_folder

ExpectLog = Callable[..., AbstractContextManager[None]]

RISK = "risk-diabetes"


def edited(folder: Path, version: str) -> Path:
    """A copy of a bundled model of tables under another version."""
    place = folder / version / RISK
    place.mkdir(parents=True)
    for path in (model_folder() / RISK).iterdir():
        (place / path.name).write_bytes(path.read_bytes())
    document = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    document["version"] = version
    (place / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    return place


def kept(library: Library, bundle: Path, since: str = "2026-11-22T00:00:00+00:00") -> Kept:
    with Incoming(library, bundle) as incoming:
        return library.keep(incoming.folder, Trust.ADMINISTRATOR, "li", since)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "own" / "models")


def test_a_library_that_is_not_there_holds_nothing(library: Library) -> None:
    assert library.shelf() == Shelf()
    assert Registry.load([model_folder()], library).get(RISK).version == "1.0.0"
    assert not library.root.exists()


def test_a_version_is_kept_chosen_and_taken_back(library: Library, tmp_path: Path) -> None:
    first, second = (kept(library, edited(tmp_path, version)) for version in ("2.0", "3.0"))
    registry = Registry.load([model_folder()], library)
    assert registry.get(RISK).version == "1.0.0"
    library.choose(RISK, first.digest)
    library.choose(RISK, second.digest)
    library.choose(RISK, second.digest)
    registry.refresh()
    assert registry.get(RISK).version == "3.0"
    assert [one for one in registry.names() if one == RISK] == [RISK]
    library.go_back(RISK)
    registry.refresh()
    assert registry.get(RISK).version == "2.0"
    library.go_back(RISK)
    registry.refresh()
    assert registry.get(RISK).version == "1.0.0"
    with pytest.raises(UserFacingError) as caught:
        library.go_back(RISK)
    assert caught.value.key == "inference.nothing_before"
    assert library.shelf().kept == (first, second)


def test_what_was_changed_since_it_was_accepted_is_not_used(
    library: Library, tmp_path: Path, expected_log: ExpectLog
) -> None:
    one = kept(library, edited(tmp_path, "2.0"))
    library.choose(RISK, one.digest)
    manifest = library.folder_of(one) / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b" ")
    with expected_log("desktop.inference.registry", logging.ERROR, match="manifest_changed"):
        registry = Registry.load([model_folder()], library)
    assert registry.get(RISK).version == "1.0.0"
    assert [item.where for item in registry.damaged] == ["inference.manifest_changed"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": "other"}', '{"format": "lantern-shelf/1", "kept": [{}], "chosen": {}}']
)
def test_a_damaged_list_switches_off_all_that_was_brought(
    library: Library, tmp_path: Path, expected_log: ExpectLog, text: str
) -> None:
    library.choose(RISK, kept(library, edited(tmp_path, "2.0")).digest)
    (library.root / "shelf.json").write_text(text, encoding="utf-8")
    with pytest.raises(KnownFailure) as caught:
        library.shelf()
    assert caught.value.key == "inference.shelf_damaged"
    with expected_log("desktop.inference.registry", logging.ERROR, match="shelf_damaged"):
        registry = Registry.load([model_folder()], library)
    assert registry.get(RISK).version == "1.0.0"


def test_a_list_cannot_point_out_of_the_folder(library: Library, tmp_path: Path) -> None:
    one = kept(library, edited(tmp_path, "2.0"))
    library.write(replace(library.shelf(), kept=(replace(one, name="../../elsewhere"),)))
    with pytest.raises(KnownFailure):
        library.shelf()


def test_what_was_trained_here_is_known_by_name_below_what_came_with_the_program(
    library: Library, tmp_path: Path
) -> None:
    library.trained.mkdir(parents=True)
    edited(tmp_path, "9.0").rename(library.trained / RISK)
    assert Registry.load([], library).get(RISK).version == "9.0"
    assert Registry.load([model_folder()], library).get(RISK).version == "1.0.0"


def test_bringing_the_same_again_keeps_one(library: Library, tmp_path: Path) -> None:
    bundle = edited(tmp_path, "2.0")
    kept(library, bundle)
    again = kept(library, bundle, "2026-11-23T00:00:00+00:00")
    assert library.shelf().kept == (again,)
    assert read_manifest(library.folder_of(again)) == read_manifest(bundle)


def test_only_what_a_model_is_made_of_is_copied_and_nothing_stays_of_what_was_not_kept(
    library: Library, tmp_path: Path
) -> None:
    bundle = edited(tmp_path, "2.0")
    (bundle / "setup.py").write_text("raise SystemExit\n", encoding="utf-8")
    (bundle / "weights.pt").write_bytes(b"\x80\x04")
    (bundle / "elsewhere.json").symlink_to(tmp_path)
    with Incoming(library, bundle) as incoming:
        names = {path.name for path in incoming.folder.iterdir()}
    assert names == {"CARD.md", "manifest.json", "model.onnx", "training.json"}
    assert list(library.root.iterdir()) == []


def test_a_folder_without_a_model_is_refused(library: Library, tmp_path: Path) -> None:
    for text in (None, "[]", '{"name": "../evil"}', '{"name": 5}'):
        folder = tmp_path / "stick"
        folder.mkdir(exist_ok=True)
        if text is not None:
            (folder / "manifest.json").write_text(text, encoding="utf-8")
        with pytest.raises(KnownFailure) as caught:
            Incoming(library, folder)
        assert caught.value.key == "inference.no_bundle"
    assert not library.root.exists()


def test_too_much_is_refused_before_it_is_copied(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.inference.library._MOST_BYTES", 100)
    with pytest.raises(KnownFailure) as caught:
        Incoming(library, edited(tmp_path, "2.0"))
    assert caught.value.key == "inference.bundle_too_large"


def test_a_full_disk_leaves_the_old_list(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = kept(library, edited(tmp_path, "2.0"))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(KnownFailure) as caught:
        library.choose(RISK, one.digest)
    assert caught.value.kind is ErrorKind.DISK_FULL
    monkeypatch.undo()
    assert library.shelf() == Shelf(kept=(one,))
    assert {path.name for path in library.root.iterdir()} == {"kept", "shelf.json"}


def test_a_publisher_is_remembered(library: Library) -> None:
    library.trust_publisher(Publisher("明灯", "ab" * 32))
    assert library.shelf().publishers == {"ab" * 32: "明灯"}
    assert library.shelf().in_use("anything") is None
    assert library.shelf().chosen.get("anything", (BUNDLED,)) == (BUNDLED,)
