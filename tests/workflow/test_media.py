"""A stick or a share that hangs holds up nobody: its place counts as absent after a while."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from desktop import workflow
from desktop.errors import KnownFailure, UserFacingError
from desktop.jobs import Job
from desktop.records import HumanName, Sex
from desktop.workflow.media import Media
from tests.hanging import Hanging

PATIENCE = 0.2
SOON = 5 * PATIENCE
JOB = Job()


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    made = Hanging(monkeypatch)
    yield made
    made.let_go()


def test_answers_come_at_once_and_from_all_places_together(tmp_path: Path) -> None:
    started = time.monotonic()

    def slow() -> int:
        time.sleep(PATIENCE / 2)
        return 7

    assert set(Media(SOON).ask({tmp_path / str(number): slow for number in range(20)}, 0).values()) == {7}
    assert time.monotonic() - started < SOON
    with pytest.raises(ZeroDivisionError):
        Media().ask({tmp_path: lambda: 1 // 0}, 0)


def test_a_place_that_hangs_is_absent_and_asked_no_more_until_it_answers(tmp_path: Path) -> None:
    media, answering, asked = Media(PATIENCE), threading.Event(), []

    def hangs() -> int:
        asked.append(1)
        answering.wait()
        return 7

    assert media.ask({tmp_path: hangs, tmp_path / "other": lambda: 3}, 0) == {tmp_path: 0, tmp_path / "other": 3}
    started = time.monotonic()
    for _ in range(50):
        assert media.ask({tmp_path: hangs}, 0) == {tmp_path: 0}
    assert time.monotonic() - started < PATIENCE
    assert len(asked) == 1
    answering.set()
    deadline = time.monotonic() + 10
    while media.ask({tmp_path: hangs}, 0) != {tmp_path: 7}:
        assert time.monotonic() < deadline
    assert len(asked) == 2


def test_a_share_that_hangs_counts_as_absent(clinic: workflow.Clinic, tmp_path: Path, hanging: Hanging) -> None:
    clinic = replace(clinic, media=Media(PATIENCE))
    share, stick = tmp_path / "share", tmp_path / "stick"
    workflow.backups.set_backup_plan(clinic, JOB, places=(share,))
    on_share = workflow.backups.back_up(clinic, JOB, share)
    on_stick = workflow.backups.back_up(clinic, JOB, stick)
    newest = workflow.backups.back_up(clinic, JOB, share)
    hanging.place = share
    started = time.monotonic()
    told = workflow.backups.known_backups(clinic, JOB)
    assert [(one.run, one.there) for one in told] == [(newest.run, False), (on_stick.run, True), (on_share.run, False)]
    assert workflow.backups.backup_state(clinic, JOB).last == newest.run
    assert workflow.backups.drill(clinic, JOB).run.backup == on_stick.run.backup
    with pytest.raises(UserFacingError, match=r"backup\.no_medium"):
        workflow.backups.run_scheduled_backup(clinic, JOB)
    for deed in (
        lambda: workflow.backups.back_up(clinic, JOB, share),
        lambda: workflow.backups.back_up(clinic, JOB, share / "new"),
        lambda: workflow.backups.set_backup_plan(clinic, JOB, places=(share,)),
    ):
        with pytest.raises(KnownFailure, match=r"backup\.medium_gone"):
            deed()
    assert time.monotonic() - started < 30
    hanging.let_go()
    assert workflow.backups.run_scheduled_backup(replace(clinic, media=Media()), JOB) is not None


def test_saving_goes_on_while_a_share_hangs(clinic: workflow.Clinic, tmp_path: Path, hanging: Hanging) -> None:
    workflow.backups.back_up(clinic, JOB, tmp_path / "share")
    patient_clinic = replace(clinic, media=Media(60))
    hanging.place = tmp_path / "share"
    found: list[object] = []
    looking = threading.Thread(target=lambda: found.append(workflow.backups.known_backups(patient_clinic, JOB)))
    looking.start()
    while not hanging.asked:
        time.sleep(0.01)
    draft = workflow.PatientDraft((HumanName("王芳"),), Sex.FEMALE)
    workflow.register_patient(clinic, JOB, draft)
    assert workflow.backups.backup_state(clinic, JOB).last is not None
    assert looking.is_alive()
    hanging.let_go()
    looking.join()
    assert len(found) == 1
