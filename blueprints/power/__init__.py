"""Maximum power: of one charger and its connectors (chargers), and of a station, shared by its sessions (stations)."""

from flask import Blueprint

bp = Blueprint("power", __name__)

from blueprints.power import chargers, stations  # noqa: E402 - they hang their views on bp

__all__ = ["bp", "chargers", "stations"]
