"""Our calls to dcmtk's servers, to Orthanc, and to a node of our own."""

import io
import logging
import ssl
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, generate_uid

from desktop.errors import KnownFailure, UserFacingError
from desktop.jobs import Job
from desktop.network import calls, certificates
from desktop.network.node import Node
from desktop.network.parts import Answer, Caller, Line, Listening, Received, StepQuery, StudyQuery
from tests.conftest import ExpectLog
from tests.network.desk import MemoryDesk, here
from tests.network.objects import dataset, file_bytes
from tests.network.programs import dcmqrscp, free_port, orthanc, run, running, until, wlmscpfs

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def line_to(port: int, title: str, own: str = "LANTERN", tls: ssl.SSLContext | None = None) -> Line:
    return Line(title, "127.0.0.1", port, own, tls)


def outgoing(*objects: bytes) -> list[calls.Outgoing]:
    return [
        calls.Outgoing(str(number), data[:4096], lambda data=data: data)  # type: ignore[misc]  # bound at once
        for number, data in enumerate(objects)
    ]


@pytest.fixture
def archive(tmp_path: Path, node: Node) -> Iterator[Line]:
    """dcmtk's archive, which knows our node."""
    port = free_port()
    with dcmqrscp(tmp_path / "dcmqrscp", port, "ARCHIVE", {"LANTERN": node.port}):
        yield line_to(port, "ARCHIVE")


def test_an_archive_that_is_there_answers_and_holds_nothing(archive: Line) -> None:
    calls.echo(archive)
    assert calls.find(archive, StudyQuery(), Job()) == []


@pytest.mark.parametrize(
    ("title", "key"), [("LANTERN", ""), ("OTHER", "network.called_unknown"), ("STRANGER", "network.calling_unknown")]
)
def test_why_an_echo_fails_is_told_in_words(desk: MemoryDesk, title: str, key: str) -> None:
    node = Node(here(callers=(Caller("FRIEND", "127.0.0.1"),)), desk)
    node.start()
    own = "STRANGER" if title == "STRANGER" else "FRIEND"
    line = line_to(node.port, "OTHER" if title == "OTHER" else "LANTERN", own)
    try:
        if not key:
            calls.echo(line)
            return
        with pytest.raises(KnownFailure) as failure:
            calls.echo(line)
        assert failure.value.key == key
    finally:
        node.stop()


def test_nobody_there(node: Node) -> None:
    with pytest.raises(KnownFailure) as failure:
        calls.echo(line_to(free_port(), "ARCHIVE"))
    assert failure.value.key == "network.unreachable"


def test_a_service_that_is_not_offered(node: Node) -> None:
    with pytest.raises(KnownFailure) as failure:
        calls.find(line_to(node.port, "LANTERN"), StudyQuery(), Job())
    assert failure.value.key == "network.service_not_offered"


def test_send_find_get_and_move_with_dcmtk(archive: Line, node: Node, desk: MemoryDesk) -> None:
    study = str(generate_uid())
    objects = [file_bytes(dataset(study=study, seed=seed, number="42")) for seed in range(3)]
    given = calls.send(archive, outgoing(*objects), Job(), transaction="1.2.3")
    assert (given.sent, given.failure, given.asked) == (("0", "1", "2"), "", False)

    found = calls.find(archive, StudyQuery(name="Zhang*", number="42"), Job())
    assert [(one.study_uid, one.number, one.day) for one in found] == [(study, "42", "20261121")]
    assert calls.find(archive, StudyQuery(name="Nobody"), Job()) == []

    kept: list[Received] = []

    def keep(received: Received) -> Answer:
        kept.append(received)
        return Answer.STORED

    assert calls.get(archive, study, keep, Job()) == calls.Retrieved(3, 0)
    assert {dcmread(io.BytesIO(one.data)).PixelData for one in kept} == {
        dcmread(io.BytesIO(one)).PixelData for one in objects
    }

    assert calls.move(archive, study, "LANTERN", Job()) == calls.Retrieved(3, 0)
    assert {one.instance_uid for one in desk.received} == {one.instance_uid for one in kept}
    with pytest.raises(KnownFailure) as failure:
        calls.move(archive, study, "NOWHERE", Job())
    assert failure.value.key == "network.destination_unknown"


