"""Reservations: what the charger decides, cancelling, running out, being used, and what drivers see."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain import answers, charging, plugs, reservations, tokens
from domain.charger_clock import read_time
from domain.commands import ChargerOffline
from domain.errors import Conflict, Refused
from domain.models.commands import Command, CommandStatus
from domain.models.reservations import ReservationStatus
from domain.plugs import PlugState
from tests import factories
from tests.factories import NOW

HALF_AN_HOUR = timedelta(minutes=30)
ME = "alice@example.com"
OCCUPIED = "The charger says that this plug is in use or reserved already."
SILENT = "The charger did not answer within 30 s."


@pytest.fixture
def charger(make):
    return make(factories.charger, connectors=2, node="ocpp-1", ocpp_version="1.6")


@pytest.fixture
def asked(db, charger):
    return reservations.make(db, charger, 1, "04AA", NOW + HALF_AN_HOUR, by=ME, now=NOW)


def answer(db, response, status=CommandStatus.ACCEPTED, error=None):
    command = db.scalars(select(Command).where(Command.status == CommandStatus.QUEUED)).one()
    command.status, command.response, command.error, command.settled_at = status, response, error, NOW
    db.flush()
    answers.take_in_all(db, NOW)
    return command.payload


def states(db, charger):
    return [plug.state for plug in plugs.of_charger(db, charger)]


def started(db, charger, tag="04AA", connector=1):
    tokens.add(db, charger.operator_id, tag, now=NOW)
    time = read_time("2026-11-20T11:04:00Z", NOW, "UTC")
    return charging.start(db, charger, charging.StartReport(connector, tag, 0, time), NOW)[0]


def test_an_accepted_one_reserves_the_plug_also_for_drivers(db, charger, asked):
    before = states(db, charger)
    payload = answer(db, {"status": "Accepted"})

    assert payload == (
        f'{{"connectorId":1,"expiryDate":"2026-11-20T11:34:00Z","idTag":"04AA","reservationId":{asked.id}}}'
    )
    assert before == [PlugState.FREE, PlugState.FREE]
    assert asked.status is ReservationStatus.ACTIVE
    assert states(db, charger) == [PlugState.RESERVED, PlugState.FREE]


@pytest.mark.parametrize(
    ("response", "status", "error", "sentence"),
    [
        ({"status": "Occupied"}, CommandStatus.REJECTED, None, OCCUPIED),
        ({"status": "Rejected"}, CommandStatus.REJECTED, None, "The charger does not take reservations."),
        (None, CommandStatus.TIMEOUT, SILENT, SILENT),
    ],
)
def test_a_refusal_ends_in_a_sentence(db, charger, asked, response, status, error, sentence):
    answer(db, response, status, error)

    assert (asked.status, asked.trouble) == (ReservationStatus.REFUSED, sentence)
    assert states(db, charger) == [PlugState.FREE, PlugState.FREE]


def test_a_plug_is_reserved_once(db, charger, asked):
    with pytest.raises(Conflict, match="reserved already"):
        reservations.make(db, charger, 1, "04BB", NOW + HALF_AN_HOUR, by=ME, now=NOW)


@pytest.mark.parametrize(
    ("connector", "card", "until", "field"),
    [(3, "04AA", HALF_AN_HOUR, "connector"), (1, " ", HALF_AN_HOUR, "card"), (1, "04AA", timedelta(days=2), "until")],
)
def test_what_cannot_be_meant_is_refused(db, charger, connector, card, until, field):
    with pytest.raises(Refused) as refused:
        reservations.make(db, charger, connector, card, NOW + until, by=ME, now=NOW)

    assert [name for name, _ in refused.value.errors] == [field]


def test_an_offline_charger_reserves_nothing(db, charger):
    charger.node = None

    with pytest.raises(ChargerOffline):
        reservations.make(db, charger, 1, "04AA", NOW + HALF_AN_HOUR, by=ME, now=NOW)


def test_it_is_used_by_the_session_that_names_it(db, charger, asked):
    answer(db, {"status": "Accepted"})
    begun = started(db, charger, tag="OTHER")
    reservations.use(db, charger.id, asked.id, begun, NOW)

    assert (asked.status, asked.charging_session_id) == (ReservationStatus.USED, begun.id)


def test_number_zero_is_none_but_plug_and_card_tell(db, charger, asked):
    answer(db, {"status": "Accepted"})
    begun = started(db, charger)
    reservations.use(db, charger.id, 0, begun, NOW)  # quirk C9

    assert asked.status is ReservationStatus.USED


def test_another_chargers_number_changes_nothing(db, make, charger, asked):
    answer(db, {"status": "Accepted"})
    other = make(factories.charger, charger.station, connectors=1, node="ocpp-1")
    reservations.use(db, other.id, asked.id, started(db, other), NOW)

    assert asked.status is ReservationStatus.ACTIVE


@pytest.mark.parametrize(
    ("response", "status", "sentence"),
    [
        ({"status": "Accepted"}, CommandStatus.ACCEPTED, None),
        ({"status": "Rejected"}, CommandStatus.REJECTED, "The charger knew nothing of it."),
    ],
)
def test_cancelling_gives_the_plug_free(db, charger, asked, response, status, sentence):
    answer(db, {"status": "Accepted"})
    reservations.cancel(db, asked, charger, by=ME, now=NOW)
    answer(db, response, status)

    assert (asked.status, asked.trouble) == (ReservationStatus.CANCELLED, sentence)
    assert states(db, charger) == [PlugState.FREE, PlugState.FREE]


def test_a_cancelling_without_answer_leaves_it(db, charger, asked):
    answer(db, {"status": "Accepted"})
    reservations.cancel(db, asked, charger, by=ME, now=NOW)
    answer(db, None, CommandStatus.TIMEOUT)

    assert asked.status is ReservationStatus.ACTIVE
    assert asked.trouble == "The charger did not answer. The reservation stands."


def test_its_time_comes(db, charger, asked):
    answer(db, {"status": "Accepted"})
    reservations.expire(db, NOW + HALF_AN_HOUR)
    db.expire_all()

    assert asked.status is ReservationStatus.EXPIRED
    assert states(db, charger) == [PlugState.FREE, PlugState.FREE]
