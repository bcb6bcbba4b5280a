"""How fast files are indexed and decoded, beside the best that Python reaches, and that no spoilt one does harm.

`python3 packaging/dev.py bench -k decode`. LANTERN_MUTATIONS says how many spoilt files are inspected (200,000 unless
told; some ten minutes). Libraries that are no part of Lantern (imagecodecs, pylibjpeg-rle) are compared with where they
are installed.
"""

import importlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import UID, JPEG2000Lossless, JPEGLSLossless, RLELossless

from desktop.intake.dicom_codecs import decode_frame
from desktop.intake.dicom_layout import Layout
from desktop.intake.dicom_scan import scan_file
from tests.intake.dicom_files import CT_STORAGE, file_bytes, film

FILES = 1000
MUTATIONS = int(os.environ.get("LANTERN_MUTATIONS", "200000"))
OF_THE_BEST = 1.2
SIDE = 2000


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """The shortest of several runs: what the machine can do when nothing else disturbs it."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A thousand slices with headers as scanners write them: some eighty elements, a few of them sequences."""
    out = tmp_path_factory.mktemp("series")
    dataset = film(np.zeros((64, 64), np.int16), SOPClassUID=CT_STORAGE, Modality="CT", Manufacturer="MAKER")
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.StudyDate, dataset.StudyTime, dataset.PatientBirthDate = "20260102", "101112", "19700101"
    dataset.ImageOrientationPatient, dataset.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.7, 0.7]
    dataset.ReferencedImageSequence = [film(np.zeros((1, 1), np.uint8)) for _ in range(3)]
    for item in dataset.ReferencedImageSequence:
        del item.PixelData
    dataset.add_new(0x00190010, "LO", "MAKER 01")
    for number in range(40):
        dataset.add_new(0x00191000 + number, "DS", str(number * 1.5))
    paths = []
    for number in range(FILES):
        dataset.SOPInstanceUID = f"1.2.3.4.5.{number}"
        dataset.InstanceNumber, dataset.ImagePositionPatient = number, [0, 0, float(number)]
        path = out / f"{number:04}.dcm"
        path.write_bytes(file_bytes(dataset))
        paths.append(path)
    return paths


def test_index(folder: list[Path]) -> None:
    """Bar: at least as many files a second as `dcmdump -q` over the same list."""

    def ours() -> object:
        return [(header.study_uid, header.series_uid, header.instance_uid) for header in map(scan_file, folder)]

    took = seconds(ours)
    parsed = seconds(lambda: [dcmread(path, stop_before_pixels=True) for path in folder], 2)
    said = f"{FILES / took:,.0f} files/s, {parsed / took:.1f} times pydicom"
    if shutil.which("dcmdump") is None:
        print(f"\nindex: {said}; dcmdump is not installed")
        return
    command = ["dcmdump", "-q", *map(str, folder)]
    theirs = seconds(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True), 3)
    print(f"\nindex: {said}, {theirs / took:.1f} times dcmdump")
    assert took <= theirs


@pytest.fixture(scope="module")
def pixels() -> npt.NDArray[np.uint16]:
    """A film-like picture of 12 bits: smooth shapes and grain."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    shapes = 2000 + 1500 * np.sin(rows / 400) * np.cos(columns / 300)
    grain = np.random.default_rng(1).normal(0, 8, shapes.shape)
    return np.asarray((shapes + grain).clip(0, 4095), dtype=np.uint16)


def coded(pixels: npt.NDArray[np.uint16], syntax: UID) -> tuple[bytes, bytes]:
    """A whole file, and its one frame."""
    import jpeg_ls  # type: ignore[import-untyped]  # the library ships no types
    from openjpeg.utils import encode_array

    dataset = film(pixels, BitsStored=12)
    if syntax == RLELossless:
        dataset.file_meta = dcmread(io.BytesIO(file_bytes(dataset))).file_meta
        dataset.compress(RLELossless, encoding_plugin="pydicom")
        return file_bytes(dataset, syntax), get_frame(dataset.PixelData, 0, number_of_frames=1)
    if syntax == JPEGLSLossless:
        frame = np.asarray(jpeg_ls.encode(pixels)).tobytes()
    else:
        frame = bytes(encode_array(pixels, bits_stored=12, photometric_interpretation=2))
    dataset.PixelData = encapsulate([frame])
    return file_bytes(dataset, syntax), frame


def peers(syntax: UID, path: Path, frame: bytes) -> dict[str, Callable[[], object]]:
    """What else decodes the same frame."""
    import cv2
    import SimpleITK

    found: dict[str, Callable[[], object]] = {"GDCM": lambda: SimpleITK.ReadImage(str(path))}
    codecs = _optional("imagecodecs")
    if syntax == JPEG2000Lossless:
        os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
        buffer = np.frombuffer(frame, np.uint8)
        found["OpenCV"] = lambda: cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
        if codecs is not None:
            found["imagecodecs"] = partial(codecs.jpeg2k_decode, frame)
    elif syntax == JPEGLSLossless and codecs is not None:
        found["imagecodecs"] = partial(codecs.jpegls_decode, frame)
    elif syntax == RLELossless:
        rle = _optional("rle.rle")
        if rle is not None:
            found["pylibjpeg-rle"] = lambda: np.frombuffer(rle.decode_frame(frame, SIDE * SIDE, 16, "<"), "<u2")
    return found


def _optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless], ids=["J2K", "JPEG-LS", "RLE"])
def test_decode(pixels: npt.NDArray[np.uint16], tmp_path: Path, syntax: UID) -> None:
    """Bar: within 1.2 of the best library Python reaches."""
    data, frame = coded(pixels, syntax)
    path = tmp_path / "film.dcm"
    path.write_bytes(data)
    layout = Layout(SIDE, SIDE, 1, 16, 12, 11, False, "MONOCHROME2")
    assert np.array_equal(decode_frame(frame, layout, syntax)[0], pixels)
    took = seconds(lambda: decode_frame(frame, layout, syntax))
    others = {name: seconds(work, 3) for name, work in peers(syntax, path, frame).items()}
    said = ", ".join(f"{took / theirs:.2f} of {name}" for name, theirs in others.items())
    print(f"\n{syntax.name}, {SIDE} x {SIDE}, 12 bits: {took * 1e3:.0f} ms, {said}")
    assert took <= OF_THE_BEST * min(others.values())


def test_spoilt_files_do_no_harm() -> None:
    """Bar: no crash, no hang, never a gigabyte."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "tests.intake.mutation", str(MUTATIONS), "11"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ended at {done.stdout.splitlines()[-1:]}: {done.stderr[-2000:]}"
    said = json.loads(done.stdout.splitlines()[-1])
    each = (time.perf_counter() - started) / MUTATIONS
    print(
        f"\n{MUTATIONS:,} spoilt files: {said['ends']}, {each * 1e3:.1f} ms each, the slowest {said['slowest']:.1f} s, "
        f"at most {said['memory'] / 2**20:.0f} MiB"
    )
    assert said["slowest"] < 20
    assert said["memory"] < 1 << 30
