"""Pictures that are no chest film, drawn by our own code, so that the gate also knows what no data set here holds."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

FloatArray = npt.NDArray[np.float32]
_SIDE = 240


def draw(random: np.random.Generator) -> FloatArray:
    """One picture of any of the kinds below, (240, 240) float32 in 0..1."""
    picture = _KINDS[int(random.integers(len(_KINDS)))](random)
    low, high = float(picture.min()), float(picture.max())
    return ((picture - low) / (high - low + 1e-6)).astype(np.float32)


def _grey(random: np.random.Generator) -> int:
    return int(random.integers(256))


def _array(image: Image.Image) -> FloatArray:
    return np.asarray(image, dtype=np.float32)


def _blurred(image: Image.Image, random: np.random.Generator, radius: float, noise: float) -> FloatArray:
    soft = _array(image.filter(ImageFilter.GaussianBlur(float(random.uniform(0.3, radius)))))
    return (soft + random.normal(0, random.uniform(0, noise) + 1e-3, soft.shape)).astype(np.float32)


def _page(random: np.random.Generator) -> FloatArray:
    """Lines of strokes on paper, like a scanned letter."""
    image = Image.new("L", (_SIDE, _SIDE), int(random.integers(225, 256)))
    pen = ImageDraw.Draw(image)
    height, y = int(random.integers(6, 22)), int(random.integers(5, 30))
    while y < _SIDE - 8:
        x = int(random.integers(5, 40))
        while x < _SIDE - 10 and random.random() > 0.12:
            width = int(random.integers(height // 2, height * 4))
            for stroke in range(x, min(x + width, _SIDE - 6), max(3, height // 2)):
                dark = int(random.integers(0, 90))
                if random.random() < 0.5:
                    pen.line([(stroke, y), (stroke, y + height * 0.6)], fill=dark, width=max(1, height // 8))
                else:
                    pen.ellipse([stroke, y + height * 0.2, stroke + height * 0.35, y + height * 0.6], outline=dark)
            x += width + height // 2
        y += int(height * random.uniform(1, 1.7))
    return _array(image)


def _noise(random: np.random.Generator) -> FloatArray:
    """Noise of several grain sizes."""
    total = random.normal(0, random.uniform(0.01, 1), (_SIDE, _SIDE)).astype(np.float32)
    for grain in (2, 4, 8, 16, 30, 60, 120):
        if random.random() < 0.5:
            coarse = Image.fromarray(random.normal(0, 1, (grain, grain)).astype(np.float32))
            total += _array(coarse.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)) * random.uniform(0.2, 2)
    return total


def _gradient(random: np.random.Generator) -> FloatArray:
    y, x = np.mgrid[:_SIDE, :_SIDE] / _SIDE
    angle = random.uniform(0, 2 * np.pi)
    field = np.cos(angle) * x + np.sin(angle) * y + random.uniform(-1, 1) * x * y
    field += np.hypot(x - 0.5, y - 0.5) * random.uniform(-2, 2)
    grained: FloatArray = (field + random.normal(0, random.uniform(0, 0.1), field.shape)).astype(np.float32)
    return grained


def _clutter(random: np.random.Generator) -> FloatArray:
    """Overlapping things of all sizes, like a photograph of a room."""
    image = Image.new("L", (_SIDE, _SIDE), _grey(random))
    pen = ImageDraw.Draw(image)
    for _ in range(int(random.integers(2, 40))):
        left, top = (int(value) for value in random.integers(-40, _SIDE, 2))
        width, height = (int(value) for value in random.integers(5, 160, 2))
        shape = pen.ellipse if random.random() < 0.5 else pen.rectangle
        shape([left, top, left + width, top + height], fill=_grey(random), outline=_grey(random))
        if random.random() < 0.3:
            corners = [(int(x), int(y)) for x, y in random.integers(0, _SIDE, (3, 2))]
            pen.polygon(corners, fill=_grey(random))
    return _blurred(image, random, 6, 15)


def _trace(random: np.random.Generator) -> FloatArray:
    """Curves on a grid, like an electrocardiogram or a chart."""
    paper, ink = int(random.integers(200, 256)), int(random.integers(0, 100))
    if random.random() < 0.3:
        paper, ink = 255 - paper, 255 - ink
    image = Image.new("L", (_SIDE, _SIDE), paper)
    pen = ImageDraw.Draw(image)
    if random.random() < 0.8:
        for place in range(0, _SIDE, int(random.integers(4, 24))):
            pen.line([(place, 0), (place, _SIDE)], fill=(paper * 3 + ink) // 4)
            pen.line([(0, place), (_SIDE, place)], fill=(paper * 3 + ink) // 4)
    count = int(random.integers(1, 13))
    across = np.arange(_SIDE, dtype=np.float64)
    for index in range(count):
        height = _SIDE / count * random.uniform(0.2, 0.6)
        phase = (across / random.uniform(10, 80)) % 1
        wave = np.exp(-(((phase - 0.4) / 0.03) ** 2)) + 0.2 * np.exp(-(((phase - 0.7) / 0.08) ** 2))
        curve = (index + 0.5) * _SIDE / count - height * wave + random.normal(0, 1, _SIDE)
        points = list(zip(across.tolist(), curve.tolist(), strict=True))
        pen.line(points, fill=ink, width=int(random.integers(1, 3)))
    return _array(image)


def _limb(random: np.random.Generator) -> FloatArray:
    """Soft tubes with brighter walls inside, like an X-ray of an arm or a leg."""
    field = np.zeros((_SIDE, _SIDE))
    y, x = np.mgrid[:_SIDE, :_SIDE].astype(np.float64)
    for _ in range(int(random.integers(1, 6))):
        angle = random.uniform(0, np.pi) if random.random() < 0.4 else random.uniform(1.2, 1.9)
        column, row = random.uniform(40, 200, 2)
        aside = np.abs(-(x - column) * np.sin(angle) + (y - row) * np.cos(angle))
        along = np.abs((x - column) * np.cos(angle) + (y - row) * np.sin(angle))
        width = random.uniform(12, 60)
        core = width * random.uniform(0.25, 0.5)
        within = along < random.uniform(60, 260)
        soft = np.sqrt(np.clip(1 - (aside / width) ** 2, 0, None)) * within * 0.45
        bone = (aside < core) * (0.5 + 0.5 * (aside / core) ** 4) * within * random.uniform(0.3, 0.6)
        field = np.maximum(field, soft + bone)
    if random.random() < 0.3:
        field = np.where(field < 0.02, random.uniform(0, 0.2), field)
    elif random.random() < 0.2:
        field[:, : int(random.integers(20, 70))] = 1.0
    image = Image.fromarray((np.clip(field, 0, 1) * 255).astype(np.uint8))
    return _blurred(image, random, 3, 6)


def _round_field(random: np.random.Generator) -> FloatArray:
    """A disc with blobs and branching lines, like a retina, a slice of a head or a microscope's field."""
    image = Image.new("L", (_SIDE, _SIDE), int(random.choice([0, 0, 255, _grey(random)])))
    pen = ImageDraw.Draw(image)
    centre, radius = _SIDE // 2, int(random.integers(60, 125))
    top = centre - int(radius * random.uniform(0.8, 1.1))
    pen.ellipse(
        [centre - radius, top, centre + radius, centre + radius],
        fill=int(random.integers(60, 220)),
        outline=_grey(random),
        width=int(random.integers(1, 12)),
    )
    for _ in range(int(random.integers(0, 30))):
        left, upper = (int(value) for value in random.integers(centre - radius // 2 - 10, centre + radius // 2, 2))
        width, height = (int(value) for value in random.integers(2, 60, 2))
        pen.ellipse([left, upper, left + width, upper + height], fill=_grey(random))
    for _ in range(int(random.integers(0, 12))):
        start = random.integers(centre - radius // 2, centre + radius // 2, (1, 2))
        path = np.cumsum(np.concatenate([start, random.normal(0, 14, (8, 2))]), axis=0)
        pen.line([(float(x), float(y)) for x, y in path], fill=_grey(random), width=int(random.integers(1, 5)))
    return _blurred(image, random, 5, 12)


def _cells(random: np.random.Generator) -> FloatArray:
    image = Image.new("L", (_SIDE, _SIDE), _grey(random))
    pen = ImageDraw.Draw(image)
    usual, shade = random.uniform(3, 40), _grey(random)
    for _ in range(int(random.integers(3, 200))):
        column, row = random.uniform(0, _SIDE, 2)
        radius = usual * random.uniform(0.7, 1.3)
        fill = int(np.clip(random.normal(shade, 20), 0, 255))
        pen.ellipse([column - radius, row - radius, column + radius, row + radius], fill=fill, outline=_grey(random))
    return _blurred(image, random, 4, 8)


def _pattern(random: np.random.Generator) -> FloatArray:
    """Stripes, checks or nothing at all."""
    y, x = np.mgrid[:_SIDE, :_SIDE].astype(np.float64)
    angle, rate = random.uniform(0, np.pi), random.uniform(0.01, 0.6)
    field = np.sin((np.cos(angle) * x + np.sin(angle) * y) * rate)
    if random.random() < 0.5:
        field = np.sign(field)
    if random.random() < 0.4:
        crossing = np.cos(angle + np.pi / 2) * x + np.sin(angle + np.pi / 2) * y
        field = field * np.sin(crossing * rate * random.uniform(0.5, 2))
    if random.random() < 0.2:
        field = random.normal(0, 1e-3, field.shape)
    grained: FloatArray = (field + random.normal(0, random.uniform(0, 0.5), field.shape)).astype(np.float32)
    return grained


_KINDS: tuple[Callable[[np.random.Generator], FloatArray], ...] = (
    _page,
    _noise,
    _gradient,
    _clutter,
    _trace,
    _limb,
    _round_field,
    _cells,
    _pattern,
)
