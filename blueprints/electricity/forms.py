"""What a person types about a price, and what it means."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    HiddenField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, StopValidation, ValidationError
from wtforms.widgets import CheckboxInput

from blueprints.forms import is_near
from domain import price_sense
from domain.price_rows import LIMITS, PriceRow

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY_CHOICES = [SelectChoice(number, day) for number, day in enumerate(DAYS)]
CLOCK = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d|24:00")
MOST = Decimal(1_000_000)
WITHIN_A_WEEK = "From 0 to 10,080 minutes, a week."
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]*\.?[0-9]+")  # 1e5 is a slip of the finger


class PriceField(StringField):
    """A price as people type it, with point or comma; empty is None."""

    out_of_range = f"Type a price from 0 to {MOST:,}."
    most = MOST

    def number(self) -> Decimal | None:
        text = (self.data or "").strip().replace(",", ".")
        if text and not PLAIN_NUMBER.fullmatch(text):
            raise InvalidOperation
        return Decimal(text) if text else None

    def pre_validate(self, _form: FlaskForm) -> None:
        try:
            number = self.number()
        except InvalidOperation:
            raise StopValidation("Type a number such as 0.49.") from None
        if number is None:
            return
        if not number.is_finite() or not 0 <= number <= self.most:
            raise StopValidation(self.out_of_range)
        if -int(number.normalize().as_tuple().exponent) > 6:
            raise StopValidation("Use up to six decimals.")


class VatField(PriceField):
    """A percentage."""

    out_of_range = "A VAT rate is a percentage from 0 to 100."
    most = Decimal(100)


class DaysField(SelectMultipleField):
    """A tick for each day."""

    option_widget = CheckboxInput()


def is_clock(_form: FlaskForm, field: StringField) -> None:
    if not CLOCK.fullmatch((field.data or "").strip()):
        raise ValidationError("Type a time from 00:00 to 24:00.")


class SavedForm(FlaskForm):
    """A form that saves prices: what is odd has to be confirmed, in exactly the words that were shown."""

    confirmed = BooleanField("Save it all the same")
    asked = HiddenField()  # what the tick is about

    def agrees(self, warnings: list[str]) -> bool:
        """Whether there is nothing to ask, or the person has just answered it."""
        return not warnings or bool(self.confirmed.data and self.asked.data == digest(warnings))

    def ask(self, warnings: list[str]) -> None:
        """The form asks about these."""
        self.asked.data, self.confirmed.data = digest(warnings), False


def digest(warnings: list[str]) -> str:
    return hashlib.sha256("\n".join(warnings).encode()).hexdigest()[:16]


class PriceForm(SavedForm):
    above = HiddenField()  # "1": before the rows that would hide it
    name = StringField("Price name", [Length(max=60)])
    days = DaysField("Days", coerce=int, choices=DAY_CHOICES)
    from_time = StringField("From", [is_clock])
    to_time = StringField("To", [is_clock])
    energy = PriceField("Energy, per kWh")
    time = PriceField("Charging time, per min")
    parking = PriceField("Parking, per min")
    grace = IntegerField("Parking is free for", [Optional(), NumberRange(0, 10_080, WITHIN_A_WEEK)])
    flat = PriceField("Per session")
    vat = VatField("VAT")
    valid_from = DateTimeLocalField("Valid from", [Optional(), is_near], format=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])
    min_kwh = PriceField("Energy so far, from")
    max_kwh = PriceField("Energy so far, below")
    min_duration = PriceField("Time so far, from")
    max_duration = PriceField("Time so far, below")
    min_power = PriceField("Power, from")
    max_power = PriceField("Power, below")
    min_current = PriceField("Current, from")
    max_current = PriceField("Current, below")
    first_day = DateField("First day", [Optional(), is_near])
    last_day = DateField("Last day", [Optional(), is_near])

    def validate_days(self, field: DaysField) -> None:
        if not field.data:
            raise ValidationError("Choose at least one day.")

    def validate_last_day(self, field: DateField) -> None:
        if field.data and self.first_day.data and field.data < self.first_day.data:
            raise ValidationError("The last day cannot lie before the first.")

    def validate_vat(self, field: VatField) -> None:
        if field.number() is None:
            raise ValidationError("Give the VAT rate, 0 where there is none.")

    def validate_to_time(self, _field: StringField) -> None:
        if (self.to_time.data or "").strip() == (self.from_time.data or "").strip():
            raise ValidationError("From and To are the same. Use 00:00 to 24:00 for the whole day.")

    def validate_from_time(self, field: StringField) -> None:
        if (field.data or "").strip() == "24:00":
            raise ValidationError("A price can begin at 23:59 at the latest.")

    def validate_energy(self, field: PriceField) -> None:
        prices = (field, self.time, self.parking, self.flat)
        if not any((each.data or "").strip() for each in prices):
            raise ValidationError("Give at least one price: per kWh, per minute or per session.")

    def judge(self, currency: str) -> bool:
        """Whether every price can be meant; sentences stand at those that cannot."""
        is_sound = True
        for low, high in zip(LIMITS[::2], LIMITS[1::2], strict=True):
            least, most = self[low].number(), self[high].number()
            if least is not None and most is not None and most <= least:
                self[high].errors, is_sound = ["“Below” must be more than “from”."], False
        for name, most in price_sense.beyond_sense(self.row(), currency):
            self[name].errors = [f"This is beyond what anybody pays. Type up to {most.normalize():f} {currency}."]
            is_sound = False
        return is_sound

    @property
    def has_conditions(self) -> bool:
        """Whether something is typed, or wrong, in the part that is folded away."""
        folded = [self[name] for name in (*LIMITS, "first_day", "last_day")]
        return any(field.data or field.errors for field in folded)

    def limits(self) -> Iterator[tuple[str, Decimal]]:
        """The conditions that were typed; 0 at the lower end is none."""
        for name in LIMITS:
            number = self[name].number()
            if number is not None and (number or name.startswith("max")):
                yield name, number

    def row(self) -> PriceRow:
        """The row that was typed."""
        days = tuple(sorted(set(self.days.data or [])))
        return PriceRow(
            name=(self.name.data or "").strip(),
            days=() if len(days) == len(DAYS) else days,
            from_time=self.from_time.data.strip().rjust(5, "0"),
            to_time=self.to_time.data.strip().rjust(5, "0"),
            energy=self.energy.number(),
            time=self.time.number(),
            parking=self.parking.number(),
            flat=self.flat.number(),
            vat=self.vat.number(),
            limits=dict(self.limits()),
            since=self.first_day.data,
            until=self.last_day.data + timedelta(days=1) if self.last_day.data else None,
        )

    def valid_from_in(self, zone: str) -> datetime | None:
        """The moment from which it counts; None for now."""
        return in_utc(self.valid_from.data, zone)


def in_utc(typed: datetime | None, zone: str) -> datetime | None:
    """A moment typed on the station's clock."""
    return typed.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) if typed else None


