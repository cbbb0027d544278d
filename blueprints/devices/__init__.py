"""Interoperability -> Devices: which devices there are, Add device, Batch import devices, and how they leave."""

from flask import Blueprint

bp = Blueprint("devices", __name__)

from blueprints.devices import acts, adding, importing, listing  # noqa: E402 - they hang their views on bp

__all__ = ["acts", "adding", "bp", "importing", "listing"]
