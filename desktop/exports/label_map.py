"""Painted volumes as label maps: NRRD with the names that 3D Slicer reads, and NIfTI, which knows numbers only.

For volumes that came as no DICOM series: a DICOM segmentation has to name the pictures that it was painted on, and
there are none. Each label is its number, 0 what nobody painted.
"""

import gzip
import struct

import numpy as np

from desktop.imaging.volume_labels import unpacked_bits
from desktop.records import Segmentation

_MILLIMETRES, _UINT8, _SCANNER = 2, 2, 1
_LARGEST_SIDE = 32767


def nrrd(painted: Segmentation) -> bytes:
    """NRRD 0005 (teem.sourceforge.net/nrrd/format.html), LPS millimetres, gzip."""
    slices, rows, columns = painted.shape
    lines = [
        "NRRD0005",
        "type: uint8",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {columns} {rows} {slices}",
        f"space directions: {_triple(painted.across)} {_triple(painted.down)} {_triple(painted.through)}",
        "kinds: domain domain domain",
        "encoding: gzip",
        f"space origin: {_triple(painted.origin)}",
    ]
    for place, segment in enumerate(painted.segments):
        colour = " ".join(f"{part / 255:.6f}" for part in segment.colour)
        name = " ".join((segment.name or f"Label {segment.number}").split())
        lines += [
            f"Segment{place}_ID:={segment.number}",
            f"Segment{place}_Name:={_escaped(name)}",
            f"Segment{place}_Color:={colour}",
            f"Segment{place}_LabelValue:={segment.number}",
            f"Segment{place}_Layer:=0",
        ]
    return "\n".join((*lines, "", "")).encode() + gzip.compress(_voxels(painted), 6, mtime=0)


def nifti(painted: Segmentation) -> bytes:
    """NIfTI-1 (nifti.nimh.nih.gov/nifti-1), gzip. Raises ValueError for a side that its header cannot say."""
    slices, rows, columns = painted.shape
    if max(painted.shape) > _LARGEST_SIDE:
        raise ValueError("too many voxels along a side for NIfTI-1")
    # Its axes point right, anterior and superior: the other way along the first two of ours.
    turn = np.diag([-1.0, -1.0, 1.0])
    steps = turn @ np.array([painted.across, painted.down, painted.through], np.float64).T
    matrix = np.column_stack((steps, turn @ np.array(painted.origin, np.float64)))
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, columns, rows, slices, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, _UINT8, 8)
    struct.pack_into("<8f", header, 76, 1.0, *np.linalg.norm(steps, axis=0), 0, 0, 0, 0)
    struct.pack_into("<ff", header, 108, 352.0, 1.0)
    header[123] = _MILLIMETRES
    struct.pack_into("<hh", header, 252, 0, _SCANNER)
    struct.pack_into("<12f", header, 280, *matrix.ravel())
    header[344:348] = b"n+1\0"
    return gzip.compress(bytes(header) + _voxels(painted), 6, mtime=0)


def _voxels(painted: Segmentation) -> bytes:
    """Column by column the fastest. A voxel of two labels has the later one, as the screen shows it."""
    labels = np.zeros(painted.shape, np.uint8)
    for segment in painted.segments:
        low, high = segment.box[:3], segment.box[3:]
        place = tuple(slice(first, last) for first, last in zip(low, high, strict=True))
        if segment.voxels:
            labels[place][unpacked_bits(segment.box, segment.bits)] = segment.number
    return labels.tobytes()


def _triple(values: tuple[float, float, float]) -> str:
    return f"({','.join(repr(float(value)) for value in values)})"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")
