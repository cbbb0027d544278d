"""Money in Reports: each order in its station's month, each movement in the month it happened, worked by hand."""

from datetime import UTC, datetime

from sqlalchemy import select, update

from domain import contracts, report_units, reports
from domain.models.ledger import Journal
from domain.models.manual_refunds import ManualRefundStatus
from domain.models.orders import Order
from domain.models.payments import CollectionMode, Payment, PaymentStatus, Refund, RefundStatus
from domain.models.reports import ReportMoney, ReportUnit
from domain.reports import Kind, Wanted
from tests import factories

LATER = datetime(2027, 2, 10, 12, tzinfo=UTC)


def utc(*moment):
    return datetime(*moment, tzinfo=UTC)


def orders(lines):
    return {month: line.money.orders for month, line in lines.items()}


def test_midnight_at_the_station_decides_the_month(make_yard, report):
    # Helsinki is at +2 in November, New York at -5.
    helsinki = make_yard(time_zone="Europe/Helsinki", created_at=utc(2026, 10, 1))
    new_york = make_yard(operator=helsinki.operator, time_zone="America/New_York", created_at=utc(2026, 10, 1))
    for yard in (helsinki, new_york):
        yard.order(utc(2026, 11, 30, 21, 59, 59))
        yard.order(utc(2026, 11, 30, 22, 0))
        yard.order(utc(2026, 12, 1, 4, 59, 59))
        yard.order(utc(2026, 12, 1, 5, 0))

    in_helsinki = report(helsinki, LATER, "2026-11", "2026-12", station_id=helsinki.station.id)
    in_new_york = report(helsinki, LATER, "2026-11", "2026-12", station_id=new_york.station.id)
    together = report(helsinki, LATER, "2026-11", "2026-12")

    assert orders(in_helsinki) == {"2026-11": 1, "2026-12": 3}
    assert orders(in_new_york) == {"2026-11": 3, "2026-12": 1}
    assert orders(together) == {"2026-11": 4, "2026-12": 4}
    assert in_helsinki["2026-12"].money.gross_minor == 1506
    assert in_helsinki["2026-12"].money.captured_minor == 1506


def test_summer_time_moves_the_end_of_a_month(make_yard, report):
    # Helsinki goes from +2 to +3 on 29 March 2026: the month begins at 22:00 UTC and ends at 21:00 UTC.
    yard = make_yard(created_at=utc(2026, 1, 1))
    for moment in ((2, 28, 22, 0), (3, 31, 20, 59, 59), (3, 31, 21, 0)):
        yard.order(utc(2026, *moment))

    assert orders(report(yard, LATER, "2026-02", "2026-04")) == {"2026-02": 0, "2026-03": 2, "2026-04": 1}


def test_a_refund_in_the_next_month_leaves_the_month_of_the_order(make_yard, report):
    yard = make_yard(created_at=utc(2026, 10, 1))
    order = yard.order(utc(2026, 11, 20, 12))
    yard.order(utc(2026, 11, 21, 12))
    yard.refund(order, utc(2026, 12, 3, 12))

    lines = report(yard, LATER, "2026-11", "2026-12")

    november, december = lines["2026-11"].money, lines["2026-12"].money
    assert (november.orders, november.gross_minor, november.vat_minor, november.net_minor) == (2, 1004, 204, 800)
    assert (november.captured_minor, november.refunded_minor, november.owed_minor) == (1004, 0, 1004)
    assert (december.orders, december.gross_minor) == (0, 0)
    assert (december.captured_minor, december.refunded_minor, december.owed_minor) == (0, 502, -502)


def test_an_order_that_was_taken_after_midnight_is_captured_in_the_next_month(make_yard, report):
    yard = make_yard(created_at=utc(2026, 10, 1))
    yard.order(utc(2026, 11, 30, 21, 59), captured_at=utc(2026, 11, 30, 22, 1))

    lines = report(yard, LATER, "2026-11", "2026-12")

    assert (lines["2026-11"].money.gross_minor, lines["2026-11"].money.captured_minor) == (502, 0)
    assert (lines["2026-12"].money.gross_minor, lines["2026-12"].money.captured_minor) == (0, 502)
    assert lines["2026-11"].money.uncollected_minor == 0


