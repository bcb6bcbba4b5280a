"""The manifest of a model that boxes and counts things on a photograph."""

import math
from dataclasses import dataclass

from desktop.inference.calibration import Calibration
from desktop.inference.detection_decoding import STRIDE
from desktop.inference.field_picture import FieldPreparation
from desktop.inference.fields import Fields, ManifestError
from desktop.inference.manifest import (
    Manifest,
    TensorSpec,
    Words,
    codings,
    common_members,
    modalities,
    slug,
    tensor,
    words,
)
from desktop.inference.picture_manifest import PictureKind, read_kind
from desktop.inference.usual_answers import NUMBERS, Usual, UsualAnswers
from desktop.records import Coding, Modality

_DEEPEST = 32
"""The prepared picture's sides are multiples of that: the networks halve it five times."""


MOST_TILES = 64
"""More than a manifest may ask for: each takes as long as a photograph."""


@dataclass(frozen=True)
class KindSpec:
    """Something that is boxed. key: slug. A box has the probability `calibration` gives its score's log-odds, and
    counts where that is at least `threshold`. spread: how far off a count usually is, in roots of it plus one. rim: the
    calibration of boxes `at_rim`; None: they are like any other."""

    key: str
    names: Words
    codings: tuple[Coding, ...]
    calibration: Calibration
    threshold: float
    spread: tuple[float, float]
    rim: Calibration | None = None

    def calibration_of(self, cut: bool) -> Calibration:
        """That of a box. cut: it lies at the rim."""
        return self.rim if cut and self.rim is not None else self.calibration


@dataclass(frozen=True)
class CountGrade:
    """The grade of a finding: how many of the cuts the count of a kind reaches."""

    finding: str
    kind: str
    cuts: tuple[int, ...]

    def grade(self, count: int) -> int:
        """From 0 to the number of cuts."""
        return sum(count >= cut for cut in self.cuts)


@dataclass(frozen=True)
class TileSpec:
    """When a photograph is looked at again in tiles, and how; all lengths in prepared pixels.

    kind: the commonest. low, usual, high: how large its boxes (the root of their area) are on photographs like those of
    the training, the least, the middle and the greatest of the photographs' medians. overlap: what neighbouring tiles
    have in common at least, as long as the largest usual thing. most: tiles allowed.
    """

    kind: str
    low: float
    usual: float
    high: float
    overlap: int
    most: int


@dataclass(frozen=True)
class DetectionGolden:
    """A picture drawn by our own code (`golden.FIELDS`) and what the graph answered to it when it was made: for each
    kind the sum of all scores, then the distance."""

    picture: str
    evidence: tuple[float, ...]
    tolerance: float


