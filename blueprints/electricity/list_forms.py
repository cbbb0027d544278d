"""What a person types about a whole price list, and about a rehearsal."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import DateField, DateTimeLocalField, IntegerField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from blueprints.electricity.forms import WITHIN_A_WEEK, PriceField, SavedForm, in_utc, on_clock, with_grace
from blueprints.forms import is_near
from domain.currencies import EXPONENTS
from domain.price_changes import Prices
from domain.tariff_book import LONGEST_NAME


class ListForm(SavedForm):
    """What holds for the whole price list."""

    name = StringField("Price list", [InputRequired("Give the price list a name."), Length(max=LONGEST_NAME)])
    currency = SelectField("Currency", choices=[SelectChoice(code, code) for code in sorted(EXPONENTS)])
    tax = RadioField(
        "VAT",
        choices=[
            SelectChoice("YES", "Prices include VAT"),
            SelectChoice("NO", "VAT is added to the prices"),
            SelectChoice("N/A", "No VAT at all"),
        ],
    )
    least = PriceField("Minimum price of a session, with VAT")
    least_net = PriceField("Minimum price, without VAT")
    most = PriceField("Maximum price of a session, with VAT")
    most_net = PriceField("Maximum price, without VAT")
    grace = IntegerField("Parking is free for", [Optional(), NumberRange(0, 10_080, WITHIN_A_WEEK)])
    valid_from = DateTimeLocalField("Valid from", [Optional(), is_near], format=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])
    valid_until = DateTimeLocalField("Valid until", [Optional(), is_near], format=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])

    def validate_valid_until(self, field: DateTimeLocalField) -> None:
        if field.data and self.valid_from.data and field.data <= self.valid_from.data:
            raise ValidationError("A price list must end after it begins.")

    def prices(self, before: Prices, zone: str) -> Prices:
        """The price list with what was typed."""
        terms = dict(before.terms)
        if self.tax.data != (terms.get("tax_included") or "NO"):
            terms["tax_included"] = self.tax.data
        terms["min_price"] = _limit(self.least, self.least_net)
        terms["max_price"] = _limit(self.most, self.most_net)
        terms = with_grace(terms, self.grace.data or 0)
        kept = {name: value for name, value in terms.items() if value is not None}
        begins, ends = (in_utc(field.data, zone) for field in (self.valid_from, self.valid_until))
        return Prices(self.name.data.strip(), self.currency.data, kept, begins, ends)


def list_shown(prices: Prices, zone: str) -> dict[str, Any]:
    """A price list as the form's values."""
    least, most = (prices.terms.get(name) or {} for name in ("min_price", "max_price"))
    return {
        "name": prices.name,
        "currency": prices.currency,
        "tax": prices.terms.get("tax_included") or "NO",
        "least": least.get("incl_vat", ""),
        "least_net": least.get("excl_vat", ""),
        "most": most.get("incl_vat", ""),
        "most_net": most.get("excl_vat", ""),
        "grace": int(prices.terms.get("idle_grace_s") or 0) // 60,
        "valid_from": on_clock(prices.valid_from, zone),
        "valid_until": on_clock(prices.valid_until, zone),
    }


def _limit(gross: PriceField, net: PriceField) -> dict[str, str] | None:
    typed = {"incl_vat": gross.number(), "excl_vat": net.number()}
    made = {name: f"{number:f}" for name, number in typed.items() if number is not None}
    return made or None


class RehearsalForm(FlaskForm):
    """Which sessions a draft is tried on; days of the station's calendar, both included."""

    first = DateField("From", [InputRequired("Choose a day."), is_near])
    last = DateField("To", [InputRequired("Choose a day."), is_near])

    def span(self, zone: str) -> tuple[datetime, datetime]:
        """The moments at which these days begin and end."""
        return midnight(self.first.data, zone), midnight(self.last.data + timedelta(days=1), zone)


def midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def last_month(today: date) -> dict[str, date]:
    """The month up to yesterday."""
    year, month = (today.year, today.month - 1) if today.month > 1 else (today.year - 1, 12)
    first = date(year, month, min(today.day, monthrange(year, month)[1]))
    return {"first": first, "last": today - timedelta(days=1)}
