"""Charging station -> Electricity management: the week, the price rows, preview, drafts, rehearsals, versions."""

from flask import Blueprint

bp = Blueprint("electricity", __name__)

from blueprints.electricity import drafts, versions, views  # noqa: E402 - they hang their views on bp

__all__ = ["bp", "drafts", "versions", "views"]
