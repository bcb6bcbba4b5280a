"""Traces of every format, written by other software or byte by byte after the standard, against what was put in."""

import io
import struct
from pathlib import Path

import edfio
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, generate_uid

from desktop.intake.ecg import find_trace, read_recording, read_trace_file, trace_reader
from desktop.intake.scp import _DEFAULT_CODES
from desktop.jobs import Job
from desktop.records import STANDARD_LEADS, Modality, Recording, Sex, Trace, TraceFormat, standard_lead
from desktop.signals.synthetic import DrawnHeart, draw

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "ecg"
Samples = npt.NDArray[np.float32]


def drawn() -> Trace:
    """What the golden files hold."""
    return draw(DrawnHeart(rr=(700.0,)), rate=250.0, seconds=4.0).trace


def read(path: Path) -> Recording:
    """A file with whatever lies beside it."""
    return read_trace_file(path, Job()).recording


@pytest.mark.parametrize(("name", "format"), [("biosig.scp", TraceFormat.SCP), ("biosig_aecg.xml", TraceFormat.AECG)])
def test_what_libbiosig_wrote(name: str, format: TraceFormat) -> None:
    recording = read(GOLDEN / name)
    trace = recording.main
    assert recording.format is format
    assert recording.header.modality is Modality.ECG
    assert (trace.rate, trace.samples.shape) == (250.0, (12, 1000))
    assert tuple(lead.name for lead in trace.leads) == STANDARD_LEADS
    assert {lead.unit for lead in trace.leads} == {"mV"}
    assert trace.start is not None
    assert trace.start.date().isoformat() == "2026-05-06"
    assert np.abs(trace.samples - drawn().samples).max() <= 0.00051, "half a microvolt of rounding"


def test_filters_of_an_aecg_are_told() -> None:
    lead = read(GOLDEN / "biosig_aecg.xml").main.leads[0]
    assert (lead.low_hz, lead.high_hz, lead.notch_hz) == (0.05, 100.0, None)


def test_what_pyedflib_wrote() -> None:
    recording = read(GOLDEN / "pyedflib.edf")
    ecg, breath = sorted(recording.traces, key=lambda trace: -trace.rate)
    assert recording.main is ecg
    assert (ecg.rate, ecg.length, ecg.leads[0].name, ecg.leads[0].unit) == (250.0, 500, "I", "mV")
    assert (breath.rate, breath.leads[0].name, breath.leads[0].unit) == (25.0, "Resp", "Ohm")
    assert np.abs(ecg.samples[0] - drawn().samples[0, :500]).max() < 0.0052
    assert (ecg.leads[0].low_hz, ecg.leads[0].high_hz, ecg.leads[0].notch_hz) == (0.05, 100.0, 50.0)
    assert [(mark.sample, mark.label) for mark in ecg.marks] == [(125, "cough")]
    header = recording.header
    assert (header.name_groups, header.patient_number, header.sex) == (("Nobody Drawn",), "X1", Sex.FEMALE)
    assert str(header.birth_date) == "1980-02-03"


def test_what_edfio_wrote_in_24_bits() -> None:
    trace = drawn()
    signal = edfio.BdfSignal(trace.samples[1].astype(np.float64), 250, label="II", physical_dimension="mV")
    recording = read_recording(edfio.Bdf([signal]).to_bytes())
    assert np.abs(recording.main.samples[0] - trace.samples[1]).max() < 1e-5


@pytest.mark.parametrize("name", ["w80", "w212", "w16", "w24", "w32"])
def test_what_wfdb_wrote(name: str) -> None:
    recording = read(GOLDEN / f"{name}.hea")
    trace = recording.main
    step = {"w80": 0.02, "w212": 0.005}.get(name, 0.001)
    assert (trace.rate, trace.samples.shape) == (250.0, (2, 500))
    assert [lead.name for lead in trace.leads] == ["I", "II"]
    assert np.abs(trace.samples - np.round(drawn().samples[:2, :500], 2)).max() <= step / 2 + 1e-6
    assert recording.header.age_years == 46
    assert recording.header.sex is Sex.FEMALE


