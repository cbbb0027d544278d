"""My Stations -> Chargers: the list (listing), one charger (detail), what it said (messages)."""

from flask import Blueprint

bp = Blueprint("chargers", __name__)

from blueprints.chargers import detail, listing, messages  # noqa: E402 - they hang their views on bp

__all__ = ["bp", "detail", "listing", "messages"]
