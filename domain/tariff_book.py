"""Which tariffs an operator published, and by which one a station charges at a given moment."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, delete, exists, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from domain import audit, stations
from domain.currencies import exponent
from domain.errors import Conflict, NotFound, Refused
from domain.models.orders import Order
from domain.models.stations import Station, StationTariff
from domain.models.tariffs import Tariff
from domain.tariffs import TariffTerms, parse_tariff
from domain.tariffs.terms import TaxIncluded

TERMS = ("elements", "min_price", "max_price", "idle_grace_s", "tax_included")
LONGEST_NAME = 100


class BackdatedTariff(Conflict):
    """The station has billed somebody since the moment from which the tariff wants to be valid."""


def publish(
    db: Session,
    operator_id: int,
    *,
    name: str,
    currency: str,
    terms: Mapping[str, Any],
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    replaces: Tariff | None = None,
    by: str,
    now: datetime,
) -> Tariff:
    """A new tariff that no station charges by yet. A tariff never changes: publish another and assign that.

    Args:
        terms: OCPI-like `elements`, `min_price`, `max_price`, `idle_grace_s`, `tax_included`; amounts as text.
        valid_from: the present minute when not given, since chargers tell times without fractions of a second and
            their clocks differ; the past is looked at when a station gets the tariff.
        replaces: the version before this one.

    Raises:
        Refused: naming the fields that are wrong.
    """
    kept = check_terms(terms)
    exponent(currency)
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise _wrong("name", f"Give the tariff a name of up to {LONGEST_NAME} characters.")
    begin = valid_from or _minute(now)
    if valid_until is not None and valid_until <= begin:
        raise _wrong("valid_until", "A tariff must end after it begins.")
    tariff = Tariff(
        operator_id=operator_id,
        name=name.strip(),
        currency=currency,
        terms=kept,
        valid_from=begin,
        valid_until=valid_until,
        replaces_id=replaces.id if replaces else None,
        created_at=now,
        created_by=by,
    )
    db.add(tariff)
    db.flush()
    audit.record(db, "published", "tariff", tariff.id, operator_id=operator_id, by=by, now=now, name=tariff.name)
    return tariff


def check_terms(terms: Mapping[str, Any]) -> dict[str, Any]:
    """The members of the terms that are kept, all of them sound.

    Raises:
        Refused: naming the fields that are wrong.
    """
    kept = {member: terms[member] for member in TERMS if terms.get(member) is not None}
    _check_tax(parse_tariff(kept))
    return kept


def assign(
    db: Session, station: Station, tariff: Tariff, *, may_change_currency: bool = False, by: str, now: datetime
) -> StationTariff:
    """The station charges by the tariff from its `valid_from`, at once if that has passed already.

    Sessions that have started keep their price. A station without orders takes the tariff's currency, one with
    orders only if `may_change_currency`.

    Raises:
        BackdatedTariff: the tariff was published for a past in which the station has billed.
        Refused: the tariff is over, or the station bills in another currency.
    """
    if tariff.valid_until is not None and tariff.valid_until <= now:
        raise _wrong("tariff_id", "This tariff is over. Publish a new one.")
    _agree_on_currency(db, station, tariff, may_change_currency, now)
    from_at = _begin(db, station, tariff, now)
    # Nobody was billed by what was assigned for this stretch, else the tariff could not reach back over it.
    # The older rows step behind the new one; they count again should it end.
    db.execute(
        update(StationTariff)
        .where(StationTariff.station_id == station.id, StationTariff.from_at > from_at, StationTariff.from_at <= now)
        .values(from_at=from_at)
    )
    row = StationTariff(
        operator_id=station.operator_id,
        station_id=station.id,
        tariff_id=tariff.id,
        from_at=from_at,
        created_at=now,
        created_by=by,
    )
    db.add(row)
    db.flush()
    audit.record(
        db,
        "tariff assigned",
        "station",
        station.id,
        operator_id=station.operator_id,
        by=by,
        now=now,
        tariff_id=tariff.id,
        from_at=from_at.isoformat(),
    )
    return row


def in_force(db: Session, station_id: int, at: datetime) -> Tariff | None:
    """The tariff by which the station charges whoever starts at that moment; None if there is no price.

    The one assigned last wins. Once a limited tariff is over, the one before it counts again.
    """
    found: Tariff | None = db.scalar(_in_force(select(Tariff), station_id, at))
    return found


def id_in_force(station_id: ColumnElement[int] | InstrumentedAttribute[int], at: datetime) -> ScalarSelect[int | None]:
    """The id of that tariff, for lists of stations."""
    return _in_force(select(Tariff.id), station_id, at).scalar_subquery()


def _in_force(tariffs: Select[Any], station_id: Any, at: datetime) -> Select[Any]:
    return (
        tariffs.join(StationTariff, StationTariff.tariff_id == Tariff.id)
        .where(
            StationTariff.station_id == station_id,
            StationTariff.from_at <= at,
            or_(Tariff.valid_until.is_(None), Tariff.valid_until > at),
        )
        .order_by(StationTariff.from_at.desc(), StationTariff.id.desc())
        .limit(1)
    )


def terms_of(tariff: Tariff) -> TariffTerms:
    """What a stored tariff says, ready to price with."""
    return parse_tariff(tariff.terms)


def get(db: Session, operator_id: int, tariff_id: int) -> Tariff:
    """The operator's tariff.

    Raises:
        NotFound: there is none, or it is another operator's.
    """
    tariff = db.scalar(select(Tariff).where(Tariff.operator_id == operator_id, Tariff.id == tariff_id))
    if tariff is None:
        raise NotFound("There is no such tariff.")
    return tariff


def _check_tax(terms: TariffTerms) -> None:
    # The engine prices such a tariff as far as it can, but a bill without its tax is none.
    if terms.tax_included not in (TaxIncluded.YES, TaxIncluded.NO):
        return
    sentence = f'With tax_included {terms.tax_included} every price needs its VAT rate, "0" where there is none.'
    errors = [
        (f"elements[{element_at}].price_components[{at}].vat", sentence)
        for element_at, element in enumerate(terms.elements)
        for at, component in enumerate(element.components)
        if component.vat is None
    ]
    if errors:
        raise Refused(sentence, errors)


def _begin(db: Session, station: Station, tariff: Tariff, now: datetime) -> datetime:
    """The moment from which the station charges by the tariff."""
    if tariff.valid_from >= now or not _has_orders(db, station, tariff.valid_from):
        return tariff.valid_from
    if tariff.valid_from < _minute(tariff.created_at):
        message = "This station has bills since the tariff's valid_from. Publish it again, valid from now on."
        raise BackdatedTariff(message, [("tariff_id", message)])
    return now


def _agree_on_currency(db: Session, station: Station, tariff: Tariff, may_change: bool, now: datetime) -> None:
    """The station bills in the tariff's currency from now on; what it holds on cards is meant in that currency, too."""
    if tariff.currency == station.currency:
        return
    others = f"This station bills in {station.currency}, the tariff is in {tariff.currency}."
    if _has_orders(db, station, None) and not may_change:
        raise _wrong("tariff_id", f"{others} Say change_currency if that is meant.")
    is_limited = tariff.valid_from > now or tariff.valid_until is not None
    if is_limited and stations.has_tariff(db, station):
        raise _wrong("tariff_id", f"{others} To change that, the tariff must be valid now and without end.")
    # What was planned in the old currency cannot be charged any more.
    db.execute(delete(StationTariff).where(StationTariff.station_id == station.id, StationTariff.from_at > now))
    stations.change_currency(station, tariff.currency)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _has_orders(db: Session, station: Station, since: datetime | None) -> bool:
    orders = select(Order.id).where(Order.station_id == station.id)
    if since is not None:
        orders = orders.where(Order.created_at >= since)
    return bool(db.scalar(select(exists(orders))))


def _wrong(field: str, sentence: str) -> Refused:
    return Refused(sentence, [(field, sentence)])
