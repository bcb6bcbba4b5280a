"""Formats beside DICOM, on files that other people's software wrote: ITK, Pillow, PDFium, FFmpeg."""

import gzip
import io
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import SimpleITK
from PIL import Image

from desktop.errors import UserFacingError
from desktop.intake import ContentKind, Inspection, InspectionStatus, read_picture, recognise, survey_file
from desktop.intake.metaimage import open_metaimage
from desktop.intake.nifti import open_nifti
from desktop.intake.nrrd import open_nrrd
from desktop.intake.volume import Voxels, on_disk, slices
from tests.intake.other_formats import clip_bytes, pdf_bytes, picture_bytes, voxels, write_volume

TYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"]
ENDINGS = [".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd"]


def kept(tmp_path: Path, name: str, data: bytes) -> Path:
    """A file of these bytes."""
    path = tmp_path / name
    path.write_bytes(data)
    return path


def opened(path: Path, stream: BinaryIO) -> Voxels:
    """A volume by the reader of its format."""
    if ".nii" in path.name:
        return open_nifti(stream, on_disk(path))
    return (open_nrrd if path.suffix in (".nrrd", ".nhdr") else open_metaimage)(stream, on_disk(path))


def reason(found: Inspection) -> str:
    """The key of the sentence that says why."""
    assert found.reason is not None
    return found.reason.key


