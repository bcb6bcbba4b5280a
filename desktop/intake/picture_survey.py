"""A picture file inspected: every page's values as they are stored, turned as its EXIF orientation says."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

import numpy as np
from PIL import Image

from desktop.errors import UserFacingError
from desktop.intake import picture
from desktop.intake.inspection import ContentKind, Inspection, InspectionStatus, Tally
from desktop.intake.limits import MAX_JPEG_SCANS
from desktop.records.picture import Array

_PORTION = 1 << 20
_NATIVE = ("L", "I", "F", "I;16", "I;16B", "I;16L", "I;16N", "RGB", "RGBA", "LA")


def survey(stream: BinaryIO) -> Inspection:
    """What `lantern inspect` says of a picture file. frames: its pages, thumbnails left out."""
    found = Inspection(InspectionStatus.OK, ContentKind.IMAGE)
    try:
        _refuse_many_scans(stream)
        with warnings.catch_warnings():
            # Pillow warns about large pictures and odd metadata; our own limits decide, and nobody reads the words.
            warnings.simplefilter("ignore")
            with Image.open(stream, formats=picture.FORMATS) as image:
                counted = Tally()
                for page in _pages(image):
                    counted.add(page)
                    if counted.frames == 1:
                        samples = page.shape[2] if page.ndim == 3 else 1
                        found = replace(found, rows=page.shape[0], columns=page.shape[1], samples=samples)
        return replace(found, frames=counted.frames, figures=counted.figures())
    except UserFacingError as error:
        return found.failed(error)
    except OSError as error:
        if error.errno is not None:  # the disk's word; Pillow raises the bare type for a bad file
            raise
        return found.failed(picture.refusal(error))
    except Exception as error:  # Pillow's decoders have no common error
        return found.failed(picture.refusal(error))


def _refuse_many_scans(stream: BinaryIO) -> None:
    scans = 0
    if stream.read(2) == b"\xff\xd8":
        last = b""
        while part := stream.read(_PORTION):
            scans += (last + part).count(b"\xff\xda")
            last = b"\xff" if part.endswith(b"\xff") else b""
    if scans > MAX_JPEG_SCANS:
        raise UserFacingError("intake.damaged")
    stream.seek(0)


def _pages(image: Image.Image) -> Iterator[Array]:
    """(rows, columns[, samples]) of each page."""
    index = 0
    while True:
        picture.check_size(image)
        if not picture.is_thumbnail(image) or index == 0:
            image.load()
            plain = image if image.mode in _NATIVE else image.convert("L" if image.mode == "1" else "RGB")
            values = np.asarray(plain)
            yield picture.upright(values.astype(values.dtype.newbyteorder("="), copy=False), image)
        if image.format != "TIFF":
            return
        index += 1
        try:
            image.seek(index)
        except EOFError:
            return
