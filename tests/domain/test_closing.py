"""Ends that no charger reported, ends by hand, and clocks that were wrong all along."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from domain import charging, meter_values, statuses
from domain.charger_clock import ChargerTime, read_time
from domain.charging import StartReport, StopReport
from domain.errors import Conflict, Refused
from domain.meter_values import Sampled
from domain.models.chargers import Charger, ChargerEvent
from domain.models.charging import ChargingSession, MeterValue, SessionStatus
from domain.models.commands import Command, CommandStatus
from tests import factories
from tests.factories import NOW

MINUTE = timedelta(minutes=1)


@pytest.fixture
def charger(db) -> Charger:
    station = factories.station(db)
    factories.assign_tariff(db, station, factories.tariff(db, station.operator))
    factories.token(db, station.operator)
    return factories.charger(db, station, node="ocpp-1")


def begin(db, charger, at: datetime = NOW, said: datetime | None = None, connector: int = 1) -> ChargingSession:
    time = read_time((said or at).isoformat(), at, "UTC")
    session, _ = charging.start(db, charger, StartReport(connector, "04A1B2C3", 1000, time), at)
    return session


def end(db, charger, session, at: datetime, said: datetime | None = None, meter: int = 5000) -> ChargingSession:
    time = read_time((said or at).isoformat(), at, "UTC")
    return charging.stop(db, charger, StopReport(int(session.transaction_id), None, meter, time), at)


def show(db, charger, word: str, at: datetime, now: datetime | None = None) -> None:
    report = statuses.Report(1, word, "NoError", ChargerTime(at, at.isoformat()))
    statuses.report(db, charger.id, report, now or at)


def measure(db, session, register: int, at: datetime, power_w: int = 0) -> None:
    samples = [{"value": str(register)}, {"value": str(power_w), "measurand": "Power.Active.Import"}]
    value = Sampled(ChargerTime(at, at.isoformat()), samples)
    meter_values.store(db, session.charger_id, 1, int(session.transaction_id), [value], at)
    db.refresh(session)


def test_a_plug_that_stays_free_ends_its_session(db, charger):
    session = begin(db, charger)
    measure(db, session, 3000, NOW + 20 * MINUTE, power_w=7000)
    show(db, charger, "Available", NOW + 30 * MINUTE)

    early = charging.close_abandoned(db, NOW + 39 * MINUTE)
    late = charging.close_abandoned(db, NOW + 40 * MINUTE)
    again = charging.close_abandoned(db, NOW + 41 * MINUTE)

    assert (early, late, again) == (0, 1, 0)
    assert session.status is SessionStatus.COMPLETED
    assert (session.meter_stop_wh, session.energy_wh) == (3000, 2000)
    assert session.stopped_at == NOW + 30 * MINUTE
    assert (session.stop_cause, session.flags) == ("available", ["stop_missing"])


def test_the_grace_counts_from_when_we_were_told(db, charger):
    begin(db, charger, NOW - 120 * MINUTE, NOW - 120 * MINUTE)
    show(db, charger, "Available", NOW - 60 * MINUTE, now=NOW)

    assert charging.close_abandoned(db, NOW + 9 * MINUTE) == 0
    assert charging.close_abandoned(db, NOW + 10 * MINUTE) == 1


@pytest.mark.parametrize("word", ["Charging", "Finishing", "Preparing", "SuspendedEV", "Faulted"])
def test_a_plug_that_is_not_free_ends_nothing(db, charger, word):
    begin(db, charger)
    show(db, charger, word, NOW + MINUTE)

    assert charging.close_abandoned(db, NOW + 600 * MINUTE) == 0


def test_a_plug_that_was_free_before_the_start_ends_nothing(db, charger):
    show(db, charger, "Available", NOW - MINUTE)
    begin(db, charger)

    assert charging.close_abandoned(db, NOW + 600 * MINUTE) == 0


def test_a15_the_session_of_an_offline_charger_stays_open(db, charger):
    begin(db, charger)
    show(db, charger, "Available", NOW + MINUTE)
    charger.node = None
    db.flush()

    assert charging.close_abandoned(db, NOW + 600 * MINUTE) == 0


def test_g7_a_free_plug_that_still_delivers_ends_nothing(db, charger):
    session = begin(db, charger)
    show(db, charger, "Available", NOW + MINUTE)
    measure(db, session, 3000, NOW + 5 * MINUTE, power_w=7000)

    assert charging.close_abandoned(db, NOW + 600 * MINUTE) == 0


def test_an_open_session_behind_a_newer_one_ends_after_the_grace(db, charger):
    newer = begin(db, charger)
    replayed = begin(db, charger, NOW, said=NOW - 180 * MINUTE)

    early = charging.close_abandoned(db, NOW + 9 * MINUTE)
    late = charging.close_abandoned(db, NOW + 10 * MINUTE)

    assert (early, late) == (0, 1)
    assert newer.status is SessionStatus.ACTIVE
    assert (replayed.status, replayed.stop_cause) == (SessionStatus.COMPLETED, "next_start")
    assert replayed.stopped_at == NOW


def test_closing_by_hand_says_who_and_why(db, charger):
    session = begin(db, charger)
    measure(db, session, 3000, NOW + 20 * MINUTE)

    assert charging.proposed_meter_wh(session) == 3000
    charging.close_by_hand(db, session, 3100, " Cable was pulled ", by="alice@example.com", now=NOW + 60 * MINUTE)

    event = db.scalars(select(ChargerEvent)).one()
    assert (session.status, session.energy_wh, session.stop_cause) == (SessionStatus.COMPLETED, 2100, "closed_by_hand")
    assert session.stopped_at == NOW + 20 * MINUTE
    assert session.flags == ["closed_by_hand"]
    assert event.detail == {
        "by": "alice@example.com",
        "reason": "Cable was pulled",
        "meter_wh": 3100,
        "session": session.id,
    }


@pytest.mark.parametrize(("meter", "reason"), [(999, "Pulled"), (2_001_001, "Pulled"), (3000, "  ")])
def test_closing_by_hand_needs_a_believable_register_and_a_reason(db, charger, meter, reason):
    session = begin(db, charger)

    with pytest.raises(Refused):
        charging.close_by_hand(db, session, meter, reason, by="alice@example.com", now=NOW)

    assert session.status is SessionStatus.ACTIVE


def test_what_has_ended_cannot_be_closed(db, charger):
    session = end(db, charger, begin(db, charger), NOW + 30 * MINUTE)

    with pytest.raises(Conflict):
        charging.close_by_hand(db, session, 5000, "Twice", by="alice@example.com", now=NOW + 60 * MINUTE)


def test_a_stop_after_closing_by_hand_changes_no_figure_and_is_not_lost(db, charger):
    session = begin(db, charger)
    charging.close_by_hand(db, session, 1000, "Dead", by="alice@example.com", now=NOW + 60 * MINUTE)

    end(db, charger, session, NOW + 90 * MINUTE)

    event = db.scalars(select(ChargerEvent).order_by(ChargerEvent.id.desc()).limit(1)).one()
    assert session.energy_wh == 0
    assert session.flags == ["closed_by_hand", "stop_after_close"]
    assert event.detail["meter_stop_wh"] == 5000


def test_we_know_that_we_stopped_it_whatever_the_charger_says(db, charger):
    session = begin(db, charger)
    db.add(
        Command(
            charger_id=charger.id,
            action="RemoteStopTransaction",
            payload=f'{{"transactionId":{session.transaction_id}}}',
            status=CommandStatus.ACCEPTED,
            queued_at=NOW + MINUTE,
            expires_at=NOW + 2 * MINUTE,
            asked_by="driver",
        )
    )
    db.flush()

    end(db, charger, session, NOW + 30 * MINUTE)

    assert session.stop_cause == "remote_stop"


def test_e9_a_stop_before_its_start_lasts_no_time(db, charger):
    session = begin(db, charger)

    end(db, charger, session, NOW + 30 * MINUTE, said=NOW - 30 * MINUTE)

    assert session.stopped_at == session.started_at
    assert session.energy_wh == 4000
    assert "stop_before_start" in session.flags


def test_f8_a_live_clock_that_is_hours_behind_is_moved_to_ours(db, charger):
    behind = timedelta(hours=2)
    session = begin(db, charger, NOW, said=NOW - behind)
    value = Sampled(ChargerTime(NOW + 10 * MINUTE - behind, "raw"), [{"value": "3000"}])
    meter_values.store(db, charger.id, 1, int(session.transaction_id), [value], NOW + 10 * MINUTE)

    end(db, charger, session, NOW + 30 * MINUTE, said=NOW + 30 * MINUTE - behind)

    assert (session.started_at, session.stopped_at) == (NOW, NOW + 30 * MINUTE)
    assert session.started_at_charger == "2026-11-20T09:04:00+00:00"
    assert set(session.flags) == {"clock_behind", "clock_whole_hours"}
    assert db.scalars(select(MeterValue.at)).one() == NOW + 10 * MINUTE


def test_f5_a_replayed_session_stays_at_the_chargers_time(db, charger):
    session = begin(db, charger, NOW, said=NOW - timedelta(days=3))

    end(db, charger, session, NOW + timedelta(seconds=2), said=NOW - timedelta(days=3) + 30 * MINUTE)

    assert session.started_at == NOW - timedelta(days=3)
    assert session.stopped_at == NOW - timedelta(days=3) + 30 * MINUTE
    assert session.flags == ["arrived_late"]
    assert (session.start_received_at, session.stop_received_at) == (NOW, NOW + timedelta(seconds=2))


@pytest.mark.parametrize("hours", [24, 24 * 365 * 12])
def test_f8_a_clock_ahead_bills_our_time(db, charger, hours):
    ahead = timedelta(hours=hours)
    session = begin(db, charger, NOW, said=NOW + ahead)

    end(db, charger, session, NOW + 30 * MINUTE, said=NOW + ahead + 30 * MINUTE)

    assert (session.started_at, session.stopped_at) == (NOW, NOW + 30 * MINUTE)
    assert "clock_ahead" in session.flags


def test_e3_two_sessions_of_a_clock_that_was_never_set_are_two(db, charger):
    def begin_in_1970(now: datetime) -> ChargingSession:
        time = read_time("1970-01-01T00:00:10Z", now, "UTC")
        return charging.start(db, charger, StartReport(1, "04A1B2C3", 0, time), now)[0]

    first = begin_in_1970(NOW)
    repeated = begin_in_1970(NOW + MINUTE)
    end(db, charger, first, NOW + 30 * MINUTE)
    second = begin_in_1970(NOW + 60 * MINUTE)

    assert repeated is first
    assert second is not first
    assert second.status is SessionStatus.ACTIVE
    assert "time_unknown" in second.flags


def test_the_price_is_that_of_the_sane_start(db, charger):
    later = factories.tariff(db, charger.station.operator, name="From noon")
    factories.assign_tariff(db, charger.station, later, from_at=NOW + 60 * MINUTE)

    replayed = begin(db, charger, NOW + 120 * MINUTE, said=NOW)
    unset = begin(db, charger, NOW + 120 * MINUTE, said=datetime(1970, 1, 1, tzinfo=NOW.tzinfo), connector=2)

    assert replayed.tariff_id != later.id
    assert unset.tariff_id == later.id


@pytest.mark.parametrize("meter", [2**63 - 1, -(2**63)])
def test_a_register_that_no_meter_shows_is_flagged(db, charger, meter):
    time = read_time(NOW.isoformat(), NOW, "UTC")
    session, _ = charging.start(db, charger, StartReport(1, "04A1B2C3", meter, time), NOW)
    end(db, charger, session, NOW + 30 * MINUTE, meter=meter)

    assert session.energy_wh == 0
    assert "meter_implausible" in session.flags
