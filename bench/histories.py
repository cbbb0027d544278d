"""A hundred thousand random lives of payments: every invariant of the ledger holds, whatever came in whatever order.

A life is a payment with its order, to which things happen: the provider says this or that of it, twice, late or out of
order; it is captured; somebody asks for the full refund, or records a bank transfer that another one confirms; the
bank disputes. Any step may be cut off before its commit (as a kill does) and come again. At the end the provider is
asked once more, as the sweeps do, and everything is compared with what was done, counted apart from the ledger.
"""

import logging
import random
import tempfile
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from bench.results import Figure, keep
from domain import books, contracts, disputes, manual_refunds, orders, payments, proof, refunds
from domain.db import Base, make_engine
from domain.errors import Conflict, Refused
from domain.models.chargers import Charger
from domain.models.contracts import Contract
from domain.models.disputes import DisputeStatus
from domain.models.ledger import AccountKind, Journal, LedgerAccount, Posting
from domain.models.orders import Order, OrderLine, OrderStatus
from domain.models.payments import CollectionMode, Payment, PaymentAccount, PaymentStatus, Refund, RefundStatus
from domain.payment_provider import DisputeFacts, PaymentFacts, RefundFacts
from tests import factories
from tests.factories import NOW
from tests.postgresql import running_server
from tests.sqlite import risking_the_data

A, D, P, R = AccountKind, DisputeStatus, PaymentStatus, RefundStatus

LIVES = {"SQLite": 100_000, "PostgreSQL": 10_000}
BATCH = 500
SEED = 20261127
REFUND_LIVES = ([R.SUCCEEDED], [R.PENDING, R.SUCCEEDED], [R.PENDING, R.FAILED], [R.SUCCEEDED, R.FAILED], [R.PENDING])


class _Killed(Exception):
    """The process was gone before the commit."""


@dataclass
class Life:
    """One payment, and what really became of it at the provider."""

    payment_id: int
    ref: str
    order_id: int
    captured_minor: int  # what the provider took; 0 if it never did
    ends: PaymentStatus
    refunds: dict[int, list[RefundStatus]] = field(default_factory=dict)  # each refund's whole life there
    dispute: list[DisputeFacts] = field(default_factory=list)  # the same of the dispute
    steps: int = 0


def main() -> None:
    """Measures and writes two lines of the table."""
    logging.disable(logging.WARNING)  # news that is ignored is told each time
    with tempfile.TemporaryDirectory() as name, risking_the_data():
        run("SQLite", f"sqlite:///{Path(name) / 'histories.db'}")
    with running_server() as server:
        server.risk_the_data()
        run("PostgreSQL", server.empty_database("voltdesk_histories"))


def run(database: str, url: str, lives: int | None = None) -> None:
    """So many lives were led on that database and compared."""
    wanted = lives or LIVES[database]
    engine = make_engine(url)
    Base.metadata.create_all(engine)
    chance, began = random.Random(f"{SEED}:{database}"), time.perf_counter()
    open_db = sessionmaker(engine, expire_on_commit=False)
    accounts = _world(open_db())
    steps = journals = 0
    for start in range(0, wanted, BATCH):
        led = _begin(open_db, accounts, chance, min(BATCH, wanted - start), start)
        for life in led:
            _lead(open_db, life, chance)
            steps += life.steps
        _compare(open_db, led)
    with open_db() as db:
        findings = proof.prove(db, NOW + timedelta(days=400))
        journals = db.scalar(select(func.count()).select_from(Journal)) or 0
    assert findings == [], findings[:5]
    took = time.perf_counter() - began
    engine.dispose()
    keep(
        Figure(
            "histories",
            f"Random lives of payments after which every invariant holds, {database}",
            f"{wanted:,} ({steps:,} steps, {journals:,} journals, {took:,.0f} s)",
            "≥ 100,000 on SQLite, ≥ 10,000 on PostgreSQL",
            "late, repeated and contradicting news of the provider, cut-off transactions, refunds, bank transfers, "
            f"disputes; platform- and operator-collected, three contracts; balances counted apart; seed {SEED}",
        )
    )


def _world(db: Session) -> list[PaymentAccount]:
    accounts = []
    for mode in CollectionMode:
        operator = factories.operator(db)
        account = factories.payment_account(db, operator)
        account.collection_mode = mode
        station = factories.station(db, operator, payment_account_id=account.id)
        factories.charger(db, station, connectors=1)
        accounts.append(account)
        for points, is_vat, is_refunded in ((0, False, False), (250, True, False), (500, False, True)):
            contracts.agree(
                db,
                operator.id,
                "EUR",
                fee_basis_points=points,
                fee_fixed_minor=points // 25,
                is_vat_owed_by_platform=is_vat,
                is_fee_refunded=is_refunded,
                by="bench",
                now=NOW,
            )
    db.commit()
    db.close()
    return accounts


