"""One model of the shelf: what all kinds have in common."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from desktop.errors import KnownFailure, from_os_error
from desktop.i18n import Language
from desktop.inference.calibration import Calibration, ConformalThresholds
from desktop.inference.manifest import Manifest
from desktop.inference.site import SiteUse, site_words

CARD = "CARD.md"
TRAINING = "training.json"
STUDY = "study.json"


@dataclass(frozen=True)
class SelfTestResult:
    """Whether a model still answers its golden example as it did when it was made.

    max_difference: largest difference of any logit, NaN where the model could not run. error: key of the sentence
    that says why it could not, or empty.
    """

    name: str
    version: str
    sha256: str
    ok: bool
    max_difference: float
    error: str = ""


class Model(ABC):
    """A manifest and its folder. Weights are read, checked and loaded when first needed, and kept.

    site: what of the clinic's own thresholds it uses.
    """

    def __init__(self, manifest: Manifest, folder: Path) -> None:
        self._common = manifest
        self._folder = folder
        self.site = SiteUse()

    @property
    def name(self) -> str:
        """Name on the command line, and the folder's."""
        return self._common.name

    @property
    def version(self) -> str:
        """Version of the weights."""
        return self._common.version

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of model.onnx, as the manifest promises and loading checks."""
        return self._common.weights.sha256

    @property
    def research(self) -> bool:
        """Whether it is a research pack: never asked unless someone asked for it."""
        return self._common.research

    def title(self, language: Language) -> str:
        """What the model is called on the screen."""
        return self._common.title.text(language)

    def limits(self, language: Language) -> str:
        """In a few sentences: what it was trained on, how well it does, where it must not be trusted, and whether the
        clinic's own thresholds decide."""
        names = {spec.key: spec.names.text(language) for spec in self._common.findings}
        said = (self._common.limits.text(language), site_words(self.site, names, language))
        return (" " if language is Language.ENGLISH else "").join(part for part in said if part)

    def calibration(self, key: str) -> Calibration:
        """From a finding's logit to its probability. Raises KeyError for a key the model does not know."""
        return self._common.finding(key).calibration

    def finding_name(self, key: str, language: Language) -> str:
        """What a finding is called. Raises KeyError for a key the model does not know."""
        return self._common.finding(key).names.text(language)

    @property
    def findings(self) -> tuple[str, ...]:
        """Keys of what it speaks of."""
        return tuple(spec.key for spec in self._common.findings)

    @property
    def withheld(self) -> tuple[str, ...]:
        """Keys of the findings of which it decides nothing for some people, or for all."""
        return tuple(key for key, parts in self._common.withheld.items() if parts)

    def thresholds(self, key: str) -> ConformalThresholds:
        """Where a finding's probability becomes a decision. Raises KeyError for a key the model does not know."""
        return self._common.finding(key).thresholds

    def card_text(self) -> str:
        """The model card (Markdown, English). Raises KnownFailure where it cannot be read."""
        try:
            return (self._folder / CARD).read_text(encoding="utf-8")
        except OSError as error:
            raise from_os_error(error) from error

    def training_text(self) -> str:
        """The record of its training (JSON), empty where none lies beside it. Raises KnownFailure where it cannot be
        read."""
        return self._text_of(TRAINING)

    def study_text(self) -> str:
        """The figures of what it was compared with (JSON), empty where none lie beside it. Raises KnownFailure where
        they cannot be read."""
        return self._text_of(STUDY)

    def _text_of(self, name: str) -> str:
        try:
            return (self._folder / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise from_os_error(error) from error

    def self_test(self) -> SelfTestResult:
        """Ask the golden example and compare. Never raises for a damaged model: it says so."""
        try:
            difference, tolerance = self._golden_difference()
        except KnownFailure as failure:
            return SelfTestResult(self.name, self.version, self.sha256, False, float("nan"), failure.key)
        within = difference <= tolerance
        error = "" if within else "inference.golden_differs"
        return SelfTestResult(self.name, self.version, self.sha256, within, difference, error)

    @abstractmethod
    def load(self) -> None:
        """Read and check the weights now rather than with the first question. Raises KnownFailure."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the sessions' memory; the next question loads them again."""

    @abstractmethod
    def _golden_difference(self) -> tuple[float, float]:
        """How far the answers to the golden example are from those of the manifest, and how far they may be.

        Raises KnownFailure."""
