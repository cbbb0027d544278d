"""Payment accounts: a merchant's account at a provider ("Merchant"), and the credentials that open it.

An operator's own account collects for the operator. The platform's accounts belong to no operator; an operator who
takes one gets a row about it, in which payments are counted, while the credentials stay with the platform's row, its
holder. Credentials are sealed with a key outside the database and never shown again.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Select, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from domain import audit, mails, sealing
from domain.errors import Conflict, NotFound, Refused
from domain.models.operators import Operator, Role, UserAccount
from domain.models.payments import CollectionMode, Payment, PaymentAccount, PaymentStatus, Refund, RefundStatus
from domain.models.stations import Station
from domain.payment_provider import CredentialsRefused, Probe, ProviderKind

SANDBOX = "sandbox"
LONGEST_NAME = 80
LONGEST_CREDENTIAL = 500
PURPOSE = "payment credentials"
ENDING = 4
_OPEN_PAYMENT = (
    PaymentStatus.ACTION_REQUIRED,
    PaymentStatus.AUTH_PENDING,
    PaymentStatus.AUTH_UNKNOWN,
    PaymentStatus.AUTHORISED,
    PaymentStatus.CAPTURE_PENDING,
    PaymentStatus.CAPTURE_UNKNOWN,
    PaymentStatus.RELEASE_PENDING,
    PaymentStatus.RELEASE_UNKNOWN,
)


class WrongMerchant(Conflict):
    """New credentials open another account than the old ones."""


# --- Reading -------------------------------------------------------------------------------------------------


def holder(db: Session, account_id: int) -> PaymentAccount:
    """The row whose credentials work for that account: itself, or the platform's that it is about."""
    account = db.get_one(PaymentAccount, account_id)
    return account if account.platform_account_id is None else db.get_one(PaymentAccount, account.platform_account_id)


def rows_of(account: PaymentAccount) -> Select[int]:
    """The ids of the row that holds the credentials and of operators' rows about it."""
    return select(PaymentAccount.id).where(
        or_(PaymentAccount.id == account.id, PaymentAccount.platform_account_id == account.id)
    )


def sharing(account: PaymentAccount) -> Select[int]:
    """The ids of all rows behind which the same account at the provider stands.

    Args:
        account: a row that holds credentials.
    """
    holders = select(PaymentAccount.id).where(
        PaymentAccount.provider == account.provider,
        PaymentAccount.is_test == account.is_test,
        PaymentAccount.platform_account_id.is_(None),
        PaymentAccount.provider_account.is_not_distinct_from(account.provider_account)
        if account.provider_account or account.provider == SANDBOX
        else PaymentAccount.id == account.id,
    )
    return select(PaymentAccount.id).where(
        or_(PaymentAccount.id.in_(holders), PaymentAccount.platform_account_id.in_(holders))
    )


def offered(db: Session, operator_id: int) -> list[PaymentAccount]:
    """The platform's accounts that work and that the operator has not taken yet."""
    taken = aliased(PaymentAccount)
    statement = select(PaymentAccount).where(
        PaymentAccount.operator_id.is_(None),
        PaymentAccount.is_active,
        ~exists().where(taken.operator_id == operator_id, taken.platform_account_id == PaymentAccount.id),
    )
    return list(db.scalars(statement.order_by(PaymentAccount.name, PaymentAccount.id)))


def in_trouble(db: Session) -> list[int]:
    """The accounts that are used but whose credentials the provider does not take."""
    found = select(PaymentAccount.id).where(PaymentAccount.trouble.is_not(None), PaymentAccount.is_active)
    return list(db.scalars(found.order_by(PaymentAccount.id)))


def unsealed(account: PaymentAccount, secret_key: str) -> dict[str, str]:
    """The account's credentials by field name; none for an account that needs none.

    Raises:
        CredentialsRefused: they were sealed under another SECRET_KEY.
    """
    if account.sealed_credentials is None:
        return {}
    try:
        text = sealing.unseal(secret_key, PURPOSE, account.sealed_credentials)
    except sealing.Unreadable as error:
        raise CredentialsRefused("The stored credentials cannot be read any more. Enter them again.") from error
    found: dict[str, str] = json.loads(text)
    return found


# --- What was typed ------------------------------------------------------------------------------------------


def checked_name(name: str) -> str:
    """
    Raises:
        Refused: no name, or too long a one.
    """
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        message = f"Give the payment account a name of up to {LONGEST_NAME} characters."
        raise Refused(message, [("name", message)])
    return name.strip()


