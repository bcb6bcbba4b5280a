"""Looking into an archive and fetching from it, with dcmtk's and Orthanc's at the other end."""

import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pydicom import dcmread

from desktop import workflow
from desktop.errors import Cancelled, KnownFailure, UserFacingError
from desktop.jobs import Job
from desktop.records import HumanName, PartialDate, PatientId, Sex
from desktop.records.dicom_node import Doubt, Peer
from desktop.workflow import network_archive as archive
from tests.network.objects import dataset, file_bytes
from tests.network.programs import dcmqrscp, free_port, run, running, wlmscpfs
from tests.network.test_calls import step_file

JOB = Job()
ZHANG, LI = "1.2.3.1", "1.2.3.2"


@pytest.mark.parametrize(
    ("typed", "pattern"),
    [
        ("", ""),
        (" zhang xiaoming ", "zhang*xiaoming*"),
        ("张小明", "*张*小*明*"),
        ("ZHANG^W*", "ZHANG^W*"),
    ],
)
def test_what_is_typed_as_archives_match_it(typed: str, pattern: str) -> None:
    assert archive.name_pattern(typed) == pattern


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """dcmtk's archive with a study of two pictures of somebody known, and one of a stranger."""
    folder, port = tmp_path_factory.mktemp("qr"), free_port()
    with dcmqrscp(folder, port, "ARCHIVE", {}):
        for place, made in enumerate(
            (
                dataset(study=ZHANG, seed=1),
                dataset(study=ZHANG, seed=2),
                dataset(study=LI, name="Li^Na=李^娜", number="9", birth_date=""),
            )
        ):
            (folder / f"{place}.dcm").write_bytes(file_bytes(made))
            assert run("storescu", "-xe", "-aec", "ARCHIVE", "127.0.0.1", port, folder / f"{place}.dcm").returncode == 0
        yield workflow.new_peer("archive", "ARCHIVE", "127.0.0.1", port)


@pytest.fixture
def known(clinic: workflow.Clinic) -> str:
    """Who is registered here."""
    draft = workflow.PatientDraft(names=(HumanName(text="张伟"),), birth_date=PartialDate(1980, 1, 2), sex=Sex.MALE)
    return workflow.register_patient(clinic, JOB, draft).patient.id


def test_whose_a_study_would_be_is_told_before(clinic: workflow.Clinic, full: Peer, known: str) -> None:
    wanted = archive.Wanted(since=date(2026, 11, 1), until=date(2026, 11, 30))
    found = {one.found.study_uid: one for one in archive.search_archive(clinic, JOB, full, wanted)}
    assert found.keys() == {ZHANG, LI}
    owner = found[ZHANG].owner
    assert owner is not None
    assert (owner.id, found[ZHANG].doubt) == (known, None)
    assert (found[LI].owner, found[LI].doubt) == (None, Doubt.NOBODY)


@pytest.mark.parametrize(
    ("wanted", "uids"),
    [
        (archive.Wanted(name="张伟"), {ZHANG}),
        (archive.Wanted(name="Zhang"), {ZHANG}),
        (archive.Wanted(number="9"), {LI}),
        (archive.Wanted(name="Zhang", until=date(2020, 1, 1)), set()),
        (archive.Wanted(name="Li", modality="CT"), {LI}),
    ],
)
def test_a_search_by_name_number_day_and_kind(
    clinic: workflow.Clinic, full: Peer, wanted: archive.Wanted, uids: set[str]
) -> None:
    assert {one.found.study_uid for one in archive.search_archive(clinic, JOB, full, wanted)} == uids


def test_nobody_asks_for_everybody(clinic: workflow.Clinic, full: Peer) -> None:
    with pytest.raises(UserFacingError) as refusal:
        archive.search_archive(clinic, JOB, full, archive.Wanted(modality="CT"))
    assert refusal.value.key == "network.search_is_empty"


def test_what_is_fetched_is_filed_or_asked(clinic: workflow.Clinic, full: Peer, known: str) -> None:
    heard: list[workflow.Stored] = []
    hearers = workflow.Hearers(stored=heard.append)
    mine = archive.fetch_study(clinic, JOB, full, ZHANG, hearers, listening=False)
    assert (mine.completed, mine.failed, mine.filed, mine.asked, len(mine.studies)) == (2, 0, 2, 0, 1)
    again = archive.fetch_study(clinic, JOB, full, ZHANG, hearers, listening=False)
    assert (again.completed, again.studies) == (2, ())
    other = archive.fetch_study(clinic, JOB, full, LI, hearers, listening=False)
    assert (other.filed, other.asked, other.studies) == (0, 1, ())
    assert len(heard) == 5
    assert workflow.count_waiting_arrivals(clinic, JOB) == 1


def test_a_fetch_is_called_off_and_leaves_whole_objects(clinic: workflow.Clinic, full: Peer, known: str) -> None:
    job = Job()

    def stop(_stored: workflow.Stored) -> None:
        job.cancel()

    with pytest.raises(Cancelled):
        archive.fetch_study(clinic, job, full, ZHANG, workflow.Hearers(stored=stop), listening=False)
    (study,) = workflow.open_patient(clinic, JOB, study_owner(clinic)).studies
    assert len(study.study.instances) >= 1
    found = clinic.store.verify(JOB)
    assert found.problems == ()


def study_owner(clinic: workflow.Clinic) -> PatientId:
    return workflow.recent_patients(clinic, JOB)[0].patient.id


def test_an_archive_that_only_sends_needs_us_to_listen(clinic: workflow.Clinic, tmp_path: Path) -> None:
    """storescp offers neither way: first C-GET is refused, and without a node nothing more is tried."""
    port = free_port()
    peer = workflow.new_peer("store", "STORE", "127.0.0.1", port)
    with running(port, "storescp", "--ignore", "-od", tmp_path, port):
        for listening, key in ((False, "network.only_sends"), (True, "network.service_not_offered")):
            with pytest.raises(KnownFailure) as failure:
                archive.fetch_study(clinic, JOB, peer, ZHANG, workflow.Hearers(), listening=listening)
            assert failure.value.key == key


def test_a_worklist_tells_who_is_known_and_how_to_register_the_rest(
    clinic: workflow.Clinic, known: str, tmp_path: Path
) -> None:
    port = free_port()
    card = workflow.recent_patients(clinic, JOB)[0].patient.card_number
    steps = [step_file("Wang^Fang=王^芳", "7"), zhang_step(card)]
    with wlmscpfs(tmp_path, port, "WORKLIST", steps, "-csk"):
        peer = workflow.new_peer("list", "WORKLIST", "127.0.0.1", port)
        planned = archive.planned_patients(clinic, JOB, peer, date(2026, 11, 21))
    by_number = {one.step.number: one for one in planned}
    assert by_number["7"].owner is None
    draft = by_number["7"].draft
    assert [name.display for name in draft.names] == ["王芳", "Wang Fang"]
    assert (str(draft.birth_date), draft.sex, draft.identifiers[0].value) == ("1990-03-05", Sex.FEMALE, "7")
    owner = by_number[card].owner
    assert owner is not None
    assert owner.id == known


def zhang_step(number: str) -> bytes:
    made = dcmread(io.BytesIO(step_file("Zhang^Wei=张^伟", number)))
    made.PatientBirthDate, made.PatientSex = "19800102", "M"
    stream = io.BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
