import io
import struct
import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from desktop.errors import UserFacingError
from desktop.imaging.display import grey
from desktop.intake import read_picture
from desktop.records import Modality, Photometric
from tests.intake.dicom_files import gradient

GREY = gradient(20, 30, 255).astype(np.uint8)
DEEP = gradient(20, 30, 65535)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(UserFacingError) as caught:
        read_picture(data)
    return caught.value.key


class TestGrey:
    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_of_eight_bits_is_as_stored(self, kind: str) -> None:
        picture = read_picture(saved(Image.fromarray(GREY), kind))
        assert np.array_equal(picture.pixels, GREY)
        assert (picture.photometric, picture.bits) == (Photometric.MONOCHROME2, 8)
        assert picture.header.modality is Modality.PHOTO
        assert picture.header.name_groups == ()
        assert picture.spacing is None

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_of_sixteen_bits_is_as_stored(self, kind: str) -> None:
        picture = read_picture(saved(Image.fromarray(DEEP), kind))
        assert np.array_equal(picture.pixels, DEEP)
        assert picture.pixels.dtype == np.uint16
        assert picture.bits == 16

    def test_of_sixteen_bits_and_the_other_byte_order(self) -> None:
        picture = read_picture(tiff(DEEP, big_endian=True))
        assert np.array_equal(picture.pixels, DEEP)
        assert picture.pixels.dtype.isnative

    def test_of_one_bit_is_black_and_white(self) -> None:
        picture = read_picture(saved(Image.fromarray(GREY > 127), "PNG"))
        assert np.array_equal(picture.pixels, np.where(GREY > 127, 255, 0))

    def test_of_four_bits_is_spread_over_eight(self) -> None:
        header = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 1, 4, 0, 0, 0, 0))
        data = header + chunk(b"IDAT", zlib.compress(b"\0\x0f\x84")) + chunk(b"IEND", b"")
        assert read_picture(data).pixels.tolist() == [[0, 255, 136, 68]]

    def test_as_jpeg(self) -> None:
        picture = read_picture(saved(Image.fromarray(GREY), "JPEG", quality=100))
        assert np.abs(picture.pixels.astype(int) - GREY).max() <= 3

    def test_of_floating_point_keeps_its_values(self) -> None:
        values = np.linspace(-1, 3, 600, dtype=np.float32).reshape(20, 30)
        assert np.array_equal(read_picture(saved(Image.fromarray(values), "TIFF")).pixels, values)

    def test_that_is_no_number_is_damage(self) -> None:
        values = np.full((4, 4), np.nan, dtype=np.float32)
        assert refusal(saved(Image.fromarray(values), "TIFF")) == "intake.damaged"


class TestWhiteIsZero:
    """However a TIFF stores its greys, what is bright must come out bright."""

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_is_shown_the_right_way_round(self, dtype: type[np.integer[Any]]) -> None:
        top = np.iinfo(dtype).max
        light = np.linspace(0, top, 600).astype(dtype).reshape(20, 30)
        plain, inverted = read_picture(tiff(light)), read_picture(tiff(top - light, white_is_zero=True))
        assert np.allclose(grey(inverted), grey(plain), atol=0.01)
        assert grey(plain)[0, 0] < grey(plain)[-1, -1]

    def test_keeps_sixteen_bit_values_as_stored(self) -> None:
        picture = read_picture(tiff(DEEP, white_is_zero=True))
        assert picture.photometric is Photometric.MONOCHROME1
        assert np.array_equal(picture.pixels, DEEP)


