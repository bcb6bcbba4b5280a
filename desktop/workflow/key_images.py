"""Marking pictures as ones to look at."""

from dataclasses import dataclass, replace

from desktop.access import Permission
from desktop.jobs import Job
from desktop.records import AuditAction, Changes, InstanceId, KeyImage, KeyImageId, new_id
from desktop.workflow.clinic import Clinic, requires


@dataclass(frozen=True)
class KeyImageMarked:
    """A mark as it is on record now. key_image: None where a picture without one was to lose it."""

    key_image: KeyImage | None
    changes: Changes


@requires(Permission.READ_IMAGES)
def mark_key_image(
    clinic: Clinic, job: Job, instance: InstanceId, *, marked: bool = True, frame: int = 1
) -> KeyImageMarked:
    """Mark a picture, or a frame of it, as a key image, or take the mark away; both stay on record. A picture that is
    as it shall be stays so, without a line. Raises UserFacingError (not_found)."""
    job.check()
    with clinic.store.transaction() as tx:
        study = tx.studies.instance(instance).study
        known = next(
            (one for one in tx.key_images.for_study(study) if (one.instance, one.frame) == (instance, frame)), None
        )
        if (known is not None) == marked:
            return KeyImageMarked(known, Changes())
        author, now = clinic.session.user.id, clinic.clock()
        if known is None:
            written = KeyImage(KeyImageId(new_id()), instance, author, now, frame=frame)
        else:
            written = replace(known, author=author, created=now, deleted=True)
        tx.key_images.add(written)
        tx.audit.add(AuditAction.MARK_KEY_IMAGE, written.id, actor=clinic.actor, reason="" if marked else "undone")
    return KeyImageMarked(written, Changes(annotations=True))
