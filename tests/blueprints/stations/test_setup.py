"""Ready to earn: what a station still needs, where it is done, and when it is over."""

import pytest

from tests import factories


@pytest.fixture
def station(make, harbour):
    return make(factories.station, harbour)


def done(page):
    return page.split("Ready to earn")[1].split("</ol>")[0].count('aria-label="Done"')


def test_a_new_station_has_six_things_to_do(alice, station):
    page = alice.get(f"/stations/{station.id}").text

    steps = page.split("Ready to earn")[1]
    places = [
        steps.index(each)
        for each in (
            "Location checked",
            "Business hours",
            "Prices",
            "QR codes bound",
            "Payment System chosen",
            "First test charge",
        )
    ]
    assert places == sorted(places)
    assert "0 of 6 done" in page
    assert f'href="/stations/{station.id}/electricity"' in steps


def test_each_thing_done_is_ticked(alice, db, make, harbour, station):
    station.latitude, station.longitude = 60.1675, 24.9631
    station.payment_account_id = make(factories.payment_account, harbour).id
    make(factories.assign_tariff, station, make(factories.tariff, harbour))
    charger = make(factories.charger, station)
    make(factories.qr_code, charger)
    assert done(alice.get(f"/stations/{station.id}").text) == 3

    for step in ("location", "hours"):
        assert alice.post(f"/stations/{station.id}/setup/{step}").status_code == 303
    assert done(alice.get(f"/stations/{station.id}").text) == 5
    make(factories.charging, charger)

    assert "Ready to earn" not in alice.get(f"/stations/{station.id}").text


def test_a_position_that_moved_has_to_be_looked_at_again(alice, db, station):
    station.latitude, station.longitude = 60.1675, 24.9631
    db.commit()
    alice.post(f"/stations/{station.id}/setup/location")
    assert done(alice.get(f"/stations/{station.id}").text) == 1

    station.latitude = 61.0
    db.commit()

    assert done(alice.get(f"/stations/{station.id}").text) == 0


def test_without_a_position_there_is_nothing_to_check(alice, station):
    assert alice.post(f"/stations/{station.id}/setup/location").status_code == 422


def test_the_overview_names_the_next_step_until_somebody_has_paid(alice, make, harbour, station):
    before = alice.get("/overview").text
    charging = make(factories.charging, make(factories.charger, station))
    payment = make(factories.payment, charging.charger, make(factories.payment_account, harbour))
    make(factories.order, charging, payment_id=payment.id)

    assert "0 of 6 done. Next: Location checked." in before
    assert "Ready to earn" not in alice.get("/overview").text


def test_who_only_reads_gets_no_buttons(make, sign_in, harbour, station):
    finance = sign_in(make(factories.user, harbour, "finance"))

    assert "/setup/hours" not in finance.get(f"/stations/{station.id}").text
    assert finance.post(f"/stations/{station.id}/setup/hours").status_code == 403


def test_charlie_cannot_see_it(charlie, station):
    assert charlie.post(f"/stations/{station.id}/setup/hours").status_code == 404
