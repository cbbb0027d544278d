"""Commands over a real socket: sent as given, settled by what comes back, never late."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from domain import commands, doorbell
from domain.clock import utcnow
from domain.commands import ChargerOffline
from domain.models.chargers import Charger
from domain.models.commands import Command, CommandStatus
from domain.models.messages import Direction
from tests.ocpp_server.running import Closed, eventually, logged, rows

START = {"connectorId": 1, "idTag": "04A1B2C3", "meterStart": 100, "timestamp": "2026-11-20T11:04:00Z"}


@pytest.fixture
def ask(db, sidecar):
    """`ask(charger, action, payload)`: queued, committed, rung. The command's id."""

    def queue(charger: Charger, action: str, payload: dict, **options) -> int:
        db.refresh(charger)
        command = commands.queue(db, charger, action, payload, by="alice@example.com", now=utcnow(), **options)
        db.commit()
        doorbell.ring(sidecar.settings.instance_dir)
        return command.id

    return queue


def command(db, command_id: int) -> Command:
    (found,) = rows(db, select(Command).where(Command.id == command_id))
    return found


def settled(db, command_id: int) -> Command:
    return eventually(lambda: (found := command(db, command_id)).is_settled and found)


def called(socket) -> tuple[str, str, dict]:
    """Message id, action and payload of the next CALL."""
    kind, message_id, action, payload = json.loads(socket.receive())
    assert kind == 2
    return message_id, action, payload


def booted(connect, charger):
    socket = connect(charger)
    socket.boot()
    return socket


def test_a_command_goes_out_as_given_and_is_settled_by_its_answer(db, add_charger, connect, ask):
    charger = add_charger()
    socket = booted(connect, charger)

    command_id = ask(charger, "ChangeConfiguration", {"value": "60", "key": "HeartbeatInterval"})
    text = socket.receive()
    message_id = json.loads(text)[1]
    socket.send(f'[3, "{message_id}", {{"status": "Accepted"}}]')

    found = settled(db, command_id)
    assert text == f'[2,"{message_id}","ChangeConfiguration",{{"value":"60","key":"HeartbeatInterval"}}]'
    assert (found.status, found.response, found.error) == (CommandStatus.ACCEPTED, {"status": "Accepted"}, None)
    assert (found.sent_node, found.sent_epoch, found.message_id) == ("ocpp-1", 1, message_id)
    assert [(row.direction, row.action, row.text) for row in logged(db, charger.id)][2:] == [
        (Direction.CSMS_TO_CP, "ChangeConfiguration", text),
        (Direction.CP_TO_CSMS, "ChangeConfiguration", f'[3, "{message_id}", {{"status": "Accepted"}}]'),
    ]


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        ('[3,"{id}",{{"status":"Rejected"}}]', CommandStatus.REJECTED, None),
        ('[3,"{id}",{{"status":"NotSupported"}}]', CommandStatus.REJECTED, None),
        ('[3,"{id}",{{"status":"UnlockFailed"}}]', CommandStatus.REJECTED, None),
        ('[3,"{id}",{{"status":"Unlocked","extra":[]}}]', CommandStatus.ACCEPTED, None),
        ('[3,"{id}",{{"status":"Accepted"}}]', CommandStatus.ACCEPTED, None),
        ('[3,"{id}",{{}}]', CommandStatus.ACCEPTED, None),
        ('[4,"{id}","NotImplemented","No such thing",{{}}]', CommandStatus.REJECTED, "NotImplemented: No such thing"),
        ('[4,"{id}","NotSupported","",{{}}]', CommandStatus.REJECTED, "NotSupported"),
        ('[4,"{id}","InternalError","Broken"]', CommandStatus.FAILED, "InternalError: Broken"),
        ('[3,"{id}","Unlocked"]', CommandStatus.FAILED, "FormationViolation: The CALLRESULT holds no object."),
    ],
)
def test_what_the_charger_answers_decides(db, add_charger, connect, ask, answer, status, error):
    charger = add_charger()
    socket = booted(connect, charger)

    command_id = ask(charger, "UnlockConnector", {"connectorId": 1})
    message_id, _, _ = called(socket)
    socket.send(answer.format(id=message_id))

    found = settled(db, command_id)
    assert (found.status, found.error) == (status, error)


