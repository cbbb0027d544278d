"""The list of sessions: views, texts, meter values."""

from datetime import timedelta

import pytest

from domain import charging_session_list as sessions
from domain.charging_session_list import Filter, View
from domain.models.charging import MeterValue, SessionStatus
from tests import factories
from tests.factories import NOW


@pytest.fixture
def charger(make):
    return make(factories.charger, label="Pier", device_id="HEPIER")  # no digit: texts of digits look for numbers


def found(db, charger, **values):
    return [
        row[0].transaction_id for row in sessions.page(db, charger.operator_id, Filter(**values), None, 25, NOW).rows
    ]


def test_views(db, make, charger):
    make(factories.charging, charger, transaction_id="1")
    make(factories.charging, charger, transaction_id="2", status=SessionStatus.ACTIVE, stopped_at=None)
    make(factories.charging, charger, transaction_id="3", status=SessionStatus.REFUSED)
    make(factories.charging, charger, transaction_id="4", flags=["meter_reset"])
    old = NOW - timedelta(days=100)
    make(factories.charging, charger, transaction_id="5", flags=["meter_reset"], started_at=old)

    assert found(db, charger) == ["5", "4", "3", "2", "1"]
    assert found(db, charger, view=View.RUNNING) == ["2"]
    assert found(db, charger, view=View.COMPLETED) == ["5", "4", "1"]
    assert found(db, charger, view=View.REFUSED) == ["3"]
    assert found(db, charger, view=View.FLAGGED) == ["4"]
    assert sessions.counts(db, charger.operator_id, Filter(), NOW) == {
        View.ALL: 5,
        View.RUNNING: 1,
        View.COMPLETED: 3,
        View.FLAGGED: 1,
        View.REFUSED: 1,
    }


def test_texts(db, make, charger):
    token = make(factories.token, charger.station.operator, uid="04AABB")
    charging = make(factories.charging, charger, transaction_id="777123", token_id=token.id)
    make(
        factories.charging,
        make(factories.charger, charger.station, label="Quay", device_id="HEQUAY"),
        transaction_id="888",
    )

    assert found(db, charger, text="777123") == ["777123"]
    assert found(db, charger, text=str(charging.id)) == ["777123"]
    assert found(db, charger, text="04aabb") == ["777123"]
    assert found(db, charger, text="pier") == ["777123"]
    assert found(db, charger, text="quay") == ["888"]
    assert found(db, charger, text="nothing") == []


def test_a_session_comes_with_its_order(db, make, charger):
    order = make(factories.order, make(factories.charging, charger))

    ((_, found_order),) = sessions.page(db, charger.operator_id, Filter(), None, 25, NOW).rows

    assert found_order.number == order.number


def test_another_operators_sessions_are_not_there(db, make, charger):
    make(factories.charging, make(factories.charger), transaction_id="1")

    assert found(db, charger) == []
    assert found(db, charger, text="1") == []


def test_everything_is_walked_through(db, make, charger):
    for number in range(3):
        make(factories.charging, charger, transaction_id=str(number))

    walked = [charging.transaction_id for charging, _ in sessions.each(db, charger.operator_id, Filter(), NOW)]

    assert walked == ["2", "1", "0"]


def test_meter_values_oldest_first(db, make, charger):
    charging = make(factories.charging, charger)
    for minute in (2, 1, 3):
        at = NOW + timedelta(minutes=minute)
        db.add(
            MeterValue(
                charger_id=charger.id,
                connector_number=1,
                charging_session_id=charging.id,
                at=at,
                received_at=at,
                energy_wh=minute,
                samples=[],
            )
        )
    db.commit()

    first = sessions.meter_values(db, charging.id, None, 2)
    second = sessions.meter_values(db, charging.id, first.next, 2)

    assert [[each.energy_wh for each in page.rows] for page in (first, second)] == [[1, 2], [3]]
