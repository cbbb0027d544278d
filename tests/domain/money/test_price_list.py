"""What a driver reads before paying: figures with VAT, worked by hand."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.price_list import Condition, price_list
from domain.tariffs import Dimension, parse_tariff

HELSINKI = ZoneInfo("Europe/Helsinki")
NOON = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def rows(terms, at=NOON, currency="EUR"):
    made = price_list(parse_tariff(terms), HELSINKI, at, currency)
    return [(row.dimension, str(row.amount), row.unit) for row in made.rows]


def element(restrictions=None, **prices):
    components = [{"type": dimension, "price": price, "vat": "24"} for dimension, price in prices.items()]
    return {"price_components": components} | ({"restrictions": restrictions} if restrictions else {})


def test_prices_include_vat_and_time_is_told_by_the_minute():
    terms = {"elements": [element(ENERGY="0.50", TIME="1.50", PARKING_TIME="6.00", FLAT="1.00")]}

    # 0.50 x 1.24; 1.50 x 1.24 / 60; 6.00 x 1.24 / 60; 1.00 x 1.24
    assert rows(terms) == [
        (Dimension.ENERGY, "0.6200", "kWh"),
        (Dimension.TIME, "0.0310", "min"),
        (Dimension.PARKING_TIME, "0.1240", "min"),
        (Dimension.FLAT, "1.24", "session"),
    ]


def test_time_that_does_not_divide_into_minutes_is_told_by_the_hour():
    assert rows({"elements": [element(TIME="5.00")]}) == [(Dimension.TIME, "6.2000", "h")]


def test_prices_that_include_vat_already_stay_as_they_are():
    terms = {"elements": [element(ENERGY="0.62")], "tax_included": "YES"}

    assert rows(terms) == [(Dimension.ENERGY, "0.6200", "kWh")]


def test_a_tariff_that_does_not_tell_the_vat_has_no_price_list():
    terms = {"elements": [{"price_components": [{"type": "ENERGY", "price": "0.4"}]}], "tax_included": "NO"}

    assert price_list(parse_tariff(terms), HELSINKI, NOON, "EUR") is None


def test_the_next_price_is_told_with_its_time():
    terms = {"elements": [element({"start_time": "07:00", "end_time": "19:00"}, ENERGY="0.50"), element(ENERGY="0.25")]}

    now, then = price_list(parse_tariff(terms), HELSINKI, NOON, "EUR").rows

    seven = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)  # 19:00 in Helsinki
    assert (str(now.amount), now.since, now.until) == ("0.6200", None, seven)
    assert (str(then.amount), then.since, then.until) == ("0.3100", seven, None)


def test_a_price_that_stays_the_same_is_told_once():
    day = element({"start_time": "07:00", "end_time": "19:00"}, ENERGY="0.50", PARKING_TIME="6.00")
    terms = {"elements": [day, element(ENERGY="0.25", PARKING_TIME="6.00")]}

    made = price_list(parse_tariff(terms), HELSINKI, NOON, "EUR").rows

    assert [(row.dimension, str(row.amount)) for row in made] == [
        (Dimension.ENERGY, "0.6200"),
        (Dimension.ENERGY, "0.3100"),
        (Dimension.PARKING_TIME, "0.1240"),
    ]


def test_prices_under_conditions_are_told_with_them_up_to_the_one_that_always_holds():
    terms = {
        "elements": [
            element({"max_kwh": "10"}, ENERGY="0.25"),
            element({"min_power": "50"}, ENERGY="0.75"),
            element(ENERGY="0.50"),
            element(ENERGY="9.99"),
        ]
    }

    made = price_list(parse_tariff(terms), HELSINKI, NOON, "EUR")

    assert [(str(row.amount), row.conditions) for row in made.rows] == [
        ("0.3100", (Condition("kWh", None, Decimal("10.0")),)),
        ("0.9300", (Condition("kW", Decimal("50.0"), None),)),
        ("0.6200", ()),
    ]
    assert str(made.headline().amount) == "0.6200"


def test_yen_have_no_decimals_in_fees_and_bounds():
    terms = {"elements": [element(ENERGY="50", FLAT="99")], "min_price": {"excl_vat": "100"}}

    made = price_list(parse_tariff(terms), ZoneInfo("Asia/Tokyo"), NOON, "JPY")

    # 99 x 1.24 = 122.76; 100 x 1.24
    assert [str(row.amount) for row in made.rows] == ["62.0000", "123"]
    assert str(made.least) == "124"
    assert made.vat_rates == (Decimal("24"),)
