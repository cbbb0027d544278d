"""A tariff as rows and back: what a row does not show stays as it is."""

from datetime import date
from decimal import Decimal

import pytest

from domain import price_rows
from domain.price_rows import PriceRow
from domain.tariffs import parse_tariff

NIGHT = {
    "name": "Night",
    "price_components": [{"type": "ENERGY", "price": "0.35", "vat": "25.5", "step_size": 1}],
}
PEAK = {
    "name": "Peak",
    "price_components": [
        {"type": "ENERGY", "price": "0.59", "vat": "25.5", "step_size": 100},
        {"type": "PARKING_TIME", "price": "6.00", "vat": "25.5", "step_size": 60},
    ],
    "restrictions": {
        "start_time": "16:00",
        "end_time": "00:00",
        "day_of_week": ["MONDAY", "FRIDAY"],
        "start_date": "2026-06-01",
    },
}
BODY = {"elements": [PEAK, NIGHT], "idle_grace_s": 900, "tax_included": "YES"}


def test_a_tariff_as_rows():
    peak, night = price_rows.rows(BODY)

    assert (peak.name, peak.days, peak.from_time, peak.to_time) == ("Peak", (0, 4), "16:00", "24:00")
    # 6.00 an hour is 0.10 a minute.
    assert (peak.energy, peak.parking, peak.time, peak.flat, peak.vat) == (
        Decimal("0.59"),
        Decimal("0.1"),
        None,
        None,
        Decimal("25.5"),
    )
    assert (peak.since, peak.until) == (date(2026, 6, 1), None)
    assert (peak.has_more, peak.is_fallback) == (False, False)
    assert night.is_fallback


def test_a_changed_row_keeps_what_it_does_not_show():
    row = PriceRow(
        "Peak", (0, 4), "16:00", "20:00", energy=Decimal("0.61"), parking=Decimal("0.1"), vat=Decimal("25.5")
    )
    reserved = {"elements": [PEAK | {"restrictions": {"reservation": "RESERVATION"}}]}

    body = price_rows.put(BODY, 0, row)

    assert price_rows.put(reserved, 0, row)["elements"][0]["restrictions"]["reservation"] == "RESERVATION"

    assert body["elements"][0] == {
        "name": "Peak",
        "price_components": [
            {"type": "ENERGY", "price": "0.61", "step_size": 100, "vat": "25.5"},
            {"type": "PARKING_TIME", "price": "6.00", "step_size": 60, "vat": "25.5"},
        ],
        "restrictions": {
            "day_of_week": ["MONDAY", "FRIDAY"],
            "start_time": "16:00",
            "end_time": "20:00",
        },
    }
    assert body["elements"][1] == NIGHT
    assert (body["idle_grace_s"], body["tax_included"]) == (900, "YES")
    assert BODY["elements"][0]["restrictions"]["end_time"] == "00:00"


def test_a_price_by_the_hour_that_is_no_whole_price_by_the_minute_stays_exact():
    body = {"elements": [{"price_components": [{"type": "TIME", "price": "1.00", "step_size": 1}]}]}
    (row,) = price_rows.rows(body)

    again = price_rows.put(body, 0, row)

    assert row.time == Decimal("0.016667")
    assert again["elements"][0]["price_components"][0]["price"] == "1.00"


def test_a_new_row_goes_before_the_one_that_always_applies():
    body = price_rows.put(BODY, None, PriceRow("Weekend", (5, 6), "06:00", "22:00", energy=Decimal("0.42")))

    assert [row.name for row in price_rows.rows(body)] == ["Peak", "Weekend", "Night"]


def test_a_new_row_without_hours_and_days_goes_last():
    body = price_rows.put({"elements": [PEAK]}, None, PriceRow("Rest", energy=Decimal("0.3"), flat=Decimal(1)))

    assert [row.name for row in price_rows.rows(body)] == ["Peak", "Rest"]
    assert body["elements"][1] == {
        "name": "Rest",
        "price_components": [
            {"type": "ENERGY", "price": "0.3", "step_size": 1},
            {"type": "FLAT", "price": "1", "step_size": 1},
        ],
    }


def test_rows_move_and_leave():
    assert [row.name for row in price_rows.rows(price_rows.moved(BODY, 0, 1))] == ["Night", "Peak"]
    assert [row.name for row in price_rows.rows(price_rows.moved(BODY, 0, -1))] == ["Peak", "Night"]
    assert [row.name for row in price_rows.rows(price_rows.without(BODY, 0))] == ["Night"]


def test_the_usual_vat():
    assert price_rows.usual_vat(BODY) == Decimal("25.5")
    assert price_rows.usual_vat({"elements": []}) is None


@pytest.mark.parametrize("row", price_rows.rows(BODY))
def test_what_rows_make_can_be_priced(row):
    body = price_rows.put({"elements": []}, None, row)

    assert len(parse_tariff(body).elements) == 1


def test_conditions_go_there_and_back():
    asked = {"min_kwh": "20", "max_duration": 5400, "min_power": "22.5", "end_date": "2027-01-01"}
    body = {"elements": [NIGHT | {"restrictions": asked}]}
    (row,) = price_rows.rows(body)

    assert row.limits == {"min_kwh": Decimal(20), "max_duration": Decimal(90), "min_power": Decimal("22.5")}
    assert row.until == date(2027, 1, 1)
    assert not row.is_fallback
    assert price_rows.put(body, 0, row) == body


def test_a_limit_of_seconds_that_is_no_whole_minute_stays_exact():
    body = {"elements": [NIGHT | {"restrictions": {"min_duration": 100}}]}
    (row,) = price_rows.rows(body)

    assert row.limits == {"min_duration": Decimal("1.666667")}
    assert price_rows.put(body, 0, row)["elements"][0]["restrictions"] == {"min_duration": 100}


def test_two_vat_rates_in_one_row_stay_while_nobody_types_another():
    energy = {"type": "ENERGY", "price": "0.5", "step_size": 1, "vat": "10"}
    parking = {"type": "PARKING_TIME", "price": "6", "step_size": 1, "vat": "25.5"}
    body = {"elements": [{"price_components": [energy, parking]}]}
    (row,) = price_rows.rows(body)

    assert price_rows.put(body, 0, row) == body
    changed = price_rows.put(body, 0, PriceRow(energy=row.energy, parking=row.parking, vat=Decimal(14)))
    assert [each["vat"] for each in changed["elements"][0]["price_components"]] == ["14", "14"]


@pytest.mark.parametrize(
    ("hours", "wraps"), [(("22:00", "06:00"), True), (("22:00", "24:00"), False), (("22:00", "00:00"), False)]
)
def test_past_midnight(hours, wraps):
    assert PriceRow("Night", (), *hours).wraps is wraps
