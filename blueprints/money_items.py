"""Order Manage -> Money needing attention: what wants a person, and the nightly proof. The goal is none."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from blueprints import access, exports, lists, navigation
from blueprints.database import db
from blueprints.exports import Column
from blueprints.web import dialog, done, page
from domain import money_item_list, money_items, proof, station_days
from domain.clock import utcnow
from domain.currencies import from_minor
from domain.errors import Conflict, Refused
from domain.models.money_items import MoneyItem, MoneyItemKind
from domain.money_item_list import Filter
from domain.rights import Right

bp = Blueprint("money_items", __name__)

K = MoneyItemKind


class View(StrEnum):
    """The saved views."""

    OPEN = "open"
    CLOSED = "closed"


VIEW_NAMES = {View.OPEN: "Open", View.CLOSED: "Closed"}
KIND_NAMES = {
    K.CAPTURE_FAILED: "Capture failed",
    K.HOLD_EXPIRED: "Hold expired",
    K.HOLD_EXPIRING: "Hold expires soon",
    K.HOLD_STANDS: "Hold still stands",
    K.UNKNOWN: "Outcome unknown",
    K.REFUND_FAILED: "Refund failed",
    K.ALARM: "Provider found a fault",
    K.DISPUTE: "Dispute",
    K.ACCOUNT_TROUBLE: "Payment account",
    K.NOT_BILLED: "Not billed",
    K.REVIEW: "Waits for a look",
    K.MISSING_HERE: "Only at the provider",
    K.MISSING_THERE: "Not at the provider",
    K.AMOUNT: "Amounts differ",
    K.FEE: "Fees differ",
    K.CURRENCY: "Currencies differ",
    K.DUPLICATE: "Moved twice",
    K.BOOKS: "Books differ",
}


class CloseForm(FlaskForm):
    note = TextAreaField(
        "What was done about it?",
        [InputRequired("Say what was done about it. It is kept in the audit log."), Length(max=500)],
    )


@bp.get("/money-needing-attention")
@access.require(Right.MONEY_ATTENTION, read=True)
def index() -> ResponseReturnValue:
    """What wants a person, the newest first."""
    return page("money_items/list.html", "money_items/_list.html", **_shown(utcnow()))


@bp.get("/money-needing-attention/live")
@access.require(Right.MONEY_ATTENTION, read=True)
def live() -> ResponseReturnValue:
    """The first page's rows if they changed."""
    context = _shown(utcnow())
    is_changed = "cursor" not in request.args and request.args.get("version") != context["version"]
    return render_template("money_items/_live.html", is_changed=is_changed, **context)


@bp.get("/money-needing-attention/export.csv", defaults={"kind": "csv"})
@bp.get("/money-needing-attention/export.xlsx", defaults={"kind": "xlsx"})
@access.require(Right.MONEY_ATTENTION, read=True)
def export(kind: str) -> ResponseReturnValue:
    """The filtered items as a file."""
    rows = money_item_list.each(db.session, current_user.operator_id, _wanted())
    return exports.answer(kind, "money-needing-attention", COLUMNS, rows)


@bp.route("/money-needing-attention/<int:item_id>/close", methods=["GET", "POST"])
@access.require(Right.MONEY_ATTENTION)
def close(item_id: int) -> ResponseReturnValue:
    """A person says what was done; the item leaves the list."""
    item = money_items.of_operator(db.session, current_user.operator_id, item_id)
    form, status = CloseForm() if request.method == "POST" else CloseForm(formdata=None), 200
    if form.validate_on_submit():
        try:
            money_items.resolve(
                db.session,
                current_user.operator_id,
                item_id,
                note=form.note.data,
                by=current_user.email,
                now=utcnow(),
            )
        except (Refused, Conflict) as refusal:
            form.form_errors.append(str(refusal))
        else:
            db.session.commit()
            return done(url_for("money_items.index"), "Closed. It is kept under Closed.")
    if request.method == "POST":
        status = 422
    names = {"kind_names": KIND_NAMES, "zone": _zone()}
    return dialog("money_items/_close.html", status, title="Close", item=item, form=form, **names)


def _wanted() -> Filter:
    view = lists.choice("view", View, View.OPEN)
    return Filter(is_closed=view == View.CLOSED, kind=lists.choice("kind", MoneyItemKind), text=lists.text("q"))


def _shown(now: datetime) -> dict[str, Any]:
    wanted, cursor = _wanted(), lists.text("cursor", 500)
    found = money_item_list.page(db.session, current_user.operator_id, wanted, cursor, lists.size())
    view = View.CLOSED if wanted.is_closed else View.OPEN
    values = {
        "view": view if wanted.is_closed else None,
        "kind": wanted.kind,
        "q": wanted.text,
        "size": lists.size_in_address(),
    }
    return {
        "list": lists.Address("money_items.index", values),
        "cursor": cursor,
        "wanted": wanted,
        "view": view,
        "found": found,
        "version": money_item_list.version(found.rows),
        "open_count": money_item_list.open_count(db.session, current_user.operator_id),
        "view_names": VIEW_NAMES,
        "kind_names": KIND_NAMES,
        "last_proof": next((run for run in proof.newest_runs(db.session) if run.ended_at is not None), None),
        "is_platform": current_user.operator_id is None,
        "now": now,
        "zone": _zone(),
    }


def _zone() -> str:
    own = current_user.operator_id
    return "UTC" if own is None else station_days.operator_zone(db.session, own)


def _open() -> int:
    return money_item_list.open_count(db.session, current_user.operator_id)


COLUMNS = [
    Column("Opened", lambda item: item.opened_at),
    Column("Kind", lambda item: KIND_NAMES[item.kind]),
    Column("What", lambda item: item.text),
    Column("Order", lambda item: item.order.number if item.order else None),
    Column("Amount", lambda item: None if item.amount_minor is None else _amount(item)),
    Column("Currency", lambda item: item.currency),
    Column("Closed", lambda item: item.resolved_at),
    Column("Closed by", lambda item: item.resolved_by or ("by itself" if item.resolved_at else None)),
    Column("Note", lambda item: item.note),
]


def _amount(item: MoneyItem) -> Any:
    return from_minor(item.amount_minor or 0, item.currency or "EUR")


navigation.COUNTS["money_items.index"] = _open
