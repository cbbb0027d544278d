"""A charger's password is changed through its socket, and the answer may be lost on the way."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain import answers, charger_keys, chargers, commands, configuration, connections, key_offers
from domain.models.chargers import ChargerEvent, HandshakeOutcome, KeyOffer
from domain.models.commands import CommandStatus
from tests import factories
from tests.factories import NOW

OLD, NEW, NEWER = b"the-old-one-of-it", b"correct-horse-battery", b"staple-wagon-0815"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def charger(make):
    salt, key_hash = charger_keys.seal(OLD.decode())
    values = {"password_salt": salt, "password_hash": key_hash, "node": "ocpp-1", "epoch": 1, "ocpp_version": "1.6"}
    return make(factories.charger, device_id="HE1", connected_at=NOW, **values)


def ask(db, charger, key=NEW, **options):
    """The charger is to take that password; returns the command."""
    payload = {"key": "AuthorizationKey", "value": key.decode()}
    return commands.queue(db, charger, "ChangeConfiguration", payload, by="alice@example.com", now=NOW, **options)


def send(db, command, epoch=1):
    command.status, command.sent_at, command.sent_epoch, command.sent_node = CommandStatus.SENT, NOW, epoch, "ocpp-1"
    db.commit()


def answer(db, command, response=None, status=CommandStatus.ACCEPTED, error=None):
    command.status, command.response, command.error, command.settled_at = status, response, error, NOW
    db.flush()
    answers.take_in_all(db, NOW)
    db.commit()


def dial(db, password, at=NOW):
    """How a new socket of the charger fares."""
    attempt = connections.Attempt(
        "/HE1", "HE1", b"HE1", password, ("ocpp1.6",), "1.6", False, "192.0.2.7", None, at
    )  # fmt: skip
    came = connections.connect(db, attempt, "ocpp-1")
    db.commit()
    return came.outcome if isinstance(came, connections.Refusal) else HandshakeOutcome.ACCEPTED


IN, OUT = HandshakeOutcome.ACCEPTED, HandshakeOutcome.WRONG_PASSWORD


def lines(db):
    return list(db.scalars(select(ChargerEvent.summary).where(ChargerEvent.kind == "security").order_by("id")))


def test_a_charger_whose_answer_was_lost_comes_in_with_the_new_password_which_then_counts_alone(db, charger):
    command = ask(db, charger)
    send(db, command)

    assert dial(db, NEW) is IN
    assert dial(db, OLD) is OUT
    answers.take_in_all(db, NOW)
    db.commit()
    assert (dial(db, NEW), dial(db, OLD)) == (IN, OUT)
    assert lines(db) == [
        "Password change sent: until it is known which one counts, the old and the new one open a socket",
        "Connected with the new password, which alone counts from now on",
    ]


def test_a_charger_that_never_got_the_new_password_keeps_the_old_one_alone(db, charger):
    command = ask(db, charger)
    send(db, command)

    assert dial(db, OLD) is IN
    assert dial(db, NEW) is OUT
    assert dial(db, OLD) is IN
    assert lines(db)[-1] == "Connected with the old password: it never took the new one"


def test_silence_on_the_same_socket_decides_nothing(db, charger):
    answer(db, ask(db, charger), status=CommandStatus.TIMEOUT)

    assert dial(db, NEW) is IN
    assert dial(db, OLD) is OUT


@pytest.mark.parametrize(
    ("response", "status", "error"),
    [
        ({"status": "Rejected"}, CommandStatus.REJECTED, None),
        ({"status": "NotSupported"}, CommandStatus.REJECTED, None),
        (None, CommandStatus.EXPIRED, "The charger went offline before it could be asked."),
    ],
)
def test_what_was_refused_or_never_sent_opens_nothing(db, charger, response, status, error):
    answer(db, ask(db, charger), response, status, error)

    assert (dial(db, NEW), dial(db, OLD)) == (OUT, IN)


def test_an_accepted_change_counts_alone(db, charger):
    answer(db, ask(db, charger), {"status": "Accepted"})

    assert (dial(db, OLD), dial(db, NEW)) == (OUT, IN)


def test_a_change_that_needs_a_reboot_leaves_the_old_one_until_the_new_one_is_used(db, charger):
    command = ask(db, charger)
    send(db, command)
    answer(db, command, {"status": "RebootRequired"})

    assert (dial(db, OLD), dial(db, OLD), dial(db, NEW), dial(db, OLD)) == (IN, IN, IN, OUT)


def test_a_change_that_waits_to_be_sent_is_not_decided_by_the_old_password(db, charger):
    command = ask(db, charger, wait_until_online_s=3600)
    db.commit()

    assert dial(db, OLD) is IN
    send(db, command, epoch=2)
    assert dial(db, NEW) is IN


def test_two_changes_in_a_row_whichever_was_heard(db, charger):
    first, second = ask(db, charger), ask(db, charger, NEWER)
    send(db, first)
    send(db, second)

    assert dial(db, NEW) is IN
    assert (dial(db, OLD), dial(db, NEWER)) == (OUT, IN)


def test_the_first_of_two_changes_counts_although_the_second_waits(db, charger):
    changes = [configuration.Change("AuthorizationKey", None, key.decode()) for key in (NEW, NEWER)]
    (first,) = configuration.change(db, charger, changes[:1], by="alice@example.com", now=NOW)
    (second,) = configuration.change(db, charger, changes[1:], by="alice@example.com", now=NOW)
    answer(db, first, {"status": "Accepted"})
    answer(db, second, status=CommandStatus.EXPIRED)

    assert (dial(db, OLD), dial(db, NEWER), dial(db, NEW)) == (OUT, OUT, IN)


def test_a_late_answer_does_not_bring_back_what_was_replaced_by_hand(db, charger):
    command = ask(db, charger)
    send(db, command)
    chargers.renew_password(db, charger, NEWER.decode(), by="alice@example.com", now=NOW)
    answer(db, command, {"status": "Accepted"})

    assert (dial(db, NEW), dial(db, OLD), dial(db, NEWER)) == (OUT, OUT, IN)


def test_both_open_a_socket_for_a_week_and_not_longer(db, charger):
    send(db, ask(db, charger))
    over = NOW + timedelta(days=7, seconds=30)  # from when it could no longer be sent

    key_offers.expire(db, over - MINUTE)
    is_open_still = db.scalar(select(KeyOffer.ended_at)) is None
    refused = dial(db, NEW, at=over)
    key_offers.expire(db, over)
    db.commit()

    assert (is_open_still, refused) == (True, OUT)
    assert lines(db)[-1] == "The new password was not used in its time: it opens nothing, the old one counts"
    kept = db.scalars(select(KeyOffer).execution_options(populate_existing=True)).one()
    assert (kept.key_salt, kept.key_hash, kept.outcome) == (None, None, "expired")
    assert dial(db, OLD, at=NOW + timedelta(days=8)) is IN
