"""How a file's pixels are laid out, as its header claims (PS3.3 C.7.6.3); weighed before anything is decoded."""

from dataclasses import dataclass, replace

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import Fields
from desktop.intake.limits import MAX_SAMPLES

MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
YBR = ("YBR_FULL", "YBR_FULL_422")
COLOUR = ("RGB", *YBR, "YBR_ICT", "YBR_RCT")
PALETTE = "PALETTE COLOR"

_ALLOCATED = (1, 8, 12, 16, 32, 64)
_FLOATS = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}


@dataclass(frozen=True)
class Layout:
    """The claims. keyword: the element that holds the pixels. planar: each colour of a frame lies by itself."""

    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    high_bit: int
    signed: bool
    photometric: str
    planar: bool = False
    keyword: str = "PixelData"

    @property
    def justified(self) -> int:
        """Bits below the stored ones: not 0 in some old files."""
        return self.high_bit + 1 - self.stored

    @property
    def floating(self) -> bool:
        """Whether the values are floating point."""
        return self.keyword in _FLOATS

    @property
    def values(self) -> int:
        """Values in one frame."""
        return self.rows * self.columns * self.samples

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, columns) or (rows, columns, samples)."""
        return (self.rows, self.columns) if self.samples == 1 else (self.rows, self.columns, self.samples)

    @property
    def dtype(self) -> str:
        """numpy's name for the decoded values, in the machine's byte order; one bit becomes a byte (PS3.5 8.1.1)."""
        if self.floating:
            return f"float{self.allocated}"
        bits = {1: 8, 12: 16}.get(self.allocated, self.allocated)
        return f"{'int' if self.signed and self.allocated > 1 else 'uint'}{bits}"

    def native_bits(self) -> int:
        """Bits of one frame that is not compressed; frames follow one another without padding (PS3.5 8.2)."""
        bits = self.values * self.allocated
        return bits * 2 // 3 if self.photometric == "YBR_FULL_422" else bits

    def aligned(self) -> "Layout":
        """The same with its stored bits at the bottom, which is how pydicom takes every file."""
        return replace(self, high_bit=self.stored - 1)


def read_layout(fields: Fields, keyword: str = "PixelData") -> Layout:
    """The claims, checked for sense. Raises UserFacingError: no size, unsupported, too many pixels."""
    rows, columns = fields.integer("Rows"), fields.integer("Columns")
    allocated = _FLOATS.get(keyword) or fields.integer("BitsAllocated")
    if not rows or not columns or allocated is None or rows < 0 or columns < 0:
        raise UserFacingError("intake.no_size")
    samples = fields.integer("SamplesPerPixel") or 1
    if rows * columns * max(1, samples) > MAX_SAMPLES:
        raise UserFacingError("intake.too_many_pixels", megapixels=MAX_SAMPLES // 1_000_000)
    stored = allocated if keyword in _FLOATS else fields.integer("BitsStored") or allocated
    if samples not in (1, 3, 4) or allocated not in _ALLOCATED or not 1 <= stored <= allocated:
        raise UserFacingError("intake.unsupported_pixels")
    high_bit = fields.integer("HighBit")
    return Layout(
        rows=rows,
        columns=columns,
        samples=samples,
        allocated=allocated,
        stored=stored,
        high_bit=stored - 1 if high_bit is None else high_bit,
        signed=fields.integer("PixelRepresentation") == 1,
        photometric=fields.text("PhotometricInterpretation").upper(),
        planar=samples > 1 and fields.integer("PlanarConfiguration") == 1,
        keyword=keyword,
    )


def frame_count(fields: Fields) -> int:
    """How many frames the header claims; none and 0 mean one. Raises UserFacingError where it is no number."""
    frames = fields.integer("NumberOfFrames")
    if (frames is None and fields.text("NumberOfFrames")) or (frames is not None and frames < 0):
        raise UserFacingError("intake.bad_frame_count")
    return frames or 1
