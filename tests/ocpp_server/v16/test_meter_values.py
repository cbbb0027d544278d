"""Meter values on the wire: where they belong, and what they move."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.models.charging import ChargingSession, MeterValue, SessionStatus
from tests.factories import NOW

START = {"connectorId": 1, "idTag": "04A1B2C3", "meterStart": 1000, "timestamp": "2026-11-20T11:04:00Z"}


def values(energy: str, minute: int, transaction_id: int | None = None, **sample: str) -> dict:
    payload = {
        "connectorId": 1,
        "meterValue": [
            {
                "timestamp": f"2026-11-20T11:{minute:02}:00Z",
                "sampledValue": [{"value": energy, "measurand": "Energy.Active.Import.Register"} | sample],
            }
        ],
    }
    return payload if transaction_id is None else payload | {"transactionId": transaction_id}


def at(minute: int):
    return NOW + timedelta(minutes=minute - 4)


@pytest.fixture
def started(says) -> int:
    return says("StartTransaction", START, NOW)["transactionId"]


def stop(says, transaction_id: int, meter: int = 5000, minute: int = 30) -> None:
    payload = {"transactionId": transaction_id, "meterStop": meter, "timestamp": f"2026-11-20T11:{minute}:00Z"}
    says("StopTransaction", payload, at(minute))


def the_session(db) -> ChargingSession:
    return db.scalars(select(ChargingSession).execution_options(populate_existing=True)).one()


def test_the_session_advances(db, says, started):
    says("MeterValues", values("1.5", 10, started, unit="kWh"), at(10))
    payload = values("2000", 11, started)
    payload["meterValue"][0]["sampledValue"] += [
        {"value": "7.2", "measurand": "Power.Active.Import", "unit": "kW"},
        {"value": "68", "measurand": "SoC", "unit": "Percent"},
    ]
    says("MeterValues", payload, at(11))

    charging = the_session(db)
    first, second = db.scalars(select(MeterValue).order_by(MeterValue.id)).all()
    assert (charging.energy_wh, charging.last_meter_wh, charging.last_meter_at) == (1000, 2000, at(11))
    assert (charging.power_w, charging.soc_percent) == (7200, 68)
    assert (first.energy_wh, second.energy_wh, second.power_w, second.soc_percent) == (1500, 2000, 7200, 68)
    assert second.samples[0] == {"value": "2000", "measurand": "Energy.Active.Import.Register"}
    assert charging.flags == []


@pytest.mark.parametrize("transaction_id", [None, 0, -1])
def test_f8_f11_without_an_id_the_open_session_of_the_plug_gets_them(db, says, started, transaction_id):
    says("MeterValues", values("2000", 10, transaction_id), at(10))

    assert the_session(db).energy_wh == 1000
    assert the_session(db).flags == []


def test_f8_on_a_free_plug_they_are_kept_without_a_session(db, says):
    says("MeterValues", values("0", 10), at(10))
    says("MeterValues", values("0", 10), at(11))

    assert db.scalars(select(MeterValue.charging_session_id)).all() == [None]


def test_connector_0_says_nothing_about_a_plug(db, says, started):
    says("MeterValues", values("734600", 10) | {"connectorId": 0}, at(10))

    assert the_session(db).energy_wh == 0
    assert db.scalars(select(MeterValue.charging_session_id)).all() == [None]


def test_a_message_told_twice_is_stored_once(db, says, started):
    for _ in range(3):
        says("MeterValues", values("2000", 10, started), at(12))

    assert len(db.scalars(select(MeterValue)).all()) == 1


def test_e8_an_older_value_moves_nothing(db, says, started):
    says("MeterValues", values("3000", 20, started), at(20))

    says("MeterValues", values("2000", 10, started), at(21))

    charging = the_session(db)
    assert (charging.energy_wh, charging.last_meter_wh, charging.last_meter_at) == (2000, 3000, at(20))
    assert charging.flags == []


def test_a_dip_is_flagged_and_takes_nothing_back(db, says, started):
    says("MeterValues", values("3000", 10, started), at(10))
    says("MeterValues", values("2500", 11, started), at(11))

    assert the_session(db).energy_wh == 2000
    assert the_session(db).flags == ["meter_dip"]


def test_a_reset_during_the_session_adds_both_parts(db, says, started):
    says("MeterValues", values("5000", 10, started), at(10))
    says("MeterValues", values("0", 11, started), at(11))
    says("MeterValues", values("300", 12, started), at(12))

    stop(says, started, meter=400)

    charging = the_session(db)
    assert charging.energy_wh == 4400
    assert {"meter_dip", "meter_reset"} <= set(charging.flags)


def test_a_lifetime_register_against_a_start_of_zero_is_not_counted(db, says):
    started = says("StartTransaction", START | {"meterStart": 0}, NOW)["transactionId"]

    says("MeterValues", values("17137228.43", 10, started), at(10))

    assert the_session(db).energy_wh == 0
    assert the_session(db).flags == ["meter_implausible"]


@pytest.mark.parametrize("minute", [29, 31])
def test_f10_values_of_the_end_just_after_the_stop_join_and_revive_nothing(db, says, started, minute):
    stop(says, started)

    says("MeterValues", values("5000", minute, started, context="Transaction.End"), at(31))

    charging = the_session(db)
    assert (charging.status, charging.energy_wh, charging.flags) == (SessionStatus.COMPLETED, 4000, [])
    assert db.scalars(select(MeterValue.charging_session_id)).all() == [charging.id]


def test_f14_a_late_end_that_contradicts_is_flagged(db, says, started):
    stop(says, started)

    says("MeterValues", values("5111", 30, started, context="Transaction.End"), at(31))

    assert the_session(db).energy_wh == 4000
    assert the_session(db).flags == ["meter_stop_differs"]


def test_f9_a_stale_id_months_later_reopens_nothing(db, says, started):
    stop(says, started)

    payload = values("9000", 30, started)
    payload["meterValue"][0]["timestamp"] = "2027-02-20T11:04:00Z"
    says("MeterValues", payload, NOW + timedelta(days=92))

    charging = the_session(db)
    assert (charging.status, charging.energy_wh, charging.meter_stop_wh) == (SessionStatus.COMPLETED, 4000, 5000)


def test_f9_a_stale_id_during_the_next_session_counts_for_that_one(db, says, started):
    stop(says, started)
    start = START | {"meterStart": 5000, "timestamp": "2026-11-20T11:45:00Z"}
    says("StartTransaction", start, at(45))

    says("MeterValues", values("6000", 50, started), at(50))

    old, new = db.scalars(select(ChargingSession).order_by(ChargingSession.id)).all()
    db.refresh(new)
    assert (old.energy_wh, new.energy_wh) == (4000, 1000)
    assert new.reported_transaction_id == str(started)
    assert new.flags == ["foreign_transaction_id"]


def test_f4_f20_an_id_that_nobody_gave_is_remembered_at_the_open_session(db, says, started):
    for minute in (10, 11):
        says("MeterValues", values("2000", minute, 9223372036854775807), at(minute))

    charging = the_session(db)
    assert charging.energy_wh == 1000
    assert charging.reported_transaction_id == "9223372036854775807"
    assert charging.flags == ["foreign_transaction_id"]


def test_d7_without_samples_nothing_is_stored(db, says, started):
    says.frame(
        '[2,"7106e13d","MeterValues",{\n "connectorId": 1,\n "meterValue": [\n {"timestamp": "2022-03-29T19:15:00Z",'
        '\n "sampledValue": []\n }]}]'
    )

    assert db.scalars(select(MeterValue)).all() == []


def test_d11_signed_samples_are_kept_byte_for_byte(db, says, started):
    signed = 'OCMF|{"FV":"1.0"}|{"SD":"3045"}'
    payload = values("2000", 10, started)
    payload["meterValue"][0]["sampledValue"].append({"value": signed, "format": "SignedData"})

    says("MeterValues", payload, at(10))

    assert db.scalars(select(MeterValue.samples)).one()[1] == {"value": signed, "format": "SignedData"}


def test_transaction_data_of_the_stop_belongs_to_the_session_once(db, says, started):
    payload = {
        "transactionId": started,
        "meterStop": 5000,
        "timestamp": "2026-11-20T11:30:00Z",
        "transactionData": values("1000", 4)["meterValue"] + values("5000", 30)["meterValue"],
    }

    says("StopTransaction", payload, at(30))
    says("StopTransaction", payload, at(31))

    charging = the_session(db)
    stored = db.execute(select(MeterValue.charging_session_id, MeterValue.energy_wh).order_by(MeterValue.id)).all()
    assert stored == [(charging.id, 1000), (charging.id, 5000)]


def test_a_refused_session_shows_what_is_delivered_all_the_same(db, says):
    started = says("StartTransaction", START | {"idTag": "ElecqAutoStart"}, NOW)["transactionId"]

    says("MeterValues", values("2000", 10, started), at(10))

    assert (the_session(db).status, the_session(db).energy_wh) == (SessionStatus.REFUSED, 1000)


def test_d4_d12_what_cannot_be_is_flagged_once(db, says, started):
    for minute in (10, 11):
        payload = values("2000", minute, started)
        payload["meterValue"][0]["sampledValue"] += [
            {"value": "0.0", "measurand": "Voltage", "unit": "V"},
            {"value": "16", "measurand": "Current.Import", "unit": "A"},
            {"value": "3680", "measurand": "Power.Active.Import", "unit": "W"},
            {"value": "49.9", "measurand": "Frequency", "unit": "W"},
        ]
        says("MeterValues", payload, at(minute))

    assert set(the_session(db).flags) == {"unit_implausible", "power_implausible"}
