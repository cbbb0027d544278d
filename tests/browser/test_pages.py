"""Every back-office page, in light and dark, on a desk and on a phone: nothing to complain about."""

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest

from domain import books, report_units
from domain.clock import utcnow
from domain.models.charging import MeterValue, SessionStatus
from domain.models.messages import Direction, Message
from domain.models.orders import OrderLine, OrderStatus
from domain.models.payments import PaymentStatus
from tests import factories
from tests.browser.conftest import DESKTOP, PHONE, inspect

WEEK = {
    "elements": [
        {
            "name": "Peak",
            "price_components": [{"type": "ENERGY", "price": "0.59", "vat": "25.5"}],
            "restrictions": {"start_time": "16:00", "end_time": "20:00"},
        },
        {
            "name": "Night",
            "price_components": [
                {"type": "ENERGY", "price": "0.35", "vat": "25.5"},
                {"type": "PARKING_TIME", "price": "6.00", "vat": "25.5"},
            ],
        },
    ],
    "idle_grace_s": 900,
    "tax_included": "YES",
}


@pytest.fixture
def world(db, make):
    """A station with a charger that charges, a faulted and an absent one, and a paid order."""
    now = utcnow()
    operator = make(factories.operator)
    account = make(factories.payment_account, operator)
    station = make(factories.station, operator, payment_account_id=account.id)
    tariff = make(factories.tariff, operator, terms=WEEK)
    make(factories.assign_tariff, station, tariff)
    here = {"node": "ocpp-1", "connected_at": now - timedelta(days=6), "last_seen_at": now, "ocpp_version": "1.6"}
    told = {"vendor": "Nordvolt", "model": "Duo 60", "firmware_version": "2.8.1"}
    charger = make(factories.charger, station, 2, label="HG-04 Level 2 east", device_id="HE60D01", **here | told)
    broken = make(factories.charger, station, 2, label="HG-02", device_id="HE60D02", **here)
    make(
        factories.charger,
        station,
        1,
        label="HG-09",
        device_id="HE60D03",
        **here | {"node": None, "disconnected_at": now},
    )
    broken.connectors[0].status, broken.connectors[0].error_code = "Faulted", "GroundFailure"
    charger.connectors[0].status = "Charging"
    held = make(factories.sandbox_payment)
    held.state = held.state | {"status": "captured", "captured": 502}
    paid_with = {"instrument": "Visa", "last4": "4242"}
    running = make(
        factories.charging,
        charger,
        status=SessionStatus.ACTIVE,
        started_at=now - timedelta(minutes=40),
        stopped_at=None,
        meter_start_wh=0,
        last_meter_wh=10_000,
        power_w=11_000,
        soc_percent=63,
        tariff_id=tariff.id,
        payment_id=make(factories.payment, charger, account, **paid_with).id,
    )
    for minute in range(40):
        at = running.started_at + timedelta(minutes=minute)
        reading = {"power_w": 11_000 - 50 * minute, "soc_percent": 20 + minute, "energy_wh": 250 * minute}
        sample = {"measurand": "Power.Active.Import", "value": "11000", "unit": "W"}
        db.add(
            MeterValue(
                charger_id=charger.id,
                connector_number=1,
                charging_session_id=running.id,
                at=at,
                received_at=at,
                samples=[sample],
                **reading,
            )
        )
    captured = {"status": PaymentStatus.CAPTURED, "captured_minor": 502, "captured_at": now, "provider_ref": held.ref}
    payment = make(factories.payment, charger, account, **paid_with | captured)
    done = make(factories.charging, charger, payment_id=payment.id, flags=["arrived_late"], tariff_id=tariff.id)
    paid = {"payment_id": payment.id, "status": OrderStatus.PAID, "number": "VD-2026-004821", "is_test": True}
    order = make(factories.order, done, created_at=now, **paid)
    amounts = {"net_minor": 400, "vat_minor": 102, "gross_minor": 502}
    kind = {
        "kind": "ENERGY",
        "label": "Night",
        "quantity": "10",
        "unit": "kWh",
        "unit_price": "0.502",
        "vat_rate": "25.5",
    }
    db.add(OrderLine(order_id=order.id, position=1, net_exact="4.00", **kind | amounts))
    make(factories.manual_refund, order, status="withdrawn", decided_by="ann@example.com", decided_at=now)
    make(factories.money_item, operator, order_id=order.id)
    settlement = make(
        factories.settlement, operator, status="approved", reviewed_by="admin@example.com", reviewed_at=now
    )
    make(factories.settlement_line, settlement, order, is_live=False)
    make(factories.money_item, operator, resolved_at=now, resolved_by="ann@example.com", note="Invoiced by post")
    books.keep(db, db.merge(payment), now)
    report_units.refresh(db, now)
    command = make(factories.command, charger, response={"status": "Accepted"})
    text = json.dumps([2, "1", "Heartbeat", {}])
    db.add(Message(charger_id=charger.id, at=now, direction=Direction.CP_TO_CSMS, action="Heartbeat", text=text))
    db.commit()
    owner = make(factories.user, operator)
    return SimpleNamespace(
        owner=owner, station=station, charger=charger, order=order, session=done, running=running, command=command
    )