def _begin(
    open_db: sessionmaker[Session], accounts: list[PaymentAccount], chance: random.Random, count: int, start: int
) -> list[Life]:
    """So many payments whose capture was decided, with their orders."""
    led = []
    with open_db() as db:
        chargers = {each.operator_id: each for each in db.scalars(select(Charger))}
        terms = {
            account.operator_id: [
                None,
                *db.scalars(select(Contract.id).where(Contract.operator_id == account.operator_id)),
            ]
            for account in accounts
        }
        for number in range(start, start + count):
            account = chance.choice(accounts)
            charger = chargers[account.operator_id or 0]
            hold, net = 4500, chance.randint(1, 4200)
            vat = round(net * 0.255)
            gross = net + vat
            taken = min(gross, hold)
            payment = factories.payment(
                db,
                charger,
                account,
                status=P.CAPTURE_PENDING,
                hold_minor=hold,
                to_capture_minor=taken,
                captured_minor=0,
                captured_at=None,
                collection_mode=account.collection_mode,
                token=f"life-{number}",
                id_tag=f"L{number}",
                provider_ref=f"ref-{number}",
            )
            charging = factories.charging(
                db,
                charger,
                payment_id=payment.id,
                transaction_id=f"T{number}",
                start_key=f"S{number}",
                billed_at=NOW,
            )
            order = factories.order(
                db,
                charging,
                payment_id=payment.id,
                number=f"VD-L-{number}",
                token=f"receipt-l-{number}",
                status=OrderStatus.OPEN,
                collection_mode=account.collection_mode,
                is_test=payment.is_test,
                net_minor=net,
                vat_minor=vat,
                gross_minor=gross,
                shortfall_minor=gross - taken,
                contract_id=chance.choice(terms[account.operator_id or 0]),
            )
            db.add(_line(order))
            ends = chance.choices((P.CAPTURED, P.CAPTURE_FAILED, P.EXPIRED), (18, 1, 1))[0]
            led.append(Life(payment.id, f"ref-{number}", order.id, taken if ends is P.CAPTURED else 0, ends))
        db.commit()
    return led


def _line(order: Order) -> OrderLine:
    return OrderLine(
        order_id=order.id,
        position=1,
        kind="ENERGY",
        label="",
        quantity="1",
        unit="kWh",
        unit_price="1",
        net_exact="1",
        net_minor=order.net_minor,
        vat_minor=order.vat_minor,
        gross_minor=order.gross_minor,
    )


def _lead(open_db: sessionmaker[Session], life: Life, chance: random.Random) -> None:
    """Things happen to the payment, some of them cut off; at last the provider is asked about all of it."""
    acts = (_hear, _hear, _ask_refund, _hear_of_refunds, _hear_of_refunds, _transfer, _hear_of_dispute)
    for _ in range(chance.randint(2, 7)):
        act, is_cut = chance.choice(acts), chance.random() < 0.15
        for is_cut_now in [True, False] if is_cut else [False]:
            life.steps += 1
            try:
                with open_db.begin() as db:
                    act(db, life, chance)
                    if is_cut_now:
                        raise _Killed
            except (_Killed, Refused, Conflict):
                pass
    with open_db.begin() as db:
        _say(db, life, life.ends)
        _settle_refunds(db, life)
        if life.dispute:
            disputes.record(db, _account(db, life), life.dispute[-1], NOW)


def _hear(db: Session, life: Life, chance: random.Random) -> None:
    _say(db, life, chance.choice((P.AUTHORISED, life.ends, life.ends)))


def _say(db: Session, life: Life, status: PaymentStatus) -> None:
    payment = payments.locked(db, life.payment_id)
    taken = life.captured_minor if status is P.CAPTURED else 0
    payments.record_facts(payment, PaymentFacts(life.ref, status, "EUR", payment.hold_minor, taken), NOW)
    books.keep(db, payment, NOW)
    orders.refresh_status(db, payment.id)


def _ask_refund(db: Session, life: Life, chance: random.Random) -> None:
    refund = refunds.request(db, db.get_one(Order, life.order_id), reason="Goodwill", by="ann", now=NOW)
    # Known to the provider only once it was committed here; a refund that is cut off gets its life again.
    life.refunds[refund.id] = chance.choice(REFUND_LIVES) if refund.status is R.REQUESTED else life.refunds[refund.id]


def _hear_of_refunds(db: Session, life: Life, chance: random.Random) -> None:
    for refund in db.scalars(select(Refund).where(Refund.payment_id == life.payment_id)):
        _say_of_refund(db, refund.id, chance.choice(life.refunds[refund.id]))


def _settle_refunds(db: Session, life: Life) -> None:
    for refund in db.scalars(select(Refund).where(Refund.payment_id == life.payment_id).order_by(Refund.id)):
        _say_of_refund(db, refund.id, life.refunds[refund.id][-1])


def _say_of_refund(db: Session, refund_id: int, status: RefundStatus) -> None:
    refund, _ = refunds.locked(db, refund_id)
    facts = RefundFacts(f"ref-of-{refund_id}", status, "EUR", refund.amount_minor)
    refunds.record_facts(db, refund, facts, NOW)


