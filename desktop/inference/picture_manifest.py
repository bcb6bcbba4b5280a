"""The manifest of a model that looks at one picture."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from desktop.inference.fields import Fields, ManifestError
from desktop.inference.manifest import (
    GraphFile,
    Manifest,
    TensorSpec,
    common_members,
    graph_file,
    is_slug,
    modalities,
    tensor,
)
from desktop.inference.subject import AgeRange, age_range
from desktop.records import Modality

_DISTANCE = TensorSpec("distance", (1,))
OCCLUSION = 0.2
"""Side of the patch that hides a part of a picture, where a manifest does not say. With 0.125 the edges of the patch
matter more than what it hides: on 20 children's films the rank correlation with the activation had a median of 0.20,
with 0.2 of 0.50."""


@dataclass(frozen=True)
class Preparation:
    """How a picture becomes a tensor.

    A black frame is cut off, then resampled to side × side without regard to aspect (frame, aspect and size give the
    label away in the training data), clipped at two percentiles, then (x - mean) / (deviation + epsilon).
    frame_level: edge rows and columns with nothing above this share of the picture's range are frame; 0: none is.
    """

    side: int
    low_percentile: float
    high_percentile: float
    epsilon: float
    frame_level: float = 0.0


@dataclass(frozen=True)
class CellPreparation:
    """How a picture of one cell on black ground, grey or in colour, becomes a tensor of three channels.

    The ground is cut off, then resampled to side × side without regard to aspect. Each channel is told as a share more
    or less than the cell's own mean there, x / mean - 1, and divided by the spread of these shares over the cell and
    all channels (+ epsilon): lamp, white balance and stain differ from slide to slide, what is darker than its own cell
    does not. Where the picture is grey, the channels are the same.
    frame_level: edge rows and columns with nothing above this share of the picture's range are ground.
    body_level: what is darker than this share of the mean light of all that is not ground is not counted as the cell.
    """

    side: int
    frame_level: float
    body_level: float
    epsilon: float


@dataclass(frozen=True)
class MeasuredPreparation:
    """Numbers that our own code measures on a picture are what the graph is given. method: its name and version, such
    as `head-slice/1`. count: how many."""

    method: str
    count: int


AnyPreparation = Preparation | CellPreparation | MeasuredPreparation
MEASURED_METHODS = ("head-slice/1",)


class Colour(StrEnum):
    """What pictures a model takes: in colour only, grey only, or both."""

    ANY = "any"
    COLOUR = "colour"
    GREY = "grey"


@dataclass(frozen=True)
class OneBody:
    """One evenly lit body on black ground, such as a red cell cut out of a smear: what is left when the ground around
    it is cut off.

    border: least share of the edge's pixels that are ground. even: least share of the body's pixels within 35 % of its
    median light. murky: greatest share of pixels that are neither ground nor body.
    """

    border: float
    even: float
    murky: float


@dataclass(frozen=True)
class HeadOnBlack:
    """One slice of a head CT in a window in which bone is white: the head lies in black air, away from the edge.

    ground: least share of the picture's pixels that are black. bone: least share of the head's pixels that are white.
    edge: greatest share of the picture's edge that the head reaches.
    """

    ground: float
    bone: float
    edge: float


@dataclass(frozen=True)
class PictureKind:
    """What a picture looks like that a model is meant for, beyond its modality: what cheap measurements can tell.

    shortest_side, longest_side: pixels. longest_aspect: of the longer side to the shorter.
    """

    shortest_side: int = 1
    longest_side: int = 1_000_000
    longest_aspect: float = math.inf
    colour: Colour = Colour.ANY
    one_body: OneBody | None = None
    head: HeadOnBlack | None = None


@dataclass(frozen=True)
class PixelLimits:
    """Limits of the plain measurements of quality.

    The defaults are those of chest films. Measured on 5,800 films of six collections (children, adults, several
    machines): the middle of a film has its median grey between 0.26 and 0.85 in 99.8 % of films, its 2nd to 98th
    percentile at least 0.18 apart, at most 16 % of its pixels black and 3 % white; sides are never under 64 pixels or
    longer than 3.1 to 1. The limits leave a margin on either side of that.
    """

    shortest_side: int = 64
    longest_aspect: float = 4.0
    darkest_median: float = 0.15
    brightest_median: float = 0.93
    black_share: float = 0.55
    white_share: float = 0.30
    least_spread: float = 0.10
    # A tinted scan of a film stays below; stained slides, skin and retinas are far above.
    coloured_difference: int = 48
    coloured_share: float = 0.10


@dataclass(frozen=True)
class QualityGate:
    """The small network that looks first. classes: slugs in the order of its logits; the first means good.

    A picture passes when the probability of the first class is at least `pass_at` and its distance from the good
    training films is at most `distance_limit`.
    """

    graph: GraphFile
    preparation: Preparation
    classes: tuple[str, ...]
    pass_at: float
    distance_limit: float


@dataclass(frozen=True)
class Golden:
    """A picture drawn by our own code and what the graphs answered to it when they were made. quality_logits: empty
    where no network looks first."""

    picture: str
    logits: tuple[float, ...]
    quality_logits: tuple[float, ...]
    tolerance: float


@dataclass(frozen=True)
class PictureManifest(Manifest):
    """Everything about one model of pictures, valid once built.

    activation: None where numbers are measured, which have no place. ages: None where age does not matter. kind: None
    where any picture of the modalities may be asked about. distance_limit: farther from what it learned from, there is
    no decision; refused_distance: farther still, the picture is none of its kind. gate: None where plain measurements
    are the only check. occlusion: side of the patch that hides a part, as a share of the side of what the network sees.
    hints: keys of findings that mean something only where another one may be there, with that other's key. weak_map:
    its maps were found to point where a finding is no better than what looks at no picture.
    """

    input: TensorSpec
    logits: TensorSpec
    activation: TensorSpec | None
    embedding: TensorSpec
    preparation: AnyPreparation
    ages: AgeRange | None
    modalities: tuple[Modality, ...]
    kind: PictureKind | None
    distance_limit: float
    refused_distance: float
    pixels: PixelLimits
    gate: QualityGate | None
    golden: Golden
    hints: Mapping[str, str]
    occlusion: float = OCCLUSION
    weak_map: bool = False

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What is asked of the model's graph."""
        maps = () if self.activation is None else (self.activation,)
        return (self.logits, *maps, self.embedding, _DISTANCE)


