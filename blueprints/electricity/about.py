"""What the page about prices shows: the week, the rows, a bill, what drivers see, whom it reaches."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from blueprints import access, charts, price_words
from blueprints.database import db
from blueprints.electricity import week, words
from blueprints.electricity.forms import PreviewForm
from blueprints.electricity.list_forms import RehearsalForm, last_month
from blueprints.electricity.subject import Subject
from blueprints.stations import frame
from domain import price_changes, price_diff, price_drafts, price_list, price_rows, rehearsal_list
from domain.models.chargers import Charger, QrCode
from domain.models.stations import Station
from domain.price_changes import Prices
from domain.tariffs import Dimension, TariffTerms, parse_tariff, price_now
from domain.tariffs.terms import TaxIncluded

PREVIEWED = ("day", "at", "minutes", "kwh", "parked")


@dataclass(frozen=True)
class Review:
    """The week that prices make. `warnings` have to be confirmed, `notes` are only worth knowing."""

    terms: TariffTerms
    bands: list[charts.Band]
    label: str
    warnings: list[str]
    notes: list[str]
    hidden: tuple[int, ...]  # the rows that are never reached


def review(prices: Prices, station: Station, now: datetime) -> Review:
    """What these prices make of a week.

    Raises: InvalidTariff.
    """
    terms, rows, zone = parse_tariff(prices.terms), price_rows.rows(prices.terms), ZoneInfo(station.time_zone)
    warnings, notes = week.oddities(terms, rows, zone, now)
    return Review(
        terms,
        week.bands(terms, rows, zone, now),
        week.sentence(terms, rows, prices.currency, zone, now),
        warnings,
        notes,
        week.hidden_rows(terms, zone, now),
    )


def lifted(terms: Mapping[str, Any], row: int, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """The terms with that row as far up as it takes to be reached; as they are if nothing hides it.

    Raises: InvalidTariff.
    """
    for above in range(row + 1):
        moved = price_rows.moved(terms, row, -above)
        if row - above not in week.hidden_rows(parse_tariff(moved), zone, now):
            return moved
    return dict(terms)


def about(station: Station, subject: Subject, now: datetime, typed: Prices | None = None) -> dict[str, Any]:
    """Everything that the page needs. `typed` are prices in a form: the week, the bill and the driver's view follow."""
    rows = price_rows.rows(subject.prices.terms)
    ahead = price_changes.planned(db.session(), station, now)
    framed = frame(station, "Electricity management", now)
    context: dict[str, Any] = {
        "subject": subject,
        "tariff": subject.tariff,
        "rows": list(zip(rows, week.colours(rows), map(week.when_words, rows), strict=True)),
        "conditions": words.conditions,
        "unit": price_words.unit_price,
        "planned": ahead,
        "is_planned": subject.is_planned,
        "is_draft": subject.draft is not None,
        "draft": price_drafts.of_station(db.session(), station.id),
        "currency": subject.prices.currency,
        "list_facts": _list_facts(subject.prices, station.time_zone),
        "with_tax": subject.prices.terms.get("tax_included") == TaxIncluded.YES,
        "driver_code": _driver_code(station),
        "chargers": _chargers(station),
        "others": _others(station, subject, now),
        "warnings": [],
        "can_rise": False,
        "has_prices": bool(rows) or typed is not None,
    }
    if context["has_prices"]:
        context |= _seen(typed or subject.prices, station, now)
    if subject.draft is not None:
        context |= _draft(station, subject)
    return context | framed


def _seen(prices: Prices, station: Station, now: datetime) -> dict[str, Any]:
    """The parts that follow what is typed."""
    zone = ZoneInfo(station.time_zone)
    at = max(now, prices.valid_from or now)
    found, local = review(prices, station, at), now.astimezone(zone)
    rows = price_rows.rows(prices.terms)
    present = price_words.told(found.terms, price_now(found.terms, zone, at), prices.currency, zone)
    is_ahead = at > now
    return {
        "bands": found.bands,
        "label": found.label,
        "legend": list(zip(rows, week.colours(rows), strict=True)),
        "oddities": found.warnings,
        "hidden_rows": [(index, rows[index].name or f"Row {index + 1}") for index in found.hidden],
        "notes": found.notes,
        "price": present,
        "driver_prices": price_list.price_list(found.terms, zone, at, prices.currency),
        "driver_at": at,
        "vat": price_words.vat_words(found.terms),
        "is_time": week.main_dimension(found.terms) is Dimension.TIME,
        "mark": None if is_ahead else (local.weekday(), local.hour * 60 + local.minute),
        "local_now": local,
        "shown_currency": prices.currency,
    } | preview(found.terms, zone, prices.currency, at)


