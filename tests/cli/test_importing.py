"""`import` of folders, archives and discs: a line for each file in them."""

import shutil
import zipfile
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file

from tests.cli.helpers import Lantern
from tests.cli.test_clinic import add
from tests.cli.test_first_light import film

__all__ = ["film"]  # the fixture

DISC = Path(str(get_testdata_file("DICOMDIR"))).parent
KEYS = {"file", "status", "reason", "study", "attachment"}


def test_every_file_in_an_archive_is_a_line_with_its_name_there(lantern: Lantern, film: Path) -> None:
    patient = add(lantern)
    archive = lantern.folder / "disc.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.write(film, "DICOM/inner/IM1")
        target.write(film, "DICOM/inner/IM2")
        target.writestr("../out.dcm", film.read_bytes())
        target.writestr("readme.txt", "nothing")
    answer = lantern.run("import", archive, "--patient", patient)
    assert answer.code == 1
    lines = {line["file"].removeprefix(f"{archive}/"): line for line in answer.lines}
    assert {name: line["status"] for name, line in lines.items()} == {
        "../out.dcm": "error",
        "DICOM/inner/IM1": "ok",
        "DICOM/inner/IM2": "duplicate",
        "readme.txt": "error",
    }
    assert all(line.keys() == KEYS for line in answer.lines)
    assert lines["DICOM/inner/IM1"]["attachment"] == lines["DICOM/inner/IM2"]["attachment"]
    assert lantern.run("verify").only["counts"]["attachments"] == 1


def test_a_locked_archive_is_one_refusal(lantern: Lantern, film: Path) -> None:
    patient = add(lantern)
    archive = lantern.folder / "locked.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.write(film, "IM1")
    data = bytearray(archive.read_bytes())
    data[data.find(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    answer = lantern.run("import", archive, "--patient", patient)
    assert (answer.code, answer.only["status"], answer.only["file"]) == (1, "error", str(archive))
    assert "password" in answer.only["reason"]


def test_a_disc_whose_directory_is_not_true_is_scanned_and_a_second_version_told(lantern: Lantern) -> None:
    disc = lantern.folder / "disc"
    shutil.copytree(DISC / "77654033" / "CR1", disc / "77654033" / "CR1")
    shutil.copy(DISC / "DICOMDIR", disc / "DICOMDIR")
    for path in (disc / "77654033").rglob("*"):
        if path.is_file():
            dataset = pydicom.dcmread(path)
            dataset.PatientName = "Archibald^Doe"
            dataset.save_as(path)
    patient = add(lantern, name=[{"text": "Archibald Doe"}])
    answer = lantern.run("import", disc / "DICOMDIR", "--patient", patient)
    assert [line["status"] for line in answer.lines] == ["ok"], answer
    assert [Path(line["file"]).name for line in answer.lines] == ["6154"]
    dataset.SeriesDescription = "sent again"
    dataset.save_as(disc / "again.dcm")
    again = lantern.run("import", disc / "again.dcm", "--patient", patient)
    assert (again.code, again.only["status"], again.only["study"]) == (0, "ok", answer.only["study"])
    assert "other contents" in again.only["reason"]
