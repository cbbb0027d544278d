"""Campaigns: who goes first, waves, windows, stopping, pausing, trying again."""

from datetime import UTC, datetime, timedelta

import pytest

from domain import firmware_campaigns, firmware_progress, firmware_states, firmware_upgrades
from domain.errors import Conflict, Refused
from domain.firmware_campaigns import Plan
from domain.models.charging import SessionStatus
from domain.models.firmware import CampaignStatus, UpgradeStatus
from domain.models.operators import Role
from tests import factories

NOW = factories.NOW  # 13:04 in Helsinki
URL = "https://volt.example"
ALICE, BOB = "alice@example.com", "bob@example.com"
U, C = UpgradeStatus, CampaignStatus


@pytest.fixture
def station(db):
    return factories.station(db)


@pytest.fixture
def release(db):
    return factories.release(db)


def chargers(db, station, count, **values):
    return [factories.duo(db, station, label=f"HG-{number:02d}", **values) for number in range(1, count + 1)]


def plan(**values):
    return Plan(**({"name": "Autumn", "starts_at": NOW, "ends_at": NOW + timedelta(days=3), "stop_after": 0} | values))


def begin(db, station, picks, by=ALICE, needs_second=False, now=NOW, **values):
    return firmware_campaigns.begin(
        db, station.operator_id, plan(**values), picks, by=by, needs_second=needs_second, now=now
    )


def sweep(db, now=NOW):
    """One round of the worker. Returns the labels of the chargers that were asked."""
    db.flush()
    db.expire_all()
    for upgrade_id in firmware_progress.to_follow(db, now):
        firmware_progress.follow(db, upgrade_id, now)
    for campaign_id in firmware_campaigns.to_advance(db, now):
        firmware_campaigns.advance(db, campaign_id, now)
    due = firmware_upgrades.due(db, now)
    return [
        db.get(firmware_upgrades.FirmwareUpgrade, upgrade_id).charger.label
        for upgrade_id in due
        if firmware_upgrades.ask(db, upgrade_id, URL, now)
    ]


def finish(db, campaign, status=U.INSTALLED, *labels):
    """Those under way end like that; all, or those named."""
    for upgrade in firmware_campaigns.upgrades(db, campaign.id):
        if upgrade.is_under_way and (not labels or upgrade.charger.label in labels):
            firmware_upgrades.end(db, upgrade, status, "So it ended.", NOW)
            if status is U.INSTALLED:
                upgrade.charger.firmware_version = upgrade.release.version
    db.flush()


def statuses(db, campaign):
    db.expire_all()
    return {each.charger.label: each.status.value for each in firmware_campaigns.upgrades(db, campaign.id)}


def test_a_few_first_then_waves(db, station, release):
    campaign = begin(db, station, [(each, release) for each in chargers(db, station, 6)], canaries=1, wave_size=2)

    rounds = []
    for _ in range(5):
        rounds.append(sweep(db))
        assert sweep(db) == []  # nobody begins while somebody is at it
        finish(db, campaign)

    assert rounds == [["HG-01"], ["HG-02", "HG-03"], ["HG-04", "HG-05"], ["HG-06"], []]
    assert (campaign.status, campaign.ended_at) == (C.DONE, NOW)
    assert firmware_campaigns.counts(db, campaign.id)[U.INSTALLED] == 6


def test_waves_in_percent_are_rounded_up(db, station, release):
    campaign = begin(db, station, [(each, release) for each in chargers(db, station, 5)], canaries=0, wave_percent=30)

    rounds = []
    for _ in range(3):
        rounds.append(len(sweep(db)))
        finish(db, campaign)

    assert rounds == [2, 2, 1]


def test_without_waves_everybody_begins_at_once(db, station, release):
    begin(db, station, [(each, release) for each in chargers(db, station, 4)], canaries=0)

    assert len(sweep(db)) == 4


def test_who_is_offline_or_charging_comes_later_and_blocks_nobody(db, station, release):
    first, offline, busy, last = chargers(db, station, 4)
    offline.node = None
    session = factories.charging(db, busy, status=SessionStatus.ACTIVE, stopped_at=None)
    campaign = begin(db, station, [(each, release) for each in (first, offline, busy, last)], wave_size=2)
    sweep(db)
    finish(db, campaign)

    second = sweep(db)
    finish(db, campaign)
    session.status = SessionStatus.COMPLETED
    offline.node = "ocpp-1"
    third = sweep(db)

    assert (second, third) == (["HG-04"], ["HG-02", "HG-03"])


def test_who_never_comes_back_is_left_out_at_the_end(db, station, release):
    first, offline = chargers(db, station, 2)
    offline.node = None
    campaign = begin(db, station, [(first, release), (offline, release)])
    sweep(db)
    finish(db, campaign)
    sweep(db)
    still = campaign.status

    sweep(db, campaign.ends_at)
    sweep(db, campaign.ends_at)

    assert (still, campaign.status) == (C.RUNNING, C.DONE)
    assert statuses(db, campaign) == {"HG-01": "installed", "HG-02": "left_out"}


