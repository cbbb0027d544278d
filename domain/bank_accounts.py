"""Bank accounts as people type them: checked, sealed, shown by their ends only."""

import re

from domain import sealing
from domain.errors import Refused

PURPOSE = "bank account"
LONGEST_HOLDER = 140


def checked(holder: str, number: str) -> tuple[str, str]:
    """The holder's name and the account's number without spaces.

    Raises:
        Refused: no name, or what is neither an IBAN nor an account number; a card's number above all.
    """
    name, account = " ".join(holder.split()), re.sub(r"[\s.-]", "", number).upper()
    errors = []
    if not name or len(name) > LONGEST_HOLDER or not name.isprintable():
        errors.append(("holder", "Enter the name of the account's holder."))
    if _is_card(account):
        errors.append(("account", "This is the number of a card. Enter the IBAN or the account number instead."))
    elif not _is_iban(account) and not (account.isalnum() and account.isascii() and 5 <= len(account) <= 34):
        errors.append(("account", "Enter an IBAN, or an account number of 5 to 34 letters and digits."))
    elif re.match(r"[A-Z]{2}\d\d", account) and not _is_iban(account):
        errors.append(("account", "The digits of this IBAN do not fit together. Compare it with your bank's papers."))
    if errors:
        raise Refused(errors[0][1], errors)
    return name, account


def seal(secret_key: str, account: str) -> str:
    """The number, to be kept in the database."""
    return sealing.seal(secret_key, PURPOSE, account)


def unseal(secret_key: str, sealed: str) -> str:
    """The number again.

    Raises: sealing.Unreadable.
    """
    return sealing.unseal(secret_key, PURPOSE, sealed)


def masked(account: str) -> str:
    """Enough to know it by.

    >>> masked("FI2112345600000785"), masked("123456785")
    ('FI•• •••• •785', '•••• •785')
    """
    country = f"{account[:2]}•• " if account[:2].isalpha() else ""
    return f"{country}•••• •{account[-3:]}"


def _is_iban(account: str) -> bool:
    if not re.fullmatch(r"[A-Z]{2}\d\d[A-Z0-9]{11,30}", account):
        return False
    turned = account[4:] + account[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def _is_card(account: str) -> bool:
    if not account.isdigit() or not 13 <= len(account) <= 19 or account[0] not in "23456":
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(account))]
    return sum(amount - 9 * (amount > 9) for amount in doubled) % 10 == 0
