from datetime import timedelta

import pytest

from domain.models.charging import MeterValue, SessionStatus
from domain.models.messages import Direction, Message
from domain.models.orders import OrderLine, OrderStatus
from tests import factories
from tests.factories import NOW


@pytest.fixture
def charger(make, harbour):
    return make(factories.charger, make(factories.station, harbour), device_id="HE60D1")


def test_a_session_is_told_with_its_meter_values(db, make, charger, alice):
    charging = make(
        factories.charging, charger, transaction_id="123456", connector_number=2, started_at=NOW,
        stopped_at=NOW + timedelta(hours=1), stop_reason="Local", flags=["clock_ahead"], power_w=11_000,
    )  # fmt: skip
    order = make(factories.order, charging)
    samples = [
        {"value": "1.5", "unit": "kWh"},
        {"value": "11000", "measurand": "Power.Active.Import", "unit": "W", "phase": "L1", "context": "Other"},
    ]
    db.add(
        MeterValue(
            charger_id=charger.id,
            connector_number=2,
            charging_session_id=charging.id,
            at=NOW,
            received_at=NOW,
            energy_wh=1500,
            samples=samples,
        )  # fmt: skip
    )
    db.commit()

    answer = alice.get(f"/sessions/{charging.id}").json

    assert answer == {
        "id": str(charging.id),
        "device_id": "HE60D1",
        "station_id": str(charger.station_id),
        "connector_id": "2",
        "transaction_id": "123456",
        "token": "04A1B2C3",
        "status": "completed",
        "started_at": "2026-11-20T11:04:00Z",
        "stopped_at": "2026-11-20T12:04:00Z",
        "meter_start_wh": 1000,
        "meter_stop_wh": 11000,
        "energy_wh": 10000,
        "power_w": 11000,
        "soc_percent": None,
        "stop_reason": "Local",
        "flags": ["clock_ahead"],
        "tariff_id": None,
        "order_id": str(order.id),
        "meter_values": [
            {
                "at": "2026-11-20T11:04:00Z", "measurand": "Energy.Active.Import.Register", "value": "1.5",
                "unit": "kWh", "context": "Sample.Periodic", "phase": None, "location": "Outlet", "energy_wh": 1500,
            },
            {
                "at": "2026-11-20T11:04:00Z", "measurand": "Power.Active.Import", "value": "11000", "unit": "W",
                "context": "Other", "phase": "L1", "location": "Outlet", "energy_wh": None,
            },
        ],
    }  # fmt: skip
    del answer["meter_values"]
    assert alice.get("/sessions").json["items"] == [answer]


def test_sessions_are_found_by_what_is_known_of_them(make, harbour, charger, alice):
    other = make(factories.charger, make(factories.station, harbour), device_id="OTHER")
    one = make(factories.charging, charger, started_at=NOW, transaction_id="7")
    two = make(factories.charging, charger, started_at=NOW + timedelta(hours=1), status=SessionStatus.ACTIVE)
    three = make(factories.charging, other, started_at=NOW + timedelta(hours=2), id_tag="CARD")

    def found(**query):
        return [int(item["id"]) for item in alice.get("/sessions", **query).json["items"]]

    assert found() == [three.id, two.id, one.id]
    assert found(device_id="HE60D1") == [two.id, one.id]
    assert found(station_id=other.station_id) == [three.id]
    assert found(status="active") == [two.id]
    assert found(transaction_id="7") == [one.id]
    assert found(token="CARD") == [three.id]
    assert found(since="2026-11-20T12:04:00Z") == [three.id, two.id]
    assert found(until="2026-11-20T12:04:00Z") == [one.id]


def test_an_order_is_told_with_its_lines(db, make, charger, alice):
    order = make(factories.order, make(factories.charging, charger), number="VD-2026-000007", flags=["review"])
    db.add(
        OrderLine(
            order_id=order.id,
            position=1,
            kind="ENERGY",
            label="Peak",
            quantity="10",
            unit="kWh",
            unit_price="0.40",
            vat_rate="25.5",
            net_exact="4",
            net_minor=400,
            vat_minor=102,
            gross_minor=502,
        )  # fmt: skip
    )
    db.commit()

    answer = alice.get(f"/orders/{order.id}").json

    assert answer == {
        "id": str(order.id),
        "number": "VD-2026-000007",
        "session_id": str(order.charging_session_id),
        "station_id": str(charger.station_id),
        "device_id": "HE60D1",
        "status": "unpaid",
        "currency": "EUR",
        "total_excl_vat": "4.00",
        "total_vat": "1.02",
        "total_incl_vat": "5.02",
        "shortfall": "0.00",
        "lines": [
            {
                "type": "ENERGY", "label": "Peak", "quantity": "10", "unit": "kWh", "price": "0.40", "vat": "25.5",
                "excl_vat": "4.00", "vat_amount": "1.02", "incl_vat": "5.02",
            }
        ],
        "token": "04A1B2C3",
        "payment": None,
        "flags": ["review"],
        "created_at": "2026-11-20T11:04:00Z",
    }  # fmt: skip
    assert alice.get("/orders").json["items"] == [answer]


