"""The status follows from the facts: the order in which they outrank each other."""

import itertools
from datetime import UTC, datetime

import pytest

from simulator.connector import Authorisation, Connector, Reservation, Transaction
from simulator.power import Outlet, Vehicle

NOW = datetime(2025, 6, 2, 10, 0, tzinfo=UTC)
CAR, CARD = Vehicle(), Authorisation("TAG", 60.0)
KEPT = Reservation(1, "TAG", NOW)


def connector(**facts) -> Connector:
    return Connector(1, Outlet("AC", 22_000), 0.0, **facts)


def running(**facts) -> Transaction:
    return Transaction("k", 1, "TAG", NOW, 0, **facts)


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, "Available"),
        ({"vehicle": CAR}, "Preparing"),
        ({"authorisation": CARD}, "Preparing"),
        ({"reservation": KEPT}, "Reserved"),
        ({"reservation": KEPT, "vehicle": CAR}, "Reserved"),
        ({"reservation": KEPT, "authorisation": CARD}, "Preparing"),
        ({"vehicle": CAR, "transaction": running(), "power_w": 7000.0}, "Charging"),
        ({"vehicle": CAR, "transaction": running()}, "SuspendedEV"),
        ({"vehicle": CAR, "transaction": running(), "limit_w": 0.0}, "SuspendedEVSE"),
        ({"vehicle": Vehicle(soc=1.0), "transaction": running(), "limit_w": 9000.0}, "SuspendedEV"),
        ({"vehicle": CAR, "transaction": running(is_deauthorised=True)}, "SuspendedEVSE"),
        ({"transaction": running()}, "SuspendedEV"),
        ({"vehicle": CAR, "is_finishing": True}, "Finishing"),
        ({"is_operative": False}, "Unavailable"),
        ({"is_operative": False, "vehicle": CAR}, "Unavailable"),
        ({"is_operative": False, "vehicle": CAR, "transaction": running(), "power_w": 1.0}, "Charging"),
        ({"error_code": "GroundFailure", "transaction": running(), "power_w": 1.0}, "Faulted"),
    ],
)
def test_the_status_of_these_facts(facts, status):
    assert connector(**facts).status == status


def test_no_facts_contradict_the_status():
    facts = {
        "vehicle": (None, CAR),
        "transaction": (None, running()),
        "authorisation": (None, CARD),
        "reservation": (None, KEPT),
        "is_finishing": (False, True),
        "is_operative": (True, False),
        "error_code": ("NoError", "OverVoltage"),
    }

    for values in itertools.product(*facts.values()):
        place = connector(**dict(zip(facts, values, strict=True)))
        assert (place.status == "Faulted") == (place.error_code != "NoError")
        if place.transaction and not place.is_faulted:
            assert place.status in ("Charging", "SuspendedEV", "SuspendedEVSE")
        if place.status == "Available":
            assert values == (None, None, None, None, False, True, "NoError")
