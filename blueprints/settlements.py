"""Order Manage -> Billing Center: orders ready to settle, Apply for Settlement, statements."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from flask import Blueprint, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Length

from blueprints import access, lists, navigation, settlement_files
from blueprints.database import db
from blueprints.settlement_words import STATUS_WORDS, steps
from blueprints.web import dialog, done, page
from domain import settlement_lines, settlement_list, settlement_mails, settlements, station_days
from domain.clock import utcnow
from domain.errors import DomainError, Refused
from domain.models.settlements import Settlement, SettlementStatus
from domain.models.stations import Station
from domain.rights import Right
from domain.settlement_lines import Line, Money
from domain.settlement_list import Filter

bp = Blueprint("settlements", __name__)

S = SettlementStatus
MOST_SHOWN = 200


class ApplyForm(FlaskForm):
    message = StringField("Message to the reviewer, optional", [Length(max=settlements.LONGEST_WORDS)])
    nonce = HiddenField()


class ConfirmForm(FlaskForm):
    holder = StringField("Account holder", [InputRequired("Enter the name of the account's holder.")])
    # The page's head has an element `account` of its own.
    account = StringField(
        "IBAN or account number", [InputRequired("Enter an IBAN or an account number.")], id="bank-account"
    )


@bp.get("/billing-center")
@access.require(Right.SETTLEMENT_APPLY)
def index() -> ResponseReturnValue:
    """Orders ready to settle, and the newest settlements."""
    now, zone = utcnow(), _zone()
    moneys = settlement_lines.moneys(db.session(), current_user.operator_id)
    money, station_id = _money(moneys), request.args.get("station", type=int)
    found = _ready(money, station_id=station_id, limit=MOST_SHOWN) if money else []
    newest = settlement_list.page(db.session(), current_user.operator_id, Filter(), None, 5)
    return page(
        "settlements/index.html",
        "settlements/_ready.html",
        moneys=moneys,
        money=money,
        lines=found,
        total=_total(found),
        ready=settlement_lines.ready_totals(db.session(), current_user.operator_id, money) if money else (0, 0),
        carried=_carried(money),
        sums=_sums(money, now),
        newest=newest.rows,
        station_id=station_id,
        stations=db.session.scalars(access.own(Station).order_by(Station.name)).all(),
        zone=zone,
        now=now,
        most=MOST_SHOWN,
        words=STATUS_WORDS,
        steps=steps,
        S=S,
    )


@bp.get("/billing-center/total")
@access.require(Right.SETTLEMENT_APPLY)
def total() -> ResponseReturnValue:
    """What the ticked orders come to."""
    money = _money(settlement_lines.moneys(db.session(), current_user.operator_id))
    chosen = _picked(money) if money else []
    return render_template("settlements/_total.html", money=money, total=_total(chosen), carried=_carried(money))


@bp.route("/billing-center/apply", methods=["GET", "POST"])
@access.require(Right.SETTLEMENT_APPLY)
def apply() -> ResponseReturnValue:
    """Apply for Settlement: the question, then the application."""
    money, status = _asked_money(), 200
    form = ApplyForm() if request.method == "POST" else ApplyForm(formdata=None, nonce=secrets.token_hex(8))
    if form.validate_on_submit():
        try:
            return _applied(form, money)
        except DomainError as refusal:
            form.form_errors.append(str(refusal))
    if request.method == "POST":
        status = 422
    chosen = _picked(money)
    return dialog(
        "settlements/_apply.html",
        status,
        title="Apply for Settlement",
        form=form,
        money=money,
        total=_total(chosen),
        carried=_carried(money),
        picks=[] if _wants_all() else _pick_ids(),
        wants_all=_wants_all(),
    )


@bp.get("/billing-center/settlements")
@access.require(Right.SETTLEMENT_APPLY)
def all_settlements() -> ResponseReturnValue:
    """Every settlement, the newest first."""
    wanted, cursor = Filter(text=lists.text("q")), lists.text("cursor", 500)
    found = settlement_list.page(db.session(), current_user.operator_id, wanted, cursor, lists.size())
    values = {"q": wanted.text, "size": lists.size_in_address()}
    return page(
        "settlements/all.html",
        "settlements/_all.html",
        list=lists.Address("settlements.all_settlements", values),
        found=found,
        wanted=wanted,
        zone=_zone(),
        words=STATUS_WORDS,
    )


@bp.get("/billing-center/settlements/<int:settlement_id>")
@access.require(Right.SETTLEMENT_APPLY)
def detail(settlement_id: int) -> ResponseReturnValue:
    """One statement, line by line."""
    settlement = _own(settlement_id)
    cursor = lists.text("cursor", 500)
    found = settlement_list.lines(db.session(), settlement, cursor, 100)
    return page(
        "settlements/detail.html",
        settlement=settlement,
        found=found,
        list=lists.Address("settlements.detail", {}, settlement_id=settlement_id),
        zone=_zone(),
        due_at=settlements.due_at(settlement),
        words=STATUS_WORDS,
        steps=steps,
        S=S,
    )


@bp.get("/billing-center/settlements/<int:settlement_id>/statement.<any(pdf, xlsx):kind>")
@access.require(Right.SETTLEMENT_APPLY)
def statement(settlement_id: int, kind: str) -> ResponseReturnValue:
    """The statement as a file."""
    return settlement_files.answer(_own(settlement_id), kind)


@bp.route("/billing-center/settlements/<int:settlement_id>/confirm", methods=["GET", "POST"])
@access.require(Right.SETTLEMENT_APPLY)
def confirm(settlement_id: int) -> ResponseReturnValue:
    """The operator agrees to the figures and says where the money goes."""
    settlement, status = _own(settlement_id), 200
    form = ConfirmForm() if request.method == "POST" else ConfirmForm(formdata=None)
    if form.validate_on_submit():
        try:
            return _confirmed(settlement, form)
        except Refused as refusal:
            for name, sentence in refusal.errors:
                form[name].errors = [*form[name].errors, sentence]
        except DomainError as refusal:
            form.form_errors.append(str(refusal))
    if request.method == "POST":
        status = 422
    return dialog("settlements/_confirm.html", status, title="Confirm", settlement=settlement, form=form)


def _applied(form: ApplyForm, money: Money) -> ResponseReturnValue:
    now = utcnow()
    settlement = settlements.apply(
        db.session(),
        current_user.operator_id,
        money.currency,
        is_test=money.is_test,
        order_ids=None if _wants_all() else _pick_ids(),
        nonce=form.nonce.data or secrets.token_hex(8),
        message=form.message.data or "",
        by=current_user.email,
        now=now,
    )
    _tell(settlement, now)
    db.session.commit()
    return done(url_for("settlements.detail", settlement_id=settlement.id), f"{settlement.number} is applied.")


def _confirmed(settlement: Settlement, form: ConfirmForm) -> ResponseReturnValue:
    now = utcnow()
    settlements.confirm(
        db.session(),
        current_user.operator_id,
        settlement.id,
        holder=form.holder.data,
        account=form.account.data,
        secret_key=current_app.config["SECRET_KEY"],
        by=current_user.email,
        now=now,
    )
    _tell(settlement, now)
    db.session.commit()
    return done(url_for("settlements.detail", settlement_id=settlement.id), f"{settlement.number} is confirmed.")


def _tell(settlement: Settlement, now: datetime) -> None:
    endpoint = "platform_settlements.detail"
    settlement_mails.tell(db.session(), settlement, url_for(endpoint, settlement_id=settlement.id, _external=True), now)


def _own(settlement_id: int) -> Settlement:
    return settlements.of_operator(db.session(), current_user.operator_id, settlement_id)


def _money(moneys: Sequence[Money]) -> Money | None:
    asked = Money(request.values.get("currency", ""), request.values.get("test") == "1")
    return asked if asked in moneys else moneys[0] if moneys else None


def _asked_money() -> Money:
    money = _money(settlement_lines.moneys(db.session(), current_user.operator_id))
    return money or Money(request.values.get("currency", "EUR")[:3], request.values.get("test") == "1")


def _ready(money: Money, *, station_id: int | None, limit: int) -> list[Line]:
    return settlement_lines.ready(
        db.session(),
        current_user.operator_id,
        money.currency,
        is_test=money.is_test,
        station_id=station_id,
        limit=limit,
    )


def _picked(money: Money) -> list[Line]:
    ids = None if _wants_all() else _pick_ids()
    if ids == []:
        return []
    return settlement_lines.ready(
        db.session(),
        current_user.operator_id,
        money.currency,
        is_test=money.is_test,
        order_ids=ids,
        limit=settlements.MOST_ORDERS,
    )


def _pick_ids() -> list[int]:
    picks = request.values.getlist("pick")[: settlements.MOST_ORDERS]
    return [int(pick) for pick in picks if pick.isascii() and pick.isdigit() and len(pick) < 18]


def _wants_all() -> bool:
    return request.values.get("all") == "1"


def _total(lines: Sequence[Line]) -> dict[str, int]:
    names = ("gross_minor", "captured_minor", "fee_minor", "tax_minor", "carried_minor", "payable_minor")
    return {"orders": len(lines)} | {name: sum(getattr(line, name) for line in lines) for name in names}


def _carried(money: Money | None) -> int:
    if money is None:
        return 0
    found = settlement_lines.carried(db.session(), current_user.operator_id, money.currency, is_test=money.is_test)
    return sum(line.payable_minor for line in found)


def _sums(money: Money | None, now: datetime) -> dict[SettlementStatus, tuple[int, int]]:
    if money is None:
        newest = db.session.scalar(
            select(Settlement).where(Settlement.operator_id == current_user.operator_id).order_by(Settlement.id.desc())
        )
        money = Money(newest.currency, newest.is_test) if newest else None
    began = now.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    return settlement_list.sums(db.session(), current_user.operator_id, money, began) if money else {}


def _zone() -> str:
    return station_days.operator_zone(db.session, current_user.operator_id)


def _to_confirm() -> int:
    waits = (S.APPROVED, S.TRANSFER_FAILED)
    return settlement_list.waiting_count(db.session(), waits, current_user.operator_id)


navigation.COUNTS["settlements.index"] = _to_confirm
