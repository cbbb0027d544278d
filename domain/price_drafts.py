"""Drafts: one for each station, kept until it is published or discarded. Drivers never pay by one."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import audit, price_changes, tariff_book
from domain.errors import Conflict, Refused
from domain.models.price_drafts import TariffDraft
from domain.models.stations import Station
from domain.models.tariffs import Tariff
from domain.price_changes import Outdated, Prices


def of_station(db: Session, station_id: int) -> TariffDraft | None:
    """The station's draft, if there is one."""
    return db.scalar(select(TariffDraft).where(TariffDraft.station_id == station_id))


def begin(db: Session, station: Station, prices: Prices, *, base: Tariff | None, by: str, now: datetime) -> TariffDraft:
    """The station has a draft with these prices.

    Raises:
        Conflict: it has one already.
        Refused: the terms cannot price anything.
    """
    db.refresh(station, with_for_update=True)
    known = of_station(db, station.id)
    if known is not None:
        if known.created_by == by and _says(known, prices):
            return known  # a second click
        raise Conflict(f"This station has a draft of {known.changed_by} already. Open it, or discard it first.")
    _check(prices)
    draft = TariffDraft(
        operator_id=station.operator_id,
        station_id=station.id,
        base_tariff_id=base.id if base else None,
        revision=1,
        created_at=now,
        created_by=by,
        changed_at=now,
        changed_by=by,
        **_columns(prices),
    )
    db.add(draft)
    db.flush()
    audit.record(db, "draft begun", "station", station.id, operator_id=station.operator_id, by=by, now=now)
    return draft


def change(db: Session, draft: TariffDraft, prices: Prices, *, seen: int, by: str, now: datetime) -> TariffDraft:
    """The draft says this now.

    Args:
        seen: the revision that the person looked at.

    Raises:
        Outdated: somebody changed it since.
        Refused: the terms cannot price anything.
    """
    db.refresh(draft, with_for_update=True)
    if draft.revision != seen:
        if draft.changed_by == by and _says(draft, prices):
            return draft  # a second click
        raise Outdated(
            f"{draft.changed_by} changed this draft after you opened the form. "
            "Look at it below; to change it as you typed, save once more."
        )
    _check(prices)
    for name, value in _columns(prices).items():
        setattr(draft, name, value)
    draft.revision, draft.changed_at, draft.changed_by = seen + 1, now, by
    db.flush()
    return draft


def publish(
    db: Session,
    station: Station,
    draft: TariffDraft,
    *,
    seen: int,
    over: int | None,
    may_change_currency: bool = False,
    by: str,
    now: datetime,
) -> Tariff:
    """The draft's prices are the station's, and the draft is gone.

    Args:
        seen: the revision that the person looked at.
        over: the id of the version in force that the person knows it replaces.

    Raises:
        Outdated: the draft, or the prices in force, changed since.
        Refused: naming the fields that are wrong.
    """
    db.refresh(draft, with_for_update=True)
    if draft.revision != seen:
        raise Outdated(f"{draft.changed_by} changed this draft meanwhile. Look at it before you publish it.")
    base = base_of(db, station, draft, now)
    if (base.id if base else None) != over:
        raise Outdated("Other prices came into force meanwhile. Look at the differences before you publish the draft.")
    new = price_changes.publish(
        db, station, prices_of(draft), base=base, may_change_currency=may_change_currency, by=by, now=now
    )
    db.delete(draft)
    db.flush()
    return new


def discard(db: Session, draft: TariffDraft, *, by: str, now: datetime) -> None:
    """The draft is gone; the prices are as they were."""
    audit.record(
        db, "draft discarded", "station", draft.station_id, operator_id=draft.operator_id, by=by, now=now,
        terms=draft.terms, name=draft.name,
    )  # fmt: skip
    db.delete(draft)
    db.flush()


def base_of(db: Session, station: Station, draft: TariffDraft, now: datetime) -> Tariff | None:
    """The version that the draft would replace: the planned one that it was made from, else the one in force."""
    ahead = {row.tariff_id: row.tariff for row in price_changes.planned(db, station, now)}
    return ahead.get(draft.base_tariff_id or 0) or tariff_book.in_force(db, station.id, now)


def prices_of(draft: TariffDraft) -> Prices:
    """What the draft says."""
    return Prices(draft.name, draft.currency, dict(draft.terms), draft.valid_from, draft.valid_until)


def _columns(prices: Prices) -> dict[str, object]:
    return {
        "name": prices.name,
        "currency": prices.currency,
        "terms": prices.terms,
        "valid_from": prices.valid_from,
        "valid_until": prices.valid_until,
    }


def _says(draft: TariffDraft, prices: Prices) -> bool:
    return prices_of(draft) == prices


def _check(prices: Prices) -> None:
    tariff_book.check_terms(prices.terms)
    ends, begins = prices.valid_until, prices.valid_from
    if ends is not None and begins is not None and ends <= begins:
        raise Refused("", [("valid_until", "A tariff must end after it begins.")])
