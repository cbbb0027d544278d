"""A paid order of Harbour Energy, whose payment the sandbox provider knows."""

import pytest

from domain.models.orders import OrderLine, OrderStatus
from domain.models.payments import PaymentStatus
from tests import factories


@pytest.fixture
def charger(make, harbour):
    return make(factories.charger, make(factories.station, harbour), label="HG-04", connectors=1)


@pytest.fixture
def paid(db, make, charger, harbour):
    held = make(factories.sandbox_payment)
    held.state = held.state | {"status": "captured", "captured": 1852}
    payment = make(
        factories.payment,
        charger,
        make(factories.payment_account, harbour),
        status=PaymentStatus.CAPTURED,
        captured_minor=1852,
        provider_ref=held.ref,
        instrument="Visa",
        last4="4242",
        driver_email="driver@example.com",
    )
    charging = make(factories.charging, charger, payment_id=payment.id, energy_wh=37_800)
    figures = {"net_minor": 1476, "vat_minor": 376, "gross_minor": 1852}
    order = make(
        factories.order,
        charging,
        payment_id=payment.id,
        number="VD-2026-004821",
        status=OrderStatus.PAID,
        is_test=True,
        **figures,
    )
    db.add(
        OrderLine(
            order_id=order.id,
            position=1,
            kind="ENERGY",
            label="Day",
            quantity="37.8",
            unit="kWh",
            unit_price="0.49",
            vat_rate="25.5",
            net_exact="14.7585",
            **figures,
        )
    )
    db.commit()
    return order
