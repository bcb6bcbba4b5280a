"""Painted volumes as DICOM segmentations: dciodvfy, dcmtk, highdicom and our own reader each read them."""

import io
import shutil
import subprocess
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from desktop.errors import UserFacingError
from desktop.exports.segmentation import PaintedSeries, render
from desktop.imaging.volume import VolumeGrid
from desktop.imaging.volume_labels import LabelVolume, Packed
from desktop.intake.segmentation import read_segmentation
from desktop.records import GridSource, Segment, Segmentation, SegmentationId, StudyId, UserId, new_id
from tests.intake.test_series_volume import ct_slice

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
SHAPE = (9, 24, 20)
COLOURS = ((230, 159, 0), (86, 180, 233))


def sources() -> tuple[Dataset, ...]:
    """A CT of nine slices without its pixels."""
    found = []
    for number in range(SHAPE[0]):
        ds = pydicom.dcmread(io.BytesIO(ct_slice(number, np.zeros(SHAPE[1:], np.int16))))
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Wang^Hua=王^华", "42", "19610203", "F"
        ds.SpecificCharacterSet = "ISO_IR 192"
        ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20261120", "101500", "1", "A1"
        ds.ReferringPhysicianName, ds.SeriesNumber, ds.Manufacturer = "", 2, "Nobody"
        ds.PositionReferenceIndicator = ""
        ds.FrameOfReferenceUID, ds.StudyInstanceUID = "1.2.3.4.5", "1.2.3.4"
        del ds.PixelData
        found.append(ds)
    return tuple(found)


def grid_of(files: tuple[Dataset, ...]) -> VolumeGrid:
    """Where they lie."""
    first, second = ([float(part) for part in one.ImagePositionPatient] for one in files[:2])
    row_mm, column_mm = (float(part) for part in files[0].PixelSpacing)
    through = tuple(b - a for a, b in zip(first, second, strict=True))
    return VolumeGrid((first[0], first[1], first[2]), through, (0.0, row_mm, 0.0), (column_mm, 0.0, 0.0))  # type: ignore[arg-type]  # three of them


def painted(grid: VolumeGrid) -> tuple[LabelVolume, Segmentation]:
    """Two labels: one in slices 2 to 4, the other in slice 7 alone."""
    labels = LabelVolume(grid, SHAPE)
    first, second = np.zeros((3, 8, 6), np.bool_), np.ones((1, 7, 9), np.bool_)
    first[...] = True
    first[1, 2, 2] = False
    packed = {
        1: Packed((2, 4, 3, 5, 12, 9), zlib.compress(np.packbits(first).tobytes()), 143),
        2: Packed((7, 15, 10, 8, 22, 19), zlib.compress(np.packbits(second).tobytes()), 63),
    }
    for number, one in packed.items():
        labels.unpack(number, one)
    segments = tuple(
        Segment(number, name, colour, packed[number].box, packed[number].bits, packed[number].voxels)
        for number, name, colour in ((1, "肝 Liver", COLOURS[0]), (2, "Cyst", COLOURS[1]))
    )
    record = Segmentation(
        SegmentationId(new_id()),
        StudyId(new_id()),
        "1.2.3",
        SHAPE,
        grid.origin,
        grid.through,
        grid.down,
        grid.across,
        GridSource.POSITIONS,
        segments,
        UserId(new_id()),
        NOW,
    )
    return labels, record


def exported(*, resampled: bool = False) -> tuple[bytes, LabelVolume, tuple[Dataset, ...]]:
    files = sources()
    grid = grid_of(files)
    if resampled:  # half a slice beside the files' own
        shift = 0.5 * np.array(grid.through)
        grid = VolumeGrid(tuple(np.array(grid.origin) + shift), grid.through, grid.down, grid.across)
    labels, record = painted(grid)
    return render(PaintedSeries(record, files, "Li^Ming", "Painted"), NOW), labels, files