def on_clock(at: datetime | None, zone: str) -> datetime | None:
    """A moment as it is typed on the station's clock."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) if at else None


def with_grace(terms: dict[str, Any], minutes: int | None) -> dict[str, Any]:
    """The terms with parking free for so long; None leaves them as they are, and so does 0 where there was none."""
    if minutes is None or (not minutes and not terms.get("idle_grace_s")):
        return terms
    return terms | {"idle_grace_s": minutes * 60}


def shown(row: PriceRow, grace_s: int) -> dict[str, Any]:
    """A row as the form's values."""
    prices = {name: _plain(getattr(row, name)) for name in ("energy", "time", "parking", "flat")}
    days = list(row.days or range(len(DAYS)))
    times = {"from_time": row.from_time, "to_time": row.to_time}
    prices["vat"] = "" if row.vat is None else f"{row.vat.normalize():f}"
    limits = {name: f"{limit.normalize():f}" for name, limit in row.limits.items()}
    dates = {"first_day": row.since, "last_day": row.until - timedelta(days=1) if row.until else None}
    return {"name": row.name, "days": days, "grace": grace_s // 60} | times | prices | limits | dates


def _plain(number: Decimal | None) -> str:
    if number is None:
        return ""
    cents = number.quantize(Decimal("0.01"))
    return f"{cents if cents == number else number:f}"


class PreviewForm(FlaskForm):
    class Meta:
        csrf = False

    day = SelectField("Day", coerce=int, choices=DAY_CHOICES)
    at = StringField("Plugged in at", [InputRequired("Type a time."), is_clock], default="19:30")
    minutes = IntegerField("Charging time", [NumberRange(1, 2_880, "From 1 minute to two days.")], default=60)
    kwh = PriceField("Energy", default="30")
    parked = IntegerField("Parked after", [Optional(), NumberRange(0, 10_080, WITHIN_A_WEEK)], default=0)