def in_format(number: int, values: npt.NDArray[np.int64]) -> bytes:
    """Values as signal(5) says that they are stored."""
    if number == 8:
        return np.diff(values, prepend=values[0]).astype(np.int8).tobytes()
    if number == 61:
        return values.astype(">i2").tobytes()
    if number == 160:
        return (values + 32768).astype("<u2").tobytes()
    bits = values & 0x3FF
    packed = b""
    for first, second, third in bits.reshape(-1, 3).tolist():
        if number == 310:
            packed += struct.pack("<HH", first << 1 | (third & 0x1F) << 11, second << 1 | third >> 5 << 11)
        else:
            packed += struct.pack("<I", first | second << 10 | third << 20)
    return packed


@pytest.mark.parametrize("number", [8, 61, 160, 310, 311])
def test_the_rarer_formats_of_wfdb(number: int) -> None:
    values = np.round(60 * np.sin(np.arange(300) / 20)).astype(np.int64)
    header = f"r 1 200 300\nr.dat {number} 100/mV 12 0 {values[0]} 0 0 II\n".encode()
    files = {"r.dat": in_format(number, values)}
    trace = read_recording(header, files.get).main
    assert np.abs(trace.samples[0] - values / 100).max() < 1e-6


def test_a_missing_value_of_wfdb_stays_missing() -> None:
    values = np.array([5, -32768, 7], "<i2")
    trace = read_recording(b"r 1 200 3\nr.dat 16 100 16 0 0 0 0 II\n", {"r.dat": values.tobytes()}.get).main
    assert np.isnan(trace.samples[0]).tolist() == [False, True, False]


def test_without_a_gain_no_millivolt_is_invented() -> None:
    files = {"r.dat": np.arange(100, dtype="<i2").tobytes()}
    for gain in ("", " 0 16 0 0 0 0 II"):
        trace = read_recording(f"r 1 200 100\nr.dat 16{gain}\n".encode(), files.get).main
        assert trace.leads[0].unit == ""
        assert not trace.leads[0].calibrated
        assert trace.samples[0].tolist() == list(range(100))


def test_a_record_in_pieces_has_a_gap_where_nothing_was_recorded() -> None:
    piece = np.arange(50, dtype="<i2").tobytes()
    one = b"p1 1 200 50\np1.dat 16 100/mV 16 0 0 0 0 II\n"
    files = {"p1.hea": one, "p1.dat": piece}
    trace = read_recording(b"r/3 1 200 130\np1 50\n~ 30\np1 50\n", files.get).main
    assert trace.length == 130
    assert np.isnan(trace.samples[0, 50:80]).all()
    assert np.allclose(trace.samples[0, 80:], np.arange(50) / 100)


def test_a_record_is_kept_with_all_its_files_and_reads_the_same_from_what_is_kept(tmp_path: Path) -> None:
    for name in ("w16.hea", "w16.dat"):
        (tmp_path / name).write_bytes((GOLDEN / name).read_bytes())
    assert find_trace(tmp_path / "w16.dat") == tmp_path / "w16.hea"
    first, second = (read_trace_file(tmp_path / name, Job()) for name in ("w16.hea", "w16.dat"))
    assert first.data == second.data, "whichever of its files was dropped"
    again = read_recording(first.data).main
    assert np.array_equal(again.samples, first.recording.main.samples)


# SCP-ECG with the standard's own coding; libbiosig writes none, and reads what this writes


def scp_file(samples: npt.NDArray[np.int64], *, huffman: bool, differences: int, tables: int = 19999) -> bytes:
    """Leads I and II at 500 Hz, 1 microvolt a step."""
    sections = {1: b"\xff\0\0", 3: bytes([2, 0b00010100])}
    for code in (1, 2):
        sections[3] += struct.pack("<IIB", 1, samples.shape[1], code)
    leads = []
    for row in samples:
        values = row.copy()
        if differences == 1:
            values[1:] = np.diff(row)
        elif differences == 2:
            values[2:] = row[2:] - 2 * row[1:-1] + row[:-2]
        leads.append(huffman_coded(values) if huffman else values.astype("<i2").tobytes())
    if huffman:
        sections[2] = struct.pack("<H", tables)
    sections[6] = (
        struct.pack("<HHBB", 1000, 2000, differences, 0) + struct.pack("<2H", *map(len, leads)) + b"".join(leads)
    )
    return packed_scp(sections)


