"""Statuses on the wire: section G of what real chargers do."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from domain.errors import Refused
from domain.models.chargers import ChargerEvent, Connector
from domain.models.charging import ChargingSession, SessionStatus
from tests.factories import NOW


def status(word: str, time: str | None = None, connector: int = 1, error: str = "NoError", **rest: str) -> dict:
    payload = {"connectorId": connector, "errorCode": error, "status": word} | rest
    return payload if time is None else payload | {"timestamp": f"2026-11-20T{time}Z"}


def the_connector(db, number: int = 1) -> Connector:
    return db.scalars(
        select(Connector).where(Connector.number == number).execution_options(populate_existing=True)
    ).one()


def events(db) -> list[str]:
    return list(db.scalars(select(ChargerEvent.summary).order_by(ChargerEvent.at, ChargerEvent.id)))


def test_g5_connectors_are_made_when_heard_of(db, says):
    for number in (0, 3, 4):
        says("StatusNotification", status("Preparing", "11:04:00", connector=number))

    assert db.scalars(select(Connector.number).order_by(Connector.number)).all() == [0, 3, 4]


def test_g6_the_same_status_again_is_no_news(db, says):
    for second in ("00", "00", "01", "02"):
        says("StatusNotification", status("Preparing", f"11:04:{second}"))

    connector = the_connector(db)
    assert events(db) == ["Preparing"]
    assert connector.status_at == NOW
    assert connector.reported_at == NOW + timedelta(seconds=2)


def test_e8_an_older_status_joins_the_timeline_and_not_the_live_view(db, says):
    says("StatusNotification", status("Available", "11:04:00"), NOW)

    for _ in range(2):
        says("StatusNotification", status("Charging", "08:00:00"), NOW)

    assert the_connector(db).status == "Available"
    assert events(db) == ["Charging", "Available"]


def test_two_statuses_of_the_same_second_count_in_order_and_once(db, says):
    for word in ("Preparing", "Charging", "Preparing"):
        says("StatusNotification", status(word, "11:04:00"))

    assert the_connector(db).status == "Charging"
    assert events(db) == ["Preparing", "Charging"]


def test_c5_without_a_time_that_of_receipt_counts(db, says):
    says("StatusNotification", status("Preparing"), NOW)
    says("StatusNotification", status("Charging"), NOW + timedelta(seconds=5))

    assert the_connector(db).status == "Charging"
    assert the_connector(db).status_at == NOW + timedelta(seconds=5)


def test_e3_a_clock_that_was_never_set_does_not_hide_the_status(db, says):
    says("StatusNotification", status("Available", "11:04:00"), NOW)

    says.frame(
        '[2,"1000002","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Preparing",'
        '"timestamp":"1970-01-01T00:00:00.750Z"}]'
    )

    assert the_connector(db).status == "Preparing"


def test_g3_a_fault_of_the_charger_leaves_the_plug_alone(db, says):
    says("StatusNotification", status("Charging", "11:04:00"))

    says("StatusNotification", status("Faulted", "09:00:00", connector=0, error="OtherError", info="Modbus lost"))

    assert the_connector(db, 0).status == "Faulted"
    assert the_connector(db, 1).status == "Charging"


def test_g4_the_last_real_fault_stays_readable(db, says):
    says("StatusNotification", status("Faulted", "11:04:00", error="GroundFailure"))
    says("StatusNotification", status("Faulted", "11:04:05"))

    connector = the_connector(db)
    assert (connector.status, connector.error_code, connector.last_fault) == ("Faulted", "NoError", "GroundFailure")


def test_d1_an_unknown_error_is_told_in_the_chargers_words(db, says):
    says.frame(
        '[2,"28240181849166013077","StatusNotification",{"connectorId":0,"errorCode":"Error","status":"Faulted",'
        '"timestamp":"2024-08-03T16:16:55Z"}]'
    )

    assert (the_connector(db, 0).error_code, the_connector(db, 0).info) == ("OtherError", "Error")


@pytest.mark.parametrize("words", [["Charging", "Available"], ["Charging", "Preparing", "Available"], ["Finishing"]])
def test_g1_g10_a_status_ends_no_session(db, says, words):
    start = {"connectorId": 1, "idTag": "04A1B2C3", "meterStart": 0, "timestamp": "2026-11-20T11:04:00Z"}
    says("StartTransaction", start, NOW)

    for second, word in enumerate(words):
        says("StatusNotification", status(word, f"11:04:{second + 1:02}"))

    assert db.scalars(select(ChargingSession.status)).one() is SessionStatus.ACTIVE


@pytest.mark.parametrize("number", [-1, 1001, 2**40])
def test_a_connector_that_cannot_be_is_refused(db, says, number):
    with pytest.raises(Refused):
        says("StatusNotification", status("Available", connector=number))

    db.rollback()
    assert db.scalar(select(func.count()).select_from(Connector)) == 0


def test_c4_a_zero_code_is_no_alarm(db, says):
    says("StatusNotification", status("Available", info="null", vendorErrorCode="0x0000"))

    assert (the_connector(db).info, the_connector(db).vendor_error_code) == (None, None)


def test_e7_a_clock_that_is_a_little_ahead_shuts_nothing_out(db, says):
    says("StatusNotification", status("Preparing", "11:04:50"), NOW)
    says("StatusNotification", status("Charging"), NOW + timedelta(seconds=5))
    says("StatusNotification", status("SuspendedEV", "11:05:00"), NOW + timedelta(seconds=10))
    says("StatusNotification", status("Preparing", "11:04:50"), NOW + timedelta(minutes=5))

    assert the_connector(db).status == "SuspendedEV"
    assert events(db) == ["Preparing", "Charging", "SuspendedEV"]
