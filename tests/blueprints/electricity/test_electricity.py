"""Electricity management: the week, changing and adding prices, gaps named before saving, preview, history."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from blueprints.electricity import week
from domain import tariff_book
from domain.clock import utcnow
from domain.models.stations import StationTariff
from domain.models.tariffs import Tariff
from domain.price_rows import PriceRow
from tests import factories
from tests.blueprints.conftest import HTMX


def element(name, price, **restrictions):
    made = {"name": name, "price_components": [{"type": "ENERGY", "price": price, "vat": "25.5", "step_size": 1}]}
    return made | ({"restrictions": restrictions} if restrictions else {})


TERMS = {
    "elements": [
        element("Peak", "0.59", start_time="16:00", end_time="20:00", day_of_week=["MONDAY", "TUESDAY"]),
        element("Day", "0.49", start_time="06:00", end_time="22:00"),
        element("Night", "0.35"),
    ],
    "idle_grace_s": 900,
    "tax_included": "YES",
}
DAY = {"name": "Day", "from_time": "06:00", "to_time": "22:00", "days": list(range(7)), "energy": "0.49", "vat": "25.5"}


@pytest.fixture
def station(make, harbour):
    station = make(factories.station, harbour)
    tariff = make(factories.tariff, harbour, terms=TERMS)
    make(factories.assign_tariff, station, tariff)
    return station


@pytest.fixture
def url(station):
    return f"/stations/{station.id}/electricity"


def in_force(db, station):
    """The tariff of now, read in a transaction that is over afterwards: the web has to write."""
    with Session(db.get_bind()) as reading:
        tariff = tariff_book.in_force(reading, station.id, utcnow())
        reading.expunge(tariff)
    return tariff


def asked(response):
    """What the tick in this form is about."""
    return re.search('name="asked"[^>]*value="([^"]+)"', response.text)[1]


def names(tariff):
    return [each.get("name") for each in tariff.terms["elements"]]


def test_the_week_in_a_sentence_and_the_rows_in_order(alice, url):
    page = alice.get(url).text

    assert (
        "Monday and Tuesday: 00:00 to 06:00 Night €0.35; 06:00 to 16:00 Day €0.49; 16:00 to 20:00 Peak €0.59;" in page
    )
    assert "Wednesday to Sunday: 00:00 to 06:00 Night €0.35; 06:00 to 22:00 Day €0.49;" in page
    assert (
        page.index("Mon and Tue, 16:00 to 20:00")
        < page.index("Every day, 06:00 to 22:00")
        < page.index("Every day, all day")
    )
    assert "VAT 25.5 % included." in page
    assert "“Peak” and “Day” overlap; “Peak” is used." in page


def test_the_preview_is_a_bill(alice, url):
    # Tuesday 19:30, one hour, 30 kWh: half at Peak 0.59 (8.85), half at Day 0.49 (7.35).
    answer = alice.get(f"{url}/preview?day=1&at=19:30&minutes=60&kwh=30&parked=0", headers=HTMX).text

    assert "Energy, Peak, 15 kWh × €0.59" in answer
    assert "€8.85" in answer
    assert "€7.35" in answer
    assert "€16.20" in answer
    # 8.85 / 1.255 = 7.05 and 7.35 / 1.255 = 5.86, each rounded: VAT 1.80 + 1.49.
    assert "€3.29" in answer


def test_a_preview_that_cannot_be_read_says_what_to_type(alice, url):
    answer = alice.get(f"{url}/preview?day=1&at=25:00&minutes=60&kwh=x", headers=HTMX).text

    assert "Type a time from 00:00 to 24:00." in answer
    assert "Type a number such as 0.49." in answer


def test_an_old_price_is_edited_by_a_new_version(alice, db, station, url):
    before = in_force(db, station)

    response = alice.post(f"{url}/prices/1", data=DAY | {"energy": "0,52", "grace": "20"})

    after = in_force(db, station)
    assert (response.status_code, response.location) == (303, url)
    assert after.id != before.id
    assert after.replaces_id == before.id
    assert after.terms["elements"][1]["price_components"][0]["price"] == "0.52"
    assert after.terms["idle_grace_s"] == 1200
    assert before.terms["elements"][1]["price_components"][0]["price"] == "0.49"
    assert after.created_by == "alice@example.com"


def test_a_new_price_joins_before_the_one_for_all_hours(alice, db, station, url):
    weekend = {"name": "Weekend", "from_time": "06:00", "to_time": "24:00", "days": [5, 6], "energy": "0.42"}

    alice.post(f"{url}/prices", data=weekend | {"parking": "0.10", "flat": "1", "vat": "25.5"})

    after = in_force(db, station)
    assert names(after) == ["Peak", "Weekend", "Day", "Night"]
    assert after.terms["elements"][1]["restrictions"] == {
        "day_of_week": ["SATURDAY", "SUNDAY"],
        "start_time": "06:00",
        "end_time": "00:00",
    }


def test_a_price_valid_later_waits_for_its_time(alice, db, station, url):
    later = (utcnow() + timedelta(days=400)).astimezone(UTC)
    typed = later.strftime("%Y-%m-%dT12:00")

    alice.post(f"{url}/prices/1", data=DAY | {"energy": "0.60", "valid_from": typed})

    planned = db.scalars(select(StationTariff).order_by(StationTariff.id.desc())).first()
    db.commit()
    # 12:00 in Helsinki is 10:00 UTC in winter, 09:00 in summer.
    assert planned.from_at.replace(tzinfo=UTC).hour in (9, 10)
    assert in_force(db, station).terms["elements"][1]["price_components"][0]["price"] == "0.49"
    page = alice.get(url).text
    assert "Other prices begin" in page
    assert "0.60" in alice.get(f"{url}?version={planned.tariff_id}").text


def test_hours_left_without_a_price_are_named_before_saving(alice, db, station, url):
    night = {
        "name": "Night",
        "from_time": "22:00",
        "to_time": "05:00",
        "days": list(range(7)),
        "energy": "0.35",
        "vat": "0",
    }
    before = in_force(db, station).id

    checked = alice.post(f"{url}/check?row=2", data=night, headers=HTMX).text
    refused = alice.post(f"{url}/prices/2", data=night, headers=HTMX)
    blind = alice.post(f"{url}/prices/2", data=night | {"confirmed": "y"})
    confirmed = alice.post(f"{url}/prices/2", data=night | {"confirmed": "y", "asked": asked(refused)})

    gap = "No price for energy: Monday to Sunday 05:00 to 06:00. It is free then."
    assert gap in checked
    assert refused.status_code == 422
    assert gap in refused.text
    assert "Save it all the same" in refused.text
    assert blind.status_code == 422
    assert confirmed.status_code == 303
    assert in_force(db, station).id != before


def test_a_special_hour_goes_above_the_price_that_would_hide_it(alice, db, station, url):
    lunch = {"name": "Lunch", "from_time": "12:00", "to_time": "13:00", "days": [2], "energy": "0.20", "vat": "0"}

    alice.post(f"{url}/prices", data=lunch)

    assert names(in_force(db, station)) == ["Peak", "Lunch", "Day", "Night"]


WORKDAY = {"name": "Workday", "from_time": "06:00", "to_time": "22:00", "days": list(range(7)), "energy": "0.40"}


def test_a_row_that_is_never_reached_is_named_and_put_above_by_one_click(alice, db, station, url):
    typed = WORKDAY | {"vat": "25.5"}

    warned = alice.post(f"{url}/prices", data=typed, headers=HTMX)
    lifted = alice.post(f"{url}/prices", data=typed | {"rise": "1"}, headers=HTMX)
    tick = {"above": "1", "confirmed": "y", "asked": asked(lifted)}
    saved = alice.post(f"{url}/prices", data=typed | tick, headers=HTMX)

    assert "“Workday” is never reached: rows above it match first." in warned.text
    assert '<button class="b sm" name="rise" value="1">' in warned.text
    assert "“Day” is never reached: rows above it match first." in lifted.text
    assert 'name="above" type="hidden" value="1"' in lifted.text
    assert saved.status_code == 204
    assert names(in_force(db, station)) == ["Peak", "Workday", "Day", "Night"]


def test_a_stored_row_that_is_never_reached_is_put_above_by_one_click(alice, db, make, station, url, harbour):
    hidden = TERMS | {"elements": [*TERMS["elements"], element("Lunch", "0.20", start_time="12:00", end_time="13:00")]}
    make(factories.assign_tariff, station, make(factories.tariff, harbour, terms=hidden))

    page = alice.get(url).text
    alice.post(f"{url}/prices/3/above")

    assert f'action="{url}/prices/3/above"' in page
    assert names(in_force(db, station)) == ["Peak", "Lunch", "Day", "Night"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"from_time": "6"}, "Type a time from 00:00 to 24:00."),
        ({"to_time": "25:00"}, "Type a time from 00:00 to 24:00."),
        ({"to_time": "06:00"}, "From and To are the same."),
        ({"energy": ""}, "Give at least one price"),
        ({"energy": "-1"}, "Type a price from 0 to 1,000,000."),
        ({"energy": "99999999999"}, "Type a price from 0 to 1,000,000."),
        ({"energy": "NaN"}, "Type a number such as 0.49."),
        ({"energy": "0.1234567"}, "Use up to six decimals."),
        ({"energy": "2000001"}, "Type a price from 0 to 1,000,000."),
        ({"energy": "900"}, "This is beyond what anybody pays. Type up to 200 EUR."),
        ({"min_kwh": "20", "max_kwh": "20"}, "“Below” must be more than “from”."),
        ({"first_day": "2027-03-02", "last_day": "2027-03-01"}, "The last day cannot lie before the first."),
        ({"valid_from": "2020-01-01T00:00"}, "This moment has passed. Leave the field empty for at once."),
        ({"energy": "1e5"}, "Type a number such as 0.49."),
        ({"energy": "abc"}, "Type a number such as 0.49."),
        ({"vat": ""}, "Give the VAT rate, 0 where there is none."),
        ({"vat": "abc"}, "Type a number such as 0.49."),
        ({"vat": "101"}, "A VAT rate is a percentage from 0 to 100."),
        ({"vat": "-2"}, "A VAT rate is a percentage from 0 to 100."),
        ({"grace": "99999"}, "From 0 to 10,080 minutes, a week."),
        ({"grace": "-4"}, "From 0 to 10,080 minutes, a week."),
        ({"valid_from": "9999-12-31T00:00"}, "Choose a day from 2000 to 2099."),
        ({"last_day": "9999-12-31"}, "Choose a day from 2000 to 2099."),
        ({"days": []}, "Choose at least one day."),
        ({"name": "x" * 61}, "60"),
        ({"days": [9]}, "not a valid choice"),
    ],
)
def test_what_cannot_be_meant_is_422_with_the_typed_values(alice, db, station, url, changes, sentence):
    before = in_force(db, station).id

    response = alice.post(f"{url}/prices/1", data=DAY | changes, headers=HTMX)

    assert response.status_code == 422
    assert sentence in response.text
    assert in_force(db, station).id == before


def test_rows_change_places(alice, db, station, url):
    alice.post(f"{url}/prices/0/down")

    assert names(in_force(db, station)) == ["Day", "Peak", "Night"]


def test_a_price_is_removed_after_a_question(alice, db, station, url):
    question = alice.get(f"{url}/prices/2/remove", headers=HTMX).text
    alice.post(f"{url}/prices/2/remove")

    assert "Remove Night?" in question
    assert "No price for energy: Monday to Sunday 00:00 to 06:00. It is free then." in question
    assert names(in_force(db, station)) == ["Peak", "Day"]


def test_the_only_price_stays(alice, db, make, station, url, harbour):
    tariff = make(factories.tariff, harbour, valid_from=datetime(2026, 2, 1, tzinfo=UTC))
    make(factories.assign_tariff, station, tariff)

    response = alice.post(f"{url}/prices/0/remove", headers=HTMX)

    assert response.status_code == 422
    assert "This is the only price." in response.text
    assert in_force(db, station).id == tariff.id


def test_the_first_price_of_a_station(alice, db, make, harbour):
    station = make(factories.station, harbour, name="Pier")
    url = f"/stations/{station.id}/electricity"

    empty = alice.get(url).text
    all_day = {"name": "All day", "days": list(range(7)), "from_time": "00:00", "to_time": "24:00"}
    alice.post(f"{url}/prices", data=all_day | {"energy": "0.45", "vat": "25.5"})

    assert "No prices yet" in empty
    tariff = in_force(db, station)
    assert (tariff.name, tariff.currency) == ("Prices of Pier", "EUR")
    assert tariff.terms == {
        "elements": [
            {
                "name": "All day",
                "price_components": [{"type": "ENERGY", "price": "0.45", "step_size": 1, "vat": "25.5"}],
            }
        ],
        "tax_included": "YES",
    }


def test_history_keeps_every_version(alice, station, url):
    alice.post(f"{url}/prices/1", data=DAY | {"energy": "0.52"})

    page = alice.get(f"{url}/history").text

    assert page.count("<details") == 2
    assert "In force" in page
    assert "by alice@example.com" in page


def test_a_row_that_is_not_there_is_404(alice, url):
    assert alice.post(f"{url}/prices/7", data=DAY).status_code == 404
    assert alice.post(f"{url}/prices/7/up").status_code == 404


def test_support_reads_and_changes_nothing(make, sign_in, db, station, url, harbour):
    from domain.models.operators import Role

    browser = sign_in(make(factories.user, harbour, Role.OPERATOR_SUPPORT))

    page = browser.get(f"{url}?edit=1")

    assert page.status_code == 200
    assert not re.search("Save price|Add new price", page.text)
    assert browser.post(f"{url}/prices/1", data=DAY).status_code == 403


def test_charlie_cannot(charlie, db, station, url):
    before = db.scalars(select(Tariff.id)).all()
    db.commit()

    answers = {
        charlie.get(url).status_code,
        charlie.get(f"{url}/history").status_code,
        charlie.post(f"{url}/prices/1", data=DAY).status_code,
        charlie.post(f"{url}/prices", data=DAY).status_code,
    }

    assert answers == {404}
    assert db.scalars(select(Tariff.id)).all() == before


@pytest.mark.parametrize(
    ("names", "colours"),
    [
        (["Peak", "Day"], [3, 2]),
        (["Day", "Midnight", "Night", ""], [2, 3, 1, 4]),
        (["A", "B", "C", "D", "E"], [1, 2, 3, 4, 1]),
        (["Night", "Day", "Peak", "Weekend", "Lunch"], [1, 2, 3, 4, 1]),
    ],
)
def test_prices_have_colours_of_their_own_while_there_are_some(names, colours):
    assert week.colours([PriceRow(name) for name in names]) == colours
