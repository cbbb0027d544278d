"""Interoperability -> OCPP Manage Service: asking one charger (asking), many (bulk, rounds), and the log (listing)."""

from flask import Blueprint

bp = Blueprint("commands", __name__)

from blueprints.commands import asking, bulk, listing, rounds, shown  # noqa: E402 - they hang their views on bp
from blueprints.commands.shown import every_call, offered, words  # noqa: E402

bp.app_context_processor(lambda: {"call_hints": shown.HINTS})

__all__ = ["asking", "bp", "bulk", "every_call", "listing", "offered", "rounds", "words"]
