"""What follows an import: the models look at what is new, so that a suggestion is there when the doctor has read."""

from collections.abc import Iterable
from functools import partial

from desktop import workflow
from desktop.jobs import Job
from desktop.records import StudyId
from desktop.ui.context import UiContext


def ask_models(context: UiContext, clinic: "workflow.Clinic", studies: Iterable[StudyId]) -> None:
    """In the background, each study once. studies: no slices, of which no model speaks."""
    for study in dict.fromkeys(studies):
        context.operations.run(
            partial(_suggest, clinic, study),
            initiator=context,
            pool="compute",
            title=context.tr("reading.progress.suggest"),
        )


def _suggest(clinic: "workflow.Clinic", study: StudyId, job: Job) -> "workflow.Suggested":
    return workflow.suggest(clinic, job, study)
