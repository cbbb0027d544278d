"""Settings -> Team and roles: who works here, as what, and what each role may do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import EmailField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from blueprints import access, role_words
from blueprints.database import db
from blueprints.limits import limiter
from blueprints.web import dialog, done, page
from domain import second_factors, station_days, team
from domain.clock import utcnow
from domain.errors import Conflict, Refused
from domain.models.operators import Role, UserAccount
from domain.rights import Right

bp = Blueprint("team", __name__)


class InviteForm(FlaskForm):
    email = EmailField("E-mail address", [InputRequired("Enter an e-mail address.")])
    role = RadioField("Role", [InputRequired("Choose one of the roles.")])


class RoleForm(FlaskForm):
    role = RadioField("Role", [InputRequired("Choose one of the roles.")])


class ActForm(FlaskForm):
    """Nothing to fill in: the button is the answer."""


@dataclass(frozen=True)
class Act:
    """What may be done to a person: the question before, and the sentence after. `{name}` is the person's."""

    title: str
    verb: str
    keep: str
    means: tuple[tuple[str, str], ...]
    done: str
    run: Callable[[UserAccount], None]
    tone: str = "stop"


def _deactivate(user: UserAccount) -> None:
    team.deactivate(db.session(), user, by=current_user.user, now=utcnow())


def _reactivate(user: UserAccount) -> None:
    team.reactivate(db.session(), user, by=current_user.user, now=utcnow())


def _withdraw(user: UserAccount) -> None:
    team.withdraw(db.session(), user, by=current_user.user, now=utcnow())


def _invite_again(user: UserAccount) -> None:
    team.invite_again(db.session(), user, by=current_user.user, public_url=_public_url(), now=utcnow())


def _send_password_link(user: UserAccount) -> None:
    team.send_password_link(db.session(), user, by=current_user.user, public_url=_public_url(), now=utcnow())


def _reset_second_factor(user: UserAccount) -> None:
    second_factors.reset(db.session(), user, by=current_user.user, now=utcnow())


ACTS = {
    "deactivate": Act(
        "Deactivate {name}?",
        "Deactivate",
        "Keep active",
        (
            ("logout", "{name} is signed out everywhere at once and cannot sign in any more."),
            ("history", "What {name} did stays in the audit log. You can reactivate the account at any time."),
        ),
        "{name} is deactivated and signed out.",
        _deactivate,
    ),
    "reactivate": Act(
        "Reactivate {name}?",
        "Reactivate",
        "Leave as it is",
        (("user", "{name} may sign in again, with the password and the role of before."),),
        "{name} may sign in again.",
        _reactivate,
        "go",
    ),
    "withdraw": Act(
        "Withdraw the invitation of {name}?",
        "Withdraw invitation",
        "Keep it",
        (("unlink", "The link in the mail opens nothing any more. You can invite the same e-mail address again."),),
        "The invitation is withdrawn.",
        _withdraw,
    ),
    "invite-again": Act(
        "Send the invitation of {name} again?",
        "Send again",
        "Not now",
        (("mail", "A new link goes out, good for 7 days. The link before opens nothing any more."),),
        "The invitation is sent again.",
        _invite_again,
        "go",
    ),
    "new-password": Act(
        "Send {name} a link for a new password?",
        "Send link",
        "Not now",
        (("mail", "The link is good for 24 hours. Until {name} uses it, the present password works."),),
        "The link is on its way to {name}.",
        _send_password_link,
        "go",
    ),
    "reset-two-factor": Act(
        "Reset two-factor sign-in of {name}?",
        "Reset",
        "Keep it",
        (
            ("shield-check", "Be sure that it is really {name} who asks you."),
            (
                "logout",
                "{name} is signed out everywhere. The app's codes and the recovery codes open nothing any more.",
            ),
            ("mail", "{name} gets a mail about it."),
        ),
        "Two-factor sign-in of {name} is reset.",
        _reset_second_factor,
    ),
}


@bp.get("/team")
@access.require(Right.TEAM)
def index() -> ResponseReturnValue:
    """Everybody of this operator, or of the platform."""
    return page("team/list.html", "team/_list.html", **_shown())


