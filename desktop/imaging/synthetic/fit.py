"""Fits the shape model: `python -m desktop.imaging.synthetic.fit FOLDER OUT.npz`.

FOLDER holds images/ and labels.csv (columns file, label, patient_id). One normal film per child is used, so that no
child weighs more than another. Takes half a minute; the same films give the same model.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from desktop.imaging.synthetic.shape import COLUMNS, DIRECTIONS, ROWS, FloatArray, save


def read_films(folder: Path) -> FloatArray:
    """One normal film of each child: (films, ROWS, COLUMNS) float32 in 0..1."""
    from PIL import Image, ImageFilter

    seen: set[str] = set()
    films = []
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            if row["label"] != "normal" or row["patient_id"] in seen:
                continue
            seen.add(row["patient_id"])
            with Image.open(folder / row["file"]) as film:
                small = film.convert("L").resize((COLUMNS, ROWS), Image.Resampling.BOX)
            blurred = small.filter(ImageFilter.GaussianBlur(0.8))
            films.append(np.asarray(blurred, dtype=np.float32) / 255)
    return np.stack(films)


def fit(films: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and directions of `ShapeModel`."""
    mean = films.mean(axis=0)
    _, strengths, axes = np.linalg.svd((films - mean).reshape(len(films), -1), full_matrices=False)
    deviations = strengths[:DIRECTIONS] / np.sqrt(len(films) - 1)
    directions = axes[:DIRECTIONS] * deviations[:, None]
    return mean, directions.reshape(DIRECTIONS, ROWS, COLUMNS)


def main(arguments: list[str]) -> int:
    """Fit and save. Returns the exit status."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    mean, directions = fit(read_films(Path(arguments[0])))
    save(mean, directions, Path(arguments[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
