"""`import` and `inspect` of volume files, alone and in two parts."""

import zipfile
from pathlib import Path

from tests.cli.helpers import Lantern
from tests.cli.test_clinic import add
from tests.intake.test_volume_files import asymmetric, image_of, stored


def test_each_volume_file_is_a_study_and_two_parts_are_one(lantern: Lantern) -> None:
    patient = add(lantern)
    folder = lantern.folder / "in"
    folder.mkdir()
    for name in ("head.nii.gz", "pair.mhd", "other.nrrd"):
        stored(folder / name, image_of(asymmetric()))
    (folder / "torn.nii").write_bytes((folder / "other.nrrd").read_bytes()[:-5])
    archive = lantern.folder / "packed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(folder / "head.nii.gz", "DATA/head.nii.gz")
    answer = lantern.run("import", folder, archive, "--patient", patient)
    assert answer.code == 1
    lines = {Path(line["file"]).name: line for line in answer.lines if str(archive) not in line["file"]}
    assert {name: line["status"] for name, line in lines.items()} == {
        "head.nii.gz": "ok",
        "other.nrrd": "ok",
        "pair.mhd": "ok",
        "pair.raw": "duplicate",
        "torn.nii": "error",
    }
    assert lines["pair.mhd"]["attachment"] == lines["pair.raw"]["attachment"]
    again = next(line for line in answer.lines if str(archive) in line["file"])
    assert (again["status"], again["study"]) == ("duplicate", lines["head.nii.gz"]["study"])
    inspected = lantern.run("inspect", folder / "head.nii.gz", folder / "pair.mhd")
    assert [(line["status"], line["kind"], line["frames"]) for line in inspected.lines] == [("ok", "volume", 6)] * 2
