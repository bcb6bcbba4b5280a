"""Yes-or-no findings on one picture, each with a probability and a map of where the network looked."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.i18n import Language
from desktop.inference.manifest import FindingSpec
from desktop.inference.picture_manifest import PictureManifest, read_picture_manifest
from desktop.inference.picture_model import Answer, PictureModel, PictureTask
from desktop.inference.preparation import Box, Prepared
from desktop.inference.preparation import prepare as prepare_light
from desktop.inference.subject import Subject
from desktop.inference.tasks.task import Task
from desktop.records import Activation, Decision, Finding

FloatArray = npt.NDArray[np.float32]

AGE_UNKNOWN = "inference.reason.age_unknown"
AGE_OUTSIDE = "inference.reason.age_outside"
UNFAMILIAR = "inference.reason.unfamiliar"
BETWEEN = "inference.reason.between"
HINT = "inference.reason.hint"


def prepare(manifest: PictureManifest, light: FloatArray) -> Prepared:
    """(rows, columns), or (rows, columns, 3) where colour is seen, in 0..1 → (1, channels, side, side) float32 and the
    part of the picture it shows."""
    return prepare_light(light, manifest.preparation)


def interpret(manifest: PictureManifest, outputs: Mapping[str, FloatArray], subject: Subject, box: Box) -> Answer:
    """outputs: `logits` (findings,), `distance` (1,), and where there are maps `activation` (findings, rows, columns).
    box: what they saw. A hint decides nothing where what it is about is unlikely."""
    silence = _reason_for_silence(manifest, float(outputs["distance"][0]), subject)
    findings, activations = [], []
    for spec in manifest.findings:
        findings.append(_finding(spec, float(outputs["logits"][spec.output]), silence))
        if manifest.activation is not None:
            activations.append(Activation(spec.key, heat(outputs["activation"][spec.output]), box))
    unlikely = {one.key for one in findings if one.decision is Decision.UNLIKELY}
    told = [_silent(one, HINT) if manifest.hints.get(one.key) in unlikely else one for one in findings]
    return Answer(tuple(told), tuple(activations))


def _silent(finding: Finding, reason: str) -> Finding:
    return replace(finding, decision=Decision.CANNOT_SAY, reason=reason)


def heat(activation: FloatArray) -> FloatArray:
    """A class-activation map as 0..1: only what spoke for the finding, and a faint map stays faint.

    activation: (rows, columns) in logits. Two logits of evidence in one place count as full heat.
    """
    positive = np.maximum(activation, 0.0)
    return (positive / max(float(positive.max()), 2.0)).astype(np.float32)


def _reason_for_silence(manifest: PictureManifest, distance: float, subject: Subject) -> str:
    """Key of the reason why no answer may be given whatever the probability; empty where there is none."""
    if manifest.ages is not None:
        if subject.age_years is None:
            return AGE_UNKNOWN
        if not manifest.ages.contains(subject.age_years):
            return AGE_OUTSIDE
    return UNFAMILIAR if distance > manifest.distance_limit else ""


def _finding(spec: FindingSpec, logit: float, silence: str) -> Finding:
    probability = spec.calibration.probability(logit)
    decision = Decision.CANNOT_SAY if silence else spec.thresholds.decide(probability)
    reason = silence or spec.reason(decision, BETWEEN)
    name = spec.names.text(Language.ENGLISH)
    return Finding(spec.key, name, probability, decision, spec.codings, reason)


def _open(manifest: PictureManifest, folder: Path) -> PictureModel:
    return PictureModel(manifest, folder, PictureTask(prepare, interpret))


TASK = Task(read_picture_manifest, _open)
