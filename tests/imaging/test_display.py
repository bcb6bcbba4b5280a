import io
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom import dcmread
from pydicom.pixels.processing import apply_modality_lut, apply_windowing

from desktop.imaging.display import (
    Canvas,
    RenderSettings,
    default_settings,
    default_window,
    grey,
    modality_values,
    presets,
    render,
    thumbnail,
)
from desktop.imaging.window import apply_window
from desktop.intake import read_picture
from desktop.records import FileHeader, Modality, Photometric, Picture, VoiWindow
from tests.intake.dicom_files import film_bytes, gradient

FULL = VoiWindow(2047.5, 4095, function="LINEAR_EXACT")


def picture(pixels: npt.NDArray[Any] | None = None, **more: Any) -> Picture:
    stored = gradient() if pixels is None else pixels
    photometric = Photometric.RGB if stored.ndim == 3 else Photometric.MONOCHROME2
    bits = 8 if stored.dtype.itemsize == 1 else 12
    return replace(Picture(stored, photometric, FileHeader(modality=Modality.CR), bits=bits), **more)


class TestWindow:
    @pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
    @pytest.mark.parametrize(("center", "width"), [(2048, 4096), (1000, 300), (40.5, 1), (-500, 2000), (3000, 12.5)])
    def test_agrees_with_pydicom(self, function: str, center: float, width: float) -> None:
        data = film_bytes(
            WindowCenter=center,
            WindowWidth=width,
            VOILUTFunction=function,
            RescaleSlope="1.5",
            RescaleIntercept="-900",
        )
        dataset = dcmread(io.BytesIO(data))
        values = apply_modality_lut(dataset.pixel_array, dataset)
        with np.errstate(over="ignore"):  # pydicom's sigmoid
            expected = apply_windowing(values, dataset)
        low, span = -900.0, 4095 * 1.5  # the output range pydicom works out from bits and rescale
        found = apply_window(values.astype(np.float32), VoiWindow(center, width, function=function))
        assert np.allclose(found, (expected - low) / span, atol=1e-4)

    def test_is_the_files_own_where_it_shows_something(self) -> None:
        own = VoiWindow(2000, 500, "LUNG")
        assert default_window(picture(windows=(own, VoiWindow(1, 2)))) == own

    def test_of_the_file_is_passed_over_where_it_shows_nothing(self) -> None:
        useful = VoiWindow(2000, 500)
        assert default_window(picture(windows=(VoiWindow(60000, 10), useful))) == useful

    def test_covers_almost_everything_where_the_file_has_none(self) -> None:
        values = np.random.default_rng(1).normal(2000, 200, (200, 200)).clip(0, 4095).astype(np.uint16)
        values[0, :5] = 4095
        window = default_window(picture(values))
        low, high = window.center - window.width / 2, window.center + window.width / 2
        assert low == pytest.approx(np.percentile(values, 0.5), abs=5)
        assert high == pytest.approx(np.percentile(values, 99.5), abs=5)

    def test_leaves_padding_out(self) -> None:
        values = np.full((100, 100), 60000, dtype=np.uint16)
        values[40:60] = np.linspace(1000, 2000, 100).astype(np.uint16)
        window = default_window(picture(values, bits=16, pixel_padding=60000))
        assert window.center + window.width / 2 <= 2000

    def test_of_eight_bits_is_the_whole_range(self) -> None:
        window = default_window(picture(gradient(top=200).astype(np.uint8)))
        assert (window.center, window.width) == (127.5, 255)

    def test_of_one_single_value_is_a_window_all_the_same(self) -> None:
        assert default_window(picture(np.full((4, 4), 7, np.uint16))).width > 0

    def test_presets_begin_with_the_files_own(self) -> None:
        own = VoiWindow(2000, 500, "LUNG")
        offered = presets(picture(windows=(own,)))
        assert (offered[0].window, offered[0].name) == (own, "LUNG")
        assert len({preset.key for preset in offered}) == len(offered)

    def test_the_lung_preset_looks_at_the_dark_end_of_either_photometric(self) -> None:
        for photometric in (Photometric.MONOCHROME1, Photometric.MONOCHROME2):
            values = gradient() if photometric is Photometric.MONOCHROME2 else 4095 - gradient()
            by_key = {preset.key: preset.window for preset in presets(picture(values, photometric=photometric))}
            lungs, bones = by_key["imaging.preset.lungs"], by_key["imaging.preset.bones"]
            assert lungs is not None
            assert bones is not None
            darker = lungs.center < bones.center
            assert darker == (photometric is Photometric.MONOCHROME2)


