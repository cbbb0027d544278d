"""Reads the code on a photo: of a charger's own label, taken with a phone."""

import io
import warnings

import zxingcpp
from PIL import Image

from domain.errors import Refused

MOST_BYTES = 8 * 1024 * 1024
MOST_PIXELS = 40_000_000
_WIDE_ENOUGH = 2000
_TOO_MANY = "This photo has too many pixels. Take it with the usual setting of the camera."


def only_text(photo: bytes) -> str:
    """What the one QR code or barcode on the photo says.

    Raises:
        Refused: it is no picture, or shows no code, or several.
    """
    texts = {found.text for found in zxingcpp.read_barcodes(_opened(photo))}
    if not texts:
        raise Refused("No code can be read on this photo. Hold the phone closer and straight, with enough light.")
    if len(texts) > 1:
        raise Refused("There are several codes on this photo. Take only the one with the uuid.")
    return texts.pop()


def _opened(photo: bytes) -> Image.Image:
    if len(photo) > MOST_BYTES:
        raise Refused(f"This photo is larger than {MOST_BYTES // 1024**2} MiB.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(photo), formats=("JPEG", "PNG", "WEBP"))
            if image.width * image.height > MOST_PIXELS:
                raise Refused(_TOO_MANY)
            image.thumbnail((_WIDE_ENOUGH, _WIDE_ENOUGH))
            return image.convert("L")
    except Image.DecompressionBombError as error:
        raise Refused(_TOO_MANY) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise Refused("This file is no photo. Use JPEG or PNG.") from error
