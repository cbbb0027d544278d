"""My Stations -> RFID cards: cards, groups, cards that nobody knows yet, and cards from a spreadsheet."""

from flask import Blueprint

bp = Blueprint("tokens", __name__)

from blueprints.tokens import blocking, cards, groups, importing, unknown  # noqa: E402 - they hang their views on bp

__all__ = ["blocking", "bp", "cards", "groups", "importing", "unknown"]
