"""What the clinic knows, as frozen dataclasses that are valid once built. Names are FHIR R4's and DICOM's.

May import `settings`, `i18n` and `errors`. "Model" always means a learned predictor; clinical facts are records.
"""

from desktop.records.audit import AuditAction, AuditEntry, AuditHead
from desktop.records.changes import Changes
from desktop.records.ids import (
    AnnotationId,
    AttachmentId,
    ImpressionId,
    InstanceId,
    PatientId,
    ReportId,
    ReviewId,
    StudyId,
    SuggestionId,
    UserId,
    is_id,
    new_id,
)
from desktop.records.imaging import Attachment, ImagingStudy, Instance, StudySummary
from desktop.records.partial_date import Age, PartialDate
from desktop.records.patients import (
    AllergyIntolerance,
    DuplicateCandidate,
    HumanName,
    Identifier,
    Patient,
    PatientMatch,
    Sex,
)
from desktop.records.picture import (
    FileHeader,
    Modality,
    Photometric,
    Picture,
    Spacing,
    SpacingSource,
    VoiWindow,
)
from desktop.records.reports import Addendum, ReportContent, ReportedFinding, SignedReport
from desktop.records.reviews import Annotation, AnnotationKind, Impression, Review, Verdict
from desktop.records.suggestions import (
    Activation,
    Analysis,
    AnalysisStatus,
    Coding,
    Decision,
    Finding,
    Provenance,
    Quality,
    QualityProblem,
    Suggestion,
)
from desktop.records.users import User

__all__ = [
    "Activation",
    "Addendum",
    "Age",
    "AllergyIntolerance",
    "Analysis",
    "AnalysisStatus",
    "Annotation",
    "AnnotationId",
    "AnnotationKind",
    "Attachment",
    "AttachmentId",
    "AuditAction",
    "AuditEntry",
    "AuditHead",
    "Changes",
    "Coding",
    "Decision",
    "DuplicateCandidate",
    "FileHeader",
    "Finding",
    "HumanName",
    "Identifier",
    "ImagingStudy",
    "Impression",
    "ImpressionId",
    "Instance",
    "InstanceId",
    "Modality",
    "PartialDate",
    "Patient",
    "PatientId",
    "PatientMatch",
    "Photometric",
    "Picture",
    "Provenance",
    "Quality",
    "QualityProblem",
    "ReportContent",
    "ReportId",
    "ReportedFinding",
    "Review",
    "ReviewId",
    "Sex",
    "SignedReport",
    "Spacing",
    "SpacingSource",
    "StudyId",
    "StudySummary",
    "Suggestion",
    "SuggestionId",
    "User",
    "UserId",
    "Verdict",
    "VoiWindow",
    "is_id",
    "new_id",
]
