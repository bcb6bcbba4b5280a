"""What is brought in and sent out under a name leaves the name on no screen and in no log."""

import logging

import pytest

from tests.cli.helpers import Lantern
from tests.cli.test_clinic import add
from tests.settings.test_discretion import CANARY, full_of_names


def test_bringing_in_and_sending_out_say_no_name(lantern: Lantern, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    patient = add(lantern, name=[{"text": CANARY}])
    brought = lantern.run(
        "import", lantern.file("a.dcm", full_of_names()), "--patient", patient, "--accept-mismatch", "x"
    )
    answers = [brought]
    study = str(brought.only["study"])
    answers.append(lantern.run("annotations", "add", "--study", study, "--kind", "length", "--points", "1,2", "5,2"))
    answers.append(lantern.run("key-images", "add", "--study", study))
    for kind in ("gsps", "tid1500", "ko"):
        answers.append(lantern.run("export", study, "--format", kind, "--out", lantern.folder / f"{kind}.dcm"))
    assert [answer.code for answer in answers] == [0] * len(answers), answers
    said = "".join(f"{answer.lines}{answer.errors}" for answer in answers)
    assert CANARY not in said
    assert CANARY not in "".join(f"{record.getMessage()}{record.exc_text}" for record in caplog.records)
