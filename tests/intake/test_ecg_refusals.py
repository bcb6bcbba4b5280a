"""Bad traces end in one sentence, and nothing is reserved for what a header only claims."""

import random
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from desktop.errors import UserFacingError
from desktop.i18n import Language, catalogue
from desktop.intake.ecg import read_recording, read_trace_file
from desktop.intake.ecg_parts import MAX_TRACE_VALUES
from desktop.intake.wfdb_bundle import pack
from desktop.jobs import Job
from tests.intake.test_ecg_formats import GOLDEN, dicom_file, drawn, packed_scp, scp_file

MUTATIONS = 250


def edf(**changes: bytes) -> bytes:
    """pyEDFlib's file with header fields overwritten. changes: by their place, such as at_236=b'99999999'."""
    data = bytearray((GOLDEN / "pyedflib.edf").read_bytes())
    for place, value in changes.items():
        at = int(place.removeprefix("at_"))
        data[at : at + len(value)] = value
    return bytes(data)


SCP_STEPS = np.zeros((2, 100), np.int64)
REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "intake.empty"),
    "words": (b"Dear doctor, please find enclosed\n", "ecg.not_recognised"),
    "wfdb, no signal file": (b"r 1 200 10\nr.dat 16 100/mV 16 0 0 0 0 II\n", "ecg.companion_missing"),
    "wfdb, points elsewhere": (b"r 1 200 10\n../../etc/passwd 16 100/mV 16 0 0 0 0 II\n", "ecg.damaged"),
    "wfdb, a day of 512 leads": (b"r 1 200 99999999\nr.dat 16 100/mV 16 0 0 0 0 II\n", "ecg.too_long"),
    "wfdb, too many leads": (b"r 4000 200 10\nr.dat 16 100/mV 16 0 0 0 0 II\n", "ecg.too_many_leads"),
    "wfdb, unknown format": (b"r 1 200 10\nr.dat 508 100/mV 16 0 0 0 0 II\n", "ecg.unsupported_format"),
    "edf, more records than bytes": (edf(at_236=b"99999999"), "ecg.truncated"),
    "edf, cut off": (edf()[:1500], "ecg.truncated"),
    "edf, no record duration": (edf(at_244=b"0       "), "ecg.damaged"),
    "aecg, entities": (b'<!DOCTYPE a [<!ENTITY b "c">]><AnnotatedECG>&b;</AnnotatedECG>', "ecg.damaged"),
    "aecg, cut off": ((GOLDEN / "biosig_aecg.xml").read_bytes()[:20000], "ecg.truncated"),
    "aecg, empty": (b"<AnnotatedECG xmlns='urn:hl7-org:v3'/>", "ecg.no_samples"),
    "scp, cut off": ((GOLDEN / "biosig.scp").read_bytes()[:9000], "ecg.truncated"),
    "scp, a bit turned": (
        (GOLDEN / "biosig.scp").read_bytes()[:8000] + b"\x7f" + (GOLDEN / "biosig.scp").read_bytes()[8001:],
        "ecg.damaged",
    ),
    "scp, several tables": (scp_file(SCP_STEPS, huffman=True, differences=2, tables=2), "ecg.unsupported_format"),
    "scp, reference beat": (
        packed_scp({3: bytes([1, 1]) + struct.pack("<IIB", 1, 9, 1), 6: struct.pack("<HHBBH", 1, 1, 0, 0, 0)}),
        "ecg.unsupported_format",
    ),
    "scp, four thousand million samples": (
        packed_scp(
            {3: bytes([1, 0]) + struct.pack("<IIB", 1, 2**32 - 1, 1), 6: struct.pack("<HHBBH", 1, 2000, 0, 0, 0)}
        ),
        "ecg.too_long",
    ),
    "table, no rate": (b"II,V1\n1,2\n2,3\n", "ecg.no_rate"),
    "table, time without a unit": (b"time,II\n1,2\n2,3\n", "ecg.no_rate"),
    "table, a gap in time": (b"time_s,II\n0,1\n0.1,1\n0.2,1\n0.9,1\n1.0,1\n", "ecg.uneven_time"),
    "table, a word among numbers": (b"# fs: 100\nII\n1\n2\nfell off\n4\n", "ecg.damaged"),
    "bundle, no zip behind it": (pack({"r.hea": b"x"})[:50], "ecg.damaged"),
    "dicom, more samples than bytes": (
        dicom_file(drawn()).replace(struct.pack("<HI", 4, 1000), struct.pack("<HI", 4, 9000)),
        "ecg.truncated",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_for_what_it_is(name: str) -> None:
    data, key = REFUSED[name]
    with pytest.raises(UserFacingError) as caught:
        read_recording(data)
    assert caught.value.key == key
    for language in Language:
        assert catalogue(language)[key]
        assert catalogue(language)[f"{key}.advice"]


def test_a_header_that_lies_reserves_nothing() -> None:
    claims = [
        f"r 1 200 {MAX_TRACE_VALUES - 1}\nr.dat 16 100/mV 16 0 0 0 0 II\n".encode(),
        edf(at_236=b"30000000"),
        dicom_file(drawn()).replace(struct.pack("<HI", 4, 1000), struct.pack("<HI", 4, 15_000_000)),
    ]
    for data in claims:
        tracemalloc.start()
        with pytest.raises(UserFacingError):
            read_recording(data, {"r.dat": bytes(100)}.get)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 30_000_000, peak


SOURCES: dict[str, Callable[[], bytes]] = {
    "scp": lambda: (GOLDEN / "biosig.scp").read_bytes(),
    "huffman": lambda: scp_file(np.arange(400).reshape(2, 200) % 37, huffman=True, differences=2),
    "aecg": lambda: (GOLDEN / "biosig_aecg.xml").read_bytes()[:6000] + b"</digits>",
    "edf": edf,
    "dicom": lambda: dicom_file(drawn()),
    "wfdb": lambda: pack({n: (GOLDEN / n).read_bytes() for n in ("w212.hea", "w212.dat")}),
    "table": lambda: b"# sampling_rate: 100\nII (mV),V1\n" + b"1.5,2\n" * 40,
}


@pytest.mark.parametrize("name", SOURCES)
def test_spoilt_files_give_a_recording_or_a_sentence(name: str) -> None:
    """Bytes overwritten, cut out and doubled, mostly near the beginning where headers lie."""
    whole = SOURCES[name]()
    dice = random.Random(name)
    refusals = set()
    for _ in range(MUTATIONS):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            at = (
                min(int(dice.expovariate(1 / 400)), len(data) - 1) if dice.random() < 0.8 else dice.randrange(len(data))
            )
            choice = dice.random()
            if choice < 0.7:
                data[at] = dice.randrange(256)
            elif choice < 0.85:
                del data[at : at + dice.randint(1, 64)]
            else:
                data[at:at] = data[at : at + dice.randint(1, 64)]
        try:
            assert read_recording(bytes(data)).main.leads
        except UserFacingError as error:
            refusals.add(error.key)
    assert refusals
    assert refusals <= set(catalogue(Language.ENGLISH))


def test_a_record_whose_signal_file_is_elsewhere_names_it(tmp_path: Path) -> None:
    (tmp_path / "w16.hea").write_bytes((GOLDEN / "w16.hea").read_bytes())
    with pytest.raises(UserFacingError) as caught:
        read_trace_file(tmp_path / "w16.hea", Job())
    assert caught.value.details["file"] == "w16.dat"
