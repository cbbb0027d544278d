"""Amounts that Stripe takes."""

from tests.fakes.stripe.refusals import bad_request

ZERO_DECIMAL = set("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())  # noqa: SIM905
THREE_DECIMAL = set("bhd jod kwd omr tnd".split())  # noqa: SIM905
WHOLE_HUNDREDS = {"isk", "ugx"}
LEAST = {
    "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50,
    "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
KNOWN = ZERO_DECIMAL | THREE_DECIMAL | WHOLE_HUNDREDS | set(LEAST) | {"kes", "ils", "twd", "uah", "zar"}
MOST = 99_999_999


def check_amount(amount: int, currency: str) -> None:
    """
    Raises:
        Refusal: no such currency, its digits are wrong, or too little or too much.
    """
    if currency not in KNOWN:
        raise bad_request(f"Invalid currency: {currency}.")
    if currency in WHOLE_HUNDREDS and amount % 100:
        raise bad_request(f"{currency}: amounts must be whole hundreds.")
    if currency in THREE_DECIMAL and amount % 10:
        raise bad_request(f"{currency}: the last digit must be 0.")
    if amount < LEAST.get(currency, 1):
        raise bad_request(f"Amount must be at least {LEAST.get(currency, 1)} {currency}.", "amount_too_small")
    if amount > MOST:
        raise bad_request(f"Amount must be no more than {MOST} {currency}.", "amount_too_large")
