"""The manifest of a model that looks at one picture."""

from dataclasses import dataclass

from desktop.inference.fields import Fields, ManifestError
from desktop.inference.manifest import (
    AgeRange,
    GraphFile,
    Manifest,
    TensorSpec,
    age_range,
    common_members,
    graph_file,
    is_slug,
    tensor,
)
from desktop.records import Modality


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
    """A picture drawn by our own code and what the graphs answered to it when they were made."""

    picture: str
    logits: tuple[float, ...]
    quality_logits: tuple[float, ...]
    tolerance: float


@dataclass(frozen=True)
class PictureManifest(Manifest):
    """Everything about one model of pictures, valid once built."""

    input: TensorSpec
    logits: TensorSpec
    activation: TensorSpec
    embedding: TensorSpec
    preparation: Preparation
    ages: AgeRange
    modalities: tuple[Modality, ...]
    distance_limit: float
    quality: QualityGate
    golden: Golden


def read_picture_manifest(fields: Fields) -> PictureManifest:
    """The manifest in a document. Raises ManifestError, naming the place, for whatever does not hold."""
    tensors = fields.inner("network_data_format")
    outputs = tensors.inner("outputs")
    manifest = PictureManifest(
        **common_members(fields),
        input=tensor(tensors.inner("inputs").inner("image"), "image"),
        logits=tensor(outputs.inner("logits"), "logits"),
        activation=tensor(outputs.inner("activation"), "activation"),
        embedding=tensor(outputs.inner("embedding"), "embedding"),
        preparation=_preparation(fields.inner("preparation")),
        ages=age_range(fields.inner("applicability").inner("age_years")),
        modalities=_modalities(fields.inner("applicability")),
        distance_limit=fields.inner("out_of_distribution").number("limit", low=0.0),
        quality=_quality(fields.inner("quality")),
        golden=_golden(fields.inner("golden")),
    )
    _check_together(manifest)
    return manifest


def _check_together(manifest: PictureManifest) -> None:
    """What single fields cannot show. Raises ManifestError."""
    count = len(manifest.findings)
    if manifest.logits.shape != (count,):
        raise ManifestError("findings", "the findings do not match the logits")
    side = manifest.preparation.side
    if manifest.input.shape != (1, side, side):
        raise ManifestError("network_data_format.inputs.image", "the shape does not match the preparation")
    if len(manifest.activation.shape) != 3 or manifest.activation.shape[0] != count:
        raise ManifestError("network_data_format.outputs.activation", "one map per finding was expected")
    if len(manifest.golden.logits) != count:
        raise ManifestError("golden.logits", "one number per finding was expected")
    if len(manifest.golden.quality_logits) != len(manifest.quality.classes):
        raise ManifestError("golden.quality_logits", "one number per class was expected")


def _preparation(fields: Fields) -> Preparation:
    low = fields.number("low_percentile", low=0.0, high=50.0)
    high = fields.number("high_percentile", low=50.0, high=100.0)
    if not low < high:
        raise ManifestError(fields.place("high_percentile"), "must lie above the low one")
    epsilon = fields.number("epsilon", low=1e-6, high=1.0)
    frame_level = fields.number("frame_level", low=0.0, high=0.5) if fields.has("frame_level") else 0.0
    return Preparation(fields.whole("side", low=16, high=1024), low, high, epsilon, frame_level)


def _modalities(fields: Fields) -> tuple[Modality, ...]:
    found = []
    for text in fields.texts("modalities"):
        try:
            found.append(Modality(text))
        except ValueError:
            # A newer release may know more kinds of picture; those we do not know cannot reach this model.
            continue
    if not found:
        raise ManifestError(fields.place("modalities"), "no modality that this release reads")
    return tuple(found)


def _quality(fields: Fields) -> QualityGate:
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