def test_an_answer_that_cannot_be_read_fails_the_command(db, add_charger, connect, ask):
    charger = add_charger()
    socket = booted(connect, charger)

    command_id = ask(charger, "GetConfiguration", {})
    message_id, _, _ = called(socket)
    socket.send(f'[3,"{message_id}",{{"configurationKey":[]')

    assert settled(db, command_id).status is CommandStatus.FAILED
    assert "currentTime" in socket.call("Heartbeat", {})


def test_one_call_at_a_time_and_theirs_in_between(db, add_charger, connect, ask):
    charger = add_charger()
    socket = booted(connect, charger)
    first = ask(charger, "ClearCache", {})
    second = ask(charger, "GetLocalListVersion", {})

    message_id, action, _ = called(socket)
    socket.send('[2,"mine","Heartbeat",{}]')
    mine = json.loads(socket.receive())
    waits = command(db, second).status
    socket.send(f'[3,"{message_id}",{{"status":"Accepted"}}]')
    next_id, next_action, _ = called(socket)
    socket.send(f'[3,"{next_id}",{{"listVersion":0}}]')

    assert (action, next_action) == ("ClearCache", "GetLocalListVersion")
    assert mine[:2] == [3, "mine"]
    assert waits is CommandStatus.QUEUED
    assert settled(db, first).status is CommandStatus.ACCEPTED
    assert settled(db, second).response == {"listVersion": 0}


def test_no_answer_in_time_is_a_timeout_and_the_next_one_goes_out(db, add_charger, connect, ask):
    charger = add_charger()
    socket = booted(connect, charger)
    silent = ask(charger, "ClearCache", {}, timeout_s=1)
    following = ask(charger, "GetLocalListVersion", {})

    late_id, _, _ = called(socket)
    next_id, _, _ = called(socket)
    socket.send(f'[3,"{late_id}",{{"status":"Accepted"}}]')
    socket.send(f'[3,"{next_id}",{{"listVersion":0}}]')

    assert settled(db, silent).status is CommandStatus.TIMEOUT
    assert settled(db, following).status is CommandStatus.ACCEPTED
    assert command(db, silent).status is CommandStatus.TIMEOUT
    assert [row.notes for row in logged(db, charger.id) if late_id in (row.text or "")] == [None, "B10"]


def test_three_timeouts_in_a_row_let_the_charger_redial(db, add_charger, connect, ask):
    charger = add_charger()
    socket = booted(connect, charger)

    for _ in range(3):
        ask(charger, "ClearCache", {}, timeout_s=1)

    with pytest.raises(Closed) as closed:
        for _ in range(4):
            called(socket)
    assert closed.value.code == 1001


def test_a_lost_socket_fails_what_was_sent_and_expires_what_was_not(db, add_charger, connect, ask):
    charger = add_charger()
    socket = booted(connect, charger)
    sent = ask(charger, "Reset", {"type": "Hard"})
    queued = ask(charger, "RemoteStartTransaction", {"idTag": "04A1"})
    called(socket)

    socket.drop()

    assert settled(db, sent).status is CommandStatus.FAILED
    assert settled(db, queued).status is CommandStatus.EXPIRED
    again = booted(connect, charger)
    assert again.is_silent(1.5)


def test_an_offline_charger_is_told_at_once(db, add_charger, ask):
    charger = add_charger()

    with pytest.raises(ChargerOffline, match="is offline"):
        ask(charger, "Reset", {"type": "Soft"})
    db.rollback()


