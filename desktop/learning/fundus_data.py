"""Photographs of retinas with drawn vessels or with grades: read, checked, split."""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, UserFacingError
from desktop.inference.fundus_field import Retina, cut_out, find_circle
from desktop.inference.fundus_vessels import VesselPreparation, prepare_vessels
from desktop.learning.fundus_sets import VesselSet

FloatArray = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

GRADES = "idrid_grading"
_HIGHEST = {"dr_grade": 4, "dme_risk": 2}


@dataclass(frozen=True, eq=False)
class DrawnEye:
    """A photograph with its vessels. light: (lights, side, side) as the network sees it, green first; share: (side,
    side) of each prepared pixel that is vessel; drawn, second: (rows, columns) of the photograph, by the first and,
    where there is one, by another observer."""

    path: Path
    subject: str
    sha256: str
    light: FloatArray
    retina: Retina
    share: FloatArray
    drawn: Bools
    second: Bools | None


@dataclass(frozen=True)
class GradedEye:
    """A photograph with its grades. number: the source's; run: photographs of one run of numbers stay together, as
    neighbours are often the two eyes of one person."""

    path: Path
    sha256: str
    number: int
    run: int
    dr: int
    dme: int


def find_fundus(data: Path, wanted: str) -> Path:
    """The folder of the retinas, which may itself be given. Raises UserFacingError."""
    for folder in (data / "fundus", data):
        if (folder / wanted).is_dir():
            return folder
    raise UserFacingError("learning.no_data", kind=ErrorKind.NOT_FOUND, wanted=f"fundus/{wanted}")


def read_drawn(data: Path, wanted: VesselSet, preparation: VesselPreparation) -> list[DrawnEye]:
    """All photographs with drawn vessels, by name. Raises UserFacingError where one is not as it should be."""
    folder = find_fundus(data, wanted.folder) / wanted.folder
    eyes = []
    for path in sorted(folder.iterdir()):
        match = wanted.picture.fullmatch(path.name)
        if match is None:
            continue
        eye = match["eye"]
        second = folder / wanted.second.format(eye=eye) if wanted.second else None
        eyes.append(_drawn_eye(path, match["subject"], folder / wanted.drawing.format(eye=eye), second, preparation))
    if not eyes:
        raise UserFacingError("learning.no_data", kind=ErrorKind.NOT_FOUND, wanted=f"fundus/{wanted.folder}")
    return eyes


def read_graded(data: Path, run: int) -> list[GradedEye]:
    """All photographs with grades, by number. Raises UserFacingError where the table or a photograph is not as it
    should be: a wrong grade must never be learned."""
    folder = find_fundus(data, GRADES) / GRADES
    eyes = []
    try:
        with (folder / "labels.csv").open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                path = folder / "images" / row["image"]
                number = int(row["image"].rpartition("_")[2].partition(".")[0])
                grades = [int(row[name]) for name in _HIGHEST]
                if any(not 0 <= grade <= most for grade, most in zip(grades, _HIGHEST.values(), strict=True)):
                    raise ValueError("no such grade")
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                eyes.append(GradedEye(path, digest, number, (number - 1) // run, *grades))
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=GRADES) from error
    return sorted(eyes, key=lambda one: one.number)


def data_hash(drawn: Sequence[DrawnEye], graded: Sequence[GradedEye]) -> str:
    """SHA-256 (hex) over names, bytes, drawings and grades."""
    digest = hashlib.sha256()
    for eye in drawn:
        digest.update(f"{eye.path.name}\t{eye.sha256}\t".encode() + hashlib.sha256(eye.drawn.tobytes()).digest())
    for one in graded:
        digest.update(f"{one.path.name}\t{one.sha256}\t{one.dr}\t{one.dme}\n".encode())
    return digest.hexdigest()


def vessel_parts(eyes: Sequence[DrawnEye], count: int) -> npt.NDArray[np.int64]:
    """Which of `count` parts each photograph belongs to, subjects kept whole."""
    subjects = sorted({eye.subject for eye in eyes})
    return np.array([subjects.index(eye.subject) % count for eye in eyes])


def grade_parts(eyes: Sequence[GradedEye], count: int, seed: int) -> npt.NDArray[np.int64]:
    """Which of `count` parts each photograph belongs to, runs kept whole."""
    runs = sorted({eye.run for eye in eyes})
    order = np.random.default_rng(seed).permutation(len(runs))
    part = {run: int(place) % count for run, place in zip(runs, order, strict=True)}
    return np.array([part[eye.run] for eye in eyes])


def mark(sha256: str) -> str:
    """A short mark of a photograph of the training data, to recognise it later."""
    return sha256[:10]


def colours_of(path: Path) -> Bytes:
    """(rows, columns, 3) RGB of a photograph. Raises UserFacingError."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError) as error:
        raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=path.parent.name) from error


def _drawing(path: Path, shape: tuple[int, int]) -> Bools:
    """Raises UserFacingError where it is missing or of another size than its photograph."""
    drawn = colours_of(path)[..., 0] > 127
    if drawn.shape != shape:
        raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=path.parent.name)
    return drawn


def _drawn_eye(
    path: Path, subject: str, drawing: Path, second: Path | None, preparation: VesselPreparation
) -> DrawnEye:
    pixels = colours_of(path)
    circle = find_circle(pixels)
    if circle is None:
        raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=path.parent.name)
    drawn = _drawing(drawing, pixels.shape[:2])
    light, retina = prepare_vessels(pixels, circle, preparation)
    white = np.repeat(drawn[..., None], 3, axis=2).astype(np.uint8) * np.uint8(255)
    share = cut_out(white, circle, preparation.diameter, preparation.side).pixels[..., 0].astype(np.float32) / 255
    return DrawnEye(
        path=path,
        subject=subject,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        light=light[0],
        retina=retina,
        share=np.asarray(share, np.float32),
        drawn=drawn,
        second=_drawing(second, pixels.shape[:2]) if second is not None and second.is_file() else None,
    )
