"""What cases turned out to be, as far as somebody wrote it down: found out otherwise than from the picture."""

from dataclasses import dataclass
from datetime import datetime

from desktop.access import Permission
from desktop.jobs import Job
from desktop.records import InstanceId, LabelBasis, LabelValue, StudyId
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.labelling import labels

__all__ = ["Outcome", "outcomes"]


@dataclass(frozen=True)
class Outcome:
    """What one finding turned out to be. basis: what told it. by: the name of who wrote it down, then."""

    instance: InstanceId
    finding: str
    value: LabelValue
    basis: LabelBasis
    by: str
    written: datetime
    note: str


@requires(Permission.VIEW_IMAGES)
def outcomes(clinic: Clinic, job: Job, study: StudyId) -> tuple[Outcome, ...]:
    """What holds of what was written down about a study, oldest first. Raises UserFacingError (not_found)."""
    said = [one for one in labels(clinic, job, study) if one.basis.is_reference]
    with clinic.store.snapshot() as tx:
        names = {user.id: user.name for user in tx.users.all()}
    return tuple(
        Outcome(
            one.instance, one.finding, one.value, one.basis, names.get(one.author, one.author), one.created, one.note
        )
        for one in said
    )
