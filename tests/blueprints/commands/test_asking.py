"""Asking a charger: consequences in numbers and money, the queued command, refusals."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.clock import utcnow
from domain.models.charging import SessionStatus
from domain.models.commands import Command, CommandStatus
from tests import factories
from tests.blueprints.conftest import HTMX


@pytest.fixture
def charger(make, harbour):
    values = {"node": "ocpp-1", "connected_at": utcnow(), "last_seen_at": utcnow(), "ocpp_version": "1.6"}
    return make(factories.charger, make(factories.station, harbour), label="HG-04", connectors=2, **values)


@pytest.fixture
def running(make, charger):
    """10 kWh at 0.40 and 25.5 % VAT: 5.02 of a hold of 45.00."""
    operator = charger.station.operator
    payment = make(factories.payment, charger, make(factories.payment_account, operator))
    return make(
        factories.charging,
        charger,
        status=SessionStatus.ACTIVE,
        transaction_id="77",
        started_at=utcnow() - timedelta(hours=1),
        stopped_at=None,
        meter_start_wh=0,
        last_meter_wh=10_000,
        tariff_id=make(factories.tariff, operator).id,
        payment_id=payment.id,
    )


def asked(db):
    return [(each.action, json.loads(each.payload), each.asked_by) for each in db.scalars(select(Command))]


def test_a_reboot_names_what_stops_and_what_it_costs(alice, charger, running):
    question = alice.get(f"/chargers/{charger.device_id}/reboot", headers=HTMX).text

    assert "Reboot HG-04?" in question
    assert "<b>1 session stops on connector 1.</b> The driver pays €5.02 for 10.0 kWh;" in question
    assert "the rest of the €45.00 hold is released." in question
    assert "Connector 2 shows as unavailable" in question
    assert "Stop session and reboot" in question
    assert "Keep running" in question


def test_a_reboot_of_an_idle_charger_stops_nothing(alice, charger):
    question = alice.get(f"/chargers/{charger.device_id}/reboot", headers=HTMX).text

    assert "session stops" not in question
    assert ">Reboot</button>" in question


def test_a_reboot_is_queued(alice, db, charger):
    response = alice.post(f"/chargers/{charger.device_id}/reboot", data={"kind": "Hard"})

    assert (response.status_code, response.location.partition("#")[0]) == (
        303,
        f"/chargers/{charger.device_id}/commands",
    )
    assert asked(db) == [("Reset", {"type": "Hard"}, "alice@example.com")]


def test_under_htmx_the_dialog_closes_and_a_toast_tells(alice, db, charger):
    response = alice.post(f"/chargers/{charger.device_id}/reboot", data={"kind": "Soft"}, headers=HTMX)

    assert response.status_code == 200
    assert json.loads(response.headers["HX-Trigger"]) == {
        "toast": "Reboot: on its way to HG-04.",
        "dialog-close": True,
    }
    assert asked(db) == [("Reset", {"type": "Soft"}, "alice@example.com")]


def test_a_wrong_word_is_422_and_nothing_is_queued(alice, db, charger):
    response = alice.post(f"/chargers/{charger.device_id}/reboot", data={"kind": "Medium"}, headers=HTMX)

    assert response.status_code == 422
    assert asked(db) == []


def test_it_queues_nothing_for_an_offline_charger(alice, db, charger):
    charger.node = None
    db.commit()

    response = alice.post(f"/chargers/{charger.device_id}/reboot", data={"kind": "Soft"}, headers=HTMX)

    assert response.status_code == 422
    assert "is offline" in response.text
    assert asked(db) == []


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("stop", {"session": "77"}, ("RemoteStopTransaction", {"transactionId": 77})),
        ("unlock", {"connector": "2"}, ("UnlockConnector", {"connectorId": 2})),
        ("start", {"connector": "2", "card": "04AA"}, ("RemoteStartTransaction", {"connectorId": 2, "idTag": "04AA"})),
        (
            "commands/availability",
            {"connector": "0", "kind": "Inoperative"},
            ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}),
        ),
        (
            "commands/trigger",
            {"message": "StatusNotification", "connector": "1"},
            ("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1}),
        ),
        (
            "commands/trigger",
            {"message": "Heartbeat", "connector": "0"},
            ("TriggerMessage", {"requestedMessage": "Heartbeat"}),
        ),
        ("commands/clear-cache", {}, ("ClearCache", {})),
        ("commands/get-configuration", {"keys": ""}, ("GetConfiguration", {})),
        (
            "commands/get-configuration",
            {"keys": "HeartbeatInterval, X"},
            ("GetConfiguration", {"key": ["HeartbeatInterval", "X"]}),
        ),
        (
            "commands/change-configuration",
            {"key": "HeartbeatInterval", "value": "60"},
            ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}),
        ),
        (
            "commands/diagnostics",
            {"location": "ftp://files.example.com/up"},
            ("GetDiagnostics", {"location": "ftp://files.example.com/up", "retries": 2, "retryInterval": 30}),
        ),
        (
            "commands/raw",
            {"action": "DataTransfer", "payload": '{"vendorId": "x"}'},
            ("DataTransfer", {"vendorId": "x"}),
        ),
    ],
)
def test_every_command_becomes_its_payload(alice, db, charger, running, path, data, expected):
    response = alice.post(f"/chargers/{charger.device_id}/{path}", data=data)

    assert response.status_code == 303
    assert asked(db) == [(*expected, "alice@example.com")]


@pytest.mark.parametrize(
    ("path", "data", "sentence"),
    [
        ("stop", {"session": "78"}, "Not a valid choice"),
        ("start", {"connector": "1", "card": ""}, "Give the number of a card."),
        ("commands/diagnostics", {"location": "file:///etc/passwd"}, "Begin with ftp://"),
        ("commands/raw", {"action": "Reset", "payload": "{"}, "This is not JSON: "),
        ("commands/raw", {"action": "Reset", "payload": '{"a":' * 100_000}, "This nests deeper than 32 levels."),
        ("commands/raw", {"action": "Reset", "payload": '{"type": NaN}'}, "NaN is not a JSON number."),
        ("commands/raw", {"action": "Reset", "payload": '{"type": "Medium"}'}, "Medium"),
        ("commands/raw", {"action": "", "payload": "{}"}, "Name the OCPP action."),
        ("commands/raw", {"action": "NoSuch", "payload": "{}"}, "NoSuch"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_a_reason(alice, db, charger, running, path, data, sentence):
    response = alice.post(f"/chargers/{charger.device_id}/{path}", data=data, headers=HTMX)

    assert response.status_code == 422
    assert sentence in response.text
    assert asked(db) == []


def test_a_command_nobody_knows_is_404(alice, charger):
    assert alice.get(f"/chargers/{charger.device_id}/commands/explode").status_code == 404
    assert alice.get(f"/chargers/{charger.device_id}/commands/reboot").status_code == 404


def test_many_are_rebooted_and_the_offline_ones_left_out(alice, db, make, charger, running):
    away = make(factories.charger, charger.station, label="HG-05")
    picked = [charger.device_id, away.device_id]

    question = alice.get("/commands/reboot", query_string={"pick": picked}, headers=HTMX).text
    response = alice.post("/commands/reboot", data={"pick": picked, "kind": "Soft"}, headers=HTMX)

    assert "Reboot 2 chargers?" in question
    assert "<b>1 session stops.</b> The driver pays €5.02 for 10.0 kWh." in question
    assert "HG-05 is offline and left out." in question
    assert response.headers["HX-Redirect"].startswith("/commands/rounds/")
    assert asked(db) == [("Reset", {"type": "Soft"}, "alice@example.com")]


def test_charlie_reboots_nobody(charlie, db, charger):
    one = charlie.post(f"/chargers/{charger.device_id}/reboot", data={"kind": "Soft"})
    many = charlie.post("/commands/reboot", data={"pick": [charger.device_id], "kind": "Soft"})

    assert (one.status_code, many.location) == (404, "/chargers")
    assert asked(db) == []


def test_the_log_and_its_rows_tell_the_fate(alice, make, charger):
    waiting = make(factories.command, charger, status=CommandStatus.SENT, settled_at=None, queued_at=utcnow())
    done = make(
        factories.command,
        charger,
        action="GetConfiguration",
        payload="{}",
        response={"configurationKey": [{"key": "X", "readonly": True}]},
    )
    failed = make(factories.command, charger, status=CommandStatus.TIMEOUT, error="No answer within 30 s.")

    log = alice.get("/commands/log").text
    live = alice.get(f"/commands/{waiting.id}/row", headers=HTMX).text
    still = alice.get(f"/commands/{done.id}/row", headers=HTMX).text
    detail = alice.get(f"/commands/{done.id}", headers=HTMX).text

    assert "Timed out" in log
    assert "No answer within 30 s." in log
    assert 'hx-trigger="every 1s"' in live
    assert "hx-trigger" not in still
    assert "&#34;readonly&#34;: true" in detail
    refused = alice.get("/commands/log?view=refused").text
    assert f'id="command-{failed.id}"' in refused
    assert f'id="command-{done.id}"' not in refused


def test_an_accepted_command_is_watched_until_its_effect_is_seen(alice, db, make, charger):
    now = utcnow()
    command = make(factories.command, charger, queued_at=now, settled_at=now, awaits="BootNotification")

    waiting = alice.get(f"/commands/{command.id}/row", headers=HTMX).text
    command.awaits, command.effect_at, command.effect = None, now, "booted"
    db.commit()
    seen = alice.get(f"/commands/{command.id}/row", headers=HTMX).text

    assert "waiting for it" in waiting
    assert 'hx-trigger="every 3s"' in waiting
    assert "Effect seen" in seen
    assert "booted" in seen
    assert "hx-trigger" not in seen


def test_all_chargers_with_their_last_command(alice, make, charger):
    make(factories.command, charger, action="ClearCache", payload="{}", status=CommandStatus.REJECTED)

    page = alice.get("/commands").text

    assert "Clear cache" in page
    assert "Rejected" in page


def test_the_power_plan_s_commands_do_not_hide_a_person_s(alice, make, charger):
    make(factories.command, charger, action="Reset")
    make(factories.command, charger, action="GetCompositeSchedule", payload="{}", asked_by="power plan")
    only_planned = make(factories.charger, charger.station, device_id="HE60D77")
    make(factories.command, only_planned, action="SetChargingProfile", payload="{}", asked_by="power plan")

    page = alice.get("/commands").text

    assert re.search(rf'id="c{charger.id}-last"[^>]*>\s*Reboot', page)
    assert re.search(rf'id="c{only_planned.id}-last"[^>]*>\s*Set charging profile', page)


def test_the_list_tells_what_changed_since_it_was_shown(alice, db, make, charger):
    command = make(factories.command, charger, action="Reset", status=CommandStatus.QUEUED)
    shown = re.search(r'id="live-rows" name="rows" value="([^"]+)"', alice.get("/commands").text)[1]

    same = alice.get(f"/commands/live?rows={shown}", headers=HTMX).text
    command.status, command.effect_at, charger.connectors[0].status = CommandStatus.ACCEPTED, utcnow(), "Faulted"
    db.commit()
    changed = alice.get(f"/commands/live?rows={shown}", headers=HTMX).text

    assert f'id="c{charger.id}-' not in same
    for cell, words in (("st", "Faulted"), ("last", "Reboot"), ("fate", "Accepted"), ("fate", "Effect seen")):
        assert re.search(rf'<template><td[^>]* id="c{charger.id}-{cell}" hx-swap-oob="true">.*?{words}', changed)


def test_the_live_list_tells_charlie_nothing(charlie, charger):
    response = charlie.get(f"/commands/live?rows={charger.id}.0", headers=HTMX)

    assert response.status_code == 200
    assert f"c{charger.id}-" not in response.text
