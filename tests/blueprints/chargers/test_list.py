"""The list of chargers: page and fragment, filters in the address, live cells, export."""

import csv
import io
import re

import pytest
from openpyxl import load_workbook

from domain.clock import utcnow
from tests import factories
from tests.blueprints.conftest import HTMX


@pytest.fixture
def station(make, harbour):
    return make(factories.station, harbour)


@pytest.fixture
def here():
    return {"node": "ocpp-1", "connected_at": utcnow(), "last_seen_at": utcnow()}


def test_a_charger_with_its_status(alice, make, station, here):
    make(factories.charger, station, label="HG-04", device_id="HE60", connectors=1, **here)

    page = alice.get("/chargers")

    assert page.status_code == 200
    assert "HG-04" in page.text
    assert "Connector 1: Available" in page.text
    assert "<html" in page.text


def test_the_fragment_has_rows_and_tabs_but_no_page(alice, make, station):
    make(factories.charger, station, label="HG-04")

    fragment = alice.get("/chargers?view=offline", headers=HTMX)

    assert '<div id="rows">' in fragment.text
    assert 'id="chargers-tabs" hx-swap-oob="true"' in fragment.text
    assert "<html" not in fragment.text


def test_filters_narrow_and_can_be_cleared(alice, make, station):
    make(factories.charger, station, label="HG-04")

    page = alice.get("/chargers?q=zzz")

    assert "HG-04" not in page.text
    assert "No charger matches these filters" in page.text
    assert "Clear filters" in page.text


def test_an_empty_operator_reads_what_appears_here(alice):
    assert "No chargers yet" in alice.get("/chargers").text


@pytest.mark.parametrize(
    "query", ["view=nonsense", "sort=nonsense", "size=7", "cursor=%%%", "station=abc", "station=99999999999999999999"]
)
def test_an_odd_address_is_no_accident(alice, query):
    assert alice.get(f"/chargers?{query}").status_code == 200


def test_paging_keeps_the_filters(alice, make, station):
    for number in range(26):
        make(factories.charger, station, label=f"Pier {number:02d}")

    page = alice.get("/chargers?q=pier&sort=charger")
    address = re.search(r'<a class="b sm" href="([^"]+)" id="rows-next"', page.text)[1].replace("&amp;", "&")
    following = alice.get(address)

    assert "Pier 24" in page.text
    assert "Pier 25" not in page.text
    assert "q=pier" in address
    assert "Pier 25" in following.text


def test_live_answers_the_cells_that_changed(alice, db, make, station, here):
    charger = make(factories.charger, station, connectors=1, **here)
    shown = re.search(r'id="live-rows" name="rows" value="([^"]+)"', alice.get("/chargers").text)[1]

    same = alice.get(f"/chargers/live?rows={shown}", headers=HTMX)
    charger.connectors[0].status = "Faulted"
    db.commit()
    changed = alice.get(f"/chargers/live?rows={shown}", headers=HTMX)

    assert f'id="c{charger.id}-st"' not in same.text
    assert f'id="c{charger.id}-seen" hx-swap-oob="true"' in same.text
    assert f'<template><td class="e" id="c{charger.id}-st" hx-swap-oob="true">' in changed.text
    assert "Faulted" in changed.text


def test_live_tells_charlie_nothing(charlie, make, station, here):
    charger = make(factories.charger, station, connectors=1, **here)

    response = charlie.get(f"/chargers/live?rows={charger.id}.0", headers=HTMX)

    assert f"c{charger.id}-" not in response.text


def test_charlie_cannot_see_it(charlie, make, station):
    make(factories.charger, station, label="HG-04")

    assert "HG-04" not in charlie.get("/chargers").text
    assert "HG-04" not in charlie.get("/chargers/export.csv").text


def test_csv_of_the_filtered_set_is_guarded(alice, make, station):
    make(factories.charger, station, label="=1+1", device_id="HE1", vendor="@sum", model="-2")
    make(factories.charger, station, label="Pier", device_id="HE2")

    response = alice.get("/chargers/export.csv?q=HE1")
    rows = list(csv.reader(io.StringIO(response.data.decode("utf-8-sig"))))

    assert response.data.startswith(b"\xef\xbb\xbf")
    assert rows[0][:3] == ["Charger", "Device id", "UUID"]
    assert [rows[1][0], rows[1][1], rows[1][7], rows[1][8]] == ["'=1+1", "HE1", "'@sum", "'-2"]
    assert len(rows) == 2


def test_xlsx_has_real_numbers_and_a_fixed_head(alice, make, station):
    make(factories.charger, station, label="=1+1")

    response = alice.get("/chargers/export.xlsx")
    sheet = load_workbook(io.BytesIO(response.data)).active

    assert sheet.freeze_panes == "A2"
    assert (sheet["A2"].value, sheet["A2"].data_type) == ("'=1+1", "s")
    assert (sheet["G1"].value, sheet["G2"].value) == ("Power now, W", 0)
