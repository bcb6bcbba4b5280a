"""The folder of other people's odd files, and where we read more than the decode it is compared with."""

import csv
from dataclasses import dataclass
from pathlib import Path

BEYOND_THE_REFERENCE = {
    "pydicom-data__liver_deflate.dcm": "deflated image frames",
    "pydicom-data__liver_rle.dcm": "bits in RLE",
    "pydicom-data__OT-PAL-8-face.dcm": "names no transfer syntax, but is as long as its native picture",
    "fo-dicom__GH340.dcm": "likewise, with 12 bits packed without gaps",
    "fo-dicom__GH364.dcm": "one of its VRs does not exist",
    "pydicom-data__emri_small_jpeg_2k_lossless_too_short.dcm": "all its frames are there, but not their end mark",
    "wearemothershi__RG2_JPLY": "JPEG of 12 bits",
    "wearemothershi__RG3_JPLY": "JPEG of 12 bits",
    "wearemothershi__MR4_JPLY": "JPEG of 12 bits",
    "wearemothershi__XA1_JPLY": "JPEG of 12 bits",
    "dwv__nema-mr1_jply.dcm": "JPEG of 12 bits",
    "pydicom__JPEG-lossy.dcm": "JPEG of 12 bits",
    "cornerstoneWAD__CTImage.dcm_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm": "spectral selection",
    "cornerstoneWAD__CTImage.dcm_JPEGProcess10_12TransferSyntax_1.2.840.10008.1.2.4.55.dcm": "progressive JPEG",
}
"""Files whose reference decode is an error, and whose pixels are there all the same. What we read in them is compared
with GDCM or dcmtk, or with the same picture in another coding (`test_second_decoder`)."""


@dataclass(frozen=True)
class Row:
    """One line of the manifest; `figures` are minimum, maximum and mean of the reference decode."""

    path: Path
    decoded: str
    sop_class: str
    transfer_syntax: str
    shape: tuple[int, ...]
    dtype: str
    figures: tuple[float, ...]

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name


def read_manifest(shared_data: Path) -> list[Row]:
    """Every file of the folder."""
    folder = shared_data / "dicom_conformance"
    rows = []
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as table:
        for line in csv.DictReader(table):
            read = line["decoded"] == "yes"
            rows.append(
                Row(
                    path=folder / "files" / line["file"],
                    decoded=line["decoded"],
                    sop_class=line["sop_class"],
                    transfer_syntax=line["transfer_syntax"],
                    shape=tuple(int(size) for size in line["shape"].split("x")) if read else (),
                    dtype=line["dtype"],
                    figures=tuple(float(line[name]) for name in ("pmin", "pmax", "pmean")) if read else (),
                )
            )
    return rows