def test_the_others_wait_for_the_first_one_even_if_it_is_offline(db, station, release):
    first, second = chargers(db, station, 2)
    first.node = None
    begin(db, station, [(first, release), (second, release)])

    assert sweep(db) == []
    first.node = "ocpp-1"
    assert sweep(db) == ["HG-01"]


def test_if_the_first_one_fails_the_others_are_not_asked(db, station, release):
    campaign = begin(db, station, [(each, release) for each in chargers(db, station, 3)], canaries=1)
    sweep(db)
    finish(db, campaign, U.FAILED)

    assert sweep(db) == []
    assert campaign.status is C.STOPPED
    assert campaign.sentence.startswith("A charger that went first has failed")

    firmware_campaigns.resume(db, campaign, by=ALICE, now=NOW)
    assert sweep(db) == ["HG-02", "HG-03"]


def test_it_stops_after_so_many_failures_and_goes_on_when_told(db, station, release):
    picks = [(each, release) for each in chargers(db, station, 8)]
    campaign = begin(db, station, picks, canaries=0, wave_size=2, stop_after=2)
    sweep(db)
    finish(db, campaign, U.FAILED, "HG-01")
    finish(db, campaign)
    on = sweep(db)
    finish(db, campaign, U.FAILED, "HG-03")
    finish(db, campaign)

    stopped = sweep(db), campaign.status, campaign.sentence
    firmware_campaigns.resume(db, campaign, by=ALICE, now=NOW)
    resumed = sweep(db)
    finish(db, campaign, U.FAILED, "HG-05")
    finish(db, campaign)
    after_one_more = sweep(db)

    assert on == ["HG-03", "HG-04"]
    assert stopped == (
        [],
        C.STOPPED,
        "Stopped: 2 chargers have failed. Look at them, then go on, try them again, or cancel.",
    )
    assert (resumed, after_one_more) == (["HG-05", "HG-06"], ["HG-07", "HG-08"])


def test_pause_and_resume(db, station, release):
    campaign = begin(db, station, [(each, release) for each in chargers(db, station, 2)], canaries=0, wave_size=1)
    firmware_campaigns.pause(db, campaign, by=ALICE, now=NOW)

    paused = sweep(db), campaign.sentence
    with pytest.raises(Conflict):
        firmware_campaigns.pause(db, campaign, by=ALICE, now=NOW)
    firmware_campaigns.resume(db, campaign, by=ALICE, now=NOW)

    assert paused == ([], "Paused by alice@example.com.")
    assert sweep(db) == ["HG-01"]
    with pytest.raises(Conflict):
        firmware_campaigns.resume(db, campaign, by=ALICE, now=NOW)


def test_cancelling_leaves_those_under_way(db, station, release):
    campaign = begin(db, station, [(each, release) for each in chargers(db, station, 2)], canaries=1)
    sweep(db)

    firmware_campaigns.cancel(db, campaign, by=ALICE, now=NOW)

    assert statuses(db, campaign) == {"HG-01": "asked", "HG-02": "cancelled"}
    finish(db, campaign)
    assert statuses(db, campaign)["HG-01"] == "installed"
    with pytest.raises(Conflict):
        firmware_campaigns.cancel(db, campaign, by=ALICE, now=NOW)


def test_failed_ones_are_tried_again(db, station, release):
    campaign = begin(db, station, [(each, release) for each in chargers(db, station, 3)], canaries=0)
    sweep(db)
    finish(db, campaign, U.FAILED, "HG-02")
    finish(db, campaign)
    sweep(db)

    count, cannot = firmware_campaigns.retry(db, campaign, by=ALICE, now=NOW)
    again = sweep(db)
    finish(db, campaign)
    sweep(db)

    assert (count, cannot, again) == (1, [], ["HG-02"])
    assert statuses(db, campaign) == {"HG-01": "installed", "HG-02": "installed", "HG-03": "installed"}
    assert campaign.status is C.DONE
    with pytest.raises(Conflict, match="No charger of this campaign has failed"):
        firmware_campaigns.retry(db, campaign, by=ALICE, now=NOW)


def test_trying_again_says_who_cannot_be(db, station, release):
    first, second = chargers(db, station, 2)
    campaign = begin(db, station, [(first, release), (second, release)], canaries=0)
    sweep(db)
    finish(db, campaign, U.FAILED)
    first.firmware_version = "2.9.0"
    db.flush()

    count, cannot = firmware_campaigns.retry(db, campaign, by=ALICE, now=NOW)

    assert (count, cannot) == (1, ["HG-01 already runs 2.9.0; 2.9.0 is not newer."])
    assert statuses(db, campaign) == {"HG-01": "failed", "HG-02": "waiting"}