class TestVolumes:
    @pytest.mark.parametrize("ending", ENDINGS)
    @pytest.mark.parametrize("dtype", TYPES)
    def test_every_type(self, tmp_path: Path, ending: str, dtype: str) -> None:
        values = voxels(dtype)
        path = tmp_path / f"volume{ending}"
        write_volume(path, values)
        found = survey_file(path)
        assert (found.status, found.kind) == (InspectionStatus.OK, ContentKind.VOLUME), found.reason
        assert (found.frames, found.rows, found.columns, found.samples) == (5, 7, 9, 1)
        assert found.figures is not None
        assert found.figures.dtype == dtype
        assert (found.figures.minimum, found.figures.maximum) == (values.min(), values.max())
        assert found.figures.mean == pytest.approx(float(values.mean()))

    @pytest.mark.parametrize("ending", [".nrrd", ".nhdr", ".mha", ".mhd"])
    def test_packed(self, tmp_path: Path, ending: str) -> None:
        values = voxels("uint16")
        path = tmp_path / f"volume{ending}"
        write_volume(path, values, packed=True)
        figures = survey_file(path).figures
        assert figures is not None
        assert figures.mean == pytest.approx(float(values.mean()))

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_values_and_places_are_those_of_itk(self, tmp_path: Path, ending: str) -> None:
        values = voxels("int16")
        path = tmp_path / f"volume{ending}"
        write_volume(path, values)
        with path.open("rb") as stream, opened(path, stream) as volume:
            header = volume.header
            assert np.array_equal(np.stack(list(slices(header, volume.source))), values)
        assert header.grid is not None
        image: Any = SimpleITK.ReadImage(str(path))
        assert header.grid.origin == pytest.approx(image.GetOrigin(), abs=1e-4)
        for axis, step in enumerate(header.grid.steps):
            index = [0, 0, 0]
            index[axis] = 1
            expected = np.subtract(image.TransformIndexToPhysicalPoint(index), image.GetOrigin())
            assert step == pytest.approx(tuple(expected), abs=1e-4)

    @pytest.mark.parametrize("ending", [".nrrd", ".mha"])
    def test_colours_of_one_slice_are_an_image(self, tmp_path: Path, ending: str) -> None:
        values = np.random.default_rng(1).integers(0, 256, (1, 7, 9, 3), dtype=np.uint8)
        path = tmp_path / f"colours{ending}"
        image = SimpleITK.GetImageFromArray(values, isVector=True)
        SimpleITK.WriteImage(image, str(path))
        found = survey_file(path)
        assert found.kind is ContentKind.IMAGE
        assert found.figures is not None
        assert found.figures.mean == pytest.approx(float(values.mean()))
        assert (found.frames or 0) * (found.samples or 0) == 3

    def test_big_endian(self, tmp_path: Path) -> None:
        values = voxels("int16")
        header = bytearray(348)
        struct.pack_into(">i", header, 0, 348)
        struct.pack_into(">8h", header, 40, 3, 9, 7, 5, 1, 1, 1, 1)
        struct.pack_into(">hh", header, 70, 4, 16)
        struct.pack_into(">f", header, 108, 352.0)
        header[344:348] = b"n+1\0"
        found = survey_file(kept(tmp_path, "big.nii", bytes(header) + bytes(4) + values.astype(">i2").tobytes()))
        assert found.figures is not None
        assert (found.figures.minimum, found.figures.dtype) == (values.min(), "int16")

    @pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".mha"])
    def test_cut_off(self, tmp_path: Path, ending: str) -> None:
        path = tmp_path / f"volume{ending}"
        write_volume(path, voxels())
        data = path.read_bytes()
        path.write_bytes(data[: len(data) - 40])
        found = survey_file(path)
        assert found.status is InspectionStatus.ERROR
        assert reason(found) in ("intake.truncated", "intake.damaged")

    @pytest.mark.parametrize(("ending", "data"), [(".nhdr", ".raw"), (".mhd", ".raw")])
    def test_voxels_that_are_not_beside_the_header(self, tmp_path: Path, ending: str, data: str) -> None:
        path = tmp_path / f"volume{ending}"
        write_volume(path, voxels())
        (tmp_path / f"volume{data}").unlink()
        assert reason(survey_file(path)) == "intake.voxels_elsewhere"

    def test_a_header_reads_no_file_of_another_folder(self, tmp_path: Path) -> None:
        secret = kept(tmp_path, "secret.raw", bytes(9 * 7 * 5 * 2))
        inner = tmp_path / "inner"
        inner.mkdir()
        path = inner / "volume.mhd"
        write_volume(path, voxels())
        for name in ("../secret.raw", str(secret), "..\\secret.raw"):
            path.write_text(path.read_text().rsplit("ElementDataFile", 1)[0] + f"ElementDataFile = {name}\n")
            assert reason(survey_file(path)) == "intake.voxels_elsewhere"

    def test_a_volume_of_a_million_slices_that_are_not_there(self, tmp_path: Path) -> None:
        path = tmp_path / "volume.nii"
        write_volume(path, voxels())
        data = bytearray(path.read_bytes())
        struct.pack_into("<3h", data, 42, 512, 512, 4000)
        path.write_bytes(data)
        assert reason(survey_file(path)) == "intake.truncated"
        struct.pack_into("<3h", data, 42, 20000, 20000, 20000)
        path.write_bytes(data)
        found = survey_file(path)
        assert (found.status, reason(found)) == (InspectionStatus.REFUSED, "intake.too_many_pixels")

    def test_complex_numbers_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "volume.nii"
        write_volume(path, voxels())
        data = bytearray(path.read_bytes())
        struct.pack_into("<h", data, 70, 32)
        path.write_bytes(data)
        found = survey_file(path)
        assert (found.status, reason(found)) == (InspectionStatus.REFUSED, "intake.unsupported_volume")

    def test_another_gzip_is_no_volume(self, tmp_path: Path) -> None:
        assert (
            reason(survey_file(kept(tmp_path, "notes.gz", gzip.compress(b"notes " * 200)))) == "intake.not_recognised"
        )


