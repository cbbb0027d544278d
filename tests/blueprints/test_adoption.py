"""Waiting to be adopted: who sees which unknown charger, and adopting one."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.clock import utcnow
from domain.models.chargers import Charger, HandshakeOutcome
from domain.models.operators import Role
from tests import factories
from tests.blueprints.conftest import HTMX

UNKNOWN = {"outcome": HandshakeOutcome.UNKNOWN_CHARGER, "remote_address": "198.51.100.7"}


@pytest.fixture
def station(make, harbour):
    return make(factories.station, harbour)


@pytest.fixture
def knocks(make):
    make(factories.handshake, "NV22A01", at=utcnow() - timedelta(hours=2), repeats=4, **UNKNOWN)
    make(factories.handshake, "NV22A01", at=utcnow(), **UNKNOWN)
    make(factories.handshake, "NV22A02", at=utcnow(), **UNKNOWN)
    make(factories.handshake, "OLD1", at=utcnow() - timedelta(days=31), **UNKNOWN)


@pytest.fixture
def admin(make, sign_in):
    return sign_in(make(factories.user, None, Role.PLATFORM_ADMIN))


def test_platform_staff_see_all_of_the_last_month(admin, make, knocks):
    application = make(factories.application, "NV22A02")

    page = admin.get("/handshakes").text
    narrowed = admin.get("/handshakes/waiting?adopt=a01", headers=HTMX).text

    assert "Waiting to be adopted" in page
    assert f'href="/platform/applications/{application.id}"' in page
    waiting = page.split('id="waiting"')[1]
    assert all(text in waiting for text in ("NV22A01", "NV22A02", "198.51.100.7", "ocpp1.6"))
    assert "OLD1" not in waiting
    assert '<td class="r w">5</td>' in narrowed
    assert "NV22A02" not in narrowed


def test_an_operator_finds_one_by_its_exact_device_id_only(alice, knocks, station):
    nothing = alice.get("/handshakes").text
    answers = {
        typed: alice.get(f"/handshakes/waiting?adopt={typed}", headers=HTMX).text
        for typed in ("NV22A0", "%25", "nv22a01", "NV22A01")
    }

    assert "NV22A" not in nothing
    for typed in ("NV22A0", "%25", "nv22a01"):
        assert "No unknown charger with exactly this device id" in answers[typed]
        assert "<table" not in answers[typed]
    assert "Adopt" in answers["NV22A01"]
    assert "198.51.100.…" in answers["NV22A01"]
    assert "198.51.100.7" not in answers["NV22A01"]


def test_somebody_else_s_charger_is_as_unknown_as_none(charlie, make, station):
    make(factories.charger, station, device_id="HE60D01")
    make(factories.handshake, "HE60D01", at=utcnow(), **UNKNOWN)

    taken, missing = (
        charlie.get(f"/handshakes/waiting?adopt={each}", headers=HTMX).text for each in ("HE60D01", "NONE")
    )

    assert taken.replace("HE60D01", "NONE") == missing
    assert charlie.get("/handshakes/adopt?device_id=HE60D01").status_code == 404


def test_adopting_leads_to_the_connect_page_with_the_password(alice, db, knocks, station):
    form = alice.get("/handshakes/adopt?device_id=NV22A01", headers=HTMX).text
    data = {"station_id": station.id, "device_account": " 4471 ", "label": ""}
    response = alice.post("/handshakes/adopt?device_id=NV22A01", data=data)
    page = alice.get(response.location).text

    charger = db.scalars(select(Charger)).one()
    assert "Harbour Garage" in form
    assert (response.status_code, response.location) == (303, "/chargers/NV22A01/connect")
    assert (charger.station_id, charger.device_account, charger.label) == (station.id, "4471", "HG-01")
    assert 'id="basic-password"' in page
    assert "Unknown device id, 4 times" in page or "Unknown device id" in page
    db.rollback()
    assert alice.get("/handshakes/adopt?device_id=NV22A01").status_code == 404


def test_a_foreign_station_is_refused(charlie, db, make, knocks, station):
    response = charlie.post("/handshakes/adopt?device_id=NV22A01", data={"station_id": station.id})

    assert response.status_code == 422
    assert db.scalars(select(Charger)).all() == []


def test_an_identity_that_no_charger_can_have_is_not_offered(alice, make, station):
    make(factories.handshake, "a/b", at=utcnow(), **UNKNOWN)

    part = alice.get("/handshakes/waiting?adopt=a/b", headers=HTMX).text

    assert "This device id cannot be used." in part
    assert alice.post("/handshakes/adopt?device_id=a/b", data={"station_id": station.id}).status_code == 422


def test_device_ids_cannot_be_tried_one_after_the_other(alice, station):
    statuses = [alice.get(f"/handshakes/waiting?adopt=NV{n}").status_code for n in range(61)]

    assert (statuses[59], statuses[60]) == (200, 429)


def test_who_only_reads_cannot_adopt(make, sign_in, harbour, knocks):
    finance = sign_in(make(factories.user, harbour, Role.FINANCE))

    assert "An owner or technician can adopt it" in finance.get("/handshakes/waiting?adopt=NV22A01").text
    assert finance.post("/handshakes/adopt?device_id=NV22A01").status_code == 403
