from sqlalchemy import select

from domain import charger_keys
from domain.models.chargers import Charger, Connector
from domain.models.operators import AuditEvent
from tests import factories
from tests.blueprints.api.conftest import fields_of
from tests.factories import NOW

PIER = {"name": "Pier", "time_zone": "Europe/Helsinki"}


def test_a_station_comes_back_as_it_was_opened(alice):
    body = PIER | {
        "address": "Satamakatu 4", "city": "Helsinki", "country": "FI", "latitude": 60.16, "longitude": 24.95,
        "public_note": "Behind the gate.\nRing twice.", "currency": "SEK", "hold": "500",
    }  # fmt: skip

    made = alice.post("/stations", body)

    assert made.status_code == 201
    assert made.json | body == made.json | {"hold": "500"}
    assert made.json["hold"] == "500.00"
    assert made.json["tariff_id"] is None
    assert made.json["created_at"].endswith("Z")
    assert alice.get(f"/stations/{made.json['id']}").json == made.json


def test_a_station_takes_the_operators_currency_and_country(alice):
    made = alice.post("/stations", PIER).json

    assert (made["currency"], made["country"], made["hold"]) == ("EUR", "FI", "45.00")


def test_a_change_leaves_the_rest_alone(db, alice):
    station_id = alice.post("/stations", PIER | {"city": "Turku", "address": "Kai 1"}).json["id"]

    changed = alice.patch(f"/stations/{station_id}", {"name": "New pier", "city": None})

    assert changed.status_code == 200
    assert (changed.json["name"], changed.json["city"], changed.json["address"]) == ("New pier", None, "Kai 1")
    event = db.scalars(select(AuditEvent).where(AuditEvent.verb == "changed")).one()
    assert (event.actor, event.detail) == ("api key billing", {"fields": ["city", "name"]})


def test_a_new_currency_brings_its_usual_hold(alice):
    station_id = alice.post("/stations", PIER).json["id"]

    changed = alice.patch(f"/stations/{station_id}", {"currency": "JPY"}).json
    held = alice.patch(f"/stations/{station_id}", {"currency": "KWD", "hold": "12.345"}).json

    assert (changed["currency"], changed["hold"]) == ("JPY", "7000")
    assert (held["currency"], held["hold"]) == ("KWD", "12.345")


def test_it_refuses_and_names_the_field(alice):
    wrong = {
        "time_zone": "Mars/Olympus", "country": "ZZ", "currency": "XXX", "hold": "0.001", "latitude": 91,
        "name": "a\nb", "public_note": "\u0007", "payment_account_id": "1", "address": "x" * 301,
    }  # fmt: skip

    answers = {field: alice.post("/stations", PIER | {field: value}) for field, value in wrong.items()}

    assert {field: answer.status_code for field, answer in answers.items()} == dict.fromkeys(wrong, 422)
    assert {field: fields_of(answer) for field, answer in answers.items()} == {field: [field] for field in wrong}


def test_an_empty_change_is_refused(alice):
    station_id = alice.post("/stations", PIER).json["id"]

    assert alice.patch(f"/stations/{station_id}", {}).status_code == 422


def test_a_charger_is_told_its_password_once(db, alice):
    station_id = alice.post("/stations", PIER).json["id"]

    made = alice.post("/chargers", {"station_id": station_id, "device_id": "HE60D1", "device_account": "acc-1"})

    read = alice.get("/chargers/HE60D1").json
    charger = db.scalars(select(Charger)).one()
    assert made.status_code == 201
    assert charger_keys.matches(charger.password_salt, charger.password_hash, made.json["password"].encode())
    assert made.json == read | {"password": made.json["password"]}
    assert (read["status"], read["security_profile"], read["label"]) == ("offline", 1, "P-01")
    assert read["device_account"] == "acc-1"
    assert read["driver_urls"][0].startswith("http://localhost:8000/c/")
    assert "HE60D1" not in read["driver_urls"][0]


def test_a_charger_may_bring_its_password(alice):
    station_id = alice.post("/stations", PIER).json["id"]
    body = {"station_id": station_id, "device_id": "HE60D1", "password": "carry-on-0815", "security_profile": 2}

    made = alice.post("/chargers", body)

    assert (made.json["password"], made.json["security_profile"]) == ("carry-on-0815", 2)


def test_a_device_id_exists_once_in_the_world(alice, charlie):
    ours = alice.post("/stations", PIER).json["id"]
    theirs = charlie.post("/stations", PIER).json["id"]
    alice.post("/chargers", {"station_id": ours, "device_id": "HE60D1"})

    answer = charlie.post("/chargers", {"station_id": theirs, "device_id": "HE60D1"})

    assert answer.status_code == 409
    assert answer.json["type"] == "urn:voltdesk:problem:device-id-taken"


