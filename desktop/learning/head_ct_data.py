"""Slices of head CT of the data folder, whose they are, and what they show."""

import csv
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, UserFacingError, from_os_error
from desktop.inference.head_slice import measure
from desktop.inference.preparation import resample
from desktop.jobs import Job
from desktop.learning.additive import Bools, Floats
from desktop.learning.films import read_grey

FOLDER = "ct/head_ct_ich"
FINDINGS = ("haemorrhage", "fracture")
_COLUMNS = ("any_haemorrhage", "fracture")
KINDS = ("intraventricular", "intraparenchymal", "subarachnoid", "epidural", "subdural")
THUMBNAIL = 24


@dataclass(frozen=True)
class Slice:
    """One slice. name: the same on every machine. shown: FINDINGS; kinds: KINDS of haemorrhage."""

    path: Path
    name: str
    patient: str
    shown: tuple[bool, ...]
    kinds: tuple[bool, ...]


@dataclass(frozen=True, eq=False)
class SliceTable:
    """numbers: (n, measured) float64, NaN where not measured. thumbnails: (n, THUMBNAIL squared). labels: (n,
    findings). kinds: (n, KINDS)."""

    slices: tuple[Slice, ...]
    numbers: Floats
    thumbnails: Floats
    labels: Bools
    kinds: Bools
    patients: tuple[str, ...]
    sha256: str

    def part(self, index: npt.NDArray[np.bool_]) -> "SliceTable":
        """The slices chosen."""
        places = np.flatnonzero(index)
        return SliceTable(
            tuple(self.slices[place] for place in places),
            self.numbers[index],
            self.thumbnails[index],
            self.labels[index],
            self.kinds[index],
            tuple(self.patients[place] for place in places),
            self.sha256,
        )


def find_slices(data: Path) -> Path:
    """The folder of slices below `data`, which may be the folder of `ct` or `ct` itself. Raises UserFacingError."""
    for folder in (data / FOLDER, data / Path(FOLDER).name):
        if (folder / "labels.csv").is_file():
            return folder
    raise UserFacingError("learning.no_data", kind=ErrorKind.NOT_FOUND, wanted=FOLDER)


def read_slices(folder: Path) -> tuple[Slice, ...]:
    """All slices in a fixed order. Raises UserFacingError where the table or a slice is not as it should be: a wrong
    label must never be learned."""
    bad = UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=f"{folder.name}/labels.csv")
    try:
        with (folder / "labels.csv").open(encoding="utf-8-sig", newline="") as stream:
            slices = [_slice(folder, row) for row in csv.DictReader(stream, strict=True)]
    except OSError as error:
        raise from_os_error(error) from error
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise bad from error
    if len({one.name for one in slices}) != len(slices):
        raise bad
    return tuple(sorted(slices, key=lambda one: one.name))


def _slice(folder: Path, row: dict[str, str]) -> Slice:
    """Raises ValueError, KeyError."""
    path = folder / row["image"]
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file() or not row["patient"]:
        raise ValueError("no such slice")
    shown, kinds = (tuple(_yes(row[name]) for name in names) for names in (_COLUMNS, KINDS))
    if any(kinds) and not shown[0]:
        raise ValueError("a kind of haemorrhage and none of any")
    return Slice(path, f"{folder.name}/{row['image']}", row["patient"], shown, kinds)


def _yes(text: str) -> bool:
    """Raises ValueError for anything but 0 and 1."""
    if text not in ("0", "1"):
        raise ValueError(text)
    return text == "1"


def data_hash(slices: tuple[Slice, ...]) -> str:
    """SHA-256 (hex) over names, patients, labels and bytes of the slices."""
    digest = hashlib.sha256()
    for one in slices:
        said = "".join(str(int(shown)) for shown in (*one.shown, *one.kinds))
        inner = hashlib.sha256(one.path.read_bytes()).hexdigest()
        digest.update(f"{one.name}\t{one.patient}\t{said}\t{inner}\n".encode())
    return digest.hexdigest()


def measure_all(data: Path, job: Job, say: Callable[[str], None]) -> SliceTable:
    """Every slice measured as the clinic measures it. Raises as `read_slices`, and Cancelled."""
    slices = read_slices(find_slices(data))
    say(f"measuring {len(slices)} slices of {len({one.patient for one in slices})} people")
    numbers, thumbnails = [], []
    for place, one in enumerate(slices):
        job.check()
        if place % 20 == 0:
            job.report("learning.progress.reading", place, len(slices))
        grey = read_grey(one.path)
        numbers.append(measure(grey)[0])
        thumbnails.append(resample(grey, THUMBNAIL).ravel())
    return SliceTable(
        slices,
        np.array(numbers, dtype=np.float64),
        np.array(thumbnails, dtype=np.float64),
        np.array([one.shown for one in slices], dtype=bool),
        np.array([one.kinds for one in slices], dtype=bool),
        tuple(one.patient for one in slices),
        data_hash(slices),
    )
