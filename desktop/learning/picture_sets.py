"""What a picture model learns to tell, from what, and what has to be said about it: one description for each data set.

A new set is a module that builds a `PictureSet`, and a line in `learning.RECIPES`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from desktop.learning.picture_settings import PictureSettings

Words = Mapping[str, str]
Answers = Mapping[str, float]
"""1 where a picture shows it, 0 where not, by key; what is not known is absent."""


@dataclass(frozen=True)
class Example:
    """One picture of the data.

    name: set and file, the same on every machine. group: pictures of one group (patient) never stand on two sides of a
    split. answers: of findings and of what is learned on the side. facts: what the figures are given by, such as
    {"collector": "A", "view": "PA"}. turns: quarter turns to the left that put it upright. judged: whether figures,
    calibration and thresholds rest on it too; else it is only learned from. weight: how much it counts in learning.
    """

    path: Path
    name: str
    group: str
    answers: Answers
    facts: Mapping[str, str] = field(default_factory=dict)
    turns: int = 0
    judged: bool = True
    weight: float = 1.0


@dataclass(frozen=True)
class PictureFinding:
    """Something the model may speak of. key: slug, also in `Example.answers`. goal: AUC it is to reach, where there is
    one; goals: those of parts of the data, by fact and value ("site shenzhen"). earned: it is only spoken of where it
    beats its thumbnail clearly, see `picture_training`."""

    key: str
    name: Words
    codings: Sequence[Mapping[str, str]]
    goal: float | None = None
    earned: bool = False
    goals: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Split:
    """Learned from some groups, tested on others, to be stated first (one site against another).

    fact, value: pictures with this fact are tested on; all others are learned from.
    """

    name: str
    fact: str
    value: str


@dataclass(frozen=True)
class Drawn:
    """Where somebody drew a finding on a picture. name: as in `Example.name`. finding: a key. boxes: left, top, right
    and bottom as shares of the picture's width and height."""

    name: str
    finding: str
    boxes: tuple[tuple[float, float, float, float], ...]


LINES_GRID = 20
"""Places along a side of the map that lines give."""


@dataclass(frozen=True)
class LinesSettings:
    """Of straight lines that take the place of networks where there are few pictures, see `picture_lines`.

    surroundings: as a share of the side, the standard deviation of what a place's light and contrast are told against.
    components, ridge: of the regression. painted: copies of each picture with painted corners that are learned from
    too. kept: directions that tell how far a picture is from those learned from.
    """

    surroundings: float = 0.075
    components: int = 200
    ridge: float = 60.0
    painted: int = 2
    kept: int = 32


@dataclass(frozen=True)
class PictureSet:
    """A model of yes-or-no findings on one grey picture, and the data it learns from.

    version: of what its recipe makes; raised with whatever changes the weights or what they are asked with.
    wanted: what has to lie in the data folder, for the error where it does not. read: all examples below a data folder
    (the one that holds `cxr`, `ct` …), in a fixed order; raises UserFacingError for a table that is not as it should
    be. side_questions: keys of answers that are learned on the side and never given. earlier: other pictures to learn
    from first (before any part is left out, so none of them may be of a group in `read`), with their own questions.
    facts: which facts the figures are given by. splits: see `Split`.
    ages: completed years, None where age does not matter. modalities: DICOM's words, and PHOTO. picture: what the
    picture looks like, as `applicability.picture` of the manifest. gate: the bundled model whose quality gate looks
    first; None where only plain limits (`pixels`, as `quality.pixels` of the manifest) do. golden: a picture of
    `inference.golden.PICTURES`. format: of the input, in the manifest's words.
    source: where it learned, with {n} pictures of {groups} people. caution: what must be known before it is believed.
    published: figures of others beside it. strangers: pictures of other kinds, by name a glob below the data folder, of
    which the card says how many are refused. drawn: boxes that people drew on the pictures of `read`.
    lines: where no networks are trained.
    """

    model: str
    version: str
    title: Words
    intended_use: Words
    source: Words
    caution: Words
    findings: Sequence[PictureFinding]
    wanted: str
    read: Callable[[Path], list[Example]]
    data: Sequence[Mapping[str, str]]
    published: str
    modalities: Sequence[str]
    golden: str
    format: str
    research: bool = False
    side_questions: Sequence[str] = ()
    earlier: Callable[[Path], list[Example]] | None = None
    earlier_questions: Sequence[str] = ()
    facts: Sequence[str] = ()
    splits: Sequence[Split] = ()
    ages: tuple[int, int] | None = None
    body_part: str = ""
    view: str = ""
    picture: Mapping[str, object] | None = None
    gate: str | None = None
    pixels: Mapping[str, float] | None = None
    strangers: Mapping[str, str] = field(default_factory=dict)
    drawn: Callable[[Path], list[Drawn]] | None = None
    settings: PictureSettings = field(default_factory=PictureSettings)
    lines: LinesSettings | None = None
