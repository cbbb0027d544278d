"""The demo world is whole, true, and made once."""

import json

from sqlalchemy import func, select

from demo.load import load
from domain.models.charging import ChargingSession
from domain.models.orders import Order, OrderStatus
from domain.models.payments import Payment, PaymentStatus
from domain.settings import Settings

TAKEN = (OrderStatus.PAID, OrderStatus.REFUNDING, OrderStatus.REFUNDED, OrderStatus.REFUND_FAILED)


def test_every_session_is_billed_and_every_payment_took_what_its_order_says(db, database_url, tmp_path):
    load(Settings(database_url=database_url, instance_dir=tmp_path, secret_key="test"), days=3)

    sessions = db.scalar(select(func.count()).select_from(ChargingSession))
    orders = db.scalars(select(Order)).all()
    paid = [order for order in orders if order.payment_id]
    assert len(orders) == sessions > 10
    assert [order.number for order in paid if order.payment.captured_minor != order.gross_minor] == []
    assert {order.status for order in paid} <= set(TAKEN)
    assert {payment.status for payment in db.scalars(select(Payment))} == {PaymentStatus.CAPTURED}


def test_loading_again_changes_nothing(db, database_url, tmp_path, capsys):
    settings = Settings(database_url=database_url, instance_dir=tmp_path, secret_key="test")
    load(settings, days=1)
    before = db.scalar(select(func.count()).select_from(Order))
    first = capsys.readouterr().out
    db.rollback()

    load(settings, days=1)

    second = capsys.readouterr().out
    assert db.scalar(select(func.count()).select_from(Order)) == before
    assert [line for line in first.splitlines() if "/c/" in line] == [
        line for line in second.splitlines() if "/c/" in line
    ]
    assert "owner@harbour.example" in second


def test_the_simulator_is_given_the_six_chargers(database_url, tmp_path):
    load(Settings(database_url=database_url, instance_dir=tmp_path, secret_key="test"), days=0)

    played = json.loads((tmp_path / "demo-chargers.json").read_text())

    assert len({charger["device_id"] for charger in played}) == 6
    assert all(len(charger["password"]) >= 16 for charger in played)
