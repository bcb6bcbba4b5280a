"""`dicom echo | send | receive | query`, with dcmtk and Orthanc at the other end."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid

from desktop import workflow
from desktop.jobs import Job
from tests.cli.helpers import PASSPHRASE, Lantern
from tests.network.objects import dataset, file_bytes
from tests.network.programs import WAIT_SECONDS, dcmqrscp, free_port, orthanc, run, running

pytestmark = pytest.mark.full_keys

KEYS = {
    "id",
    "status",
    "reason",
    "patient",
    "study",
    "instance",
    "attachment",
    "arrival",
    "sop_class_uid",
    "sop_instance_uid",
    "study_instance_uid",
    "transfer_syntax",
    "calling_aet",
    "bytes",
    "sha256",
    "received",
}


class Receiving:
    """`dicom receive` in a process of its own, whose lines are read while it runs."""

    def __init__(self, lantern: Lantern, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "desktop", *lantern.words("dicom", "receive", *options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.said = self.process.stderr.readline()
        self.errors = ""
        self._drain = threading.Thread(target=self._read_errors)
        self._drain.start()

    def line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        found: dict[str, Any] = json.loads(text)
        return found

    def stop(self, how: int = signal.SIGINT) -> int:
        self.process.send_signal(how)
        self.process.wait(WAIT_SECONDS * 2)
        self._drain.join(WAIT_SECONDS)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return self.process.returncode

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors = self.process.stderr.read()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def receiving(lantern: Lantern, port: int) -> Iterator[Receiving]:
    made = Receiving(lantern, "--port", str(port), "--aet", "LANTERN")
    yield made
    if made.process.poll() is None:
        made.stop()


def send(port: int, file: Path, *options: str) -> int:
    return run("storescu", "-xe", "-aec", "LANTERN", *options, "127.0.0.1", port, file).returncode


def test_each_stored_object_is_a_line_and_lasts(lantern: Lantern, receiving: Receiving, port: int) -> None:
    assert str(port) in receiving.said
    assert "LANTERN" in receiving.said
    first, second = (lantern.file(f"{name}.dcm", file_bytes(dataset(seed=name))) for name in (1, 2))
    assert run("echoscu", "-aec", "LANTERN", "127.0.0.1", port).returncode == 0
    assert send(port, first) == 0
    line = receiving.line()
    assert line.keys() == KEYS
    assert (line["status"], line["patient"], line["calling_aet"]) == ("ok", None, "STORESCU")
    assert line["id"] == line["arrival"]
    assert send(port, second) == 0
    assert receiving.line()["status"] == "ok"
    assert send(port, first) == 0
    again = receiving.line()
    assert (again["status"], again["id"], again["sha256"]) == ("duplicate", line["id"], line["sha256"])
    assert receiving.stop() == 0
    assert "Traceback" not in receiving.errors
    assert "Zhang" not in receiving.errors + receiving.said
    checked = lantern.run("verify")
    assert (checked.code, checked.only["counts"]["attachments"]) == (0, 2)


def test_what_fits_a_patient_is_filed(lantern: Lantern, port: int) -> None:
    names = [{"text": "张伟"}]
    person = {"resourceType": "Patient", "name": names, "gender": "male", "birthDate": "1980-01-02"}
    added = lantern.run("patients", "add", "--batch", stdin=json.dumps(person) + "\n").only
    receiving = Receiving(lantern, "--port", str(port), "--aet", "LANTERN")
    assert send(port, lantern.file("a.dcm", file_bytes(dataset()))) == 0
    line = receiving.line()
    assert (line["patient"], line["reason"]) == (added["id"], None)
    assert line["study"]
    assert line["id"] == line["instance"]
    assert receiving.stop(signal.SIGTERM) == 0


@pytest.mark.skipif(os.name == "nt", reason="a process cannot be killed this way there")
def test_what_was_said_is_there_after_a_kill(lantern: Lantern, receiving: Receiving, port: int) -> None:
    assert send(port, lantern.file("a.dcm", file_bytes(dataset()))) == 0
    line = receiving.line()
    receiving.stop(signal.SIGKILL)
    checked = lantern.run("verify", "--inventory")
    assert checked.code == 0
    assert checked.only["inventory"]["attachments"] == {line["attachment"]: line["sha256"]}


def test_other_names_for_us_are_refused(receiving: Receiving, port: int, lantern: Lantern) -> None:
    file = lantern.file("a.dcm", file_bytes(dataset()))
    assert run("storescu", "-aec", "OTHER", "127.0.0.1", port, file).returncode != 0


def test_with_a_list_nobody_else_is_served(lantern: Lantern, port: int) -> None:
    receiving = Receiving(lantern, "--port", str(port), "--aet", "LANTERN", "--peer", "XRAY@127.0.0.1")
    file = lantern.file("a.dcm", file_bytes(dataset()))
    assert send(port, file) != 0
    assert send(port, file, "-aet", "XRAY") == 0
    assert receiving.line()["calling_aet"] == "XRAY"
    assert receiving.stop() == 0


def test_a_taken_port_is_an_error_line(lantern: Lantern, port: int) -> None:
    with running(port, "storescp", port):
        answer = lantern.run("dicom", "receive", "--port", str(port), "--aet", "LANTERN")
    assert (answer.code, answer.only["status"], answer.only["kind"]) == (1, "error", "io")


def test_echo_says_whether_somebody_answers(lantern: Lantern, port: int) -> None:
    words = ("dicom", "echo", "--host", "127.0.0.1", "--port", str(port), "--aec", "STORE")
    with running(port, "storescp", "-aet", "STORE", port):
        answer = lantern.run(*words)
    assert (answer.code, answer.only["status"], answer.only["reason"]) == (0, "ok", None)
    answer = lantern.run(*words)
    assert (answer.code, answer.only["status"]) == (1, "error")
    assert answer.only["reason"]


def test_files_are_sent_and_each_is_told(lantern: Lantern, port: int, tmp_path: Path) -> None:
    good = lantern.file("a.dcm", file_bytes(dataset()))
    bad = lantern.file("b.dcm", b"nothing")
    (tmp_path / "in").mkdir()
    with running(port, "storescp", "-od", tmp_path / "in", port):
        answer = lantern.run("dicom", "send", good, bad, "--host", "127.0.0.1", "--port", str(port))
    assert answer.code == 1
    assert [(line["file"], line["status"]) for line in answer.lines] == [(str(good), "ok"), (str(bad), "error")]
    assert len(list((tmp_path / "in").iterdir())) == 1


def test_an_archive_is_asked_and_gives(lantern: Lantern, tmp_path: Path, port: int) -> None:
    study, ours = str(generate_uid()), free_port()
    with dcmqrscp(tmp_path / "archive", port, "ARCHIVE", {"LANTERN": ours}):
        there = ("--host", "127.0.0.1", "--port", str(port), "--aec", "ARCHIVE")
        file = lantern.file("a.dcm", file_bytes(dataset(study=study, number="42")))
        assert lantern.run("dicom", "send", file, *there).code == 0
        found = lantern.run("dicom", "query", "--patient-id", "42", *there)
        assert (found.code, found.only["study_instance_uid"], found.only["retrieved"]) == (0, study, None)
        assert lantern.run("dicom", "query", "--patient-id", "43", *there).lines == []
        got = lantern.run("dicom", "query", "--study-uid", study, "--retrieve", "get", *there)
        assert (got.code, got.only["retrieved"], got.only["failed"]) == (0, 1, 0)
        moved = lantern.run(
            "dicom", "query", "--study-uid", study, "--retrieve", "move", "--retrieve-port", str(ours), *there
        )
        assert (moved.code, moved.only["retrieved"], moved.only["failed"]) == (0, 1, 0)
    assert lantern.run("verify").only["counts"]["attachments"] == 1


def test_a_study_goes_to_a_listed_peer(lantern: Lantern, tmp_path: Path, port: int) -> None:
    clinic = workflow.unlock(lantern.store, Job(), user="li", passphrase=PASSPHRASE, models=workflow.load_models())
    workflow.set_dicom_peers(clinic, Job(), [workflow.new_peer("archive", "ORTHANC", "127.0.0.1", port)])
    workflow.lock(clinic)
    names = [{"text": "张伟"}]
    person = {"resourceType": "Patient", "name": names, "gender": "male", "birthDate": "1980-01-02"}
    patient = lantern.run("patients", "add", "--batch", stdin=json.dumps(person) + "\n").only["id"]
    file = lantern.file("a.dcm", file_bytes(dataset(side=64, sop_class="1.2.840.10008.5.1.4.1.1.1.1")))
    study = lantern.run("import", file, "--patient", patient).only["study"]
    assert lantern.run("dicom", "send", "--study", study, "--peer", "nobody").only["kind"] == "not_found"
    later = lantern.run("dicom", "send", "--study", study, "--peer", "archive")
    assert (later.code, later.only["status"], later.only["left"]) == (1, "waiting", 1)
    with orthanc(tmp_path / "orthanc", port, "ORTHANC", {"LANTERN": free_port()}):
        sent = lantern.run("dicom", "send", "--study", study, "--peer", "archive")
    assert (sent.code, sent.only["status"], sent.only["sent"], sent.only["left"]) == (0, "sent", 1, 0)
    there = ("--host", "127.0.0.1", "--port", str(port), "--aec", "STORE")
    once = lantern.run("dicom", "send", "--study", study, *there)
    assert (once.code, once.only["status"], once.only["next_try"]) == (1, "failed", None)
    (tmp_path / "in").mkdir()
    with running(port, "storescp", "-aet", "STORE", "-od", tmp_path / "in", port):
        assert lantern.run("dicom", "send", "--study", study, *there).only["status"] == "sent"


@pytest.mark.parametrize(
    "words",
    [
        ("receive", "--port", "1x", "--aet", "A"),
        ("receive", "--port", "104"),
        ("receive", "--port", "104", "--aet", "A TITLE THAT IS TOO LONG"),
        ("echo",),
        ("echo", "--host", "h"),
        ("echo", "--peer", "p", "--host", "h", "--port", "1"),
        ("send", "--host", "h", "--port", "1"),
        ("query", "--host", "h", "--port", "1", "--date", "yesterday"),
    ],
)
def test_what_makes_no_command_is_usage(lantern: Lantern, words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as refusal:
        lantern.run("dicom", *words)
    assert refusal.value.code == 2
