"""My Stations -> Charging stations: the list, one station, its form."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import DecimalField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional, ValidationError

from blueprints import access, freshness, lists, navigation, price_words, setup
from blueprints.database import db
from blueprints.formats import zone_name
from blueprints.web import done, page
from domain import charger_list, station_days, station_hours, station_list, stations
from domain.clock import utcnow
from domain.currencies import from_minor, to_minor
from domain.errors import Refused
from domain.models.stations import Station
from domain.rights import Right

bp = Blueprint("stations", __name__)

# What is there to open is shown.
TABS = (
    ("Overview", "stations.detail"),
    ("Chargers", "stations.chargers"),
    ("Electricity management", "electricity.index"),
    ("Business hours", "hours.index"),
    ("Payment System", "payment_system.index"),
    ("Maximum power", "power.station"),
    ("Map", "station_map.index"),
    ("Photos", "station_photos.index"),
)


def is_finite(_form: FlaskForm, field: DecimalField) -> None:
    if field.data is not None and not field.data.is_finite():
        raise ValidationError("Type degrees such as 60.1675.")


class StationForm(FlaskForm):
    name = StringField("Name", [InputRequired("Give the station a name.")])
    address = StringField("Address")
    city = StringField("City")
    country = SelectField("Country")
    time_zone = StringField("Time zone", [InputRequired("Name a time zone such as Europe/Helsinki.")])
    latitude = DecimalField("Latitude", [Optional(), is_finite], places=None)
    longitude = DecimalField("Longitude", [Optional(), is_finite], places=None)
    hold = StringField("Hold before charging", [InputRequired("Say what is held on a driver's card.")])
    public_note = TextAreaField("Note for drivers")


@bp.get("/stations")
@access.require(Right.STATIONS, read=True)
def index() -> ResponseReturnValue:
    """All charging stations."""
    now, text, cursor = utcnow(), lists.text("q"), lists.text("cursor", 500)
    found = station_list.page(db.session, current_user.operator_id, text, cursor, lists.size(), now)
    zone = station_days.operator_zone(db.session, current_user.operator_id)
    prices = {row.station.id: price(row, now) for row in found.rows}
    hours = [station_hours.told(row.station, now) for row in found.rows]
    version = lists.version(hours, prices, [(row.online, row.total, row.charging, row.faulted) for row in found.rows])
    if lists.is_shown(version):
        return lists.unchanged(now, zone)
    return page(
        "stations/list.html",
        "stations/_rows.html",
        cursor=cursor,
        version=version,
        now=now,
        zone=zone,
        list=lists.Address("stations.index", {"q": text, "size": lists.size_in_address()}),
        found=found,
        text=text,
        prices=prices,
        hours_now=lambda station: station_hours.told(station, now),
    )


@bp.get("/stations/<int:station_id>")
@access.require(Right.STATIONS, read=True)
def detail(station_id: int) -> ResponseReturnValue:
    """One station: what still has to be done, today, chargers at a glance."""
    station, now = access.station_or_404(station_id), utcnow()
    context = frame(station, "Overview", now)
    return page(
        "stations/detail.html",
        today=station_days.station_totals(db.session, station, now),
        price=price(context["row"], now),
        steps=setup.lines(context["row"]),
        chargers=_chargers(station, now),
        **context,
    )


@bp.get("/stations/<int:station_id>/chargers")
@access.require(Right.STATIONS, read=True)
def chargers(station_id: int) -> ResponseReturnValue:
    """The station's chargers."""
    station, now = access.station_or_404(station_id), utcnow()
    return page("stations/chargers.html", chargers=_chargers(station, now), **frame(station, "Chargers", now))


