"""The ledger: journals are written whole or not at all, once each; balances are sums."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from domain.models.ledger import AccountKind, Journal, JournalKind, LedgerAccount, Posting


@dataclass(frozen=True, slots=True)
class Account:
    """Names an account of the ledger; it exists as soon as something is posted to it."""

    kind: AccountKind
    operator_id: int | None = None
    payment_account_id: int | None = None
    driver_id: int | None = None

    def name(self, *, is_test: bool) -> str:
        """Its unique name, "operator_payable:3"; that of test money begins with "test:"."""
        owner = [self.operator_id, self.payment_account_id, self.driver_id]
        parts = ["test"] * is_test + [self.kind.value] + [str(each) for each in owner if each is not None]
        return ":".join(parts)


@dataclass(frozen=True, slots=True)
class Leg:
    """A movement on one account: debit positive, credit negative."""

    account: Account
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal to be written: what happened, named by a key, and its movements, which sum to zero."""

    kind: JournalKind
    key: str
    legs: tuple[Leg, ...]
    occurred_at: datetime
    is_test: bool
    operator_id: int | None = None
    order_id: int | None = None
    payment_id: int | None = None
    reverses: str | None = None  # the key of the journal that this one undoes


def record(db: Session, entries: Iterable[Entry], now: datetime) -> list[int]:
    """Those of the entries that were not in the ledger are; returns the ids of the new journals.

    Whoever calls holds the lock of what the entries are about: two who write the same key at the same moment end
    with an integrity error for one of them. An entry that moves nothing is left out.

    Raises:
        ValueError: an entry does not sum to zero, a bug of ours.
    """
    wanted = [entry for entry in entries if _moves(entry)]
    known = _known(db, [entry.key for entry in wanted] + [entry.reverses for entry in wanted if entry.reverses])
    made = []
    for entry in wanted:
        if entry.key in known:
            continue
        known[entry.key] = _write(db, entry, known, now)
        made.append(known[entry.key])
    return made


def reversal(kind: JournalKind, key: str, entry: Entry, occurred_at: datetime) -> Entry:
    """The entry that takes another one back, whole."""
    legs = tuple(Leg(leg.account, -leg.amount_minor, leg.currency) for leg in entry.legs)
    return Entry(
        kind,
        key,
        legs,
        occurred_at,
        entry.is_test,
        operator_id=entry.operator_id,
        order_id=entry.order_id,
        payment_id=entry.payment_id,
        reverses=entry.key,
    )


def balances(db: Session, account: Account, *, is_test: bool) -> dict[str, int]:
    """What the account holds, by currency, debit positive; currencies in which nothing moved are left out."""
    account_id = select(LedgerAccount.id).where(LedgerAccount.name == account.name(is_test=is_test)).scalar_subquery()
    sums = select(Posting.currency, func.sum(Posting.amount_minor)).where(Posting.account_id == account_id)
    return {currency: int(total) for currency, total in db.execute(sums.group_by(Posting.currency))}


def _moves(entry: Entry) -> bool:
    totals: dict[str, int] = {}
    for leg in entry.legs:
        totals[leg.currency] = totals.get(leg.currency, 0) + leg.amount_minor
    if any(totals.values()):
        raise ValueError(f"{entry.key} does not sum to zero: {totals}")
    return any(leg.amount_minor for leg in entry.legs)


def _known(db: Session, keys: list[str]) -> dict[str, int]:
    found = select(Journal.idempotency_key, Journal.id).where(Journal.idempotency_key.in_(keys))
    return {row.idempotency_key: row.id for row in db.execute(found)} if keys else {}


def _write(db: Session, entry: Entry, known: Mapping[str, int], now: datetime) -> int:
    journal_id = _next_id(db)
    legs = [leg for leg in entry.legs if leg.amount_minor]
    db.execute(
        insert(Posting),
        [
            {
                "journal_id": journal_id,
                "account_id": _account_id(db, leg.account, entry.is_test),
                "amount_minor": leg.amount_minor,
                "currency": leg.currency,
                "is_test": entry.is_test,
            }
            for leg in legs
        ],
    )
    # Last: the database refuses a journal whose postings do not balance, and postings that come after it.
    db.execute(
        insert(Journal),
        {
            "id": journal_id,
            "kind": entry.kind,
            "idempotency_key": entry.key,
            "occurred_at": entry.occurred_at,
            "recorded_at": now,
            "operator_id": entry.operator_id,
            "order_id": entry.order_id,
            "payment_id": entry.payment_id,
            "reverses_id": known[entry.reverses] if entry.reverses else None,
            "is_test": entry.is_test,
        },
    )
    return journal_id


def _next_id(db: Session) -> int:
    if db.get_bind().dialect.name == "postgresql":
        return int(db.scalar(select(func.nextval("journal_id_seq"))) or 0)
    return int(db.scalar(select(func.coalesce(func.max(Journal.id), 0) + 1)) or 0)  # SQLite's writer is alone


def _account_id(db: Session, account: Account, is_test: bool) -> int:
    name = account.name(is_test=is_test)
    by_name = select(LedgerAccount.id).where(LedgerAccount.name == name)
    found = db.scalar(by_name)
    if found is None:
        _open(db, account, name, is_test)
        found = db.scalars(by_name).one()
    return found


def _open(db: Session, account: Account, name: str, is_test: bool) -> None:
    dialect = postgresql if db.get_bind().dialect.name == "postgresql" else sqlite
    values = {
        "name": name,
        "kind": account.kind,
        "operator_id": account.operator_id,
        "payment_account_id": account.payment_account_id,
        "is_test": is_test,
    }
    db.execute(dialect.insert(LedgerAccount).values(values).on_conflict_do_nothing(index_elements=["name"]))
