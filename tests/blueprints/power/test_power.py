"""Maximum power in the browser: set, confirmed, refused, shared, removed."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from domain import power, power_sharing
from domain.clock import utcnow
from domain.models.charging import SessionStatus
from domain.models.commands import Command
from domain.models.operators import AuditEvent
from domain.models.power import LimitUnit, Newcomers, PowerProfile, ProfileState, ProfileUse, StationLimit
from domain.power import Budget
from tests import factories
from tests.blueprints.conftest import HTMX


@pytest.fixture
def station(make, harbour):
    return make(factories.station, harbour)


@pytest.fixture
def charger(db, make, station):
    made = make(factories.charger, station, connectors=2, label="HG-01", device_id="HE60D1", ocpp_version="1.6")
    made.node, made.epoch, made.connected_at = "ocpp-1", 1, datetime(2026, 11, 1, tzinfo=UTC)
    for connector in made.connectors:
        connector.max_power_w, connector.kind = 22_000, "Type 2"
    db.commit()
    return made


def profiles(db) -> list[PowerProfile]:
    db.expire_all()
    return list(db.scalars(select(PowerProfile).order_by(PowerProfile.id)))


def limit(db) -> StationLimit | None:
    db.expire_all()
    return db.scalar(select(StationLimit))


def typed(**values: str) -> dict[str, object]:
    return {"unit": "kW", "limit": "11", "version": "0", "rows-0-days": "0"} | values


def test_a_charger_without_limits_says_so(alice, charger):
    response = alice.get("/chargers/HE60D1/power")

    assert response.status_code == 200
    assert "No limit" in response.text
    assert "Rated 22.0 kW" in response.text


def test_a_limit_is_saved_and_the_charger_is_asked_at_once(alice, charger, db):
    response = alice.post("/chargers/HE60D1/power/1", data=typed())

    assert (response.status_code, response.location) == (303, "/chargers/HE60D1/power")
    (profile,) = profiles(db)
    assert (profile.use, profile.wish["base"], profile.version) == (ProfileUse.CONNECTOR, "11", 1)
    assert [command.action for command in db.scalars(select(Command))] == ["GetConfiguration"]
    event = db.scalars(select(AuditEvent)).one()
    assert (event.actor, event.verb) == ("alice@example.com", "limit set")
    shown = alice.get("/chargers/HE60D1/power").text
    assert "15.9 A on 3 phases at 230 V" in shown
    assert "By alice@example.com" in shown


def test_the_whole_charger_by_the_hours_and_for_a_while(bob, charger, db):
    row = {"rows-0-from_time": "22:00", "rows-0-to_time": "6:00", "rows-0-limit": "16"}
    days = {"unit": "A", "limit": "", "version": "0", "rows-0-days": ["0", "1"], "valid_until": "2030-01-01T12:00"}

    response = bob.post("/chargers/HE60D1/power/0", data=days | row)

    assert response.status_code == 303
    (profile,) = profiles(db)
    assert profile.use is ProfileUse.CHARGER
    assert profile.wish["rows"] == [{"days": [0, 1], "from": 1320, "to": 360, "limit": "16"}]
    assert profile.wish["until"] == "2030-01-01T10:00:00+00:00"
    assert "Mon, Tue 22:00–06:00: 16 A" in bob.get("/chargers/HE60D1/power").text


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"limit": "-3"}, "A limit cannot be negative. 0 means no charging."),
        ({"limit": "23"}, "That is more than the rating of 22 kW."),
        ({"limit": "1e5"}, "Type a number such as 11 or 7.4."),
        ({"limit": "NaN"}, "Type a number such as 11 or 7.4."),
        ({"limit": ""}, "Type a limit, or remove the limit."),
        ({"limit": "0"}, "0 means that nobody can charge then."),
        ({"rows-0-from_time": "25:00", "rows-0-to_time": "1:00", "rows-0-limit": "5"}, "Type a time from 00:00 to"),
        ({"rows-0-from_time": "10:00", "rows-0-to_time": "11:00"}, "Type a limit for this row, or empty the row."),
        ({"rows-0-from_time": "10:00", "rows-0-to_time": "10:00", "rows-0-limit": "5"}, "It ends when it begins."),
        ({"valid_from": "2031-01-01T10:00", "valid_until": "2030-01-01T10:00"}, "It ends before it begins."),
        ({"valid_until": "2020-01-01T10:00"}, "That is over already."),
        ({"unit": "V"}, "Not a valid choice"),
        ({"version": "7"}, "Somebody has changed this limit meanwhile."),
        ({"version": "no number"}, "Somebody has changed this limit meanwhile."),
    ],
)
def test_what_makes_no_sense_is_named_and_kept(alice, charger, db, values, sentence):
    response = alice.post("/chargers/HE60D1/power/1", data=typed(**values), headers=HTMX)

    assert response.status_code == 422
    assert sentence in response.text
    assert profiles(db) == []


def test_overlapping_rows_are_named(alice, charger, db):
    rows = {}
    for number in (0, 1):
        rows |= {f"rows-{number}-days": "0", f"rows-{number}-from_time": "10:00", f"rows-{number}-to_time": "12:00"}
        rows |= {f"rows-{number}-limit": "5"}

    response = alice.post("/chargers/HE60D1/power/1", data=typed(**rows), headers=HTMX)

    assert response.status_code == 422
    assert "It overlaps with row 1." in response.text


def test_no_charging_has_to_be_confirmed(alice, charger, db):
    response = alice.post("/chargers/HE60D1/power/1", data=typed(limit="0", confirmed="y"))

    assert response.status_code == 303
    assert profiles(db)[0].wish["base"] == "0"


def test_another_row_without_javascript(alice, charger, db):
    first = {"rows-0-from_time": "10:00", "rows-0-to_time": "12:00", "rows-0-limit": "5", "add": "1"}

    response = alice.post("/chargers/HE60D1/power/1", data=typed(**first))

    assert response.status_code == 200
    assert 'name="rows-1-from_time"' in response.text
    assert profiles(db) == []


def test_a_limit_of_an_offline_charger_waits(alice, charger, db):
    charger.node = None
    db.commit()

    alice.post("/chargers/HE60D1/power/1", data=typed())

    assert "Waiting for the charger" in alice.get("/chargers/HE60D1/power").text
    assert db.scalars(select(Command)).all() == []


def test_a_limit_is_removed_after_a_question(alice, charger, db):
    alice.post("/chargers/HE60D1/power/1", data=typed())

    asked = alice.get("/chargers/HE60D1/power/1/remove", headers=HTMX)
    response = alice.post("/chargers/HE60D1/power/1/remove", data={"version": "1"})

    assert "It may give 22.0 kW again" in asked.text
    assert response.status_code == 303
    assert profiles(db) == []  # the charger had not heard of it


def test_a_rating_is_known_after_it_is_typed(alice, charger, db):
    response = alice.post("/chargers/HE60D1/power/2/rating", data={"rating": "7,4", "kind": "Type 2"})
    refused = alice.post("/chargers/HE60D1/power/2/rating", data={"rating": "0", "kind": "Type 2"}, headers=HTMX)

    db.expire_all()
    assert (response.status_code, charger.connectors[1].max_power_w) == (303, 7400)
    assert refused.status_code == 422
    assert "Type a rating from 1 to 1000 kW." in refused.text


def test_the_charger_is_asked_for_its_schedule(alice, charger, db):
    response = alice.post("/chargers/HE60D1/power/1/ask", headers=HTMX)

    command = db.scalars(select(Command)).one()
    assert (response.status_code, command.action) == (200, "GetCompositeSchedule")
    command.status, command.sent_at, command.settled_at = "accepted", command.queued_at, command.queued_at
    periods = [{"startPeriod": 0, "limit": 7400}]
    command.response = {
        "status": "Accepted",
        "chargingSchedule": {"chargingRateUnit": "W", "chargingSchedulePeriod": periods},
    }
    db.commit()
    assert "7.4 kW" in alice.get("/chargers/HE60D1/power/live").text


def test_limits_from_before_are_cleared_by_level_and_never_ours(alice, charger, db):
    alice.post("/chargers/HE60D1/power/1", data=typed())

    asked = alice.get("/chargers/HE60D1/power/others", headers=HTMX)
    response = alice.post("/chargers/HE60D1/power/others", data={})

    assert "cannot be put back" in asked.text
    assert response.status_code == 303
    cleared = [
        json.loads(command.payload)
        for command in db.scalars(select(Command).where(Command.action == "ClearChargingProfile"))
    ]
    assert {"chargingProfilePurpose": "TxProfile", "stackLevel": 3} in cleared
    assert {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0} not in cleared  # ours, below level 1


def test_an_offline_charger_cannot_be_asked(alice, charger, db):
    charger.node = None
    db.commit()

    answers = [
        alice.post("/chargers/HE60D1/power/1/ask"),
        alice.post("/chargers/HE60D1/power/again"),
        alice.post("/chargers/HE60D1/power/others", data={}),
    ]

    assert [response.status_code for response in answers] == [409, 409, 422]


def test_there_is_no_seventh_connector(alice, charger):
    assert alice.get("/chargers/HE60D1/power/7").status_code == 404


def test_charlie_cannot_see_it(charlie, charger, station):
    paths = ("/chargers/HE60D1/power", "/chargers/HE60D1/power/1", f"/stations/{station.id}/power")

    assert {charlie.get(path).status_code for path in paths} == {404}


# --- Stations -------------------------------------------------------------------------------------------------


def set_limit(browser, station, **values: str):
    data = {"unit": "A", "amount": "40", "newcomers": "wait", "version": "0"} | values
    return browser.post(f"/stations/{station.id}/power", data=data)


def test_a_stations_limit_is_set_changed_and_removed(alice, station, charger, db):
    empty = alice.get(f"/stations/{station.id}/power").text
    saved = set_limit(alice, station)
    changed = set_limit(alice, station, amount="12", newcomers="floor", version="1")
    page = alice.get(f"/stations/{station.id}/power").text
    question = alice.get(f"/stations/{station.id}/power/remove", headers=HTMX).text
    removed = alice.post(f"/stations/{station.id}/power/remove", data={"version": "2"})

    assert "No limit" in empty
    assert [response.status_code for response in (saved, changed, removed)] == [303, 303, 303]
    assert "0 sessions share 12 A per phase" in page
    assert "Be sure that the grid connection carries it." in question
    assert (limit(db).is_on, limit(db).version) == (False, 3)
    assert [event.verb for event in db.scalars(select(AuditEvent).order_by(AuditEvent.id))] == [
        "limit set",
        "limit set",
        "limit removed",
    ]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"amount": "5"}, "A car needs at least 6 A to charge."),
        ({"amount": "0"}, "A car needs at least 6 A to charge."),
        ({"amount": "-5"}, "A limit cannot be negative."),
        ({"amount": "99999"}, "Type at most 4000 A."),
        ({"amount": ""}, "Type the limit, such as 63."),
        ({"amount": "11", "newcomers": "floor"}, "2 connectors need 12 A for that."),
        ({"amount": "3", "unit": "kW"}, "A car needs at least 4.1 kW to charge."),
        ({"newcomers": "maybe"}, "Not a valid choice"),
        ({"version": "4"}, "Somebody has changed this limit meanwhile."),
    ],
)
def test_a_limit_that_makes_no_sense_is_named(alice, station, charger, db, values, sentence):
    response = set_limit(alice, station, **values)

    assert response.status_code == 422
    assert sentence in response.text
    assert limit(db) is None


@pytest.fixture
def running(db, make, station, charger):
    """A session with its share of a limit of 40 A."""
    now = utcnow()
    charging = make(
        factories.charging, charger, status=SessionStatus.ACTIVE, stopped_at=None, stop_received_at=None, power_w=11_000
    )
    power.set_station_limit(db, station, Budget(LimitUnit.A, 400, Newcomers.WAIT), version=0, by="alice", now=now)
    power_sharing.share(db, station.id, now)
    power_sharing.share(db, station.id, now + timedelta(seconds=1))
    share = db.scalars(select(PowerProfile).where(PowerProfile.charging_session_id == charging.id)).one()
    share.state = ProfileState.AGREED
    db.commit()
    return charging


def test_everybody_reads_who_has_how_much_and_why(alice, station, running):
    page = alice.get(f"/stations/{station.id}/power").text
    live = alice.get(f"/stations/{station.id}/power/live").text

    assert "1 session shares 40 A per phase" in page
    assert "It gets all that the connector gives." in live
    assert "stay reserved until the charger knows" in live


def test_the_session_says_why_it_has_what_it_has(alice, running):
    page = alice.get(f"/sessions/{running.id}").text

    assert "32 A" in page
    assert "It gets all that the connector gives." in page


def test_the_driver_reads_why_the_car_waits(client, db, make, charger, running, harbour):
    payment = make(factories.payment, charger, make(factories.payment_account, harbour))
    running.payment_id = payment.id
    share = db.scalars(select(PowerProfile).where(PowerProfile.charging_session_id == running.id)).one()
    share.why = "waits"
    db.commit()

    page = client.get(f"/s/{payment.token}").text

    assert "Your car waits for its turn, at most about 15 minutes." in page