@bp.route("/stations/new", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def new() -> ResponseReturnValue:
    """A new station."""
    operator = current_user.operator
    form = _prepared(StationForm() if request.method == "POST" else StationForm(formdata=None))
    if request.method == "GET":
        form.country.data = operator.country or ""
        form.time_zone.data = station_days.operator_zone(db.session, operator.id)
        form.hold.data = str(from_minor(stations.default_hold_minor(operator.currency), operator.currency))
        return page("stations/form.html", form=form, station=None, currency=operator.currency)
    if form.validate_on_submit():
        try:
            values = _values(form, operator.currency)
            station = stations.create(db.session, operator, values, by=current_user.email, now=utcnow())
        except Refused as refusal:
            _tell(form, refusal)
        else:
            db.session.commit()
            return done(url_for("stations.detail", station_id=station.id), f"{station.name} is added.")
    return page("stations/form.html", "stations/_form.html", 422, form=form, station=None, currency=operator.currency)


@bp.route("/stations/<int:station_id>/edit", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def edit(station_id: int) -> ResponseReturnValue:
    """Change a station."""
    station = access.station_or_404(station_id)
    form = _prepared(StationForm(obj=None if request.method == "POST" else _shown(station)))
    context = {"form": form, "station": station, "currency": station.currency}
    if request.method == "GET":
        return page("stations/form.html", seen=_version(station), **context)
    if form.validate_on_submit():
        try:
            db.session.refresh(station, with_for_update=True)
            freshness.check(_version(station), "this station")
            changes = _values(form, station.currency)
            stations.change(db.session, station, changes, by=current_user.email, now=utcnow())
        except freshness.Stale as stale:
            db.session.rollback()
            context["stale_text"] = str(stale)
        except Refused as refusal:
            db.session.rollback()
            _tell(form, refusal)
        else:
            db.session.commit()
            return done(url_for("stations.detail", station_id=station.id), f"{station.name} is saved.")
    seen = freshness.carried(_version(station))
    return page("stations/form.html", "stations/_form.html", 422, seen=seen, **context)


def frame(station: Station, tab: str, now: datetime) -> dict[str, Any]:
    """What the head of every page about one station needs."""
    row = station_list.described(db.session, [station], now)[0]
    return {
        "row": row,
        "station": station,
        "zone": station.time_zone,
        "lead": lead(row, now),
        "now": now,
        "tab": tab,
        "hours_now": station_hours.told(station, now),
        "tabs": [
            (name, url_for(endpoint, station_id=station.id), None)
            for name, endpoint in TABS
            if navigation.is_open(endpoint)
        ],
    }


def lead(row: station_list.StationRow, now: datetime) -> str:
    """ "Satamakatu 4, Helsinki. 6 chargers. Times in Europe/Helsinki (EET)" """
    station = row.station
    place = ", ".join(part for part in (station.address, station.city) if part)
    chargers = f"{row.total} charger" + ("" if row.total == 1 else "s")
    zone = f"Times in {station.time_zone} ({zone_name(now.astimezone(ZoneInfo(station.time_zone)))})"
    return ". ".join(part for part in (place, chargers, zone) if part)


def price(row: station_list.StationRow, now: datetime) -> price_words.PriceText | None:
    return price_words.of_station(row.station, row.tariff, now) if row.tariff else None


def _chargers(station: Station, now: datetime) -> list[charger_list.ChargerRow]:
    wanted = charger_list.Filter(station_id=station.id)
    return charger_list.page(db.session, station.operator_id, wanted, now, "attention", None, 100).rows


def _prepared(form: StationForm) -> StationForm:
    names = sorted(stations.countries().items(), key=lambda item: item[1])
    form.country.choices = [SelectChoice("", "Not told"), *(SelectChoice(*each) for each in names)]
    return form


def _version(station: Station) -> str:
    """The mark of everything that the form changes."""
    return freshness.mark(sorted(vars(_shown(station)).items()))


class _Shown:
    """A station as its form shows it."""

    def __init__(self, station: Station) -> None:
        for name in ("name", "address", "city", "time_zone", "public_note"):
            setattr(self, name, getattr(station, name))
        self.country = station.country or ""
        self.latitude = None if station.latitude is None else Decimal(str(station.latitude))
        self.longitude = None if station.longitude is None else Decimal(str(station.longitude))
        self.hold = str(from_minor(station.hold_minor, station.currency))


def _shown(station: Station) -> _Shown:
    return _Shown(station)


def _values(form: StationForm, currency: str) -> dict[str, Any]:
    values = {
        name: form[name].data or None for name in ("name", "address", "city", "country", "time_zone", "public_note")
    }
    try:
        hold = to_minor(Decimal(form.hold.data.strip().replace(",", ".")), currency)
    except (InvalidOperation, ValueError, OverflowError):
        hold = 0
    places = {name: form[name].data for name in ("latitude", "longitude")}
    return values | places | {"hold_minor": hold}


def _tell(form: StationForm, refusal: Refused) -> None:
    """Each sentence stands at its field."""
    for name, sentence in refusal.errors:
        field = form["hold" if name == "hold_minor" else name] if name in form or name == "hold_minor" else None
        if field is None:
            form.form_errors.append(sentence)
        else:
            field.errors = [*field.errors, sentence]
    if not refusal.errors:
        form.form_errors.append(str(refusal))
