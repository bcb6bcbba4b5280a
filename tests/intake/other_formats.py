"""Small files of the formats beside DICOM, written by other people's software."""

import io
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pypdfium2  # type: ignore[import-untyped]  # the library ships no types
import SimpleITK
from PIL import Image


def voxels(dtype: str = "int16", slices: int = 5, rows: int = 7, columns: int = 9) -> npt.NDArray[np.generic]:
    """Every value different from its neighbours, (slices, rows, columns)."""
    count = slices * rows * columns
    return (np.arange(count) % 251 - (100 if dtype.startswith("i") else 0)).astype(dtype).reshape(slices, rows, columns)


def write_volume(path: Path, values: npt.NDArray[np.generic], *, packed: bool = False) -> None:
    """A volume by ITK, in the format of the name's ending, with a geometry that is not straight."""
    image: Any = SimpleITK.GetImageFromArray(values, isVector=values.ndim == 4)
    image.SetSpacing((0.5, 0.75, 2.0))
    image.SetOrigin((10.0, -20.0, 30.0))
    image.SetDirection((0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    SimpleITK.WriteImage(image, str(path), useCompression=packed)


def volume_bytes(ending: str, values: npt.NDArray[np.generic], *, packed: bool = False) -> bytes:
    """The bytes of such a volume."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"volume{ending}"
        write_volume(path, values, packed=packed)
        return path.read_bytes()


def pdf_bytes(pages: int = 2) -> bytes:
    """A PDF of empty pages."""
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(200, 300)
    buffer = io.BytesIO()
    document.save(buffer)
    document.close()
    return buffer.getvalue()


def clip_bytes(ending: str = ".mp4", frames: int = 12, size: tuple[int, int] = (48, 64)) -> bytes:
    """A clip by FFmpeg: each frame of one grey, lighter from frame to frame."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    import cv2

    code = {".mp4": "mp4v", ".avi": "MJPG", ".mkv": "mp4v", ".m2v": "MPG2"}[ending]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"clip{ending}"
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*code), 25.0, size[::-1])
        assert writer.isOpened()
        for number in range(frames):
            writer.write(np.full((*size, 3), 20 * number % 256, dtype=np.uint8))
        writer.release()
        return path.read_bytes()


def picture_bytes(kind: str, mode: str = "L", **options: object) -> bytes:
    """A picture by Pillow."""
    random = np.random.default_rng(1)
    shape = (20, 30, 3) if mode == "RGB" else (20, 30)
    buffer = io.BytesIO()
    Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8)).save(buffer, kind, **options)
    return buffer.getvalue()


def small_files() -> list[bytes]:
    """One or two of each format."""
    volumes = [volume_bytes(ending, voxels()) for ending in (".nii", ".nii.gz", ".nrrd", ".mha")]
    volumes.append(volume_bytes(".mha", voxels(), packed=True))
    pictures = [picture_bytes(kind, mode) for kind in ("PNG", "JPEG", "TIFF", "BMP") for mode in ("L", "RGB")]
    return [*volumes, *pictures, pdf_bytes(), clip_bytes(), clip_bytes(".avi")]
