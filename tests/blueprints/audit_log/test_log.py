"""The audit log: whose acts are shown, how they are narrowed, and how pages of objects lead to it."""

import csv
import io
import re
from datetime import timedelta

import pytest

from domain import audit
from domain.models.operators import Role
from tests import factories
from tests.blueprints.conftest import HTMX

NOON = factories.NOW


@pytest.fixture
def garage(db, make, harbour):
    """A station of Harbour Energy that two people changed."""
    station = make(factories.station, harbour)
    for minutes, (by, verb, detail) in enumerate(
        (
            ("alice@example.com", "created", {"name": "Harbour Garage"}),
            ("bob@example.com", "changed", {"fields": ["hold_minor", "name"]}),
        )
    ):
        at = NOON + timedelta(minutes=minutes)
        audit.record(db, verb, "station", station.id, operator_id=harbour.id, by=by, now=at, **detail)
    audit.record(db, "created", "tariff", 999, operator_id=harbour.id, by="alice@example.com", now=NOON, name="=1+1")
    db.commit()
    return station


def acts(text):
    """(act, person) of each row, as read."""
    rows = re.findall(r'<tr id="a\d+">(.*?)</tr>', text, re.DOTALL)
    plain = [re.sub(r"<[^>]+>", "|", row) for row in rows]
    return [(next(part.strip() for part in row.split("|") if part.strip()), row) for row in plain]


def test_it_says_in_plain_words_who_did_what(alice, garage):
    page = alice.get(f"/audit-log?kind=station&id={garage.id}").text

    rows = acts(page)
    assert [act for act, _ in rows] == ["Changed", "Created"]
    assert "fields: hold, name" in rows[0][1]
    assert "bob@example.com" in rows[0][1]
    assert "Harbour Garage" in rows[0][1]
    assert "Charging station" in rows[0][1]
    assert 'datetime="2026-11-20T13:05' in page or "13:05" in page, "the operator's own clock"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Created", "Changed", "Created"]),
        ("?who=bob@example.com", ["Changed"]),
        ("?kind=tariff", ["Created"]),
        ("?verb=changed", ["Changed"]),
        ("?q=garage", ["Changed", "Created"]),
        ("?q=BOB", ["Changed"]),
        ("?from=2026-11-20&to=2026-11-20", ["Created", "Changed", "Created"]),
        ("?from=2026-11-21", []),
        ("?to=2026-11-19", []),
        ("?from=yesterday&to=9999-12-31", ["Created", "Changed", "Created"]),
        ("?q=100%25", []),
    ],
)
def test_the_address_narrows_it(alice, garage, query, expected):
    response = alice.get(f"/audit-log{query}")

    assert response.status_code == 200
    assert [act for act, _ in acts(response.text)] == expected
    assert expected or "Clear filters" in response.text


def test_pages_go_on_by_key(alice, db, harbour):
    for number in range(60):
        audit.record(db, "changed", "charger", number, operator_id=harbour.id, by="worker", now=NOON)
    db.commit()

    first = alice.get("/audit-log", headers=HTMX).text
    second = alice.get(re.search(r'id="rows-next"[^>]*hx-get="([^"]+)"', first)[1].replace("&amp;", "&")).text

    ids = [int(each) for each in re.findall(r'<tr id="a(\d+)"', first + second)]
    assert len(ids) == 50
    assert ids == sorted(ids, reverse=True)


def test_charlie_sees_nothing_of_it(charlie, garage):
    page = charlie.get(f"/audit-log?kind=station&id={garage.id}").text
    file = charlie.get("/audit-log/export").get_data(as_text=True)

    assert acts(page) == []
    assert "Harbour Garage" not in page
    assert "Harbour" not in file


def test_a_name_is_never_somebody_elses(alice, db, make, harbour):
    """An id of a row that is gone may be given again: the log of one company does not tell the other's names."""
    other = make(factories.user, make(factories.operator, name="Other"), name="Secret Person")
    audit.record(db, "invitation withdrawn", "user_account", other.id, operator_id=harbour.id, by="a", now=NOON)
    db.commit()

    assert "Secret Person" not in alice.get("/audit-log").text


def test_platform_administrators_see_everybodys(make, sign_in, garage):
    root = sign_in(make(factories.user, None, Role.PLATFORM_ADMIN))

    page = root.get("/audit-log").text

    assert len(acts(page)) == 3
    assert "Harbour Energy" in page


def test_the_filtered_log_is_a_file(alice, garage):
    text = alice.get("/audit-log/export?as=csv&who=alice@example.com").get_data(as_text=True)
    book = alice.get("/audit-log/export?as=xlsx")

    rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert [(row["Act"], row["Object"], row["Detail"]) for row in rows] == [
        ("created", "999", "name: =1+1"),
        ("created", "Harbour Garage", "name: Harbour Garage"),
    ]
    assert book.data.startswith(b"PK")


def test_pages_of_objects_lead_to_their_history(alice, bob, db, harbour, garage, make):
    charger = make(factories.charger, garage)
    order = make(factories.order, factories.charging(db, charger))

    links = {
        f"/stations/{garage.id}": f"/audit-log?kind=station&amp;id={garage.id}",
        f"/chargers/{charger.device_id}": f"/audit-log?kind=charger&amp;id={charger.id}",
        f"/billings/{order.number}": f"/audit-log?kind=orders&amp;id={order.id}",
    }
    for path, link in links.items():
        assert link in alice.get(path).text
        assert "/audit-log" not in bob.get(path).text
    assert "fields: hold, name" in alice.get(f"/stations/{garage.id}").text
