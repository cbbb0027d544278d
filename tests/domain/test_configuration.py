"""Reading and changing what chargers are set to, with chargers that refuse, stay silent, or lie."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from domain import answers, charger_keys, commands, configuration
from domain.commands import ChargerOffline
from domain.errors import Refused
from domain.models.commands import Command, CommandStatus
from domain.models.operators import AuditEvent
from tests import factories
from tests.factories import NOW

MINUTE = timedelta(minutes=1)


@pytest.fixture
def charger(make):
    return make(factories.charger, node="ocpp-1", ocpp_version="1.6", booted_at=NOW - timedelta(days=1))


def waiting(db):
    """The command that is to be sent next."""
    return db.scalars(select(Command).where(Command.status == CommandStatus.QUEUED).order_by(Command.id)).first()


def settle(db, response=None, status=CommandStatus.ACCEPTED, error=None):
    """The next command is answered like that, and the answer taken in. Returns what was sent."""
    command = waiting(db)
    command.status, command.response, command.error = status, response, error
    command.settled_at = NOW
    db.flush()
    answers.take_in_all(db, NOW)
    return json.loads(command.payload)


def told(*pairs, readonly=False):
    return [{"key": key, "value": value, "readonly": readonly} for key, value in pairs]


def test_what_was_not_told_at_once_is_asked_by_name(db, charger):
    configuration.read(db, charger, by="alice@example.com", now=NOW)
    settle(db, {"configurationKey": told(("GetConfigurationMaxKeys", "2"), ("HeartbeatInterval", "60"))})

    second = json.loads(waiting(db).payload)
    asked = []
    while waiting(db) is not None:
        names = json.loads(waiting(db).payload)["key"]
        asked += names
        settle(db, {"configurationKey": told(*((name, "1") for name in names))})

    assert len(second["key"]) == 2
    assert "MeterValueSampleInterval" in asked
    assert "HeartbeatInterval" not in asked
    assert "AuthorizationKey" not in asked
    reading = configuration.reading_of(db, charger.id)
    assert (reading.read_at, reading.trouble) == (NOW, None)
    assert configuration.values(db, charger.id)["HeartbeatInterval"].value == "60"


def test_a_charger_that_refuses_the_whole_is_asked_in_ever_smaller_parts(db, charger):
    configuration.read(db, charger, by="alice@example.com", now=NOW)
    settle(db, status=CommandStatus.FAILED, error="InternalError")
    first = settle(db, status=CommandStatus.FAILED, error="InternalError")

    second = json.loads(waiting(db).payload)

    assert (len(first["key"]), len(second["key"])) == (20, 10)
    assert second["key"] == first["key"][:10]


def test_a_silent_charger_is_not_hammered(db, charger):
    configuration.read(db, charger, by="alice@example.com", now=NOW)
    settle(db, status=CommandStatus.TIMEOUT)

    assert waiting(db) is None
    assert configuration.reading_of(db, charger.id).trouble == (
        "The charger did not answer. What is shown is what it said before."
    )


def test_a_secret_that_a_charger_tells_is_not_kept(db, charger):
    commands.queue(db, charger, "GetConfiguration", {"key": ["AuthorizationKey"]}, by="x", now=NOW)
    command = waiting(db)
    settle(db, {"configurationKey": told(("AuthorizationKey", "hunter2"))})

    assert configuration.values(db, charger.id)["AuthorizationKey"].value is None
    assert "hunter2" not in json.dumps(command.response)


def test_an_accepted_change_is_read_back_and_a_lie_is_shown(db, make, charger):
    make(factories.configuration_value, charger, "HeartbeatInterval", "300")
    changes = configuration.differences(configuration.values(db, charger.id), {"HeartbeatInterval": "60"})
    configuration.change(db, charger, changes, by="alice@example.com", now=NOW)

    sent = settle(db, {"status": "Accepted"})
    back = settle(db, {"configurationKey": told(("HeartbeatInterval", "300"))})

    assert sent == {"key": "HeartbeatInterval", "value": "60"}
    assert back == {"key": ["HeartbeatInterval"]}
    found = configuration.values(db, charger.id)["HeartbeatInterval"]
    assert (found.value, found.wished, found.outcome) == ("300", "60", "Accepted")


def test_a_change_that_is_true_is_no_wish_any_more(db, charger):
    make_wish(db, charger, "LocalPreAuthorize", "true")
    settle(db, {"status": "Accepted"})
    settle(db, {"configurationKey": told(("LocalPreAuthorize", "True"))})

    assert configuration.values(db, charger.id)["LocalPreAuthorize"].wished is None


def make_wish(db, charger, name, value):
    changes = configuration.differences(configuration.values(db, charger.id), {name: value})
    return configuration.change(db, charger, changes, by="alice@example.com", now=NOW)[0]


def test_a_change_that_needs_a_reboot_waits_for_it_and_is_read_then(db, make, charger):
    make(factories.configuration_value, charger, "WebSocketPingInterval", "0")
    make_wish(db, charger, "WebSocketPingInterval", "54")
    settle(db, {"status": "RebootRequired"})
    found = configuration.values(db, charger.id)["WebSocketPingInterval"]
    before = (configuration.needs_reboot(found, charger), waiting(db))

    charger.booted_at = NOW + MINUTE
    db.flush()
    configuration.after_boot(db, charger.id, NOW + MINUTE)
    asked = settle(db, {"configurationKey": told(("WebSocketPingInterval", "54"))})

    assert before == (True, None)
    assert asked == {"key": ["WebSocketPingInterval"]}
    found = configuration.values(db, charger.id)["WebSocketPingInterval"]
    assert (found.value, found.wished, configuration.needs_reboot(found, charger)) == ("54", None, False)


def test_a_charger_with_too_much_to_do_is_not_read_back_and_stops_nobody(db, make, charger):
    def keep_busy():
        with pytest.raises(Refused, match="commands waiting"):
            while True:
                commands.queue(db, charger, "ClearCache", {}, by="alice@example.com", now=NOW)

    wanted = {"HeartbeatInterval": "60", "MeterValueSampleInterval": "10"}
    configuration.change(db, charger, configuration.differences({}, wanted), by="alice@example.com", now=NOW)
    accepted, reboot = db.scalars(select(Command).order_by(Command.id)).all()
    for command, status in ((accepted, "Accepted"), (reboot, "RebootRequired")):
        command.status, command.response, command.settled_at = CommandStatus.ACCEPTED, {"status": status}, NOW
    keep_busy()

    answers.take_in_all(db, NOW)
    charger.booted_at = NOW + MINUTE
    configuration.after_boot(db, charger.id, NOW + 2 * MINUTE)

    found = configuration.values(db, charger.id)
    assert found["HeartbeatInterval"].outcome == "Accepted"
    assert (found["MeterValueSampleInterval"].outcome, found["MeterValueSampleInterval"].reboot_wanted_at) == (
        "RebootRequired",
        None,
    )


@pytest.mark.parametrize(
    ("response", "status", "outcome"),
    [
        ({"status": "Rejected"}, CommandStatus.REJECTED, "Rejected"),
        (None, CommandStatus.TIMEOUT, "Unanswered"),
    ],
)
def test_a_refused_change_stays_a_wish(db, charger, response, status, outcome):
    make_wish(db, charger, "HeartbeatInterval", "60")
    settle(db, response, status)

    found = configuration.values(db, charger.id)["HeartbeatInterval"]
    assert (found.wished, found.outcome) == ("60", outcome)
    configuration.give_up(db, charger, "HeartbeatInterval")
    assert configuration.values(db, charger.id)["HeartbeatInterval"].wished is None


def test_a_new_password_counts_once_it_is_accepted_and_is_kept_nowhere(db, charger):
    command = make_wish(db, charger, "AuthorizationKey", "correct-horse-battery")
    salt = charger.password_salt
    settle(db, {"status": "Accepted"})

    assert salt is None
    assert charger_keys.matches(charger.password_salt, charger.password_hash, b"correct-horse-battery")
    kept = [command.payload, *(json.dumps(each.detail) for each in db.scalars(select(AuditEvent)))]
    assert not any("correct-horse" in text for text in kept)
    assert configuration.values(db, charger.id)["AuthorizationKey"].value is None


def test_a_refused_password_leaves_the_old_one(db, charger):
    charger.password_salt, charger.password_hash = charger_keys.seal("the-old-one-of-it")
    command = make_wish(db, charger, "AuthorizationKey", "correct-horse-battery")
    settle(db, {"status": "Rejected"}, CommandStatus.REJECTED)

    assert charger_keys.matches(charger.password_salt, charger.password_hash, b"the-old-one-of-it")
    assert "correct-horse" not in command.payload


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("HeartbeatInterval", "often", "A whole number of s, for example 60."),
        ("LocalPreAuthorize", "yes", "Either true or false."),
        ("NumberOfConnectors", "3", "The charger says that this key is read-only."),
        ("VendorKey", "x" * 501, "At most 500 characters; these are 501."),
    ],
)
def test_what_cannot_be_meant_is_told_at_its_key(db, make, charger, name, value, sentence):
    make(factories.configuration_value, charger, "NumberOfConnectors", "2", is_readonly=True)

    with pytest.raises(Refused) as refused:
        configuration.differences(configuration.values(db, charger.id), {name: value})

    assert dict(refused.value.errors) == {name: sentence}


def test_nothing_is_wished_of_a_charger_that_is_offline(db, charger):
    charger.node = None
    changes = configuration.differences({}, {"HeartbeatInterval": "60"})

    with pytest.raises(ChargerOffline):
        configuration.change(db, charger, changes, by="alice@example.com", now=NOW)

    assert configuration.values(db, charger.id) == {}