def huffman_coded(values: npt.NDArray[np.int64]) -> bytes:
    """By the default table (EN 1064, annex C)."""
    short = {code.value: code.prefix for code in _DEFAULT_CODES if not code.extra}
    bits = ""
    for value in values.tolist():
        if value in short:
            bits += short[value]
        elif -128 <= value < 128:
            bits += "1111111110" + format(value & 0xFF, "08b")
        else:
            bits += "1111111111" + format(value & 0xFFFF, "016b")
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def packed_scp(sections: dict[int, bytes]) -> bytes:
    """Sections behind a table of pointers, with their checksums."""
    import binascii

    def section(number: int, body: bytes) -> bytes:
        rest = struct.pack("<HIBB", number, len(body) + 16, 13, 13) + (b"SCPECG" if number == 0 else b"\0" * 6) + body
        return struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest

    at = 6 + 16 + 10 * 12 + 1
    pointers, bodies = b"", b""
    for number in range(12):
        size = len(sections[number]) + 16 if number in sections else 0
        if number == 0:
            pointers += struct.pack("<HII", 0, 16 + 120, 7)
            continue
        pointers += struct.pack("<HII", number, size, at if size else 0)
        if size:
            bodies += section(number, sections[number])
            at += size
    whole = section(0, pointers) + bodies
    rest = struct.pack("<I", len(whole) + 6) + whole
    return struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest


@pytest.mark.parametrize("differences", [0, 1, 2])
@pytest.mark.parametrize("huffman", [False, True])
def test_every_coding_of_scp_that_is_read(huffman: bool, differences: int) -> None:
    steps = np.round(draw(DrawnHeart(), seconds=2.0).trace.samples[:2] * 1000).astype(np.int64)
    trace = read_recording(scp_file(steps, huffman=huffman, differences=differences)).main
    assert (trace.rate, [lead.name for lead in trace.leads]) == (500.0, ["I", "II"])
    assert np.abs(trace.samples * 1000 - steps).max() < 1e-3


# DICOM


