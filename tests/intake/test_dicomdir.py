"""DICOMDIR: an index as far as it is true; the files and writers here are pydicom's."""

import shutil
from pathlib import Path
from typing import BinaryIO

import pydicom
import pytest
from pydicom.data import get_testdata_file

from desktop.intake import dicom_scan, folder_index
from desktop.intake.dicom_scan import ScannedHeader
from desktop.intake.dicomdir import read_directory
from desktop.intake.folder import gather
from desktop.intake.folder_index import FolderIndex, index_folder
from desktop.jobs import Job

FOLDER = Path(str(get_testdata_file("DICOMDIR"))).parent
VARIANTS = ("DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-nooffset", "DICOMDIR-reordered")


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """A disc of two patients and 31 files, its table of contents on top."""
    for name in ("77654033", "98892001", "98892003"):
        shutil.copytree(FOLDER / name, tmp_path / name)
    shutil.copy(FOLDER / "DICOMDIR", tmp_path / "DICOMDIR")
    return tmp_path


def indexed(path: Path) -> FolderIndex:
    """What is found below a path."""
    with gather((path,), Job()) as gathered:
        return index_folder(gathered, Job())


def shape(index: FolderIndex) -> list[tuple[str, int, int]]:
    """Number, studies and files of each patient."""
    return sorted(
        (one.header.patient_number, len(one.studies), sum(len(study.sources) for study in one.studies))
        for one in index.patients
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_way_of_writing_one_is_read(variant: str) -> None:
    found = read_directory(FOLDER / variant)
    assert found is not None
    assert (len(found.files), found.missing) == (31, 0)
    assert {one.patient_number for one in found.listed} == {"77654033", "98890234"}


def test_a_true_one_is_believed_a_series_at_a_time(disc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned: list[BinaryIO] = []

    def scan(stream: BinaryIO) -> ScannedHeader:
        scanned.append(stream)
        return dicom_scan.scan(stream)

    monkeypatch.setattr(folder_index, "scan", scan)
    index = indexed(disc / "DICOMDIR")
    series = sum(len(study.series) for one in index.patients for study in one.studies)
    assert shape(index) == [("77654033", 2, 7), ("98890234", 4, 24)]
    assert len(scanned) == series < 31
    assert not index.not_taken
    assert shape(indexed(disc)) == shape(index)


def test_names_of_iso_9660_are_found(disc: Path) -> None:
    for path in sorted(disc.rglob("*"), key=lambda one: -len(one.parts)):
        path.rename(path.with_name(path.name.lower() + (";1" if path.is_file() else "")))
    found = read_directory(disc / "dicomdir;1")
    assert found is not None
    assert len(found.files) == 31
    assert shape(indexed(disc / "dicomdir;1")) == [("77654033", 2, 7), ("98890234", 4, 24)]


def test_one_that_lists_what_is_not_there_gives_way_to_scanning(disc: Path) -> None:
    (disc / "77654033" / "CR1" / "6154").rename(disc / "77654033" / "CR1" / "renamed")
    assert shape(indexed(disc / "DICOMDIR")) == [("77654033", 2, 7), ("98890234", 4, 24)]


def test_one_of_another_disc_is_not_believed(disc: Path) -> None:
    for path in (one for one in disc.rglob("*") if one.is_file() and one.name != "DICOMDIR"):
        dataset = pydicom.dcmread(path)
        dataset.PatientID, dataset.PatientName = "other", "Other^Person"
        dataset.save_as(path)
    assert {number for number, _, _ in shape(indexed(disc))} == {"other"}


@pytest.mark.parametrize("damage", ["empty", "cut", "noise"])
def test_a_damaged_one_gives_way_to_scanning(disc: Path, damage: str) -> None:
    data = (disc / "DICOMDIR").read_bytes()
    spoilt = {"empty": b"", "cut": data[: len(data) // 2], "noise": data[:400] + b"\xff" * 4000}[damage]
    (disc / "DICOMDIR").write_bytes(spoilt)
    for path in (disc, disc / "DICOMDIR"):
        assert shape(indexed(path)) == [("77654033", 2, 7), ("98890234", 4, 24)]


def test_no_name_in_it_leads_out_of_the_disc(tmp_path: Path) -> None:
    (tmp_path / "disc").mkdir()
    shutil.copy(FOLDER / "77654033" / "CR1" / "6154", tmp_path / "secret")
    dataset = pydicom.dcmread(FOLDER / "DICOMDIR")
    for record in dataset.DirectoryRecordSequence:
        if "ReferencedFileID" in record:
            record.ReferencedFileID = ["..", "secret"]
    dataset.save_as(tmp_path / "disc" / "DICOMDIR")
    found = read_directory(tmp_path / "disc" / "DICOMDIR")
    assert found is not None
    assert found.listed == ()