class TestRender:
    def test_maps_the_window_to_light(self) -> None:
        light = render(picture(), RenderSettings(FULL))
        assert light.dtype == np.uint8
        assert np.array_equal(light, np.rint(gradient() / 4095 * 255).astype(np.uint8))

    def test_turns_monochrome1_and_inverts(self) -> None:
        light = render(picture(), RenderSettings(FULL)).astype(int)
        turned = render(picture(photometric=Photometric.MONOCHROME1), RenderSettings(FULL))
        inverted = render(picture(), RenderSettings(FULL, invert=True))
        assert np.abs(255 - light - turned).max() <= 1
        assert np.array_equal(turned, inverted)
        both = render(picture(photometric=Photometric.MONOCHROME1), RenderSettings(FULL, invert=True))
        assert np.array_equal(both, light)

    @pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint32, np.float32, np.float64])
    def test_of_any_type_is_within_a_step_of_the_formula(self, dtype: type[np.generic]) -> None:
        values = (gradient().astype(np.float64) - 2000).astype(dtype)
        if np.issubdtype(dtype, np.unsignedinteger):
            values = gradient().astype(dtype) * 100_000
        window = VoiWindow(float(values.mean()), float(values.max() - values.min()) / 2, function="LINEAR_EXACT")
        expected = np.rint(apply_window(values.astype(np.float32), window) * 255)
        assert np.abs(render(picture(values), RenderSettings(window)).astype(int) - expected).max() <= 1

    def test_padding_is_black_whatever_is_chosen(self) -> None:
        shown = picture(pixel_padding=int(gradient()[5, 5]))
        for invert in (False, True):
            for photometric in (Photometric.MONOCHROME1, Photometric.MONOCHROME2):
                settings = RenderSettings(FULL, invert=invert)
                assert render(replace(shown, photometric=photometric), settings)[5, 5] == 0

    def test_follows_the_files_table(self) -> None:
        shown = picture(np.array([[0, 5, 6, 7, 4095]], np.uint16), voi_lut=np.array([0.2, 0.6, 1.0]), voi_lut_first=5)
        assert default_settings(shown).window is None
        assert render(shown, default_settings(shown)).tolist() == [[51, 51, 153, 255, 255]]

    def test_lies_as_asked(self) -> None:
        light = render(picture(), RenderSettings(FULL))
        turned = render(picture(), RenderSettings(FULL, quarter_turns=1, mirrored=True))
        assert np.array_equal(turned, np.rot90(light[:, ::-1], -1))
        assert turned.flags.c_contiguous

    @pytest.mark.parametrize("step", [2, 3, 5, 40])
    def test_reduces_by_averaging(self, step: int) -> None:
        rows, columns = -(-24 // step), -(-32 // step)
        light = render(picture(), RenderSettings(FULL, step=step))
        assert light.shape == (rows, columns)
        padded = np.pad(gradient(), [(0, rows * step - 24), (0, columns * step - 32)], mode="edge").astype(float)
        expected = padded.reshape(rows, step, columns, step).mean(axis=(1, 3)) / 4095 * 255
        assert np.abs(light - expected).max() <= 1

    def test_renders_a_part_alone(self) -> None:
        canvas = Canvas(picture())
        settings = RenderSettings(FULL, step=2)
        whole = canvas.render(settings)
        assert np.array_equal(canvas.render(settings, part=(3, 2, 10, 9)), whole[2:9, 3:10])
        turned = replace(settings, quarter_turns=1)
        assert np.array_equal(canvas.render(turned, part=(3, 2, 10, 9)), np.rot90(whole[2:9, 3:10], -1))

    def test_keeps_colour(self) -> None:
        pixels = np.random.default_rng(2).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        assert np.array_equal(render(picture(pixels), default_settings(picture(pixels))), pixels)
        inverted = render(picture(pixels), RenderSettings(VoiWindow(127.5, 255, function="LINEAR_EXACT"), invert=True))
        assert np.array_equal(inverted, 255 - pixels)

    @pytest.mark.parametrize("step", [4, 8, 12])
    def test_16_bits_halved_again_and_again_are_the_means(self, step: int) -> None:
        pixels = np.random.default_rng(step).integers(0, 65536, (48, 96)).astype(np.uint16)
        means = pixels.reshape(48 // step, step, 96 // step, step).mean(axis=(1, 3))
        assert np.abs(Canvas(picture(pixels)).codes(step) - means).max() <= 2

    def test_a_step_of_nothing_is_refused(self) -> None:
        with pytest.raises(ValueError, match="step"):
            RenderSettings(step=0)

    def test_of_one_single_value_is_one_shade(self) -> None:
        for value in (0, 7, 65535):
            shown = picture(np.full((4, 4), value, np.uint16), bits=16)
            assert len(np.unique(render(shown, default_settings(shown)))) == 1


class TestGrey:
    def test_is_bright_where_the_film_is_dense(self) -> None:
        direct, turned = grey(picture()), grey(picture(4095 - gradient(), photometric=Photometric.MONOCHROME1))
        assert direct.dtype == np.float32
        assert (direct.min(), direct.max()) == (0, 1)
        assert np.allclose(direct, turned, atol=1e-3)
        assert direct[0, 0] < direct[-1, -1]

    def test_applies_table_and_padding(self) -> None:
        shown = picture(np.array([[5, 6, 9]], np.uint16), voi_lut=np.array([0.25, 0.5]), voi_lut_first=5)
        assert grey(shown).tolist() == [[0.25, 0.5, 0.5]]
        assert grey(replace(shown, pixel_padding=9)).tolist() == [[0.25, 0.5, 0.0]]

    def test_of_colour_is_brightness(self) -> None:
        pixels = np.array([[[255, 255, 255], [255, 0, 0]]], np.uint8)
        assert grey(picture(pixels))[0].tolist() == pytest.approx([1.0, 0.299], abs=1e-6)

    def test_agrees_with_what_is_shown(self) -> None:
        shown = read_picture(film_bytes(PhotometricInterpretation="MONOCHROME1", RescaleSlope="2"))
        assert np.abs(grey(shown) * 255 - render(shown, default_settings(shown))).max() <= 0.51


def test_modality_values_keep_the_last_digit_of_a_deep_picture() -> None:
    stored = np.array([[2**31 - 1, 2**31 - 2]], dtype=np.uint32)
    values = modality_values(picture(stored, slope=1e-5, intercept=-21474.0))
    assert values[0].tolist() == pytest.approx([2147483647e-5 - 21474, 2147483646e-5 - 21474], abs=1e-6)


@pytest.mark.parametrize("longest", [1, 10, 32, 1000])
def test_a_thumbnail_is_small_and_never_enlarged(longest: int) -> None:
    small = thumbnail(picture(), longest)
    assert max(small.shape) <= min(longest, 32)
