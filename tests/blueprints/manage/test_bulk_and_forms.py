"""Every CALL by its form, commands for many, and the pages of configuration, lists and reservations."""

import json

import pytest
from sqlalchemy import select

from domain import configuration, rounds
from domain.call_words import CALLS
from domain.clock import utcnow
from domain.models.commands import Command, CommandStatus
from domain.models.rounds import Round
from tests import factories
from tests.blueprints.conftest import HTMX


@pytest.fixture
def station(make, harbour):
    return make(factories.station, harbour)


@pytest.fixture
def charger(make, station):
    return online(make, station, label="HG-04", connectors=2)


def online(make, station, **values):
    given = {"node": "ocpp-1", "connected_at": utcnow(), "last_seen_at": utcnow(), "ocpp_version": "1.6"}
    return make(factories.charger, station, **given | values)


def asked(db):
    return [(each.action, json.loads(each.payload)) for each in db.scalars(select(Command).order_by(Command.id))]


@pytest.mark.parametrize("action", sorted(CALLS))
def test_every_call_has_a_form(alice, charger, action):
    page = alice.get(f"/chargers/{charger.device_id}/commands/{action}", headers=HTMX)

    assert page.status_code == 200
    assert CALLS[action].title in page.text


def test_a_form_of_the_schema_is_sent_as_the_standard_wants_it(alice, db, charger):
    texts = {"connectorId": "2", "duration": "3600", "chargingRateUnit": "A"}

    response = alice.post(f"/chargers/{charger.device_id}/commands/GetCompositeSchedule", data=texts)

    assert response.status_code == 303
    assert asked(db) == [("GetCompositeSchedule", {"connectorId": 2, "duration": 3600, "chargingRateUnit": "A"})]


def test_what_is_wrong_stands_at_its_field_and_the_rest_is_kept(alice, db, charger):
    texts = {"connectorId": "two", "duration": "3600"}

    response = alice.post(f"/chargers/{charger.device_id}/commands/GetCompositeSchedule", data=texts, headers=HTMX)

    assert response.status_code == 422
    assert 'id="connectorId-err"' in response.text
    assert 'value="two"' in response.text
    assert 'value="3600"' in response.text
    assert asked(db) == []


def test_a_row_is_added_without_a_script(alice, db, charger):
    texts = {"key.count": "1", "key.0": "HeartbeatInterval", "more": "key"}

    page = alice.post(f"/chargers/{charger.device_id}/commands/GetConfiguration", data=texts)

    assert page.status_code == 200
    assert 'name="key.1"' in page.text
    assert 'value="HeartbeatInterval"' in page.text
    assert asked(db) == []


def test_commands_that_the_charger_does_not_know_are_greyed_with_the_reason(alice, make, charger):
    make(factories.configuration_value, charger, "SupportedFeatureProfiles", "Core,RemoteTrigger")

    page = alice.get(f"/chargers/{charger.device_id}/commands").text

    assert "does not report the profile Reservation (SupportedFeatureProfiles)." in page
    assert 'id="call-ReserveNow"' not in page
    assert 'id="call-TriggerMessage"' in page


def test_all_that_match_are_asked_as_a_round(alice, db, make, station, charger):
    online(make, station, label="HG-05")
    online(make, station, label="PIER-1")
    form = {"all": "1", "q": "HG-", "ask": "clear-cache", "pace": "some", "at_once": "1", "offline": "leave"}

    question = alice.get("/commands/bulk/ask?ask=clear-cache&all=1&q=HG-", headers=HTMX).text
    response = alice.post("/commands/bulk/ask", data=form)

    assert "Clear cache: 2 chargers" in question
    assert "2 of 2 are online and asked now." in question
    made = db.scalars(select(Round)).one()
    assert response.location.endswith(f"/commands/rounds/{made.id}")
    assert asked(db) == [("ClearCache", {})]  # one at a time
    page = alice.get(f"/commands/rounds/{made.id}").text
    assert "HG-05" in page
    assert "PIER-1" not in page


def test_many_by_the_form_of_the_schema(alice, db, make, station, charger):
    form = {"pick": [charger.device_id], "ask": "DataTransfer", "vendorId": "nv", "pace": "all", "offline": "leave"}

    response = alice.post("/commands/bulk/ask", data=form)

    assert response.status_code == 303
    assert asked(db) == [("DataTransfer", {"vendorId": "nv"})]


def test_a_round_is_filtered_exported_and_repeated(alice, db, make, station, charger):
    other = online(make, station, label="HG-05")
    made = rounds.begin(
        db, charger.operator_id, [charger.id, other.id], "Clear cache", [("ClearCache", {})], by="alice", now=utcnow()
    )
    first, second = db.scalars(select(Command).order_by(Command.id))
    first.status, second.status = CommandStatus.ACCEPTED, CommandStatus.TIMEOUT
    second.error = "The charger did not answer within 30 s."
    made.job.status = "done"
    db.commit()

    failed = alice.get(f"/commands/rounds/{made.id}?view=failed", headers=HTMX).text
    table = alice.get(f"/commands/rounds/{made.id}/export.csv?view=failed").data.decode("utf-8-sig")
    again = alice.post(f"/commands/rounds/{made.id}/again")

    assert "HG-05" in failed
    assert "HG-04" not in failed
    assert "Timed out,The charger did not answer within 30 s." in table
    assert "HG-04" not in table
    assert again.location.endswith(f"/commands/rounds/{made.id + 1}")
    assert db.scalar(select(rounds.RoundItem.charger_id).where(rounds.RoundItem.round_id == made.id + 1)) == other.id