def test_fees_and_vat_are_those_of_the_contract(db, make_yard, report):
    yard = make_yard(created_at=utc(2026, 10, 1))
    contract = contracts.agree(
        db, yard.operator.id, "EUR", fee_basis_points=500, fee_fixed_minor=10, is_vat_owed_by_platform=True,
        is_fee_refunded=False, by="admin", now=utc(2026, 10, 1),
    )  # fmt: skip
    yard.order(utc(2026, 11, 20), contract_id=contract.id)

    money = report(yard, LATER, "2026-11", "2026-11")["2026-11"].money

    # 5 % of 5.02 is 25.1 cents, so 25, and 10; 5.02 - 0.35 - 1.02 = 3.65.
    assert (money.captured_minor, money.fee_minor, money.tax_minor, money.owed_minor) == (502, 35, 102, 365)


def test_what_operators_collect_is_not_owed_to_them(make_yard, report):
    yard = make_yard(CollectionMode.OPERATOR, created_at=utc(2026, 10, 1))
    yard.order(utc(2026, 11, 20))

    money = report(yard, LATER, "2026-11", "2026-11")["2026-11"].money

    assert (money.captured_minor, money.owed_minor) == (502, 0)


def test_what_nobody_collected_is_named(make_yard, report):
    yard = make_yard(created_at=utc(2026, 10, 1))
    yard.order(utc(2026, 11, 20))
    yard.unpaid(utc(2026, 11, 21))
    # The hold covered 45.00 of 50.20.
    yard.order(utc(2026, 11, 22), net_minor=4000, vat_minor=1020, gross_minor=5020, shortfall_minor=520)

    money = report(yard, LATER, "2026-11", "2026-11")["2026-11"].money

    assert (money.gross_minor, money.captured_minor, money.uncollected_minor) == (6024, 5002, 1022)
    assert money.owed_minor == 5002


def test_a_part_given_back_by_hand_is_told_apart_from_full_refunds(db, make_yard, report):
    yard = make_yard(created_at=utc(2026, 10, 1))
    order = yard.order(utc(2026, 11, 20))
    factories.manual_refund(
        db, order, amount_minor=120, status=ManualRefundStatus.CONFIRMED, asked_at=utc(2026, 11, 24),
        decided_by="bob", decided_at=utc(2026, 11, 25),
    )  # fmt: skip
    yard.keep(db.get_one(Payment, order.payment_id), utc(2026, 11, 25))

    money = report(yard, LATER, "2026-11", "2026-11")["2026-11"].money

    assert (money.refunded_minor, money.by_hand_minor, money.owed_minor) == (0, 120, 382)


def test_currencies_and_test_money_are_never_added_up(make_yard, report, db):
    real = make_yard(created_at=utc(2026, 10, 1))
    test = make_yard(operator=real.operator, is_test=True, created_at=utc(2026, 10, 1))
    real.order(utc(2026, 11, 20))
    real.order(utc(2026, 11, 20), currency="SEK", net_minor=8000, vat_minor=2000, gross_minor=10_000)
    test.order(utc(2026, 11, 20))

    euros = report(real, LATER, "2026-11", "2026-11")["2026-11"]
    kronor = report(real, LATER, "2026-11", "2026-11", kind=Kind("SEK", False))["2026-11"]
    tests = report(test, LATER, "2026-11", "2026-11")["2026-11"]

    assert [each.money.captured_minor for each in (euros, kronor, tests)] == [502, 10_000, 502]
    assert reports.kinds(db, real.operator.id) == [Kind("EUR", False), Kind("SEK", False), Kind("EUR", True)]
    assert euros.use.sessions == kronor.use.sessions == 3


def test_another_operators_orders_are_not_in_it(make_yard, report, db):
    yard, other = make_yard(created_at=utc(2026, 10, 1)), make_yard(created_at=utc(2026, 10, 1))
    other.order(utc(2026, 11, 20))

    lines = report(yard, LATER, "2026-11", "2026-11")
    by_foreign_id = report(yard, LATER, "2026-11", "2026-11", station_id=other.station.id)
    wanted = Wanted("2026-11", "2026-11", other.station.id, Kind("EUR", False))

    assert lines["2026-11"].money.orders == by_foreign_id["2026-11"].money.orders == 0
    assert lines["2026-11"].use.energy_wh == 0
    assert reports.each(db, yard.operator.id, wanted) == []
    assert reports.stations(db, yard.operator.id, wanted, None, 25)[0].rows == []
    assert reports.kinds(db, yard.operator.id) == []


