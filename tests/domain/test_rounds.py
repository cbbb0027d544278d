"""Rounds: many chargers, a pace, outcomes, and those again that failed."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import jobs, rounds
from domain.errors import Conflict, Refused
from domain.files import FileStore
from domain.job_kinds import STEPS
from domain.jobs import Workplace
from domain.models.commands import Command, CommandStatus
from domain.models.jobs import Job, JobStatus
from domain.rounds import Outcome
from tests import factories
from tests.factories import NOW

RESET = [("Reset", {"type": "Soft"})]
ME = "alice@example.com"


@pytest.fixture
def site(make):
    return make(factories.station)


@pytest.fixture
def fleet(make, site):
    return [make(factories.charger, site, node="ocpp-1", ocpp_version="1.6") for _ in range(5)]


def begin(db, fleet, calls=RESET, **values):
    made = rounds.begin(
        db, fleet[0].operator_id, [each.id for each in fleet], "Reboot", calls, by=ME, now=NOW, **values
    )
    db.commit()
    return made


def commands_of(db):
    return db.scalars(select(Command).order_by(Command.id).execution_options(populate_existing=True)).all()


def settle(db, command, status=CommandStatus.ACCEPTED, seen=False):
    command.status, command.settled_at = status, NOW
    if seen:
        command.effect_at, command.effect, command.awaits = NOW, "booted", None
    db.commit()


def counts(db, shown):
    return {word.value: number for word, number in rounds.counts(db, shown).items()}


def test_all_at_once_asks_everybody_and_leaves_the_offline_out(db, make, site, fleet):
    away = make(factories.charger, site, label="HG-99")

    made = begin(db, [*fleet, away])

    assert len(commands_of(db)) == 5
    assert counts(db, made) == {"queued": 5, "left out": 1}
    assert (made.job.total, made.job.done, made.job.failed) == (6, 1, 1)


def test_a_pace_waits_until_those_before_are_back(db, fleet):
    made = begin(db, fleet, pace=2)
    first = commands_of(db)
    settle(db, first[0])  # accepted, not yet booted
    rounds.advance(db, made, NOW)
    between = len(commands_of(db))
    settle(db, first[0], seen=True)
    rounds.advance(db, made, NOW)

    assert (len(first), between, len(commands_of(db))) == (2, 2, 3)


def test_one_that_never_comes_back_holds_up_nobody_for_ever(db, fleet):
    made = begin(db, fleet, pace=1)
    settle(db, commands_of(db)[0])
    rounds.advance(db, made, NOW + timedelta(minutes=4))
    early = len(commands_of(db))
    rounds.advance(db, made, NOW + timedelta(minutes=6))

    assert (early, len(commands_of(db))) == (1, 2)


def test_the_job_ends_when_everybody_has_answered(db, engine, tmp_path, fleet):
    made = begin(db, fleet)
    for command, status in zip(commands_of(db), list(CommandStatus)[2:], strict=True):
        settle(db, command, status)
    place = Workplace(lambda: Session(engine, expire_on_commit=False), FileStore(tmp_path))

    jobs.work(place, STEPS, made.job_id, lambda: NOW)

    db.expire_all()
    job = db.get_one(Job, made.job_id)
    assert (job.status, job.done, job.failed) == (JobStatus.DONE, 5, 4)
    assert counts(db, made) == {"accepted": 1, "rejected": 1, "failed": 1, "timed out": 1, "expired": 1}
    found = rounds.page(db, made, rounds.BAD, "", None, 25).rows
    assert {row.outcome for row in found} == {Outcome.REJECTED, Outcome.FAILED, Outcome.TIMEOUT, Outcome.EXPIRED}


def test_those_again_that_failed(db, fleet):
    made = begin(db, fleet)
    with pytest.raises(Conflict, match="still going on"):
        rounds.again(db, made, by=ME, now=NOW)
    for number, command in enumerate(commands_of(db)):
        settle(db, command, CommandStatus.TIMEOUT if number < 2 else CommandStatus.ACCEPTED)
    jobs.finish(made.job, NOW)

    second = rounds.again(db, made, by=ME, now=NOW)

    again = [item.charger_id for item in (row.item for row in rounds.page(db, second, (), "", None, 25).rows)]
    assert again == [fleet[0].id, fleet[1].id]
    assert second.again_of_id == made.id


def test_nobody_asks_them_again_twice(db, fleet):
    first = begin(db, fleet[:1])
    settle(db, commands_of(db)[0], CommandStatus.TIMEOUT)
    jobs.finish(first.job, NOW)
    second = rounds.again(db, first, by=ME, now=NOW)

    with pytest.raises(Conflict, match="asked again already"):
        rounds.again(db, first, by="bob@example.com", now=NOW)
    assert len(commands_of(db)) == 2
    jobs.finish(second.job, NOW)
    assert rounds.again(db, first, by=ME, now=NOW).again_of_id == first.id


def test_a_cancelled_round_tells_who_was_not_asked(db, fleet):
    made = begin(db, fleet, pace=2)
    jobs.cancel(made.job, NOW)

    assert counts(db, made) == {"queued": 2, "not asked": 3}


def test_several_calls_go_to_each_charger_in_turn(db, fleet):
    settings = [("ChangeConfiguration", {"key": key, "value": "1"}) for key in ("A", "B")]

    begin(db, fleet[:2], settings, pace=1)

    assert [(each.charger_id, each.payload) for each in commands_of(db)] == [
        (fleet[0].id, '{"key":"A","value":"1"}'),
        (fleet[0].id, '{"key":"B","value":"1"}'),
    ]


@pytest.mark.parametrize(
    ("calls", "sentence"),
    [
        ([("Reset", {"type": "Medium"})], "type: This must be Hard or Soft."),
        ([("ChangeConfiguration", {"key": "AuthorizationKey", "value": "x"})], "each charger needs its own"),
        ([], "nothing to ask"),
    ],
)
def test_what_suits_nobody_is_refused(db, fleet, calls, sentence):
    with pytest.raises(Refused, match=sentence):
        begin(db, fleet, calls)
