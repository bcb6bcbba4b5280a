"""Pictures on paper: the film reduced to what print needs, and codes drawn as vectors. All in memory."""

import base64
import io

import numpy as np
import numpy.typing as npt

LONGEST_PIXELS = 1200
"""At the 10 cm a film gets on A4 this is 300 dpi, which a laser printer's screen cannot resolve."""

_JPEG_QUALITY = 90


def load_libraries() -> None:
    """Import what draws films and codes, and Pillow's common formats, which it else loads with the first picture."""
    import segno  # noqa: F401  (wanted for its own import)
    from PIL import Image

    Image.preinit()


def film_svg(image: npt.NDArray[np.uint8]) -> str:
    """The picture, at most `LONGEST_PIXELS` long, as an SVG that holds it as a JPEG.

    image: (rows, columns) uint8, grey. The typesetter takes no bytes beside its text, and a file would leave the film
    on the disk in plain; an SVG carries the JPEG as text, and the PDF then holds the same JPEG.
    """
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(image))
    scale = LONGEST_PIXELS / max(picture.size)
    if scale < 1:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=_JPEG_QUALITY)
    encoded = base64.b64encode(data.getvalue()).decode("ascii")
    width, height = picture.size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<image width="{width}" height="{height}" href="data:image/jpeg;base64,{encoded}"/></svg>'
    )


def qr_svg(text: str) -> str:
    """A QR code (ISO/IEC 18004, error correction M) as vectors, with its quiet zone of four modules."""
    import segno

    output = io.BytesIO()
    segno.make_qr(text, error="m", boost_error=False).save(output, kind="svg", border=4, xmldecl=False, omitsize=True)
    return output.getvalue().decode("ascii")
