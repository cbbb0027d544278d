"""Web, worker and sidecar are killed while drivers pay: every bill is paid once, by the right amount.

The full numbers run as `python -m bench.kills`.
"""

import pytest

from tests.faults.paying import pay_under_kills


@pytest.mark.slow
def test_every_driver_pays_once_whatever_is_killed(database_url, tmp_path):
    outcome = pay_under_kills(database_url, tmp_path, drivers=6, kills=6)

    assert outcome.mismatches == []
    assert outcome.server_errors == []