def test_a_charger_is_refused_with_its_field(alice):
    station_id = alice.post("/stations", PIER).json["id"]
    good = {"station_id": station_id, "device_id": "HE60D1"}
    wrong = {
        "device_id": "a/b", "station_id": "999", "password": "short", "security_profile": 3, "label": "a\tb",
        "device_account": 7,
    }  # fmt: skip

    answers = {field: alice.post("/chargers", good | {field: value}) for field, value in wrong.items()}

    assert {field: answer.status_code for field, answer in answers.items()} == dict.fromkeys(wrong, 422)
    assert {field: fields_of(answer) for field, answer in answers.items()} == {field: [field] for field in wrong}


def test_a_charger_moves_and_changes(alice):
    first, second = (alice.post("/stations", PIER | {"name": name}).json["id"] for name in ("First", "Second"))
    alice.post("/chargers", {"station_id": first, "device_id": "HE 60.D1"})
    new = {"station_id": second, "label": "Left", "security_profile": 2, "clock_zone": "Asia/Shanghai"}

    changed = alice.patch("/chargers/HE%2060.D1", new)

    assert changed.status_code == 200
    assert changed.json == changed.json | new


def test_a_security_profile_is_not_lowered(alice):
    station_id = alice.post("/stations", PIER).json["id"]
    alice.post("/chargers", {"station_id": station_id, "device_id": "HE60D1", "security_profile": 2})

    answer = alice.patch("/chargers/HE60D1", {"security_profile": 1})

    assert fields_of(answer) == ["security_profile"]


def test_chargers_are_found_by_station_device_and_status(make, harbour, alice):
    pier, mole = (make(factories.station, harbour, name=name) for name in ("Pier", "Mole"))
    make(factories.charger, pier, device_id="A")
    make(factories.charger, pier, device_id="B", node="ocpp-1", connected_at=NOW)
    make(factories.charger, mole, device_id="C")

    def found(**query):
        return [charger["device_id"] for charger in alice.get("/chargers", **query).json["items"]]

    assert found() == ["A", "B", "C"]
    assert found(station_id=pier.id) == ["A", "B"]
    assert found(station_id="nonsense") == []
    assert found(device_id="C") == ["C"]
    assert found(status="online") == ["B"]
    assert found(status="offline", station_id=pier.id) == ["A"]
    assert found(since="2026-11-20T11:04:01Z") == []
    assert found(until="2026-11-20T13:04:01+02:00") == ["A", "B", "C"]


def test_connectors_tell_status_error_and_since(db, make, harbour, alice):
    charger = make(factories.charger, make(factories.station, harbour), connectors=1, device_id="HE60D1")
    db.add(Connector(charger_id=charger.id, number=0, status="Faulted", error_code="GroundFailure", status_at=NOW))
    db.commit()

    answer = alice.get("/chargers/HE60D1/connectors").json

    told = [(plug["id"], plug["status"], plug["error_code"], plug["since"]) for plug in answer["items"]]
    assert told == [
        ("0", "Faulted", "GroundFailure", "2026-11-20T11:04:00Z"),
        ("1", "Available", None, "2026-11-20T11:04:00Z"),
    ]
    assert answer["next_cursor"] is None


def test_charlie_cannot_see_it(make, harbour, alice, charlie):
    station = make(factories.station, harbour)
    make(factories.charger, station, device_id="HE60D1")
    own = charlie.post("/stations", PIER).json["id"]

    statuses = [
        charlie.get(f"/stations/{station.id}").status_code,
        charlie.patch(f"/stations/{station.id}", {"name": "Mine"}).status_code,
        charlie.put(f"/stations/{station.id}/tariff", {"tariff_id": "1"}).status_code,
        charlie.get("/chargers/HE60D1").status_code,
        charlie.patch("/chargers/HE60D1", {"label": "Mine"}).status_code,
        charlie.get("/chargers/HE60D1/connectors").status_code,
        charlie.get("/chargers/HE60D1/messages").status_code,
    ]

    assert statuses == [404] * 7
    assert charlie.post("/chargers", {"station_id": str(station.id), "device_id": "X"}).status_code == 422
    assert [item["id"] for item in charlie.get("/stations").json["items"]] == [own]
    assert charlie.get("/chargers").json["items"] == []
    assert alice.get(f"/stations/{station.id}").json["name"] == "Harbour Garage"


def test_charlie_cannot_move_a_charger_into_a_foreign_station(make, harbour, charlie):
    foreign = make(factories.station, harbour)
    own = charlie.post("/stations", PIER).json["id"]
    charlie.post("/chargers", {"station_id": own, "device_id": "X"})

    answer = charlie.patch("/chargers/X", {"station_id": str(foreign.id)})

    assert answer.status_code == 422
    assert charlie.get("/chargers/X").json["station_id"] == own


def test_charlie_cannot_use_a_foreign_payment_account(make, harbour, charlie):
    account = make(factories.payment_account, harbour)

    answer = charlie.post("/stations", PIER | {"payment_account_id": str(account.id)})

    assert fields_of(answer) == ["payment_account_id"]