def test_what_we_cannot_keep_is_counted(archive: Line) -> None:
    study = str(generate_uid())
    calls.send(archive, outgoing(file_bytes(dataset(study=study))), Job())
    done = calls.get(archive, study, lambda received: Answer.NO_ROOM, Job())
    assert (done.completed, done.failed) == (0, 1)


def test_a_kind_the_peer_does_not_take_is_told_and_final(tmp_path: Path) -> None:
    port = free_port()
    with running(port, "storescp", "--ignore", "-aet", "STORE", port):
        known = file_bytes(dataset())
        strange = file_bytes(dataset(sop_class="1.2.826.0.1.3680043.9.1"))
        given = calls.send(line_to(port, "STORE"), outgoing(strange, known), Job())
    assert (given.sent, given.failure, given.final) == (("1",), "network.kind_not_taken", True)


def test_compressed_pictures_are_unfolded_for_a_peer_that_needs_it(tmp_path: Path) -> None:
    port = free_port()
    made = dataset(side=64)
    pixels = made.PixelData
    file_bytes(made)
    made.compress(JPEG2000Lossless, generate_instance_uid=False)
    stream = io.BytesIO()
    made.save_as(stream, enforce_file_format=True)
    (tmp_path / "in").mkdir()
    with running(port, "storescp", "+x=", "-od", tmp_path / "in", port):
        given = calls.send(line_to(port, "ANY"), outgoing(stream.getvalue()), Job())
    assert given.sent == ("0",)
    (arrived,) = (tmp_path / "in").iterdir()
    found = dcmread(arrived)
    assert found.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert found.PixelData == pixels


@pytest.fixture
def orthanc_line(tmp_path: Path, node: Node) -> Iterator[Line]:
    """An Orthanc that knows our node."""
    port = free_port()
    with orthanc(tmp_path / "orthanc", port, "ORTHANC", {"LANTERN": node.port}):
        yield line_to(port, "ORTHANC")


def test_orthanc_keeps_finds_and_gives_back(orthanc_line: Line, node: Node, desk: MemoryDesk) -> None:
    study = str(generate_uid())
    objects = [file_bytes(dataset(study=study, seed=seed)) for seed in range(2)]
    calls.send(orthanc_line, outgoing(objects[0]), Job())
    given = calls.send(orthanc_line, outgoing(objects[1]), Job(), transaction="1.2.3", before=outgoing(objects[0]))
    assert (given.sent, given.asked) == (("0",), True)
    # Orthanc calls back, on a line of its own.
    until(lambda: len(desk.words) == 1)
    (word,) = desk.words
    assert word.transaction == "1.2.3"
    assert set(word.kept) == {str(dcmread(io.BytesIO(one)).SOPInstanceUID) for one in objects}
    assert word.failed == ()
    (found,) = calls.find(orthanc_line, StudyQuery(study_uid=study), Job())
    assert found.images == 2
    assert calls.move(orthanc_line, study, "LANTERN", Job()).completed == 2
    assert len(desk.received) == 2
    kept: list[Received] = []

    def keep(received: Received) -> Answer:
        kept.append(received)
        return Answer.STORED

    done = calls.get(orthanc_line, study, keep, Job())
    assert (done.completed, len(kept)) == (2, 2)


def step_file(name: str, number: str) -> bytes:
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.PatientName = name
    made.PatientID = number
    made.PatientBirthDate = "19900305"
    made.PatientSex = "F"
    made.StudyInstanceUID = "1.2.3.4"
    made.AccessionNumber = "A1"
    made.RequestedProcedureID = "P1"
    made.RequestedProcedureDescription = "CHEST"
    step = Dataset()
    step.Modality = "DX"
    step.ScheduledStationAETitle = "XRAY"
    step.ScheduledProcedureStepStartDate = "20261121"
    step.ScheduledProcedureStepStartTime = "083000"
    step.ScheduledProcedureStepID = "S1"
    step.ScheduledProcedureStepDescription = "CHEST PA"
    made.ScheduledProcedureStepSequence = [step]
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = UID("1.2.276.0.7230010.3.1.0.1")
    made.file_meta.MediaStorageSOPInstanceUID = UID("1.2.276.0.7230010.3.1.4.1")
    stream = io.BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


