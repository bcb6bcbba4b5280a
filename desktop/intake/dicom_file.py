"""A DICOM file opened up to its pixels: what stands before them is parsed, they themselves stay where they are.

So a whole slide or a cine run of gigabytes is read frame by frame, and what a header claims is weighed against the
bytes that are really there before anything is reserved.
"""

import io
import logging
import os
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

from pydicom import config
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filereader import read_dataset, read_partial
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from desktop.errors import UserFacingError
from desktop.intake.limits import MAX_FILE_BYTES, MAX_INFLATED_BYTES, MAX_PARSER_READS

# Odd values are ours to judge, one by one (`Fields`); and what pydicom would say about them can hold a patient's name.
config.settings.reading_validation_mode = config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)

T = TypeVar("T")

_PREFIX_END = 132
_UNDEFINED = 0xFFFFFFFF
_PIXELS = {
    0x7FE00008: "FloatPixelData",
    0x7FE00009: "DoubleFloatPixelData",
    0x7FE00010: "PixelData",
}


class Budgeted:
    """Bytes that end a parse which would never end, and remember whether it ran over their end.

    Asking for more than is there reserves nothing: a reader of the standard library would reserve what a header claims.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = stream.seek(0, os.SEEK_END)
        self._at = stream.seek(0)
        self._reads = 0
        self.ran_over = False

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes, fewer at the end. Raises UserFacingError after MAX_PARSER_READS."""
        self._reads += 1
        if self._reads > MAX_PARSER_READS:
            raise UserFacingError("intake.damaged")
        left = max(0, self.size - self._at)
        wanted = left if size is None or size < 0 else min(size, left)
        part = self._stream.read(wanted)
        self._at += len(part)
        # Between two elements 8 bytes are asked for, and none left there is the honest end.
        if size is not None and len(part) < size and (part or size != 8):
            self.ran_over = True
        return part

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Like a file's; never before its beginning."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = self._stream.seek(max(0, base + offset))
        return self._at

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._at


@dataclass(frozen=True, eq=False)
class PixelElement:
    """Where a file's pixels lie.

    keyword: PixelData, FloatPixelData or DoubleFloatPixelData. length: of the value in bytes as the file claims, None
    where it is undefined (coded frames). start: of the value in `source`.
    """

    keyword: str
    vr: str
    length: int | None
    source: Budgeted
    start: int

    @property
    def available(self) -> int:
        """Bytes of the value that are really there."""
        left = max(0, self.source.size - self.start)
        return left if self.length is None else min(left, self.length)

    def read(self, offset: int, count: int) -> bytes:
        """Some bytes of the value, fewer where it ends."""
        self.source.seek(self.start + offset)
        return self.source.read(max(0, min(count, self.available - offset)))


@dataclass(frozen=True, eq=False)
class DicomFile:
    """What stands before the pixels, and where those are.

    syntax: None where the file names none and none can be told from its bytes. told: whether the file named it.
    cut_short: the file ends in the middle of something.
    """

    dataset: Dataset
    syntax: UID | None
    told: bool
    cut_short: bool
    pixels: PixelElement | None


class _Stop:
    """Ends a parse before the pixels and notes them; a file's own order of elements puts them near its end."""

    def __init__(self, source: Budgeted) -> None:
        self._source = source
        self.found: PixelElement | None = None

    def __call__(self, tag: BaseTag, vr: str | None, length: int) -> bool:
        keyword = _PIXELS.get(tag)
        if keyword is None:
            return False
        known = None if length == _UNDEFINED else length
        self.found = PixelElement(keyword, vr or "OW", known, self._source, self._source.tell())
        return True


def open_dicom(stream: BinaryIO) -> DicomFile:
    """Parse a DICOM file up to its pixels; `stream` must stay open while they are wanted.

    Raises UserFacingError (damaged, truncated, unfolding to too much); pydicom raises anything at all besides.
    """
    source = Budgeted(stream)
    source.seek(_PREFIX_END - 4)
    source.seek(_PREFIX_END if source.read(4) == b"DICM" else 0)
    meta = FileMetaDataset()
    begin = source.tell()
    group = source.read(2)
    source.seek(begin)
    source.ran_over = False
    if group == b"\x02\0":
        elements = read_dataset(source, False, True, stop_when=_after_meta)  # type: ignore[arg-type]  # all it needs of a file
        meta = FileMetaDataset(elements)
    syntax = meta.get("TransferSyntaxUID")
    if syntax == DeflatedExplicitVRLittleEndian:
        body = Budgeted(io.BytesIO(_inflate(source)))
        stop = _Stop(body)
        inner = read_dataset(body, False, True, stop_when=stop)  # type: ignore[arg-type]  # likewise
        dataset: Dataset = FileDataset("", inner, b"", meta, False, True)
        return DicomFile(dataset, UID(syntax), True, body.ran_over, stop.found)
    source.seek(0)
    stop = _Stop(source)
    dataset = read_partial(source, stop_when=stop, force=True)  # type: ignore[arg-type]  # likewise
    known = UID(syntax) if syntax else _likely(dataset, stop.found)
    return DicomFile(dataset, known, bool(syntax), source.ran_over, stop.found)


def _after_meta(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag.group != 2


def _likely(dataset: Dataset, pixels: PixelElement | None) -> UID | None:
    """The encoding of a data set that names none (PS3.5 10): its elements show it, coded frames would not."""
    if pixels is not None and pixels.length is None:
        return None
    implicit, little = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def _inflate(source: Budgeted) -> bytes:
    """A deflated data set (PS3.5 A.5), which may unfold to a thousand times its size."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        unfolded = inflater.decompress(source.read(MAX_FILE_BYTES), MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise UserFacingError("intake.damaged") from error
    if inflater.unconsumed_tail:
        raise UserFacingError("intake.too_large", megabytes=MAX_INFLATED_BYTES // (1024 * 1024))
    if not inflater.eof:
        raise UserFacingError("intake.truncated")
    return unfolded


def judged(read: Callable[[bytes], T], data: bytes) -> T:
    """What `read` makes of a file's bytes. Raises UserFacingError: its own, else `intake.damaged`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's words can hold a patient's name
            return read(data)
    except UserFacingError:
        raise
    except Exception as error:  # a hostile data set makes the parser fail in ways nobody has listed
        raise UserFacingError("intake.damaged") from error