@pytest.mark.parametrize("resampled", [False, True])
def test_what_was_painted_comes_back_where_it_was(resampled: bool) -> None:
    data, labels, files = exported(resampled=resampled)
    found = read_segmentation(io.BytesIO(data))
    assert (found.study_uid, found.frame_of_reference) == (files[0].StudyInstanceUID, "1.2.3.4.5")
    assert found.creator == "Li Ming"
    assert [layer.name for layer in found.layers] == ["肝 Liver", "Cyst"]
    for number, layer in enumerate(found.layers, 1):
        assert np.abs(np.subtract(layer.colour, COLOURS[number - 1])).max() <= 1
        inside = np.argwhere(labels.labels == number)
        assert int(layer.volume.voxels.sum()) == len(inside)
        for index in inside[:: max(1, len(inside) // 60)]:
            x, y, z = labels.grid.to_patient(index)
            assert layer.volume.value_at((float(x), float(y), float(z))) == 1
        assert layer.volume.grid.spacing == pytest.approx(labels.grid.spacing)


def test_every_frame_names_the_slice_it_was_painted_on() -> None:
    data, _, files = exported()
    written: Any = highdicom.seg.segread(io.BytesIO(data))
    assert [one.SegmentLabel for one in written.SegmentSequence] == ["肝 Liver", "Cyst"]
    assert all(one.SegmentAlgorithmType == "MANUAL" for one in written.SegmentSequence)
    assert (str(written.PatientName), written.PatientID) == ("Wang^Hua=王^华", "42")
    assert (written.ContentDate, written.Modality) == ("20261121", "SEG")
    pixels = written.get_pixels_by_source_instance([files[number].SOPInstanceUID for number in (2, 3, 7)])
    assert pixels.shape == (3, *SHAPE[1:], 2)
    assert [int(one.sum()) for one in pixels[..., 0]] == [48, 47, 0]
    assert [int(one.sum()) for one in pixels[..., 1]] == [0, 0, 63]


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
@pytest.mark.parametrize("resampled", [False, True])
def test_passes_dciodvfy(tmp_path: Path, resampled: bool) -> None:
    path = tmp_path / "painted.dcm"
    path.write_bytes(exported(resampled=resampled)[0])
    answer = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    said = answer.stdout + answer.stderr
    assert "Segmentation" in said
    assert [line for line in said.splitlines() if line.startswith("Error")] == []


@pytest.mark.skipif(shutil.which("dcmdump") is None, reason="dcmtk is not installed")
def test_opens_in_dcmtk(tmp_path: Path) -> None:
    path = tmp_path / "painted.dcm"
    path.write_bytes(exported()[0])
    answer = subprocess.run(["dcmdump", "+P", "NumberOfFrames", str(path)], capture_output=True, text=True, check=True)
    assert "[4]" in answer.stdout  # three slices of one label, one of the other; empty ones are left out
    assert answer.stderr == ""


def test_a_merged_mask_says_what_merged_it() -> None:
    files = sources()
    _, record = painted(grid_of(files))
    merged = replace(record, merged_from=(SegmentationId(new_id()), SegmentationId(new_id())))
    for one, kind, names in ((record, "MANUAL", None), (merged, "SEMIAUTOMATIC", ["STAPLE"])):
        written = pydicom.dcmread(io.BytesIO(render(PaintedSeries(one, files, "Li^Ming", "Painted"), NOW)))
        told = written.SegmentSequence[0]
        said = told.get("SegmentationAlgorithmIdentificationSequence")
        assert told.SegmentAlgorithmType == kind
        assert (said and [item.AlgorithmName for item in said]) == names


def test_nothing_painted_makes_no_file() -> None:
    files = sources()
    _, record = painted(grid_of(files))
    with pytest.raises(ValueError, match="nothing painted"):
        render(PaintedSeries(record, (), "Li^Ming", ""), NOW)


@pytest.mark.parametrize("kind", ["FRACTIONAL", "LABELMAP"])
def test_other_kinds_are_read_as_they_were_written(kind: str) -> None:
    files = sources()
    mask = np.zeros(SHAPE, np.uint8)
    mask[1:4, 2:9, 5:11] = 1
    mask[5:7, 10:20, 1:6] = 2
    describe = [
        highdicom.seg.SegmentDescription(
            number,
            f"Part {number}",
            highdicom.sr.CodedConcept("85756007", "SCT", "Tissue"),
            highdicom.sr.CodedConcept("85756007", "SCT", "Tissue"),
            highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number in (1, 2)
    ]
    for one in files:
        one.PixelData = b""
    written = highdicom.seg.Segmentation(
        list(files), mask, kind, describe, highdicom.UID(), 5, highdicom.UID(), 1, "Maker", "Model", "1", "2"
    )
    with io.BytesIO() as stream:
        written.save_as(stream)
        data = stream.getvalue()
    found = read_segmentation(io.BytesIO(data))
    assert [layer.name for layer in found.layers] == ["Part 1", "Part 2"]
    assert [int(layer.volume.voxels.sum()) for layer in found.layers] == [int((mask == n).sum()) for n in (1, 2)]
    with pytest.raises(UserFacingError) as refused:
        read_segmentation(io.BytesIO(data), free=1)
    assert refused.value.key == "volume.segmentation.memory"


def test_torn_and_changed_files_give_a_sentence() -> None:
    data = exported()[0]
    random = np.random.default_rng(4)
    keys = set()
    for number in range(60):
        changed = bytearray(data[: len(data) if number % 2 else int(random.integers(200, len(data)))])
        for place in random.integers(300, len(changed), 4) if len(changed) > 320 else ():
            changed[place] = random.integers(0, 256)
        keys.add(refusal(bytes(changed)))
    assert "" in keys
    assert len(keys) > 2
    assert all(key == "" or key.startswith(("intake.", "volume.segmentation.")) for key in keys)


def refusal(data: bytes) -> str:
    """Why a file cannot be read, empty where it can."""
    try:
        read_segmentation(io.BytesIO(data), free=1 << 30)
    except UserFacingError as error:
        return error.key
    return ""
