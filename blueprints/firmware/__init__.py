"""Firmware upgrade: a charger's tab (charger), the overview and campaigns (campaigns)."""

from flask import Blueprint

bp = Blueprint("firmware", __name__)

from blueprints.firmware import campaigns, charger, planning  # noqa: E402 - they hang their views on bp

__all__ = ["bp", "campaigns", "charger", "planning"]
