"""Groups of cards (OCPP's parentIdTag): their cards stop each other's sessions, and are blocked together."""

import re
import secrets

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from blueprints import access
from blueprints.database import db
from blueprints.tokens import bp
from blueprints.tokens.cards import frame, tell
from blueprints.web import dialog, done, page
from domain import token_list, tokens
from domain.clock import utcnow
from domain.errors import DomainError
from domain.rights import Right
from domain.token_batches import LONGEST_NAME

_LONGEST_16 = 20  # parentIdTag of OCPP 1.6


class GroupForm(FlaskForm):
    name = StringField(
        "Name",
        [
            InputRequired("Give the group a name, such as City vans."),
            Length(max=LONGEST_NAME, message=f"Use up to {LONGEST_NAME} characters."),
        ],
    )
    uid = StringField("Group id, optional")


@bp.get("/cards/groups")
@access.require(Right.STATIONS, read=True)
def groups() -> ResponseReturnValue:
    """All groups."""
    return page("tokens/groups.html", groups=token_list.groups(db.session, current_user.operator_id), **frame("Groups"))


@bp.route("/cards/groups/new", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def add_group() -> ResponseReturnValue:
    """A new group, or a name for one that cards speak of."""
    form = GroupForm() if request.method == "POST" else GroupForm(formdata=None, uid=request.args.get("uid", "")[:36])
    if form.validate_on_submit():
        uid = (form.uid.data or "").strip() or made_id(form.name.data)
        try:
            tokens.add(
                db.session,
                current_user.operator_id,
                uid,
                name=form.name.data.strip(),
                is_group=True,
                by=current_user.email,
                now=utcnow(),
            )
        except DomainError as refusal:
            db.session.rollback()
            tell(form, refusal)
        else:
            db.session.commit()
            return done(url_for("tokens.groups"), f"{form.name.data.strip()} is there. Choose it in its cards.")
    return dialog("tokens/_group.html", 422 if request.method == "POST" else 200, title="Add group", form=form)


def made_id(name: str) -> str:
    """An id that every charger can keep: letters of the name and four random digits."""
    letters = re.sub(r"[^A-Z0-9]", "", name.upper())[: _LONGEST_16 - 5] or "GROUP"
    return f"{letters}-{secrets.token_hex(2).upper()}"
