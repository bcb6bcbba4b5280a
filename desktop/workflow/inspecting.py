"""Looking at a file without keeping it: no clinic, no unlock, nothing written."""

from pathlib import Path

from desktop import intake
from desktop.errors import UserFacingError
from desktop.intake import Inspection, survey_file
from desktop.workflow.clinic import open_to_all


@open_to_all
def inspect_file(path: Path) -> Inspection:
    """What a file holds and the figures of its values; what is wrong with it is in the answer. Never raises for it."""
    return survey_file(path)


@open_to_all
def not_inspected(error: UserFacingError) -> Inspection:
    """Of what names no file that could be looked at."""
    return intake.not_inspected(error)
