import pytest
from sqlalchemy import select

from domain.api_keys import USUAL_SCOPES
from domain.models.orders import OrderStatus
from domain.models.payments import CollectionMode, Payment, PaymentStatus, Refund
from tests import factories
from tests.factories import NOW


@pytest.fixture
def paid(db, make, harbour):
    """An order whose 5.02 EUR were captured, in test money."""
    charger = make(factories.charger, make(factories.station, harbour))
    account = make(factories.payment_account, harbour)
    payment = Payment(
        operator_id=harbour.id, payment_account_id=account.id, charger_id=charger.id, connector_number=1,
        token="secret", id_tag="VDABC", provider="sandbox", provider_ref="sb_1", is_test=True, currency="EUR",
        collection_mode=CollectionMode.PLATFORM, status=PaymentStatus.CAPTURED, hold_minor=4500, captured_minor=502,
        instrument="Visa", last4="4242", created_at=NOW, status_at=NOW,
        captured_at=NOW,
    )  # fmt: skip
    db.add(payment)
    db.flush()
    charging = make(factories.charging, charger, payment_id=payment.id, id_tag="VDABC")
    return make(factories.order, charging, payment_id=payment.id, status=OrderStatus.PAID)


def test_a_paid_order_is_refunding_and_the_refund_is_told(db, paid, alice):
    answer = alice.post(f"/orders/{paid.id}/refund", {"reason": "Wrong bill", "note": "Called us"})

    refund = db.scalars(select(Refund)).one()
    requested_at = refund.requested_at.isoformat().replace("+00:00", "Z")
    assert answer.status_code == 202
    assert answer.json["status"] == "refunding"
    assert answer.json["payment"] == {
        "id": str(paid.payment_id),
        "provider": "sandbox",
        "is_test": True,
        "status": "captured",
        "currency": "EUR",
        "held": "45.00",
        "captured": "5.02",
        "instrument": "Visa",
        "last4": "4242",
        "refunds": [
            {
                "id": str(refund.id), "status": "requested", "amount": "5.02", "currency": "EUR",
                "reason": "Wrong bill", "failure": None, "requested_at": requested_at,
                "ended_at": None,
            }
        ],
    }  # fmt: skip
    assert (refund.asked_by, refund.note) == ("api key billing", "Called us")
    assert alice.get(f"/orders/{paid.id}").json == answer.json


def test_no_body_is_needed(db, paid, alice):
    assert alice.post(f"/orders/{paid.id}/refund").status_code == 202
    assert db.scalars(select(Refund.reason)).one() == "Asked for over the API"


def test_asking_twice_refunds_once(db, paid, alice):
    answers = [alice.post(f"/orders/{paid.id}/refund").status_code for _ in range(2)]

    assert answers == [202, 202]
    assert len(db.scalars(select(Refund)).all()) == 1


def test_an_unpaid_order_cannot_be_refunded(make, harbour, alice):
    charging = make(factories.charging, make(factories.charger, make(factories.station, harbour)))
    order = make(factories.order, charging)

    answer = alice.post(f"/orders/{order.id}/refund")

    assert answer.status_code == 422
    assert answer.json["detail"] == "No provider took money for this order, so there is nothing to refund."


def test_an_amount_cannot_be_named(paid, alice):
    assert alice.post(f"/orders/{paid.id}/refund", {"amount": "1.00"}).status_code == 422


def test_a_usual_key_may_not_refund(db, paid, harbour, key_of):
    answer = key_of(harbour, *USUAL_SCOPES).post(f"/orders/{paid.id}/refund")

    assert answer.status_code == 403
    assert db.scalars(select(Refund)).all() == []


def test_charlie_cannot_see_it(db, paid, charlie):
    assert charlie.post(f"/orders/{paid.id}/refund").status_code == 404
    assert db.scalars(select(Refund)).all() == []
