"""The paid order of the Billings tests."""

from tests.blueprints.billings.conftest import charger, paid

__all__ = ["charger", "paid"]
