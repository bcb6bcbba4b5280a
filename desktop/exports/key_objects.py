"""Key images as a Key Object Selection (PS3.3 A.35.4, PS3.16 TID 2010)."""

from typing import Any

from highdicom import ko
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.codedict import codes

from desktop import __version__
from desktop.exports.drawings import MAKER, DrawingsBundle, equip, new_uid, source_dataset, written
from desktop.exports.measurement_report import person
from desktop.exports.presentation_state import zone


def render(bundle: DrawingsBundle) -> tuple[bytes, ...]:
    """One selection of all key images of a study; none where no picture is marked."""
    marked = bundle.key_pictures
    if not marked:
        return ()
    evidence = [source_dataset(one.source) for one in marked]
    content = ko.KeyObjectSelection(
        document_title=codes.DCM.OfInterest,
        referenced_objects=evidence,
        observer_person_context=person(bundle.observer),
    )
    document: Any = ko.KeyObjectSelectionDocument(
        evidence=evidence,
        content=content,
        series_instance_uid=new_uid(),
        series_number=1,
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MAKER,
        series_description="Key images",
        manufacturer_model_name=MAKER,
        software_versions=__version__,
        device_serial_number="none",
    )
    frames = {one.source.instance_uid: list(one.key_frames) for one in marked if one.source.frames > 1}
    for item in document.ContentSequence:
        for reference in item.get("ReferencedSOPSequence", DicomSequence()):
            if reference.ReferencedSOPInstanceUID in frames:
                reference.ReferencedFrameNumber = frames[reference.ReferencedSOPInstanceUID]
    document.ContentDate, document.ContentTime = bundle.made.strftime("%Y%m%d"), bundle.made.strftime("%H%M%S")
    document.TimezoneOffsetFromUTC = zone(bundle.made)
    equip(document, bundle.observer)
    return (written(document, bundle),)
