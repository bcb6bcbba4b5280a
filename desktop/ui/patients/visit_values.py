"""What is measured at a visit, and what people type about it. Pure: no Qt, no clinic.

What was not measured is left empty and stays unknown; it is never taken for normal.
"""

import re
import unicodedata
from dataclasses import dataclass

from desktop.records import Observation
from desktop.workflow import MedicationDraft

_NUMBER = re.compile(r"\d{1,3}(?:\.\d{1,2})?")
_PRESSURE = re.compile(r"(\d{2,3})\s*[/ ]\s*(\d{2,3})")
_MEDICINES = re.compile(r"[;；\n]+")
_INSTRUCTION = re.compile(r"[:：]")

SYSTOLIC, DIASTOLIC, PRESSURE_UNIT = "8480-6", "8462-4", "mm[Hg]"


@dataclass(frozen=True)
class Measure:
    """One kind of measurement. name: part of its sentence's key. code: LOINC; unit: UCUM, shown: as people write it.

    lowest, highest: beyond them it was mistyped; a value within them may still be dangerous.
    """

    name: str
    code: str
    unit: str
    shown: str
    lowest: float
    highest: float

    def read(self, text: str) -> Observation | None:
        """What was typed; None for nothing. Raises ValueError for what no living patient has, or no number."""
        plain = unicodedata.normalize("NFKC", text).strip().replace(",", ".")
        if not plain:
            return None
        if not _NUMBER.fullmatch(plain):
            raise ValueError("not a number")
        value = float(plain)
        if not self.lowest <= value <= self.highest:
            raise ValueError("out of range")
        return Observation(self.code, value, self.unit)


TEMPERATURE = Measure("temperature", "8310-5", "Cel", "°C", 25, 45)
PULSE = Measure("pulse", "8867-4", "/min", "/min", 20, 300)
BREATHS = Measure("breaths", "9279-1", "/min", "/min", 4, 150)
OXYGEN = Measure("oxygen", "59408-5", "%", "%", 30, 100)
WEIGHT = Measure("weight", "29463-7", "kg", "kg", 0.3, 300)
MEASURES = (TEMPERATURE, PULSE, BREATHS, OXYGEN, WEIGHT)
UPPER = Measure("systolic", SYSTOLIC, PRESSURE_UNIT, "mmHg", 30, 300)
LOWER = Measure("diastolic", DIASTOLIC, PRESSURE_UNIT, "mmHg", 10, 200)


def read_pressure(text: str) -> tuple[Observation, ...]:
    """`120/80` as both values; nothing for nothing. Raises ValueError for anything else, or upper below lower."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain:
        return ()
    match = _PRESSURE.fullmatch(plain)
    if match is None:
        raise ValueError("not a blood pressure")
    upper, lower = UPPER.read(match[1]), LOWER.read(match[2])
    assert upper is not None
    assert lower is not None
    if int(match[1]) <= int(match[2]):
        raise ValueError("upper below lower")
    return (upper, lower)


def read_medicines(text: str) -> tuple[MedicationDraft, ...]:
    """`amoxicillin: 250 mg three times a day, 5 days; zinc` as two medicines, the first with its instruction."""
    found = []
    for entry in _MEDICINES.split(text):
        name, _, instruction = (part.strip() for part in _INSTRUCTION.sub(":", entry, count=1).partition(":"))
        if name:
            found.append(MedicationDraft(name, instruction=instruction))
    return tuple(found)


def number_text(value: float) -> str:
    """Without a needless `.0`."""
    return f"{value:g}"
