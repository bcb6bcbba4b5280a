"""What every model's manifest says: what the model is, when it may speak, and how to tell it is intact.

Each kind of task reads what it needs besides. The format is documented in `models/README.md` and
`models/manifest.schema.json`. It follows MONAI Bundle's `network_data_format` and adds what that lacks: coded findings,
calibration, thresholds, quality gate, distance from the training data, age range, hashes and a golden example. Reading
does no I/O and trusts nothing.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from desktop.i18n import Language
from desktop.inference.calibration import Calibration, ConformalThresholds
from desktop.inference.fields import Fields, ManifestError
from desktop.inference.withheld import Withheld, read_withheld
from desktop.records import Coding, Decision, Modality

FORMAT = "lantern-model/1"
MAX_WEIGHT_BYTES = 64 * 1024 * 1024
MAX_MANIFEST_BYTES = 1024 * 1024

# What the title of a research pack says, so that it says it wherever it speaks.
RESEARCH = {Language.ENGLISH: "research", Language.CHINESE: "研究"}

BY_SITE = "inference.reason.site"
"""Why a finding is likely or unlikely where the clinic's own thresholds decided."""

_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.(onnx|pt2)")
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
    """A single-file ONNX graph, or a torch.export program (.pt2), beside the manifest. sha256: hex digest of its
    bytes."""

    file: str
    sha256: str
    size: int


