"""The page behind the link in an invitation: name, password, and in."""

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired

from blueprints import access, auth
from blueprints.database import db
from blueprints.limits import limiter
from blueprints.web import page
from domain import team
from domain.clock import utcnow
from domain.db import read_only
from domain.errors import Refused

bp = Blueprint("invitations", __name__)


class AcceptForm(FlaskForm):
    name = StringField("Your name", [InputRequired("Enter your name.")])
    password = PasswordField("Password", [InputRequired("Choose a password.")])
    again = PasswordField("Password again", [EqualTo("password", "The two passwords differ.")])


@bp.get("/invitation/<secret>")
@access.public
@limiter.limit("60/minute")
def detail(secret: str) -> ResponseReturnValue:
    """Who invites whom to what."""
    user = team.invited(db.session(), secret, utcnow())
    return page("team/accept.html", user=user, secret=secret, form=AcceptForm(formdata=None, name=user.name))


@bp.post("/invitation/<secret>")
@access.public
@limiter.limit("20/minute")
def accept(secret: str) -> ResponseReturnValue:
    """The account is theirs, and they are signed in."""
    with read_only():
        user, form = team.invited(db.session(), secret, utcnow()), AcceptForm()
        db.session.commit()
    if form.validate_on_submit():
        try:
            with read_only():  # Argon2 takes its time; nobody waits for a write lock meanwhile
                password_hash = team.sealed(db.session(), secret, form.name.data, form.password.data, utcnow())
                db.session.commit()
            user = team.accept(db.session(), secret, form.name.data, password_hash, utcnow())
        except Refused as refusal:
            for name, message in refusal.errors:
                form[name].errors = [message]
        else:
            auth.start_login(user)
            return redirect("/", 303)
    return page("team/accept.html", status=422, user=user, secret=secret, form=form)
