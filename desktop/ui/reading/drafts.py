"""Keeps what is being typed about a study."""

from dataclasses import dataclass

from desktop import workflow
from desktop.records import StudyId
from desktop.ui.keeper import Keeper


@dataclass(frozen=True)
class Typed:
    """What stands in the two fields of a study."""

    study: StudyId
    findings_text: str
    impression: str


class DraftKeeper(Keeper):
    """Keeps the two fields of a study in its draft."""

    def typed(self, typed: Typed) -> None:
        """Note new words."""
        self.keep(
            lambda clinic, job: workflow.save_draft(clinic, job, typed.study, typed.findings_text, typed.impression)
        )
