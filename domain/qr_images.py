"""QR codes as pictures: PNG, SVG, and the modules that label sheets draw."""

import io
import zipfile
from collections.abc import Iterable
from typing import Any

import qrcode
from PIL import Image
from qrcode.constants import ERROR_CORRECT_Q
from qrcode.image.svg import SvgPathImage

QUIET_ZONE = 4  # modules, as ISO/IEC 18004 asks
PNG_PIXELS_PER_MODULE = 20
# Comparing all eight masks takes four times as long as the rest, and every reader takes every mask.
_MASK = 2


def encoded(address: str) -> qrcode.QRCode[Any]:
    """The address as a QR code of error level Q with its quiet zone."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_Q, border=QUIET_ZONE, mask_pattern=_MASK)
    code.add_data(address)
    code.make()
    return code


def picture(address: str, pixels_per_module: int = PNG_PIXELS_PER_MODULE) -> Image.Image:
    """Black and white, quiet zone included."""
    modules = encoded(address).get_matrix()
    side = len(modules)
    image = Image.new("1", (side, side))
    image.putdata([0 if is_dark else 255 for row in modules for is_dark in row])
    return image.resize((side * pixels_per_module,) * 2, Image.Resampling.NEAREST)


def png(address: str, pixels_per_module: int = PNG_PIXELS_PER_MODULE) -> bytes:
    """A PNG, of about 900 by 900 pixels unless said otherwise."""
    file = io.BytesIO()
    picture(address, pixels_per_module).save(file, "PNG")
    return file.getvalue()


def svg(address: str) -> bytes:
    """An SVG, 1 mm a module: for print at any size."""
    file = io.BytesIO()
    encoded(address).make_image(image_factory=SvgPathImage).save(file)
    return file.getvalue()


def zipped(pictures: Iterable[tuple[str, bytes]]) -> bytes:
    """The named pictures in one ZIP file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in pictures:
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content)
    return file.getvalue()
