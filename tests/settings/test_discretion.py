"""Whatever a library says, no name goes to standard error or into a log. Each test runs in a process of its own, as
what is set up there is the whole process's."""

import json
import logging
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from tests.intake.dicom_files import file_bytes, film

CANARY = "Canarina"

SAID = f"""
import logging, sys, threading, warnings
from desktop.settings import speak_no_names

class Gone:
    def __repr__(self): return "{CANARY}"
    def __del__(self): raise ValueError("{CANARY}")

def fails(): raise ValueError("{CANARY}")

speak_no_names(sys.stderr)
logging.getLogger("pydicom").warning("a value of {CANARY}")
logging.getLogger("pynetdicom.acse").error("%s", "{CANARY}")
try:
    fails()
except ValueError as error:
    logging.getLogger("pynetdicom.events").exception(error)
    logging.getLogger("desktop.network").exception("it was not kept")
logging.getLogger("desktop.network").warning("%d", "{CANARY}")
logging.captureWarnings(False)
warnings.warn("{CANARY}")
thread = threading.Thread(target=fails, name="{CANARY}")
thread.start()
thread.join()
gone = Gone()
del gone
fails()
"""


def ran(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, encoding="utf-8")


def test_who_spoke_is_told_and_not_what_was_said() -> None:
    done = ran("-W", "always", "-c", SAID)
    assert done.returncode == 1
    assert CANARY not in done.stderr + done.stdout
    for told in (
        r"WARNING pydicom: at <string>:\d+",
        r"ERROR pynetdicom\.acse: at <string>:\d+",
        r"ERROR pynetdicom\.events: at <string>:\d+",
        r"ERROR desktop\.network: it was not kept\nValueError\n",
        r"UserWarning at <string>:\d+",
        r"unexpected failure in a thread\nValueError\n",
        r"unexpected failure while something was put away\nValueError\n",
        r"unexpected failure\nValueError\n",
    ):
        assert re.search(told, done.stderr), (told, done.stderr)


def full_of_names(character_set: str = "ISO_IR 192") -> bytes:
    """A film with the canary, too long and with what no value may hold, in every element of text there is."""
    made = film(np.zeros((8, 8), np.uint16), PatientName=None, PatientID=None)
    odd = (f"{CANARY}^=" * 8 + "\\").encode()
    texts = {"PN", "LO", "SH", "LT", "ST", "UT", "UC", "CS", "DA", "TM", "DT", "AS", "IS", "DS", "UI", "AE", "UR"}
    for number, (vr, _vm, _name, _retired, keyword) in DicomDictionary.items():
        tag = Tag(number)
        if (
            vr in texts
            and tag.group not in (0, 2, 0x28)
            and keyword
            and keyword not in made
            and keyword != "SpecificCharacterSet"
        ):
            made[tag] = RawDataElement(tag, vr, len(odd), odd, 0, False, True)
    made["SpecificCharacterSet"] = RawDataElement(Tag(0x80005), "CS", 10, character_set.encode(), 0, False, True)
    loud = logging.getLogger("pydicom")
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setattr(loud, "disabled", True)
        return file_bytes(made)


def test_a_file_full_of_odd_names_leaves_none_on_standard_error(tmp_path: Path) -> None:
    path, cut, odd = tmp_path / "a.dcm", tmp_path / "b.dcm", tmp_path / "c.dcm"
    path.write_bytes(full_of_names())
    cut.write_bytes(path.read_bytes()[:20_000])
    odd.write_bytes(full_of_names(CANARY))
    done = ran("-W", "always", "-m", "desktop", "inspect", str(path), str(cut), str(odd), "--json")
    states = [json.loads(line)["status"] for line in done.stdout.splitlines()]
    assert (states[0], states[2]) == ("ok", "ok")
    assert states[1] != "ok"
    assert CANARY not in done.stderr
    assert CANARY not in done.stdout
