"""The thin line: connect, boot, be answered after the commit, be found in the log."""

from sqlalchemy import select

from domain.models.chargers import Charger, Handshake, HandshakeOutcome
from tests.ocpp_server.running import eventually, logged, rows


def test_a_charger_connects_boots_and_is_logged(db, add_charger, connect):
    charger = add_charger()

    socket = connect(charger)
    socket.send('[2, "19223201", "BootNotification", {"chargePointVendor": "VendorX", "chargePointModel": "S"}]')
    answer = socket.receive()

    assert [row.text for row in logged(db, charger.id)] == [
        '[2, "19223201", "BootNotification", {"chargePointVendor": "VendorX", "chargePointModel": "S"}]',
        answer,
    ]
    assert answer.startswith('[3,"19223201",{"status":"Accepted","currentTime":"')
    db.commit()
    db.refresh(charger)
    assert (charger.node, charger.epoch, charger.vendor, charger.ocpp_version) == ("ocpp-1", 1, "VendorX", "1.6")


def test_a_lost_charger_is_offline(db, add_charger, connect):
    charger = add_charger()
    socket = connect(charger)

    socket.drop()

    assert eventually(lambda: rows(db, select(Charger.node)) == [None])
    assert rows(db, select(Handshake.outcome)) == [HandshakeOutcome.ACCEPTED]
