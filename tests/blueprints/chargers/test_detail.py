"""One charger: head, plugs, curve, timeline, tabs."""

from datetime import timedelta

import pytest

from domain.clock import utcnow
from domain.models.charging import MeterValue, SessionStatus
from tests import factories
from tests.blueprints.conftest import HTMX


@pytest.fixture
def charger(make, harbour):
    now = utcnow()
    values = {
        "node": "ocpp-1",
        "connected_at": now - timedelta(days=6, hours=4),
        "last_seen_at": now,
        "ocpp_version": "1.6",
    }
    return make(factories.charger, make(factories.station, harbour), label="HG-04", connectors=2, **values)


@pytest.fixture
def running(db, make, charger):
    now = utcnow()
    tariff = make(factories.tariff, charger.station.operator)
    charging = make(
        factories.charging,
        charger,
        status=SessionStatus.ACTIVE,
        stopped_at=None,
        started_at=now - timedelta(hours=1),
        meter_start_wh=0,
        last_meter_wh=10_000,
        power_w=11_000,
        soc_percent=63,
        tariff_id=tariff.id,
    )
    for minutes in (50, 10):
        at = now - timedelta(minutes=minutes)
        db.add(
            MeterValue(
                charger_id=charger.id,
                connector_number=1,
                charging_session_id=charging.id,
                at=at,
                received_at=at,
                power_w=11_000,
                samples=[],
            )  # fmt: skip
        )
    db.commit()
    return charging


def test_the_head_tells_how_it_is_connected(alice, charger):
    page = alice.get(f"/chargers/{charger.device_id}").text

    assert "OCPP 1.6, connected 6 d 4 h" in page
    assert "Nothing is charging." in page  # why Stop charging is greyed
    assert f'href="/chargers/{charger.device_id}/reboot"' in page


def test_a_running_session_with_its_cost_and_curve(alice, charger, running):
    page = alice.get(f"/chargers/{charger.device_id}").text

    assert "11.0 kW" in page
    assert "63 %" in page
    # 10 kWh at 0.40 and 25.5 % VAT.
    assert "€5.02" in page
    assert f"Power and battery of session {running.id}" in page


def test_live_answers_the_parts_that_change(alice, charger, running):
    parts = alice.get(f"/chargers/{charger.device_id}/live", headers=HTMX).text

    for part in (
        "charger-status",
        "charger-acts",
        "charger-plugs",
        "charger-curve",
        "charger-timeline",
        "charger-seen",
    ):
        assert f'id="{part}" hx-swap-oob="true"' in parts
    assert "<html" not in parts


def test_an_offline_charger_has_greyed_commands(alice, db, charger):
    charger.node, charger.disconnected_at = None, utcnow()
    db.commit()

    page = alice.get(f"/chargers/{charger.device_id}").text

    assert page.count("The charger is offline.") >= 3
    assert f'href="/chargers/{charger.device_id}/reboot"' not in page


def test_the_price_of_now(alice, make, charger):
    make(factories.assign_tariff, charger.station, make(factories.tariff, charger.station.operator))

    page = alice.get(f"/chargers/{charger.device_id}").text

    # 0.40 plus 25.5 % VAT.
    assert "€0.502" in page
    assert "VAT 25.5 % included." in page


def test_without_a_price_it_says_so(alice, charger):
    assert "No price is in force." in alice.get(f"/chargers/{charger.device_id}").text


def test_its_sessions(alice, make, charger):
    charging = make(factories.charging, charger, flags=["meter_reset"])

    page = alice.get(f"/chargers/{charger.device_id}/sessions").text

    assert f"/sessions/{charging.id}" in page
    assert "10.0 kWh" in page
    assert '1<span class="sr"> flag</span>' in page


def test_an_unknown_charger_is_404(alice):
    assert alice.get("/chargers/nobody").status_code == 404


def test_charlie_cannot_see_it(charlie, charger):
    for tail in ("", "/live", "/sessions", "/commands", "/messages"):
        assert charlie.get(f"/chargers/{charger.device_id}{tail}").status_code == 404