def test_orders_are_found_by_what_is_known_of_them(make, charger, alice):
    one = make(factories.order, make(factories.charging, charger), number="VD-1")
    two = make(factories.order, make(factories.charging, charger), status=OrderStatus.OPEN)

    def found(**query):
        return [int(item["id"]) for item in alice.get("/orders", **query).json["items"]]

    assert found() == [two.id, one.id]
    assert found(status="open") == [two.id]
    assert found(session_id=one.charging_session_id) == [one.id]
    assert found(number="VD-1") == [one.id]
    assert found(device_id="HE60D1", station_id=charger.station_id) == [two.id, one.id]
    assert found(since="2026-11-20T11:04:01Z") == []


def test_messages_come_oldest_first_and_exactly(db, charger, alice):
    def log(seconds, direction, **values):
        at = NOW + timedelta(seconds=seconds)
        db.add(Message(charger_id=charger.id, at=at, direction=direction, **values))
        db.flush()

    log(0, Direction.CP_TO_CSMS, text='[2,"1","Heartbeat",{} ]', action="Heartbeat")
    log(1, Direction.CSMS_TO_CP, text='[3,"1",{"currentTime":"2026-11-20T11:04:00Z"}]', action="Heartbeat")
    log(2, Direction.CP_TO_CSMS, raw=b"\x00\xffA", is_binary=True)
    log(3, Direction.CP_TO_CSMS, raw=b'[2,"\xff"', notes="B1 B4")
    log(4, Direction.CP_TO_CSMS, text="")
    db.commit()

    items = alice.get("/chargers/HE60D1/messages").json["items"]

    told = [(item["direction"], item["text"], item["binary"], item["bytes_base64"], item["notes"]) for item in items]
    assert told == [
        ("cp_to_csms", '[2,"1","Heartbeat",{} ]', False, None, []),
        ("csms_to_cp", '[3,"1",{"currentTime":"2026-11-20T11:04:00Z"}]', False, None, []),
        ("cp_to_csms", "00ff41", True, None, []),
        ("cp_to_csms", '[2,"\ufffd"', False, "WzIsIv8i", ["B1", "B4"]),
        ("cp_to_csms", "", False, None, []),
    ]
    assert [item["at"] for item in items][:2] == ["2026-11-20T11:04:00Z", "2026-11-20T11:04:01Z"]
    assert len(alice.get("/chargers/HE60D1/messages", action="Heartbeat").json["items"]) == 2
    assert len(alice.get("/chargers/HE60D1/messages", direction="csms_to_cp").json["items"]) == 1
    assert len(alice.get("/chargers/HE60D1/messages", since="2026-11-20T11:04:03Z").json["items"]) == 2


def test_settlements_are_listed_newest_first_and_nobody_elses(alice, charlie, make, harbour):
    make(factories.settlement, harbour)
    make(factories.settlement, harbour, status="settled", settled_at=NOW)

    found = alice.get("/settlements").json["items"]

    assert [(each["number"], each["status"]) for each in found] == [
        ("S-2026-0002", "settled"),
        ("S-2026-0001", "applied"),
    ]
    assert (found[0]["captured"], found[0]["fee"], found[0]["payable"]) == ("5.02", "0.35", "4.67")
    assert [each["number"] for each in alice.get("/settlements", status="applied").json["items"]] == ["S-2026-0001"]
    assert charlie.get("/settlements").json == {"items": [], "next_cursor": None}


def test_charlie_cannot_see_it(make, charger, charlie):
    order = make(factories.order, make(factories.charging, charger))

    assert charlie.get(f"/sessions/{order.charging_session_id}").status_code == 404
    assert charlie.get(f"/orders/{order.id}").status_code == 404
    assert charlie.post(f"/orders/{order.id}/refund", {}).status_code == 404
    assert charlie.get("/sessions").json["items"] == []
    assert charlie.get("/orders").json["items"] == []
    assert charlie.get("/sessions", device_id="HE60D1").json["items"] == []
    assert charlie.get("/chargers/HE60D1/messages").status_code == 404
