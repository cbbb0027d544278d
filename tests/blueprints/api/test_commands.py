"""Commands through the API, from the wish to what became of it."""

import socket
import threading
import time

import pytest
from sqlalchemy import select

from domain.clock import utcnow
from domain.models.commands import Command, CommandStatus
from tests import factories
from tests.blueprints.api.conftest import fields_of
from tests.factories import NOW

RESET = {"action": "Reset", "payload": {"type": "Hard"}}


@pytest.fixture
def online(make, harbour):
    """A charger with an open socket."""
    station = make(factories.station, harbour)
    return make(factories.charger, station, device_id="ON", node="ocpp-1", ocpp_version="1.6", connected_at=NOW)


@pytest.fixture
def offline(make, harbour):
    return make(factories.charger, make(factories.station, harbour), device_id="OFF")


def test_a_command_is_queued(db, online, alice):
    answer = alice.post("/chargers/ON/commands", RESET | {"timeout_s": 45})

    command = db.scalars(select(Command)).one()
    assert answer.status_code == 202
    assert answer.json == answer.json | {"id": str(command.id), "status": "queued", "device_id": "ON", "timeout_s": 45}
    assert (command.action, command.payload, command.asked_by) == ("Reset", '{"type":"Hard"}', "api key billing")
    assert alice.get(f"/commands/{command.id}").json == answer.json


def test_the_payload_goes_out_as_given(db, online, alice):
    raw = (
        b'{"action":"ChangeConfiguration","payload":{ "value" : "\xc3\xa4 / 1" ,\n "key":"MeterValueSampleInterval" }}'
    )

    alice.send("POST", "/chargers/ON/commands", data=raw, content_type="application/json")

    assert db.scalars(select(Command.payload)).one() == '{"value":"ä / 1","key":"MeterValueSampleInterval"}'


def test_a_command_without_payload_sends_an_empty_one(db, online, alice):
    assert alice.post("/chargers/ON/commands", {"action": "ClearCache"}).status_code == 202
    assert db.scalars(select(Command.payload)).one() == "{}"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "Reset", "payload": {"type": "Medium"}}, "type"),
        ({"action": "Reset", "payload": {}}, "type"),
        ({"action": "Reset", "payload": {"type": "Hard", "colour": "red"}}, "colour"),
        ({"action": "Explode", "payload": {}}, "action"),
        ({"action": "BootNotification", "payload": {}}, "action"),
        ({"action": "Reset", "payload": "Hard"}, "payload"),
        ({"payload": {}}, "action"),
        (RESET | {"timeout_s": 0}, "timeout_s"),
        (RESET | {"timeout_s": 301}, "timeout_s"),
        (RESET | {"timeout_s": True}, "timeout_s"),
        (RESET | {"wait_until_online_s": 0}, "wait_until_online_s"),
        (RESET | {"wait_s": 3}, "wait_s"),
    ],
)
def test_what_breaks_the_schema_is_422_and_never_queued(db, online, alice, body, field):
    answer = alice.post("/chargers/ON/commands", body)

    assert answer.status_code == 422
    assert fields_of(answer) == [field]
    assert db.scalars(select(Command)).all() == []


def test_an_offline_charger_is_409(db, offline, alice):
    answer = alice.post("/chargers/OFF/commands", RESET)

    assert answer.status_code == 409
    assert answer.json["type"] == "urn:voltdesk:problem:charger-offline"
    assert db.scalars(select(Command)).all() == []


def test_a_bad_payload_is_told_before_the_charger_is_asked_for(offline, alice):
    assert alice.post("/chargers/OFF/commands", {"action": "Reset", "payload": {}}).status_code == 422


def test_a_command_may_wait_for_an_offline_charger(offline, alice):
    answer = alice.post("/chargers/OFF/commands", RESET | {"wait_until_online_s": 600})

    assert (answer.status_code, answer.json["status"]) == (202, "queued")


def test_the_sidecar_hears_the_doorbell_after_the_commit(db, settings, online, alice):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
        bell.bind(str(settings.instance_dir / "ocpp-1.bell"))
        bell.settimeout(5)

        alice.post("/chargers/ON/commands", RESET)

        assert bell.recv(10) == b"1"


def test_the_same_key_queues_once(db, online, alice):
    for _ in range(3):
        alice.post("/chargers/ON/commands", RESET, Idempotency_Key="k1")

    assert len(db.scalars(select(Command)).all()) == 1


def test_it_tells_at_once_without_waiting(online, alice):
    command_id = alice.post("/chargers/ON/commands", RESET).json["id"]
    begin = time.monotonic()

    answer = alice.get(f"/commands/{command_id}", wait_s=0)

    assert answer.json["status"] == "queued"
    assert time.monotonic() - begin < 2


def test_it_waits_no_longer_than_asked(online, alice):
    command_id = alice.post("/chargers/ON/commands", RESET).json["id"]
    begin = time.monotonic()

    answer = alice.get(f"/commands/{command_id}", wait_s="0.4")

    assert answer.json["status"] == "queued"
    assert 0.4 <= time.monotonic() - begin < 5


def test_it_answers_as_soon_as_the_command_is_settled(db, online, alice):
    command_id = alice.post("/chargers/ON/commands", RESET).json["id"]
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(alice.get(f"/commands/{command_id}", wait_s=30)))
    begin = time.monotonic()
    waiting.start()

    command = db.get(Command, int(command_id))
    command.status, command.response = CommandStatus.ACCEPTED, {"status": "Accepted"}
    command.sent_at = command.settled_at = utcnow()
    db.commit()
    waiting.join(timeout=20)

    assert time.monotonic() - begin < 15
    assert (answers[0].json["status"], answers[0].json["response"]) == ("accepted", {"status": "Accepted"})


@pytest.mark.parametrize("wait_s", ["31", "-1", "x", "1e1", "nan"])
def test_it_waits_half_a_minute_at_most(online, alice, wait_s):
    command_id = alice.post("/chargers/ON/commands", RESET).json["id"]

    assert alice.get(f"/commands/{command_id}", wait_s=wait_s).status_code == 422


def test_commands_of_a_charger_newest_first(db, online, alice):
    first, second = (alice.post("/chargers/ON/commands", RESET).json["id"] for _ in range(2))
    db.get(Command, int(first)).status = CommandStatus.EXPIRED
    db.commit()

    assert [item["id"] for item in alice.get("/chargers/ON/commands").json["items"]] == [second, first]
    assert [item["id"] for item in alice.get("/chargers/ON/commands", status="expired").json["items"]] == [first]


def test_charlie_cannot_see_it(db, online, alice, charlie):
    command_id = alice.post("/chargers/ON/commands", RESET).json["id"]

    assert charlie.post("/chargers/ON/commands", RESET).status_code == 404
    assert charlie.get("/chargers/ON/commands").status_code == 404
    assert charlie.get(f"/commands/{command_id}").status_code == 404
    assert len(db.scalars(select(Command)).all()) == 1