def test_support_reboots_many_but_configures_none(sign_in, make, harbour, charger):
    support = sign_in(make(factories.user, harbour, "operator_support"))

    choice = support.get(f"/commands/bulk?pick={charger.device_id}", headers=HTMX).text
    refused = support.get(f"/commands/bulk/ask?ask=clear-cache&pick={charger.device_id}")

    assert "Reboot" in choice
    assert "Clear cache" not in choice
    assert refused.status_code == 403


def test_the_log_is_searched_and_exported(alice, make, charger):
    make(factories.command, charger, action="ClearCache", payload="{}", asked_by="bob@example.com", queued_at=utcnow())
    make(factories.command, charger, action="Reset", error="It is hot in here.", queued_at=utcnow())

    by = alice.get("/commands/log?by=bob@example.com", headers=HTMX).text
    text = alice.get("/commands/log?q=hot", headers=HTMX).text
    past = alice.get("/commands/log?until=2020-01-01", headers=HTMX).text
    table = alice.get("/commands/export.csv?action=ClearCache").data.decode("utf-8-sig")

    assert "Clear cache" in by
    assert "It is hot" not in by
    assert "It is hot in here." in text
    assert "No command matches these filters" in past
    assert table.count("\n") == 2


# --- Configuration ----------------------------------------------------------------------------------------------


def test_changes_are_shown_before_they_are_sent(alice, db, make, charger):
    make(factories.configuration_value, charger, "HeartbeatInterval", "300")
    make(factories.configuration_value, charger, "NV_Light", "80")
    here = f"/chargers/{charger.device_id}/configuration"
    typed = {"value:HeartbeatInterval": "60", "value:NV_Light": "80"}

    shown = alice.post(f"{here}/check", data=typed, headers=HTMX).text
    response = alice.post(f"{here}/change", data={"value:HeartbeatInterval": "60"})

    assert "Change HeartbeatInterval of HG-04?" in shown
    assert "NV_Light" not in shown
    assert response.status_code == 303
    assert asked(db) == [("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"})]


def test_a_wrong_value_stands_at_its_key_and_is_kept(alice, db, make, charger):
    make(factories.configuration_value, charger, "HeartbeatInterval", "300")

    typed = {"value:HeartbeatInterval": "often"}
    response = alice.post(f"/chargers/{charger.device_id}/configuration/check", data=typed)

    assert response.status_code == 422
    assert "A whole number of s, for example 60." in response.text
    assert 'value="often"' in response.text
    assert asked(db) == []


def test_a_password_is_sent_and_shown_nowhere(alice, db, make, charger):
    make(factories.configuration_value, charger, "AuthorizationKey", None)
    here = f"/chargers/{charger.device_id}"

    alice.post(f"{here}/configuration/change", data={"value:AuthorizationKey": "correct-horse-battery"})

    pages = [alice.get(path).text for path in (f"{here}/configuration", f"{here}/commands", "/commands/log")]
    command = db.scalars(select(Command)).one()
    pages.append(alice.get(f"/commands/{command.id}").text)
    pages.append(alice.get("/commands/export.csv").text)
    assert asked(db) == [("ChangeConfiguration", {"key": "AuthorizationKey", "value": "correct-horse-battery"})]
    assert not any("correct-horse" in page for page in pages)


def test_settings_are_compared_and_copied(alice, db, make, station, charger):
    other = online(make, station, label="HG-05")
    make(factories.configuration_value, charger, "HeartbeatInterval", "300")
    make(factories.configuration_value, other, "HeartbeatInterval", "60")
    make(factories.configuration_value, charger, "ResetRetries", "1")
    make(factories.configuration_value, other, "ResetRetries", "1")
    here = f"/chargers/{charger.device_id}/configuration"

    table = alice.get(f"{here}/compare?with={other.device_id}").text
    response = alice.post(f"{here}/copy", data={"key": ["HeartbeatInterval"], "to": [other.device_id]})

    assert "HeartbeatInterval" in table
    assert "ResetRetries" not in table
    assert "/commands/rounds/" in response.location
    command = db.scalars(select(Command)).one()
    assert (command.charger_id, json.loads(command.payload)["value"]) == (other.id, "300")


def test_reading_is_asked_once(alice, db, charger):
    here = f"/chargers/{charger.device_id}/configuration"

    first, second = alice.post(f"{here}/read"), alice.post(f"{here}/read")

    assert (first.status_code, second.status_code) == (303, 409)
    assert configuration.reading_of(db, charger.id).command_id is not None
    assert 'hx-trigger="every 2s"' in alice.get(here).text


# --- Local list, reservations ------------------------------------------------------------------------------------


def test_a_list_is_sent_and_kept_in_step(alice, db, make, harbour, charger):
    make(factories.token, harbour, "CARD1")
    here = f"/chargers/{charger.device_id}/local-list"

    alice.post(f"{here}/keep")
    alice.post(f"{here}/sync")

    assert asked(db)[0][1]["localAuthorizationList"] == [{"idTag": "CARD1", "idTagInfo": {"status": "Accepted"}}]
    page = alice.get(here).text
    assert "Kept in step" in page
    assert "The list is being sent." in page


def test_a_plug_is_reserved_and_given_free(alice, db, charger):
    form = {"connector": "1", "card": "04AA", "until": "2020-01-01T10:00"}
    past = alice.post(f"/chargers/{charger.device_id}/reserve", data=form, headers=HTMX)
    shown = alice.get(f"/chargers/{charger.device_id}/reserve", headers=HTMX).text
    until = shown.partition('type="datetime-local" value="')[2][:16]

    made = alice.post(f"/chargers/{charger.device_id}/reserve", data=form | {"until": until})
    page = alice.get("/reservations").text

    assert past.status_code == 422
    assert "Choose a time in the next 24 hours." in past.text
    assert made.status_code == 303
    assert [action for action, _ in asked(db)] == ["ReserveNow"]
    assert "Asked" in page
    assert "04AA" in page
