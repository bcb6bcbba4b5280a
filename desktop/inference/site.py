"""Thresholds fitted to this clinic's own cases, kept beside the list of models, and used in place of the program's.

They hold for the very weights and calibration whose answers they were fitted to: any other version of the model keeps
its own thresholds, and says that the clinic's are not used. `site.json` may be missing; where it is damaged none of it
is used, and that is said too.
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from desktop.errors import ErrorKind, KnownFailure, from_os_error
from desktop.i18n import Language, Translator, format_date
from desktop.inference.calibration import ConformalThresholds
from desktop.inference.library import SITE
from desktop.inference.manifest import BY_SITE, FindingSpec, Manifest, is_slug
from desktop.inference.withheld import ALWAYS

FORMAT = "lantern-site/1"

M = TypeVar("M", bound=Manifest)


@dataclass(frozen=True)
class SiteThresholds:
    """Of one finding of one model.

    sha256: of model.onnx. temperature, offset: of the calibration. cases, present: how many they were fitted to, and
    how many of them had the finding. sensitivity, specificity: the shares asked for. least: slug of the weakest truth
    that counted. fitted: ISO 8601 with a time zone. by: who put them into use.
    """

    model: str
    finding: str
    sha256: str
    temperature: float
    offset: float
    thresholds: ConformalThresholds
    cases: int
    present: int
    sensitivity: float
    specificity: float
    least: str
    fitted: str
    by: str

    def __post_init__(self) -> None:
        if not (is_slug(self.model) and is_slug(self.finding) and len(bytes.fromhex(self.sha256)) == 32):
            raise ValueError("a model, a finding and the digest of weights were expected")
        if not (0 <= self.present <= self.cases and 0 < self.sensitivity < 1 and 0 < self.specificity < 1):
            raise ValueError("cases and shares do not fit together")
        if datetime.fromisoformat(self.fitted).tzinfo is None:
            raise ValueError("a moment has a time zone")

    def holds_for(self, manifest: Manifest, spec: FindingSpec) -> bool:
        """Whether it was fitted to answers of these very weights and this calibration."""
        calibration = (spec.calibration.temperature, spec.calibration.offset)
        return self.sha256 == manifest.weights.sha256 and (self.temperature, self.offset) == calibration


@dataclass(frozen=True)
class SiteUse:
    """What of the clinic's thresholds a model uses. used: in place of its own. stale: for another version, not used.
    damaged: what was kept cannot be read."""

    used: tuple[SiteThresholds, ...] = ()
    stale: tuple[SiteThresholds, ...] = ()
    damaged: bool = False


class SiteFile:
    """The file of them. root: the folder of the models that came to this PC after the program did."""

    def __init__(self, root: Path) -> None:
        self._path = root / SITE

    def read(self) -> tuple[SiteThresholds, ...]:
        """All of them, by model and finding. Raises KnownFailure where they cannot be read."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise from_os_error(error) from error
        try:
            return _read(json.loads(data))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise KnownFailure("inference.site_damaged", kind=ErrorKind.IO) from error

    def keep(self, fitted: SiteThresholds) -> None:
        """Use these from now on instead of any before for the same finding; a damaged file begins anew. Raises
        KnownFailure."""
        others = [one for one in self._left() if (one.model, one.finding) != (fitted.model, fitted.finding)]
        self._write([*others, fitted])

    def drop(self, model: str, finding: str | None = None) -> None:
        """Use the program's own again, for one finding or for all of a model's. Raises KnownFailure."""
        self._write([one for one in self._left() if one.model != model or finding not in (None, one.finding)])

    def _left(self) -> tuple[SiteThresholds, ...]:
        try:
            return self.read()
        except KnownFailure as failure:
            if failure.key != "inference.site_damaged":
                raise
            return ()

    def _write(self, fitted: Sequence[SiteThresholds]) -> None:
        """Replace the file at once. Raises KnownFailure."""
        fits = sorted((asdict(one) for one in fitted), key=lambda one: (one["model"], one["finding"]))
        temporary = self._path.with_name(f".{SITE}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as stream:
                stream.write(
                    json.dumps({"format": FORMAT, "fits": fits}, ensure_ascii=False, indent=1).encode() + b"\n"
                )
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(self._path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise from_os_error(error) from error


def fitted_manifest(manifest: M, kept: Sequence[SiteThresholds]) -> tuple[M, SiteUse]:
    """A manifest with the clinic's thresholds where they were fitted to this version, and what was done."""
    own = [one for one in kept if one.model == manifest.name]
    used: list[SiteThresholds] = []
    findings = []
    for spec in manifest.findings:
        holding = [one for one in own if one.finding == spec.key and one.holds_for(manifest, spec)]
        used += holding
        findings.append(replace(spec, thresholds=holding[0].thresholds, site=True) if holding else spec)
    stale = tuple(one for one in own if one not in used)
    return (replace(manifest, findings=tuple(findings)) if used else manifest), SiteUse(tuple(used), stale)


def decided_by_threshold(reason: str) -> bool:
    """Whether a finding's reason says that its probability alone decided, or would where a clinic has fitted its own
    thresholds, and nothing else forbade an answer."""
    return reason in ("", BY_SITE, ALWAYS) or reason.rsplit(".", 1)[-1].endswith("between")


def site_words(use: SiteUse, names: Mapping[str, str], language: Language) -> str:
    """What a model says of the clinic's thresholds; empty where there are none. names: of findings, by key."""
    text = Translator(language).text
    lines = [
        text(
            "inference.site.used",
            finding=names.get(one.finding, one.finding),
            day=format_date(datetime.fromisoformat(one.fitted).astimezone().date(), language),
            count=one.cases,
        )
        for one in use.used
    ]
    if use.stale:
        lines.append(text("inference.site.stale"))
    if use.damaged:
        lines.append(text("inference.site_damaged"))
    return (" " if language is Language.ENGLISH else "").join(lines)


def _read(document: Mapping[str, Any]) -> tuple[SiteThresholds, ...]:
    """Raises ValueError, KeyError, TypeError or AttributeError for whatever is not as `SiteFile` writes it."""
    if document["format"] != FORMAT:
        raise ValueError
    found = []
    for item in document["fits"]:
        numbers = {name: float(value) for name, value in item["thresholds"].items()}
        found.append(
            SiteThresholds(
                model=item["model"],
                finding=item["finding"],
                sha256=item["sha256"],
                temperature=float(item["temperature"]),
                offset=float(item["offset"]),
                thresholds=ConformalThresholds(**numbers),
                cases=int(item["cases"]),
                present=int(item["present"]),
                sensitivity=float(item["sensitivity"]),
                specificity=float(item["specificity"]),
                least=str(item["least"]),
                fitted=str(item["fitted"]),
                by=str(item["by"]),
            )
        )
    return tuple(found)
