"""SIGKILL of the sidecar, and of the database under it, loses nothing acknowledged and makes nothing twice.

The full numbers of kills run as `python -m bench.kills`.
"""

from collections.abc import Iterator

import pytest

from tests.conftest import DATABASES
from tests.faults.kills import kill_sidecar, stop_database
from tests.postgresql import PostgresqlServer, running_server


@pytest.fixture
def own_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server that nobody else stands on."""
    if "postgresql" not in DATABASES:
        pytest.skip("VOLTDESK_TEST_DATABASES leaves PostgreSQL out")
    with running_server() as server:
        yield server


@pytest.mark.slow
def test_a_killed_sidecar_keeps_what_it_acknowledged(database_url, tmp_path):
    outcome = kill_sidecar(database_url, tmp_path, kills=4, chargers=20)

    assert outcome.audit.lost == []
    assert outcome.audit.duplicates == []
    assert outcome.ledger.refused == []
    assert outcome.ledger.sockets_lost >= 20  # the kills were felt
    assert len(outcome.ledger.of("StopTransaction")) >= 20


@pytest.mark.slow
def test_sockets_stay_and_nothing_is_lost_when_the_database_restarts(own_server, tmp_path):
    outcome = stop_database(own_server, tmp_path, stops=2, chargers=20)

    assert outcome.audit.lost == []
    assert outcome.audit.duplicates == []
    assert outcome.ledger.sockets_lost == 0
    assert max(outcome.healed_s) < 10
