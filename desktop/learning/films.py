"""The children's films and everything else the recipe learns from: read, checked, grouped by patient."""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from desktop.errors import ErrorKind, UserFacingError
from desktop.imaging import display
from desktop.records import FileHeader, Modality, Photometric, Picture

FloatArray = npt.NDArray[np.float32]

CHILD_SETS = ("kermany_full", "kermany224")
PUBLISHED_TEST = "test"
_COLUMNS = ("file", "label", "patient_id", "source_split", "subtype", "collector", "near_duplicate_of")
_LABELS = {"normal": False, "pneumonia": True}


@dataclass(frozen=True)
class DataFolder:
    """cxr: the folder of X-ray sets. root: the one that holds `cxr` and other subjects, where there is one."""

    cxr: Path
    root: Path | None


@dataclass(frozen=True)
class Film:
    """One child's film. group: films of one group never stand on two sides of a split."""

    path: Path
    source: str
    pneumonia: bool
    patient: str
    group: str
    split: str
    subtype: str
    collector: str
    width: int
    height: int

    @property
    def name(self) -> str:
        """Set and file, the same on every machine."""
        return f"{self.source}/{self.path.name}"


def find_data(folder: Path) -> DataFolder:
    """The X-ray sets under a folder, which may be the folder of `cxr` or `cxr` itself. Raises UserFacingError."""
    for cxr, root in ((folder / "cxr", folder), (folder, None)):
        if any((cxr / name / "labels.csv").is_file() for name in CHILD_SETS):
            return DataFolder(cxr, root)
    raise UserFacingError("learning.no_data", kind=ErrorKind.NOT_FOUND, wanted="cxr/kermany_full, cxr/kermany224")


def read_children(cxr: Path) -> list[Film]:
    """All films of the two sets, in a fixed order. Raises UserFacingError where a table or a film is not as it
    should be: a wrong label must never be learned."""
    rows = [(name, row) for name in CHILD_SETS if (cxr / name / "labels.csv").is_file() for row in table(cxr / name)]
    groups = _groups([row for _, row in rows])
    films = []
    for source, row in rows:
        path = cxr / source / row["file"]
        if row["label"] not in _LABELS or not row["patient_id"] or not path.is_file():
            raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=source)
        films.append(
            Film(
                path=path,
                source=source,
                pneumonia=_LABELS[row["label"]],
                patient=row["patient_id"],
                group=groups[row["patient_id"]],
                split=row["source_split"],
                subtype=row["subtype"],
                collector=row["collector"],
                width=int(row.get("orig_width") or row["width"]),
                height=int(row.get("orig_height") or row["height"]),
            )
        )
    return sorted(films, key=lambda film: film.name)


def table(folder: Path, name: str = "labels.csv") -> list[dict[str, str]]:
    """Rows of a set's table. Raises UserFacingError where a column is missing."""
    with (folder / name).open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        rows = list(reader)
        if folder.name in CHILD_SETS and not set(_COLUMNS) <= set(reader.fieldnames or ()):
            raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=folder.name)
    return rows


def _groups(rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Group of each patient: patients joined by a near-duplicate film are one."""
    parent = {row["patient_id"]: row["patient_id"] for row in rows}

    def root(patient: str) -> str:
        while parent[patient] != patient:
            patient = parent[patient]
        return patient

    for row in rows:
        twin = row["near_duplicate_of"].rpartition("/")[2]
        other = twin.split("_")[0] if twin.startswith("person") else twin.rpartition("-")[0]
        if other in parent:
            first, second = sorted((root(row["patient_id"]), root(other)))
            parent[second] = first
    return {patient: root(patient) for patient in parent}


def fold_of(group: str, seed: int, folds: int) -> int:
    """Which part a patient belongs to; the same on every machine, whoever else is in the data."""
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % folds


def patient_mark(group: str) -> str:
    """A short mark of a patient of the training data, to recognise it later: 10 hex digits of SHA-256."""
    return hashlib.sha256(f"kermany:{group}".encode()).hexdigest()[:10]


def data_hash(films: Sequence[Film]) -> str:
    """SHA-256 (hex) over names, labels and bytes of the films."""
    digest = hashlib.sha256()
    for film in films:
        inner = hashlib.sha256(film.path.read_bytes()).hexdigest()
        digest.update(f"{film.name}\t{int(film.pneumonia)}\t{film.group}\t{film.split}\t{inner}\n".encode())
    return digest.hexdigest()


def read_picture(path: Path) -> Picture:
    """A picture file as the clinic's own reader would hand it over: 8-bit grey or RGB."""
    with Image.open(path) as image:
        colour = image.mode not in ("L", "1", "I", "I;16", "F")
        pixels = np.asarray(image.convert("RGB" if colour else "L"))
    if colour and np.array_equal(pixels[..., 0], pixels[..., 1]) and np.array_equal(pixels[..., 0], pixels[..., 2]):
        pixels, colour = pixels[..., 0], False
    kind = Photometric.RGB if colour else Photometric.MONOCHROME2
    return Picture(np.ascontiguousarray(pixels), kind, FileHeader(modality=Modality.PHOTO))


def read_grey(path: Path) -> FloatArray:
    """(rows, columns) float32 in 0..1, exactly what a model is given in the clinic."""
    return display.grey(read_picture(path))
