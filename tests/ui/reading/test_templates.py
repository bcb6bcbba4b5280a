"""Which questions a report begins with: those about a chest only where a film says that it shows one."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest

from desktop import workflow
from desktop.i18n import Language, Translator
from desktop.records import AttachmentId, ImagingStudy, Instance, InstanceId, Modality, PatientId, StudyId
from desktop.ui.reading.read_step import template, templates
from desktop.ui.reading.sitting import Sitting, StudyKind


def sitting(modality: Modality, part: str, kind: StudyKind = StudyKind.FILM) -> Sitting:
    instance = Instance(InstanceId("i"), StudyId("s"), AttachmentId("a"), "1.2", 9, 9, body_part=part)
    added = datetime(2026, 11, 21, tzinfo=UTC)
    study = ImagingStudy(StudyId("s"), PatientId("p"), "1.2", modality, None, "", added, (instance,))
    policy = workflow.Policy(template_en="Lungs:")
    made = SimpleNamespace(kind=kind, study=SimpleNamespace(study=study), policy=policy)
    return cast(Sitting, made)


@pytest.mark.parametrize(
    ("modality", "part", "key"),
    [
        (Modality.DX, "CHEST", ""),
        (Modality.CR, "thorax", ""),
        (Modality.DX, "HAND", "viewer.template.plain"),
        (Modality.CR, "", "viewer.template.plain"),
        (Modality.PHOTO, "", "viewer.template.plain"),
        (Modality.PHOTO, "CHEST", "viewer.template.plain"),
        (Modality.OT, "", "viewer.template.plain"),
        (Modality.US, "CHEST", "viewer.template"),
        (Modality.CT, "CHEST", "volume.template"),
    ],
)
def test_a_chest_is_asked_about_only_where_there_is_one(modality: Modality, part: str, key: str) -> None:
    one = sitting(modality, part)
    wanted = "Lungs:" if not key else Translator(Language.ENGLISH).text(key)
    assert template(one, Language.ENGLISH) == wanted
    assert {"Lungs:", wanted.strip()} <= set(templates(one)), "a draft begun with the former one is untouched too"


def test_traces_have_their_own() -> None:
    trace = sitting(Modality.ECG, "", StudyKind.TRACE)
    assert template(trace, Language.CHINESE) == Translator(Language.CHINESE).text("ecg.template")
