"""Pictures for the child pneumonia recipe, read once and kept as small squares."""

import glob
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.imaging import display
from desktop.inference.preparation import resample, stretch, without_frame
from desktop.jobs import Job
from desktop.learning import films as film_tables
from desktop.learning import negatives
from desktop.learning.films import DataFolder, Film
from desktop.records import FileHeader, Modality, Photometric, Picture

Bytes = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

PERCENTILES = (0.5, 99.5)
FRAME_LEVEL = 0.02
# Films of grown-ups, so that the gate does not take "another machine, another body" for "no chest film". The gate
# learns nothing about disease.
_ADULT_SETS = {"nih_chestxray14": 1.0, "covid_hannover": 3.0, "nih64": 0.5}
# What else lies in the data folder, and how many of each at most: what may be learned from in a model that is shipped …
LEARNED_KINDS = {
    "fundus": ("fundus/idrid_grading/**/*.jpg", 400),
    "fundus_chase": ("fundus/CHASEDB1/*", 80),
    "malaria_cells": ("malaria_cells_rgb/images/*", 300),
    "blood_cells": ("blood_cells/images/*.jpg", 180),
}
# … and what may not (terms unread, or for viewing only): whole kinds that nothing has seen, to measure with.
UNSEEN_KINDS = {
    "fundus_drive": ("fundus/DRIVE/*", 80),
    "malaria_fields": ("malaria_smear/images/*.jpg", 150),
    "malaria_crops": ("malaria_smear/cells/*.jpg", 100),
    "sputum": ("sputum_afb/images/*.jpg", 150),
    "head_ct": ("ct/head_ct_ich/**/*.jpg", 200),
    "dicom": ("dicom_conformance/files/*", 250),
    "slices": ("ct/dicom_series*/**/*.dcm", 90),
}
DRAWN = 2500


@dataclass(frozen=True, eq=False)
class GateFilms:
    """Squares (n, side, side) 0..255 for the gate with the kind of each and the patient or file it comes from."""

    squares: Bytes
    kinds: tuple[str, ...]
    groups: tuple[str, ...]


def to_square(grey: FloatArray, side: int) -> Bytes:
    """Grey values as the networks see them before standardising, in 256 steps."""
    film, _ = without_frame(grey, FRAME_LEVEL)
    return np.rint(stretch(resample(film, side), *PERCENTILES) * 255).astype(np.uint8)


def load_squares(
    films: Sequence[Film], sides: Sequence[int], job: Job, say: Callable[[str], None]
) -> tuple[Bytes, ...]:
    """Each film as a square of each side: one array (n, side, side) per side."""
    arrays = tuple(np.empty((len(films), side, side), np.uint8) for side in sides)
    for index, film in enumerate(films):
        if index % 200 == 0:
            job.report("learning.progress.reading", index, len(films))
        grey = film_tables.read_grey(film.path)
        for array, side in zip(arrays, sides, strict=True):
            array[index] = to_square(grey, side)
    say(f"read {len(films)} films of children")
    return arrays


def load_adults(folder: DataFolder, side: int, job: Job) -> GateFilms:
    """Upright films of grown-ups, as far as the folder holds them."""
    squares, kinds, groups = [], [], []
    for name in _ADULT_SETS:
        if not (folder.cxr / name / "labels.csv").is_file():
            continue
        for row in film_tables.table(folder.cxr / name):
            file = row["file"]
            path = folder.cxr / name / (file if "/" in file else f"images/{file}")
            if path.suffix == "":
                path = path.with_suffix(".png")
            if not path.is_file():
                continue
            job.check()
            squares.append(to_square(film_tables.read_grey(path), side))
            kinds.append(name)
            groups.append(f"{name}:{row.get('patient_id', file)}")
    return _gathered(squares, kinds, groups, side)


def load_others(folder: DataFolder, kinds: Mapping[str, tuple[str, int]], side: int, seed: int, job: Job) -> GateFilms:
    """Pictures of the given kinds that are no chest film, as far as the folder holds them."""
    random = np.random.default_rng(seed)
    squares, found, groups = [], [], []
    for kind, (pattern, most) in kinds.items():
        paths = sorted(glob.glob(str(folder.root / pattern), recursive=True)) if folder.root else []
        chosen = random.permutation(len(paths))[:most]
        for index in sorted(chosen.tolist()):
            job.check()
            grey = read_any(Path(paths[index]))
            if grey is not None:
                squares.append(to_square(grey, side))
                found.append(kind)
                groups.append(f"{kind}:{Path(paths[index]).name}")
    return _gathered(squares, found, groups, side)


def adult_weight(kind: str) -> float:
    """How often a film of a collection is shown, relative to one of a child."""
    return _ADULT_SETS.get(kind, 1.0)


def draw_others(side: int, seed: int, job: Job, count: int | None = None) -> Bytes:
    """Pictures drawn by our own code."""
    count = DRAWN if count is None else count
    random = np.random.default_rng(seed)
    squares = np.empty((count, side, side), np.uint8)
    for index in range(count):
        if index % 100 == 0:
            job.check()
        squares[index] = to_square(negatives.draw(random), side)
    return squares


def read_any(path: Path) -> FloatArray | None:
    """Grey values of a picture or DICOM file of any kind; None where it holds no readable picture."""
    if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp"):
        return film_tables.read_grey(path)
    picture = _dicom_picture(path)
    return None if picture is None else display.grey(picture)


def _dicom_picture(path: Path) -> Picture | None:
    """The middle frame of a DICOM file."""
    import pydicom

    try:
        with _without_complaints():
            pixels = pydicom.dcmread(path, force=True).pixel_array
    except Exception:  # a file that no decoder takes has nothing to teach, whatever is wrong with it
        return None
    if pixels.ndim == 4:
        pixels = pixels[len(pixels) // 2]
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        pixels = pixels.mean(axis=2)
    elif pixels.ndim == 3:
        pixels = pixels[len(pixels) // 2]
    if pixels.ndim != 2 or min(pixels.shape) < 32:
        return None
    return Picture(pixels.astype(np.float32), Photometric.MONOCHROME2, FileHeader(modality=Modality.OT))


@contextmanager
def _without_complaints() -> Iterator[None]:
    """Test files of other projects break rules on purpose; here only their pixels matter, not what pydicom thinks."""
    logger = logging.getLogger("pydicom")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _gathered(squares: list[Bytes], kinds: list[str], groups: list[str], side: int) -> GateFilms:
    array = np.stack(squares) if squares else np.empty((0, side, side), np.uint8)
    return GateFilms(array, tuple(kinds), tuple(groups))
