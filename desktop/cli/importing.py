"""`import`: files, folders, archives and discs onto a patient's record."""

import argparse
from collections.abc import Iterator, Sequence
from itertools import islice

from desktop import workflow
from desktop.cli.output import Output
from desktop.cli.session import unlocked
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import PatientId, StudyId
from desktop.workflow import import_finding as finding
from desktop.workflow import import_storing as storing

_AT_ONCE = 16
"""Files of one transaction: each line is written once its file is on the disk for certain."""
_PICTURES_LATER = "workflow.drawings.not_here"
"""Drawings are asked again at the end: the pictures they are on may come after them."""


def bring_in(arguments: argparse.Namespace, output: Output) -> None:
    """One answer per file; the suggestion is finished before the command ends and changes nothing here."""
    with unlocked(arguments) as clinic:
        patient = PatientId(arguments.patient)
        workflow.open_patient(clinic, Job(), patient)
        consent = storing.Consent(mismatch=arguments.accept_mismatch or "", versions=True)
        asked: dict[StudyId, None] = {}
        for path in arguments.paths:
            with finding.gather_files(clinic, Job(), (path,)) as gathered:
                for refused in gathered.not_taken:
                    output.failed = True
                    output.answer(_line(refused.name, "error", output.reason(refused.error)))
                early: list[finding.Source] = []
                for sources in _batches(gathered.sources):
                    for source, kept in zip(sources, _keep(clinic, sources, patient, consent), strict=True):
                        if kept.error is not None and kept.error.key == _PICTURES_LATER:
                            early.append(source)
                            continue
                        output.answer(_answer(kept, output))
                        if kept.askable and kept.study is not None and kept.state is storing.FileState.OK:
                            asked[kept.study] = None
                for sources in _batches(early):
                    for kept in _keep(clinic, sources, patient, consent):
                        output.answer(_answer(kept, output))
        for study in asked:
            workflow.suggest(clinic, Job(), study)


def _keep(
    clinic: workflow.Clinic, sources: Sequence[finding.Source], patient: PatientId, consent: storing.Consent
) -> tuple[storing.FileKept, ...]:
    try:
        sealed = storing.seal_files(clinic, Job(), sources, patient, consent)
        return storing.keep_files(clinic, Job(), sealed).files
    except UserFacingError as error:
        return tuple(storing.FileKept(source.name, storing.FileState.ERROR, error) for source in sources)


def _answer(kept: storing.FileKept, output: Output) -> dict[str, object]:
    if kept.state not in (storing.FileState.OK, storing.FileState.DUPLICATE):
        output.failed = True
    reason = output.reason(kept.error) if kept.error is not None else None
    return _line(kept.name, kept.state.value, reason) | {"study": kept.study, "attachment": kept.attachment}


def _line(file: str, status: str, reason: str | None) -> dict[str, object]:
    return {"file": file, "status": status, "reason": reason, "study": None, "attachment": None}


def _batches(sources: Sequence[finding.Source]) -> Iterator[Sequence[finding.Source]]:
    rest = iter(sources)
    while batch := tuple(islice(rest, _AT_ONCE)):
        yield batch