def test_a_refund_that_failed_after_all_leaves_nothing(make_yard, report, db):
    yard = make_yard(created_at=utc(2026, 10, 1))
    order = yard.order(utc(2026, 11, 20))
    refund = yard.refund(order, utc(2026, 11, 21))
    refund.status, refund.ended_at = RefundStatus.FAILED, utc(2026, 12, 2)
    yard.keep(db.get_one(Payment, order.payment_id), utc(2026, 12, 2))

    lines = report(yard, LATER, "2026-11", "2026-12")

    assert [line.money.refunded_minor for line in lines.values()] == [502, -502]
    wanted = Wanted("2026-11", "2026-12", kind=Kind("EUR", False))
    assert reports.check(db, yard.operator.id, wanted).differences == []


def differences(db, yard):
    return reports.check(db, yard.operator.id, Wanted("2026-11", "2026-11", kind=Kind("EUR", False)))


def test_a_difference_is_named(make_yard, report, db):
    yard = make_yard(created_at=utc(2026, 10, 1))
    order = yard.order(utc(2026, 11, 20))
    refund = yard.refund(order, utc(2026, 11, 21))
    db.execute(update(Order).values(gross_minor=503, net_minor=401))
    db.execute(update(Refund).where(Refund.id == refund.id).values(amount_minor=500))
    db.commit()
    report(yard, LATER, "2026-11", "2026-11")

    found = differences(db, yard).differences

    assert [(each["what"], each["bills"], each["ledger"]) for each in found] == [
        ("captured", 503, 502),
        ("refunded", 500, 502),
    ]
    assert {each["month"] for each in found} == {"2026-11"}


def test_what_agrees_says_when_it_was_compared(make_yard, report, db):
    yard = make_yard(created_at=utc(2026, 10, 1))
    yard.order(utc(2026, 11, 20))
    report(yard, LATER, "2026-11", "2026-11")

    found = differences(db, yard)

    assert (found.differences, found.oldest_at, found.newest_at) == ([], LATER, LATER)


def test_a_captured_payment_without_a_bill_is_the_stations_too(make_yard, report, db):
    yard = make_yard(created_at=utc(2026, 10, 1))
    payment = factories.payment(
        db, yard.charger, yard.account, status=PaymentStatus.CAPTURED, captured_minor=700, captured_at=utc(2026, 11, 20)
    )
    yard.keep(payment, utc(2026, 11, 20))

    money = report(yard, LATER, "2026-11", "2026-11")["2026-11"].money

    assert (money.orders, money.captured_minor, money.owed_minor) == (0, 700, 700)


# --- Keeping up --------------------------------------------------------------------------------------------------


def test_a_past_month_is_summed_up_again_once_its_money_moves(make_yard, report, db):
    yard = make_yard(created_at=utc(2026, 10, 1))
    order = yard.order(utc(2026, 11, 20))
    report(yard, utc(2026, 12, 20), "2026-11", "2026-11")
    assert report_units.due(db, utc(2026, 12, 20, 0, 1)) == []

    yard.refund(order, utc(2026, 12, 20, 0, 2))
    lines = report(yard, utc(2026, 12, 20, 0, 3), "2026-11", "2026-12")

    wanted = Wanted("2026-11", "2026-12", kind=Kind("EUR", False))
    assert lines["2026-11"].money.captured_minor == 502
    assert reports.check(db, yard.operator.id, wanted).differences == []
    again = db.scalars(select(ReportUnit.computed_at).where(ReportUnit.month == "2026-11")).one()
    assert again == utc(2026, 12, 20, 0, 3)


def test_summing_up_twice_changes_nothing(make_yard, report, db):
    yard = make_yard(created_at=utc(2026, 10, 1))
    yard.order(utc(2026, 11, 20))
    report(yard, LATER, "2026-11", "2026-11")
    unit = report_units.Unit(yard.operator.id, "Europe/Helsinki", "2026-11")

    report_units.store(db, unit, report_units.compute(db, unit, LATER), LATER)
    db.commit()

    rows = db.scalars(select(ReportMoney).where(ReportMoney.month == "2026-11")).all()
    assert [(row.orders, row.captured_minor) for row in rows] == [(1, 502)]


def test_every_month_is_compared_again_within_a_day(make_yard, report, db):
    yard = make_yard(created_at=utc(2026, 11, 1))
    report(yard, LATER, "2026-11", "2026-11")

    soon = report_units.due(db, LATER.replace(hour=13))
    next_day = report_units.due(db, LATER.replace(day=11, hour=13))

    assert [unit.month for unit in soon] == ["2027-02"]
    assert {unit.month for unit in next_day} == {"2026-11", "2026-12", "2027-01", "2027-02"}
    assert db.scalars(select(Journal)).all() == []
