"""Upgrading one charger, a selection, and campaigns, as operators do it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain import firmware_campaigns, firmware_upgrades
from domain.clock import utcnow
from domain.firmware_campaigns import Plan
from domain.models.charging import SessionStatus
from domain.models.firmware import CampaignStatus, FirmwareCampaign, FirmwareUpgrade, UpgradeStatus
from tests import factories
from tests.blueprints.conftest import HTMX


@pytest.fixture
def station(make, harbour):
    return make(factories.station, harbour)


@pytest.fixture
def charger(make, station):
    return make(factories.duo, station, label="HG-01", device_id="HE60")


@pytest.fixture
def release(make):
    return make(factories.release, notes="Mends the clock.")


def upgrades(db):
    """All of them as they are now; the transaction that read them is over."""
    db.expire_all()
    found = db.scalars(select(FirmwareUpgrade).order_by(FirmwareUpgrade.id)).all()
    db.commit()
    return found


def plan_form(*names, **values):
    ends = (utcnow() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    typed = {"name": "Autumn", "canaries": 1, "wave": 10, "unit": "chargers", "stop_after": 2, "ends_at": ends}
    return typed | {"pick": list(names)} | values


# --- One charger ----------------------------------------------------------------------------------------------------


def test_the_tab_shows_word_notes_and_button(alice, charger, release):
    page = alice.get("/chargers/HE60/firmware")

    assert "Upgradeable" in page.text
    assert "Version 2.9.0 is available." in page.text
    assert "Mends the clock." in page.text
    assert 'href="/chargers/HE60/firmware/upgrade"' in page.text
    assert "No upgrade yet" in page.text
    assert "data-live" not in alice.get("/chargers/HE60/firmware", headers=HTMX).text


def test_without_newer_firmware_there_is_no_button(alice, charger):
    page = alice.get("/chargers/HE60/firmware")

    assert "No upgrade required" in page.text
    assert "firmware/upgrade" not in page.text


def test_the_dialog_names_what_will_happen(alice, make, charger, release):
    make(factories.charging, charger, status=SessionStatus.ACTIVE, stopped_at=None)

    dialog = alice.get("/chargers/HE60/firmware/upgrade", headers=HTMX)

    assert "Upgrade HG-01?" in dialog.text
    assert "1 session runs on connector 1." in dialog.text
    assert "restarts and is unavailable to drivers" in dialog.text


def test_upgrade(alice, db, charger, release):
    answer = alice.post("/chargers/HE60/firmware/upgrade", data={"release": release.id, "when": "now", "waits": 7})

    (upgrade,) = upgrades(db)
    assert (answer.status_code, answer.location) == (303, "/chargers/HE60/firmware")
    assert (upgrade.status, upgrade.asked_by, upgrade.during_session) == (
        UpgradeStatus.WAITING,
        "alice@example.com",
        False,
    )
    assert "Waiting to be upgraded to 2.9.0." in alice.get("/chargers/HE60/firmware").text


def test_a_second_click_upgrades_nothing_more(alice, db, charger, release):
    typed = {"release": release.id, "when": "now", "waits": 7}
    alice.post("/chargers/HE60/firmware/upgrade", data=typed)

    answer = alice.post("/chargers/HE60/firmware/upgrade", data=typed, headers=HTMX)

    assert answer.status_code == 422
    assert "HG-01 waits to be upgraded to 2.9.0" in answer.text
    assert len(upgrades(db)) == 1


def test_a_stale_form_is_refused(alice, db, charger, release):
    release.is_published, release.models[0].is_published, release.withdrawn_because = False, False, "Bricks."
    db.commit()

    answer = alice.post(
        "/chargers/HE60/firmware/upgrade", data={"release": release.id, "when": "now", "waits": 7}, headers=HTMX
    )

    assert answer.status_code == 422
    assert upgrades(db) == []


def test_a_release_of_another_model_cannot_be_slipped_in(alice, db, make, charger, release):
    other = make(factories.release, models=("Wall 22",))

    for wrong in (other.id, 10**18, "x", ""):
        answer = alice.post("/chargers/HE60/firmware/upgrade", data={"release": wrong, "when": "now", "waits": 7})
        assert answer.status_code == 422
    assert upgrades(db) == []


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"when": "later"}, "Give the date and time."),
        ({"when": "later", "at": "2020-01-01T10:00"}, "This moment has passed."),
        ({"when": "later", "at": "tomorrow"}, "Not a valid datetime value."),
    ],
)
def test_moments_that_make_no_sense(alice, db, charger, release, typed, sentence):
    answer = alice.post(
        "/chargers/HE60/firmware/upgrade", data={"release": release.id, "waits": 7} | typed, headers=HTMX
    )

    assert answer.status_code == 422
    assert sentence in answer.text
    assert upgrades(db) == []


def test_later_is_read_on_the_stations_clock(alice, db, charger, release):
    tomorrow = (utcnow() + timedelta(days=1)).strftime("%Y-%m-%d")
    typed = {"release": release.id, "when": "later", "at": f"{tomorrow}T03:00", "waits": 1}

    alice.post("/chargers/HE60/firmware/upgrade", data=typed)

    (upgrade,) = upgrades(db)
    assert upgrade.not_before.strftime("%H:%M") in ("00:00", "01:00")  # summer and winter in Helsinki
    assert upgrade.ends_at - upgrade.not_before == timedelta(days=1)


def test_an_upgrade_is_cancelled(alice, db, charger, release):
    firmware_upgrades.plan(db, charger, release, by="alice@example.com", now=utcnow())
    db.commit()

    question = alice.get("/chargers/HE60/firmware/cancel", headers=HTMX)
    answer = alice.post("/chargers/HE60/firmware/cancel")
    again = alice.post("/chargers/HE60/firmware/cancel", headers=HTMX)

    assert "The charger was not asked yet" in question.text
    assert (answer.status_code, again.status_code) == (303, 422)
    assert upgrades(db)[0].status is UpgradeStatus.CANCELLED


# --- The list -------------------------------------------------------------------------------------------------------


def test_the_list_has_the_words_and_filters_by_them(alice, make, station, charger, release):
    make(factories.duo, station, label="HG-02", version="2.9.0")

    everything = alice.get("/chargers")
    some = alice.get("/chargers?upgrade=Upgradeable")
    odd = alice.get("/chargers?upgrade=Nonsense")

    assert "Upgradeable" in everything.text
    assert "2.8.1 → 2.9.0" in everything.text
    assert "HG-01" in some.text
    assert "HG-02" not in some.text
    assert "HG-02" in odd.text
    assert "Firmware status" in alice.get("/chargers/export.csv").text


# --- Campaigns ------------------------------------------------------------------------------------------------------


def test_the_overview_says_what_is_new(alice, charger, release):
    page = alice.get("/firmware")

    assert "Nordvolt 2.9.0" in page.text
    assert "1 charger" in page.text
    assert "No campaigns yet" in page.text


def test_a_selection_becomes_a_campaign(alice, db, make, station, charger, release):
    make(factories.duo, station, label="HG-02", device_id="HE61")
    make(factories.duo, station, label="HG-03", device_id="HE62")

    button = alice.get("/firmware/new?pick=HE60&pick=HE61", headers=HTMX)
    page = alice.get("/firmware/new?pick=HE60&pick=HE61")
    answer = alice.post("/firmware/new", data=plan_form("HE60", "HE61"))

    campaign = db.scalars(select(FirmwareCampaign)).one()
    db.commit()
    assert button.headers["HX-Redirect"] == "/firmware/new?pick=HE60&pick=HE61"
    assert "HG-02" in page.text
    assert "HG-03" not in page.text
    assert answer.location == f"/firmware/{campaign.id}"
    assert [(each.charger.device_id, each.wave) for each in upgrades(db)] == [("HE60", 0), ("HE61", 1)]
    shown = alice.get(answer.location)
    assert "0 of 2" in shown.text
    assert "Waiting to be upgraded to 2.9.0." in shown.text


def test_foreign_chargers_in_a_selection_are_unknown(alice, db, make, charger, release):
    make(factories.duo, label="Foreign", device_id="FOREIGN")

    page = alice.get("/firmware/new?pick=FOREIGN")
    only = alice.post("/firmware/new", data=plan_form("FOREIGN", "nothing"), headers=HTMX)
    with_own = alice.post("/firmware/new", data=plan_form("FOREIGN", "HE60"))

    assert "Foreign" not in page.text
    assert only.status_code == 422
    assert "Pick at least one charger." in only.text
    assert with_own.status_code == 303
    assert [each.charger.device_id for each in upgrades(db)] == ["HE60"]


def test_a_second_campaign_over_the_same_charger_is_refused(alice, db, make, station, charger, release):
    make(factories.duo, station, label="HG-02", device_id="HE61")
    alice.post("/firmware/new", data=plan_form("HE60"))

    page = alice.get("/firmware/new?pick=HE60&pick=HE61")
    answer = alice.post("/firmware/new", data=plan_form("HE60", "HE61", name="Winter"), headers=HTMX)

    sentence = "HG-01 waits to be upgraded to 2.9.0 in the campaign"
    assert sentence in page.text
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="Winter"' in answer.text
    assert len(upgrades(db)) == 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": ""}, "Give it a name."),
        ({"canaries": "-1"}, "From 0 to "),
        ({"canaries": "many"}, "Not a valid integer value."),
        ({"wave": ""}, "Say how many, or choose all at once."),
        ({"wave": "101", "unit": "percent"}, "Use 1 to 100 percent."),
        ({"window_from": "25:00", "window_until": "05:00"}, "Type a time from 00:00 to 24:00."),
        ({"window_from": "22:00"}, "Give both times or none."),
        ({"window_from": "22:00", "window_until": "22:00"}, "The window is empty."),
        ({"ends_at": "2020-01-01T10:00"}, "The end must be later"),
        ({"pick": []}, "Pick at least one charger."),
    ],
)
def test_plans_that_make_no_sense(alice, db, charger, release, typed, sentence):
    answer = alice.post("/firmware/new", data=plan_form("HE60", **typed), headers=HTMX)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert upgrades(db) == []


def begun(db, charger, release, **values):
    now = utcnow()
    plan = Plan("Autumn", now, now + timedelta(days=3))
    campaign = firmware_campaigns.begin(
        db, charger.operator_id, plan, [(charger, release)], by="alice@example.com", now=now, **values
    )
    db.commit()
    return campaign


def test_a_campaign_is_paused_goes_on_and_is_cancelled(alice, db, charger, release):
    campaign = begun(db, charger, release)
    url = f"/firmware/{campaign.id}"

    question = alice.get(f"{url}/pause", headers=HTMX)
    paused = alice.post(f"{url}/pause")
    twice = alice.post(f"{url}/pause", headers=HTMX)
    resumed = alice.post(f"{url}/resume")
    cancelled = alice.post(f"{url}/cancel")

    assert "1 charger wait" in question.text
    assert [each.status_code for each in (paused, twice, resumed, cancelled)] == [303, 422, 303, 303]
    assert "Only a campaign that runs can be paused." in twice.text
    assert upgrades(db)[0].status is UpgradeStatus.CANCELLED
    assert "Cancelled by alice@example.com." in alice.get(url).text


def test_failed_chargers_are_tried_again(alice, db, charger, release):
    url = f"/firmware/{begun(db, charger, release).id}"
    (upgrade,) = upgrades(db)
    upgrade.release.version  # noqa: B018 - loaded before the end is told
    firmware_upgrades.end(db, upgrade, UpgradeStatus.FAILED, "It broke.", utcnow())
    db.commit()

    answer = alice.post(f"{url}/retry")

    assert answer.status_code == 303
    first, second = upgrades(db)
    assert (first.is_latest, second.is_latest, second.attempt) == (False, True, 2)
    assert "1 charger is tried again." in alice.get(answer.location).text


def test_live_counts_say_nothing_twice(alice, db, charger, release):
    url = f"/firmware/{begun(db, charger, release).id}"
    seen = alice.get(url).text.split('name="seen" value="')[1].split('"')[0]

    quiet = alice.get(f"{url}/live?seen={seen}", headers=HTMX)
    firmware_upgrades.end(db, upgrades(db)[0], UpgradeStatus.FAILED, "It broke.", utcnow())
    db.commit()
    news = alice.get(f"{url}/live?seen={seen}", headers=HTMX)

    assert quiet.status_code == 204
    assert "It broke." in news.text
    assert "1 of 1, 1 failed" in news.text
    assert "It broke." in alice.get(f"{url}?view=failed").text
    assert "It broke." in alice.get(f"{url}/export.csv").text


def test_a_technicians_campaign_needs_an_owner(alice, bob, db, make, station, charger, release):
    make(factories.duo, station, label="HG-02", device_id="HE61")

    answer = bob.post("/firmware/new", data=plan_form("HE60", "HE61"))
    own = bob.post(f"{answer.location}/approve", headers=HTMX)
    agreed = alice.post(f"{answer.location}/approve")

    db.expire_all()
    assert "somebody else has to agree" in own.text
    assert agreed.status_code == 303
    assert db.scalars(select(FirmwareCampaign)).one().status is CampaignStatus.RUNNING


def test_a_technician_upgrades_one_charger_alone(bob, db, charger, release):
    bob.post("/firmware/new", data=plan_form("HE60"))

    assert db.scalars(select(FirmwareCampaign)).one().status is CampaignStatus.RUNNING


def test_hostile_texts_of_chargers_and_releases_stay_text(alice, make, station):
    evil = "<img src=x onerror=alert(1)>"
    make(factories.release, version=f"9 {evil}"[:50], models=(evil,), vendor=evil, notes=evil)
    charger = make(
        factories.duo, station, vendor=evil, model=evil, version=f"1 {evil}"[:50], label=evil, device_id="EVIL"
    )

    for url in ("/firmware", "/firmware/new", f"/chargers/{charger.device_id}/firmware", "/chargers"):
        assert "<img src=x" not in alice.get(url).text
