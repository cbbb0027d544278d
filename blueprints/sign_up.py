"""Sign up: a company, an e-mail, a password; a link in a mail makes the login."""

from flask import Blueprint, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from blueprints import access, auth, errors
from blueprints.database import db
from blueprints.forms import countries, tell
from blueprints.limits import limiter
from blueprints.mail_links import links
from blueprints.web import page
from domain import sign_ups
from domain.clock import utcnow
from domain.db import read_only
from domain.errors import Conflict, NotFound, Refused

bp = Blueprint("sign_up", __name__)

TRIES = "20/minute;100/hour"
_SENT_TO = "sign_up_email"
_GONE = (
    "This link has been used or has run out. Sign in if you have confirmed your address already; else sign up again."
)


class SignUpForm(FlaskForm):
    company = StringField("Company", [InputRequired("Type your company's name.")])
    email = EmailField("E-mail address", [InputRequired("Type your e-mail address.")])
    password = PasswordField("Password", [InputRequired("Choose a password.")])
    country = SelectField("Country")


class ConfirmForm(FlaskForm):
    password = PasswordField("Password", [InputRequired("Type the password that you chose.")])


class AgainForm(FlaskForm):
    email = EmailField("E-mail address", [InputRequired("Type your e-mail address.")])


@bp.get("/sign-up")
@access.public
def form() -> ResponseReturnValue:
    """The page to register an operator."""
    if current_user.is_authenticated:
        return redirect("/", 303)
    return page("sign_up/form.html", form=_prepared(SignUpForm(formdata=None)))


@bp.post("/sign-up")
@access.public
@limiter.limit(TRIES)
def register() -> ResponseReturnValue:
    """A mail is on its way; the answer is the same whether the address has an account or not."""
    form = _prepared(SignUpForm())
    if form.validate_on_submit():
        try:
            sign_ups.register(
                db.session, form.company.data, form.email.data, form.password.data, country=form.country.data or None,
                links=links(), now=utcnow(),
            )  # fmt: skip
        except Refused as refusal:
            db.session.rollback()
            tell(form, refusal)
        else:
            db.session.commit()
            session[_SENT_TO] = form.email.data.strip()
            return redirect(url_for("sign_up.sent"), 303)
    return page("sign_up/form.html", status=422, form=form)


@bp.get("/sign-up/sent")
@access.public
def sent() -> ResponseReturnValue:
    """What happens next."""
    form = AgainForm(formdata=None, email=session.get(_SENT_TO, ""))
    return page("sign_up/sent.html", form=form, address=session.get(_SENT_TO))


@bp.post("/sign-up/again")
@access.public
@limiter.limit(TRIES)
def again() -> ResponseReturnValue:
    """The mail goes out once more, if there is one to send; the answer is always the same."""
    form = AgainForm()
    if not form.validate_on_submit():
        return page("sign_up/sent.html", status=422, form=form, address=session.get(_SENT_TO))
    sign_ups.ask_again(db.session, form.email.data, links=links(), now=utcnow())
    db.session.commit()
    session[_SENT_TO] = form.email.data.strip()
    flash("If a sign-up waits for this address, the mail is on its way again.")
    return redirect(url_for("sign_up.sent"), 303)


@bp.route("/sign-up/confirm/<secret>", methods=["GET", "POST"])
@access.public
@limiter.limit(TRIES)
def confirm(secret: str) -> ResponseReturnValue:
    """The e-mail is confirmed by its link and the password chosen before; the person is signed in."""
    now = utcnow()
    try:
        with read_only():
            address = sign_ups.find(db.session, secret, now).email
            db.session.commit()
    except NotFound:
        return errors.answer(404, _GONE, ("Sign up", url_for("sign_up.form")))
    form = ConfirmForm() if request.method == "POST" else ConfirmForm(formdata=None)
    if request.method == "GET":
        return page("sign_up/confirm.html", form=form, address=address, secret=secret)
    if form.validate_on_submit():
        try:
            with read_only():  # Argon2 takes its time; nobody waits for a write lock meanwhile
                sign_up_id = sign_ups.meant(db.session, secret, form.password.data, now)
                db.session.commit()
            user = sign_ups.confirm(db.session, secret, sign_up_id, now)
        except Conflict as conflict:
            db.session.rollback()
            form.form_errors.append(str(conflict))
        except Refused as refusal:
            db.session.rollback()
            tell(form, refusal)
        else:
            auth.start_login(user)
            session.pop(_SENT_TO, None)
            flash("Your e-mail address is confirmed. Welcome.")
            return redirect("/", 303)
    return page("sign_up/confirm.html", status=422, form=form, address=address, secret=secret)


def _prepared(form: SignUpForm) -> SignUpForm:
    form.country.choices = [SelectChoice("", "Not told"), *countries()]
    return form
