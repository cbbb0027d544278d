"""Local lists in step with the operator's cards: differences, parts, other versions, refusals."""

import json

import pytest
from sqlalchemy import event, select

from domain import answers, commands, local_lists, tokens
from domain.models.commands import Command, CommandStatus
from domain.models.tokens import TokenStatus
from tests import factories
from tests.factories import NOW

ME = "alice@example.com"


@pytest.fixture
def charger(make):
    made = make(factories.charger, node="ocpp-1", ocpp_version="1.6")
    make(factories.configuration_value, made, "SendLocalListMaxLength", "2")
    return made


@pytest.fixture
def cards(db, charger):
    for uid in ("CARD1", "CARD2", "CARD3"):
        tokens.add(db, charger.operator_id, uid, now=NOW)
    db.commit()


def answer(db, response, status=CommandStatus.ACCEPTED, error=None):
    """The command that waits is answered like that. Returns what it sent."""
    command = db.scalars(select(Command).where(Command.status == CommandStatus.QUEUED)).one()
    command.status, command.response, command.error, command.settled_at = status, response, error, NOW
    db.flush()
    answers.take_in_all(db, NOW)
    sent = json.loads(command.payload)
    cards = sent.get("localAuthorizationList", [])
    return sent.get("updateType"), sent.get("listVersion"), [entry["idTag"] for entry in cards], cards


def queued(db):
    return db.scalars(select(Command.action).where(Command.status == CommandStatus.QUEUED)).all()


def synced(db, charger):
    local_lists.sync(db, charger, by=ME, now=NOW)
    while queued(db):
        answer(db, {"status": "Accepted"})


def test_the_first_sync_sends_all_in_parts(db, charger, cards):
    local_lists.sync(db, charger, by=ME, now=NOW)

    first, second = answer(db, {"status": "Accepted"}), answer(db, {"status": "Accepted"})

    assert first[:3] == ("Full", 1, ["CARD1", "CARD2"])
    assert second[:3] == ("Differential", 2, ["CARD3"])
    found = local_lists.of_charger(db, charger)
    assert (found.version_here, found.version_there, found.synced_at) == (2, 2, NOW)
    assert local_lists.difference(db, charger).count == 0


def test_later_only_the_difference_is_sent_and_removals_come_first(db, charger, cards):
    synced(db, charger)
    tokens.change(db, charger.operator_id, "CARD2", status=TokenStatus.BLOCKED)
    db.delete(tokens.get(db, charger.operator_id, "CARD1"))
    db.flush()

    local_lists.sync(db, charger, by=ME, now=NOW)
    kind, version, names, entries = answer(db, {"status": "Accepted"})

    assert (kind, version, names) == ("Differential", 3, ["CARD1", "CARD2"])
    assert entries == [{"idTag": "CARD1"}, {"idTag": "CARD2", "idTagInfo": {"status": "Blocked"}}]
    assert [each.id_tag for each in local_lists.held(db, charger.id)] == ["CARD2", "CARD3"]


@pytest.mark.parametrize("refusal", ["VersionMismatch", "Failed"])
def test_a_refused_difference_is_followed_by_the_whole_list_once(db, charger, cards, refusal):
    synced(db, charger)
    tokens.add(db, charger.operator_id, "CARD4", now=NOW)
    local_lists.sync(db, charger, by=ME, now=NOW)

    answer(db, {"status": refusal}, CommandStatus.REJECTED)
    whole = answer(db, {"status": "Failed"}, CommandStatus.REJECTED)

    assert whole[0] == "Full"
    assert queued(db) == []
    assert local_lists.of_charger(db, charger).trouble == "The charger could not take the list."


def test_another_version_there_means_the_whole_list(db, charger, cards):
    synced(db, charger)
    commands.queue(db, charger, "GetLocalListVersion", {}, by=ME, now=NOW)
    answer(db, {"listVersion": 9})

    local_lists.sync(db, charger, by=ME, now=NOW)
    kind, version, *_ = answer(db, {"status": "Accepted"})

    assert (kind, version) == ("Full", 10)


@pytest.mark.parametrize(
    ("response", "status", "error", "sentence"),
    [
        (
            {"status": "NotSupported"},
            CommandStatus.REJECTED,
            None,
            "The charger keeps no local list, or it is switched off (LocalAuthListEnabled).",
        ),
        (
            None,
            CommandStatus.TIMEOUT,
            "The charger did not answer within 60 s.",
            "The charger did not answer within 60 s.",
        ),
    ],
)
def test_a_charger_without_list_or_voice_ends_in_a_sentence(db, charger, cards, response, status, error, sentence):
    local_lists.sync(db, charger, by=ME, now=NOW)
    answer(db, response, status, error)

    assert local_lists.of_charger(db, charger).trouble == sentence
    assert queued(db) == []


def test_only_lists_that_keep_in_step_are_sent_by_themselves_and_only_when_something_changed(db, charger, cards):
    before = local_lists.due(db, NOW)
    local_lists.keep_in_step(db, charger, True)
    wished = local_lists.due(db, NOW)
    synced(db, charger)
    quiet = local_lists.due(db, NOW)
    tokens.add(db, charger.operator_id, "CARD4", now=NOW)
    changed = local_lists.due(db, NOW)
    local_lists.catch_up(db, charger.id, NOW)

    assert (before, wished, quiet, changed) == ([], [charger.id], [], [charger.id])
    assert queued(db) == ["SendLocalList"]


def test_cards_are_looked_through_once_for_all_chargers_that_hold_as_many(db, make, charger, cards):
    more = [make(factories.charger, charger.station, node="ocpp-1", ocpp_version="1.6") for _ in range(3)]
    for each in (charger, *more):
        local_lists.keep_in_step(db, each, True)
    asked = []
    event.listen(db, "do_orm_execute", lambda state: asked.append(str(state.statement)))

    lacking = local_lists.due(db, NOW)

    assert sorted(lacking) == sorted(each.id for each in (charger, *more))
    assert sum("FROM token" in statement for statement in asked) == 1


def test_a_full_list_leaves_cards_out_and_says_so(db, make, charger, cards):
    make(factories.configuration_value, charger, "LocalAuthListMaxLength", "2")

    found = local_lists.difference(db, charger)

    assert (list(found.wanted), found.left_out) == (["CARD1", "CARD2"], 1)
