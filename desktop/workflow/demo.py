"""The demo clinic: twelve people who do not exist, with films drawn by our own code."""

from datetime import timedelta
from pathlib import Path

from desktop.access import Permission
from desktop.imaging.synthetic import demo_film
from desktop.inference import Registry
from desktop.intake import read_picture
from desktop.jobs import Job
from desktop.workflow.clinic import Clinic, Clock, open_to_all, requires, system_clock
from desktop.workflow.demo_patients import DemoPatient, demo_patients
from desktop.workflow.importing import FilePreview, import_preview
from desktop.workflow.opening import create_clinic
from desktop.workflow.patients import PatientDraft, register_patient
from desktop.workflow.suggesting import suggest

DEMO_USER = "demo"
DEMO_PASSPHRASE = "lantern-demo"
DEMO_CLINIC = "演示诊所 · Demo clinic"


@open_to_all
def create_demo_clinic(folder: Path, job: Job, *, models: Registry, clock: Clock = system_clock) -> Clinic:
    """Create the demo clinic and unlock it. Its passphrase is known to everyone: it is no place for a real patient.

    Raises what `create_clinic` raises.
    """
    clinic = create_clinic(
        folder,
        job,
        name=DEMO_CLINIC,
        admin=DEMO_USER,
        passphrase=DEMO_PASSPHRASE,
        models=models,
        clock=clock,
    ).clinic
    people = demo_patients(clock().date())
    for number, person in enumerate(people):
        job.report("workflow.progress.demo", number, len(people))
        _admit(clinic, Job(), person)  # a job of its own: the bar goes on telling of the demo clinic
    return clinic


@requires(Permission.EDIT_PATIENTS)
def _admit(clinic: Clinic, job: Job, person: DemoPatient) -> None:
    """Register one of them and import their films, the way a doctor would."""
    known = person.patient
    draft = PatientDraft(
        names=known.names,
        sex=known.sex,
        birth_date=known.birth_date,
        phones=known.phones,
        village=known.village,
        identifiers=known.identifiers,
        allergies=known.allergies,
        no_known_allergies=known.no_known_allergies,
        synthetic=True,
    )
    patient = register_patient(clinic, job, draft).patient
    for film in person.films:
        taken = clinic.clock().date() - timedelta(days=film.days_ago)
        data = demo_film(film.seed, patient, film.opacity, taken)
        preview = FilePreview(Path(f"synthetic-{film.seed}.dcm"), data, read_picture(data))
        study = import_preview(clinic, job, preview, patient.id).study
        suggest(clinic, job, study)
