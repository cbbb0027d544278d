"""A retired device cannot connect."""

import pytest

from domain import charger_keys, connections, devices
from domain.connections import Admission, Attempt, Refusal
from domain.models.chargers import HandshakeOutcome
from tests import factories
from tests.factories import NOW

KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def charger(db):
    salt, key_hash = charger_keys.seal(KEY)
    return factories.charger(db, device_id="HE60D1", password_salt=salt, password_hash=key_hash)


def attempt():
    return Attempt(
        path="/HE60D1",
        device_id="HE60D1",
        user=b"HE60D1",
        password=KEY.encode(),
        subprotocols=("ocpp1.6",),
        version="1.6",
        is_tls=False,
        remote_address="192.0.2.7",
        user_agent=None,
        at=NOW,
    )


def test_it_is_unknown_at_the_door_until_it_is_brought_back(db, charger):
    db.commit()
    devices.retire(db, charger, by="alice@example.com", now=NOW)
    assert connections.connect(db, attempt(), "ocpp-1") == Refusal(HandshakeOutcome.UNKNOWN_CHARGER)

    devices.bring_back(db, charger, by="alice@example.com", now=NOW)
    assert isinstance(connections.connect(db, attempt(), "ocpp-1"), Admission)


def test_its_open_socket_is_no_longer_held(db, charger):
    connections.begin(db, "ocpp-1", NOW)
    connections.connect(db, attempt(), "ocpp-1")
    db.commit()
    db.refresh(charger)

    devices.retire(db, charger, by="alice@example.com", now=NOW)

    assert connections.held_by(db, "ocpp-1") == set()
