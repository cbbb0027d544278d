"""A part of an order given back by bank transfer: one person records it, another confirms it."""

import secrets
from decimal import Decimal, InvalidOperation

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Length

from blueprints import access, order_words
from blueprints.billings import order_or_404
from blueprints.database import db
from blueprints.formats import money
from blueprints.web import dialog, done
from domain import manual_refunds
from domain.clock import utcnow
from domain.currencies import exponent, to_minor
from domain.errors import DomainError, NotFound, Refused
from domain.models.orders import Order
from domain.rights import Right

bp = Blueprint("bank_transfers", __name__)


class TransferForm(FlaskForm):
    amount = StringField("Amount", [InputRequired("Enter the amount."), Length(max=20)])
    bank_reference = StringField(
        "Reference of the bank transfer",
        [InputRequired("Enter the reference that the bank shows."), Length(max=manual_refunds.LONGEST_REFERENCE)],
    )
    reason = StringField(
        "Reason",
        [InputRequired("Say why. It is kept in the audit log."), Length(max=manual_refunds.LONGEST_REASON)],
    )
    nonce = HiddenField()


@bp.route("/billings/<number>/bank-transfer", methods=["GET", "POST"])
@access.require(Right.REFUND_ABOVE)
def record(number: str) -> ResponseReturnValue:
    """A bank transfer to the driver is recorded; a second person has to confirm it."""
    order, status = order_or_404(number), 200
    form = TransferForm() if request.method == "POST" else TransferForm(formdata=None, nonce=secrets.token_hex(8))
    if form.validate_on_submit():
        try:
            return _recorded(order, form)
        except Refused as refusal:
            _tell(form, refusal)
    if request.method == "POST":
        status = 422
    return dialog(
        "bank_transfers/_record.html",
        status,
        title=f"Bank transfer for {number}",
        order=order,
        form=form,
        left_minor=_left_minor(order),
        words=order_words,
    )


@bp.route(
    "/billings/<number>/bank-transfer/<int:transfer_id>/<any(confirm, withdraw):verdict>", methods=["GET", "POST"]
)
@access.require(Right.REFUND_ABOVE)
def decide(number: str, transfer_id: int, verdict: str) -> ResponseReturnValue:
    """A second person confirms the transfer, or it is taken back before that."""
    order = order_or_404(number)
    manual = next((each for each in manual_refunds.of_order(db.session, order.id) if each.id == transfer_id), None)
    if manual is None:
        raise NotFound("There is no such bank transfer.")
    form = FlaskForm()
    if request.method == "POST" and form.validate_on_submit():
        act = manual_refunds.confirm if verdict == "confirm" else manual_refunds.withdraw
        try:
            act(db.session, order, transfer_id, by=current_user.email, now=utcnow())
        except DomainError as refusal:
            form.form_errors.append(str(refusal))
        else:
            db.session.commit()
            amount = money(manual.amount_minor, manual.currency)
            said = f"{amount} by bank transfer is {'confirmed' if verdict == 'confirm' else 'withdrawn'}."
            return done(url_for("billings.detail", number=number), said)
    return dialog(
        "bank_transfers/_decide.html",
        422 if form.form_errors else 200,
        title=f"Bank transfer for {number}",
        order=order,
        manual=manual,
        verdict=verdict,
        form=form,
    )


def _recorded(order: Order, form: TransferForm) -> ResponseReturnValue:
    manual = manual_refunds.propose(
        db.session,
        order,
        amount_minor=_typed_minor(form.amount.data, order.currency),
        bank_reference=form.bank_reference.data,
        reason=form.reason.data,
        nonce=form.nonce.data or secrets.token_hex(8),
        by=current_user.email,
        now=utcnow(),
    )
    db.session.commit()
    said = f"{money(manual.amount_minor, manual.currency)} is recorded. Another person has to confirm it."
    return done(url_for("billings.detail", number=order.number), said)


def _typed_minor(text: str, currency: str) -> int:
    message = f"Enter an amount with at most {exponent(currency)} decimals, such as 2.50."
    try:
        amount = Decimal(text.strip().replace(",", "."))
        minor = to_minor(amount, currency)
        is_whole = amount.scaleb(exponent(currency)) == minor
    except (InvalidOperation, ValueError, OverflowError):
        raise Refused(message, [("amount", message)]) from None
    if not is_whole or abs(minor) >= 10**12:
        raise Refused(message, [("amount", message)])
    return minor


def _left_minor(order: Order) -> int:
    return manual_refunds.left_minor(db.session, order, order.payment) if order.payment else 0


def _tell(form: TransferForm, refusal: Refused) -> None:
    for name, sentence in refusal.errors:
        form[name].errors = [*form[name].errors, sentence]
    if not refusal.errors:
        form.form_errors.append(str(refusal))
