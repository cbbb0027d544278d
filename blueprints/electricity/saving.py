"""Where typed prices go: published as a new version, or kept as a draft."""

from datetime import datetime

from flask import request, url_for
from flask_login import current_user

from blueprints.database import db
from blueprints.electricity import subject as subjects
from blueprints.electricity import words
from blueprints.electricity.subject import Subject
from blueprints.price_words import unit_price
from domain import price_changes, price_drafts, price_rows
from domain.models.stations import Station
from domain.price_changes import Outdated, Prices
from domain.price_rows import PriceRow


def save(
    station: Station,
    seen: Subject,
    prices: Prices,
    now: datetime,
    *,
    added: PriceRow | None = None,
    may_change_currency: bool = False,
) -> str:
    """The prices are saved and committed; returns the address that shows them.

    `added` is a row that is new: a second click on "Save" of a draft finds it there.

    Raises: Outdated, Conflict, Refused.
    """
    by, base = current_user.email, seen.tariff
    if seen.draft is not None:
        try:
            price_drafts.change(
                db.session(), seen.draft, prices, seen=subjects.seen_revision(seen.draft), by=by, now=now
            )
        except Outdated:
            db.session.rollback()
            if added is None or added not in price_rows.rows(seen.draft.terms):
                raise
    elif request.form.get("keep") == "draft":
        price_drafts.begin(db.session(), station, prices, base=base, by=by, now=now)
    else:
        price_changes.publish(
            db.session(), station, prices, base=base, may_change_currency=may_change_currency, by=by, now=now
        )
        db.session.commit()
        return url_for("electricity.index", station_id=station.id)
    db.session.commit()
    return url_for("electricity.index", station_id=station.id, draft=1)


def said(name: str, location: str) -> str:
    """What is told after saving."""
    if "draft=" in location:
        return f"{name} is kept in the draft. Drivers pay as before."
    return f"{name} is saved. Sessions that run keep their price."


def list_warnings(station: Station, seen: Subject, typed: Prices, now: datetime) -> list[str]:
    """What has to be confirmed before what holds for the whole list changes."""
    warnings = []
    before = seen.prices
    if typed.currency != before.currency:
        row = next((row for row in price_rows.rows(typed.terms) if row.energy is not None), None)
        example = (
            f" {unit_price(row.energy, before.currency)} becomes {unit_price(row.energy, typed.currency)}."
            if row is not None and row.energy is not None
            else ""
        )
        warnings.append(
            f"The station bills in {typed.currency} from then on; bills so far stay in {before.currency}. "
            f"No figure is converted:{example or ' check every price.'}"
        )
    if typed.terms.get("tax_included") != before.terms.get("tax_included"):
        warnings.append(
            f"VAT would be {words.TAX.get(typed.terms.get('tax_included') or 'NO')}: the same figures, but drivers pay "
            "something else. Look at the preview after saving."
        )
    if typed.valid_until is not None and typed.valid_until != before.valid_until:
        warnings += _after(station, seen, typed, now)
    return warnings


def _after(station: Station, seen: Subject, typed: Prices, now: datetime) -> list[str]:
    ends = typed.valid_until
    if ends is None or ends <= now:
        return []
    follows = price_changes.what_follows(db.session(), station, ends, seen.tariff)
    if follows is None:
        return ["No prices follow when these end: from then on sessions are kept, but nobody is billed."]
    return [f"When these prices end, “{follows}” counts again."]
