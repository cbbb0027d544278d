"""Sign in, sign out, change one's password."""

from contextlib import suppress
from datetime import datetime, timedelta

from flask import Blueprint, Flask, Response, current_app, flash, g, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf import FlaskForm
from sqlalchemy import update
from wtforms import EmailField, HiddenField, PasswordField
from wtforms.validators import EqualTo, InputRequired, Length

from blueprints import access, addresses
from blueprints.database import db
from blueprints.limits import limiter
from blueprints.web import page, wants_fragment
from domain import audit, logins, second_factors
from domain.clock import utcnow
from domain.db import TROUBLE, read_only, writing
from domain.errors import Refused
from domain.models.operators import LoginSession, Operator, Role, UserAccount

bp = Blueprint("auth", __name__)
login_manager = LoginManager()

HALF_LASTS = timedelta(minutes=10)  # from the password to the code
WRONG = "The e-mail address or the password is not right."


class SignedIn:
    """The person behind a living login session, as Flask-Login wants to see them (`current_user`)."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, login: LoginSession, token: str) -> None:
        self.user = login.user
        self.login_id = login.id
        self.last_seen_at = login.last_seen_at
        self._token = token

    def get_id(self) -> str:
        return self._token

    @property
    def id(self) -> int:
        return self.user.id

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def email(self) -> str:
        return self.user.email

    @property
    def role(self) -> Role:
        return self.user.role

    @property
    def operator(self) -> Operator | None:
        return self.user.operator

    @property
    def operator_id(self) -> int | None:
        return self.user.operator_id

    @property
    def must_change_password(self) -> bool:
        return self.user.must_change_password

    @property
    def lacks_second_factor(self) -> bool:
        """Their role asks for one and they have none."""
        asks = current_app.extensions["settings"].asks_second_factor(self.role)
        return asks and second_factors.of(db.session(), self.id) is None


class SignInForm(FlaskForm):
    email = EmailField("E-mail address", [InputRequired("Enter your e-mail address."), Length(max=254)])
    password = PasswordField("Password", [InputRequired("Enter your password.")])
    next = HiddenField()


class PasswordForm(FlaskForm):
    old = PasswordField("Present password", [InputRequired("Enter your present password.")])
    new = PasswordField("New password", [InputRequired("Choose a new password.")])
    again = PasswordField("New password again", [EqualTo("new", "The two new passwords differ.")])


def init_app(app: Flask) -> None:
    login_manager.init_app(app)
    login_manager.session_protection = None  # the login session's row decides, not the browser's name
    app.register_blueprint(bp)
    app.after_request(touch)


@login_manager.user_loader
def load(token: str) -> SignedIn | None:
    login: LoginSession | None = logins.find(db.session(), token, utcnow())
    return SignedIn(login, token) if login else None


@login_manager.unauthorized_handler
def unauthorized() -> ResponseReturnValue:
    """To the sign-in page, which leads back; htmx is told by a header."""
    if wants_fragment():
        response = make_response("", 401)
        response.headers["HX-Redirect"] = url_for("auth.sign_in", next=addresses.htmx_page())
        return response
    back = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("auth.sign_in", next=back if back != "/" else None), 303)


@bp.get("/sign-in")
@access.public
def sign_in() -> ResponseReturnValue:
    """The sign-in page."""
    if current_user.is_authenticated:
        return redirect("/", 303)
    return page("auth/sign_in.html", form=SignInForm(formdata=None, next=request.args.get("next", "")))


@bp.post("/sign-in")
@access.public
@limiter.limit("60/minute")
def check_sign_in() -> ResponseReturnValue:
    """Sign in, or say that it did not work without saying why."""
    form = SignInForm()
    if form.validate_on_submit():
        try:
            user = _find_user(form.email.data.strip().lower(), form.password.data)
        except logins.TooManyTries as refusal:
            form.form_errors.append(str(refusal))
        else:
            if user:
                return admit(user, form.next.data)
            form.form_errors.append(WRONG)
    return page("auth/sign_in.html", status=422, form=form)


@bp.post("/sign-out")
@access.signed_in
def sign_out() -> ResponseReturnValue:
    """This login is over."""
    logins.end(db.session(), current_user.login_id, utcnow())
    _record("signed out", current_user.user)
    db.session.commit()
    logout_user()
    session.clear()
    return redirect(url_for("auth.sign_in"), 303)


@bp.get("/password")
@access.signed_in
def password() -> ResponseReturnValue:
    """The page for a new password."""
    return page("auth/password.html", form=PasswordForm(formdata=None))


@bp.post("/password", endpoint="password_change")
@access.signed_in
@limiter.limit("10/minute")
def change_password() -> ResponseReturnValue:
    """A new password; all other browsers of this person are signed out."""
    form = PasswordForm()
    if form.validate_on_submit():
        user = current_user.user
        try:
            logins.change_password(db.session(), user, form.old.data, form.new.data, utcnow())
        except Refused as refusal:
            for name, message in refusal.errors:
                form[name].errors = [message]
        else:
            start_login(user, "password changed")
            flash("Your password is changed. Other browsers are signed out.")
            return redirect("/", 303)
    return page("auth/password.html", status=422, form=form)


def _find_user(email: str, typed: str) -> UserAccount | None:
    logins.count_try(db.session(), email, request.remote_addr or "", utcnow())
    db.session.commit()
    with read_only():  # Argon2 takes its time; nobody waits for a write lock meanwhile
        user = logins.find_by_password(db.session(), email, typed)
        db.session.commit()
    if user is None:
        logins.record_failure(db.session(), email, request.remote_addr or "", utcnow())
        db.session.commit()
    return user


def admit(user: UserAccount, back: str | None = None) -> ResponseReturnValue:
    """Who proved to know the password, or to read the mail, is signed in, or asked for a code first."""
    if second_factors.of(db.session(), user.id):
        return _ask_for_code(user, back)
    start_login(user)
    return redirect(addresses.safe(back), 303)


def _ask_for_code(user: UserAccount, back: str | None) -> ResponseReturnValue:
    """The password was right: the cookie says so for some minutes, and opens nothing but the page for the code."""
    session.clear()
    session["half"] = {"user": user.id, "until": (utcnow() + HALF_LASTS).isoformat(), "next": addresses.safe(back)}
    return redirect(url_for("second_factor.ask"), 303)


def half_signed_in() -> UserAccount | None:
    """Whose password was right within the last minutes."""
    half = session.get("half")
    if not half or datetime.fromisoformat(half["until"]) <= utcnow():
        return None
    return logins.find_working(db.session(), half["user"])


def touch(response: Response) -> Response:
    """The login session knows to five minutes when it was last used. Only after reading: no other lock is held."""
    person = g.get("_login_user")
    if request.method != "GET" or not isinstance(person, SignedIn):
        return response
    now = utcnow()
    if now - person.last_seen_at >= logins.SEEN_EVERY:
        seen = update(LoginSession).where(LoginSession.id == person.login_id).values(last_seen_at=now)
        with suppress(*TROUBLE), writing(), db.engine.begin() as connection:
            connection.execute(seen)
    return response


def start_login(user: UserAccount, verb: str = "signed in") -> None:
    """A new login session in a new cookie: whatever the browser brought along is worth nothing now."""
    if current_user.is_authenticated:
        logins.end(db.session(), current_user.login_id, utcnow())
    token = logins.start(db.session(), user, request.remote_addr, request.user_agent.string, utcnow())
    login = logins.find(db.session(), token, utcnow())
    _record(verb, user)
    db.session.commit()
    session.clear()
    login_user(SignedIn(login, token))


def _record(verb: str, user: UserAccount) -> None:
    audit.record(
        db.session(),
        verb,
        "user_account",
        user.id,
        operator_id=user.operator_id,
        by=user.email,
        now=utcnow(),
        address=request.remote_addr,
    )
