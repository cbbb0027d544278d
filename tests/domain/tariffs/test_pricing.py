"""Single rules, each with figures worked by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from domain.currencies import UnknownCurrency
from domain.tariffs import Period, Usage, parse_tariff, price
from domain.tariffs.pricing import exact_sum, whole_steps

BERLIN = ZoneInfo("Europe/Berlin")
TEN = datetime(2026, 3, 17, 9, 0, tzinfo=UTC)  # 10:00 in Berlin, a Tuesday


def element(*prices, **restrictions):
    """An element from (type, price) or (type, price, step_size)."""
    components = [
        {"type": kind, "price": amount, "step_size": step[0] if step else 1} for kind, amount, *step in prices
    ]
    return {"price_components": components, "restrictions": restrictions}


def bill(elements, *periods, start=TEN, currency="EUR", expired=False, **more):
    """The bill for periods given as (minutes, Wh, members)."""
    made, here = [], start - timedelta(minutes=sum(minutes for minutes, _, m in periods if m.get("reservation")))
    here = start if expired else here
    for minutes, wh, members in periods:
        end = here + timedelta(minutes=minutes)
        made.append(Period(here, end, wh, **members))
        here = end
    return price(parse_tariff({"elements": elements, **more}), Usage(start, tuple(made), expired), BERLIN, currency)


def amounts(of):
    return [(str(line.dimension), line.element, line.exact.net) for line in of.lines]


CHARGING = {"charging": True}
PARKED = {"charging": False}
RESERVED = {"charging": False, "reservation": True}


def test_an_expired_reservation_takes_the_time_price_of_the_expiry_wherever_it_stands():
    elements = [
        element(("TIME", "3.00"), reservation="RESERVATION"),
        element(("TIME", "6.00"), reservation="RESERVATION_EXPIRES"),
    ]

    expired = bill(elements, (30, 0, RESERVED), expired=True)

    assert amounts(expired) == [("TIME", 1, 3)]


def test_an_expired_reservation_falls_back_on_the_time_price_of_a_used_one():
    elements = [
        element(("FLAT", "4.00"), reservation="RESERVATION_EXPIRES"),
        element(("TIME", "3.00"), reservation="RESERVATION"),
    ]

    expired = bill(elements, (30, 0, RESERVED), expired=True)

    assert amounts(expired) == [("FLAT", 0, 4), ("TIME", 1, Fraction("1.5"))]


def test_a_used_reservation_does_not_pay_for_an_expiry():
    elements = [element(("FLAT", "4.00"), ("TIME", "6.00"), reservation="RESERVATION_EXPIRES")]

    used = bill(elements, (30, 0, RESERVED), (30, 1000, CHARGING))

    assert amounts(used) == []


def test_the_duration_of_a_reservation_counts_from_its_own_start():
    elements = [element(("TIME", "6.00"), reservation="RESERVATION", min_duration=600)]

    used = bill(elements, (30, 0, RESERVED), (30, 1000, CHARGING))

    assert amounts(used) == [("TIME", 0, 2)]  # 20 of 30 minutes


def test_reservation_and_session_each_have_their_own_fee_and_their_own_step():
    elements = [
        element(("FLAT", "1.00"), ("TIME", "6.00", 1800), reservation="RESERVATION"),
        element(("FLAT", "0.50"), ("TIME", "1.20", 600)),
    ]

    used = bill(elements, (20, 0, RESERVED), (25, 0, CHARGING))

    assert amounts(used) == [
        ("FLAT", 0, 1),
        ("TIME", 0, 3),  # 30 minutes
        ("FLAT", 1, Fraction("0.5")),
        ("TIME", 1, Fraction("0.6")),  # 30 minutes
    ]


def test_a_weekday_price_ends_with_its_dates_in_the_second_week():
    elements = [
        element(("ENERGY", "0.20"), day_of_week=["TUESDAY"], end_date="2026-03-24"),
        element(("ENERGY", "0.50"), day_of_week=["TUESDAY"]),
    ]

    nine_days = bill(elements, (9 * 24 * 60, 9 * 24_000, CHARGING))

    # Tuesday 17th from 10:00: 14 hours at 1 kW; Tuesday 24th: 24 hours.
    assert amounts(nine_days) == [("ENERGY", 0, Fraction("2.8")), ("ENERGY", 1, 12)]


def test_a_session_without_length_or_energy_still_pays_the_session_fee():
    elements = [element(("FLAT", "0.50"), ("ENERGY", "0.40"), ("TIME", "3.00"))]

    nothing = bill(elements, (0, 0, CHARGING))

    assert amounts(nothing) == [("FLAT", 0, Fraction("0.5"))]


def test_energy_without_time_is_billed_and_cut_at_energy_limits():
    elements = [element(("ENERGY", "0.50"), max_kwh="1"), element(("ENERGY", "0.30"))]

    sudden = bill(elements, (0, 3000, CHARGING))

    assert amounts(sudden) == [("ENERGY", 0, Fraction("0.5")), ("ENERGY", 1, Fraction("0.6"))]


def test_no_periods_cost_nothing():
    empty = price(parse_tariff({"elements": [element(("FLAT", "1"))]}), Usage(TEN, ()), BERLIN, "EUR")

    assert empty.lines == ()
    assert empty.billed.gross == 0


def test_a_session_fee_that_matches_late_is_charged_once_when_it_does():
    elements = [element(("FLAT", "2.00"), min_duration=1800), element(("FLAT", "3.00"), min_duration=3600)]

    assert amounts(bill(elements, (29, 0, CHARGING))) == []
    assert amounts(bill(elements, (90, 0, CHARGING))) == [("FLAT", 0, 2)]


def test_the_step_of_energy_is_that_of_the_price_used_last_not_of_the_last_period():
    elements = [
        element(("ENERGY", "0.40", 1000), end_time="11:00"),
        element(("ENERGY", "0.20", 500), start_time="11:00"),
    ]

    parked_on = bill(elements, (60, 1300, CHARGING), (60, 0, PARKED))

    assert amounts(parked_on) == [("ENERGY", 0, Fraction("0.8"))]


def test_idle_grace_is_one_allowance_for_all_parked_spells():
    elements = [element(("PARKING_TIME", "6.00"))]
    spells = [(5, 0, PARKED), (10, 900, CHARGING), (15, 0, PARKED)]

    parked = bill(elements, *spells, idle_grace_s=900)

    assert amounts(parked) == [("PARKING_TIME", 0, Fraction("0.5"))]  # 20 - 15 minutes


def test_a_pause_of_the_station_does_not_use_up_the_grace():
    elements = [element(("PARKING_TIME", "6.00"))]
    pause = {"charging": False, "suspended_by": "station"}

    parked = bill(elements, (60, 0, pause), (20, 0, PARKED), idle_grace_s=900)

    assert amounts(parked) == [("PARKING_TIME", 0, Fraction("0.5"))]


def test_power_that_nobody_measured_is_the_mean_of_the_period():
    elements = [element(("ENERGY", "0.20"), max_power="11"), element(("ENERGY", "0.60"))]

    mixed = bill(elements, (60, 10_999, CHARGING), (60, 11_000, CHARGING))

    assert amounts(mixed) == [("ENERGY", 0, Fraction("2.1998")), ("ENERGY", 1, Fraction("6.6"))]
    assert mixed.flags == frozenset()


def test_energy_at_an_unknown_power_is_flagged():
    elements = [element(("ENERGY", "0.20"), max_power="11"), element(("ENERGY", "0.60"))]

    sudden = bill(elements, (0, 1000, CHARGING))

    assert amounts(sudden) == [("ENERGY", 1, Fraction("0.6"))]
    assert sudden.flags == {"power_unknown"}
    assert sudden.needs_review


def test_an_unknown_current_meets_no_limit_and_is_flagged_but_a_parked_car_draws_none():
    elements = [element(("TIME", "1.00"), max_current="32"), element(("PARKING_TIME", "6.00"), max_current="1")]

    unknown = bill(elements, (60, 1000, CHARGING), (10, 0, PARKED))

    assert amounts(unknown) == [("PARKING_TIME", 1, 1)]
    assert unknown.flags == {"current_unknown"}


def test_prices_that_include_vat_are_taken_apart():
    component = {"type": "ENERGY", "price": "0.49", "vat": "25.5"}

    bought = bill([{"name": "Day", "price_components": [component]}], (60, 20_000, CHARGING), tax_included="YES")

    assert bought.total.gross == Fraction("9.8")
    assert (bought.billed.net, bought.billed.vat, bought.billed.gross) == (
        Decimal("7.81"),  # 9.80 / 1.255 = 7.8087...
        Decimal("1.99"),
        Decimal("9.80"),
    )
    assert bought.lines[0].name == "Day"


def test_prices_that_include_an_unknown_tax_have_no_net():
    bought = bill([element(("ENERGY", "0.49"))], (60, 20_000, CHARGING), tax_included="YES")

    assert (bought.billed.net, bought.billed.vat, bought.billed.gross) == (None, None, Decimal("9.80"))
    assert not bought.is_tax_known


def test_prices_without_tax_are_both_net_and_gross():
    bought = bill([element(("ENERGY", "0.49"))], (60, 20_000, CHARGING), tax_included="N/A")

    assert (bought.billed.net, bought.billed.vat, bought.billed.gross) == (
        Decimal("9.80"),
        Decimal("0.00"),
        Decimal("9.80"),
    )


def test_rounded_lines_never_bill_more_than_the_maximum():
    elements = [element(("FLAT", "0.005"), ("ENERGY", "0.005"))]

    capped = bill(elements, (60, 1000, CHARGING), max_price={"excl_vat": "0.01"})

    assert [line.billed.net for line in capped.lines] == [Decimal("0.01"), Decimal("0.01")]
    assert capped.billed.gross == Decimal("0.01")
    assert (capped.adjustment.exact.gross, capped.adjustment.billed.gross) == (0, Decimal("-0.01"))


def test_a_limit_on_one_total_bounds_the_other_by_the_common_vat_rate():
    component = {"type": "ENERGY", "price": "0.40", "vat": "19"}
    elements = [{"price_components": [component]}]

    by_net = bill(elements, (5, 100, CHARGING), min_price={"excl_vat": "1.00"})
    by_gross = bill(elements, (5, 100, CHARGING), min_price={"incl_vat": "1.19"})

    assert (by_net.total.net, by_net.total.gross) == (1, Fraction("1.19"))
    assert by_gross.total == by_net.total


def test_the_minimum_applies_to_a_session_that_used_nothing():
    least = bill([element(("ENERGY", "0.40"))], (5, 0, CHARGING), min_price={"excl_vat": "1.00"})

    assert least.billed.gross == Decimal("1.00")
    assert least.adjustment.reason == "min_price"


@pytest.mark.parametrize(
    ("currency", "minor", "money"), [("JPY", 1, "1"), ("EUR", 123, "1.23"), ("KWD", 1235, "1.235")]
)
def test_money_has_the_decimals_of_its_currency(currency, minor, money):
    bought = bill([element(("FLAT", "1.2345"))], (5, 0, CHARGING), currency=currency)

    assert (bought.billed.gross_minor, str(bought.billed.gross)) == (minor, money)


def test_a_currency_that_does_not_exist_is_refused():
    with pytest.raises(UnknownCurrency):
        bill([element(("FLAT", "1"))], (5, 0, CHARGING), currency="XXX")


@pytest.mark.parametrize(("total", "step", "billed"), [(0, 25, 0), (100, 25, 100), (101, 25, 125), (101, 0, 101)])
def test_whole_steps(total, step, billed):
    assert whole_steps(Fraction(total), step) == billed


def test_a_fraction_of_a_watt_hour_becomes_a_whole_one_by_step_1():
    assert whole_steps(Fraction("115.2"), 1) == 116


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8])
def test_exact_sum_leaves_nothing_out(count):
    assert exact_sum([Fraction(1, n) for n in range(1, count + 1)]) == sum(Fraction(1, n) for n in range(1, count + 1))


def test_energy_before_and_after_a_change_inside_a_period_is_that_of_the_period_not_of_its_neighbour():
    elements = [element(("ENERGY", "1.00"), start_time="00:00", end_time="10:30"), element(("ENERGY", "2.00"))]

    # 10:00 to 11:00: half of 10 kWh on each side of 10:30; then 2 kWh.
    found = bill(elements, (60, 10_000, CHARGING), (60, 2_000, CHARGING))

    assert amounts(found) == [("ENERGY", 0, 5), ("ENERGY", 1, 14)]
