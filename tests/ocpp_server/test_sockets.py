"""What happens on an open socket: order, repetition, takeover, violations, floods."""

import json
import socket as sockets
import struct

import pytest
from sqlalchemy import func, select

from domain.models.chargers import Charger, ChargerEvent
from domain.models.charging import ChargingSession
from domain.models.messages import Direction
from tests.ocpp_server.running import Closed, eventually, logged, rows

START = {"connectorId": 1, "idTag": "04A1B2C3", "meterStart": 100, "timestamp": "2026-11-20T11:04:00Z"}


def frame(message_id: str, action: str, payload: dict) -> str:
    return json.dumps([2, message_id, action, payload])


def close_code(socket) -> int | None:
    with pytest.raises(Closed) as closed:
        while True:
            socket.receive()
    return closed.value.code


def test_many_calls_at_once_are_answered_in_order(db, add_charger, connect):
    charger = add_charger()
    socket = connect(charger)

    for number in range(100):
        socket.send(frame(str(number), "Heartbeat", {}))

    assert [json.loads(socket.receive())[1] for _ in range(100)] == [str(number) for number in range(100)]
    assert len(logged(db, charger.id)) == 200


def test_the_same_call_again_gets_the_same_answer_and_makes_nothing_new(db, add_charger, connect):
    charger = add_charger()
    socket = connect(charger)
    start = frame("7", "StartTransaction", START)

    socket.send(start)
    socket.send(start)
    first, second = socket.receive(), socket.receive()
    socket.send(start)
    third = socket.receive()

    assert first == second == third
    assert rows(db, select(func.count()).select_from(ChargingSession)) == [1]
    assert [row.notes for row in logged(db, charger.id) if row.direction is Direction.CP_TO_CSMS] == [
        None, "B7", "B7",
    ]  # fmt: skip


def test_the_same_id_with_another_call_is_another_call(add_charger, connect):
    socket = connect(add_charger())

    first = socket.call("StartTransaction", START, "1")
    second = socket.call("StartTransaction", START | {"meterStart": 200}, "1")

    assert first["transactionId"] != second["transactionId"]


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("Reset", {"type": "Hard"}, "NotSupported"),
        ("MakeCoffee", {}, "NotImplemented"),
        ("heartbeat", {}, "NotImplemented"),
        ("Authorize", {}, "OccurenceConstraintViolation"),
        ("Authorize", {"idTag": []}, "TypeConstraintViolation"),
        (
            "StatusNotification",
            {"connectorId": 1, "errorCode": "NoError", "status": "Happy"},
            "PropertyConstraintViolation",
        ),
        (
            "StatusNotification",
            {"connectorId": True, "errorCode": "NoError", "status": "Available"},
            "TypeConstraintViolation",
        ),
        ("Authorize", {"idTag": "x" * 300}, "PropertyConstraintViolation"),
    ],
)
def test_what_breaks_the_schema_gets_its_code_and_the_socket_lives(add_charger, connect, action, payload, code):
    socket = connect(add_charger())

    answer = socket.call(action, payload)

    assert answer[0] == 4
    assert answer[2] == code
    assert len(answer) == 5
    assert answer[4] == {}
    assert "currentTime" in socket.call("Heartbeat", {})


def test_an_unknown_notification_is_accepted_with_nothing(db, add_charger, connect):
    charger = add_charger()

    answer = connect(charger).call("TemperatureNotification", {"celsius": 40})

    assert answer == {}
    assert logged(db, charger.id)[0].notes == "A16"


def test_noise_is_logged_and_not_answered(db, add_charger, connect):
    charger = add_charger()
    socket = connect(charger)

    for text in ("hello", "", "[]", '[3,"nobody-asked",{}]', '[4,"nobody-asked","InternalError","",{}]', "a\0b"):
        socket.send(text)
    socket.send(b"\x00\xff binary", 2)

    assert "currentTime" in socket.call("Heartbeat", {})
    found = logged(db, charger.id)
    assert [(row.text, row.raw, row.is_binary) for row in found[:-2]] == [
        ("hello", None, False),
        ("", None, False),
        ("[]", None, False),
        ('[3,"nobody-asked",{}]', None, False),
        ('[4,"nobody-asked","InternalError","",{}]', None, False),
        (None, b"a\0b", False),
        (None, b"\x00\xff binary", True),
    ]


def test_text_that_is_not_utf_8_is_kept_and_ends_the_socket(db, add_charger, connect):
    charger = add_charger()
    socket = connect(charger)

    socket.send(b'[2,"1","Heartbeat",{"x":"\xff\xfe"}]')

    assert close_code(socket) == 1007
    kept = eventually(lambda: logged(db, charger.id))
    assert [(row.text, row.raw) for row in kept] == [(None, b'[2,"1","Heartbeat",{"x":"\xff\xfe"}]')]


