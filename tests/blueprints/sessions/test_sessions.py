"""Sessions: list, detail, meter values, export."""

import csv
import html
import io
import re

import pytest

from domain.models.charging import MeterValue, SessionStatus
from tests import factories
from tests.blueprints.conftest import HTMX
from tests.factories import NOW


@pytest.fixture
def charger(make, harbour):
    return make(factories.charger, make(factories.station, harbour), label="HG-04", connectors=1)


@pytest.fixture
def charging(make, charger):
    return make(factories.charging, charger, flags=["meter_reset"], stop_reason="EVDisconnected", transaction_id="777")


def test_the_list(alice, make, charging):
    make(factories.order, charging)

    page = alice.get("/sessions").text

    for words in (f"/sessions/{charging.id}", "HG-04", "04A1B2C3", "10.0 kWh", "€5.02", "Completed", "1 h"):
        assert words in page


@pytest.mark.parametrize(
    ("query", "is_found"),
    [("q=777", True), ("q=HG-04", True), ("view=running", False), ("q=zzz", False), ("view=odd", True)],
)
def test_filters(alice, charging, query, is_found):
    fragment = alice.get(f"/sessions?{query}", headers=HTMX).text

    assert (f'id="s{charging.id}"' in fragment) == is_found
    assert "<html" not in fragment


def test_one_session_explains_its_flags_and_its_price(alice, make, charging):
    order = make(factories.order, charging)

    page = alice.get(f"/sessions/{charging.id}").text

    assert "The meter restarted from zero during the session." in page
    assert "EVDisconnected" in page
    assert order.number in page
    assert "1,000 Wh" in page
    assert "11,000 Wh" in page


def test_a_running_session_asks_again(alice, make, charger, harbour):
    tariff = make(factories.tariff, harbour)
    running = make(
        factories.charging, charger, status=SessionStatus.ACTIVE, stopped_at=None, power_w=7400, tariff_id=tariff.id,
        meter_start_wh=0, last_meter_wh=10_000,
    )  # fmt: skip

    page = alice.get(f"/sessions/{running.id}").text

    assert 'hx-trigger="every 3s, wake"' in page
    assert "€5.02" in page
    assert "so far" in page


def test_without_a_tariff_it_says_why_nothing_is_billed(alice, charging):
    assert "No price was in force when it started" in alice.get(f"/sessions/{charging.id}").text


def test_meter_values_as_sent(alice, db, charger, charging):
    sample = {"measurand": "Power.Active.Import", "value": "7400", "unit": "W", "phase": "L1"}
    db.add(
        MeterValue(
            charger_id=charger.id,
            connector_number=1,
            charging_session_id=charging.id,
            at=NOW,
            received_at=NOW,
            energy_wh=5000,
            power_w=7400,
            samples=[sample],
        )  # fmt: skip
    )
    db.commit()

    page = alice.get(f"/sessions/{charging.id}/meter-values").text

    assert "5,000 Wh" in page
    assert "Power.Active.Import 7400 W L1" in page


def test_csv(alice, make, charging):
    make(factories.order, charging, number="VD-2026-000001")

    head, row = csv.reader(io.StringIO(alice.get("/sessions/export.csv").data.decode("utf-8-sig")))
    values = dict(zip(head, row, strict=True))

    assert (values["Energy, kWh"], values["Order"], values["Gross"]) == ("10", "VD-2026-000001", "5.02")
    assert values["Started"] == "2026-11-20T11:04:00+02:00"


def test_charlie_cannot_see_it(charlie, charging):
    assert f"/sessions/{charging.id}" not in charlie.get("/sessions").text
    assert charlie.get(f"/sessions/{charging.id}").status_code == 404
    assert charlie.get(f"/sessions/{charging.id}/meter-values").status_code == 404


def test_the_list_is_swapped_only_when_something_in_it_changed(alice, db, make, charger):
    charging = make(factories.charging, charger, status=SessionStatus.ACTIVE, stopped_at=None)
    source = html.unescape(re.search(r'data-live hx-get="([^"]+)"', alice.get("/sessions?view=running").text)[1])

    same = alice.get(source, headers=HTMX)
    charging.energy_wh = 1_500
    db.commit()
    changed = alice.get(source, headers=HTMX)

    assert (same.headers["HX-Reswap"], 'id="rows"' in same.text) == ("none", False)
    assert "Live, " in same.text
    assert 'id="rows"' in changed.text
    assert "1.5 kWh" in changed.text
