"""Files in: from a stranger's bytes to records, or to a sentence that says why not.

May import `imaging`, `jobs`, `records` and below. A file format is one module and one line in `READERS`.
"""

from desktop.intake.files import read_bytes, read_file, survey_file
from desktop.intake.identity import NameCheck, NameVerdict, forget_names, names_fit
from desktop.intake.inspection import ContentKind, Figures, Inspection, InspectionStatus, not_inspected
from desktop.intake.limits import MAX_FILE_BYTES, MAX_SAMPLES
from desktop.intake.reader import READERS, Reader, read_picture, recognise, warm_up

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_SAMPLES",
    "READERS",
    "ContentKind",
    "Figures",
    "Inspection",
    "InspectionStatus",
    "NameCheck",
    "NameVerdict",
    "Reader",
    "forget_names",
    "names_fit",
    "not_inspected",
    "read_bytes",
    "read_file",
    "read_picture",
    "recognise",
    "survey_file",
    "warm_up",
]