def checked_credentials(
    kind: ProviderKind, typed: Mapping[str, str], present: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The credentials to try: what was typed, and the present ones where a field was left empty.

    Raises:
        Refused: one is missing, or cannot be what the field asks for.
    """
    given, errors = dict(present or {}), []
    for each in kind.fields:
        text = typed.get(each.name, "").strip()
        if text:
            given[each.name] = text
        if each.is_required and not given.get(each.name):
            errors.append((each.name, f"Enter the {each.label[:1].lower()}{each.label[1:]}."))
        elif text and (len(text) > LONGEST_CREDENTIAL or not re.fullmatch(each.looks_like or ".*", text)):
            errors.append((each.name, each.wrong or f"This does not look like a {each.label.lower()}."))
    if errors:
        raise Refused(errors[0][1], errors)
    return given


# --- Making and changing -------------------------------------------------------------------------------------


def create_sandbox(
    db: Session, operator: Operator, name: str, *, by: str, now: datetime, everywhere: bool = True
) -> PaymentAccount:
    """A new account of test money.

    Args:
        everywhere: the operator's stations that took no payments take test money.

    Raises:
        Refused: no name, or too long a one.
    """
    account = PaymentAccount(
        operator_id=operator.id,
        provider=SANDBOX,
        name=checked_name(name),
        collection_mode=CollectionMode.PLATFORM,
        is_test=True,
        created_at=now,
    )
    db.add(account)
    db.flush()
    if everywhere:
        idle = update(Station).where(Station.operator_id == operator.id, Station.payment_account_id.is_(None))
        db.execute(idle.values(payment_account_id=account.id))
    _record(db, account, "created", by, now, provider=SANDBOX)
    return account


def create(
    db: Session,
    operator_id: int | None,
    kind: ProviderKind,
    name: str,
    credentials: Mapping[str, str],
    probe: Probe,
    secret_key: str,
    *,
    by: str,
    now: datetime,
) -> PaymentAccount:
    """A new account with credentials that the provider has just taken; of the platform without an operator.

    Raises:
        Refused: no name.
        Conflict: the same merchant's account is here already.
    """
    twin = db.scalar(
        select(PaymentAccount).where(
            PaymentAccount.operator_id.is_(None) if operator_id is None else PaymentAccount.operator_id == operator_id,
            PaymentAccount.provider == kind.name,
            PaymentAccount.provider_account == probe.account,
            PaymentAccount.is_test == probe.is_test,
            PaymentAccount.sealed_credentials.is_not(None),
        )
    )
    if twin is not None:
        raise Conflict(f"{twin.name} is this {kind.label} account already. Replace its credentials instead.")
    account = PaymentAccount(
        operator_id=operator_id,
        provider=kind.name,
        name=checked_name(name),
        collection_mode=CollectionMode.PLATFORM if operator_id is None else CollectionMode.OPERATOR,
        is_test=probe.is_test or kind.is_test_money,
        provider_account=probe.account,
        checked_at=now,
        created_at=now,
    )
    _put_credentials(account, kind, credentials, secret_key)
    db.add(account)
    db.flush()
    _record(db, account, "created", by, now, provider=kind.name, provider_account=probe.account)
    return account


def take_offered(db: Session, operator_id: int, offer: PaymentAccount, *, by: str, now: datetime) -> PaymentAccount:
    """The operator's row about an account of the platform, through which the platform collects.

    Raises:
        NotFound: it is no account of the platform that is offered.
    """
    if offer.operator_id is not None or not offer.is_active:
        raise NotFound("This account is not offered.")
    known = db.scalar(
        select(PaymentAccount).where(
            PaymentAccount.operator_id == operator_id, PaymentAccount.platform_account_id == offer.id
        )
    )
    if known is not None:
        return known
    account = PaymentAccount(
        operator_id=operator_id,
        provider=offer.provider,
        name=offer.name,
        collection_mode=CollectionMode.PLATFORM,
        is_test=offer.is_test,
        platform_account_id=offer.id,
        provider_account=offer.provider_account,
        created_at=now,
    )
    db.add(account)
    db.flush()
    _record(db, account, "created", by, now, provider=offer.provider, collection_mode="platform")
    return account


def replace_credentials(
    db: Session,
    account: PaymentAccount,
    kind: ProviderKind,
    credentials: Mapping[str, str],
    probe: Probe,
    secret_key: str,
    *,
    by: str,
    now: datetime,
) -> None:
    """The account works with other credentials of the same merchant, and is out of trouble; its owners are told.

    Raises:
        WrongMerchant: they open another merchant's account; holds and refunds of this one would be lost.
    """
    db.refresh(account, with_for_update=True)
    if (probe.account, probe.is_test) != (account.provider_account, account.is_test):
        raise WrongMerchant(
            f"These credentials open another {kind.label} account ({probe.account}). "
            "Add it as a new payment account instead, so that no money goes astray."
        )
    _put_credentials(account, kind, credentials, secret_key)
    account.checked_at, account.trouble, account.trouble_at = now, None, None
    _record(db, account, "credentials replaced", by, now)
    _tell_owners(
        db,
        account,
        f"Credentials of {account.name} were replaced",
        f"{by} replaced the {kind.label} credentials of the payment account {account.name}. They open the same "
        f"{kind.label} account as before.\n\nIf nobody of yours did this, change your password and switch the account "
        "off under Payment System.",
        now,
    )


def switch(db: Session, account: PaymentAccount, *, on: bool, by: str, now: datetime) -> None:
    """Drivers can (not) pay there any more; what is held or captured goes its way in either case."""
    if account.is_active != on:
        account.is_active = on
        _record(db, account, "switched on" if on else "switched off", by, now)
    db.flush()


def flag(db: Session, account_id: int, why: str, now: datetime) -> None:
    """The account is in trouble: drivers cannot pay there, and its people are told, once."""
    account = db.get_one(PaymentAccount, account_id, with_for_update=True)
    if account.trouble is not None:
        return
    account.trouble, account.trouble_at = why, now
    _record(db, account, "in trouble", "worker", now, reason=why)
    _tell_owners(
        db,
        account,
        f"{account.name} takes no payments",
        f"The payment account {account.name} takes no payments at the moment:\n\n    {why}\n\n"
        "Until this is mended drivers read that payment is not available. What was held before stays held until the "
        "provider lets it go. Open the station, then Payment System, to enter other credentials.",
        now,
    )


def clear(db: Session, account_id: int, now: datetime, *, by: str = "worker") -> None:
    """The provider took the credentials: drivers can pay there again."""
    account = db.get_one(PaymentAccount, account_id, with_for_update=True)
    account.checked_at = now
    if account.trouble is not None:
        account.trouble, account.trouble_at = None, None
        _record(db, account, "out of trouble", by, now)
    db.flush()


def has_open_money(db: Session, account: PaymentAccount) -> bool:
    """Whether a hold, a capture or a refund is under way there."""
    rows = select(PaymentAccount.id).where(
        (PaymentAccount.id == account.id) | (PaymentAccount.platform_account_id == account.id)
    )
    mine = Payment.payment_account_id.in_(rows)
    waiting = select(Payment.id).where(mine, Payment.status.in_(_OPEN_PAYMENT)).limit(1)
    going_back = (
        select(Refund.id)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(mine, Refund.status.in_((RefundStatus.REQUESTED, RefundStatus.PENDING, RefundStatus.UNKNOWN)))
        .limit(1)
    )
    return db.scalar(waiting) is not None or db.scalar(going_back) is not None


def _put_credentials(
    account: PaymentAccount, kind: ProviderKind, credentials: Mapping[str, str], secret_key: str
) -> None:
    if not kind.fields:
        return
    account.sealed_credentials = sealing.seal(secret_key, PURPOSE, json.dumps(dict(credentials)))
    account.credential_endings = {
        each.name: credentials[each.name][-ENDING:] if each.is_secret else credentials[each.name]
        for each in kind.fields
        if credentials.get(each.name)
    }


def _tell_owners(db: Session, account: PaymentAccount, subject: str, body: str, now: datetime) -> None:
    is_theirs = (
        (UserAccount.role == Role.PLATFORM_ADMIN)
        if account.operator_id is None
        else (UserAccount.operator_id == account.operator_id) & (UserAccount.role == Role.OWNER)
    )
    for address in db.scalars(select(UserAccount.email).where(is_theirs, UserAccount.is_active)):
        mails.queue(db, address, subject, body, now=now)


def _record(db: Session, account: PaymentAccount, verb: str, by: str, now: datetime, **detail: str) -> None:
    audit.record(db, verb, "payment_account", account.id, operator_id=account.operator_id, by=by, now=now, **detail)
    db.flush()
