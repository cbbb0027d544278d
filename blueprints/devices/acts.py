"""What may be done with devices: edit, move, retire, bring back, delete."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired

from blueprints import access, price_words
from blueprints.database import db
from blueprints.devices import bp
from blueprints.devices.adding import offer_stations, tell, whole_or_none
from blueprints.devices.listing import stations
from blueprints.web import dialog, done
from domain import chargers, devices, many_chargers, station_list
from domain.clock import utcnow
from domain.errors import DomainError
from domain.models.chargers import Charger
from domain.models.stations import Station
from domain.rights import Right

MOST_AT_ONCE = 100


class EditForm(FlaskForm):
    label = StringField("Label", [InputRequired("Give the charger a label that people read on it.")])
    device_account = StringField("device account")


class MoveForm(FlaskForm):
    station_id = SelectField("Move to", [InputRequired("Choose a charging station.")], coerce=whole_or_none,
                             validate_choice=False)  # fmt: skip


class DeleteForm(FlaskForm):
    device_id = StringField("Type the device id to delete it", [InputRequired("Type the device id.")])


@bp.route("/devices/<device_id>/edit", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def edit(device_id: str) -> ResponseReturnValue:
    """Change label and device account."""
    charger = access.charger_or_404(device_id)
    form = EditForm() if request.method == "POST" else EditForm(formdata=None, obj=charger)
    if form.validate_on_submit():
        values = {"label": form.label.data.strip(), "device_account": (form.device_account.data or "").strip() or None}
        try:
            chargers.change(db.session, charger, values, by=current_user.email, now=utcnow())
        except DomainError as refusal:
            db.session.rollback()
            tell(form, refusal)
        else:
            db.session.commit()
            return done(url_for("devices.index"), f"{charger.label} is saved.")
    status = 422 if form.errors or form.form_errors else 200
    return dialog("devices/_edit.html", status, title="Edit device", charger=charger, form=form)


@bp.route("/devices/move", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def move() -> ResponseReturnValue:
    """Give the picked devices to another station."""
    picked, now = _picked(), utcnow()
    if not picked:
        return _nothing_picked()
    form = MoveForm() if request.method == "POST" else MoveForm(request.args, meta={"csrf": False})
    others = [station for station in stations() if any(each.station_id != station.id for each in picked)]
    offer_stations(form.station_id, others)
    station = next((each for each in others if each.id == form.station_id.data), None)
    if len(others) == 1 and station is None:
        station, form.station_id.data = others[0], others[0].id
    is_asked = request.method == "POST"
    if is_asked and form.validate() and station is not None:
        count = devices.move(db.session, picked, station, by=current_user.email, now=now)
        db.session.commit()
        said = f"{picked[0].label} belongs" if count == 1 else f"{count} devices belong"
        return done(url_for("devices.index"), f"{said} to {station.name} now.")
    if is_asked and station is None and not form.station_id.errors:
        form.station_id.errors = ["Choose one of your charging stations."]
    return dialog(
        "devices/_move.html",
        422 if is_asked else 200,
        title="Move devices",
        devices=picked,
        form=form,
        others=others,
        means=_moving(picked, station, now),
    )


@bp.route("/devices/retire", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def retire() -> ResponseReturnValue:
    """Take the picked devices out of use."""
    picked = [charger for charger in _picked() if not charger.is_retired]
    if not picked:
        return _nothing_picked()
    ids = [charger.id for charger in picked]
    form = FlaskForm() if request.method == "POST" else FlaskForm(formdata=None)
    if form.validate_on_submit():
        try:
            for charger in picked:
                devices.retire(db.session, charger, by=current_user.email, now=utcnow())
        except DomainError as refusal:
            db.session.rollback()
            form.form_errors.append(str(refusal))
        else:
            db.session.commit()
            said = f"{picked[0].label} is retired." if len(picked) == 1 else f"{len(picked)} devices are retired."
            return done(url_for("devices.index"), said)
    return dialog(
        "devices/_retire.html",
        422 if request.method == "POST" else 200,
        title="Retire devices",
        devices=picked,
        form=form,
        codes=devices.codes(db.session, ids),
        online=sum(charger.is_connected for charger in picked),
        is_busy=devices.is_busy(db.session, ids),
    )


@bp.post("/devices/<device_id>/bring-back")
@access.require(Right.STATIONS)
def bring_back(device_id: str) -> ResponseReturnValue:
    """A retired device may connect again."""
    charger = access.charger_or_404(device_id)
    devices.bring_back(db.session, charger, by=current_user.email, now=utcnow())
    db.session.commit()
    return done(url_for("devices.index"), f"{charger.label} is in use again. Associate a QR code with it.")


@bp.route("/devices/<device_id>/delete", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def delete(device_id: str) -> ResponseReturnValue:
    """Delete a device that nobody has used; one with a history can only be retired."""
    charger = access.charger_or_404(device_id)
    form = DeleteForm() if request.method == "POST" else DeleteForm(formdata=None)
    if form.validate_on_submit():
        label = charger.label
        try:
            devices.delete(db.session, charger, form.device_id.data, by=current_user.email, now=utcnow())
        except DomainError as refusal:
            db.session.rollback()
            tell(form, refusal)
        else:
            db.session.commit()
            return done(url_for("devices.index"), f"{label} is deleted.")
    return dialog(
        "devices/_delete.html",
        422 if request.method == "POST" else 200,
        title="Delete device",
        charger=charger,
        form=form,
        reason=many_chargers.in_use(db.session, [charger.id]).get(charger.id),
        codes=devices.codes(db.session, [charger.id]),
    )


def _picked() -> list[Charger]:
    names = request.values.getlist("pick")[:MOST_AT_ONCE]
    return list(db.session.scalars(access.own(Charger).where(Charger.device_id.in_(names)).order_by(Charger.label)))


def _nothing_picked() -> ResponseReturnValue:
    flash("Tick at least one device first.")
    return redirect(url_for("devices.index"), 303)


def _moving(picked: list[Charger], station: Station | None, now: datetime) -> list[tuple[str, Any]]:
    """The consequences of a move, each with an icon."""
    running = devices.running(db.session, [charger.id for charger in picked])
    told: list[tuple[str, Any]] = []
    if station is None:
        told.append(("coin", "Price, business hours and payments of the new station count from the next session on."))
    else:
        row = station_list.described(db.session, [station], now)[0]
        price = price_words.of_station(station, row.tariff, now) if row.tariff else None
        told += [
            (
                "coin",
                f"The next session costs {price.headline} {price.unit} now, by the price list {row.tariff.name}."
                if price and row.tariff
                else f"{station.name} has no price: sessions are kept, but cannot be billed.",
            ),
            (
                "credit-card",
                f"Payments go to {row.account.name}."
                if row.account
                else f"{station.name} has no payment account: drivers cannot pay.",
            ),
            ("clock", f"Times are read on the clock of {station.time_zone}."),
        ]
    if running:
        sessions = "1 session that is running keeps its" if running == 1 else f"{running} running sessions keep their"
        told.append(("bolt", f"{sessions} price and payment."))
    told.append(("history", "Past sessions and orders stay with the station where they happened."))
    return told
