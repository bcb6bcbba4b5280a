"""Whatever was acknowledged is there after the process dies."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from desktop import workflow
from desktop.jobs import Job
from desktop.records import StudyId

SIGN_AND_DIE = """
import functools, io, json, os, signal, sys
from pathlib import Path
import numpy as np
from PIL import Image
from desktop import workflow
from desktop.jobs import Job
from desktop.records import HumanName
from desktop.vault import keystore
from desktop.workflow import opening

opening.keystore.create = functools.partial(keystore.create, calibrate=False)
folder = Path(sys.argv[1])
job = Job()
clinic = workflow.create_clinic(
    folder / "clinic", job, name="N", admin="li", passphrase="correct horse", models=workflow.Registry([])
).clinic
for number in range(int(sys.argv[2])):
    patient = workflow.register_patient(clinic, job, workflow.PatientDraft((HumanName(f"患者{number}"),))).patient
    picture = folder / f"{number}.png"
    Image.fromarray(np.random.default_rng(number).integers(0, 255, (80, 80), np.uint8)).save(picture)
    study = workflow.import_file(clinic, job, picture, patient.id).study
    workflow.record_impression(clinic, job, study, "clear")
    signed = workflow.sign_report(clinic, job, study, "as seen")
    print(json.dumps([patient.id, study, signed.report.sha256]), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX; Windows' TerminateProcess is tried by hand")
def test_a_kill_right_after_sign_loses_nothing(tmp_path: Path) -> None:
    died = subprocess.run(
        [sys.executable, "-c", SIGN_AND_DIE, str(tmp_path), "3"], capture_output=True, check=False, timeout=120
    )
    assert died.returncode < 0, died.stderr.decode()
    acknowledged = [json.loads(line) for line in died.stdout.splitlines()]
    assert len(acknowledged) == 3

    clinic = workflow.unlock(
        tmp_path / "clinic", Job(), user="li", passphrase="correct horse", models=workflow.Registry([])
    )
    try:
        for patient, study, sha256 in acknowledged:
            state = workflow.reading(clinic, Job(), StudyId(study))
            assert [report.sha256 for report in state.reports] == [sha256]
            assert state.reports[0].content.patient.id == patient
        checked = workflow.verify(clinic, Job())
        assert [problem.kind for problem in checked.problems] == []
    finally:
        workflow.lock(clinic)
