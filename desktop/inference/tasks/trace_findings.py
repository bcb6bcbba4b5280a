"""Yes-or-no findings on twelve leads, from what a reader measures on them; each is judged by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.i18n import Language
from desktop.inference.fields import Fields, ManifestError
from desktop.inference.manifest import FindingSpec
from desktop.inference.subject import Subject
from desktop.inference.tasks.task import Task
from desktop.inference.trace_manifest import MAIN_GRAPH, TraceManifest, WantedLeads, trace_members
from desktop.inference.trace_model import Ask, TraceAnswer, TraceModel, TraceTask
from desktop.jobs import Job
from desktop.records import Decision, Finding, Trace
from desktop.signals.twelve import TwelveLeads, ready_twelve
from desktop.signals.twelve_features import COUNT, METHOD, measure_twelve

FloatArray = npt.NDArray[np.float32]

AGE_OUTSIDE = "inference.reason.age_outside"
NO_SIZE = "inference.reason.no_size"
SILENT_LEADS = "inference.reason.silent_leads"
UNCLEAR = "inference.reason.trace_unclear"
UNFAMILIAR = "inference.reason.trace_unfamiliar"
BETWEEN = "inference.reason.trace_between"


@dataclass(frozen=True)
class TraceFindingsManifest(TraceManifest):
    """distance_limit: how far measurements may lie from those learned from before nothing is decided."""

    distance_limit: float


def read_manifest(fields: Fields) -> TraceFindingsManifest:
    """The manifest in a document. Raises ManifestError, naming the place, for whatever does not hold."""
    manifest = TraceFindingsManifest(
        **trace_members(fields), distance_limit=fields.inner("out_of_distribution").number("limit", low=0.0)
    )
    if manifest.range.leads is not WantedLeads.STANDARD_12:
        raise ManifestError("applicability.leads", "standard_12 was expected")
    graph = manifest.graph(MAIN_GRAPH)
    if graph.input.shape != (COUNT,):
        raise ManifestError("network_data_format.inputs", "the shape does not match the preparation")
    if {spec.name: spec.shape for spec in graph.outputs} != {"logits": (len(manifest.findings),), "distance": (1,)}:
        raise ManifestError("network_data_format.outputs", "logits of the findings and a distance were expected")
    if len(manifest.golden.evidence) != len(manifest.findings) + 1:
        raise ManifestError("golden.evidence", "one number per finding and the distance were expected")
    return manifest


def features(trace: Trace) -> tuple[FloatArray, TwelveLeads]:
    """The graph's input, (1, numbers), NaN where something cannot be measured, and what it was measured on."""
    twelve = ready_twelve(trace)
    return np.array([list(measure_twelve(twelve).values())], dtype=np.float32), twelve


def answer(manifest: TraceFindingsManifest, trace: Trace, subject: Subject, ask: Ask, job: Job) -> TraceAnswer:
    """See `TraceTask.answer`."""
    tensor, twelve = features(trace)
    job.check()
    outputs = {name: values[0] for name, values in ask(MAIN_GRAPH, tensor).items()}
    silence = _reason_for_silence(manifest, outputs, twelve, subject)
    findings = tuple(_finding(spec, float(outputs["logits"][spec.output]), silence) for spec in manifest.findings)
    evidence = (*(float(logit) for logit in outputs["logits"]), float(outputs["distance"][0]))
    return TraceAnswer(findings, evidence)


def _reason_for_silence(
    manifest: TraceFindingsManifest, outputs: Mapping[str, FloatArray], twelve: TwelveLeads, subject: Subject
) -> str:
    """Key of the reason why nothing is decided whatever the probability; empty where there is none. An unknown age is
    none: the answer does not wait for it."""
    ages = manifest.range.ages
    if subject.age_years is not None and ages is not None and not ages.contains(subject.age_years):
        return AGE_OUTSIDE
    if twelve.silent.any():
        return SILENT_LEADS
    if not twelve.calibrated:
        return NO_SIZE
    if twelve.beat is None:
        return UNCLEAR
    return UNFAMILIAR if float(outputs["distance"][0]) > manifest.distance_limit else ""


def _finding(spec: FindingSpec, logit: float, silence: str) -> Finding:
    probability = spec.calibration.probability(logit)
    decision = Decision.CANNOT_SAY if silence else spec.thresholds.decide(probability)
    reason = silence or spec.reason(decision, BETWEEN)
    return Finding(spec.key, spec.names.text(Language.ENGLISH), probability, decision, spec.codings, reason)


def _open(manifest: TraceFindingsManifest, folder: Path) -> TraceModel[TraceFindingsManifest]:
    return TraceModel(manifest, folder, TraceTask(frozenset({METHOD}), answer))


TASK = Task(read_manifest, _open)
