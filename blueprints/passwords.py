"""Passwords by a link in a mail: the first one of a new login, and one for a forgotten one."""

from flask import Blueprint, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField
from wtforms.validators import EqualTo, InputRequired

from blueprints import access, auth, errors
from blueprints.database import db
from blueprints.forms import tell
from blueprints.limits import limiter
from blueprints.mail_links import links
from blueprints.web import page
from domain import password_links
from domain.clock import utcnow
from domain.db import read_only
from domain.errors import NotFound, Refused

bp = Blueprint("passwords", __name__)

TRIES = "20/minute;100/hour"
_SENT_TO = "forgot_email"


class ForgotForm(FlaskForm):
    email = EmailField("E-mail address", [InputRequired("Type your e-mail address.")])


class ChooseForm(FlaskForm):
    new = PasswordField("New password", [InputRequired("Choose a password.")])
    again = PasswordField("New password again", [EqualTo("new", "The two passwords differ.")])


@bp.route("/forgot-password", methods=["GET", "POST"])
@access.public
@limiter.limit(TRIES)
def forgot() -> ResponseReturnValue:
    """A link by mail; the answer is the same whether the address has an account or not."""
    form = ForgotForm() if request.method == "POST" else ForgotForm(formdata=None)
    if request.method == "GET":
        return page("passwords/forgot.html", form=form)
    if form.validate_on_submit():
        try:
            password_links.forgot(db.session, form.email.data, request.remote_addr or "", links=links(), now=utcnow())
        except Refused as refusal:
            db.session.rollback()
            form.form_errors.append(str(refusal))
        else:
            db.session.commit()
            session[_SENT_TO] = form.email.data.strip()
            return redirect(url_for("passwords.sent"), 303)
    return page("passwords/forgot.html", status=422, form=form)


@bp.get("/forgot-password/sent")
@access.public
def sent() -> ResponseReturnValue:
    """What happens next."""
    return page("passwords/sent.html", address=session.get(_SENT_TO))


@bp.route("/choose-password/<secret>", methods=["GET", "POST"])
@access.public
@limiter.limit(TRIES)
def choose(secret: str) -> ResponseReturnValue:
    """The person behind the link chooses a password and is signed in; looking does not use the link up."""
    now = utcnow()
    try:
        with read_only():
            user = password_links.find(db.session, secret, now)
            db.session.commit()
    except NotFound as gone:
        return errors.answer(404, str(gone), ("Ask for a new link", url_for("passwords.forgot")))
    form = ChooseForm() if request.method == "POST" else ChooseForm(formdata=None)
    if request.method == "GET":
        return page("passwords/choose.html", form=form, user=user, secret=secret)
    if form.validate_on_submit():
        try:
            with read_only():  # Argon2 takes its time; nobody waits for a write lock meanwhile
                password_hash = password_links.sealed(db.session, secret, form.new.data, now)
                db.session.commit()
            password_links.set_password(db.session, secret, password_hash, links=links(), now=now)
        except Refused as refusal:
            db.session.rollback()
            tell(form, refusal)
        else:
            db.session.commit()
            admitted = auth.admit(user)
            flash(f"Your password is set. You sign in as {user.email}.")
            return admitted
    return page("passwords/choose.html", status=422, form=form, user=user, secret=secret)
