"""Pictures for a picture model: read once, kept as small squares, put on one side of a split or the other."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, UserFacingError
from desktop.inference.picture_manifest import Preparation
from desktop.inference.preparation import resample, stretch, without_frame
from desktop.jobs import Job
from desktop.learning.films import fold_of, read_grey
from desktop.learning.picture_sets import Example, PictureSet
from desktop.learning.picture_settings import PictureSettings

Bytes = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int64]
Singles = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Squares:
    """Pictures as squares: `large` for training (n, *, *), `exact` as the clinic prepares them (n, side, side); 0..255.

    answers: (n, questions) 1, 0 or NaN where it is not known. weights: (n).
    """

    large: Bytes
    exact: Bytes
    answers: Singles
    weights: Singles


def preparation_of(settings: PictureSettings) -> Preparation:
    """How the clinic prepares a picture for this model."""
    return Preparation(
        settings.side, settings.low_percentile, settings.high_percentile, settings.epsilon, settings.frame_level
    )


def questions_of(wanted: PictureSet) -> tuple[str, ...]:
    """The networks' outputs: first the findings, then what is learned on the side."""
    return (*(finding.key for finding in wanted.findings), *wanted.side_questions)


def read_examples(wanted: PictureSet, examples: Sequence[Example]) -> Sequence[Example]:
    """The same, once it is sure that they can be learned from. Raises UserFacingError: a wrong label must never be
    learned."""
    known = set(questions_of(wanted))
    for one in examples:
        usable = one.path.is_file() and one.group and set(one.answers) <= known
        if not usable or any(value not in (0, 1) for value in one.answers.values()):
            raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=wanted.wanted)
    for finding in wanted.findings:
        told = {one.answers[finding.key] for one in examples if one.judged and finding.key in one.answers}
        if told != {0, 1}:
            raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=wanted.wanted)
    return examples


def answers_of(examples: Sequence[Example], questions: Sequence[str]) -> Singles:
    """(n, questions) 1, 0 or NaN."""
    rows = [[one.answers.get(key, np.nan) for key in questions] for one in examples]
    return np.array(rows, dtype=np.float32).reshape(len(examples), len(questions))


def parts(examples: Sequence[Example], settings: PictureSettings) -> Indices:
    """The part each picture's group belongs to: member k never sees part k."""
    return np.array([fold_of(one.group, settings.seed, settings.members) for one in examples], dtype=np.int64)


def judged(examples: Sequence[Example]) -> npt.NDArray[np.bool_]:
    """Which of them figures, calibration and thresholds rest on."""
    return np.array([one.judged for one in examples], dtype=bool)


def upright(example: Example) -> Singles:
    """Grey values of a picture in 0..1, turned upright."""
    return np.ascontiguousarray(np.rot90(read_grey(example.path), example.turns))


def load_squares(
    examples: Sequence[Example],
    questions: Sequence[str],
    settings: PictureSettings,
    job: Job,
    say: Callable[[str], None],
) -> Squares:
    """Read every picture."""
    sides = (settings.large_side, settings.side)
    large, exact = (np.empty((len(examples), side, side), np.uint8) for side in sides)
    for index, one in enumerate(examples):
        if index % 200 == 0:
            job.report("learning.progress.reading", index, len(examples))
        job.check()
        film, _ = without_frame(upright(one), settings.frame_level)
        for array, side in zip((large, exact), sides, strict=True):
            square = stretch(resample(film, side), settings.low_percentile, settings.high_percentile)
            array[index] = np.rint(square * 255)
    say(f"read {len(examples)} pictures")
    weights = np.array([one.weight for one in examples], dtype=np.float32)
    return Squares(large, exact, answers_of(examples, questions), weights)


def data_hash(examples: Sequence[Example]) -> str:
    """SHA-256 (hex) over names, groups, answers and bytes of the pictures."""
    digest = hashlib.sha256()
    for one in examples:
        inner = hashlib.sha256(one.path.read_bytes()).hexdigest()
        told = [*sorted(one.answers.items()), one.turns, one.judged, one.weight]
        digest.update(f"{one.name}\t{one.group}\t{told}\t{inner}\n".encode())
    return digest.hexdigest()


def mark(model: str, group: str) -> str:
    """A short mark of a patient of the training data, to recognise it later: 10 hex digits of SHA-256."""
    return hashlib.sha256(f"{model}:{group}".encode()).hexdigest()[:10]
