"""The sample report as fixtures."""

import numpy as np
import numpy.typing as npt
import pytest

from desktop.records import Patient, ReportContent, SignedReport
from tests.exports.samples import a_content, a_film, a_patient, a_report


@pytest.fixture
def patient() -> Patient:
    return a_patient()


@pytest.fixture
def content(patient: Patient) -> ReportContent:
    return a_content(patient)


@pytest.fixture
def report(content: ReportContent) -> SignedReport:
    return a_report(content)


@pytest.fixture
def film() -> npt.NDArray[np.uint8]:
    return a_film()
