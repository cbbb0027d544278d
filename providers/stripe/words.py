"""Stripe's reasons as sentences for drivers and operators."""

from typing import Any

from domain.catalogues import spoken

DECLINED = spoken("The bank declined the card.")
_DECLINES = {
    "approve_with_id": spoken("The bank could not approve the payment. Try again or use another card."),
    "authentication_not_handled": spoken("The payment was not confirmed with the bank."),
    "authentication_required": spoken("The bank wants the payment to be confirmed. Pay on the payment page."),
    "card_not_supported": spoken("The card cannot be used for this kind of payment."),
    "card_velocity_exceeded": spoken("The card's limit is reached."),
    "currency_not_supported": spoken("The card cannot be used in this currency."),
    "expired_card": spoken("The card has expired."),
    "incorrect_cvc": spoken("The security code of the card is wrong."),
    "incorrect_number": spoken("The card number is wrong."),
    "insufficient_funds": spoken("There is not enough money on the card."),
    "invalid_cvc": spoken("The security code of the card is wrong."),
    "invalid_expiry_month": spoken("The expiry date of the card is wrong."),
    "invalid_expiry_year": spoken("The expiry date of the card is wrong."),
    "issuer_not_available": spoken("The bank does not answer at the moment. Try again."),
    "payment_intent_authentication_failure": spoken("The payment was not confirmed with the bank."),
    "processing_error": spoken("The card could not be processed at the moment. Try again."),
    "reenter_transaction": spoken("The bank could not process the payment. Try again."),
    "try_again_later": spoken("The bank does not answer at the moment. Try again."),
    "withdrawal_count_limit_exceeded": spoken("The card's limit is reached."),
}
# What is not marked as spoken concerns the operator; drivers read that the refund did not arrive, and no more.
_REFUND_FAILURES = {
    "charge_for_pending_refund_disputed": "The driver disputed the payment at the bank.",
    "declined": spoken("The bank refused the refund."),
    "expired_or_canceled_card": spoken("The card has expired or was cancelled."),
    "insufficient_funds": "There is not enough money on the Stripe account.",
    "lost_or_stolen_card": spoken("The card was lost or stolen."),
    "merchant_request": "The refund was stopped on the Stripe account.",
}
_BRANDS = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "eftpos_au": "eftpos",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}
_WALLETS = {"apple_pay": "Apple Pay", "google_pay": "Google Pay", "link": "Link", "samsung_pay": "Samsung Pay"}


def decline(error: Any) -> str:
    """Why a card was declined, of an error object with `decline_code` and `code`. Never that it looks stolen."""
    codes = (getattr(error, "decline_code", None), getattr(error, "code", None))
    return next((_DECLINES[code] for code in codes if code in _DECLINES), DECLINED)


def refund_failure(reason: str | None) -> str:
    return _REFUND_FAILURES.get(reason or "", spoken("The bank sent the money back."))


def card_name(card: Any) -> str:
    """ "Visa", or "Visa (Apple Pay)" """
    brand = _BRANDS.get(card.brand, (card.brand or "card").replace("_", " ").capitalize())
    wallet = getattr(card, "wallet", None)
    return f"{brand} ({_WALLETS[wallet.type]})" if wallet and wallet.type in _WALLETS else brand
