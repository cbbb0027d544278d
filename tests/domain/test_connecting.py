"""How far a new charger has come, from what it did."""

from datetime import timedelta

import pytest

from domain import connecting
from domain.models.chargers import HandshakeOutcome
from domain.models.messages import Direction, Message
from tests import factories
from tests.factories import NOW

CONNECTED = {"node": "ocpp-1", "connected_at": NOW, "last_seen_at": NOW}


def said(db, charger, text, action="StatusNotification", at=NOW):
    db.add(Message(charger_id=charger.id, at=at, direction=Direction.CP_TO_CSMS, action=action, text=text))
    db.commit()


def status(stamp):
    return f'[2,"1","StatusNotification",{{"connectorId":1,"timestamp":"{stamp}"}}]'


def test_a_new_charger_has_done_nothing(db, make):
    seen = connecting.progress(db, make(factories.charger), NOW)

    assert (seen.handshake_at, seen.refused, seen.booted_at, seen.clock, seen.connectors, seen.test_charge) == (
        None,
        None,
        None,
        None,
        [],
        None,
    )
    assert not seen.is_complete


def test_the_latest_refusal_counts_until_it_is_let_in(db, make):
    charger = make(factories.charger, device_id="HE60D01")
    make(factories.handshake, "HE60D01", outcome=HandshakeOutcome.NO_PASSWORD, at=NOW - timedelta(minutes=2))
    last = make(factories.handshake, "HE60D01", at=NOW - timedelta(minutes=1))
    make(factories.handshake, "OTHER")

    before = connecting.progress(db, charger, NOW).refused
    charger.node, charger.connected_at = "ocpp-1", NOW
    db.commit()

    assert before.id == last.id
    assert connecting.progress(db, charger, NOW).refused is None


def test_another_spelling_is_noticed(db, make):
    charger = make(factories.charger, device_id="HE60D01")
    make(factories.handshake, "he60d01", outcome=HandshakeOutcome.UNKNOWN_CHARGER)

    assert connecting.progress(db, charger, NOW).sent_instead == "he60d01"


@pytest.mark.parametrize(
    ("stamp", "is_right", "behind_s"),
    [
        ("2026-11-20T11:03:58Z", True, 2),
        ("2026-11-20T13:04:00+02:00", True, 0),
        ("2026-11-20T09:04:00Z", False, 7200),
        ("2026-11-20T13:04:00Z", False, -7200),
        ("1970-01-01T00:00:00Z", False, 1795172640),
        ("yesterday", False, None),
    ],
)
def test_its_clock_is_read_from_what_it_says(db, make, stamp, is_right, behind_s):
    charger = make(factories.charger)
    said(db, charger, status(stamp))

    clock = connecting.clock(db, charger)

    assert clock.is_right is is_right
    assert (clock.behind and int(clock.behind.total_seconds())) == behind_s or behind_s == 0


def test_a_replayed_hour_does_not_hide_a_right_clock(db, make):
    charger = make(factories.charger)
    said(db, charger, status("2026-11-20T11:04:00Z"))
    said(db, charger, status("2026-11-20T08:00:00Z"))

    assert connecting.clock(db, charger).is_right


def test_the_last_stamp_of_a_frame_counts(db, make):
    charger = make(factories.charger)
    said(db, charger, '{"timestamp":"2026-11-20T08:00:00Z"},{"timestamp":"2026-11-20T11:04:01Z"}', "MeterValues")

    assert connecting.clock(db, charger).is_right


def test_everything_seen_is_complete(db, make):
    charger = make(factories.charger, connectors=2, booted_at=NOW, **CONNECTED)
    for plug in charger.connectors:
        plug.reported_at = NOW
    said(db, charger, status("2026-11-20T11:04:00Z"))
    make(factories.charging, charger, energy_wh=0)
    assert not connecting.progress(db, charger, NOW).is_complete
    make(factories.charging, charger)

    seen = connecting.progress(db, charger, NOW)

    assert seen.is_complete
    assert [plug.number for plug in seen.connectors] == [1, 2]
