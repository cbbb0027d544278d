from datetime import UTC, datetime, timedelta

import pytest

from domain import tariff_book
from domain.errors import NotFound, Refused
from domain.tariff_book import BackdatedTariff
from tests import factories
from tests.factories import FLAT_PRICE, NOW

ALICE = "alice@example.com"
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


def publish(db, operator, **values):
    defaults = {"name": "Day", "currency": "EUR", "terms": FLAT_PRICE, "by": ALICE, "now": NOW}
    return tariff_book.publish(db, operator.id, **(defaults | values))


def test_a_station_charges_by_its_tariff_from_the_moment_it_is_valid(db, make):
    station = make(factories.station)
    tariff = publish(db, station.operator, valid_from=JANUARY)

    tariff_book.assign(db, station, tariff, by=ALICE, now=NOW)

    assert tariff_book.in_force(db, station.id, JANUARY) is tariff
    assert tariff_book.in_force(db, station.id, NOW + timedelta(days=900)) is tariff
    assert tariff_book.in_force(db, station.id, JANUARY - timedelta(seconds=1)) is None


def test_a_station_without_a_tariff_has_no_price(db, make):
    station = make(factories.station)

    assert tariff_book.in_force(db, station.id, NOW) is None


def test_a_tariff_of_tomorrow_leaves_todays_alone(db, make):
    station = make(factories.station)
    today, tomorrow = (
        publish(db, station.operator, name="Today"),
        publish(db, station.operator, name="Tomorrow", valid_from=NOW + timedelta(days=1)),
    )

    tariff_book.assign(db, station, today, by=ALICE, now=NOW)
    tariff_book.assign(db, station, tomorrow, by=ALICE, now=NOW)

    assert tariff_book.in_force(db, station.id, NOW + timedelta(hours=23)).name == "Today"
    assert tariff_book.in_force(db, station.id, NOW + timedelta(hours=24)).name == "Tomorrow"


def test_a_station_goes_back_to_an_older_tariff_at_once(db, make):
    station = make(factories.station)
    old = publish(db, station.operator, name="Old")
    new = publish(db, station.operator, name="New", now=NOW + timedelta(hours=1))
    later = NOW + timedelta(hours=2)
    tariff_book.assign(db, station, old, by=ALICE, now=NOW)
    tariff_book.assign(db, station, new, by=ALICE, now=NOW + timedelta(hours=1))

    tariff_book.assign(db, station, old, by=ALICE, now=later)

    assert tariff_book.in_force(db, station.id, later).name == "Old"


def test_once_a_limited_tariff_is_over_the_one_before_counts_again(db, make):
    station = make(factories.station)
    usual = publish(db, station.operator, name="Usual")
    advent = publish(db, station.operator, name="Advent", valid_until=NOW + timedelta(days=10))
    tariff_book.assign(db, station, usual, by=ALICE, now=NOW)
    tariff_book.assign(db, station, advent, by=ALICE, now=NOW)

    assert tariff_book.in_force(db, station.id, NOW + timedelta(days=9)).name == "Advent"
    assert tariff_book.in_force(db, station.id, NOW + timedelta(days=10)).name == "Usual"


def test_a_backdated_tariff_is_refused_where_bills_were_made_since(db, make):
    order = make(factories.order, created_at=NOW - timedelta(days=1))
    station = order.charging.station
    backdated = publish(db, station.operator, valid_from=NOW - timedelta(days=2))
    harmless = publish(db, station.operator, valid_from=NOW - timedelta(hours=23))

    with pytest.raises(BackdatedTariff):
        tariff_book.assign(db, station, backdated, by=ALICE, now=NOW)
    tariff_book.assign(db, station, harmless, by=ALICE, now=NOW)

    assert tariff_book.in_force(db, station.id, NOW - timedelta(hours=23)) is harmless
    assert tariff_book.in_force(db, station.id, NOW - timedelta(hours=24)) is None


