"""The independent charge point itself: it complains when, and only when, a central system is wrong."""

import pytest

from tests.interop.calls import CALLS
from tests.interop.rpc_client import RpcClient
from tests.simulator.central import Central


@pytest.fixture
async def central():
    central = Central()
    await central.start()
    yield central
    await central.stop()


async def test_it_has_no_complaint_about_a_right_answer_to_everything(central, charge_point_js):
    client = RpcClient(charge_point_js)

    await client.play(central.url, "CP1", "secret", "TAG1")
    answers = {action: await central.call(action, payload) for action, payload in CALLS.items()}
    report = await client.finish()

    assert answers["Reset"] == {"status": "Accepted"}
    assert report["complaints"] == []
    assert report["answered"] == list(CALLS)
    assert report["transactionId"] == 7001
    assert [action for action, _ in central.calls] == report["called"]


async def test_it_complains_about_a_wrong_answer_and_a_wrong_call(central, charge_point_js):
    central.answers["Heartbeat"] = {"currentTime": "now", "mood": "good"}
    client = RpcClient(charge_point_js)

    await client.play(central.url, "CP1", "secret", "TAG1")
    await central.call("Reset", {"type": "Gentle"})
    report = await client.finish()

    about = [complaint.split(":")[0] for complaint in report["complaints"]]
    assert about.count("Heartbeat result of the central system") == 2
    assert about.count("Reset call of the central system") == 1
