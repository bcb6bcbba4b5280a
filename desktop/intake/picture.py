"""Picture files: PNG, JPEG, TIFF and BMP. A film photographed or exported without DICOM has no name, no millimetres."""

import io
import logging
import warnings

import numpy as np
from PIL import Image, UnidentifiedImageError

from desktop.errors import UserFacingError
from desktop.intake.colour import from_rgb
from desktop.intake.limits import MAX_JPEG_SCANS, MAX_SAMPLES
from desktop.records import FileHeader, Modality, Photometric, Picture
from desktop.records.picture import Array

# What Pillow would say about a file says nothing to anybody here; the answer is a sentence.
logging.getLogger("PIL").setLevel(logging.CRITICAL + 1)

FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
_EXIF_ORIENTATION = 0x0112
_EXIF_MAKE, _EXIF_MODEL = 0x010F, 0x0110
_EXIF_TEXT = 64
"""Letters of a maker or model that are kept."""
_TIFF_PHOTOMETRIC = 262
_TIFF_SUBFILE = 254
_TIFF_BITS = 258
_WHITE_IS_ZERO = 0
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(data: bytes) -> Picture:
    """The picture in a PNG, JPEG, TIFF or BMP file.

    Grey files give MONOCHROME2 as stored (1 to 32 bits), or MONOCHROME1 for a 16-bit TIFF whose white is zero.
    Colour gives RGB, or MONOCHROME2 where the channels agree (see `colour.from_rgb`); transparency is laid on black.
    EXIF orientation is applied. Raises UserFacingError: truncated, damaged, too many pixels, several pages.
    """
    if data.startswith(b"\xff\xd8") and data.count(b"\xff\xda") > MAX_JPEG_SCANS:
        raise UserFacingError("intake.damaged")
    try:
        with warnings.catch_warnings():
            # Pillow warns about large pictures and odd metadata; our own limits decide, and nobody reads the words.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                return _convert(image)
    except UserFacingError:
        raise
    # Pillow's decoders have no common error: a broken file shows as any of a dozen types.
    except Exception as error:
        raise refusal(error) from error


def refusal(error: Exception) -> UserFacingError:
    """What Pillow's error means."""
    if isinstance(error, Image.DecompressionBombError | MemoryError):
        return _too_many()
    words = str(error).lower()
    cut_short = isinstance(error, EOFError) or any(
        hint in words for hint in ("truncated", "unexpected end", "not enough", "buffer overrun", "incomplete")
    )
    known = not isinstance(error, UnidentifiedImageError)
    return UserFacingError("intake.truncated" if cut_short and known else "intake.damaged")


def _too_many() -> UserFacingError:
    return UserFacingError("intake.too_many_pixels", megapixels=MAX_SAMPLES // 1_000_000)


def _convert(image: Image.Image) -> Picture:
    check_size(image)
    if image.format == "TIFF":
        _refuse_pages(image)
    image.load()
    pixels, photometric, bits = _pixels(image)
    pixels = upright(pixels, image)
    maker, model = (_exif_text(image, tag) for tag in (_EXIF_MAKE, _EXIF_MODEL))
    header = FileHeader(modality=Modality.PHOTO, manufacturer=maker, model_name=model)
    return Picture(pixels=pixels, photometric=photometric, header=header, bits=bits)


def check_size(image: Image.Image) -> None:
    """Refuse, before it is decoded, a picture of more values than are bearable."""
    width, height = image.size
    if width * height * max(1, len(image.getbands())) > MAX_SAMPLES:
        raise _too_many()


def upright(pixels: Array, image: Image.Image) -> Array:
    """An image's values turned as its EXIF orientation says."""
    turn = _TURNS.get(_orientation(image))
    return pixels if turn is None else _turned(pixels, turn)


def is_thumbnail(image: Image.Image) -> bool:
    """Whether the current page of a TIFF is a smaller copy of another one."""
    return bool(int(getattr(image, "tag_v2", {}).get(_TIFF_SUBFILE, 0)) & 1)


def _refuse_pages(image: Image.Image) -> None:
    """Refuse a TIFF of several pages; a second page that is only a thumbnail of the first does not count."""
    try:
        image.seek(1)
    except (EOFError, ValueError, SyntaxError, OSError):
        image.seek(0)
        return
    thumbnail = is_thumbnail(image)
    image.seek(0)
    if not thumbnail:
        raise UserFacingError("intake.several_pictures")


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:  # broken metadata says nothing about how the picture lies
        return 1


def _exif_text(image: Image.Image, tag: int) -> str:
    """A short text of the file's EXIF, empty where there is none that can be read."""
    try:
        said = image.getexif().get(tag, "")
    except Exception:  # as above
        return ""
    text = said if isinstance(said, str) else ""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:_EXIF_TEXT]


def _pixels(image: Image.Image) -> tuple[Array, Photometric, int]:
    if image.mode == "1":
        image = image.convert("L")
    if image.mode == "L":
        return np.array(image), Photometric.MONOCHROME2, 8
    if image.mode in ("I;16", "I;16B", "I;16L", "I;16N", "I", "F"):
        return _deep(image)
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        colour = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", colour.size, (0, 0, 0, 255)), colour)
    rgb = np.array(image.convert("RGB"))
    pixels, photometric = from_rgb(rgb)
    return pixels, photometric, 8


def _deep(image: Image.Image) -> tuple[Array, Photometric, int]:
    """Grey of more than 8 bits, in the machine's own byte order."""
    pixels = np.array(image)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise UserFacingError("intake.damaged")
    tags = getattr(image, "tag_v2", {})
    inverted = tags.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO
    declared = tags.get(_TIFF_BITS, (16,))
    bits = int(declared[0]) if isinstance(declared, tuple) and declared else 16
    if pixels.dtype.kind in "iu" and pixels.size and pixels.min() >= 0 and pixels.max() < 1 << 16:
        # Pillow widens 16-bit PNG and some TIFF to 32 bits; the stored values are the same.
        pixels = pixels.astype(np.uint16)
    if pixels.dtype == np.uint16:
        bits = min(max(bits, 9), 16)
    return pixels, Photometric.MONOCHROME1 if inverted else Photometric.MONOCHROME2, bits


def _turned(pixels: Array, turn: Image.Transpose) -> Array:
    turned = {
        Image.Transpose.FLIP_LEFT_RIGHT: lambda: pixels[:, ::-1],
        Image.Transpose.ROTATE_180: lambda: np.rot90(pixels, 2),
        Image.Transpose.FLIP_TOP_BOTTOM: lambda: pixels[::-1],
        Image.Transpose.TRANSPOSE: lambda: pixels.swapaxes(0, 1),
        Image.Transpose.ROTATE_270: lambda: np.rot90(pixels, -1),
        Image.Transpose.TRANSVERSE: lambda: np.rot90(pixels, 2).swapaxes(0, 1),
        Image.Transpose.ROTATE_90: lambda: np.rot90(pixels, 1),
    }[turn]()
    return np.ascontiguousarray(turned)