def test_the_window_is_read_on_the_stations_clock(db, release):
    operator = factories.operator(db)
    helsinki = factories.station(db, operator)
    london = factories.station(db, operator, name="Docks", time_zone="Europe/London")
    picks = [(factories.duo(db, helsinki, label="HG-01"), release), (factories.duo(db, london, label="D-01"), release)]
    night = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)  # 22:30 in Helsinki, 20:30 in London
    campaign = begin(db, helsinki, picks, canaries=0, window=(22 * 60, 5 * 60))

    assert sweep(db) == []
    assert sweep(db, night) == ["HG-01"]
    assert sweep(db, night + timedelta(hours=2)) == ["D-01"]
    assert [
        firmware_upgrades.is_open(campaign, "Europe/Helsinki", night + timedelta(hours=hour)) for hour in (6, 7)
    ] == [
        True,
        False,
    ]


def test_outside_the_window_no_wave_passes_unseen(db, station, release):
    picks = [(each, release) for each in chargers(db, station, 3)]
    campaign = begin(db, station, picks, canaries=0, wave_size=1, window=(60, 120))

    for _ in range(3):
        sweep(db)

    assert campaign.wave == 1


def test_a_second_campaign_over_the_same_charger_is_refused(db, station, release):
    first, second = chargers(db, station, 2)
    begin(db, station, [(first, release)], name="Autumn")

    with pytest.raises(Conflict, match='HG-01 waits to be upgraded to 2.9.0 in the campaign "Autumn"'):
        begin(db, station, [(second, release), (first, release)], name="Winter")


def test_candidates_say_why_not(db, station, release):
    free, open_, newest, offline, foreign = (
        factories.duo(db, station, label="A"),
        factories.duo(db, station, label="B"),
        factories.duo(db, station, label="C", version="2.9.0"),
        factories.duo(db, station, label="D", node=None),
        factories.duo(db, label="E"),
    )
    begin(db, station, [(open_, release)])
    ids = [each.id for each in (free, open_, newest, offline, foreign)]

    found = firmware_campaigns.candidates(db, station.operator_id, ids)

    assert [(each.charger.label, each.release is release) for each in found] == [
        ("A", True),
        ("D", True),
        ("B", False),
        ("C", False),
    ]
    assert [each.reason for each in found[2:]] == [
        'B waits to be upgraded to 2.9.0 in the campaign "Autumn". Cancel that first, or wait for its end.',
        "No newer firmware is published for it.",
    ]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"canaries": -1}, "canaries"),
        ({"wave_size": 0}, "wave"),
        ({"wave_percent": 101}, "wave"),
        ({"window": (60, 60)}, "window_until"),
        ({"window": (-1, 2000)}, "window_from"),
        ({"stop_after": -1}, "stop_after"),
        ({"ends_at": NOW}, "ends_at"),
        ({"starts_at": NOW + timedelta(days=9), "ends_at": NOW + timedelta(days=8)}, "ends_at"),
        ({"ends_at": NOW + timedelta(days=91)}, "ends_at"),
    ],
)
def test_plans_that_make_no_sense_are_refused(db, station, release, values, field):
    picks = [(each, release) for each in chargers(db, station, 1)]

    with pytest.raises(Refused) as refusal:
        begin(db, station, picks, **values)

    assert [name for name, _ in refusal.value.errors] == [field]


def test_no_charger_is_no_campaign(db, station):
    with pytest.raises(Refused, match="Pick at least one charger"):
        begin(db, station, [])


def test_a_second_person_agrees(db, station, release):
    operator = station.operator
    factories.user(db, operator, Role.OWNER, email=ALICE)
    factories.user(db, operator, Role.TECHNICIAN, email=BOB)
    picks = [(each, release) for each in chargers(db, station, 2)]
    campaign = begin(db, station, picks, by=BOB, needs_second=True, canaries=0)

    waiting = sweep(db), campaign.status
    with pytest.raises(Refused, match="somebody else has to agree"):
        firmware_campaigns.approve(db, campaign, by=BOB, now=NOW)
    firmware_campaigns.approve(db, campaign, by=ALICE, now=NOW)

    assert waiting == ([], C.PROPOSED)
    assert sweep(db) == ["HG-01", "HG-02"]
    with pytest.raises(Conflict):
        firmware_campaigns.approve(db, campaign, by=ALICE, now=NOW)


def test_where_nobody_could_agree_it_begins_a_day_later(db, station, release):
    factories.user(db, station.operator, Role.TECHNICIAN, email=BOB)
    factories.user(db, station.operator, Role.FINANCE)
    picks = [(each, release) for each in chargers(db, station, 1)]

    campaign = begin(db, station, picks, by=BOB, needs_second=True)

    assert (campaign.status, campaign.starts_at) == (C.RUNNING, NOW + timedelta(hours=24))
    assert sweep(db) == []
    assert sweep(db, NOW + timedelta(hours=24)) == ["HG-01"]


def test_a_waiting_charger_of_a_campaign_is_upgradeable_still(db, station, release):
    (charger,) = chargers(db, station, 1)
    begin(db, station, [(charger, release)])

    state = firmware_states.states(db, [charger])[charger.id]

    assert (state.word, state.sentence) == ("Upgradeable", "Waiting to be upgraded to 2.9.0.")