def read_picture_manifest(fields: Fields) -> PictureManifest:
    """The manifest in a document. Raises ManifestError, naming the place, for whatever does not hold."""
    tensors = fields.inner("network_data_format")
    outputs = tensors.inner("outputs")
    applicability, strange = fields.inner("applicability"), fields.inner("out_of_distribution")
    checked = fields.inner("quality")
    manifest = PictureManifest(
        **common_members(fields),
        input=tensor(tensors.inner("inputs").inner("image"), "image"),
        logits=tensor(outputs.inner("logits"), "logits"),
        activation=tensor(outputs.inner("activation"), "activation") if outputs.has("activation") else None,
        embedding=tensor(outputs.inner("embedding"), "embedding"),
        preparation=_any_preparation(fields.inner("preparation")),
        ages=age_range(applicability.inner("age_years")) if applicability.has("age_years") else None,
        modalities=modalities(applicability),
        kind=read_kind(applicability.inner("picture")) if applicability.has("picture") else None,
        distance_limit=strange.number("limit", low=0.0),
        refused_distance=strange.number("refused", low=0.0) if strange.has("refused") else math.inf,
        pixels=_pixels(checked.inner("pixels")) if checked.has("pixels") else PixelLimits(),
        gate=_gate(checked) if checked.has("file") or not checked.has("pixels") else None,
        golden=_golden(fields.inner("golden")),
        hints={item.text("key"): item.text("hint_of") for item in fields.objects("findings") if item.has("hint_of")},
        occlusion=_occlusion(fields),
        weak_map=_weak_map(fields),
    )
    _check_together(manifest)
    return manifest


def _occlusion(fields: Fields) -> float:
    if not fields.has("explanation") or not fields.inner("explanation").has("occlusion"):
        return OCCLUSION
    return fields.inner("explanation").number("occlusion", low=0.03, high=0.5)


def _weak_map(fields: Fields) -> bool:
    if not fields.has("explanation") or not fields.inner("explanation").has("map"):
        return False
    if fields.inner("explanation").text("map") != "weak":
        raise ManifestError("explanation.map", "weak was expected, or nothing")
    return True


def _check_together(manifest: PictureManifest) -> None:
    """What single fields cannot show. Raises ManifestError."""
    count = len(manifest.findings)
    if manifest.logits.shape != (count,):
        raise ManifestError("findings", "the findings do not match the logits")
    told = {spec.key for spec in manifest.findings} - manifest.hints.keys()
    if not told.issuperset(manifest.hints.values()):
        raise ManifestError("findings", "a hint belongs to another finding, which is none itself")
    if manifest.input.shape != _prepared_shape(manifest.preparation):
        raise ManifestError("network_data_format.inputs.image", "the shape does not match the preparation")
    measured, activation = isinstance(manifest.preparation, MeasuredPreparation), manifest.activation
    if (activation is None) != measured:
        raise ManifestError("network_data_format.outputs.activation", "only what is measured has no map")
    if activation is not None and (len(activation.shape) != 3 or activation.shape[0] != count):
        raise ManifestError("network_data_format.outputs.activation", "one map per finding was expected")
    if len(manifest.embedding.shape) != 1:
        raise ManifestError("network_data_format.outputs.embedding", "one row of numbers was expected")
    if len(manifest.golden.logits) != count:
        raise ManifestError("golden.logits", "one number per finding was expected")
    if len(manifest.golden.quality_logits) != (len(manifest.gate.classes) if manifest.gate else 0):
        raise ManifestError("golden.quality_logits", "one number per class was expected")


