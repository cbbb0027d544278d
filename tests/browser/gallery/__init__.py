"""A list with everything that the macros offer, for the tests of the frame itself; no database needed."""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from blueprints import access
from blueprints.charts import Band, bars, power_and_battery
from blueprints.web import dialog, done, page

bp = Blueprint("gallery", __name__, template_folder=".")

START = datetime(2026, 11, 20, 9, 24, tzinfo=UTC)
ROWS = {1: "HG-02 Level 1 west", 2: "ML-01 Forecourt", 3: "HG-04 Level 2 east"}
WORKDAY = [(0, 360, "0.35", 1), (360, 960, "0.49", 2), (960, 1200, "0.59", 3), (1200, 1440, "0.35", 1)]
WEEKEND = [(0, 360, "0.35", 1), (360, 1320, "0.42", 4), (1320, 1440, "0.35", 1)]
WEEK = [Band(day, *band) for day in range(7) for band in (WORKDAY if day < 5 else WEEKEND)]

MONTHS = bars(["Sep", "Oct", "Nov"], [820, 1410, None], [40, 0, 95])


class RefundForm(FlaskForm):
    reason = SelectField(
        "Reason",
        [InputRequired("Choose a reason. It is kept in the audit log.")],
        choices=[SelectChoice("", "Choose a reason"), SelectChoice("fault", "Charger fault")],
    )
    note = StringField("Note for your team, optional")


@bp.get("/gallery")
@access.public
def index() -> ResponseReturnValue:
    q = request.args.get("q", "")
    rows = {number: name for number, name in ROWS.items() if q.lower() in name.lower()}
    power = [(START + timedelta(minutes=n), min(10 * n, 62) - n * 0.35) for n in range(41)]
    battery = [(START + timedelta(minutes=n), 22 + n) for n in range(41)]
    chart = power_and_battery(power, battery, "Europe/Helsinki")
    return page("gallery.html", "_rows.html", rows=rows, q=q, now=START, chart=chart, months=MONTHS, week=WEEK)


@bp.get("/gallery/live")
@access.public
def live() -> ResponseReturnValue:
    return page("_live.html")


@bp.get("/gallery/<int:number>/refund")
@access.public
def refund(number: int) -> ResponseReturnValue:
    return dialog("_refund.html", title="Refund", number=number, form=RefundForm(formdata=None))


@bp.post("/gallery/<int:number>/refund", endpoint="refund_now")
@access.public
def refund_now(number: int) -> ResponseReturnValue:
    form = RefundForm()
    if form.validate_on_submit():
        return done("/gallery", "The refund is on its way.", cells="_cells.html", undo="/gallery/undo", number=number)
    return dialog("_refund.html", 422, title="Refund", number=number, form=form)


@bp.post("/gallery/undo")
@access.public
def undo() -> ResponseReturnValue:
    return done("/gallery", "Undone.", cells="_cells.html", number=1)