def test_a_message_may_come_in_pieces(add_charger, connect):
    socket = connect(add_charger())

    socket.send('[2,"1","Heart', fin=False)
    socket.send(b"", 9)
    socket.send('beat",{}]', 0)

    assert json.loads(socket.receive())[:2] == [3, "1"]


@pytest.mark.parametrize(
    ("violate", "code"),
    [
        (lambda socket: socket.send('[2,"1","Heartbeat",{}]', masked=False), 1002),
        (lambda socket: socket.send("x", 3), 1002),
        (lambda socket: socket.send("x", 0), 1002),
        (lambda socket: socket.send("x" * 126, 9), 1002),
        (lambda socket: socket.send("x", 9, fin=False), 1002),
        (lambda socket: socket.send("x" * (256 * 1024 + 1)), 1009),
        (lambda socket: socket.socket.sendall(b"\xf1\x80\0\0\0\0"), 1002),
        (lambda socket: socket.send(struct.pack("!H", 1005), 8), 1002),
        (lambda socket: socket.send(b"\x03", 8), 1002),
    ],
)  # fmt: skip
def test_a_violation_of_the_protocol_closes_with_the_right_code(db, add_charger, connect, violate, code):
    socket = connect(add_charger())

    violate(socket)

    assert close_code(socket) == code
    assert eventually(lambda: rows(db, select(Charger.node)) == [None])


def test_the_largest_message_is_taken(db, add_charger, connect):
    charger = add_charger()
    socket = connect(charger)
    text = frame("1", "DataTransfer", {"vendorId": "V", "data": "x" * (256 * 1024 - 70)})

    socket.send(text)

    assert json.loads(socket.receive())[0] == 3
    assert logged(db, charger.id)[0].text == text


def test_the_newest_socket_wins(db, add_charger, connect):
    charger = add_charger()
    old = connect(charger)
    old.boot()

    new = connect(charger)

    assert close_code(old) == 1001
    assert "currentTime" in new.call("Heartbeat", {})
    assert rows(db, select(Charger.epoch)) == [2]
    assert eventually(lambda: rows(db, select(Charger.node)) == ["ocpp-1"])
    takeovers = select(ChargerEvent.kind).where(ChargerEvent.kind == "takeover")
    assert rows(db, takeovers) == ["takeover"]


def test_a_wrong_password_takes_nothing_over(add_charger, connect):
    charger = add_charger()
    old = connect(charger)

    with pytest.raises(Exception, match="401"):
        connect(charger, "wrong-wrong-wrong")

    assert "currentTime" in old.call("Heartbeat", {})


def test_many_takeovers_are_told(db, add_charger, connect):
    charger = add_charger()

    for _ in range(6):
        connect(charger)

    flags = select(ChargerEvent.summary).where(ChargerEvent.kind == "flag")
    assert rows(db, flags) == ["More than 3 takeovers in 10 minutes: do two devices use this identity?"]


def test_another_chargers_transaction_is_untouched(db, add_charger, connect):
    victim, thief = add_charger(), add_charger()
    transaction_id = connect(victim).call("StartTransaction", START)["transactionId"]

    stop = {"transactionId": transaction_id, "meterStop": 0, "timestamp": "2026-11-20T11:05:00Z"}
    answer = connect(thief).call("StopTransaction", stop)

    assert answer == {}
    (untouched,) = rows(db, select(ChargingSession).where(ChargingSession.charger_id == victim.id))
    assert (untouched.stopped_at, untouched.meter_stop_wh) == (None, None)


def test_more_than_the_allowance_is_slowed_down_not_cut_off(add_charger, connect):
    socket = connect(add_charger())

    for number in range(620):
        socket.send(frame(str(number), "Heartbeat", {}))
    ids = [json.loads(socket.receive())[1] for _ in range(620)]

    assert ids == [str(number) for number in range(620)]


def test_a_charger_that_reads_nothing_holds_up_nobody(add_charger, connect):
    greedy, honest = connect(add_charger()), connect(add_charger())
    greedy.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    greedy.socket.settimeout(0.2)

    with pytest.raises(TimeoutError):
        while True:
            greedy.send("x" * 100_000, 1)

    assert "currentTime" in honest.call("Heartbeat", {})


@pytest.mark.slow
def test_a_stranger_who_says_nothing_is_cut_off_after_ten_seconds(sidecar):
    with sockets.create_connection(("127.0.0.1", sidecar.port), timeout=15) as silent:
        silent.sendall(b"GET / HTTP/1.1\r\n")

        assert silent.recv(100) == b""
