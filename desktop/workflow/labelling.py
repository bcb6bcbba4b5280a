"""What people say about single findings, apart from reading for a report: in the queue, or once it turned out what a
case was."""

from collections.abc import Mapping
from dataclasses import dataclass

from desktop.access import Permission
from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.records import (
    AuditAction,
    Changes,
    InstanceId,
    Label,
    LabelBasis,
    LabelId,
    LabelValue,
    StudyId,
    UserId,
    new_id,
)
from desktop.store import AuditQuery, Transaction
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.looking import looking_at_study
from desktop.workflow.words import plain_text

__all__ = ["Labelled", "add_labels", "labels"]


@dataclass(frozen=True)
class Labelled:
    """Labels now on record."""

    labels: tuple[Label, ...]
    changes: Changes


@requires(Permission.READ_IMAGES)
def add_labels(
    clinic: Clinic,
    job: Job,
    study: StudyId,
    instance: InstanceId,
    values: Mapping[str, LabelValue],
    basis: LabelBasis | None = None,
    note: str = "",
) -> Labelled:
    """Keep one person's word on findings of a picture, by the findings' keys; all of it or nothing. Reveals nothing,
    and a signed report stays as it is.

    basis: a reference standard, where it is known otherwise than from the picture; None for a look at the picture,
    which is blind only where this person cannot have seen what a model suggests. Raises UserFacingError: no findings,
    no such study, a picture that is not the study's.
    """
    job.check()
    if not values:
        raise UserFacingError("workflow.label_empty")
    with clinic.store.transaction() as tx:
        if instance not in {one.id for one in tx.studies.get(study).instances}:
            raise UserFacingError("workflow.label_other_study", kind=ErrorKind.NOT_FOUND)
        if basis is None or not basis.is_reference:
            seen = has_seen_suggestion(tx, study, clinic.session.user.id)
            basis = LabelBasis.REVIEWED if seen else LabelBasis.BLIND
        kept = tuple(
            Label(
                id=LabelId(new_id()),
                study=study,
                instance=instance,
                finding=finding,
                value=value,
                basis=basis,
                author=clinic.session.user.id,
                created=clinic.clock(),
                note=plain_text(note),
            )
            for finding, value in values.items()
        )
        for label in kept:
            tx.labels.add(label)
            tx.audit.add(AuditAction.ADD_LABEL, label.id, actor=clinic.actor)
    return Labelled(kept, Changes(labels=True))


@requires(Permission.VIEW_IMAGES)
def labels(clinic: Clinic, job: Job, study: StudyId) -> tuple[Label, ...]:
    """What holds of what people said about a study's findings, oldest first. What others saw in a picture stays hidden
    from whoever has not said what they see themselves: a second reading is worth something only while it does not know
    the first. Raises UserFacingError (not_found)."""
    job.check()
    with looking_at_study(clinic, study) as tx:
        tx.studies.get(study)
        said = newest(tx.labels.for_study(study))
    me = clinic.session.user.id
    answered = {(one.instance, one.finding) for one in said if one.author == me and not one.basis.is_reference}
    return tuple(one for one in said if one.basis.is_reference or (one.instance, one.finding) in answered)


def newest(said: tuple[Label, ...] | list[Label]) -> tuple[Label, ...]:
    """What holds: the newest of each author on each picture, finding and basis, oldest first.

    A blind word and one given after the suggestion was seen are two words: the second does not undo the first.
    """
    held: dict[tuple[InstanceId, str, LabelBasis, UserId], Label] = {}
    for label in said:
        key = (label.instance, label.finding, label.basis, label.author)
        held.pop(key, None)
        held[key] = label
    return tuple(held.values())


def has_seen_suggestion(tx: Transaction, study: StudyId, user: UserId) -> bool:
    """Whether this person may know what a model suggests for the study.

    Once it is revealed to anybody, whoever ever opened the study counts: the trail tells that they did, not what was on
    the screen.
    """
    if not any(tx.suggestions.revealed_at(one.id) is not None for one in tx.suggestions.for_study(study)):
        return False
    return bool(tx.audit.search(AuditQuery(action=AuditAction.VIEW_STUDY, actor=user, subject=study), 1))