def test_a_tariff_that_grew_old_counts_from_now_where_bills_were_made_since(db, make):
    order = make(factories.order, created_at=NOW - timedelta(days=1))
    station = order.charging.station
    aged = publish(db, station.operator, now=NOW - timedelta(days=30))

    tariff_book.assign(db, station, aged, by=ALICE, now=NOW)

    assert tariff_book.in_force(db, station.id, NOW) is aged
    assert tariff_book.in_force(db, station.id, NOW - timedelta(seconds=1)) is None


def test_a_station_without_bills_takes_the_tariffs_currency(db, make):
    station = make(factories.station, currency="EUR")
    in_yen = publish(db, station.operator, currency="JPY")

    tariff_book.assign(db, station, in_yen, by=ALICE, now=NOW)

    assert (station.currency, station.hold_minor) == ("JPY", 7000)


def test_a_station_with_bills_keeps_its_currency_unless_a_change_is_meant(db, make):
    station = make(factories.order).charging.station
    in_yen = publish(db, station.operator, currency="JPY")

    with pytest.raises(Refused, match="bills in EUR, the tariff is in JPY"):
        tariff_book.assign(db, station, in_yen, by=ALICE, now=NOW)
    tariff_book.assign(db, station, in_yen, may_change_currency=True, by=ALICE, now=NOW)

    assert (station.currency, station.hold_minor) == ("JPY", 7000)


def test_a_new_currency_ends_what_was_planned_in_the_old_one(db, make):
    station = make(factories.station)
    tomorrow = NOW + timedelta(days=1)
    planned = publish(db, station.operator, name="Tomorrow", valid_from=tomorrow)
    tariff_book.assign(db, station, planned, by=ALICE, now=NOW)

    tariff_book.assign(db, station, publish(db, station.operator, name="Yen", currency="JPY"), by=ALICE, now=NOW)

    assert tariff_book.in_force(db, station.id, tomorrow).name == "Yen"


@pytest.mark.parametrize("limits", [{"valid_from": NOW + timedelta(days=1)}, {"valid_until": NOW + timedelta(days=1)}])
def test_a_currency_changes_only_at_once_and_for_good(db, make, limits):
    station = make(factories.station)
    tariff_book.assign(db, station, publish(db, station.operator), by=ALICE, now=NOW)
    in_yen = publish(db, station.operator, currency="JPY", **limits)

    with pytest.raises(Refused, match="valid now and without end"):
        tariff_book.assign(db, station, in_yen, by=ALICE, now=NOW)

    assert station.currency == "EUR"


def test_a_charger_whose_clock_is_a_little_late_finds_the_new_tariff(db, make):
    station = make(factories.station)
    now = NOW.replace(second=59, microsecond=900_000)
    tariff = publish(db, station.operator, now=now)

    tariff_book.assign(db, station, tariff, by=ALICE, now=now)

    assert tariff_book.in_force(db, station.id, NOW) is tariff


def test_a_tariff_of_this_minute_is_not_backdated(db, make):
    station = make(factories.order, created_at=NOW + timedelta(seconds=10)).charging.station
    now = NOW + timedelta(seconds=20)
    tariff = publish(db, station.operator, now=now)

    tariff_book.assign(db, station, tariff, by=ALICE, now=now)

    assert tariff_book.in_force(db, station.id, now) is tariff
    assert tariff_book.in_force(db, station.id, NOW) is None


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"currency": "XXX"}, "currency"),
        ({"terms": {"elements": []}}, "elements"),
        ({"valid_until": NOW}, "valid_until"),
    ],
)
def test_it_refuses_and_names_the_field(db, make, values, field):
    operator = make(factories.operator)

    with pytest.raises(Refused) as refusal:
        publish(db, operator, **values)

    assert refusal.value.errors[0][0] == field


def test_a_tariff_that_is_over_is_not_assigned(db, make):
    station = make(factories.station)
    over = publish(db, station.operator, valid_from=JANUARY, valid_until=NOW)

    with pytest.raises(Refused, match="is over"):
        tariff_book.assign(db, station, over, by=ALICE, now=NOW)


def test_charlie_cannot_see_it(db, make):
    tariff = publish(db, make(factories.operator))
    charlie = make(factories.operator, name="Charlie's Chargers")

    with pytest.raises(NotFound):
        tariff_book.get(db, charlie.id, tariff.id)
