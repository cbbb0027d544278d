"""What a person types about maximum power, and what it means."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional, StopValidation, ValidationError

from blueprints.electricity.forms import CLOCK, DAY_CHOICES, DaysField
from blueprints.forms import is_near
from domain.errors import Refused
from domain.models.power import LimitUnit, Newcomers, PowerProfile, StationLimit
from domain.power import Budget, amount_text
from domain.power_schedule import DAYS, MOST_ROWS, Row, Wish, from_json

NUMBER = re.compile(r"-?[0-9]{1,6}([.,][0-9]{1,3})?")
MOMENT = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]


class LimitField(StringField):
    """Kilowatts or amperes as people type them, with point or comma; empty is None."""

    def number(self) -> Decimal | None:
        text = (self.data or "").strip().replace(",", ".")
        return Decimal(text) if text else None

    def pre_validate(self, _form: Form) -> None:
        text = (self.data or "").strip()
        if text and not NUMBER.fullmatch(text):
            raise StopValidation("Type a number such as 11 or 7.4.")
        if text.startswith("-"):
            raise StopValidation("A limit cannot be negative. 0 means no charging.")


def is_clock(form: Form, field: StringField) -> None:
    text = (field.data or "").strip()
    if not text and form.is_blank:
        return
    if not CLOCK.fullmatch(text) or (field.short_name == "from_time" and text == "24:00"):
        raise ValidationError("Type a time from 00:00 to 24:00.")


class RowForm(Form):
    days = DaysField("Days", coerce=int, choices=DAY_CHOICES)
    from_time = StringField("From", [is_clock])
    to_time = StringField("To", [is_clock])
    limit = LimitField("Limit")

    @property
    def is_blank(self) -> bool:
        """Nothing is typed: the row is not meant."""
        return not any((field.data or "").strip() for field in (self.from_time, self.to_time, self.limit))

    def validate_limit(self, field: LimitField) -> None:
        if field.number() is None and not self.is_blank:
            raise ValidationError("Type a limit for this row, or empty the row.")

    def row(self) -> Row:
        limit = self.limit.number()
        assert limit is not None  # noqa: S101 - validated
        return Row(
            tuple(sorted(set(self.days.data or []))), _minutes(self.from_time.data), _minutes(self.to_time.data), limit
        )


class LimitForm(FlaskForm):
    unit = SelectField("Unit", choices=[SelectChoice("kW", "kW"), SelectChoice("A", "A per phase")])
    limit = LimitField("Limit")
    rows = FieldList(FormField(RowForm), max_entries=MOST_ROWS)
    valid_from = DateTimeLocalField("Valid from", [Optional(), is_near], format=MOMENT)
    valid_until = DateTimeLocalField("Valid until", [Optional(), is_near], format=MOMENT)
    stale_text = ""  # what is told when somebody changed the limit meanwhile; `version` stays that of the form
    confirmed = BooleanField("Yes, nobody shall charge then")
    version = HiddenField()

    def wish(self, zone: str) -> Wish:
        """What was typed; blank rows are left out."""
        return Wish(
            LimitUnit(self.unit.data),
            self.limit.number(),
            tuple(entry.form.row() for entry in self.meant),
            _moment(self.valid_from.data, zone),
            _moment(self.valid_until.data, zone),
        )

    @property
    def meant(self) -> list[FormField]:
        return [entry for entry in self.rows if not entry.form.is_blank]

    def add_row(self) -> None:
        if len(self.rows) < MOST_ROWS:
            self.rows.append_entry({"days": list(range(len(DAYS)))})

    def tell(self, refusal: Refused) -> None:
        """Each sentence stands at its field."""
        for name, sentence in refusal.errors or [("", str(refusal))]:
            place = re.fullmatch(r"rows-(\d+)-(\w+)", name)
            if place:
                field = self.meant[int(place[1])].form[place[2]]
            elif name in self and name != "rows":
                field = self[name]
            else:
                self.form_errors.append(sentence)
                continue
            field.errors = [*field.errors, sentence]


def shown(row: PowerProfile | None, zone: str) -> dict[str, Any]:
    """A stored limit as the form's values."""
    if row is None or row.wish is None:
        return {"unit": "kW", "rows": [], "version": row.version if row else 0}
    wish = from_json(row.wish)
    return {
        "unit": wish.unit.value,
        "limit": _plain(wish.base),
        "rows": [
            {
                "days": list(each.days),
                "from_time": _clock(each.from_min),
                "to_time": _clock(each.to_min),
                "limit": _plain(each.limit),
            }
            for each in wish.rows
        ],
        "valid_from": _local(wish.valid_from, zone),
        "valid_until": _local(wish.valid_until, zone),
        "version": row.version,
    }


class RatingForm(FlaskForm):
    rating = LimitField("Rated power", [InputRequired("Type what the connector can give, as on its plate.")])
    kind = SelectField(
        "Plug", choices=[SelectChoice(kind, kind) for kind in ("Type 2", "Schuko", "CCS", "CHAdeMO", "NACS")]
    )

    def watts(self) -> int:
        return int((self.rating.number() or 0) * 1000)


class StationForm(FlaskForm):
    stale_text = ""  # as in LimitForm
    unit = SelectField("Unit", choices=[SelectChoice("A", "A per phase"), SelectChoice("kW", "kW in all")])
    amount = LimitField("Limit", [InputRequired("Type the limit, such as 63.")])
    newcomers = RadioField(
        "A new session",
        choices=[
            SelectChoice("wait", "waits a second or two for its share"),
            SelectChoice("floor", "starts with 6 A at once; these stay reserved at every free connector"),
        ],
        default="wait",
        validate_choice=True,
    )
    version = HiddenField()

    def budget(self) -> Budget:
        unit = LimitUnit(self.unit.data)
        value = self.amount.number() or Decimal()
        return Budget(
            unit, int(value * (10 if unit is LimitUnit.A else 1000)), Newcomers(self.newcomers.data or "wait")
        )


def station_values(limit: StationLimit | None) -> dict[str, Any]:
    """A stored limit as the form's values."""
    if limit is None:
        return {"unit": "A", "newcomers": "wait", "version": 0}
    amount = amount_text(limit.amount, limit.unit).split()[0] if limit.is_on else ""
    return {
        "unit": limit.unit.value,
        "amount": amount,
        "newcomers": limit.newcomers.value,
        "version": limit.version,
    }


def whole(text: str | None) -> int:
    """A version as it came back; anything else is as stale as can be."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else -1


def _minutes(text: str) -> int:
    hours, minutes = text.strip().split(":")
    return int(hours) * 60 + int(minutes)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _plain(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"


def _moment(typed: datetime | None, zone: str) -> datetime | None:
    return typed.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) if typed else None


def _local(moment: datetime | None, zone: str) -> datetime | None:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) if moment else None
