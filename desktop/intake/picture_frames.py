"""A DICOM file of pictures as frames that are decoded one at a time, when somebody looks at them.

The header is read once, with the place of each frame; a frame is then cut out and decoded however long the file is.
What the functional groups of an enhanced file say of a frame goes before what the file says of all (PS3.3 C.7.6.16).
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import UID

from desktop.errors import UserFacingError
from desktop.intake.dicom import transformed
from desktop.intake.dicom_codecs import DECODERS, decode_frame, unsupported
from desktop.intake.dicom_fields import Fields, clean
from desktop.intake.dicom_file import Budgeted, DicomFile, PixelElement, open_dicom
from desktop.intake.dicom_fragments import CodedFrame, find_coded_frames, read_coded
from desktop.intake.dicom_frames import NATIVE, fits_exactly
from desktop.intake.dicom_header import file_header, spacing
from desktop.intake.dicom_kind import kind_of, sop_class_of
from desktop.intake.dicom_layout import COLOUR, MONOCHROME, PALETTE, Layout, frame_count, read_layout
from desktop.intake.dicom_native import native_frame
from desktop.intake.dicom_pixels import in_colour
from desktop.intake.dicom_scales import calibrated_regions, uptake
from desktop.intake.inspection import ContentKind
from desktop.intake.series_header import Source
from desktop.records import FileHeader, Modality, Photometric, Picture
from desktop.records.picture import Array

WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
_SHARED, _EACH = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
_SLOWEST, _FASTEST = 0.2, 200.0
_ALLOCATED = (1, 8, 16, 32)


@dataclass(frozen=True, eq=False)
class FramesFile:
    """A file read up to its pixels. count: frames that are there. rate: per second, None where the file says nothing.
    sweep: to be played forth and back."""

    source: Source
    dataset: Dataset
    header: FileHeader
    layout: Layout
    syntax: UID
    count: int
    rate: float | None
    sweep: bool
    _pixels: PixelElement
    _coded: tuple[CodedFrame, ...]

    def picture(self, number: int) -> Picture:
        """The n-th frame, counted from 0, with what the file says of it. Raises UserFacingError, OSError."""
        with _in_words():
            raw, photometric = self._values(number)
            fields = frame_fields(self.dataset, number)
            regions = calibrated_regions(fields)
            scale = None if regions else spacing(fields)
            if photometric in MONOCHROME:
                kind, bits, pixels = Photometric(photometric), self.layout.stored, raw
            else:
                # Never grey, even where no colour is in use: the next frame may have some.
                kind, bits, pixels = Photometric.RGB, 8, in_colour(raw, photometric, self.dataset, self.layout)
            picture = Picture(
                pixels,
                kind,
                self.header,
                bits=bits,
                spacing=scale,
                frames=self.count,
                regions=regions,
                uptake=uptake(fields),
            )
            return transformed(picture, fields, self.layout) if kind is not Photometric.RGB else picture

    def _values(self, number: int) -> tuple[Array, str]:
        if not 0 <= number < self.count:
            raise UserFacingError("intake.truncated")
        with closing(self.source()) as stream:
            if self.syntax.is_deflated:
                again = open_dicom(stream).pixels
                if again is None:
                    raise UserFacingError("intake.no_pixels")
                return native_frame(again, self.layout, self.syntax, number)
            there = self._pixels
            source = Budgeted(stream)
            if self._coded:
                return decode_frame(read_coded(source, self._coded[number]), self.layout, self.syntax)
            element = PixelElement(there.keyword, there.vr, there.length, source, there.start)
            return native_frame(element, self.layout, self.syntax, number)


def read_frames_file(source: Source) -> FramesFile:
    """A file's header, and where its frames are. Raises UserFacingError: no picture, no viewer for it, damaged, without
    a decoder; OSError."""
    with _in_words(), closing(source()) as stream:
        return frames_of(open_dicom(stream), source)


def picture_modality(fields: Fields) -> Modality:
    """Which kind of study a file's pictures make; a machine without a word of its own makes other pictures."""
    word = fields.text("Modality").upper()
    return Modality(word) if word in Modality.__members__ else Modality.OT


