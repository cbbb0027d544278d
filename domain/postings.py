"""What each event about money moves in the ledger: one function for each journal of money.md §6.

Platform-collected money is owed to the operator less fee and VAT; what operators collect themselves is only noted
(`operator_direct`) and at most leaves a fee that they owe.
"""

from datetime import datetime

from domain.contracts import Shares
from domain.ledger import Account, Entry, Leg
from domain.models.disputes import Dispute
from domain.models.ledger import AccountKind as A
from domain.models.ledger import JournalKind as J
from domain.models.manual_refunds import ManualRefund
from domain.models.orders import Order
from domain.models.payments import CollectionMode, Payment, Refund


def clearing(payment: Payment) -> Account:
    """Where the provider keeps the money of that payment."""
    return Account(A.PROVIDER_CLEARING, payment_account_id=payment.payment_account_id)


def capture(payment: Payment, order: Order | None, shares: Shares, at: datetime) -> Entry:
    """The driver paid: the provider has the money, and it belongs to the operator, less fee and VAT."""
    legs = [Leg(clearing(payment), shares.captured_minor, payment.currency)]
    if payment.collection_mode is CollectionMode.PLATFORM:
        legs += _owed(payment, shares, sign=-1)
    else:
        legs += [
            Leg(_direct(payment), -shares.captured_minor, payment.currency),
            Leg(Account(A.FEE_RECEIVABLE, payment.operator_id), shares.fee_minor, payment.currency),
            Leg(Account(A.PLATFORM_FEE), -shares.fee_minor, payment.currency),
        ]
    return _of_payment(J.CAPTURE, f"capture:{payment.id}", payment, order, tuple(legs), at)


def shortfall(payment: Payment, order: Order, at: datetime) -> Entry:
    """The hold did not cover the bill: the driver owes the rest to the operator."""
    missing = order.shortfall_minor
    legs = (
        Leg(Account(A.SHORTFALL_RECEIVABLE), missing, order.currency),
        Leg(_payable(payment), -missing, order.currency),
    )
    return _of_payment(J.SHORTFALL, f"shortfall:{order.id}", payment, order, legs, at)


def refund_requested(
    refund: Refund, payment: Payment, order: Order | None, shares: Shares, *, keeps_fee: bool
) -> Entry:
    """The money is on its way back: the operator is owed that much less, and the fee if the platform keeps it."""
    kept = shares.fee_minor if keeps_fee else 0
    legs = [Leg(_pending(payment), -refund.amount_minor, refund.currency)]
    if payment.collection_mode is CollectionMode.PLATFORM:
        given_back = Shares(shares.payable_minor + kept, shares.fee_minor - kept, shares.tax_minor)
        legs += _owed(payment, given_back, sign=1)
    else:
        returned = shares.fee_minor - kept
        legs += [
            Leg(_direct(payment), refund.amount_minor, refund.currency),
            Leg(Account(A.FEE_RECEIVABLE, payment.operator_id), -returned, refund.currency),
            Leg(Account(A.PLATFORM_FEE), returned, refund.currency),
        ]
    key = f"refund_requested:{refund.id}"
    return _of_payment(J.REFUND_REQUESTED, key, payment, order, tuple(legs), refund.requested_at)


def refund_succeeded(refund: Refund, payment: Payment, order: Order | None, at: datetime) -> Entry:
    """The provider sent the money back."""
    legs = (
        Leg(_pending(payment), refund.amount_minor, refund.currency),
        Leg(clearing(payment), -refund.amount_minor, refund.currency),
    )
    return _of_payment(J.REFUND_SUCCEEDED, f"refund_succeeded:{refund.id}", payment, order, legs, at)


def manual_refund(manual: ManualRefund, payment: Payment, order: Order, at: datetime) -> Entry:
    """The platform gave a part back by bank transfer; an operator's own transfer moves nothing of ours."""
    legs: tuple[Leg, ...] = ()
    if payment.collection_mode is CollectionMode.PLATFORM:
        legs = (
            Leg(_payable(payment), manual.amount_minor, manual.currency),
            Leg(Account(A.BANK), -manual.amount_minor, manual.currency),
        )
    return _of_payment(J.MANUAL_REFUND, f"manual_refund:{manual.id}", payment, order, legs, at)


def dispute_withdrawn(dispute: Dispute, payment: Payment, order: Order | None) -> Entry:
    """The provider took the disputed money from the balance until somebody decides."""
    legs = (
        Leg(_disputed(payment), dispute.amount_minor, dispute.currency),
        Leg(clearing(payment), -dispute.amount_minor, dispute.currency),
    )
    return _of_payment(J.DISPUTE, f"dispute:{dispute.id}", payment, order, legs, dispute.opened_at)


def dispute_lost(dispute: Dispute, payment: Payment, order: Order | None, at: datetime) -> Entry:
    """The driver's bank keeps it: the operator is owed that much less."""
    is_ours = payment.collection_mode is CollectionMode.PLATFORM
    legs = (
        Leg(_payable(payment) if is_ours else _direct(payment), dispute.amount_minor, dispute.currency),
        Leg(_disputed(payment), -dispute.amount_minor, dispute.currency),
    )
    return _of_payment(J.DISPUTE_LOST, f"dispute_lost:{dispute.id}", payment, order, legs, at)


