"""Station data transmission: the public form, and the page that shows an applicant how it stands."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, flash, redirect, request, send_file, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import EmailField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from blueprints import access
from blueprints.application_words import STATUS_TEXTS, STATUS_WORDS
from blueprints.database import db
from blueprints.forms import countries, tell
from blueprints.limits import limiter
from blueprints.mail_links import links
from blueprints.web import page, wants_fragment
from domain import application_approval, applications, device_rows
from domain.applications import MOST_DEVICES, Given
from domain.clock import utcnow
from domain.db import writing
from domain.device_rows import DeviceRow
from domain.errors import DomainError, Refused
from domain.models.applications import StationApplication
from domain.sheets.reading import MOST_BYTES
from domain.sheets.writing import XLSX

bp = Blueprint("apply", __name__)

TRIES = "30/minute;300/hour"
_SENT_TO = "application_email"
_CELL = re.compile(r"devices-(\d{1,4})-(device_id|device_account)")
_REMOVE = re.compile(r"remove-(\d{1,4})")


class ApplicationForm(FlaskForm):
    """Its fields are checked by the domain, all at once."""

    order_number = StringField("Order number")
    company = StringField("Company name")
    email = EmailField("Login e-mail")
    station_name = StringField("Name of the charging station")
    country = SelectField("Country", validate_choice=False)
    region = StringField("Region")
    address = StringField("Full address")


class AnswerForm(FlaskForm):
    answer = TextAreaField("Your answer")


@dataclass
class Rows:
    """The devices as the form shows them, with what is wrong: {"devices-0-device_id": sentence}."""

    rows: list[DeviceRow]
    errors: dict[str, list[str]] = field(default_factory=dict)
    sheet_error: str | None = None
    is_grown: bool = False  # the last row is new: the cursor belongs there

    @property
    def shown(self) -> list[DeviceRow]:
        return self.rows or [DeviceRow("", "")]


@bp.get("/apply")
@access.public
def form() -> ResponseReturnValue:
    """The form, filled in as far as we know the person."""
    made = _prepared(ApplicationForm(formdata=None))
    if current_user.is_authenticated and current_user.operator:
        made.email.data, made.company.data = current_user.email, current_user.operator.name
        made.country.data = current_user.operator.country
    return page("apply/form.html", **_shown(made, Rows([])))


@bp.post("/apply")
@access.public
@limiter.limit(TRIES)
def send() -> ResponseReturnValue:
    """One more row, one less, a spreadsheet read into rows, or the whole on its way."""

    def on_its_way(given: Given, rows: list[DeviceRow]) -> ResponseReturnValue:
        application = applications.send(
            db.session, given, rows, remote_address=request.remote_addr, links=links(), now=utcnow()
        )
        db.session.commit()
        session[_SENT_TO] = application.email
        return redirect(url_for("apply.sent"), 303)

    return _acted(on_its_way)


@bp.get("/apply/device-import-template.xlsx")
@access.public
def template() -> ResponseReturnValue:
    """The spreadsheet to fill in."""
    name = "device-import-template.xlsx"
    return send_file(device_rows.template(), mimetype=XLSX, as_attachment=True, download_name=name)


@bp.get("/apply/sent")
@access.public
def sent() -> ResponseReturnValue:
    """What happens next."""
    return page("apply/sent.html", address=session.get(_SENT_TO))


@bp.get("/apply/status/<secret>")
@access.public
def status(secret: str) -> ResponseReturnValue:
    """How the application stands; its first opening shows that the mail arrived."""
    application = applications.find(db.session, secret, utcnow())
    if application.opened_at is None:
        with writing():
            db.session.rollback()
            application = applications.find(db.session, secret, utcnow())
            application.opened_at = application.opened_at or utcnow()
            db.session.commit()
    return page("apply/status.html", "apply/_state.html", **_state(application, secret, AnswerForm(formdata=None)))


@bp.post("/apply/status/<secret>/answer")
@access.public
@limiter.limit(TRIES)
def answer(secret: str) -> ResponseReturnValue:
    """Staff have the applicant's answer."""
    application, form = applications.find(db.session, secret, utcnow()), AnswerForm()
    if form.validate_on_submit():
        try:
            applications.answer(db.session, application.id, form.answer.data or "", links=links(), now=utcnow())
        except DomainError as refusal:
            db.session.rollback()
            tell(form, refusal)
        else:
            db.session.commit()
            flash("Your answer is sent.")
            return redirect(url_for("apply.status", secret=secret), 303)
    return page("apply/status.html", status=422, **_state(application, secret, form))


