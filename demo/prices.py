"""A draft of other prices at the first station, rehearsed, so that there is something to publish or discard."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import price_changes, price_drafts, price_rows, rehearsals, tariff_book
from domain.models.stations import Station

DAYS = 30
PEAK, NIGHT = Decimal("0.64"), Decimal("0.29")


def draft_prices(db: Session, now: datetime) -> None:
    """Finance thinks about a dearer evening and a cheaper night; the worker rehearses it."""
    station = db.scalars(select(Station).order_by(Station.id).limit(1)).one()
    tariff = tariff_book.in_force(db, station.id, now)
    if tariff is None:
        return
    terms = tariff.terms
    for index, row in enumerate(price_rows.rows(terms)):
        energy = {"Peak": PEAK, "Night": NIGHT}.get(row.name)
        if energy is not None:
            terms = price_rows.put(terms, index, replace(row, energy=energy))
    prices = price_changes.named(price_changes.of_tariff(tariff, now), terms=terms)
    by = "finance@harbour.example"
    draft = price_drafts.begin(db, station, prices, base=tariff, by=by, now=now)
    rehearsals.ask(db, station, prices, now - timedelta(days=DAYS), now, draft=draft, by=by, now=now)