@dataclass(frozen=True)
class TensorSpec:
    """Name and shape of a tensor, without the batch axis; float32."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class FindingSpec:
    """One thing the model speaks of. output: its index among the logits. site: the thresholds are those of the clinic
    it is asked in (see `inference.site`). withheld: of whom it decides nothing."""

    key: str
    output: int
    names: Words
    codings: tuple[Coding, ...]
    calibration: Calibration
    thresholds: ConformalThresholds
    site: bool = False
    withheld: tuple[Withheld, ...] = ()

    def reason(self, decision: Decision, between: str) -> str:
        """Key of the reason for what the thresholds decided. between: why nothing was."""
        if decision is Decision.CANNOT_SAY:
            return between
        return BY_SITE if self.site else ""


@dataclass(frozen=True)
class DataCredit:
    """Data the model learned from, with its licence and whom to credit."""

    name: str
    licence: str
    credit: str


@dataclass(frozen=True)
class Manifest:
    """What every model says of itself, valid once built; each kind of task adds what it needs.

    research: made from data that are for research only, or have not been read by anyone who may say more. It is not
    bundled, is asked only where someone asks for it, and its title says what it is.
    """

    name: str
    version: str
    task: str
    title: Words
    intended_use: Words
    limits: Words
    licence: str
    research: bool
    weights: GraphFile
    findings: tuple[FindingSpec, ...]
    data: tuple[DataCredit, ...]

    @property
    def withheld(self) -> dict[str, tuple[Withheld, ...]]:
        """Of whom the model decides nothing, by finding. What is withheld from everybody, since no clinic can know
        whether its cases are like those it fails in, is not where a clinic has fitted thresholds to its own."""
        return {
            spec.key: tuple(part for part in spec.withheld if not (spec.site and part.always)) for spec in self.findings
        }

    def finding(self, key: str) -> FindingSpec:
        """The finding with this key. Raises KeyError."""
        for spec in self.findings:
            if spec.key == key:
                return spec
        raise KeyError(key)


def document_of(data: bytes) -> Fields:
    """The members of a JSON document in this format. Raises ManifestError."""
    if len(data) > MAX_MANIFEST_BYTES:
        raise ManifestError("manifest", "too large")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ManifestError("manifest", "not a JSON document") from error
    fields = Fields.of(document, "")
    if fields.text("format") != FORMAT:
        raise ManifestError("format", f"{FORMAT} was expected")
    return fields


def common_members(fields: Fields, *, least: int = 1) -> dict[str, Any]:
    """The arguments of a `Manifest`. least: how many findings there must be. Raises ManifestError, naming the place,
    for whatever does not hold."""
    findings = tuple(_finding(item) for item in fields.objects("findings"))
    count = len(findings)
    if count < least or len({spec.key for spec in findings}) != count:
        raise ManifestError("findings", "each finding needs a key of its own, and there must be one")
    if {spec.output for spec in findings} != set(range(count)):
        raise ManifestError("findings", "the findings do not match the logits")
    return {
        "name": slug(fields, "name"),
        "version": fields.text("version"),
        "task": fields.text("task"),
        "title": words(fields, "title"),
        "intended_use": words(fields, "intended_use"),
        "limits": words(fields, "limits"),
        "licence": fields.text("licence"),
        "research": _research(fields),
        "weights": graph_file(fields.inner("weights")),
        "findings": findings,
        "data": tuple(
            DataCredit(item.text("name"), item.text("licence"), item.text("credit")) for item in fields.objects("data")
        ),
    }


def _research(fields: Fields) -> bool:
    """Whether it is a research pack, which its title must say in every language."""
    research = fields.flag("research")
    title = words(fields, "title")
    if research and not all(word in title.text(language).lower() for language, word in RESEARCH.items()):
        raise ManifestError(fields.place("title"), "the title of a research pack says that it is one")
    return research


def is_slug(text: str) -> bool:
    """Whether a text is small letters, digits and single hyphens or underscores."""
    return bool(_SLUG.fullmatch(text))


def slug(fields: Fields, name: str) -> str:
    """A member that is a slug."""
    value = fields.text(name)
    if not is_slug(value) or len(value) > 60:
        raise ManifestError(fields.place(name), "small letters, digits and single hyphens were expected")
    return value


def words(fields: Fields, name: str) -> Words:
    """A member with a text in every language."""
    texts = fields.inner(name)
    return Words({language: texts.text(language.value) for language in Language})


def graph_file(fields: Fields) -> GraphFile:
    """A graph beside the manifest, and how to tell that it is that one."""
    file = fields.text("file")
    if not _FILE.fullmatch(file):
        raise ManifestError(fields.place("file"), "the name of an .onnx or .pt2 file in the same folder was expected")
    sha256 = fields.text("sha256")
    if not _SHA256.fullmatch(sha256):
        raise ManifestError(fields.place("sha256"), "64 hexadecimal digits were expected")
    return GraphFile(file, sha256, fields.whole("bytes", low=1, high=MAX_WEIGHT_BYTES))


def tensor(fields: Fields, name: str) -> TensorSpec:
    """The shape of a tensor of that name."""
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


def modalities(fields: Fields) -> tuple[Modality, ...]:
    """The kinds of picture a model is meant for, as far as this release knows them; there must be one."""
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


def codings(fields: Fields) -> tuple[Coding, ...]:
    """The codes of something a model names."""
    return tuple(
        Coding(item.text("system"), item.text("code"), item.text("display", "")) for item in fields.objects("codings")
    )


def _finding(fields: Fields) -> FindingSpec:
    calibration = fields.inner("calibration")
    thresholds = fields.inner("thresholds")
    return FindingSpec(
        key=slug(fields, "key"),
        output=fields.whole("output", low=0, high=4095),
        names=words(fields, "name"),
        codings=codings(fields),
        calibration=Calibration(
            calibration.number("temperature", low=1e-3, high=1e3), calibration.number("offset", low=-100, high=100)
        ),
        thresholds=ConformalThresholds(
            positive=thresholds.number("positive", low=0.0, high=1.0),
            negative=thresholds.number("negative", low=0.0, high=1.0),
            alpha_positive=thresholds.number("alpha_positive", low=0.0, high=1.0),
            alpha_negative=thresholds.number("alpha_negative", low=0.0, high=1.0),
        ),
        withheld=read_withheld(fields),
    )
