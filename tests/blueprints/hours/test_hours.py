"""Business hours: set by operators, read and obeyed on drivers' phones."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from domain import hours
from domain.hours import Hours, Period
from domain.models.commands import Command
from domain.models.payments import Payment
from tests import factories

FRIDAY_NOON = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)  # 12:00 in Helsinki
FRIDAY_NIGHT = datetime(2026, 11, 27, 20, 0, tzinfo=UTC)
DAYTIME = hours.to_json(Hours(((Period(480, 1200),),) * 5 + ((), ())))
WEEK = {f"{day}_from": "08:00" for day in hours.DAYS[:5]} | {f"{day}_to": "20:00" for day in hours.DAYS[:5]}


@pytest.fixture
def friday_noon() -> Iterator[None]:
    """Named before the browsers, so that they sign in at that moment, whatever the day of the test run."""
    with time_machine.travel(FRIDAY_NOON, tick=False):
        yield


@pytest.fixture
def friday_night() -> Iterator[None]:
    """As `friday_noon`, after closing time."""
    with time_machine.travel(FRIDAY_NIGHT, tick=False):
        yield


@pytest.fixture
def station(make, harbour):
    return make(factories.station, harbour)


@pytest.fixture
def code(make, db, harbour, station):
    account = make(factories.payment_account, harbour)
    station.payment_account_id = account.id
    make(factories.assign_tariff, station, make(factories.tariff, harbour))
    charger = make(factories.charger, station, connectors=1, node="ocpp-1")
    return make(factories.qr_code, charger).code


def post(browser, station, **values):
    return browser.post(f"/stations/{station.id}/hours", data={"when": "week", "outside": "refused"} | WEEK | values)


def fresh(db, station):
    db.commit()
    db.refresh(station)
    db.commit()
    return station


def test_a_week_is_saved_and_told(friday_noon, alice, db, station):
    answer = alice.post(
        f"/stations/{station.id}/hours", data={"when": "week", "outside": "refused"} | WEEK, follow_redirects=True
    )

    assert "Business hours are saved: open until 20:00 now." in answer.text
    assert fresh(db, station).hours == DAYTIME
    assert "Open until 20:00" in alice.get("/stations").text


def test_a_day_that_differs_is_saved(alice, db, station):
    post(
        alice,
        station,
        x0_date="2099-12-24",
        x0_from="10:00",
        x0_to="14:00",
        x0_note="Christmas Eve",
        x1_date="2099-12-25",
    )

    assert fresh(db, station).hours["exceptions"] == [
        {"date": "2099-12-24", "periods": [[600, 840]], "note": "Christmas Eve"},
        {"date": "2099-12-25", "periods": [], "note": ""},
    ]


def test_a_day_that_is_over_is_dropped(alice, db, station):
    post(alice, station, x0_date="2020-12-24")

    assert fresh(db, station).hours["exceptions"] == []


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"mon_from": "20:00", "mon_to": "08:00"}, "It ends before it starts."),
        ({"mon_from": ["08:00", "11:00"], "mon_to": ["12:00", "20:00"]}, "08:00 to 12:00 and 11:00 to 20:00 overlap."),
        ({"mon_from": "soon"}, "Write times as 08:00"),
        ({"x0_date": "soon"}, "Write the day as 2026-12-24."),
        ({"x0_from": "08:00", "x0_to": "12:00", "x0_date": ""}, "Choose the day."),
        ({"x0_date": "2099-12-24", "x1_date": "2099-12-24"}, "This day stands here twice."),
        ({"x0_date": "2099-12-24", "x0_note": "x" * 81}, "A note has up to 80 characters."),
        (dict.fromkeys(WEEK, ""), "These hours are never open."),
        ({"seen": "2020-01-01T00:00:00+00:00"}, "Somebody has changed these hours meanwhile."),
    ],
)
def test_what_is_wrong_is_told_and_kept(alice, db, station, values, sentence):
    answer = post(alice, station, **values)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="20:00"' in answer.text or values.get("mon_to") == ""
    assert fresh(db, station).hours is None


def test_monday_is_copied_to_weekdays_without_saving(alice, db, station):
    answer = post(alice, station, mon_from="06:30", act="copy")

    assert answer.text.count('value="06:30"') == 5
    assert fresh(db, station).hours is None


def test_around_the_clock_needs_no_times(alice, db, station):
    post(alice, station, when="always", **dict.fromkeys(WEEK, ""))

    assert fresh(db, station).hours is None
    assert station.hours_set_at is not None


def test_around_the_clock_keeps_holidays_and_remembers_the_week(friday_noon, alice, db, station):
    post(alice, station, x0_date="2026-11-29", x0_note="Works")

    answer = alice.post(
        f"/stations/{station.id}/hours",
        data=WEEK | {"when": "always", "outside": "refused", "x0_date": "2026-11-29", "x0_note": "Works"},
        follow_redirects=True,
    )

    assert "Business hours are saved: open until Sun 00:00 now." in answer.text
    assert answer.text.count('value="20:00"') == 5
    assert fresh(db, station).hours == DAYTIME | {
        "exceptions": [{"date": "2026-11-29", "periods": [], "note": "Works"}],
        "always": True,
    }


def test_what_is_wrong_with_a_week_that_does_not_count_stops_nobody(alice, db, station):
    station.hours = DAYTIME
    db.commit()

    answer = post(alice, station, when="always", mon_from="soon")

    assert answer.status_code == 303
    assert fresh(db, station).hours == DAYTIME | {"always": True}


def test_an_old_form_stays_old_until_its_page_is_opened_again(alice, db, station):
    stale = {"seen": "2020-01-01T00:00:00+00:00"}

    first = post(alice, station, **stale)

    assert f'<a href="/stations/{station.id}/hours">Open the page again</a>' in first.text
    assert 'name="seen" value="2020-01-01T00:00:00+00:00"' in first.text
    assert post(alice, station, **stale).status_code == 422
    assert fresh(db, station).hours is None


@pytest.mark.parametrize("name", ["x²_date", f"x{'1' * 5000}_date"])
def test_a_field_that_no_form_has_is_left_aside(alice, station, name):
    assert post(alice, station, **{name: "2099-12-24"}).status_code == 303


def test_days_keep_their_capital(friday_night, alice, db, station):
    station.hours = DAYTIME
    db.commit()

    assert "Closed, opens Mon 08:00" in alice.get(f"/stations/{station.id}/hours").text


def test_a_closed_station_takes_no_payment(friday_night, client, db, station, code):
    station.hours = DAYTIME
    db.commit()

    shown = client.get(f"/c/{code}")
    refused = client.post(f"/c/{code}", data={"connector": "1", "nonce": "n"})

    assert "This station is closed now. It opens Mon 08:00 EET. Come back then, or use another station." in shown.text
    assert "Nothing was charged" not in shown.text
    assert "Pay and start charging" not in shown.text
    assert refused.status_code == 409
    assert db.query(Payment).count() == 0


def test_a_station_that_only_warns_takes_payments(friday_night, client, db, station, code):
    station.hours, station.refuses_outside_hours = DAYTIME, False
    db.commit()

    shown = client.get(f"/c/{code}")

    assert "You are here outside the business hours; they begin Mon 08:00 EET." in shown.text
    assert "Pay and start charging" in shown.text


def test_a_hold_made_before_closing_starts_nothing_after_it(friday_night, client, db, make, station, code):
    station.hours = DAYTIME
    db.commit()
    charger = db.query(factories.Charger).one()
    payment = make(factories.payment, charger, db.query(factories.PaymentAccount).one(), authorised_at=FRIDAY_NIGHT)

    answer = client.post(f"/s/{payment.token}/start", follow_redirects=True)

    assert "This station has closed meanwhile." in answer.text
    assert db.query(Command).count() == 0


def test_charlie_cannot_see_it(charlie, station):
    assert charlie.get(f"/stations/{station.id}/hours").status_code == 404
    assert post(charlie, station).status_code == 404