class TestColour:
    def test_stays_colour(self) -> None:
        pixels = np.random.default_rng(5).integers(0, 256, (8, 9, 3), dtype=np.uint8)
        picture = read_picture(saved(Image.fromarray(pixels), "PNG"))
        assert picture.photometric is Photometric.RGB
        assert np.array_equal(picture.pixels, pixels)

    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
    def test_of_equal_channels_is_grey(self, kind: str) -> None:
        options = {"quality": 95} if kind == "JPEG" else {}
        picture = read_picture(saved(Image.fromarray(np.dstack([GREY] * 3)), kind, **options))
        assert picture.photometric is Photometric.MONOCHROME2
        assert np.abs(picture.pixels.astype(int) - GREY).max() <= (4 if kind == "JPEG" else 0)

    def test_of_a_small_part_is_kept(self) -> None:
        pixels = np.dstack([GREY] * 3)
        pixels[2:6, 2:6] = (200, 30, 30)
        assert read_picture(saved(Image.fromarray(pixels), "PNG")).photometric is Photometric.RGB

    def test_from_a_palette_is_looked_up(self) -> None:
        image = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8), "P")
        image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
        assert read_picture(saved(image, "PNG")).pixels.tolist() == [[[255, 0, 0], [0, 255, 0], [0, 0, 255]]]

    def test_from_a_grey_palette_is_grey(self) -> None:
        image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "P")
        image.putpalette([10, 10, 10, 200, 200, 200])
        assert read_picture(saved(image, "PNG")).pixels.tolist() == [[10, 200]]

    def test_of_print_is_turned_into_light(self) -> None:
        image = Image.fromarray(np.dstack([GREY] * 3)).convert("CMYK")
        picture = read_picture(saved(image, "JPEG", quality=100))
        assert np.abs(picture.pixels.astype(int) - GREY).mean() < 2

    @pytest.mark.parametrize("mode", ["RGBA", "LA"])
    def test_that_is_transparent_lies_on_black(self, mode: str) -> None:
        pixels = np.full((2, 2, 4 if mode == "RGBA" else 2), 255, dtype=np.uint8)
        pixels[0, :, -1] = 0
        assert read_picture(saved(Image.fromarray(pixels, mode), "PNG")).pixels.tolist() == [[0, 0], [255, 255]]


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_of_a_phone_is_applied(self, orientation: int) -> None:
        from PIL import ImageOps

        pixels = np.zeros((16, 24), dtype=np.uint8)
        pixels[:8, :8] = 255
        exif = Image.Exif()
        exif[0x0112] = orientation
        data = saved(Image.fromarray(pixels), "PNG", exif=exif)
        with Image.open(io.BytesIO(data)) as image:
            expected = np.asarray(ImageOps.exif_transpose(image))
        assert np.array_equal(read_picture(data).pixels, expected)

    def test_that_is_nonsense_is_ignored(self) -> None:
        data = saved(Image.fromarray(GREY), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
        assert np.array_equal(read_picture(data).pixels, GREY)


class TestRefusals:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
    def test_a_cut_file_is_refused_at_every_place(self, kind: str) -> None:
        noise = np.random.default_rng(6).integers(0, 256, (64, 64), dtype=np.uint8)
        data = saved(Image.fromarray(noise), kind)
        for end in range(12, len(data) - 60, 211):
            assert refusal(data[:end]) in {"intake.truncated", "intake.damaged"}

    def test_half_a_jpeg_is_truncated(self) -> None:
        noise = np.random.default_rng(6).integers(0, 256, (64, 64), dtype=np.uint8)
        data = saved(Image.fromarray(noise), "JPEG")
        assert refusal(data[: len(data) // 2]) == "intake.truncated"

    def test_a_png_bomb_is_refused_before_it_unfolds(self) -> None:
        header = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0))
        data = header + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")
        assert refusal(data) == "intake.too_many_pixels"

    def test_a_picture_between_our_limit_and_pillows_is_refused(self) -> None:
        header = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 10_001, 10_000, 8, 0, 0, 0, 0))
        assert refusal(header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")) == "intake.too_many_pixels"

    def test_a_jpeg_of_endless_scans_is_refused(self) -> None:
        data = saved(Image.fromarray(GREY), "JPEG", progressive=True)
        at = data.rindex(b"\xff\xda")
        assert refusal(data[:at] + data[at:-2] * 300 + b"\xff\xd9") == "intake.damaged"

    def test_several_pages_are_refused(self) -> None:
        page = Image.fromarray(GREY)
        assert refusal(saved(page, "TIFF", save_all=True, append_images=[page])) == "intake.several_pictures"

    def test_a_tiff_of_more_samples_than_any_picture_has_is_refused_without_a_word_in_the_log(self) -> None:
        data = bytearray(saved(Image.fromarray(np.dstack([GREY] * 3).astype(np.uint8)), "TIFF"))
        at = data.index(struct.pack("<HHI", 277, 3, 1))
        data[at + 8 : at + 10] = struct.pack("<H", 2051)
        assert refusal(bytes(data)) == "intake.damaged"

    @pytest.mark.parametrize("kind", ["GIF", "WEBP"])
    def test_other_formats_are_not_recognised(self, kind: str) -> None:
        assert refusal(saved(Image.fromarray(GREY), kind)) == "intake.not_recognised"

    @pytest.mark.parametrize(
        ("data", "key"),
        [
            (b"", "intake.empty"),
            (b"%PDF-1.7 report", "intake.no_single_picture"),
            (b"name,age\nx,3\n", "intake.not_recognised"),
            (bytes(5000), "intake.not_recognised"),
            (b"\x89PNG\r\n\x1a\n", "intake.damaged"),
            (b"\xff\xd8\xff\xe0", "intake.damaged"),
            (b"II*\0\x08\0\0\0", "intake.damaged"),
            (b"II*\0\x08\0\0\0" + b"\xff" * 400, "intake.damaged"),
        ],
    )
    def test_what_is_no_picture_is_refused(self, data: bytes, key: str) -> None:
        assert refusal(data) in {key, "intake.truncated" if key == "intake.damaged" else key}

    def test_tiny_pictures_are_left_to_the_quality_gate(self) -> None:
        assert read_picture(saved(Image.fromarray(GREY[:1, :1]), "PNG")).pixels.shape == (1, 1)


@pytest.mark.data
def test_every_film_of_the_children_is_read(shared_data: Path) -> None:
    films = sorted((shared_data / "cxr" / "kermany_full" / "images").glob("*.jpg"))[::40]
    assert films
    for film in films:
        picture = read_picture(film.read_bytes())
        assert picture.photometric is Photometric.MONOCHROME2
        assert max(picture.pixels.shape) <= 384


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def tiff(pixels: npt.NDArray[Any], *, white_is_zero: bool = False, big_endian: bool = False) -> bytes:
    """An uncompressed grey TIFF, written by hand."""
    order: Literal["<", ">"] = ">" if big_endian else "<"
    bits = 8 * pixels.dtype.itemsize
    body = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    rows, columns = pixels.shape
    tags = [
        (256, columns),
        (257, rows),
        (258, bits),
        (259, 1),
        (262, 0 if white_is_zero else 1),
        (273, 8),
        (277, 1),
        (278, rows),
        (279, len(body)),
    ]
    directory = struct.pack(order + "H", len(tags))
    for tag, value in tags:
        directory += struct.pack(order + "HHII", tag, 4, 1, value)
    head = (b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "I", 8 + len(body))
    return head + body + directory + bytes(4)