@bp.route("/apply/status/<secret>/correct", methods=["GET", "POST"])
@access.public
@limiter.limit(TRIES)
def correct(secret: str) -> ResponseReturnValue:
    """The applicant mends what was sent, as long as it is not decided."""
    application = applications.find(db.session, secret, utcnow())
    if not application.is_open:
        raise applications.AlreadyDecided(application)
    if request.method == "GET":
        made = _prepared(ApplicationForm(formdata=None, obj=application))
        rows = [DeviceRow(each.device_id, each.device_account) for each in application.devices]
        return page("apply/form.html", **_shown(made, Rows(rows), application, secret))

    def corrected(given: Given, rows: list[DeviceRow]) -> ResponseReturnValue:
        applications.correct(db.session, application, given, rows, now=utcnow())
        db.session.commit()
        flash("Your corrections are sent.")
        return redirect(url_for("apply.status", secret=secret), 303)

    return _acted(corrected, application, secret)


@bp.post("/apply/status/<secret>/password-link")
@access.public
@limiter.limit("5/hour")
def password_link(secret: str) -> ResponseReturnValue:
    """The mail with the link to the first password goes out again."""
    application = applications.find(db.session, secret, utcnow())
    application_approval.send_password_link(db.session, application, links=links(), by=application.email, now=utcnow())
    db.session.commit()
    flash(f"A new link is on its way to {application.email}.")
    return redirect(url_for("apply.status", secret=secret), 303)


def _acted(
    done: Callable[[Given, list[DeviceRow]], ResponseReturnValue],
    application: StationApplication | None = None,
    secret: str | None = None,
) -> ResponseReturnValue:
    """What the pressed button asks for; every typed value stays."""
    form, rows = _prepared(ApplicationForm()), _typed_rows()
    if application is not None:
        form.email.data = application.email
    act = request.form.get("act", "send")
    status = 200
    if act == "add":
        rows.rows.append(DeviceRow("", ""))
        rows.is_grown = True
    elif removed := _REMOVE.fullmatch(act):
        rows.rows = [row for index, row in enumerate(rows.rows) if index != int(removed[1])]
    else:
        rows.rows = [row for row in rows.rows if not row.is_empty]
        status = _read_sheet(rows, is_asked=act == "upload")
        if act != "upload" and status == 200:
            status = 422
            if form.validate_on_submit():
                try:
                    return done(_given(form), rows.rows)
                except DomainError as refusal:
                    db.session.rollback()
                    _tell(form, rows, refusal)
    return page("apply/form.html", "apply/_form.html", status, **_shown(form, rows, application, secret))


def _read_sheet(rows: Rows, *, is_asked: bool) -> int:
    """An uploaded spreadsheet's rows follow the typed ones; 422 if it cannot be read or one row is wrong."""
    file = request.files.get("file")
    if file is None or not file.filename:
        rows.sheet_error = "Choose a file first." if is_asked else None
        return 422 if is_asked else 200
    # The transaction would hold the database's only write lock while the file is read.
    db.session.rollback()
    try:
        rows.rows += device_rows.from_sheet(file.stream.read(MOST_BYTES + 1), most=MOST_DEVICES)
    except Refused as refusal:
        rows.sheet_error = str(refusal)
        return 422
    for fault in device_rows.faults(db.session, rows.rows[:MOST_DEVICES]):
        rows.errors.setdefault(f"devices-{fault.index}-{fault.field}", []).append(fault.sentence)
    return 422 if rows.errors else 200


def _typed_rows() -> Rows:
    cells: dict[int, dict[str, str]] = {}
    for name, value in request.form.items():
        if (place := _CELL.fullmatch(name)) and int(place[1]) <= 2 * MOST_DEVICES:
            cells.setdefault(int(place[1]), {})[place[2]] = value.strip()[:1000]
    ordered = (cells[index] for index in sorted(cells))
    return Rows([DeviceRow(each.get("device_id", ""), each.get("device_account", "")) for each in ordered])


def _given(form: ApplicationForm) -> Given:
    return Given(**{name: form[name].data or "" for name in Given.__dataclass_fields__})


def _tell(form: ApplicationForm, rows: Rows, refusal: DomainError) -> None:
    """Each sentence stands at its field or in its row."""
    of_rows = [each for each in refusal.errors if each[0].startswith("devices")]
    for name, sentence in of_rows:
        if sentence not in rows.errors.get(name, []):
            rows.errors.setdefault(name, []).append(sentence)
    of_fields = [each for each in refusal.errors if each not in of_rows]
    if of_fields or not of_rows:
        tell(form, Refused(str(refusal), of_fields))


def _prepared(form: ApplicationForm) -> ApplicationForm:
    form.country.choices = [SelectChoice("", "Choose"), *countries()]
    return form


def _shown(
    form: ApplicationForm, rows: Rows, application: StationApplication | None = None, secret: str | None = None
) -> dict[str, Any]:
    action = url_for("apply.correct", secret=secret) if secret else url_for("apply.send")
    return {"form": form, "rows": rows, "application": application, "secret": secret, "action": action}


def _state(application: StationApplication, secret: str, form: AnswerForm) -> dict[str, Any]:
    return {
        "application": application,
        "secret": secret,
        "form": form,
        "word": STATUS_WORDS[application.status],
        "text": STATUS_TEXTS[application.status],
        "waiting_user": application_approval.waiting_user(db.session, application),
        "is_part": wants_fragment(),
    }
