"""Platform -> Settlements: applications reviewed line by line, transfers recorded."""

from datetime import date
from enum import StrEnum
from typing import Any

from flask import Blueprint, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import DateField, StringField
from wtforms.validators import InputRequired, Length

from blueprints import access, lists, navigation, settlement_files
from blueprints.database import db
from blueprints.settlement_words import STATUS_WORDS, steps
from blueprints.web import dialog, done, page
from domain import bank_accounts, sealing, settlement_check, settlement_list, settlement_mails, settlements
from domain.clock import utcnow
from domain.errors import DomainError, NotFound, Refused
from domain.models.settlements import Settlement, SettlementStatus
from domain.rights import Right
from domain.settlement_list import Filter

bp = Blueprint("platform_settlements", __name__)

S = SettlementStatus


class View(StrEnum):
    """The saved views."""

    WAITING = "waiting"
    TRANSFER = "transfer"
    SETTLED = "settled"
    REJECTED = "rejected"
    ALL = "all"


VIEWS: dict[View, tuple[str, tuple[SettlementStatus, ...]]] = {
    View.WAITING: ("Waiting for review", (S.APPLIED,)),
    View.TRANSFER: ("Approved", (S.APPROVED, S.CONFIRMED, S.TRANSFERRING, S.TRANSFER_FAILED)),
    View.SETTLED: ("Settled", (S.SETTLED,)),
    View.REJECTED: ("Rejected", (S.REJECTED,)),
    View.ALL: ("All", ()),
}


class ReasonForm(FlaskForm):
    reason = StringField("Reason", [InputRequired("Say why. The operator reads it."), Length(max=500)])


class TransferForm(FlaskForm):
    reference = StringField("Reference of the bank transfer", [InputRequired("Enter the bank's reference.")])
    on = DateField("Day of the transfer", [InputRequired("Enter the day of the transfer.")])


FORMS: dict[str, type[FlaskForm]] = {
    "approve": FlaskForm,
    "reject": ReasonForm,
    "transfer": TransferForm,
    "settle": FlaskForm,
    "failed": ReasonForm,
}
SAID = {
    "approve": "approved",
    "reject": "rejected",
    "transfer": "on its way",
    "settle": "settled",
    "failed": "back: the operator is asked for the account again",
}


@bp.get("/platform/settlements")
@access.require(Right.SETTLEMENT_REVIEW, read=True)
def index() -> ResponseReturnValue:
    """Every operator's settlements."""
    view = lists.choice("view", View, View.WAITING) or View.WAITING
    wanted, cursor = Filter(VIEWS[view][1], lists.text("q")), lists.text("cursor", 500)
    found = settlement_list.page(db.session(), None, wanted, cursor, lists.size())
    values = {
        "view": None if view == View.WAITING else view,
        "q": wanted.text,
        "size": lists.size_in_address(),
    }
    return page(
        "platform_settlements/index.html",
        "platform_settlements/_list.html",
        list=lists.Address("platform_settlements.index", values),
        found=found,
        wanted=wanted,
        view=view,
        views=VIEWS,
        waiting=_waiting(),
        words=STATUS_WORDS,
        due_at=settlements.due_at,
        now=utcnow(),
        zone="UTC",
    )


@bp.get("/platform/settlements/<int:settlement_id>")
@access.require(Right.SETTLEMENT_REVIEW, read=True)
def detail(settlement_id: int) -> ResponseReturnValue:
    """One statement, each line beside what order, payment and ledger say now."""
    settlement = settlements.of_operator(db.session(), None, settlement_id)
    found = settlement_list.lines(db.session(), settlement, lists.text("cursor", 500), 100)
    return page(
        "platform_settlements/detail.html",
        settlement=settlement,
        found=found,
        differences=settlement_check.differences(db.session(), settlement),
        account=_account(settlement),
        list=lists.Address("platform_settlements.detail", {}, settlement_id=settlement_id),
        due_at=settlements.due_at(settlement),
        needs_second=settlements.needs_second_person(settlement),
        words=STATUS_WORDS,
        steps=steps,
        zone="UTC",
        S=S,
    )


@bp.get("/platform/settlements/<int:settlement_id>/statement.<any(pdf, xlsx):kind>")
@access.require(Right.SETTLEMENT_REVIEW, read=True)
def statement(settlement_id: int, kind: str) -> ResponseReturnValue:
    """The statement as a file."""
    return settlement_files.answer(settlements.of_operator(db.session(), None, settlement_id), kind)


@bp.route(
    "/platform/settlements/<int:settlement_id>/<any(approve, reject, transfer, settle, failed):act>",
    methods=["GET", "POST"],
)
@access.require(Right.SETTLEMENT_REVIEW)
def act(settlement_id: int, act: str) -> ResponseReturnValue:
    """A step of the platform's: the question, then the act."""
    settlement, status = settlements.of_operator(db.session(), None, settlement_id), 200
    form = FORMS[act]() if request.method == "POST" else FORMS[act](formdata=None)
    if act == "transfer" and request.method == "GET":
        form["on"].data = utcnow().date()
    if form.validate_on_submit():
        try:
            return _done(settlement, act, form)
        except Refused as refusal:
            _tell_fields(form, refusal)
        except DomainError as refusal:
            form.form_errors.append(str(refusal))
    if request.method == "POST":
        status = 422
    return dialog(
        "platform_settlements/_act.html", status, title="Settlement", settlement=settlement, act=act, form=form
    )


def _done(settlement: Settlement, act: str, form: FlaskForm) -> ResponseReturnValue:
    common: dict[str, Any] = {"by": current_user.email, "now": utcnow()}
    if act == "approve":
        settlements.approve(db.session(), settlement.id, **common)
    elif act == "reject":
        settlements.reject(db.session(), settlement.id, reason=form["reason"].data, **common)
    elif act == "transfer":
        on: date = form["on"].data
        settlements.transfer(db.session(), settlement.id, reference=form["reference"].data, on=on, **common)
    elif act == "settle":
        settlements.settle(db.session(), settlement.id, **common)
    else:
        settlements.transfer_failed(db.session(), settlement.id, reason=form["reason"].data, **common)
    link = url_for("settlements.detail", settlement_id=settlement.id, _external=True)
    settlement_mails.tell(db.session(), settlement, link, common["now"])
    db.session.commit()
    here = url_for("platform_settlements.detail", settlement_id=settlement.id)
    return done(here, f"{settlement.number} is {SAID[act]}.")


def _tell_fields(form: FlaskForm, refusal: Refused) -> None:
    for name, sentence in refusal.errors:
        form[name].errors = [*form[name].errors, sentence]
    if not refusal.errors:
        form.form_errors.append(str(refusal))


def _account(settlement: Settlement) -> str | None:
    """The whole number, for whoever makes the transfer; nobody else sees it."""
    if settlement.status is not S.CONFIRMED or not access.may(Right.SETTLEMENT_REVIEW):
        return None
    try:
        return bank_accounts.unseal(current_app.config["SECRET_KEY"], settlement.sealed_account or "")
    except sealing.Unreadable as error:
        raise NotFound("The bank account cannot be read any more. Ask the operator to confirm again.") from error


def _waiting() -> int:
    return settlement_list.waiting_count(db.session(), (S.APPLIED, S.CONFIRMED))


navigation.COUNTS["platform_settlements.index"] = _waiting