@bp.route("/team/invite", methods=["GET", "POST"])
@access.require(Right.TEAM)
@limiter.limit("30/hour", methods=["POST"])
def invite() -> ResponseReturnValue:
    """A mail with a link for a new person."""
    form = InviteForm() if request.method == "POST" else InviteForm(formdata=None)
    _offer_roles(form)
    if form.validate_on_submit():
        try:
            team.invite(
                db.session(),
                form.email.data,
                Role(form.role.data),
                current_user.operator,
                by=current_user.user,
                public_url=_public_url(),
                now=utcnow(),
            )
        except (Refused, Conflict) as refusal:
            db.session.rollback()
            _show(form, refusal)
        else:
            db.session.commit()
            return _changed(f"The invitation is on its way to {form.email.data.strip().lower()}.")
    return dialog("team/_invite.html", 422 if form.errors else 200, title="Invite somebody", form=form)


@bp.route("/team/<int:user_id>/role", methods=["GET", "POST"])
@access.require(Right.TEAM)
def role(user_id: int) -> ResponseReturnValue:
    """Another role for a person."""
    user = _person_or_404(user_id)
    form = RoleForm() if request.method == "POST" else RoleForm(formdata=None, role=user.role.value)
    _offer_roles(form)
    if form.validate_on_submit():
        try:
            team.change_role(db.session(), user, Role(form.role.data), by=current_user.user, now=utcnow())
        except Refused as refusal:
            db.session.rollback()
            _show(form, refusal)
        else:
            db.session.commit()
            return _changed(f"{user.name} has the role {role_words.NAMES[user.role]}.")
    return dialog("team/_role.html", 422 if form.errors else 200, title="Change role", user=user, form=form)


@bp.route("/team/<int:user_id>/<verb>", methods=["GET", "POST"])
@access.require(Right.TEAM)
def act(user_id: int, verb: str) -> ResponseReturnValue:
    """The question before somebody is let go, let in again or invited again, and the act."""
    user, form = _person_or_404(user_id), ActForm()
    asked = ACTS.get(verb) or abort(404)
    status = 200
    if form.validate_on_submit():
        try:
            asked.run(user)
        except (Refused, Conflict) as refusal:
            db.session.rollback()
            form.form_errors.append(str(refusal))
            status = 422
        else:
            db.session.commit()
            return _changed(asked.done.format(name=user.name))
    words = {"act": asked, "verb": verb, "user": user, "form": form}
    return dialog("team/_act.html", status, title=asked.title.format(name=user.name), **words)


def _person_or_404(user_id: int) -> UserAccount:
    return access.own_or_404(UserAccount, "person in your team", id=user_id)


def _offer_roles(form: Any) -> None:
    roles = team.roles_of(current_user.operator_id)
    form.role.choices = [SelectChoice(each.value, role_words.choice(each)) for each in roles]


def _show(form: FlaskForm, refusal: Refused | Conflict) -> None:
    """The sentence stands at the field to blame, else above the form."""
    for name, message in refusal.errors:
        if name in form:
            form[name].errors = [str(refusal) if isinstance(refusal, Conflict) else message]
            return
    form.form_errors.append(str(refusal))


def _changed(toast: str) -> ResponseReturnValue:
    return done(url_for("team.index"), toast, cells="team/_changed.html", **_shown())


def _shown() -> dict[str, Any]:
    operator_id, now = current_user.operator_id, utcnow()
    people = team.people(db.session(), operator_id)
    return {
        "people": people,
        "with_factor": second_factors.all_of(db.session(), [person.id for person in people]),
        "asks_factor": current_app.extensions["settings"].asks_second_factor,
        "stale_before": now - team.INVITATION_LASTS,
        "lasts": team.INVITATION_LASTS,
        "roles": team.roles_of(operator_id),
        "rights": role_words.table(team.roles_of(operator_id)),
        "zone": station_days.operator_zone(db.session(), operator_id) if operator_id else "UTC",
    }


def _public_url() -> str:
    address: str = current_app.extensions["settings"].public_url
    return address