@pytest.mark.parametrize("character_set", ["-csk", "-cs0"])
def test_dcmtks_worklist_is_read(tmp_path: Path, character_set: str) -> None:
    port = free_port()
    steps = [step_file("Wang^Fang=王^芳", "7"), step_file("Li^Na", "8")]
    with wlmscpfs(tmp_path, port, "WORKLIST", steps, character_set):
        line = line_to(port, "WORKLIST")
        everything = calls.worklist(line, StepQuery("LANTERN"), Job())
        (wang,) = calls.worklist(line, StepQuery("LANTERN", number="7", since=date(2026, 11, 21)), Job())
    assert {step.number for step in everything} == {"7", "8"}
    assert (wang.name, wang.birth_date, wang.sex) == ("Wang^Fang=王^芳", "19900305", "F")
    assert (wang.modality, wang.station, wang.description) == ("DX", "XRAY", "CHEST PA")
    assert wang.start == datetime(2026, 11, 21, 8, 30)  # noqa: DTZ001  (devices write no zone)


@pytest.fixture(scope="module")
def ours() -> tuple[str, str]:
    return certificates.make("LANTERN", NOW)


@pytest.fixture(scope="module")
def theirs() -> tuple[str, str]:
    return certificates.make("XRAY", NOW)


@pytest.fixture
def tls_node(ours: tuple[str, str], theirs: tuple[str, str]) -> Iterator[Node]:
    """Speaks TLS only, and only with those it knows."""
    made = here()
    context = certificates.server_context(*ours, [theirs[0]])
    node = Node(Listening(made.title, 0, made.host, made.callers, context), MemoryDesk())
    node.start()
    yield node
    node.stop()


def test_tls_between_two_that_know_each_other(
    tls_node: Node, ours: tuple[str, str], theirs: tuple[str, str], tmp_path: Path
) -> None:
    calls.echo(line_to(tls_node.port, "LANTERN", "XRAY", certificates.client_context(*theirs, ours[0])))
    for name, text in (("cert", theirs[0]), ("key", theirs[1]), ("ca", ours[0])):
        (tmp_path / name).write_text(text)
    answer = run(
        "echoscu",
        "+tls",
        tmp_path / "key",
        tmp_path / "cert",
        "+cf",
        tmp_path / "ca",
        "-aec",
        "LANTERN",
        "127.0.0.1",
        tls_node.port,
    )
    assert answer.returncode == 0, answer.stderr


def test_tls_refuses_strangers_and_those_who_speak_plainly(
    tls_node: Node, ours: tuple[str, str], theirs: tuple[str, str], expected_log: ExpectLog
) -> None:
    other = certificates.make("XRAY", NOW)
    wrong = certificates.client_context(*other, ours[0])
    mistaken = certificates.client_context(*theirs, other[0])
    for count, context in enumerate((wrong, mistaken, None), 1):
        with expected_log("desktop.network", logging.WARNING, match="could not be taken"):
            with pytest.raises(KnownFailure):
                calls.echo(line_to(tls_node.port, "LANTERN", "XRAY", context))
            until(lambda count=count: tls_node.refused == count)  # type: ignore[misc]  # bound at once


def test_certificates_are_described_and_others_refused(ours: tuple[str, str]) -> None:
    info = certificates.describe(ours[0])
    assert info.subject == "CN=LANTERN"
    assert info.expires.year == 2036
    assert len(info.sha256.replace(" ", "")) == 64
    for text in ("", "nothing", ours[1]):
        with pytest.raises(UserFacingError) as refusal:
            certificates.describe(text)
        assert refusal.value.key == "network.certificate_unreadable"
    with pytest.raises(UserFacingError):
        certificates.client_context("", "", "")


def test_no_key_lies_readable_on_the_disk(
    ours: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []
    whole = Path.write_bytes

    def watched(path: Path, data: bytes) -> int:
        seen.append(data)
        return whole(path, data)

    monkeypatch.setattr(Path, "write_bytes", watched)
    certificates.server_context(*ours, [])
    (written,) = seen
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in written
    assert b"BEGIN PRIVATE KEY" not in written
