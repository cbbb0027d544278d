"""Raw messages: exact text, filters, export."""

import json

import pytest

from domain.models.messages import Direction, Message
from tests import factories
from tests.blueprints.conftest import HTMX
from tests.factories import NOW


@pytest.fixture
def charger(make, harbour):
    return make(factories.charger, make(factories.station, harbour))


@pytest.fixture
def messages(db, charger):
    rows = [
        {"text": '[2,"1","Heartbeat",{}]', "direction": Direction.CP_TO_CSMS, "action": "Heartbeat"},
        {"text": '[3,"1",{"currentTime":"x"}]', "direction": Direction.CSMS_TO_CP, "action": "Heartbeat"},
        {
            "text": '[2,"2","<script>alert(1)</script>",{}]',
            "direction": Direction.CP_TO_CSMS,
            "action": None,
            "notes": "C3",
        },
        {"raw": b"\xff\xfe", "is_binary": True, "direction": Direction.CP_TO_CSMS, "action": None},
    ]
    for row in rows:
        db.add(Message(charger_id=charger.id, at=NOW, **row))
    db.commit()


def test_the_exact_text_is_shown_and_never_run(alice, charger, messages):
    page = alice.get(f"/chargers/{charger.device_id}/messages").text

    assert "[2,&#34;1&#34;,&#34;Heartbeat&#34;,{}]" in page
    assert "<script>alert" not in page
    assert "ff fe" in page
    assert "repaired: C3" in page
    assert page.index("ff fe") < page.index("Heartbeat&#34;,{}]")  # newest first


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("action=Heartbeat", 2),
        ("direction=csms_to_cp", 1),
        ("q=currenttime", 1),
        ("q=C3", 1),
        ("direction=nonsense", 4),
        ("q=zzz", 0),
    ],
)
def test_filters(alice, charger, messages, query, count):
    rows = alice.get(f"/chargers/{charger.device_id}/messages?{query}", headers=HTMX).text

    assert rows.count("<pre ") == count


def test_export_oldest_first(alice, charger, messages):
    response = alice.get(f"/chargers/{charger.device_id}/messages.jsonl")

    lines = [json.loads(line) for line in response.text.splitlines()]

    assert [line.get("text", line.get("hex")) for line in lines] == [
        '[2,"1","Heartbeat",{}]',
        '[3,"1",{"currentTime":"x"}]',
        '[2,"2","<script>alert(1)</script>",{}]',
        "fffe",
    ]
    assert response.headers["Content-Disposition"].startswith("attachment")


def test_charlie_cannot_see_it(charlie, charger, messages):
    assert charlie.get(f"/chargers/{charger.device_id}/messages").status_code == 404
    assert charlie.get(f"/chargers/{charger.device_id}/messages.jsonl").status_code == 404
