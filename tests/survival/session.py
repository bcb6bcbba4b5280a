"""A whole session in a process of its own, from a file of words that nobody else knows; stays, locked, to be looked at.

What it works with comes from files, so that nothing of it lies in this program's own code.
"""

import contextlib
import gc
import io
import json
import logging
import os
import sys
from pathlib import Path

from desktop import workflow
from desktop.__main__ import main
from desktop.errors import UserFacingError
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import HumanName, Identifier


def work(folder: Path) -> None:
    """Register, import, read, sign, export, search, fail; the keys that were in use go, in hex, to a file."""
    words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
    models = workflow.Registry([])
    clinic = workflow.unlock(folder / "clinic", Job(), user="li", passphrase=words["passphrase"], models=models)
    keys = {label: clinic.unlocked.master.derive(label).hex() for label in ("db", "attachments", "audit")}
    with clinic.unlocked.master.lent() as master:
        keys["master"] = master.hex()
    with clinic.unlocked.signing_key.lent() as seed:
        keys["seed"] = seed.hex()
    (folder / "keys.json").write_text(json.dumps(keys), encoding="utf-8")
    keys.clear()
    _wait("open")
    draft = workflow.PatientDraft(
        (HumanName(words["name"]),),
        phones=(words["phone"],),
        village=words["village"],
        identifiers=(Identifier(words["identifier"]),),
    )
    patient = workflow.register_patient(clinic, Job(), draft).patient.id
    study = workflow.import_file(clinic, Job(), folder / "film.png", patient).study
    report = workflow.sign_report(clinic, Job(), study, words["findings"], words["impression"]).report.content.report
    workflow.report_bytes(clinic, Job(), report, "pdf", tuple(Language))
    workflow.search_patients(clinic, Job(), words["name"][:2])
    workflow.search_patients(clinic, Job(), words["village"])
    with contextlib.suppress(UserFacingError):
        workflow.import_file(clinic, Job(), folder / f"{words['village']}.dcm", patient)
    workflow.open_patient(clinic, Job(), patient)
    with contextlib.suppress(UserFacingError):
        workflow.sign_report(clinic, Job(), study, words["findings"], words["impression"])
    workflow.lock(clinic)


def complain(folder: Path) -> None:
    """The same words where they do not belong: a wrong passphrase, a search that fails, a file that is none."""
    words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
    first = ["--store", str(folder / "clinic"), "--user", words["name"], "--passphrase-file", str(folder / "wrong")]
    with contextlib.redirect_stdout(io.StringIO()):
        main([*first, "patients", "search", words["name"], "--json"])


def _wait(state: str) -> None:
    """Hold still while somebody looks at this process."""
    print(state, flush=True)
    os.read(0, 1)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    work(place)
    complain(place)
    gc.collect()
    _wait("locked")
    os._exit(0)