def frame_fields(dataset: Dataset, number: int) -> Fields:
    """A frame's own facts: the data set with the macros of its functional groups in the place of its own elements."""
    levels = [*_macros(dataset, _SHARED, 0), *_macros(dataset, _EACH, number)]
    if not levels:
        return Fields(dataset)
    flat = Dataset()
    flat._dict.update(dataset._dict)
    implicit, little = dataset.original_encoding
    flat.set_original_encoding(implicit, little, dataset.original_character_set)
    for macro in levels:
        flat._dict.update(macro._dict)
    return Fields(flat)


def _macros(dataset: Dataset, keyword: str, number: int) -> Sequence[Dataset]:
    try:
        items = dataset.get(keyword)
        if not items or number >= len(items):
            return ()
        return [element.value[0] for element in items[number] if element.VR == "SQ" and element.value]
    except Exception:  # items are parsed when they are touched, and a hostile one raises anything at all
        return ()


def frames_of(file: DicomFile, source: Source) -> FramesFile:
    """A parsed file. Raises UserFacingError; pydicom raises anything for a hostile file."""
    fields = Fields(file.dataset)
    claimed = frame_count(fields)
    if sop_class_of(fields) == WHOLE_SLIDE:
        raise UserFacingError("intake.whole_slide")
    kind = kind_of(file, fields, claimed)
    if kind not in (ContentKind.IMAGE, ContentKind.VOLUME) or file.pixels is None:
        raise UserFacingError("intake.no_pixels")
    layout = read_layout(fields, file.pixels.keyword)
    if file.syntax is None or (not file.told and not fits_exactly(file.pixels, layout, claimed)):
        raise UserFacingError("intake.no_transfer_syntax")
    grey = layout.photometric in (*MONOCHROME, PALETTE) and layout.samples == 1
    colour = layout.photometric in COLOUR and layout.samples == 3
    if not (grey or colour) or not (layout.floating or layout.allocated in _ALLOCATED):
        raise UserFacingError("intake.unsupported_pixels")
    coded: tuple[CodedFrame, ...] = ()
    if file.syntax in NATIVE:
        count = min(claimed, file.pixels.available * 8 // layout.native_bits())
    elif file.syntax in DECODERS:
        coded = find_coded_frames(file.pixels, claimed, file.dataset)
        count = len(coded)
    else:
        raise unsupported(file.syntax)
    if not count:
        raise UserFacingError("intake.truncated")
    return FramesFile(
        source=source,
        dataset=file.dataset,
        header=file_header(fields, picture_modality(fields), clean(str(file.syntax))),
        layout=layout,
        syntax=file.syntax,
        count=count,
        rate=_rate(fields) if count > 1 else None,
        sweep=fields.integer("PreferredPlaybackSequencing") == 1,
        _pixels=file.pixels,
        _coded=coded,
    )


def _rate(fields: Fields) -> float | None:
    """Frames per second (PS3.3 C.7.6.5): as it asks to be shown, else as it was taken."""
    asked = [fields.number("RecommendedDisplayFrameRate"), fields.number("CineRate")]
    steps = [step for step in fields.numbers("FrameTimeVector")[1:] if step > 0]
    vector = sum(steps) / len(steps) if steps else None
    for milliseconds in (fields.number("FrameTime"), vector, fields.number("ActualFrameDuration")):
        asked.append(1000 / milliseconds if milliseconds is not None and milliseconds > 0 else None)
    return next((rate for rate in asked if rate is not None and _SLOWEST <= rate <= _FASTEST), None)


@contextmanager
def _in_words() -> Iterator[None]:
    """Whatever a hostile file makes the parser raise is told as a damaged file; the disk's own errors pass."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's words can hold a patient's name
        try:
            yield
        except (UserFacingError, MemoryError):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise UserFacingError("intake.damaged") from error