def preview(terms: TariffTerms, zone: ZoneInfo, currency: str, now: datetime) -> dict[str, Any]:
    """The form of the preview, and the bill by the code that bills; no bill while it cannot be read."""
    given: Mapping[str, str] = {name: value for name, value in request.values.items() if name in PREVIEWED}
    usual = {"day": now.astimezone(zone).weekday(), "parked": 0}
    form = PreviewForm(formdata=MultiDict(given) if given else None, data=usual)
    if given and not form.validate():
        return {"preview_form": form, "preview": None, "preview_lines": []}
    wh = (form.kwh.number() or Decimal(0)) * 1000
    at = form.at.data.strip()
    bill, lines = week.preview(
        terms, zone, currency, now, form.day.data, at, form.minutes.data, wh, form.parked.data or 0
    )
    said = _said(form)
    return {"preview_form": form, "preview": bill, "preview_lines": lines, "preview_said": said}


def _said(form: PreviewForm) -> str:
    """ "20 kWh, 45 min, Tue 19:50" """
    kwh = (form.kwh.data or "0").strip()
    parked = f", parked {form.parked.data} min" if form.parked.data else ""
    return f"{kwh} kWh, {form.minutes.data} min, {week.SHORT[form.day.data]} {form.at.data.strip()}{parked}"


def _list_facts(prices: Prices, zone: str) -> list[tuple[str, Any]]:
    """What holds for all rows, for the card below them."""
    terms = prices.terms
    values = {
        "currency": prices.currency,
        "tax_included": terms.get("tax_included"),
        "min_price": terms.get("min_price"),
        "max_price": terms.get("max_price"),
        "idle_grace_s": int(terms.get("idle_grace_s") or 0),
        "valid_until": prices.valid_until,
    }
    return [
        (words.SETTING_LABELS[name], words.setting(name, value, prices.currency, zone))
        for name, value in values.items()
    ]


def _draft(station: Station, subject: Subject) -> dict[str, Any]:
    """What the draft changes, and how it did in rehearsals."""
    assert subject.draft is not None  # noqa: S101 - asked for drafts only
    base = price_changes.as_published(subject.tariff) if subject.tariff else None
    mine = subject.prices
    if base is not None and mine.valid_from is None:
        base = price_changes.named(base, valid_from=None)
    found = price_diff.compare(base, mine)
    currencies = (base.currency if base else mine.currency, mine.currency)
    today = datetime.now(ZoneInfo(station.time_zone)).date()
    newest = rehearsal_list.latest(db.session(), station.id)
    return {
        "changes": words.differences(found, currencies, station.time_zone),
        "is_outdated": (subject.draft.base_tariff_id or 0) != (subject.tariff.id if subject.tariff else 0),
        "rehearsal_form": RehearsalForm(formdata=None, data=last_month(today)),
        "newest": newest if newest and newest.draft_id == subject.draft.id else None,
    }


def _chargers(station: Station) -> list[Charger]:
    return list(db.session.scalars(access.own(Charger).where(Charger.station_id == station.id).order_by(Charger.label)))


def _others(station: Station, subject: Subject, now: datetime) -> list[Station]:
    """Other stations that charge by the very same version."""
    if subject.tariff is None or subject.draft is not None or subject.is_planned:
        return []
    found = price_changes.charged_by(db.session(), subject.tariff, now)
    return [each for each in found if each.id != station.id]


def _driver_code(station: Station) -> str | None:
    chargers = select(Charger.id).where(Charger.station_id == station.id)
    return db.session.scalar(
        access.own(QrCode).where(QrCode.charger_id.in_(chargers)).with_only_columns(QrCode.code).limit(1)
    )


__all__ = ["Review", "about", "preview", "review"]
