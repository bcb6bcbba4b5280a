"""A signed report as exports need it: everything a report can say, and a small film."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import numpy.typing as npt

from desktop.records import (
    Addendum,
    AllergyIntolerance,
    Annotation,
    AnnotationId,
    AnnotationKind,
    Coding,
    Decision,
    HumanName,
    Identifier,
    InstanceId,
    PartialDate,
    Patient,
    PatientId,
    ReportContent,
    ReportedFinding,
    ReportedSuggestion,
    ReportId,
    Sex,
    SignedReport,
    StudyId,
    UserId,
    Verdict,
)

CHINA = timezone(timedelta(hours=8))
SIGNED = datetime(2026, 5, 7, 10, 42, 3, tzinfo=CHINA)


def a_patient() -> Patient:
    """A boy of three, with everything a patient can have."""
    return Patient(
        id=PatientId("6f1c1c52-6c6b-4a3e-9a39-3b1f6e1b5a01"),
        names=(HumanName(text="王小明", family="王", given=("小明",)), HumanName(text="Wang Xiaoming")),
        sex=Sex.MALE,
        birth_date=PartialDate(2023, 2, 11),
        phones=("138 0013 8000",),
        village="石桥村",
        identifiers=(Identifier("H-20931", "hospital"), Identifier("511322202302110034")),
        allergies=(AllergyIntolerance("青霉素 penicillin", "皮疹 rash"), AllergyIntolerance("peanut")),
        card_number="000127-4",
    )


def a_content(patient: Patient) -> ReportContent:
    """A finding suggested and accepted, one amended, one added; a region and a length."""
    author = UserId("0b5c9d7a-5c55-4a6e-8d37-6f4ac1f1d003")
    instance = InstanceId("1c1e4f5e-40a4-4d27-b2c2-6df0ce6a4f11")
    pneumonia = Coding("http://hl7.org/fhir/sid/icd-10", "J18.9", "Pneumonia, unspecified organism")
    return ReportContent(
        report=ReportId("a3b1f0de-77c8-4f25-a3b0-0d4a4f9b2c10"),
        study=StudyId("c2a76f67-0a53-4a9f-8f7a-2ad6f7f8a920"),
        clinic_name="石桥村卫生室 Shiqiao Village Clinic",
        patient=patient,
        age_months=38,
        age_days=1181,
        modality="DX",
        body_part="CHEST",
        study_date="2026-05-07",
        study_uid="1.2.826.0.1.3680043.8.498.12345678901234567890",
        image_sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        findings_text="Technique: AP, good breath in.\nLungs: opacity, right lower zone.\n右下肺野片状密度增高影。",
        impression="Right lower lobe pneumonia. Review in 48 hours.\n右下肺炎，48 小时后复诊。",
        read_before_reveal=True,
        findings=(
            ReportedFinding(
                "pneumonia",
                "Pneumonia",
                "肺炎",
                Decision.LIKELY,
                0.934,
                Verdict.ACCEPT,
                Decision.LIKELY,
                codings=(pneumonia,),
            ),
            ReportedFinding(
                "bacterial_if_pneumonia",
                "Bacterial, if pneumonia",
                "如为肺炎：细菌性",
                Decision.CANNOT_SAY,
                0.52,
                Verdict.AMEND,
                Decision.LIKELY,
                reason="lobar, high fever",
            ),
            ReportedFinding(
                "old rib fracture",
                "old rib fracture",
                "old rib fracture",
                None,
                None,
                Verdict.ADDED,
                Decision.LIKELY,
            ),
        ),
        annotations=(
            Annotation(
                AnnotationId("5d0a2f8c-3c39-44f0-8f63-25a9f4a5b101"),
                instance,
                AnnotationKind.REGION,
                ((40.0, 150.0), (110.0, 230.0)),
                "opacity 片状影",
                author,
                SIGNED,
            ),
            Annotation(
                AnnotationId("5d0a2f8c-3c39-44f0-8f63-25a9f4a5b102"),
                instance,
                AnnotationKind.LENGTH,
                ((90.0, 260.0), (230.0, 262.0)),
                "",
                author,
                SIGNED,
            ),
        ),
        model_name="chest-xray-child",
        model_version="1.0.0",
        model_sha256="4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce",
        model_device="CPUExecutionProvider",
        model_refusal="",
        author=author,
        author_name="李医生 Dr Li",
        signed=SIGNED,
        audit_head="ef2d127de37b942baad06145e54b0c619a1f22327b2ebbcfbec78f5564afe39d",
        audit_sequence=1042,
    )


def several(content: ReportContent) -> ReportContent:
    """The same with two films: the model's word on the second was rejected or left undecided, and another model would
    not judge it."""
    first = ReportedSuggestion(
        model_name=content.model_name,
        model_version=content.model_version,
        model_sha256=content.model_sha256,
        model_device=content.model_device,
        title_en="Chest X-ray, child",
        title_zh="儿童胸片",
        picture=1,
        image_sha256=content.image_sha256,
        findings=tuple(one for one in content.findings if one.suggested is not None),
    )
    pneumonia, hint = first.findings
    second = replace(
        first,
        picture=2,
        image_sha256="5e" * 32,
        findings=(
            replace(pneumonia, verdict=Verdict.REJECT, decided=None, reason="a fold of skin"),
            replace(hint, verdict=None, decided=None, reason=""),
        ),
    )
    other = replace(second, model_name="chest-xray-adult", model_sha256="77" * 32, refusal="report.nothing_written")
    return replace(
        content,
        findings=tuple(one for one in content.findings if one.suggested is None),
        model_name="",
        model_version="",
        model_sha256="",
        model_device="",
        suggestions=(first, second, replace(other, title_en="Chest X-ray, adult", title_zh="成人胸片", findings=())),
    )


def a_report(content: ReportContent) -> SignedReport:
    """The content, signed, with one addendum."""
    addendum = Addendum(
        "Afebrile on day 3. 第三天已退热。",
        "李医生 Dr Li",
        datetime(2026, 5, 10, 1, 30, tzinfo=UTC),
        "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
        bytes(64),
    )
    return SignedReport(
        content,
        "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        bytes(range(64)),
        bytes(32),
        (addendum,),
    )


def a_film() -> npt.NDArray[np.uint8]:
    """A grey picture like a film, 300 rows by 320 columns: bright middle, two dark lungs."""
    rows, columns = np.mgrid[0:300, 0:320]
    picture = np.full((300, 320), 150.0)
    for middle in (100, 220):
        picture -= 120 * np.exp(-((((columns - middle) / 45) ** 2 + ((rows - 150) / 95) ** 2) ** 2))
    return np.asarray(np.clip(picture + 8 * np.sin(rows / 7), 0, 255), dtype=np.uint8)
