"""My Stations -> QR codes: the list (listing), one code (one), many at once (batch), files (files)."""

from flask import Blueprint

bp = Blueprint("qr_codes", __name__)

from blueprints.qr_codes import batch, files, listing, one  # noqa: E402 - they hang their views on bp

__all__ = ["batch", "bp", "files", "listing", "one"]
