"""Single red cells cut out of thin blood films: read, checked, grouped by patient."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop.errors import ErrorKind, UserFacingError
from desktop.learning.films import table

CELL_SET = "malaria_cells_rgb"
_LABELS = {"uninfected": False, "parasitized": True}


@dataclass(frozen=True)
class Cell:
    """One cell. patient: cells of one patient never stand on two sides of a split."""

    path: Path
    parasitized: bool
    patient: str


def find_cells(folder: Path) -> Path:
    """The folder of cells under a folder, which may be it. Raises UserFacingError."""
    for place in (folder / CELL_SET, folder):
        if (place / "labels.csv").is_file() and (place.name == CELL_SET or (place / "images").is_dir()):
            return place
    raise UserFacingError("learning.no_data", kind=ErrorKind.NOT_FOUND, wanted=CELL_SET)


def read_cells(folder: Path) -> list[Cell]:
    """All cells of the set in a fixed order. Raises UserFacingError where the table or a file is not as it should be:
    a wrong label must never be learned."""
    cells = []
    for row in table(folder):
        name, label, patient = row.get("file") or "", row.get("label") or "", row.get("patient") or ""
        path = folder / name
        if not name or label not in _LABELS or not patient or not path.is_file():
            raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=CELL_SET)
        cells.append(Cell(path, _LABELS[label], patient))
    if len({cell.parasitized for cell in cells}) < 2:
        raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=CELL_SET)
    return sorted(cells, key=lambda cell: cell.path.name)


def patient_mark(patient: str) -> str:
    """A short mark of a patient of the training data, to recognise it later: 10 hex digits of SHA-256."""
    return hashlib.sha256(f"{CELL_SET}:{patient}".encode()).hexdigest()[:10]


def data_hash(cells: Sequence[Cell]) -> str:
    """SHA-256 (hex) over names, labels, patients and bytes of the cells."""
    digest = hashlib.sha256()
    for cell in cells:
        inner = hashlib.sha256(cell.path.read_bytes()).hexdigest()
        digest.update(f"{cell.path.name}\t{int(cell.parasitized)}\t{cell.patient}\t{inner}\n".encode())
    return digest.hexdigest()