PAGES = [
    "/overview",
    "/stations",
    "/stations?q=nowhere",
    "/stations/new",
    "/stations/{world.station.id}",
    "/stations/{world.station.id}/chargers",
    "/stations/{world.station.id}/edit",
    "/stations/{world.station.id}/electricity",
    "/stations/{world.station.id}/electricity?edit=0",
    "/stations/{world.station.id}/electricity?edit=new",
    "/stations/{world.station.id}/electricity/history",
    "/chargers",
    "/chargers?q=nowhere",
    "/chargers/HE60D01",
    "/chargers/HE60D02",
    "/chargers/HE60D01/sessions",
    "/chargers/HE60D01/commands",
    "/chargers/HE60D01/messages",
    "/chargers/HE60D01/reboot",
    "/commands",
    "/commands/log",
    "/commands/{world.command.id}",
    "/billings",
    "/billings?view=refunded",
    "/billings/VD-2026-004821",
    "/billings/VD-2026-004821/refund",
    "/billings/VD-2026-004821/bank-transfer",
    "/billing-center",
    "/billing-center/apply?all=1",
    "/billing-center/settlements",
    "/billing-center/settlements/1",
    "/billing-center/settlements/1/confirm",
    "/reports",
    "/reports?station={world.station.id}&from=2026-01",
    "/reports?station=999999",
    "/money-needing-attention",
    "/money-needing-attention?view=closed",
    "/sessions",
    "/sessions/{world.session.id}",
    "/sessions/{world.running.id}",
    "/sessions/{world.running.id}/meter-values",
    "/search?q=HG",
    "/search?q=nowhere",
]


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light"), (PHONE, "dark")])
def test_no_page_has_a_fault(visit, world, size, scheme):
    page = visit("/overview", world.owner, size, scheme)
    faults = {}

    for address in PAGES:
        page.goto(address.format(world=world))
        page.wait_for_load_state("networkidle")
        faults[address] = inspect(page)

    assert {address: found for address, found in faults.items() if found} == {}


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize(
    ("path", "opener"),
    [
        ("/chargers/HE60D01", "#act-reboot"),
        ("/chargers/HE60D01", "#act-stop"),
        ("/chargers/HE60D01", "#act-unlock"),
        ("/chargers/HE60D01/commands", "#ask-raw"),
        ("/chargers/HE60D01/commands", "#ask-availability"),
        ("/billings/VD-2026-004821", "#act-refund"),
    ],
)
def test_no_dialog_has_a_fault(visit, world, size, path, opener):
    page = visit(path, world.owner, size)

    page.locator(opener).click()
    page.locator("dialog[open] .ask").wait_for()

    assert inspect(page) == []


def test_every_form_works_without_scripts(visit, world, db):
    page = visit("/chargers?q=level", world.owner, scripts=False)
    assert page.locator("tbody tr").count() == 1

    page.goto("/chargers/HE60D01/reboot")
    page.get_by_role("button", name="Stop session and reboot").click()
    assert page.url.partition("#")[0].endswith("/chargers/HE60D01/commands")
    assert page.locator("tbody tr").count() == 2

    page.goto("/billings/VD-2026-004821/refund")
    page.get_by_label("Reason").select_option("Goodwill")
    page.get_by_role("button", name="Refund €5.02").click()
    assert page.locator("h1 + .st, h1 ~ .st").filter(has_text="refunded").count() == 1

    page.goto(f"/stations/{world.station.id}/electricity?edit=0")
    page.get_by_label("Energy, per kWh").fill("0.61")
    page.get_by_role("button", name="Save price").click()
    assert page.get_by_role("row", name="Peak").get_by_text("€0.61").is_visible()