def test_a_command_may_wait_for_the_charger(db, add_charger, connect, ask):
    charger = add_charger()
    command_id = ask(charger, "TriggerMessage", {"requestedMessage": "Heartbeat"}, wait_until_online_s=60)

    socket = booted(connect, charger)
    message_id, action, _ = called(socket)
    socket.send(f'[3,"{message_id}",{{"status":"Accepted"}}]')

    assert action == "TriggerMessage"
    assert settled(db, command_id).status is CommandStatus.ACCEPTED


def test_what_waited_too_long_is_never_sent(db, add_charger, connect, ask):
    charger = add_charger()
    command_id = ask(charger, "ClearCache", {}, wait_until_online_s=1)

    assert settled(db, command_id).status is CommandStatus.EXPIRED
    assert booted(connect, charger).is_silent(1.5)


def test_nothing_is_sent_before_the_boot_is_answered_and_a_moment_after(db, add_charger, connect, ask):
    charger = add_charger()
    socket = connect(charger)
    ask(charger, "ClearCache", {})

    assert socket.is_silent(1.5)
    socket.boot()
    booted_at = utcnow()
    called(socket)

    assert utcnow() - booted_at > timedelta(seconds=0.8)


@pytest.mark.slow
def test_a_charger_that_does_not_boot_again_is_asked_after_a_while(add_charger, connect, ask):
    charger = add_charger()
    socket = connect(charger)

    ask(charger, "ClearCache", {})

    assert json.loads(socket.receive(15))[2] == "ClearCache"


def test_effects_are_seen(db, add_charger, connect, ask):
    charger = add_charger()
    socket = booted(connect, charger)

    start = ask(charger, "RemoteStartTransaction", {"idTag": "04a1b2c3", "connectorId": 1})
    message_id, _, _ = called(socket)
    # Before the CALLRESULT, as some chargers do (quirk B9).
    transaction_id = socket.call("StartTransaction", START)["transactionId"]
    socket.send(f'[3,"{message_id}",{{"status":"Accepted"}}]')
    settled(db, start)
    stop = ask(charger, "RemoteStopTransaction", {"transactionId": transaction_id})
    message_id, _, _ = called(socket)
    socket.send(f'[3,"{message_id}",{{"status":"Accepted"}}]')
    socket.call("StopTransaction", {"transactionId": transaction_id, "meterStop": 200, "timestamp": START["timestamp"]})

    assert (command(db, start).effect, command(db, start).status) == ("charging on connector 1", CommandStatus.ACCEPTED)
    assert settled(db, stop).effect == "charging stopped"


def test_the_effect_of_a_reset_is_the_boot_on_the_next_socket(db, add_charger, connect, ask):
    charger = add_charger()
    socket = booted(connect, charger)
    reset = ask(charger, "Reset", {"type": "Hard"})
    message_id, _, _ = called(socket)
    socket.send(f'[3,"{message_id}",{{"status":"Accepted"}}]')
    settled(db, reset)
    assert command(db, reset).effect is None

    booted(connect, charger)

    assert (command(db, reset).effect, command(db, reset).effect_at is not None) == ("booted", True)


def test_the_doorbell_may_be_broken(db, add_charger, connect, sidecar):
    charger = add_charger()
    socket = booted(connect, charger)
    db.refresh(charger)
    commands.queue(db, charger, "ClearCache", {}, by="system", now=utcnow())
    db.commit()

    assert called(socket)[1] == "ClearCache"


def test_a_restart_leaves_nothing_hanging(db, add_charger, connect, ask, sidecar, database_url, tmp_path):
    charger = add_charger()
    socket = booted(connect, charger)
    sent = ask(charger, "ClearCache", {})
    called(socket)

    sidecar.stop()

    assert settled(db, sent).status is CommandStatus.FAILED
    assert rows(db, select(Charger.node)) == [None]
    with pytest.raises(Closed) as closed:
        socket.receive()
    assert closed.value.code == 1001