def provider_fee(account_id: int, ref: str, fee_minor: int, currency: str, *, is_test: bool, at: datetime) -> Entry:
    """The provider kept a fee; a negative one was given back."""
    where = Account(A.PROVIDER_CLEARING, payment_account_id=account_id)
    legs = (Leg(Account(A.PROVIDER_FEE), fee_minor, currency), Leg(where, -fee_minor, currency))
    return Entry(J.PROVIDER_FEE, f"provider_fee:{account_id}:{ref}", legs, at, is_test)


def provider_payout(account_id: int, ref: str, paid_minor: int, currency: str, *, is_test: bool, at: datetime) -> Entry:
    """The provider paid out to the bank."""
    where = Account(A.PROVIDER_CLEARING, payment_account_id=account_id)
    legs = (Leg(Account(A.BANK), paid_minor, currency), Leg(where, -paid_minor, currency))
    return Entry(J.PROVIDER_PAYOUT, f"provider_payout:{account_id}:{ref}", legs, at, is_test)


def settlement_applied(
    settlement_id: int, operator_id: int, payable_minor: int, currency: str, *, is_test: bool, at: datetime
) -> Entry:
    """What the statement says is on its way to the operator."""
    legs = (
        Leg(Account(A.OPERATOR_PAYABLE, operator_id), payable_minor, currency),
        Leg(Account(A.SETTLEMENT_PENDING, operator_id), -payable_minor, currency),
    )
    key = f"settlement_applied:{settlement_id}"
    return Entry(J.SETTLEMENT_APPLIED, key, legs, at, is_test, operator_id=operator_id)


def settlement_paid(
    settlement_id: int, operator_id: int, payable_minor: int, currency: str, *, is_test: bool, at: datetime
) -> Entry:
    """The bank transfer to the operator is recorded."""
    legs = (
        Leg(Account(A.SETTLEMENT_PENDING, operator_id), payable_minor, currency),
        Leg(Account(A.BANK), -payable_minor, currency),
    )
    return Entry(J.SETTLEMENT_PAID, f"settlement_paid:{settlement_id}", legs, at, is_test, operator_id=operator_id)


def top_up(payment: Payment, driver_id: int, at: datetime) -> Entry:
    """A driver paid into the balance."""
    legs = (
        Leg(clearing(payment), payment.captured_minor, payment.currency),
        Leg(Account(A.DRIVER_BALANCE, driver_id=driver_id), -payment.captured_minor, payment.currency),
    )
    return _of_payment(J.TOP_UP, f"top_up:{payment.id}", payment, None, legs, at)


def withdrawal_applied(
    withdrawal_id: int, driver_id: int, amount_minor: int, currency: str, *, is_test: bool, at: datetime
) -> Entry:
    """A part of a driver's balance waits for its bank transfer."""
    legs = (
        Leg(Account(A.DRIVER_BALANCE, driver_id=driver_id), amount_minor, currency),
        Leg(Account(A.BALANCE_RESERVED, driver_id=driver_id), -amount_minor, currency),
    )
    return Entry(J.WITHDRAWAL_APPLIED, f"withdrawal_applied:{withdrawal_id}", legs, at, is_test)


def withdrawal_paid(
    withdrawal_id: int, driver_id: int, amount_minor: int, currency: str, *, is_test: bool, at: datetime
) -> Entry:
    """The bank transfer to the driver is recorded."""
    legs = (
        Leg(Account(A.BALANCE_RESERVED, driver_id=driver_id), amount_minor, currency),
        Leg(Account(A.BANK), -amount_minor, currency),
    )
    return Entry(J.WITHDRAWAL_PAID, f"withdrawal_paid:{withdrawal_id}", legs, at, is_test)


def _owed(payment: Payment, shares: Shares, *, sign: int) -> list[Leg]:
    currency = payment.currency
    return [
        Leg(_payable(payment), sign * shares.payable_minor, currency),
        Leg(Account(A.PLATFORM_FEE), sign * shares.fee_minor, currency),
        Leg(Account(A.TAX_PAYABLE), sign * shares.tax_minor, currency),
    ]


def _of_payment(kind: J, key: str, payment: Payment, order: Order | None, legs: tuple[Leg, ...], at: datetime) -> Entry:
    order_id = order.id if order else None
    return Entry(
        kind, key, legs, at, payment.is_test, operator_id=payment.operator_id, order_id=order_id, payment_id=payment.id
    )


def _payable(payment: Payment) -> Account:
    return Account(A.OPERATOR_PAYABLE, payment.operator_id)


def _direct(payment: Payment) -> Account:
    return Account(A.OPERATOR_DIRECT, payment.operator_id)


def _pending(payment: Payment) -> Account:
    return Account(A.REFUNDS_PENDING, payment.operator_id)


def _disputed(payment: Payment) -> Account:
    return Account(A.DISPUTE_HELD, payment.operator_id)
