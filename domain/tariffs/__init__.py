"""What a session costs: OCPI tariffs, exact to the last fraction of a cent. Pure; no database, no clock of its own.

`docs/algorithms/pricing.md` tells how a bill comes about.
"""

from domain.tariffs.answer import decimal_text
from domain.tariffs.bill import Adjustment, Bill, Line
from domain.tariffs.described import InvalidDescription, price_described
from domain.tariffs.meter import ChargingState, Reading, usage_from_meter
from domain.tariffs.parsing import InvalidTariff, parse_tariff
from domain.tariffs.pricing import Pricer, price
from domain.tariffs.terms import Dimension, Period, TariffTerms, Usage
from domain.tariffs.thinning import Thinning
from domain.tariffs.week import price_bands, price_now, review_week

__all__ = [
    "Adjustment",
    "Bill",
    "ChargingState",
    "Dimension",
    "InvalidDescription",
    "InvalidTariff",
    "Line",
    "Period",
    "Pricer",
    "Reading",
    "TariffTerms",
    "Thinning",
    "Usage",
    "decimal_text",
    "parse_tariff",
    "price",
    "price_bands",
    "price_described",
    "price_now",
    "review_week",
    "usage_from_meter",
]
