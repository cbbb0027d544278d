"""An order in words: how it was paid, what became of the money, whether it can go back."""

from domain.models.orders import Order, OrderStatus
from domain.models.payments import Payment, PaymentStatus, Refund

KINDS = {
    "ENERGY": "Energy",
    "TIME": "Charging time",
    "PARKING_TIME": "Parking",
    "FLAT": "Session fee",
    "ADJUSTMENT": "Adjustment",
}
ADJUSTMENTS = {"min_price": "Minimum price", "max_price": "Maximum price"}
PROVIDERS = {"sandbox": "Test money", "stripe": "Stripe", "paypal": "PayPal", "posgw": "POS terminal"}
FAILED = (PaymentStatus.DECLINED, PaymentStatus.CAPTURE_FAILED, PaymentStatus.EXPIRED, PaymentStatus.ABANDONED)
REFUND_WORDS = {
    OrderStatus.REFUNDING: "refunding",
    OrderStatus.REFUNDED: "refunded",
    OrderStatus.REFUND_FAILED: "refund failed",
}
FLAG_WORDS = {
    "review": "A person has to look before money is taken.",
    "reviewed": "A person looked at it.",
    "waived": "Nothing was taken: a person let the hold go.",
    "shortfall": "The hold did not cover the whole bill; the rest was not charged.",
    "no_hold": "The hold was gone before the bill was known.",
    "unpriceable": "The price does not tell the tax, so it cannot be billed.",
}


def payment_word(order: Order) -> str:
    """Paid, Unpaid, Failed, or Pending while the provider is asked."""
    if order.status == OrderStatus.OPEN:
        return "Pending"
    if order.status == OrderStatus.UNPAID:
        return "Failed" if order.payment is not None and order.payment.status in FAILED else "Unpaid"
    return "Paid"


def refund_word(order: Order) -> str | None:
    """The Refund Status; None as long as nobody asked for one."""
    return REFUND_WORDS.get(order.status)


def can_be_refunded(order: Order) -> bool:
    """Whether a provider took money for it that has not gone back."""
    is_paid = order.status in (OrderStatus.PAID, OrderStatus.REFUND_FAILED)
    return is_paid and order.payment is not None and order.payment.captured_minor > 0


def is_moving(order: Order) -> bool:
    """Whether its money is on the way, so that a page should look again soon."""
    return order.status in (OrderStatus.OPEN, OrderStatus.REFUNDING)


def instrument(payment: Payment, between: str = " •• ") -> str:
    """ "Visa •• 4242", or what else was used."""
    name = payment.instrument or ("Card" if payment.last4 else provider(payment.provider))
    return f"{name}{between}{payment.last4}" if payment.last4 else name


def provider(name: str) -> str:
    return PROVIDERS.get(name, name.capitalize())


def last_refund(order: Order) -> Refund | None:
    return order.payment.refunds[-1] if order.payment is not None and order.payment.refunds else None
