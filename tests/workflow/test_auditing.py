"""The audit trail and the checks as deeds: what they leave in the trail, and what they say of a clinic in need."""

import json
import os
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from desktop import workflow
from desktop.access import Role
from desktop.errors import Cancelled, ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.records import AuditAction, HumanName
from desktop.store.anchors import parse_anchor

PASSPHRASE = "correct horse"


def register(clinic: workflow.Clinic, name: str = "王小明") -> str:
    return workflow.register_patient(clinic, Job(), workflow.PatientDraft((HumanName(name),))).patient.id


def newest(clinic: workflow.Clinic) -> tuple[AuditAction, str]:
    with clinic.store.snapshot() as tx:
        entry = tx.audit.entries(1)[0]
    return entry.action, entry.reason


def test_a_check_is_audited_with_its_outcome(clinic: workflow.Clinic) -> None:
    assert workflow.verify(clinic, Job()).ok
    assert newest(clinic) == (AuditAction.VERIFY_CLINIC, "problems: 0")
    (clinic.store.folder / "keystore.copy.json").write_bytes(b"{}")
    assert not workflow.verify(clinic, Job()).ok
    assert newest(clinic) == (AuditAction.VERIFY_CLINIC, "problems: 1")


def test_people_go_on_working_while_the_clinic_is_checked(clinic: workflow.Clinic) -> None:
    for number in range(30):
        register(clinic, f"王{number}")
    checking, done = threading.Event(), threading.Event()
    found: list[workflow.Verification] = []

    class Watched(Job):
        def report(self, key: str, done_so_far: int = 0, total: int = 0) -> None:
            super().report(key, done_so_far, total)
            if key == "verify.step.audit":
                checking.set()
                assert done.wait(20)

    check = threading.Thread(target=lambda: found.append(workflow.verify(clinic, Watched())))
    check.start()
    assert checking.wait(20)
    late = register(clinic, "来得晚的人")
    done.set()
    check.join(60)
    assert found[0].problems == ()
    assert found[0].counts["patients"] == 30
    assert late in workflow.verify(clinic, Job(), inventory=True).inventory.patients


def test_a_check_is_cancelled_at_once(clinic: workflow.Clinic) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        workflow.verify(clinic, job)
    assert workflow.verify(clinic, Job()).ok


def test_a_head_anchors_the_trail(clinic: workflow.Clinic) -> None:
    head = workflow.audit_head(clinic, Job())
    assert head.holds()
    assert (head.store_id, head.user) == (clinic.store.store_id, clinic.actor)
    anchor = parse_anchor(json.dumps(head.to_json()).encode())
    register(clinic)
    assert workflow.verify(clinic, Job(), anchor=anchor).ok


def test_a_backups_manifest_is_an_anchor_too(clinic: workflow.Clinic, tmp_path: Path) -> None:
    register(clinic)
    workflow.backups.back_up(clinic, Job(), tmp_path)
    (manifest,) = tmp_path.glob("*/manifest.json")
    anchor = workflow.read_anchor(manifest)
    assert anchor is not None
    assert anchor.signed_by
    assert workflow.verify(clinic, Job(), anchor=anchor).ok
    spoiled = json.loads(manifest.read_text(encoding="utf-8"))
    spoiled["audit"]["seq"] = 1
    (tmp_path / "spoiled.json").write_text(json.dumps(spoiled), encoding="utf-8")
    assert workflow.read_anchor(tmp_path / "spoiled.json") is None


def test_an_export_proves_itself_and_is_a_line_of_itself(clinic: workflow.Clinic, tmp_path: Path) -> None:
    register(clinic)
    exported = workflow.export_audit(clinic, Job(), tmp_path / "trail.jsonl")
    checked = workflow.verify_audit_file(exported.path, Job())
    assert (checked.problems, checked.rows) == ((), exported.rows)
    assert newest(clinic)[0] is AuditAction.EXPORT_AUDIT


def test_a_cancelled_export_leaves_no_file(clinic: workflow.Clinic, tmp_path: Path) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        workflow.export_audit(clinic, job, tmp_path / "trail.jsonl")
    assert not (tmp_path / "trail.jsonl").exists()


