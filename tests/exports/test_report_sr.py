"""The signed report as DICOM SR, judged by dciodvfy and read by dcmtk's dsrdump."""

import io
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydicom import dcmread

from desktop.exports.report_sr import BASIC_TEXT, ReportedObject, ReportedStudy, render
from desktop.i18n import Language
from desktop.records import Addendum, SignedReport
from tests.exports.samples import SIGNED, a_content, a_patient, several

STUDY = ReportedStudy(
    "1.2.3.4",
    (
        ReportedObject("1.2.840.10008.5.1.4.1.1.1.1", "1.2.3.4.1", "1.2.3.4.1.1"),
        ReportedObject("1.2.840.10008.5.1.4.1.1.1.1", "1.2.3.4.1", "1.2.3.4.1.2"),
    ),
    name="Wang^Xiaoming=王^小明",
    number="H-20931",
    birth_date="20230211",
    sex="M",
    date="20260507",
    time="101500",
    accession="A1",
)


def a_report(*addenda: str) -> SignedReport:
    added = tuple(Addendum(text, "李医生", SIGNED + timedelta(days=1), "", b"") for text in addenda)
    return SignedReport(a_content(a_patient()), "00" * 32, b"", b"", added)


@pytest.mark.parametrize("language", list(Language))
def test_dciodvfy_finds_nothing_wrong_and_dcmtk_reads_the_words(tmp_path: Path, language: Language) -> None:
    path = tmp_path / "report.dcm"
    path.write_bytes(render(a_report("Follow-up film is clear.\n复查片已吸收。"), STUDY, language))
    judged = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)
    wrong = [line for line in (judged.stdout + judged.stderr).splitlines() if line.startswith("Error")]
    assert wrong == []
    read = subprocess.run(["dsrdump", "+U8", "+Pl", path], capture_output=True, text=True, check=True).stdout
    likely = {Language.ENGLISH: "Pneumonia: likely", Language.CHINESE: "肺炎: "}[language]
    for words in ("右下肺野片状密度增高影", "Right lower lobe pneumonia", "Follow-up film is clear", likely):
        assert words in read


def test_the_study_is_named_as_its_images_name_it() -> None:
    made = dcmread(io.BytesIO(render(a_report(), STUDY, Language.ENGLISH)))
    assert (made.SOPClassUID, made.Modality, made.StudyInstanceUID) == (BASIC_TEXT, "SR", "1.2.3.4")
    assert (str(made.PatientName), made.PatientID, made.AccessionNumber) == ("Wang^Xiaoming=王^小明", "H-20931", "A1")
    (evidence,) = made.CurrentRequestedProcedureEvidenceSequence
    (series,) = evidence.ReferencedSeriesSequence
    assert [one.ReferencedSOPInstanceUID for one in series.ReferencedSOPSequence] == ["1.2.3.4.1.1", "1.2.3.4.1.2"]
    (verifier,) = made.VerifyingObserverSequence
    assert (verifier.VerificationDateTime, made.VerificationFlag) == ("20260507104203+0800", "VERIFIED")


def test_what_a_model_said_is_not_in_it() -> None:
    content = a_content(a_patient())
    undecided = tuple(replace(one, verdict=None, decided=None) for one in content.findings)
    report = replace(a_report(), content=replace(content, findings=undecided))
    data = render(report, STUDY, Language.ENGLISH)
    assert b"Pneumonia: " not in data
    assert content.model_name.encode() not in data


def test_of_several_suggestions_each_decision_says_whose_it_is() -> None:
    report = replace(a_report(), content=several(a_content(a_patient())), addenda=())
    data = render(report, STUDY, Language.ENGLISH)
    assert b"Picture 1: Chest X-ray, child (chest-xray-child 1.0.0): Pneumonia: likely" in data
    assert b"old rib fracture: likely" in data
    assert b"Picture 2: Chest X-ray, child (chest-xray-child 1.0.0): Pneumonia: rejected" in data
    assert data.count(b"Picture 2") == 1, "what was left undecided is not said"


def test_the_same_report_is_the_same_object_and_an_addendum_another() -> None:
    first = render(a_report(), STUDY, Language.ENGLISH)
    assert render(a_report(), STUDY, Language.ENGLISH) == first
    before, after = (dcmread(io.BytesIO(data)) for data in (first, render(a_report("More."), STUDY, Language.ENGLISH)))
    assert before.SOPInstanceUID != after.SOPInstanceUID
    assert before.SeriesInstanceUID == after.SeriesInstanceUID


def test_a_report_is_about_something() -> None:
    with pytest.raises(ValueError, match="study"):
        replace(STUDY, objects=())
