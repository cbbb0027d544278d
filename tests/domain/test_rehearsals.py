"""Rehearsals: to the cent what billing would have made of the same sessions, by the same code."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import sessionmaker

from domain import (
    billing,
    job_kinds,
    jobs,
    price_drafts,
    rehearsal_compare,
    rehearsal_list,
    rehearsal_part,
    rehearsals,
)
from domain.errors import Refused
from domain.files import FileStore
from domain.jobs import Workplace
from domain.models.charging import MeterValue
from domain.models.jobs import JobStatus
from domain.models.orders import Order
from domain.models.price_drafts import Rehearsal
from domain.models.stations import StationTariff
from domain.price_changes import Prices
from domain.rehearsal_list import Filter, View
from tests import factories
from tests.factories import NOW

# 0.40 a kWh and, after ten free minutes, 0.10 a minute of parking; VAT included.
TERMS = {
    "elements": [
        {
            "name": "All day",
            "price_components": [
                {"type": "ENERGY", "price": "0.40", "vat": "25.5", "step_size": 1},
                {"type": "PARKING_TIME", "price": "6.00", "vat": "25.5", "step_size": 60},
            ],
        }
    ],
    "idle_grace_s": 600,
    "tax_included": "YES",
}
DEARER = {
    "elements": [
        {
            "name": "Lunch",
            "price_components": [{"type": "ENERGY", "price": "0.60", "vat": "25.5", "step_size": 1}],
            "restrictions": {"start_time": "11:30", "end_time": "13:00"},
        },
        *TERMS["elements"],
    ],
    "idle_grace_s": 600,
    "tax_included": "YES",
}
SINCE, UNTIL = NOW - timedelta(days=30), NOW
AS_THEN, DRAFT = Prices("Prices", "EUR", TERMS), Prices("Draft", "EUR", DEARER)


@pytest.fixture
def charger(make):
    charger = make(factories.charger)
    tariff = make(factories.tariff, charger.station.operator, terms=TERMS)
    make(factories.assign_tariff, charger.station, tariff)
    return charger


@pytest.fixture
def place(engine, tmp_path):
    return Workplace(sessionmaker(engine, expire_on_commit=False), FileStore(tmp_path))


def visit(db, charger, started_at, minutes=60, wh=10_000, parked=0, is_billed=True, **values):
    """A session with a reading every five minutes, parked at its end, billed as the worker bills."""
    tariff = db.scalars(select(StationTariff)).one().tariff_id
    stopped_at = started_at + timedelta(minutes=minutes + parked)
    told = {"started_at": started_at, "stopped_at": stopped_at, "start_received_at": started_at, "energy_wh": wh}
    meter = {"meter_start_wh": 5_000, "meter_stop_wh": 5_000 + wh, "stop_received_at": stopped_at, "tariff_id": tariff}
    charging = factories.charging(db, charger, **(told | meter | values))
    factories.charger_status(db, charger, "Charging", started_at)
    if parked:
        factories.charger_status(db, charger, "SuspendedEV", started_at + timedelta(minutes=minutes))
    factories.charger_status(db, charger, "Available", stopped_at + timedelta(seconds=2))
    for minute in range(5, minutes, 5):
        at = started_at + timedelta(minutes=minute)
        db.add(MeterValue(charger_id=charger.id, connector_number=1, charging_session_id=charging.id, at=at,
                          received_at=at, energy_wh=5_000 + wh * minute // minutes, samples=[]))  # fmt: skip
    db.flush()
    if is_billed:
        billing.bill(db, charging.id, stopped_at + timedelta(minutes=1))
    db.commit()
    return charging


def rehearse(db, place, charger, prices, draft=None):
    asked = rehearsals.ask(db, charger.station, prices, SINCE, UNTIL, draft=draft, by="alice", now=NOW)
    db.commit()
    jobs.work(place, job_kinds.STEPS, asked.job_id, lambda: NOW)
    db.expire_all()
    return db.get_one(Rehearsal, asked.id)


def lines(db, rehearsal, view=View.ALL):
    found = rehearsal_list.page(db, rehearsal, Filter(view), None, 25).rows
    return [(each.charging_session_id, each.before_minor, each.after_minor) for each in found]


def test_a_price_by_time_of_day_over_a_session_that_meets_it(db, place, charger):
    # Helsinki is two hours ahead: 10:00 UTC is noon. 10 kWh in the hour to 13:00, all of it at 0.60 instead of 0.40.
    lunch = visit(db, charger, NOW.replace(day=3, hour=10, minute=0))
    # 11:00 to 12:00: half before 11:30 at 0.40, half after at 0.60.
    morning = visit(db, charger, NOW.replace(day=4, hour=9, minute=0))
    night = visit(db, charger, NOW.replace(day=5, hour=20, minute=0))

    found = rehearse(db, place, charger, DRAFT)

    assert lines(db, found) == [(lunch.id, 400, 600), (morning.id, 400, 500), (night.id, 400, 400)]
    assert (found.before_minor, found.after_minor) == (1200, 1500)
    assert (found.dearer, found.cheaper, found.same) == (2, 0, 1)
    assert (found.job.status, found.job.done, found.job.total) == (JobStatus.DONE, 3, 3)
    assert lines(db, found, View.SAME) == [(night.id, 400, 400)]


def test_the_prices_of_then_change_nothing(db, place, charger):
    visit(db, charger, NOW.replace(day=3, hour=10, minute=0), parked=45)
    visit(db, charger, NOW.replace(day=4, hour=22, minute=31), minutes=95, wh=23_457, parked=10)
    visit(db, charger, NOW.replace(day=5, hour=3, minute=7), meter_start_wh=None)
    visit(db, charger, NOW.replace(day=6, hour=3, minute=7), wh=0)
    billed = sum(db.scalars(select(Order.gross_minor)))

    found = rehearse(db, place, charger, AS_THEN)

    assert found.before_minor == found.after_minor == billed
    assert found.same == 4


def test_sessions_to_be_looked_at_are_told_apart(db, place, charger):
    odd = visit(db, charger, NOW.replace(day=3, hour=20, minute=0), meter_stop_wh=None)
    visit(db, charger, NOW.replace(day=4, hour=20, minute=0))

    found = rehearse(db, place, charger, AS_THEN)

    assert found.flagged == 1
    assert (found.flagged_before_minor, found.flagged_after_minor) == (lines(db, found, View.FLAGGED)[0][1:])
    assert [line[0] for line in lines(db, found, View.FLAGGED)] == [odd.id]


def test_what_cannot_be_compared_is_left_out_and_counted(db, place, charger):
    visit(db, charger, NOW.replace(day=3, hour=20, minute=0), is_billed=False)
    visit(db, charger, NOW.replace(day=4, hour=20, minute=0))

    found = rehearse(db, place, charger, replace(AS_THEN, currency="SEK"))

    assert (found.compared, found.not_billed, found.other_currency) == (0, 1, 1)


def test_only_the_station_and_the_days_asked_for(db, make, place, charger):
    visit(db, charger, SINCE - timedelta(minutes=1))
    inside = visit(db, charger, SINCE)
    visit(db, charger, UNTIL)
    elsewhere = make(factories.charger, make(factories.station, charger.station.operator))
    visit(db, elsewhere, SINCE)

    found = rehearse(db, place, charger, AS_THEN)

    assert [line[0] for line in lines(db, found)] == [inside.id]


def test_asking_twice_is_asking_once_while_it_works(db, charger):
    first = rehearsals.ask(db, charger.station, DRAFT, SINCE, UNTIL, by="alice", now=NOW)
    second = rehearsals.ask(db, charger.station, DRAFT, SINCE, UNTIL, by="alice", now=NOW)

    assert first.id == second.id


def test_parts_in_processes_of_their_own_are_the_whole(db, charger, database_url):
    for day in (3, 4, 5):
        visit(db, charger, NOW.replace(day=day, hour=10, minute=0), parked=day * 10)
    asked = rehearsals.ask(db, charger.station, DRAFT, SINCE, UNTIL, by="alice", now=NOW)
    db.commit()
    whole = rehearsal_compare.compare_slice(db, asked, None, 10)
    border = rehearsal_compare.end_of_slice(db, asked, None, 2)

    parts = [rehearsal_part.begin(database_url, asked.id, place, 2) for place in (None, border)]
    first, second = (rehearsal_part.result(part) for part in parts)

    assert first.lines + second.lines == whole.lines
    assert (first.count, first.last, second.count, second.last) == (2, border, 1, None)
    assert first.sums.after_minor + second.sums.after_minor == whole.sums.after_minor


def test_a_part_that_comes_to_grief_is_done_again_here(tmp_path):
    part = rehearsal_part.begin(f"sqlite:///{tmp_path / 'nothing.db'}", 1, None, 10)

    assert rehearsal_part.result(part) is None


def test_old_rehearsals_go(db, place, charger):
    made = [rehearse(db, place, charger, replace(DRAFT, name=f"Draft {number}")).id for number in range(7)]

    assert db.scalars(select(Rehearsal.id).order_by(Rehearsal.id)).all() == made[2:]


def test_nobody_pays_otherwise_because_of_a_rehearsal(db, place, charger):
    visit(db, charger, NOW.replace(day=3, hour=10, minute=0))
    tariff = db.scalars(select(StationTariff)).one().tariff
    draft = price_drafts.begin(db, charger.station, DRAFT, base=tariff, by="alice", now=NOW)
    before = db.execute(select(Order.id, Order.gross_minor)).all()

    found = rehearse(db, place, charger, DRAFT, draft)

    assert (found.draft_id, found.draft_revision) == (draft.id, 1)
    assert db.execute(select(Order.id, Order.gross_minor)).all() == before
    assert len(db.scalars(select(StationTariff)).all()) == 1


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [(UNTIL, SINCE, "until"), (NOW + timedelta(days=1), NOW + timedelta(days=2), "since"),
     (NOW - timedelta(days=500), NOW, "since")],
)  # fmt: skip
def test_days_that_cannot_be_meant(db, charger, since, until, field):
    with pytest.raises(Refused) as refusal:
        rehearsals.ask(db, charger.station, DRAFT, since, until, by="alice", now=NOW)

    assert refusal.value.errors[0][0] == field