def _prepared_shape(preparation: AnyPreparation) -> tuple[int, ...]:
    """Of the input, without the batch axis."""
    if isinstance(preparation, MeasuredPreparation):
        return (preparation.count,)
    channels = 1 if isinstance(preparation, Preparation) else 3
    return (channels, preparation.side, preparation.side)


def _any_preparation(fields: Fields) -> AnyPreparation:
    """`method` names the way; absent, it is that of films."""
    method = fields.text("method", "film")
    if method == "film":
        return _preparation(fields)
    if method in MEASURED_METHODS:
        return MeasuredPreparation(method, fields.whole("count", low=1, high=4096))
    if method != "cell":
        raise ManifestError(fields.place("method"), "this release does not know this preparation")
    return CellPreparation(
        side=fields.whole("side", low=16, high=1024),
        frame_level=fields.number("frame_level", low=0.0, high=0.5),
        body_level=fields.number("body_level", low=0.0, high=1.0),
        epsilon=fields.number("epsilon", low=1e-6, high=1.0),
    )


def _preparation(fields: Fields) -> Preparation:
    low = fields.number("low_percentile", low=0.0, high=50.0)
    high = fields.number("high_percentile", low=50.0, high=100.0)
    if not low < high:
        raise ManifestError(fields.place("high_percentile"), "must lie above the low one")
    epsilon = fields.number("epsilon", low=1e-6, high=1.0)
    frame_level = fields.number("frame_level", low=0.0, high=0.5) if fields.has("frame_level") else 0.0
    return Preparation(fields.whole("side", low=16, high=1024), low, high, epsilon, frame_level)


def read_kind(fields: Fields) -> PictureKind:
    usual = PictureKind()
    colour = fields.text("colour", Colour.ANY.value)
    if colour not in set(Colour):
        raise ManifestError(fields.place("colour"), "any, colour or grey was expected")
    return PictureKind(
        shortest_side=_whole_or(fields, "shortest_side", usual.shortest_side),
        longest_side=_whole_or(fields, "longest_side", usual.longest_side),
        longest_aspect=_number_or(fields, "longest_aspect", usual.longest_aspect, 1.0, 1000.0),
        colour=Colour(colour),
        one_body=_one_body(fields.inner("one_body")) if fields.has("one_body") else None,
        head=_head(fields.inner("head")) if fields.has("head") else None,
    )


def _one_body(fields: Fields) -> OneBody:
    return OneBody(*(fields.number(name, low=0.0, high=1.0) for name in ("border", "even", "murky")))


def _head(fields: Fields) -> HeadOnBlack:
    return HeadOnBlack(*(fields.number(name, low=0.0, high=1.0) for name in ("ground", "bone", "edge")))


def _pixels(fields: Fields) -> PixelLimits:
    """What is not named keeps its usual limit."""
    usual = PixelLimits()
    return PixelLimits(
        shortest_side=_whole_or(fields, "shortest_side", usual.shortest_side),
        longest_aspect=_number_or(fields, "longest_aspect", usual.longest_aspect, 1.0, 1000.0),
        darkest_median=_number_or(fields, "darkest_median", usual.darkest_median, 0.0, 1.0),
        brightest_median=_number_or(fields, "brightest_median", usual.brightest_median, 0.0, 1.0),
        black_share=_number_or(fields, "black_share", usual.black_share, 0.0, 1.0),
        white_share=_number_or(fields, "white_share", usual.white_share, 0.0, 1.0),
        least_spread=_number_or(fields, "least_spread", usual.least_spread, 0.0, 1.0),
        coloured_share=_number_or(fields, "coloured_share", usual.coloured_share, 0.0, 1.0),
    )


def _whole_or(fields: Fields, name: str, usual: int) -> int:
    return fields.whole(name, low=1, high=1_000_000) if fields.has(name) else usual


def _number_or(fields: Fields, name: str, usual: float, low: float, high: float) -> float:
    return fields.number(name, low=low, high=high) if fields.has(name) else usual


def _gate(fields: Fields) -> QualityGate:
    classes = fields.texts("classes")
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise ManifestError(fields.place("classes"), "at least two different classes were expected")
    for index, name in enumerate(classes):
        if not is_slug(name):
            raise ManifestError(f"{fields.place('classes')}[{index}]", "a slug was expected")
    return QualityGate(
        graph=graph_file(fields),
        preparation=_preparation(fields.inner("preparation")),
        classes=classes,
        pass_at=fields.number("pass_at", low=0.0, high=1.0),
        distance_limit=fields.number("distance_limit", low=0.0),
    )


def _golden(fields: Fields) -> Golden:
    return Golden(
        picture=fields.text("picture"),
        logits=fields.numbers("logits"),
        quality_logits=fields.numbers("quality_logits"),
        tolerance=fields.number("tolerance", low=0.0, high=1.0),
    )