def _transfer(db: Session, life: Life, chance: random.Random) -> None:
    order = db.get_one(Order, life.order_id)
    manual = manual_refunds.propose(
        db,
        order,
        amount_minor=chance.randint(1, 5000),
        bank_reference="RF18",
        reason="Stopped early",
        nonce=str(chance.randint(1, 3)),
        by="ann",
        now=NOW,
    )
    act = manual_refunds.confirm if chance.random() < 0.7 else manual_refunds.withdraw
    act(db, order, manual.id, by="ben", now=NOW)


def _hear_of_dispute(db: Session, life: Life, chance: random.Random) -> None:
    if not life.captured_minor or db.get_one(Payment, life.payment_id).status is not P.CAPTURED:
        return
    if not life.dispute:
        life.dispute = _dispute(life, chance)
    disputes.record(db, _account(db, life), chance.choice(life.dispute), NOW)


def _dispute(life: Life, chance: random.Random) -> list[DisputeFacts]:
    def facts(status: DisputeStatus, is_withdrawn: bool) -> DisputeFacts:
        ref = f"dp-{life.payment_id}"
        return DisputeFacts(ref, status, "EUR", life.captured_minor, (life.ref,), None, "fraudulent", is_withdrawn)

    first = facts(D.OPEN, is_withdrawn=chance.random() < 0.8)
    ends = chance.choice((None, facts(D.WON, is_withdrawn=False), facts(D.LOST, is_withdrawn=True)))
    return [first] if ends is None else [first, ends]


def _account(db: Session, life: Life) -> PaymentAccount:
    return db.get_one(PaymentAccount, db.get_one(Payment, life.payment_id).payment_account_id)


def _compare(open_db: sessionmaker[Session], led: list[Life]) -> None:
    """What the ledger holds of each payment is what was counted apart."""
    with open_db() as db:
        ids = [life.payment_id for life in led]
        sums = (
            select(Journal.payment_id, LedgerAccount.kind, func.sum(Posting.amount_minor))
            .join(Posting, Posting.journal_id == Journal.id)
            .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
            .where(Journal.payment_id.in_(ids))
        )
        held: dict[int, dict[AccountKind, int]] = {}
        for payment_id, kind, total in db.execute(sums.group_by(Journal.payment_id, LedgerAccount.kind)):
            if total:
                held.setdefault(payment_id or 0, {})[kind] = int(total)
        for life in led:
            expected = _expected(db, life)
            assert held.get(life.payment_id, {}) == expected, (life, held.get(life.payment_id), expected)


def _expected(db: Session, life: Life) -> dict[AccountKind, int]:
    payment, order = db.get_one(Payment, life.payment_id), db.get_one(Order, life.order_id)
    assert payment.captured_minor == life.captured_minor <= payment.hold_minor
    captured, terms = life.captured_minor, db.get(Contract, order.contract_id) if order.contract_id else None
    is_ours = payment.collection_mode is CollectionMode.PLATFORM
    tax = _half_up(captured * order.vat_minor, order.gross_minor) if terms and terms.is_vat_owed_by_platform else 0
    fee = _half_up(captured * terms.fee_basis_points, 10_000) + terms.fee_fixed_minor if terms else 0
    fee = min(fee, captured - tax)
    made = [db.get_one(Refund, refund_id) for refund_id in _refund_ids(db, life)]
    assert [each.status for each in made] == [life.refunds[each.id][-1] for each in made]
    done = sum(each.amount_minor for each in made if each.status is R.SUCCEEDED)
    pending = sum(each.amount_minor for each in made if each.status is R.PENDING)
    by_hand = sum(each.amount_minor for each in manual_refunds.of_order(db, order.id) if each.status == "confirmed")
    assert done + pending + by_hand <= captured
    last = life.dispute[-1] if disputes.of_payment(db, payment.id) else None
    lost = captured if last and last.status is D.LOST else 0
    disputed = captured if last and last.status is D.OPEN and last.is_withdrawn else 0
    kept = 0 if terms and terms.is_fee_refunded else fee  # of a refund
    gone = bool(done + pending)
    found = {A.PROVIDER_CLEARING: captured - done - lost - disputed, A.REFUNDS_PENDING: -pending}
    found[A.DISPUTE_HELD] = disputed
    if is_ours:
        owed = captured - fee - tax
        found[A.OPERATOR_PAYABLE] = -owed + (owed + kept if gone else 0) + by_hand + lost
        found[A.PLATFORM_FEE] = -(kept if gone else fee)
        found[A.TAX_PAYABLE] = 0 if gone else -tax
        found[A.BANK] = -by_hand
    else:
        found[A.OPERATOR_DIRECT] = -captured + done + pending + lost
        found[A.FEE_RECEIVABLE] = kept if gone else fee
        found[A.PLATFORM_FEE] = -found[A.FEE_RECEIVABLE]
    return {kind: amount for kind, amount in found.items() if amount}


def _refund_ids(db: Session, life: Life) -> list[int]:
    return list(db.scalars(select(Refund.id).where(Refund.payment_id == life.payment_id).order_by(Refund.id)))


def _half_up(above: int, below: int) -> int:
    return (2 * above + below) // (2 * below)


if __name__ == "__main__":
    main()
