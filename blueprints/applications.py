"""Platform -> Applications: station applications to approve, ask about, or reject."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import StringField, TextAreaField
from wtforms.validators import InputRequired

from blueprints import access, lists, navigation
from blueprints.application_words import STATUS_WORDS, VIEW_NAMES
from blueprints.database import db
from blueprints.forms import tell
from blueprints.mail_links import links
from blueprints.web import dialog, done, page
from domain import application_approval, application_list, applications, device_rows, places, stations, unknown_chargers
from domain.application_approval import Decision
from domain.application_list import Filter, View
from domain.applications import AlreadyDecided
from domain.clock import utcnow
from domain.device_rows import DeviceRow
from domain.errors import DomainError, Refused
from domain.models.applications import StationApplication
from domain.rights import Right

bp = Blueprint("applications", __name__)

PROMISED = timedelta(days=2)  # applicants are told "within one to two days"
ZONE = "UTC"


class ApproveForm(FlaskForm):
    station_name = StringField("Name of the charging station", [InputRequired("Give the station a name.")])
    address = StringField("Full address", [InputRequired("Type the full address.")])
    region = StringField("Region")
    time_zone = StringField("Time zone", [InputRequired("Name a time zone such as Europe/Helsinki.")])
    currency = StringField("Currency", [InputRequired("Use a three-letter currency code such as EUR.")])


class AskForm(FlaskForm):
    told = "question"
    question = TextAreaField("Question")


class RejectForm(FlaskForm):
    told = "reason"
    reason = TextAreaField("Reason")


@bp.get("/platform/applications")
@access.require(Right.APPLICATIONS)
def index() -> ResponseReturnValue:
    """The review queue."""
    view = lists.choice("view", View, View.TO_REVIEW)
    wanted = Filter(view or View.TO_REVIEW, lists.text("q"), lists.text("country", 2))
    found = application_list.page(db.session, wanted, lists.text("cursor", 500), lists.size())
    values = {
        "view": None if wanted.view == View.TO_REVIEW else wanted.view,
        "q": wanted.text,
        "country": wanted.country,
        "size": lists.size_in_address(),
    }
    return page(
        "applications/list.html",
        "applications/_list.html",
        list=lists.Address("applications.index", values),
        wanted=wanted,
        found=found,
        counts=application_list.counts(db.session, wanted),
        view_names=VIEW_NAMES,
        countries=[(code, stations.countries().get(code, code)) for code in application_list.countries(db.session)],
        now=utcnow(),
        **_words(),
    )


@bp.get("/platform/applications/<int:application_id>")
@access.require(Right.APPLICATIONS)
def detail(application_id: int) -> ResponseReturnValue:
    """One application, and what approving it would do."""
    application, now = applications.get(db.session, application_id), utcnow()
    devices = application.devices
    rows = [DeviceRow(each.device_id, each.device_account) for each in devices]
    faults = device_rows.faults(db.session, rows) if application.is_open else []
    return page(
        "applications/detail.html",
        application=application,
        prospect=application_approval.look_ahead(db.session, application),
        faults={devices[each.index].device_id: each.sentence for each in faults},
        elsewhere=applications.also_named_in(db.session, application) if application.is_open else {},
        seen={each.device_id: unknown_chargers.find(db.session, each.device_id, now) for each in devices[:50]},
        waiting_user=application_approval.waiting_user(db.session, application),
        country=stations.countries().get(application.country, application.country),
        **_words(),
    )


@bp.route("/platform/applications/<int:application_id>/approve", methods=["GET", "POST"])
@access.require(Right.APPLICATIONS)
def approve(application_id: int) -> ResponseReturnValue:
    """Operator, login, station and chargers exist, and the applicant can sign in. Pressed twice it happens once."""
    application = applications.get(db.session, application_id)
    prospect = application_approval.look_ahead(db.session, application)
    proposed = application_approval.proposed(application, prospect)
    form = ApproveForm() if request.method == "POST" else ApproveForm(formdata=None, obj=proposed)
    if request.method == "POST" and form.validate_on_submit():
        decision = Decision(**{name: (form[name].data or "").strip() for name in Decision.__dataclass_fields__})
        return _decided(
            application,
            form,
            lambda: application_approval.approve(
                db.session, application_id, decision, links=links(), by=current_user.email, now=utcnow()
            ),
            f"{application.station_name} is open. {application.email} has a mail.",
            "approved",
        )
    return _approve_dialog(application, form, 422 if request.method == "POST" else 200)


@bp.route("/platform/applications/<int:application_id>/ask", methods=["GET", "POST"])
@access.require(Right.APPLICATIONS)
def ask(application_id: int) -> ResponseReturnValue:
    """A question goes to the applicant by mail."""
    return _written(application_id, AskForm, applications.ask, "The question is on its way to {email}.")


@bp.route("/platform/applications/<int:application_id>/reject", methods=["GET", "POST"])
@access.require(Right.APPLICATIONS)
def reject(application_id: int) -> ResponseReturnValue:
    """The application is over; the applicant reads why."""
    said = "The application is rejected. {email} has a mail with the reason."
    return _written(application_id, RejectForm, applications.reject, said, "rejected")


@bp.post("/platform/applications/<int:application_id>/password-link")
@access.require(Right.APPLICATIONS)
def password_link(application_id: int) -> ResponseReturnValue:
    """The new owner has another link to choose the first password."""
    application = applications.get(db.session, application_id)
    application_approval.send_password_link(db.session, application, links=links(), by=current_user.email, now=utcnow())
    db.session.commit()
    return done(_address(application), f"A new link is on its way to {application.email}.")


def _written(
    application_id: int,
    form_class: type[AskForm] | type[RejectForm],
    act: Callable[..., object],
    said: str,
    becomes: str | None = None,
) -> ResponseReturnValue:
    application = applications.get(db.session, application_id)
    form = form_class() if request.method == "POST" else form_class(formdata=None)
    if request.method == "POST" and form.validate_on_submit():
        words = form[form.told].data or ""
        return _decided(
            application,
            form,
            lambda: act(db.session, application_id, words, links=links(), by=current_user.email, now=utcnow()),
            said.format(email=application.email),
            becomes,
        )
    return _words_dialog(application, form)


def _decided(
    application: StationApplication,
    form: FlaskForm,
    act: Callable[[], object],
    said: str,
    becomes: str | None = None,
) -> ResponseReturnValue:
    try:
        act()
    except AlreadyDecided as refusal:
        db.session.rollback()
        now_it_is = applications.get(db.session, application.id)
        if becomes and now_it_is.status == becomes and now_it_is.decided_by == current_user.email:
            return done(_address(application), said)  # the same button once more
        form.form_errors.append(str(refusal))
    except DomainError as refusal:
        db.session.rollback()
        tell(form, _renamed(refusal))
    else:
        db.session.commit()
        return done(_address(application), said)
    if isinstance(form, ApproveForm):
        return _approve_dialog(application, form, 422)
    return _words_dialog(application, form, 422)


def _renamed(refusal: DomainError) -> DomainError:
    """Stations speak of name and city where this form says station_name and region."""
    names = {"name": "station_name", "city": "region"}
    return Refused(str(refusal), [(names.get(name, name), sentence) for name, sentence in refusal.errors])


def _approve_dialog(application: StationApplication, form: ApproveForm, status: int) -> ResponseReturnValue:
    return dialog(
        "applications/_approve.html",
        status,
        title="Approve the application",
        application=application,
        form=form,
        prospect=application_approval.look_ahead(db.session, application),
        zones=places.zones_of(application.country),
    )


def _words_dialog(application: StationApplication, form: FlaskForm, status: int = 200) -> ResponseReturnValue:
    name, title = ("_ask", "Ask the applicant") if isinstance(form, AskForm) else ("_reject", "Reject the application")
    return dialog(f"applications/{name}.html", status, title=title, application=application, form=form)


def _address(application: StationApplication) -> str:
    return url_for("applications.detail", application_id=application.id)


def _words() -> dict[str, Any]:
    return {"words": STATUS_WORDS, "zone": ZONE, "promised": PROMISED}


def _waiting() -> int:
    return application_list.waiting(db.session())


navigation.COUNTS["applications.index"] = _waiting
