"""What is done while the power may fail."""

import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from desktop import workflow
from desktop.jobs import Job
from desktop.records import ConsentDecision, ConsentPurpose, HumanName, Observation, PatientId, ReportId, StudyId
from tests.survival.desk import ADMIN, Desk

OLD_STORES = Path(__file__).resolve().parents[1] / "old_stores"
OLD_PASSPHRASE = "lantern-demo"


@dataclass(frozen=True)
class Scenario:
    """prepare: what is on the disk for certain before. perform: what is recorded."""

    prepare: Callable[[Desk], None]
    perform: Callable[[Desk], None]


def bare_pc(desk: Desk) -> None:
    """Nothing but a folder for the recovery cards."""
    desk.cards.mkdir()


def create(desk: Desk) -> None:
    """A new clinic."""
    desk.lantern(
        "clinic", "create", "--name", "清河村卫生室", "--admin", ADMIN, "--recovery-out", desk.cards / "card.txt"
    )


def person(name: str, **fields: object) -> str:
    """A FHIR Patient on one line."""
    return json.dumps({"resourceType": "Patient", "name": [{"text": name}], "gender": "female", **fields}) + "\n"


def people(count: int, start: int = 0) -> str:
    """Different people, one a line."""
    lines = []
    for number in range(start, start + count):
        born = f"20{number % 20:02}-03-0{number % 9 + 1}"
        lines.append(person(f"张{number}", birthDate=born, telecom=[{"value": f"139{number:08}"}]))
    return "".join(lines)


def clinic_with_people(desk: Desk) -> None:
    """A clinic where something lies already."""
    bare_pc(desk)
    create(desk)
    desk.lantern("patients", "add", "--batch", stdin=people(3, 900))


def first_day(desk: Desk) -> None:
    """From a bare PC to a signed report, a command at a time."""
    create(desk)
    registered = desk.lantern("patients", "add", "--batch", stdin=people(4))
    patient = registered[0]["id"]
    imported = desk.lantern("import", desk.film(1), desk.film(2), "--patient", patient)
    desk.lantern("impressions", "add", "--study", imported[0]["study"], "--text-file", desk.file("右下肺斑片影"))
    signed = desk.lantern("report", "sign", "--study", imported[0]["study"])
    desk.lantern("report", "export", signed[0]["id"], "--format", "fhir", "--out", desk.inputs / "report.json")
    desk.lantern("patients", "add", "--input", desk.file(person("最后一位")))


def three_deeds(desk: Desk) -> None:
    """Short enough to let every single call fail: a patient, a film, a report."""
    with desk.window() as clinic:
        patient = _register(desk, clinic, "王五")
        _sign(desk, clinic, _import(desk, clinic, patient, 50))


def busy_morning(desk: Desk) -> None:
    """One long sitting at the window: many commits, some films, a report, and the -wal file grows."""
    with desk.window() as clinic:
        for number in range(10):
            patient = _register(desk, clinic, f"李{number}")
            if number % 3 == 0:
                study = _import(desk, clinic, patient, number)
                _sign(desk, clinic, study)
            _edit(desk, clinic, patient, f"李{number}改")


def _register(desk: Desk, clinic: workflow.Clinic, name: str) -> PatientId:
    def deed() -> dict[str, object]:
        draft = workflow.PatientDraft((HumanName(name),), village="清河村")
        return {"status": "ok", "id": workflow.register_patient(clinic, Job(), draft).patient.id}

    return PatientId(str(desk.deed("patients add", deed)["id"]))


def _edit(desk: Desk, clinic: workflow.Clinic, patient: PatientId, name: str) -> None:
    def deed() -> dict[str, object]:
        draft = workflow.PatientDraft((HumanName(name),), phones=("13900000000",))
        return {"id": workflow.edit_patient(clinic, Job(), patient, draft).patient.id}

    desk.deed("patients edit", deed)


def _import(desk: Desk, clinic: workflow.Clinic, patient: PatientId, seed: int) -> StudyId:
    path = desk.film(100 + seed)

    def deed() -> dict[str, object]:
        done = workflow.import_file(clinic, Job(), path, patient)
        return {"status": "ok", "attachment": done.attachment, "study": done.study}

    return StudyId(str(desk.deed("import", deed)["study"]))


def _sign(desk: Desk, clinic: workflow.Clinic, study: StudyId) -> ReportId:
    def deed() -> dict[str, object]:
        report = workflow.sign_report(clinic, Job(), study, "双肺清晰", "未见异常").report
        return {"id": report.content.report, "sha256": report.sha256}

    return ReportId(str(desk.deed("report sign", deed)["id"]))


def staff_comes(desk: Desk) -> None:
    """Two more people who can open the clinic, and one who changes her passphrase."""
    nurse, doctor = ("--role", "nurse"), ("--role", "doctor")
    desk.lantern("users", "add", "护士王", *nurse, "--new-passphrase-file", desk.file("first passphrase\n"))
    desk.lantern("users", "add", "zhao", *doctor, "--new-passphrase-file", desk.file("the doctor's own\n"))
    second = desk.file("second passphrase\n")
    desk.lantern("users", "passphrase", "--new-passphrase-file", second, user="护士王", passphrase="first passphrase")


def clinic_with_staff(desk: Desk) -> None:
    """A clinic that three people can open."""
    clinic_with_people(desk)
    staff_comes(desk)