def test_searching_is_audited_but_not_what_was_searched(clinic: workflow.Clinic) -> None:
    patient = register(clinic)
    workflow.open_patient(clinic, Job(), patient)  # type: ignore[arg-type]  # an id as text
    found = workflow.search_audit(clinic, Job(), subject=patient)
    assert [entry.action for entry in found] == [AuditAction.VIEW_PATIENT, AuditAction.ADD_PATIENT]
    assert workflow.search_audit(clinic, Job(), text="王小明") == ()
    assert newest(clinic) == (AuditAction.VIEW_AUDIT, "")
    later = datetime(2100, 1, 1, tzinfo=UTC)
    assert workflow.search_audit(clinic, Job(), since=later) == ()


# A clinic in need


CRASH = (
    "import sys, os, signal; from pathlib import Path; from desktop import workflow\n"
    "from desktop.jobs import Job; from desktop.records import HumanName\n"
    "folder, models = Path(sys.argv[1]), workflow.load_models()\n"
    "clinic = workflow.unlock(folder, Job(), user='li', passphrase=sys.argv[2], models=models)\n"
    "draft = workflow.PatientDraft((HumanName('王小明'),))\n"
    "workflow.register_patient(clinic, Job(), draft)\n"
    "os.kill(os.getpid(), signal.SIGKILL)\n"
)


@pytest.fixture
def crashed(clinic: workflow.Clinic, tmp_path: Path) -> Path:
    """A clinic whose program was killed in the middle of the day."""
    folder = tmp_path / "crashed"
    register(clinic)
    clinic.store.sign_head()
    with clinic.store.moment():
        shutil.copytree(clinic.store.folder, folder)
    subprocess.run([sys.executable, "-c", CRASH, str(folder), PASSPHRASE], check=False, env=dict(os.environ))
    assert (folder / "clinic.db-wal").stat().st_size > 0
    return folder


def unlocked(folder: Path) -> workflow.Clinic:
    return workflow.unlock(folder, Job(), user="li", passphrase=PASSPHRASE, models=workflow.load_models())


def keys_of(found: workflow.Verification) -> list[str]:
    return [problem.key for problem in found.problems]


@pytest.mark.full_keys
def test_after_a_power_cut_all_is_well(crashed: Path) -> None:
    clinic = unlocked(crashed)
    assert workflow.quick_check(clinic, Job()).problems == ()
    workflow.lock(clinic)


@pytest.mark.full_keys
def test_a_lost_log_is_told_right_after_unlocking(crashed: Path) -> None:
    (crashed / "clinic.db-wal").unlink()
    clinic = unlocked(crashed)
    assert keys_of(workflow.quick_check(clinic, Job())) == ["verify.tail_missing"]
    workflow.lock(clinic)


@pytest.mark.full_keys
def test_a_clinic_that_does_not_open_is_examined_and_salvaged(crashed: Path, tmp_path: Path) -> None:
    database = crashed / "clinic.db"
    database.write_bytes(bytes(4096) + database.read_bytes()[4096:])
    with pytest.raises(UserFacingError) as refused:
        unlocked(crashed)
    assert refused.value.kind is ErrorKind.IO
    found = workflow.examine(crashed, Job(), user="li", passphrase=PASSPHRASE)
    assert {problem.kind.value for problem in found.problems} == {"database"}
    saved = workflow.salvage(crashed, tmp_path / "saved", Job(), user="li", passphrase=PASSPHRASE)
    assert saved.verification.problems == ()
    assert saved.saved["patient"] == 2
    clinic = unlocked(tmp_path / "saved")
    assert len(workflow.search_patients(clinic, Job(), "王小明", 10)) == 2
    workflow.lock(clinic)


def test_only_an_administrator_salvages(clinic: workflow.Clinic, tmp_path: Path) -> None:
    workflow.people.add_user(clinic, Job(), name="zhao", roles=(Role.NURSE,), passphrase="another passphrase")
    with pytest.raises(UserFacingError) as refused:
        workflow.salvage(clinic.store.folder, tmp_path / "saved", Job(), user="zhao", passphrase="another passphrase")
    assert refused.value.kind is ErrorKind.PERMISSION
    assert not (tmp_path / "saved").exists()
