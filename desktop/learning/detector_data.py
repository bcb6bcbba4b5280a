"""Photographs with boxes: read, checked, and put on one side of a split or the other."""

import csv
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, UserFacingError
from desktop.inference.field_picture import FieldPreparation, prepare_field
from desktop.learning.detector_sets import DetectorSet
from desktop.learning.films import read_picture

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

BOXES, LABELS = "boxes.csv", "labels.csv"
_COLUMNS = ("xmin", "ymin", "xmax", "ymax")
_SMALLEST = 2.0
"""Boxes that are narrower than so many prepared pixels are slips of a mouse, some without any size."""


@dataclass(frozen=True, eq=False)
class Photograph:
    """One labelled photograph. pixels: (3, height, width) 0..255, as the network sees it. boxes: (n, 5): left, top,
    right, bottom in prepared pixels, and the kind's number, beyond the last for what nobody is sure of. run:
    photographs of one run stay together."""

    name: str
    sha256: str
    pixels: Bytes
    boxes: Floats
    run: int


def preparation_of(wanted: DetectorSet) -> FieldPreparation:
    """How the clinic prepares a photograph for this detector."""
    return FieldPreparation(wanted.width, wanted.height)


def read_photographs(data: Path, wanted: DetectorSet) -> list[Photograph]:
    """All labelled photographs, by name. data: the data folder, or the set's own. Raises UserFacingError where a table
    or a photograph is not as it should be: a wrong box must never be learned."""
    folder = next((path for path in (data / wanted.folder, data) if (path / BOXES).is_file()), None)
    if folder is None:
        raise UserFacingError("learning.no_data", kind=ErrorKind.NOT_FOUND, wanted=f"{wanted.folder}/{BOXES}")
    numbers = {label: number for number, kind in enumerate(wanted.kinds) for label in kind.labels}
    numbers |= dict.fromkeys(wanted.unsure, len(wanted.kinds))
    by_image: dict[str, list[tuple[float, ...]]] = {}
    try:
        groups = _groups(folder, wanted)
        for row in _rows(folder / BOXES):
            by_image.setdefault(_image(row), []).append(_box(row, numbers))
        names = sorted(groups or by_image)
        runs = {name: groups[name] if groups else index // wanted.run for index, name in enumerate(names)}
        if not set(by_image) <= set(names) or any(not (folder / "images" / name).is_file() for name in names):
            raise ValueError("a photograph that is not there")
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=wanted.folder) from error
    return [
        _photograph(folder / "images" / name, np.array(by_image.get(name, ())).reshape(-1, 5), wanted, runs[name])
        for name in names
    ]


def data_hash(photographs: Sequence[Photograph]) -> str:
    """SHA-256 (hex) over names, bytes and boxes."""
    digest = hashlib.sha256()
    for one in photographs:
        digest.update(f"{one.name}\t{one.sha256}\t{one.boxes.round(3).tolist()}\n".encode())
    return digest.hexdigest()


def parts(photographs: Sequence[Photograph], count: int) -> npt.NDArray[np.int64]:
    """Which of `count` parts each photograph belongs to, runs kept whole: the largest first, to the smallest part."""
    sizes, filled = Counter(one.run for one in photographs), np.zeros(count, np.int64)
    chosen: dict[int, int] = {}
    for run in sorted(sizes, key=lambda run: (-sizes[run], run)):
        chosen[run] = int(filled.argmin())
        filled[chosen[run]] += sizes[run]
    return np.array([chosen[one.run] for one in photographs])


def mark(photograph: Photograph) -> str:
    """A short mark of a photograph of the training data, to recognise it later."""
    return photograph.sha256[:10]


def _rows(path: Path) -> list[dict[str, str]]:
    """Raises OSError."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _groups(folder: Path, wanted: DetectorSet) -> dict[str, int]:
    """The group of each photograph, numbered by name; empty where the set knows none. Raises KeyError, OSError."""
    if not wanted.group:
        return {}
    of = {_image(row): row[wanted.group] for row in _rows(folder / LABELS)}
    numbers = {name: number for number, name in enumerate(sorted(set(of.values())))}
    return {image: numbers[name] for image, name in of.items()}


def _image(row: Mapping[str, str]) -> str:
    """The name of a row's photograph. Raises KeyError."""
    return row["image"] if "image" in row else row["file"].removeprefix("images/")


def _box(row: Mapping[str, str], numbers: Mapping[str, int]) -> tuple[float, ...]:
    """Raises KeyError, ValueError."""
    left, top, right, bottom = (float(row[name]) for name in _COLUMNS)
    if right < left or bottom < top:
        raise ValueError("a box inside out")
    return left, top, right, bottom, numbers[row["label"]]


def _photograph(path: Path, boxes: Floats, wanted: DetectorSet, run: int) -> Photograph:
    prepared = prepare_field(read_picture(path), preparation_of(wanted))
    places = prepared.into(boxes[:, :4])
    whole = np.concatenate([places, boxes[:, 4:]], axis=1)
    sizes = np.minimum(places[:, 2] - places[:, 0], places[:, 3] - places[:, 1])
    pixels = np.ascontiguousarray(prepared.tensor[0].round().astype(np.uint8))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Photograph(path.name, digest, pixels, whole[sizes > _SMALLEST], run)