class TestPictures:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP"])
    @pytest.mark.parametrize(("mode", "samples"), [("L", 1), ("RGB", 3)])
    def test_figures_are_those_of_the_values(self, tmp_path: Path, kind: str, mode: str, samples: int) -> None:
        data = picture_bytes(kind, mode)
        values = np.asarray(Image.open(io.BytesIO(data)))
        found = survey_file(kept(tmp_path, "picture", data))
        assert (found.status, found.kind, found.modality) == (InspectionStatus.OK, ContentKind.IMAGE, None)
        assert (found.frames, found.rows, found.columns, found.samples) == (1, 20, 30, samples)
        assert found.figures is not None
        assert found.figures.mean == pytest.approx(float(values.mean()))
        assert read_picture(data).pixels.shape[:2] == (20, 30)

    def test_exif_turns_the_picture(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        found = survey_file(kept(tmp_path, "phone.jpg", picture_bytes("JPEG", "RGB", exif=exif)))
        assert (found.rows, found.columns) == (30, 20)

    def test_sixteen_bits(self, tmp_path: Path) -> None:
        values = np.linspace(0, 65535, 600).astype(np.uint16).reshape(20, 30)
        for kind in ("PNG", "TIFF"):
            buffer = io.BytesIO()
            Image.fromarray(values).save(buffer, kind)
            found = survey_file(kept(tmp_path, "deep", buffer.getvalue())).figures
            assert found is not None
            assert (found.minimum, found.maximum) == (0, 65535)

    def test_every_page_counts(self, tmp_path: Path) -> None:
        pages = [Image.fromarray(np.full((10, 12), value, dtype=np.uint8)) for value in (10, 20, 60)]
        buffer = io.BytesIO()
        pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
        found = survey_file(kept(tmp_path, "pages.tif", buffer.getvalue()))
        assert found.frames == 3
        assert found.figures is not None
        assert (found.figures.minimum, found.figures.maximum, found.figures.mean) == (10, 60, 30)

    def test_cut_off(self, tmp_path: Path) -> None:
        data = picture_bytes("PNG", "RGB")
        found = survey_file(kept(tmp_path, "cut.png", data[: len(data) // 2]))
        assert (found.status, reason(found)) == (InspectionStatus.ERROR, "intake.truncated")

    def test_larger_than_bearable(self, tmp_path: Path) -> None:
        data = bytearray(picture_bytes("BMP"))
        struct.pack_into("<ii", data, 18, 30_000, 30_000)
        found = survey_file(kept(tmp_path, "large.bmp", bytes(data)))
        assert (found.status, reason(found)) == (InspectionStatus.REFUSED, "intake.too_many_pixels")


class TestDocuments:
    def test_pages_are_counted(self, tmp_path: Path) -> None:
        found = survey_file(kept(tmp_path, "letter.pdf", pdf_bytes(3)))
        assert (found.status, found.kind, found.frames) == (InspectionStatus.NO_PIXELS, ContentKind.DOCUMENT, 3)
        assert reason(found) == "intake.document"

    def test_damaged(self, tmp_path: Path) -> None:
        found = survey_file(kept(tmp_path, "letter.pdf", b"%PDF-1.7\n" + b"nothing" * 30))
        assert (found.status, reason(found)) == (InspectionStatus.ERROR, "intake.pdf_damaged")


class TestClips:
    @pytest.mark.parametrize("ending", [".mp4", ".avi", ".mkv"])
    def test_every_frame_counts(self, tmp_path: Path, ending: str) -> None:
        found = survey_file(kept(tmp_path, "clip", clip_bytes(ending)))
        assert (found.status, found.kind) == (InspectionStatus.OK, ContentKind.IMAGE)
        assert (found.frames, found.rows, found.columns, found.samples) == (12, 48, 64, 3)
        assert found.figures is not None
        assert found.figures.dtype == "uint8"
        assert found.figures.mean == pytest.approx(110, abs=3)

    def test_cut_off(self, tmp_path: Path) -> None:
        data = clip_bytes(".avi", frames=40)
        found = survey_file(kept(tmp_path, "clip.avi", data[: len(data) // 2]))
        assert found.status is InspectionStatus.ERROR

    def test_no_clip(self, tmp_path: Path) -> None:
        found = survey_file(kept(tmp_path, "clip.mp4", b"\0\0\0\x18ftypisom" + bytes(4000)))
        assert (found.status, reason(found)) == (InspectionStatus.ERROR, "intake.clip_damaged")

    def test_a_playlist_is_none(self, tmp_path: Path) -> None:
        words = b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"
        assert reason(survey_file(kept(tmp_path, "list.m3u8", words))) == "intake.not_recognised"


def test_what_is_no_single_picture_is_not_kept_as_one() -> None:
    for data in (pdf_bytes(), clip_bytes()):
        assert recognise(data).media_type in ("application/pdf", "video/mp4")
        with pytest.raises(UserFacingError) as caught:
            read_picture(data)
        assert caught.value.key == "intake.no_single_picture"
