"""Ids that cannot be mixed up: UUID4 strings with a type each."""

import uuid
from typing import NewType

PatientId = NewType("PatientId", str)
StudyId = NewType("StudyId", str)
InstanceId = NewType("InstanceId", str)
AttachmentId = NewType("AttachmentId", str)
SuggestionId = NewType("SuggestionId", str)
ImpressionId = NewType("ImpressionId", str)
ReviewId = NewType("ReviewId", str)
AnnotationId = NewType("AnnotationId", str)
KeyImageId = NewType("KeyImageId", str)
SegmentationId = NewType("SegmentationId", str)
LabelId = NewType("LabelId", str)
LaterAnswerId = NewType("LaterAnswerId", str)
MarksId = NewType("MarksId", str)
ReportId = NewType("ReportId", str)
UserId = NewType("UserId", str)
EncounterId = NewType("EncounterId", str)
ConditionId = NewType("ConditionId", str)
MedicationRequestId = NewType("MedicationRequestId", str)
DocumentId = NewType("DocumentId", str)
ConsentId = NewType("ConsentId", str)
MergeId = NewType("MergeId", str)
ConflictId = NewType("ConflictId", str)


def new_id() -> str:
    """A fresh UUID4; wrap it in the type it is meant for."""
    return str(uuid.uuid4())


def is_id(text: str) -> bool:
    """Whether the text is a UUID in the form we write."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