def staff_leaves(desk: Desk) -> None:
    """Every other change of the keystore but new keys."""
    card = ("--recovery-file", desk.cards / "card.txt")
    desk.lantern("users", "reset", "zhao", *card, "--new-passphrase-file", desk.file("after the reset\n"))
    desk.lantern("users", "disable", "护士王")
    desk.lantern("users", "enable", "护士王", "--new-passphrase-file", desk.file("third passphrase\n"))
    desk.lantern("clinic", "new-card", "--recovery-out", desk.cards / "second-card.txt")


def clinic_with_films(desk: Desk) -> None:
    """A clinic with films, a report, and a nurse who has left."""
    clinic_with_people(desk)
    patient = desk.lantern("patients", "add", "--batch", stdin=people(1, 800))[0]["id"]
    studies = desk.lantern("import", desk.film(11), desk.film(12), "--patient", patient)
    desk.lantern("report", "sign", "--study", studies[0]["study"], "--impression-file", desk.file("未见异常"))
    nurse = ("--role", "nurse", "--new-passphrase-file", desk.file("first passphrase\n"))
    desk.lantern("users", "add", "护士王", *nurse)
    desk.lantern("users", "disable", "护士王")


def new_keys(desk: Desk) -> None:
    """A new key epoch in the middle of the day, then work goes on."""
    desk.lantern("patients", "add", "--batch", stdin=people(1))
    desk.lantern("rekey")
    registered = desk.lantern("patients", "add", "--batch", stdin=people(1, 1))
    desk.lantern("import", desk.film(13), "--patient", registered[0]["id"])


def backups(desk: Desk) -> None:
    """A backup, work, and a second one beside it."""
    desk.lantern("backup", desk.folder / "usb")
    desk.lantern("patients", "add", "--batch", stdin=people(1))
    desk.lantern("backup", desk.folder / "usb")


def lost_pc(desk: Desk) -> None:
    """Only the stick and the card are left."""
    clinic_with_films(desk)
    desk.lantern("backup", desk.folder / "usb")
    desk.say(command=["gone"], user=ADMIN)
    shutil.rmtree(desk.store)


def bring_back(desk: Desk) -> None:
    """Restore with the card alone, then work goes on."""
    desk.lantern("restore", desk.folder / "usb", "--recovery-file", desk.cards / "card.txt")
    desk.lantern("patients", "add", "--batch", stdin=people(1))


def old_clinic(desk: Desk) -> None:
    """A clinic that First light left."""
    with zipfile.ZipFile(OLD_STORES / "first-light.zip") as archive:
        archive.extractall(desk.folder)
    (desk.folder / "first-light").rename(desk.store)
    found = workflow.verify_closed(workflow.Checkup(OLD_PASSPHRASE), desk.store, Job(), user=ADMIN, inventory=True)
    desk.say(command=["found", ADMIN, OLD_PASSPHRASE], user=ADMIN)
    desk.say(status="ok")
    for patient in found.inventory.patients:
        desk.say(command=["patients", "add"], user=ADMIN)
        desk.say(id=patient)
    for attachment in found.inventory.attachments:
        desk.say(command=["import"], user=ADMIN)
        desk.say(attachment=attachment)
    for report, digest in found.inventory.reports.items():
        desk.say(command=["report", "sign"], user=ADMIN)
        desk.say(id=report, sha256=digest)


def first_day_after_update(desk: Desk) -> None:
    """Today's program opens it for the first time."""
    desk.passphrase = OLD_PASSPHRASE
    desk.lantern("patients", "add", "--batch", stdin=people(1))
    desk.lantern("patients", "add", "--batch", stdin=people(1, 1))


def charts(desk: Desk) -> None:
    """Visits, consents, and two records of one person that become one and two again."""
    with desk.window() as clinic:
        first, second = twins = [_register(desk, clinic, "赵六") for _ in range(2)]
        for patient in twins:
            visit = workflow.VisitDraft(
                patient,
                "咳嗽",
                observations=(Observation("8310-5", 38.5, "Cel"), Observation("8867-4", 96.0, "/min")),
                conditions=(workflow.ConditionDraft("肺炎"),),
                medications=(workflow.MedicationDraft("阿莫西林"),),
            )
            desk.deed("visits add", partial(_visit, clinic, visit))
        consent = workflow.ConsentDraft(first, ConsentPurpose.TEACHING, ConsentDecision.GIVEN)
        desk.deed("consents add", lambda: {"id": workflow.record_consent(clinic, Job(), consent).consent.id})
        desk.deed("patients merge", lambda: {"id": workflow.merge_patients(clinic, Job(), first, second).merge.id})
        desk.deed("patients unmerge", lambda: {"id": workflow.unmerge(clinic, Job(), second).merge.id})


def _visit(clinic: workflow.Clinic, visit: workflow.VisitDraft) -> dict[str, object]:
    return {"id": workflow.record_visit(clinic, Job(), visit).visit.encounter.id}


SCENARIOS: Mapping[str, Scenario] = {
    "a new clinic": Scenario(bare_pc, create),
    "first day": Scenario(bare_pc, first_day),
    "three deeds": Scenario(clinic_with_people, three_deeds),
    "busy morning": Scenario(clinic_with_people, busy_morning),
    "charts": Scenario(clinic_with_people, charts),
    "staff comes": Scenario(clinic_with_people, staff_comes),
    "staff leaves": Scenario(clinic_with_staff, staff_leaves),
    "new keys": Scenario(clinic_with_films, new_keys),
    "backups": Scenario(clinic_with_films, backups),
    "bring back": Scenario(lost_pc, bring_back),
    "an old clinic": Scenario(old_clinic, first_day_after_update),
}
