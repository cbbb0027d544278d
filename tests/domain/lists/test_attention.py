"""What wants a person."""

from datetime import timedelta

import pytest

from domain import attention
from domain.models.orders import OrderStatus
from domain.models.payments import PaymentStatus, Refund, RefundStatus
from tests import factories
from tests.factories import NOW

HERE = {"node": "ocpp-1", "connected_at": NOW, "last_seen_at": NOW}


@pytest.fixture
def station(make):
    return make(factories.station)


def kinds(db, station, with_money=True):
    return [matter.kind for matter in attention.matters(db, station.operator_id, NOW, with_money=with_money)]


def paid_order(make, station, status, payment_status, **values):
    charger = make(factories.charger, station, connectors=1, **HERE)
    payment = make(
        factories.payment, charger, make(factories.payment_account, station.operator), status=payment_status, **values
    )
    charging = make(factories.charging, charger, payment_id=payment.id)
    return make(factories.order, charging, payment_id=payment.id, status=status), payment


def test_nothing_wants_anybody(db, make, station):
    make(factories.charger, station, connectors=1, **HERE)
    make(factories.order, make(factories.charging, make(factories.charger, station, connectors=1, **HERE)))

    assert kinds(db, station) == []


def test_faults_before_silence(db, make, station):
    make(factories.charger, station, label="A", **HERE | {"node": None, "disconnected_at": NOW})
    make(factories.charger, station, label="B", **HERE | {"last_seen_at": NOW - timedelta(minutes=30)})
    broken = make(factories.charger, station, label="C", connectors=1, **HERE)
    broken.connectors[0].status, broken.connectors[0].error_code = "Faulted", "GroundFailure"
    db.commit()

    matters = attention.matters(db, station.operator_id, NOW, with_money=True)

    assert [matter.kind for matter in matters] == ["faulted", "late", "offline"]
    assert matters[0].text == "Connector 1: GroundFailure."


def test_money_that_did_not_come(db, make, station):
    paid_order(make, station, OrderStatus.UNPAID, PaymentStatus.CAPTURE_FAILED, failure="Card expired.")

    (matter,) = attention.matters(db, station.operator_id, NOW, with_money=True)

    assert (matter.kind, matter.text) == ("unpaid", "Card expired.")


def test_a_refund_that_failed(db, make, station):
    _, payment = paid_order(make, station, OrderStatus.REFUND_FAILED, PaymentStatus.CAPTURED, captured_minor=502)
    db.add(
        Refund(
            payment_id=payment.id,
            provider="sandbox",
            status=RefundStatus.FAILED,
            currency="EUR",
            amount_minor=502,
            reason="Goodwill",
            failure="Account closed.",
            asked_by="alice@example.com",
            requested_at=NOW,
        )
    )
    db.commit()

    (matter,) = attention.matters(db, station.operator_id, NOW, with_money=True)

    assert (matter.kind, matter.text) == ("refund", "Account closed.")


def test_an_order_that_waits_for_a_look(db, make, station):
    order, _ = paid_order(make, station, OrderStatus.OPEN, PaymentStatus.AUTHORISED)
    order.flags = ["meter_reset", "review"]
    db.commit()

    assert kinds(db, station) == ["review"]


def test_a_flagged_session_without_an_order(db, make, station):
    charger = make(factories.charger, station, connectors=1, **HERE)
    make(factories.charging, charger, flags=["stop_without_start"])
    make(factories.charging, charger, flags=["arrived_late"])
    make(factories.order, make(factories.charging, charger, flags=["meter_reset"]))

    assert kinds(db, station) == ["flagged"]


def test_old_matters_rest(db, make, station):
    old = NOW - timedelta(days=15)
    charger = make(factories.charger, station, connectors=1, **HERE)
    make(factories.charging, charger, flags=["stop_without_start"], started_at=old)

    assert kinds(db, station) == []


def test_money_is_for_those_who_may_see_it(db, make, station):
    paid_order(make, station, OrderStatus.UNPAID, PaymentStatus.CAPTURE_FAILED)

    assert kinds(db, station, with_money=False) == []


def test_another_operators_matters_are_not_mine(db, make, station):
    paid_order(make, make(factories.station), OrderStatus.UNPAID, PaymentStatus.CAPTURE_FAILED)

    assert kinds(db, station) == []


def test_a_refund_that_the_bank_sent_back_weeks_later(db, make, station):
    order, _ = paid_order(make, station, OrderStatus.REFUND_FAILED, PaymentStatus.CAPTURED, captured_minor=502)
    order.created_at = NOW - timedelta(days=40)
    db.commit()

    assert kinds(db, station) == ["refund"]


def test_captures_under_way_do_not_hide_an_order_that_waits_for_a_look(db, make, station):
    order, _ = paid_order(make, station, OrderStatus.OPEN, PaymentStatus.AUTHORISED)
    order.flags, order.created_at = ["stop_missing", "review"], NOW - timedelta(hours=1)
    for _ in range(attention.MOST_OF_A_KIND):
        paid_order(make, station, OrderStatus.OPEN, PaymentStatus.CAPTURE_PENDING)
    db.commit()

    assert kinds(db, station) == ["review"]


def test_an_order_that_nobody_pays_by_card_waits_for_a_look_too(db, make, station):
    charging = make(factories.charging, make(factories.charger, station, connectors=1, **HERE))
    make(factories.order, charging, flags=["stop_missing", "review"])

    assert kinds(db, station) == ["review"]
