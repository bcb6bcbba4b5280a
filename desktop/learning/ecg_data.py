"""Electrocardiograms of the data folder, their patients and their labels (PTB-XL at 100 samples a second)."""

import ast
import csv
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, UserFacingError, from_os_error
from desktop.inference.tasks.trace_findings import features
from desktop.jobs import Job
from desktop.learning.additive import Bools, Floats
from desktop.records import MILLIVOLT, STANDARD_LEADS, Lead, Trace, standard_lead

TABLE = "ptbxl100/ptbxl_database.csv"
FINDINGS: Mapping[str, str] = {
    "normal_ecg": "NORM",
    "myocardial_infarction": "MI",
    "st_t_change": "STTC",
    "conduction_disturbance": "CD",
    "hypertrophy": "HYP",
    "atrial_fibrillation": "AFIB",
}
"""Each finding and the label it is: a diagnostic superclass, or for atrial fibrillation the rhythm statement."""

_RHYTHM = "AFIB"
_MOST_BYTES = 4 * 1024 * 1024
_OLDEST, _UNKNOWN_AGE = 90.0, 120.0


@dataclass(frozen=True, eq=False)
class EcgTable:
    """numbers: (n, COUNT) what was measured on each recording, NaN where it could not be. labels: (n, findings).
    patients, ids: of the recordings. ages: years, NaN where unknown. women: (n,)."""

    numbers: Floats
    labels: Bools
    patients: tuple[str, ...]
    ids: tuple[str, ...]
    ages: Floats
    women: Bools
    sha256: str

    def part(self, index: npt.NDArray[np.bool_]) -> "EcgTable":
        """The recordings chosen."""
        places = np.flatnonzero(index)
        return EcgTable(
            self.numbers[index],
            self.labels[index],
            tuple(self.patients[place] for place in places),
            tuple(self.ids[place] for place in places),
            self.ages[index],
            self.women[index],
            self.sha256,
        )


@dataclass(frozen=True)
class EcgRecord:
    """One recording of the table. path: of its header."""

    path: Path
    id: str
    patient: str
    labels: tuple[bool, ...]
    age: float
    woman: bool


def records_of(data: Path) -> tuple[tuple[EcgRecord, ...], str]:
    """The recordings, and the hash of their table, below `data`, which may be the folder of `ecg` or `ecg` itself.

    Raises UserFacingError where it is missing or not as it should be: a wrong label must never be learned.
    """
    for root in (data / "ecg", data):
        if (root / TABLE).is_file():
            break
    else:
        raise UserFacingError("learning.no_data", kind=ErrorKind.NOT_FOUND, wanted=f"ecg/{TABLE}")
    bad = UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=TABLE)
    try:
        content = (root / TABLE).read_bytes()
        rows = list(csv.DictReader(content.decode("utf-8-sig").splitlines(), strict=True))
        folder = (root / TABLE).parent
        records = tuple(_record(folder, row) for row in rows)
    except OSError as error:
        raise from_os_error(error) from error
    except (ValueError, SyntaxError, KeyError, TypeError, csv.Error) as error:
        raise bad from error
    if len({record.id for record in records}) != len(records):
        raise bad
    return records, hashlib.sha256(content).hexdigest()


def _record(folder: Path, row: Mapping[str, str]) -> EcgRecord:
    """Raises ValueError, KeyError, SyntaxError for a row that is not as it should be."""
    codes = ast.literal_eval(row["scp_codes"])
    if not isinstance(codes, dict):
        raise ValueError("no statements")
    classes = set(filter(None, row["superclass"].split(";")))
    if not classes <= set(FINDINGS.values()):
        raise ValueError("an unknown superclass")
    if row["sex"] not in ("0", "1"):
        raise ValueError("an unknown sex")
    said = classes | ({_RHYTHM} if _RHYTHM in codes else set())
    age = float(row["age"] or "nan")
    path = folder / f"{row['filename_lr']}.hea"
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError("a recording elsewhere")
    return EcgRecord(
        path=path,
        id=row["ecg_id"],
        patient=row["patient_id"].removesuffix(".0"),
        labels=tuple(label in said for label in FINDINGS.values()),
        age=_OLDEST if age > _UNKNOWN_AGE else age,  # older than 89 is written as 300
        woman=row["sex"] == "1",
    )


def measure_all(data: Path, job: Job, say: Callable[[str], None]) -> EcgTable:
    """Every recording measured as the clinic measures it. Raises as `records_of`, and Cancelled."""
    records, digest = records_of(data)
    numbers = []
    for index, record in enumerate(records):
        if index % 20 == 0:
            job.report("learning.progress.reading", index, len(records))
        numbers.append(features(read_trace(record.path))[0][0])
    say(f"measured {len(records)} recordings of {len({record.patient for record in records})} patients")
    return EcgTable(
        np.array(numbers, dtype=np.float64),
        np.array([record.labels for record in records], dtype=bool),
        tuple(record.patient for record in records),
        tuple(record.id for record in records),
        np.array([record.age for record in records]),
        np.array([record.woman for record in records]),
        digest,
    )


def read_trace(path: Path) -> Trace:
    """A WFDB recording of one file of 16-bit samples, in mV, as PTB-XL keeps them (the clinic's own reader knows many
    more kinds; recipes have none of it). Raises UserFacingError for any other."""
    bad = UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=path.name)
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        _, leads, rate, length = lines[0].split()[:4]
        signals = [line.split() for line in lines[1 : 1 + int(leads)]]
        data = path.with_suffix(".dat").read_bytes()[:_MOST_BYTES]
        plain = all(signal[:2] == [f"{path.stem}.dat", "16"] for signal in signals)
        gains = np.array([float(signal[2].removesuffix("(0)/mV")) for signal in signals])
        samples = np.frombuffer(data, "<i2").reshape(int(length), int(leads)).T
    except OSError as error:
        raise from_os_error(error) from error
    except (ValueError, IndexError) as error:
        raise bad from error
    names = tuple(standard_lead(signal[-1]) for signal in signals)
    if not plain or names != STANDARD_LEADS or not (gains > 0).all():
        raise bad
    values = (samples / gains[:, None]).astype(np.float32)
    return Trace(values, float(rate), tuple(Lead(name, MILLIVOLT) for name in names))
