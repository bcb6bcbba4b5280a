"""A model's manifest: what it is, what goes in and comes out, when it may speak, and how to tell it is intact.

The format is documented in `models/README.md` and `models/manifest.schema.json`. It follows MONAI Bundle's
`network_data_format` and adds what that lacks: coded findings, calibration, thresholds, quality gate, distance from
the training data, age range, hashes and a golden example. Reading does no I/O and trusts nothing.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from desktop.i18n import Language
from desktop.inference.calibration import Calibration, ConformalThresholds
from desktop.inference.fields import Fields, ManifestError
from desktop.records import Coding, Modality

FORMAT = "lantern-model/1"
MAX_WEIGHT_BYTES = 64 * 1024 * 1024
MAX_MANIFEST_BYTES = 1024 * 1024

_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.onnx")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Words:
    """One text in every language of the interface."""

    by_language: Mapping[Language, str]

    def text(self, language: Language) -> str:
        """The text in a language."""
        return self.by_language[language]


@dataclass(frozen=True)
class GraphFile:
    """A single-file ONNX graph beside the manifest. sha256: hex digest of its bytes."""

    file: str
    sha256: str
    size: int


@dataclass(frozen=True)
class TensorSpec:
    """Name and shape of a tensor, without the batch axis; float32."""

    name: str
    shape: tuple[int, ...]


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
class FindingSpec:
    """One thing the model speaks of. output: its index among the logits."""

    key: str
    output: int
    names: Words
    codings: tuple[Coding, ...]
    calibration: Calibration
    thresholds: ConformalThresholds


@dataclass(frozen=True)
class AgeRange:
    """Completed years of age the model has learned from, both inclusive."""

    minimum: int
    maximum: int

    def contains(self, years: float) -> bool:
        """Whether an age in years (fractions allowed) falls into the range: five and a half is still five."""
        return self.minimum <= int(years) <= self.maximum if years >= 0 else False


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
class DataCredit:
    """Data the model learned from, with its licence and whom to credit."""

    name: str
    licence: str
    credit: str


@dataclass(frozen=True)
class Manifest:
    """Everything about one model, valid once built."""

    name: str
    version: str
    task: str
    title: Words
    intended_use: Words
    limits: Words
    licence: str
    weights: GraphFile
    input: TensorSpec
    logits: TensorSpec
    activation: TensorSpec
    embedding: TensorSpec
    preparation: Preparation
    findings: tuple[FindingSpec, ...]
    ages: AgeRange
    modalities: tuple[Modality, ...]
    distance_limit: float
    quality: QualityGate
    golden: Golden
    data: tuple[DataCredit, ...]

    def finding(self, key: str) -> FindingSpec:
        """The finding with this key. Raises KeyError."""
        for spec in self.findings:
            if spec.key == key:
                return spec
        raise KeyError(key)


def parse_manifest(data: bytes) -> Manifest:
    """The manifest in a JSON document. Raises ManifestError, naming the place, for whatever does not hold."""
    if len(data) > MAX_MANIFEST_BYTES:
        raise ManifestError("manifest", "too large")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ManifestError("manifest", "not a JSON document") from error
    fields = Fields.of(document, "")
    if fields.text("format") != FORMAT:
        raise ManifestError("format", f"{FORMAT} was expected")
    outputs = fields.inner("network_data_format").inner("outputs")
    manifest = Manifest(
        name=_slug(fields, "name"),
        version=fields.text("version"),
        task=fields.text("task"),
        title=_words(fields, "title"),
        intended_use=_words(fields, "intended_use"),
        limits=_words(fields, "limits"),
        licence=fields.text("licence"),
        weights=_graph(fields.inner("weights")),
        input=_tensor(fields.inner("network_data_format").inner("inputs").inner("image"), "image"),
        logits=_tensor(outputs.inner("logits"), "logits"),
        activation=_tensor(outputs.inner("activation"), "activation"),
        embedding=_tensor(outputs.inner("embedding"), "embedding"),
        preparation=_preparation(fields.inner("preparation")),
        findings=tuple(_finding(item) for item in fields.objects("findings")),
        ages=_ages(fields.inner("applicability").inner("age_years")),
        modalities=_modalities(fields.inner("applicability")),
        distance_limit=fields.inner("out_of_distribution").number("limit", low=0.0),
        quality=_quality(fields.inner("quality")),
        golden=_golden(fields.inner("golden")),
        data=tuple(
            DataCredit(item.text("name"), item.text("licence"), item.text("credit")) for item in fields.objects("data")
        ),
    )
    _check_together(manifest)
    return manifest


def _check_together(manifest: Manifest) -> None:
    """What single fields cannot show. Raises ManifestError."""
    count = len(manifest.findings)
    if not count or len({spec.key for spec in manifest.findings}) != count:
        raise ManifestError("findings", "each finding needs a key of its own, and there must be one")
    if manifest.logits.shape != (count,) or {spec.output for spec in manifest.findings} != set(range(count)):
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


def _slug(fields: Fields, name: str) -> str:
    value = fields.text(name)
    if not _SLUG.fullmatch(value) or len(value) > 60:
        raise ManifestError(fields.place(name), "small letters, digits and single hyphens were expected")
    return value


def _words(fields: Fields, name: str) -> Words:
    texts = fields.inner(name)
    return Words({language: texts.text(language.value) for language in Language})


def _graph(fields: Fields) -> GraphFile:
    file = fields.text("file")
    if not _FILE.fullmatch(file):
        raise ManifestError(fields.place("file"), "the name of an .onnx file in the same folder was expected")
    sha256 = fields.text("sha256")
    if not _SHA256.fullmatch(sha256):
        raise ManifestError(fields.place("sha256"), "64 hexadecimal digits were expected")
    return GraphFile(file, sha256, fields.whole("bytes", low=1, high=MAX_WEIGHT_BYTES))


def _tensor(fields: Fields, name: str) -> TensorSpec:
    if fields.text("dtype") != "float32":
        raise ManifestError(fields.place("dtype"), "float32 was expected")
    shape = []
    for size in fields.numbers("shape"):
        if not (size == int(size) and 1 <= size <= 4096):
            raise ManifestError(fields.place("shape"), "sizes are whole numbers from 1 to 4096")
        shape.append(int(size))
    if not shape:
        raise ManifestError(fields.place("shape"), "a shape was expected")
    return TensorSpec(name, tuple(shape))


def _preparation(fields: Fields) -> Preparation:
    low = fields.number("low_percentile", low=0.0, high=50.0)
    high = fields.number("high_percentile", low=50.0, high=100.0)
    if not low < high:
        raise ManifestError(fields.place("high_percentile"), "must lie above the low one")
    epsilon = fields.number("epsilon", low=1e-6, high=1.0)
    frame_level = fields.number("frame_level", low=0.0, high=0.5) if fields.has("frame_level") else 0.0
    return Preparation(fields.whole("side", low=16, high=1024), low, high, epsilon, frame_level)


def _finding(fields: Fields) -> FindingSpec:
    calibration = fields.inner("calibration")
    thresholds = fields.inner("thresholds")
    return FindingSpec(
        key=_slug(fields, "key"),
        output=fields.whole("output", low=0, high=4095),
        names=_words(fields, "name"),
        codings=tuple(
            Coding(item.text("system"), item.text("code"), item.text("display", ""))
            for item in fields.objects("codings")
        ),
        calibration=Calibration(
            calibration.number("temperature", low=1e-3, high=1e3), calibration.number("offset", low=-100, high=100)
        ),
        thresholds=ConformalThresholds(
            positive=thresholds.number("positive", low=0.0, high=1.0),
            negative=thresholds.number("negative", low=0.0, high=1.0),
            alpha_positive=thresholds.number("alpha_positive", low=0.0, high=1.0),
            alpha_negative=thresholds.number("alpha_negative", low=0.0, high=1.0),
        ),
    )


def _ages(fields: Fields) -> AgeRange:
    minimum = fields.whole("minimum", low=0, high=150)
    return AgeRange(minimum, fields.whole("maximum", low=minimum, high=150))


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
        if not _SLUG.fullmatch(name):
            raise ManifestError(f"{fields.place('classes')}[{index}]", "a slug was expected")
    return QualityGate(
        graph=_graph(fields),
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
