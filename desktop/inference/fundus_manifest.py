"""The manifest of a model that looks at retinas."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from desktop.inference.fields import Fields, ManifestError
from desktop.inference.fundus_gate import SHAPE_MEASURES, SIGHT_MEASURES, Limit
from desktop.inference.fundus_lesions import METHOD
from desktop.inference.fundus_vessels import LIGHTS, VesselPreparation
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
from desktop.inference.picture_manifest import PictureKind, read_kind
from desktop.inference.subject import AgeRange, age_range
from desktop.records import Modality

_HALVINGS = 16
"""The prepared square's side is a multiple of that: the networks halve it four times."""


@dataclass(frozen=True)
class Grading:
    """How the logits of `outputs`, one for each level, become a grade: as many levels as are reached one after the
    other, each where its logit is at least its cut."""

    outputs: tuple[int, ...]
    cuts: tuple[float, ...]

    def grade(self, logits: Sequence[float]) -> int:
        """From 0 to the number of levels. logits: of all outputs."""
        for level, (output, cut) in enumerate(zip(self.outputs, self.cuts, strict=True)):
            if logits[output] < cut:
                return level
        return len(self.cuts)


@dataclass(frozen=True)
class GradeGraph:
    """The forests that grade. file: the graph. measures: what it takes; logits: of each finding, then of each further
    level of a grade. distance_limit: farther from what was learned from, there is no decision. gradings: by finding."""

    file: GraphFile
    measures: TensorSpec
    logits: TensorSpec
    distance_limit: float
    gradings: dict[str, Grading]


@dataclass(frozen=True)
class FundusGolden:
    """A retina drawn by our own code (`golden_fundus.RETINAS`) and what the graphs answered to it when they were made:
    the mean probability of vessels in each quarter of the square, in tenths; where it grades, logits and distance."""

    picture: str
    evidence: tuple[float, ...]
    tolerance: float


@dataclass(frozen=True)
class FundusManifest(Manifest):
    """Everything about one model of retinas, valid once built.

    weights are those of the network of vessels. threshold: from which probability on a point is a vessel. grades: None
    where it only draws vessels. shape: what makes a photograph one of a retina; sight: what makes it good enough.
    ages: whose grades are decided, None where age does not matter.
    """

    input: TensorSpec
    vessels: TensorSpec
    preparation: VesselPreparation
    threshold: float
    grades: GradeGraph | None
    modalities: tuple[Modality, ...]
    kind: PictureKind
    shape: tuple[Limit, ...]
    sight: tuple[Limit, ...]
    golden: FundusGolden
    ages: AgeRange | None


def read_fundus_manifest(fields: Fields) -> FundusManifest:
    """The manifest in a document. Raises ManifestError, naming the place, for whatever does not hold."""
    tensors = fields.inner("network_data_format")
    applies, golden = fields.inner("applicability"), fields.inner("golden")
    manifest = FundusManifest(
        **common_members(fields, least=0),
        input=tensor(tensors.inner("inputs").inner("image"), "image"),
        vessels=tensor(tensors.inner("outputs").inner("vessels"), "vessels"),
        preparation=_preparation(fields.inner("preparation")),
        threshold=fields.inner("vessels").number("threshold", low=0.01, high=0.99),
        grades=_grades(fields) if fields.has("grades") else None,
        modalities=modalities(applies),
        kind=read_kind(applies.inner("picture")),
        shape=_limits(applies, "shape", SHAPE_MEASURES),
        sight=_limits(fields.inner("quality"), "sight", SIGHT_MEASURES),
        golden=FundusGolden(
            golden.text("picture"), golden.numbers("evidence"), golden.number("tolerance", low=0.0, high=1.0)
        ),
        ages=age_range(applies.inner("age_years")) if applies.has("age_years") else None,
    )
    _check_together(manifest)
    return manifest


def _check_together(manifest: FundusManifest) -> None:
    """What single fields cannot show. Raises ManifestError."""
    side = manifest.preparation.side
    if manifest.input.shape != manifest.preparation.shape:
        raise ManifestError("network_data_format.inputs.image", "the shape does not match the preparation")
    if manifest.vessels.shape != (side, side):
        raise ManifestError("network_data_format.outputs.vessels", "one map of the prepared size was expected")
    grades, keys = manifest.grades, {spec.key for spec in manifest.findings}
    if grades is None:
        if keys:
            raise ManifestError("findings", "without grades there are none")
    else:
        if set(grades.gradings) != keys:
            raise ManifestError("grades.gradings", "one for each finding was expected")
        levels = sorted(output for grading in grades.gradings.values() for output in grading.outputs)
        if grades.logits.shape != (len(levels),) or levels != list(range(len(levels))):
            raise ManifestError("grades.gradings", "the levels do not match the logits")
    count = 4 if grades is None else 4 + grades.logits.shape[0] + 1
    if len(manifest.golden.evidence) != count:
        raise ManifestError("golden.evidence", f"{count} numbers were expected")


def _preparation(fields: Fields) -> VesselPreparation:
    diameter = fields.whole("diameter", low=64, high=2048)
    side = fields.whole("side", low=diameter, high=4096)
    if side % _HALVINGS:
        raise ManifestError(fields.place("side"), f"a multiple of {_HALVINGS} was expected")
    usual = VesselPreparation(diameter, side, fields.number("reach", low=1.0, high=1000.0))
    inside = fields.number("inside", low=0.5, high=1.0) if fields.has("inside") else usual.inside
    lights = fields.texts("lights") if fields.has("lights") else usual.lights
    if len(set(lights)) != len(lights) or not set(lights) <= set(LIGHTS) or lights[:1] != ("green",):
        raise ManifestError(fields.place("lights"), "green and perhaps red and blue were expected, green first")
    return replace(usual, inside=inside, lights=lights)


def _grades(whole: Fields) -> GradeGraph:
    fields = whole.inner("grades")
    if fields.text("method") != METHOD:
        raise ManifestError(fields.place("method"), "this release does not know this way of measuring")
    tensors = fields.inner("network_data_format")
    outputs = tensors.inner("outputs")
    gradings = {}
    for item in fields.objects("gradings"):
        levels, cuts = item.numbers("outputs"), item.numbers("cuts")
        if len(levels) != len(cuts) or not levels or any(level != int(level) or level < 0 for level in levels):
            raise ManifestError(item.place("outputs"), "one whole number for each cut was expected")
        gradings[item.text("finding")] = Grading(tuple(int(level) for level in levels), cuts)
    return GradeGraph(
        file=graph_file(fields),
        measures=tensor(tensors.inner("inputs").inner("measures"), "measures"),
        logits=tensor(outputs.inner("logits"), "logits"),
        distance_limit=whole.inner("out_of_distribution").number("limit", low=0.0),
        gradings=gradings,
    )


def _limits(fields: Fields, name: str, known: tuple[str, ...]) -> tuple[Limit, ...]:
    limits = []
    for item in fields.objects(name):
        measure, problem = item.text("measure"), item.text("problem")
        if measure not in known:
            raise ManifestError(item.place("measure"), "this release does not measure that")
        if not is_slug(problem):
            raise ManifestError(item.place("problem"), "a slug was expected")
        low = item.number("low") if item.has("low") else -float("inf")
        high = item.number("high") if item.has("high") else float("inf")
        limits.append(Limit(measure, low, high, problem))
    return tuple(limits)
