"""Block a card at once; let it charge again."""

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import BooleanField

from blueprints import access
from blueprints.database import db
from blueprints.sidecar import ring
from blueprints.tokens import bp
from blueprints.tokens.cards import card_or_404
from blueprints.web import dialog, done
from domain import blocking
from domain.clock import utcnow
from domain.errors import DomainError
from domain.models.tokens import Token
from domain.rights import Right


class BlockForm(FlaskForm):
    clear = BooleanField("Clear the cache of these chargers")


@bp.route("/cards/<uid:uid>/block", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def block(uid: str) -> ResponseReturnValue:
    """The card starts nothing from now on; chargers that may remember it can be asked to forget."""
    token, now = card_or_404(uid), utcnow()
    known = blocking.chargers_that_know(db.session, token, now)
    online = [charger for charger in known if charger.is_connected]
    form = BlockForm() if request.method == "POST" else BlockForm(formdata=None, clear=bool(online))
    may_clear = bool(online) and access.may(Right.CONFIGURE)
    if form.validate_on_submit():
        try:
            blocking.block(db.session, token, by=current_user.email, now=now)
            if form.clear.data and may_clear:
                blocking.clear_caches(db.session, online, by=current_user.email, now=now)
        except DomainError as refusal:
            db.session.rollback()
            form.form_errors.append(str(refusal))
        else:
            db.session.commit()
            ring()
            return done(back(token), f"{token.name or token.uid} is blocked.")
    return dialog(
        "tokens/_block.html",
        422 if request.method == "POST" else 200,
        title="Block card",
        token=token,
        form=form,
        known=known,
        online=online,
        may_clear=may_clear,
        running=blocking.running(db.session, token),
        back=back(token),
    )


@bp.post("/cards/<uid:uid>/allow")
@access.require(Right.STATIONS)
def allow(uid: str) -> ResponseReturnValue:
    """The card may charge again."""
    token = card_or_404(uid)
    blocking.allow(db.session, token, by=current_user.email, now=utcnow())
    db.session.commit()
    return done(back(token), f"{token.name or token.uid} may charge again.")


def back(token: Token) -> str:
    return url_for("tokens.groups" if token.is_group else "tokens.index")