@dataclass(frozen=True)
class DetectionManifest(Manifest):
    """Everything about one detector, valid once built.

    overlap: see `boxes_of`. listed: boxes of a lower probability are not named. stride: pixels of the prepared picture
    per cell of the maps. each_once: the two kinds are sorts of one thing, which the first map finds and the second
    tells apart; the first kind's calibration and threshold then say what is such a thing and named at all. grade: of
    the finding, where there is one. tiles: None where photographs are only seen whole. tinted_share: photographs of
    which a smaller share of pixels has a colour are refused. stain: between what `staining` lies. usual: beyond what
    its members say a photograph is refused; None where only the distance tells.
    """

    input: TensorSpec
    scores: TensorSpec
    reach: TensorSpec
    preparation: FieldPreparation
    kinds: tuple[KindSpec, ...]
    overlap: float
    listed: float
    stride: int
    each_once: bool
    grade: CountGrade | None
    tiles: TileSpec | None
    modalities: tuple[Modality, ...]
    kind: PictureKind
    tinted_share: float
    stain: tuple[float, float]
    distance_limit: float
    golden: DetectionGolden
    usual: UsualAnswers | None = None
    member_scores: TensorSpec | None = None

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What is asked of the graph."""
        members = () if self.member_scores is None else (self.member_scores,)
        return (self.scores, self.reach, TensorSpec("distance", (1,)), *members)

    def kind_name(self, key: str) -> Words:
        """What a kind is called. Raises KeyError."""
        for kind in self.kinds:
            if kind.key == key:
                return kind.names
        raise KeyError(key)


def read_detection_manifest(fields: Fields) -> DetectionManifest:
    """The manifest in a document. Raises ManifestError, naming the place, for whatever does not hold."""
    tensors = fields.inner("network_data_format")
    outputs = tensors.inner("outputs")
    boxing, applies = fields.inner("boxes"), fields.inner("applicability")
    golden, strange = fields.inner("golden"), fields.inner("out_of_distribution")
    usual = _usual(strange.inner("answers")) if strange.has("answers") else None
    manifest = DetectionManifest(
        **common_members(fields, least=0),
        input=tensor(tensors.inner("inputs").inner("image"), "image"),
        scores=tensor(outputs.inner("scores"), "scores"),
        reach=tensor(outputs.inner("reach"), "reach"),
        preparation=_preparation(fields.inner("preparation")),
        kinds=tuple(_kind(item) for item in boxing.objects("kinds")),
        overlap=boxing.number("overlap", low=0.05, high=0.95),
        listed=boxing.number("listed", low=0.001, high=0.5),
        stride=boxing.whole("stride", low=STRIDE, high=16) if boxing.has("stride") else STRIDE,
        each_once=boxing.flag("each_once"),
        grade=_grade(boxing.inner("grade")) if boxing.has("grade") else None,
        tiles=_tiles(boxing.inner("tiles")) if boxing.has("tiles") else None,
        modalities=modalities(applies),
        kind=read_kind(applies.inner("picture")),
        tinted_share=applies.number("tinted_share", low=0.0, high=1.0),
        stain=_stain(applies.inner("stain")) if applies.has("stain") else (-math.inf, math.inf),
        distance_limit=strange.number("limit", low=0.0),
        golden=DetectionGolden(
            golden.text("picture"), golden.numbers("evidence"), golden.number("tolerance", low=0.0, high=1.0)
        ),
        usual=usual,
        member_scores=tensor(outputs.inner("member_scores"), "member_scores") if usual is not None else None,
    )
    _check_together(manifest)
    return manifest


def _check_together(manifest: DetectionManifest) -> None:
    """What single fields cannot show. Raises ManifestError."""
    count = len(manifest.kinds)
    graded = [manifest.grade.finding] if manifest.grade else []
    if [spec.key for spec in manifest.findings] != graded:
        raise ManifestError("findings", "the one that is graded was expected, and no other")
    if not count or len({kind.key for kind in manifest.kinds}) != count:
        raise ManifestError("boxes.kinds", "each kind needs a key of its own, and there must be one")
    if manifest.each_once and count != 2:
        raise ManifestError("boxes.kinds", "two kinds were expected, of which each thing is one")
    if any(spec.withheld for spec in manifest.findings):
        raise ManifestError("findings", "whose blood or sputum it is, a detector does not ask")
    if manifest.each_once and any(kind.rim is not None for kind in manifest.kinds):
        raise ManifestError("boxes.kinds", "things that are told apart are the same at the rim")
    if manifest.grade and manifest.grade.kind not in {kind.key for kind in manifest.kinds}:
        raise ManifestError("boxes.grade.kind", "no such kind is boxed")
    _check_tiles(manifest)
    prepared = manifest.preparation
    if manifest.input.shape != (3, prepared.height, prepared.width):
        raise ManifestError("network_data_format.inputs.image", "the shape does not match the preparation")
    cells = (prepared.height // manifest.stride, prepared.width // manifest.stride)
    if manifest.scores.shape != (count, *cells):
        raise ManifestError("network_data_format.outputs.scores", "one map per kind was expected")
    if manifest.reach.shape != (4, *cells):
        raise ManifestError("network_data_format.outputs.reach", "four maps were expected")
    if manifest.usual is not None and not manifest.each_once:
        raise ManifestError("out_of_distribution.answers", "only kinds that are told apart have such answers")
    members = manifest.member_scores
    if members is not None and manifest.usual and members.shape != (2 * len(manifest.usual.members), *cells):
        raise ManifestError("network_data_format.outputs.member_scores", "two maps for each member were expected")
    if len(manifest.golden.evidence) != count + 1:
        raise ManifestError("golden.evidence", "one number per kind and the distance were expected")


def _check_tiles(manifest: DetectionManifest) -> None:
    """Raises ManifestError."""
    tiles, prepared = manifest.tiles, manifest.preparation
    if tiles is None:
        return
    if manifest.grade is not None:
        raise ManifestError("boxes.tiles", "a count that grades is that of one field")
    kinds = [kind.key for kind in manifest.kinds]
    if tiles.kind not in (kinds[:1] if manifest.each_once else kinds):
        raise ManifestError("boxes.tiles.kind", "no such kind is found")
    # A tile of which more than half lies in its neighbour brings little that is new.
    if not tiles.high <= tiles.overlap <= min(prepared.width, prepared.height) / 2:
        raise ManifestError("boxes.tiles.overlap", "a thing must fit into it, and it into half of the picture")


def _preparation(fields: Fields) -> FieldPreparation:
    sides = [fields.whole(name, low=_DEEPEST, high=4096) for name in ("width", "height")]
    for name, side in zip(("width", "height"), sides, strict=True):
        if side % 16:
            raise ManifestError(fields.place(name), "a multiple of 16 was expected")
    return FieldPreparation(*sides)


def _grade(fields: Fields) -> CountGrade:
    cuts = fields.numbers("cuts")
    if not cuts or any(cut != int(cut) or cut < 1 for cut in cuts) or list(cuts) != sorted(set(cuts)):
        raise ManifestError(fields.place("cuts"), "whole numbers that rise were expected")
    return CountGrade(slug(fields, "finding"), slug(fields, "kind"), tuple(int(cut) for cut in cuts))


def _tiles(fields: Fields) -> TileSpec:
    low, usual, high = (fields.number(name, low=1.0, high=4096.0) for name in ("low", "usual", "high"))
    if not low < usual < high:
        raise ManifestError(fields.where, "three sizes that rise were expected")
    return TileSpec(
        kind=slug(fields, "kind"),
        low=low,
        usual=usual,
        high=high,
        overlap=fields.whole("overlap", low=1, high=4096),
        most=fields.whole("most", low=2, high=MOST_TILES),
    )


def _stain(fields: Fields) -> tuple[float, float]:
    low = fields.number("low") if fields.has("low") else -math.inf
    high = fields.number("high") if fields.has("high") else math.inf
    return low, high


def _usual(fields: Fields) -> UsualAnswers:
    members = tuple(Usual(one.numbers("mean"), one.numbers("precision")) for one in fields.objects("members"))
    if not members or any((len(one.mean), len(one.precision)) != (NUMBERS, NUMBERS**2) for one in members):
        raise ManifestError(fields.place("members"), f"{NUMBERS} numbers and their precision were expected of each")
    return UsualAnswers(members, fields.number("limit", low=0.0))


def _kind(fields: Fields) -> KindSpec:
    spread = fields.numbers("spread")
    if len(spread) != 2 or not spread[0] <= 0 <= spread[1]:
        raise ManifestError(fields.place("spread"), "two numbers around zero were expected")
    return KindSpec(
        key=slug(fields, "key"),
        names=words(fields, "name"),
        codings=codings(fields),
        calibration=_calibration(fields.inner("calibration")),
        threshold=fields.number("threshold", low=0.0, high=1.0),
        spread=(spread[0], spread[1]),
        rim=_calibration(fields.inner("calibration_at_rim")) if fields.has("calibration_at_rim") else None,
    )


def _calibration(fields: Fields) -> Calibration:
    return Calibration(fields.number("temperature", low=1e-3, high=1e3), fields.number("offset", low=-100, high=100))
