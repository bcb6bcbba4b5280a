"""CT and MR studies that hold no volume: overviews, screen copies, dose sheets, single slices, pictures in colour."""

from contextlib import closing
from typing import TYPE_CHECKING

from desktop.errors import KnownFailure, UserFacingError, from_os_error
from desktop.records import ImagingStudy, Modality
from desktop.workflow.clinic import Clinic

if TYPE_CHECKING:
    from desktop.intake.dicom_scan import ScannedHeader

_IMAGE_TYPE, _CLASS, _MODALITY, _SERIES = 0x00080008, 0x00080016, 0x00080060, 0x0020000E
_SAMPLES, _PHOTOMETRIC, _FRAMES = 0x00280002, 0x00280004, 0x00280008
_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_LOOKED_AT = 24
"""Files whose headers are read, spread over the study; one pile of slices among them is enough."""


def is_flat(clinic: Clinic, study: ImagingStudy) -> bool:
    """Whether a study of CT or MR is one for the viewer of films: none of its series has two slices that may lie on
    each other. Raises KnownFailure where a sealed file is damaged, or of the disk."""
    if study.modality not in (Modality.CT, Modality.MR):
        return False
    # Here and not above: a clinic that opens no scan starts without the DICOM library.
    from desktop.intake.dicom_scan import scan

    step = -(-len(study.instances) // _LOOKED_AT) or 1
    seen: set[str] = set()
    pictures = 0
    for instance in study.instances[::step]:
        try:
            with closing(clinic.store.attachments.open(instance.attachment)) as stream:
                header = scan(stream)
        except OSError as error:
            raise from_os_error(error) from error
        except KnownFailure:
            raise
        except UserFacingError:  # whoever reads its pixels says what is wrong with it
            return False
        if header.text(_MODALITY).upper() == "SEG":
            continue
        pictures += 1
        if not _is_slice(header):
            continue
        series = header.text(_SERIES)
        # Of a study that is only looked at here and there, a single slice stands for its neighbours.
        if step > 1 or series in seen or header.text(_FRAMES) not in ("", "0", "1"):
            return False
        seen.add(series)
    return pictures > 0


def _is_slice(header: "ScannedHeader") -> bool:
    """Whether a picture may be one of a pile: grey, taken by the scanner itself, and no overview."""
    words = header.text(_IMAGE_TYPE).upper().split("\\")
    captured = header.text(_CLASS) == _CAPTURE or header.text(_CLASS).startswith(f"{_CAPTURE}.")
    coloured = header.number(_SAMPLES) == 3 or header.text(_PHOTOMETRIC).startswith("PALETTE")
    return not (captured or coloured or "LOCALIZER" in words)
