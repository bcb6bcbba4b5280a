"""What an impression says of a finding: nothing doubtful counts as said."""

import pytest

from desktop.workflow.impression_words import Said, says


@pytest.mark.parametrize(
    ("impression", "finding", "said"),
    [
        ("Right lower lobe pneumonia.", "pneumonia", Said.YES),
        ("右下肺炎，48 小时后复诊。", "pneumonia", Said.YES),
        ("No pneumonia or effusion.", "effusion", Said.NO),
        ("未见肺炎、积液。", "effusion", Said.NO),
        ("No rib fracture, pneumonia", "pneumonia", Said.UNCLEAR),
        ("No effusion. Pneumonia right.", "pneumonia", Said.YES),
        ("Pneumonia?", "pneumonia", Said.UNCLEAR),
        ("肺炎待排", "pneumonia", Said.UNCLEAR),
        ("pneumonia or oedema", "edema", Said.UNCLEAR),
        ("Pneumonia left. No pneumonia right.", "pneumonia", Said.UNCLEAR),
        ("Consolidation right base", "pneumonia", Said.UNCLEAR),
        ("No consolidation.", "pneumonia", Said.NOTHING),
        ("Normal chest", "pneumonia", Said.NO),
        ("双肺未见明显异常", "no_finding", Said.YES),
        ("abnormal", "no_finding", Said.NOTHING),
        ("心电图不正常", "normal_ecg", Said.NO),
        ("sinus rhythm", "atrial_fibrillation", Said.NOTHING),
        ("AF with fast response", "atrial_fibrillation", Said.YES),
        ("After lunch", "atrial_fibrillation", Said.NOTHING),
        ("陈旧性心肌梗死", "myocardial_infarction", Said.UNCLEAR),
        ("", "pneumonia", Said.NOTHING),
    ],
)
def test_says(impression: str, finding: str, said: Said) -> None:
    assert says(impression, finding) is said


def test_a_models_own_name_for_a_finding_counts() -> None:
    assert says("Foreign body in the left bronchus", "body", ("Foreign body", "异物")) is Said.YES