def dicom_file(trace: Trace, *, big: bool = False, sensitivity: bool = True) -> bytes:
    """A general ECG of I and II, 16 bits, with a padding value and an annotation."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian if big else ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.9.1.2")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.Modality, dataset.PatientName, dataset.AcquisitionDateTime = "ECG", "Drawn^Nobody", "20260506070809.5"
    group = Dataset()
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = 2, trace.length
    group.SamplingFrequency, group.WaveformBitsAllocated, group.WaveformSampleInterpretation = "250", 16, "SS"
    group.WaveformOriginality, group.MultiplexGroupLabel = "ORIGINAL", "RHYTHM"
    group.ChannelDefinitionSequence = [channel(code, sensitivity) for code in ("5.6.3-9-1", "2:2")]
    stored = np.round(trace.samples[:2].T * 400).astype(">i2" if big else "<i2")
    stored[7, 0] = -32768
    group.WaveformPaddingValue = stored[7:8, 0].tobytes()
    group.WaveformData = stored.tobytes()
    dataset.WaveformSequence = [group]
    note, concept = Dataset(), Dataset()
    concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning = "5.10.3-1", "SCPECG", "P Onset"
    note.ConceptNameCodeSequence, note.ReferencedSamplePositions = [concept], 11
    note.ReferencedWaveformChannels, note.TemporalRangeType = [1, 2], "POINT"
    dataset.WaveformAnnotationSequence = [note]
    written = io.BytesIO()
    pydicom.dcmwrite(written, dataset, enforce_file_format=True)
    return written.getvalue()


def channel(code: str, sensitivity: bool) -> Dataset:
    """0.0025 mV a step, given in microvolts."""
    made, source, unit = Dataset(), Dataset(), Dataset()
    source.CodeValue, source.CodingSchemeDesignator, source.CodeMeaning = code, "SCPECG", "?"
    made.ChannelSourceSequence = [source]
    if sensitivity:
        unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "uV", "UCUM", "microvolt"
        made.ChannelSensitivity, made.ChannelSensitivityUnitsSequence = "1.25", [unit]
        made.ChannelSensitivityCorrectionFactor, made.ChannelBaseline = "2", "0"
    made.WaveformBitsStored = 16
    return made


@pytest.mark.parametrize("big", [False, True])
def test_a_dicom_waveform_of_either_byte_order(big: bool) -> None:
    recording = read_recording(dicom_file(drawn(), big=big))
    trace = recording.main
    assert np.isnan(trace.samples[0, 7]), "the padding value is no sample"
    assert np.nanmax(np.abs(trace.samples - drawn().samples[:2])) <= 0.00126
    assert [(lead.name, lead.unit) for lead in trace.leads] == [("I", "mV"), ("II", "mV")]
    assert trace.start is not None
    assert trace.start.isoformat() == "2026-05-06T07:08:09.500000"
    assert [(mark.sample, mark.label, mark.lead) for mark in trace.marks] == [(10, "P Onset", 1)]
    assert recording.header.name_groups == ("Drawn^Nobody",)


def test_a_dicom_waveform_without_sensitivity_has_no_unit() -> None:
    lead = read_recording(dicom_file(drawn(), sensitivity=False)).main.leads[0]
    assert lead.unit == ""


# Tables


def test_a_table_with_a_time_column_and_units() -> None:
    rows = "\n".join(f"{n / 250:.3f},{n % 7},{n % 5 * 1000}" for n in range(100))
    trace = read_recording(f"time_s,Lead II (mV),V1 [uV]\n{rows}\n".encode()).main
    assert (trace.rate, trace.samples.shape) == (250.0, (2, 100))
    assert [(lead.name, lead.unit) for lead in trace.leads] == [("II", "mV"), ("V1", "mV")]
    assert trace.samples[1, :6].tolist() == [0, 1, 2, 3, 4, 0]


def test_a_table_with_remarks_semicolons_and_gaps() -> None:
    text = "# sampling_rate: 500 Hz\n# unit: mV\n# start: 2026-05-06T07:08:09\nI;II\n0,5;1\n;2\n0,25;3\n"
    recording = read_recording(text.encode())
    assert recording.main.rate == 500.0
    assert np.array_equal(recording.main.samples[0], np.array([0.5, np.nan, 0.25], np.float32), equal_nan=True)
    assert str(recording.header.study_date) == "2026-05-06"


def test_a_table_without_units_is_shown_without_millivolts() -> None:
    trace = read_recording(b"fs=100\nII\n1\n2\n3\n".replace(b"fs", b"# fs")).main
    assert trace.leads[0].unit == ""


@pytest.mark.parametrize(
    ("given", "usual"),
    [
        ("avr", "aVR"),
        ("Lead aVL", "aVL"),
        ("MDC_ECG_LEAD_V6", "V6"),
        ("ECG II", "II"),
        ("Lead I (Einthoven)", "I"),
        ("ECG_2", "ECG 2"),
        ("X", "X"),
        ("PLETH", "PLETH"),
        ("vx", "X"),
    ],
)
def test_leads_get_their_usual_names(given: str, usual: str) -> None:
    assert standard_lead(given) == usual


def test_other_tables_and_pictures_are_not_taken_for_traces() -> None:
    for data in (
        b"name,age\nAnna,3\n",
        b"1.0 2.0\n3.0 4.0\n",
        b"\x89PNG\r\n\x1a\n" + bytes(40),
        b"",
        b"PK\x03\x04" + bytes(40),
    ):
        assert trace_reader(data) is None
