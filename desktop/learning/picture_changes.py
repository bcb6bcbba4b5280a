"""Changes that a camera, a scanner or an export makes to a picture, to see how far an answer moves. Needs no torch.

Pictures are (rows, columns) grey or (rows, columns, 3) in colour, float32 in 0..1.
"""

import io
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

FloatArray = npt.NDArray[np.float32]
Change = Callable[[FloatArray], FloatArray]


def _image(light: FloatArray) -> Image.Image:
    return Image.fromarray(np.rint(np.clip(light, 0, 1) * 255).astype(np.uint8))


def _back(image: Image.Image) -> FloatArray:
    return np.asarray(image, dtype=np.float32) / np.float32(255)


def noise(level: float) -> Change:
    """Grain of a standard deviation; the same for a picture of the same size."""

    def change(light: FloatArray) -> FloatArray:
        random = np.random.default_rng(int(light.shape[0]) * 4099 + int(light.shape[1]))
        return np.clip(light + random.normal(0, level, light.shape), 0, 1).astype(np.float32)

    return change


def blur(share: float) -> Change:
    """Gaussian blur with a standard deviation of `share` of the longer side."""
    return lambda light: _back(_image(light).filter(ImageFilter.GaussianBlur(share * max(light.shape[:2]))))


def gamma(*exponents: float) -> Change:
    """Each channel to a power of its own, or all to one."""
    return lambda light: np.power(light, np.array(exponents, np.float32)).astype(np.float32)


def exposure(*factors: float) -> Change:
    """Each channel brighter or darker by a factor of its own, or all by one."""
    return lambda light: np.clip(light * np.array(factors, np.float32), 0, 1).astype(np.float32)


def jpeg(quality: int) -> Change:
    """Through a lossy file."""

    def change(light: FloatArray) -> FloatArray:
        stream = io.BytesIO()
        _image(light).save(stream, "JPEG", quality=quality)
        return _back(Image.open(io.BytesIO(stream.getvalue())))

    return change


def turn(degrees: float) -> Change:
    """Turned about its middle; black comes in from outside."""
    return lambda light: _back(_image(light).rotate(degrees, Image.Resampling.BILINEAR))


def stretch(side: int) -> Change:
    """To a square of that side, whatever its aspect."""
    return lambda light: _back(_image(light).resize((side, side), Image.Resampling.BICUBIC))


def scale(factor: float) -> Change:
    """To more or fewer pixels."""

    def change(light: FloatArray) -> FloatArray:
        size = (max(1, round(light.shape[1] * factor)), max(1, round(light.shape[0] * factor)))
        return _back(_image(light).resize(size, Image.Resampling.BILINEAR))

    return change


def vignette(depth: float) -> Change:
    """Darker towards one corner, as through an eyepiece that is not centred."""

    def change(light: FloatArray) -> FloatArray:
        rows, columns = (np.linspace(0, 1, size) for size in light.shape[:2])
        shade = 1 - depth * (rows[:, None] ** 2 + columns[None] ** 2) / 2
        return (light * (shade if light.ndim == 2 else shade[:, :, None])).astype(np.float32)

    return change


def keystone(share: float) -> Change:
    """As by a phone that is not held level: the upper corners are cut by `share` of the sides, and pulled apart."""

    def change(light: FloatArray) -> FloatArray:
        rows, columns = light.shape[:2]
        left, top = share * columns, share * rows
        corners = (left, top, 0, rows, columns, rows, columns - left, top)
        size = (columns, rows)
        return _back(_image(light).transform(size, Image.Transform.QUAD, corners, Image.Resampling.BILINEAR))

    return change


def moire(depth: float, waves: float = 45.0) -> Change:
    """Two crossing sets of faint stripes, as where the pixels of a screen and of a camera beat."""

    def change(light: FloatArray) -> FloatArray:
        down, across = (np.linspace(0, 2 * np.pi * waves, size) for size in light.shape[:2])
        stripes = np.sin(0.9 * across[None] + 0.4 * down[:, None]) + np.sin(0.9 * down[:, None] - 0.4 * across[None])
        shade = 1 + depth * stripes / 2
        return np.clip(light * (shade if light.ndim == 2 else shade[:, :, None]), 0, 1).astype(np.float32)

    return change


def in_turn(changes: Sequence[Change]) -> Change:
    """One change after the other."""

    def change(light: FloatArray) -> FloatArray:
        for one in changes:
            light = one(light)
        return light

    return change


PHONE_AT_FILM = in_turn((keystone(0.04), vignette(0.25), moire(0.04), blur(0.003), noise(0.02), jpeg(50)))
"""A film on a light box or a screen, photographed with a phone: not level, unevenly lit, with stripes."""
PHONE_AT_EYEPIECE = in_turn((vignette(0.3), blur(0.002), exposure(1.05, 0.95, 0.85), noise(0.02), jpeg(50)))
"""A phone before the eyepiece of a microscope or an eye camera, in colour; nothing is moved, so that drawings fit."""
