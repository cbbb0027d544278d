"""Over random histories, each column of Reports is the ledger's own sum, added up here posting by posting."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from domain import contracts, report_units, reports
from domain.models.ledger import AccountKind as A
from domain.models.ledger import Journal, LedgerAccount, Posting
from domain.models.ledger import JournalKind as J
from domain.models.manual_refunds import ManualRefundStatus
from domain.models.orders import Order
from domain.models.payments import CollectionMode, Payment, RefundStatus
from domain.models.reports import ReportMoney
from domain.reports import Kind, Wanted
from tests import factories

BEGAN, ENDS = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)
COLUMNS = ("captured", "refunded", "by_hand", "fee", "tax", "owed")
PROVIDER = (J.CAPTURE, J.REFUND_SUCCEEDED, J.REFUND_FAILED)


def lead(db, yard, terms, chance):
    """One order, and what became of it."""
    at = BEGAN + timedelta(seconds=chance.randrange(int((ENDS - BEGAN).total_seconds()) - 60 * 86_400))
    net = chance.randint(1, 9000)
    vat = net * chance.choice((0, 10, 24)) // 100
    values = {
        "net_minor": net,
        "vat_minor": vat,
        "gross_minor": net + vat,
        "currency": chance.choice(("EUR", "EUR", "SEK")),
    }
    if chance.random() < 0.15:
        yard.unpaid(at, **values)
        return
    if chance.random() < 0.1:
        values["shortfall_minor"] = chance.randint(0, net)
    contract = chance.choice((None, *(each for each in terms if each.currency == values["currency"])))
    paid_at = at + timedelta(minutes=chance.choice((0, 1, 600)))
    order = yard.order(at, captured_at=paid_at, contract_id=contract and contract.id, **values)
    payment = db.get_one(Payment, order.payment_id)
    later = paid_at + timedelta(hours=chance.choice((1, 20, 500, 1200)))
    fate = chance.random()
    if not payment.captured_minor:
        return
    if fate < 0.2:
        refund = yard.refund(order, later, chance.choice((RefundStatus.SUCCEEDED, RefundStatus.PENDING)))
        if chance.random() < 0.3:
            refund.status, refund.ended_at = RefundStatus.FAILED, later + timedelta(days=3)
            yard.keep(payment, refund.ended_at)
    elif fate < 0.35:
        factories.manual_refund(
            db, order, amount_minor=chance.randint(1, payment.captured_minor), status=ManualRefundStatus.CONFIRMED,
            asked_at=later, decided_by="bob", decided_at=later,
        )  # fmt: skip
        yard.keep(payment, later)


def ledger_sums(db):
    """(station, month, currency, test) -> column -> minor units, each posting looked at by itself."""
    rows = db.execute(
        select(Posting, Journal, LedgerAccount.kind, Order)
        .join(Journal, Journal.id == Posting.journal_id)
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .join(Order, Order.id == Journal.order_id)
    ).all()
    sums = defaultdict(lambda: dict.fromkeys(COLUMNS, 0))
    for posting, journal, account, order in rows:
        month = journal.occurred_at.astimezone(ZoneInfo(order.charging.station.time_zone)).strftime("%Y-%m")
        of = sums[order.station_id, month, posting.currency, posting.is_test]
        if account is A.PROVIDER_CLEARING and journal.kind in PROVIDER:
            of["captured" if journal.kind is J.CAPTURE else "refunded"] += (
                posting.amount_minor if journal.kind is J.CAPTURE else -posting.amount_minor
            )
        if account is A.OPERATOR_PAYABLE and journal.kind is J.MANUAL_REFUND:
            of["by_hand"] += posting.amount_minor
        for column, kind in (("fee", A.PLATFORM_FEE), ("tax", A.TAX_PAYABLE), ("owed", A.OPERATOR_PAYABLE)):
            if account is kind:
                of[column] -= posting.amount_minor
    return {key: of for key, of in sums.items() if any(of.values())}


@pytest.mark.parametrize("seed", range(4))
def test_every_column_is_the_ledgers(db, make_yard, seed):
    chance = random.Random(seed)
    first = make_yard(time_zone="Pacific/Auckland", created_at=BEGAN)
    yards = [
        first,
        make_yard(CollectionMode.OPERATOR, operator=first.operator, time_zone="America/New_York", created_at=BEGAN),
        make_yard(operator=first.operator, is_test=True, time_zone="Pacific/Auckland", created_at=BEGAN),
        make_yard(time_zone="Europe/Helsinki", created_at=BEGAN),
    ]
    terms = {
        operator_id: [
            contracts.agree(
                db, operator_id, currency, fee_basis_points=points, fee_fixed_minor=7, is_vat_owed_by_platform=is_vat,
                is_fee_refunded=not is_vat, by="admin", now=BEGAN,
            )
            for currency in ("EUR", "SEK") for points, is_vat in ((250, True), (500, False))
        ]
        for operator_id in {yard.operator.id for yard in yards}
    }  # fmt: skip
    for _ in range(70):
        yard = chance.choice(yards)
        lead(db, yard, terms[yard.operator.id], chance)
        if chance.random() < 0.05:  # in the midst of it, at some moment
            report_units.refresh(db, BEGAN + timedelta(days=chance.randrange(230)))
    for _ in range(3):
        report_units.refresh(db, ENDS + timedelta(days=3))
    db.commit()

    expected = ledger_sums(db)
    kept = {
        (row.station_id, row.month, row.currency, row.is_test): {
            name: getattr(row, f"{name}_minor") for name in COLUMNS
        }
        for row in db.scalars(select(ReportMoney))
    }
    assert {key: of for key, of in kept.items() if any(of.values())} == expected
    assert len(expected) > 20
    for yard in yards:
        for kind in reports.kinds(db, yard.operator.id):
            wanted = Wanted("2026-01", "2026-09", kind=kind)
            assert reports.check(db, yard.operator.id, wanted).differences == []
            lines = reports.by_month(db, yard.operator.id, wanted)
            bills = db.scalars(
                select(Order).where(Order.operator_id == yard.operator.id, Order.is_test == kind.is_test)
            )
            assert reports.total(lines).money.gross_minor == sum(
                each.gross_minor for each in bills if Kind(each.currency, each.is_test) == kind
            )
