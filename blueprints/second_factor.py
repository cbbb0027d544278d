"""Two-factor sign-in: set it up, type its code, switch it off."""

import base64

from flask import Blueprint, current_app, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from blueprints import access, addresses, auth
from blueprints.database import db
from blueprints.limits import limiter
from blueprints.web import page
from domain import logins, passwords, qr_images, second_factors
from domain.clock import utcnow
from domain.errors import Refused
from domain.models.operators import UserAccount

bp = Blueprint("second_factor", __name__)

TOO_LATE = "The code came too late. Sign in again."
_CODE = [InputRequired("Enter the code."), Length(max=60, message="A code is shorter.")]


class CodeForm(FlaskForm):
    code = StringField("Code", _CODE)


class OffForm(FlaskForm):
    password = PasswordField("Password", [InputRequired("Enter your password.")])
    code = StringField("Code", _CODE)


# --- Signing in ----------------------------------------------------------------------------------------------


@bp.get("/sign-in/code")
@access.public
def ask() -> ResponseReturnValue:
    """The second step of signing in."""
    if auth.half_signed_in() is None:
        return _too_late()
    return page("second_factor/ask.html", form=CodeForm(formdata=None))


@bp.post("/sign-in/code")
@access.public
@limiter.limit("60/minute")
def answer() -> ResponseReturnValue:
    """Sign in with the code; tries are counted as those of passwords are."""
    user, form = auth.half_signed_in(), CodeForm()
    if user is None:
        return _too_late()
    if form.validate_on_submit():
        try:
            _check(user, form.code.data)
        except Refused as refusal:
            form.code.errors = [str(refusal)]
        else:
            back = session["half"]["next"]
            auth.start_login(user)
            return redirect(addresses.safe(back), 303)
    return page("second_factor/ask.html", status=422, form=form)


def _check(user: UserAccount, code: str) -> None:
    _count_try(user)
    try:
        second_factors.check(db.session(), user, code, _key(), utcnow())
    except Refused:
        logins.record_failure(db.session(), user.email, request.remote_addr or "", utcnow())
        db.session.commit()
        raise


def _too_late() -> ResponseReturnValue:
    form = auth.SignInForm(formdata=None)
    form.form_errors.append(TOO_LATE)
    return page("auth/sign_in.html", status=422, form=form)


# --- One's own -----------------------------------------------------------------------------------------------


@bp.get("/two-factor")
@access.signed_in
def index() -> ResponseReturnValue:
    """On, off, or waiting for the first code."""
    return _own(CodeForm(formdata=None), OffForm(formdata=None))


@bp.post("/two-factor/begin")
@access.signed_in
@limiter.limit("20/minute")
def begin() -> ResponseReturnValue:
    """A new secret to be scanned."""
    second_factors.prepare(db.session(), current_user.user, _key(), utcnow())
    db.session.commit()
    return redirect(url_for("second_factor.index"), 303)


@bp.post("/two-factor/confirm")
@access.signed_in
@limiter.limit("20/minute")
def confirm() -> ResponseReturnValue:
    """It is on; the recovery codes are shown once, and other browsers are signed out."""
    form, user = CodeForm(), current_user.user
    if form.validate_on_submit():
        try:
            codes = second_factors.confirm(db.session(), user, form.code.data, _key(), utcnow())
        except Refused as refusal:
            form.code.errors = [str(refusal)]
        else:
            return _with_new_login(user, codes)
    return _own(form, OffForm(formdata=None), 422)


@bp.post("/two-factor/off")
@access.signed_in
@limiter.limit("20/minute")
def switch_off() -> ResponseReturnValue:
    """Only the password is asked for from now on."""
    form, user = OffForm(), current_user.user
    if form.validate_on_submit() and _prove(form, user):
        second_factors.switch_off(db.session(), user, by=user.email, now=utcnow())
        logins.end_all(db.session(), user.id, utcnow())
        auth.start_login(user)
        flash("Two-factor sign-in is off. Other browsers are signed out.")
        return redirect(url_for("second_factor.index"), 303)
    return _own(CodeForm(formdata=None), form, 422)


@bp.post("/two-factor/recovery-codes")
@access.signed_in
@limiter.limit("20/minute")
def renew() -> ResponseReturnValue:
    """Ten new recovery codes, shown once; those before open nothing."""
    form, user = OffForm(), current_user.user
    if form.validate_on_submit() and _prove(form, user):
        return _with_new_login(user, second_factors.renew_recovery_codes(db.session(), user, utcnow()))
    return _own(CodeForm(formdata=None), form, 422)


def _prove(form: OffForm, user: UserAccount) -> bool:
    """It is really the person: password and code are right. Tries are counted as those of signing in are."""
    try:
        _count_try(user)
    except Refused as refusal:
        form.form_errors.append(str(refusal))
        return False
    if not passwords.matches(user.password_hash, form.password.data):
        form.password.errors = ["The password is not right."]
        return False
    try:
        second_factors.check(db.session(), user, form.code.data, _key(), utcnow())
    except Refused as refusal:
        form.code.errors = [str(refusal)]
        return False
    return True


def _count_try(user: UserAccount) -> None:
    logins.count_try(db.session(), user.email, request.remote_addr or "", utcnow())
    db.session.commit()


def _with_new_login(user: UserAccount, codes: list[str]) -> ResponseReturnValue:
    logins.end_all(db.session(), user.id, utcnow())
    auth.start_login(user)
    return page("second_factor/codes.html", codes=codes)


def _own(form: CodeForm, off_form: OffForm, status: int = 200) -> ResponseReturnValue:
    user = current_user.user
    waiting = second_factors.prepared(db.session(), user.id)
    picture = None
    if waiting is not None:
        address = second_factors.address(waiting, user, _key())
        picture = base64.b64encode(qr_images.png(address, 6)).decode()
    return page(
        "second_factor/index.html",
        status=status,
        form=form,
        off_form=off_form,
        factor=second_factors.of(db.session(), user.id),
        picture=picture,
        secret=second_factors.secret(waiting, _key()) if waiting else None,
        codes_left=second_factors.recovery_codes_left(db.session(), user.id),
        is_asked=current_app.extensions["settings"].asks_second_factor(user.role),
    )


def _key() -> str:
    key: str = current_app.extensions["settings"].secret_key
    return key
