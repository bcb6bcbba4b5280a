"""Films photographed on a light box: what somebody confirmed is cut out, laid flat and kept beside the photograph."""

import hashlib
import io
from dataclasses import dataclass

from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.imaging.film_photo import Straightening, flatten
from desktop.jobs import Job
from desktop.records import (
    Attachment,
    AttachmentId,
    AuditAction,
    Changes,
    Instance,
    InstanceId,
    Modality,
    StudyId,
    new_id,
)
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.importing import stored_picture
from desktop.workflow.reading import check_unsigned

_PNG = "image/png"


@dataclass(frozen=True)
class FilmStraightened:
    """The film now on record, a picture of its own in the photograph's study."""

    study: StudyId
    instance: InstanceId
    changes: Changes


@requires(Permission.IMPORT_IMAGES)
def straighten_photo(clinic: Clinic, job: Job, photo: InstanceId, confirmed: Straightening) -> FilmStraightened:
    """Cut a film out of a photograph as somebody confirmed it, and keep it beside the photograph, which stays as it is.

    The film has no millimetres: a length on it is in pixels until something of known size is measured. A text in the
    file says which photograph it was cut out of, and where. Raises UserFacingError (bad_input): no photograph, or its
    study is signed; KnownFailure (disk_full, io); then nothing is stored.
    """
    job.check()
    with clinic.store.snapshot() as tx:
        instance, original = _photograph(tx, photo)
    job.report("photo.progress")
    data = _png(clinic, instance, original, confirmed)
    job.check()
    staged = clinic.store.attachments.stage(data[0], job)
    attachment = Attachment(
        id=AttachmentId(new_id()),
        patient=original.patient,
        sha256=hashlib.sha256(data[0]).hexdigest(),
        size=len(data[0]),
        media_type=_PNG,
        file_name=f"{original.file_name.rpartition('.')[0] or original.file_name}-film.png",
        added=clinic.clock(),
    )
    film = Instance(
        id=InstanceId(new_id()),
        study=instance.study,
        attachment=attachment.id,
        instance_uid="",
        rows=data[1],
        columns=data[2],
        body_part=instance.body_part,
        view_position=instance.view_position,
        laterality=instance.laterality,
        made_from=instance.id,
    )
    try:
        with clinic.store.transaction() as tx:
            _photograph(tx, photo)
            tx.attachments.add(attachment, staged)
            tx.studies.add_instance(film)
            tx.patients.touch(tx.studies.get(film.study).patient)
            tx.audit.add(AuditAction.ADD_ATTACHMENT, attachment.id, actor=clinic.actor)
            tx.audit.add(AuditAction.IMPORT_STUDY, film.study, actor=clinic.actor)
    except BaseException:
        clinic.store.attachments.discard(staged)
        raise
    return FilmStraightened(film.study, film.id, Changes(studies=True))


def _photograph(tx: Transaction, photo: InstanceId) -> tuple[Instance, Attachment]:
    """Raises UserFacingError where it is no photograph, or signed."""
    instance = tx.studies.instance(photo)
    check_unsigned(tx, instance.study)
    if tx.studies.get(instance.study).modality is not Modality.PHOTO or instance.made_from is not None:
        raise UserFacingError("photo.not_a_photograph")
    return instance, tx.attachments.get(instance.attachment)


def _png(clinic: Clinic, instance: Instance, original: Attachment, confirmed: Straightening) -> tuple[bytes, int, int]:
    """The film as a PNG file, its rows and its columns."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    pixels = flatten(stored_picture(clinic, instance), confirmed)
    where = " ".join(f"{x:.1f},{y:.1f}" for x, y in confirmed.corners)
    told = PngInfo()
    told.add_text(
        "Source", f"photograph SHA-256 {original.sha256}; corners {where}; proportions {confirmed.form.value}"
    )
    with io.BytesIO() as made:
        Image.fromarray(pixels).save(made, "PNG", pnginfo=told)
        return made.getvalue(), int(pixels.shape[0]), int(pixels.shape[1])
