"""RFID cards: the list, giving one to a person, blocking, groups, a spreadsheet."""

import io
import re

import openpyxl
import pytest
from sqlalchemy import select

from domain import tokens
from domain.models.commands import Command
from domain.models.tokens import Sighting, Token, TokenStatus
from tests import factories
from tests.factories import NOW


@pytest.fixture
def charger(make, harbour):
    return make(factories.charger, make(factories.station, harbour), label="HG-01", node="ocpp-1", connected_at=NOW)


def card_of(db, uid):
    db.expire_all()
    found = db.scalar(select(Token).where(Token.uid_key == uid))
    db.commit()  # a look must not lock what the next request writes
    return found


def test_a_card_is_added_with_what_was_said(alice, db, charger):
    data = {"uid": "04a1", "name": "Sanna", "group": "", "expires": "2027-12-31", "where": "chosen",
            "station_ids": [charger.station_id]}  # fmt: skip

    assert alice.post("/cards/new", data=data).status_code == 303

    card = card_of(db, "04A1")
    assert (card.uid, card.name, card.status, card.is_limited) == ("04a1", "Sanna", TokenStatus.ACCEPTED, True)
    assert card.expires_at.isoformat() == "2028-01-01T00:00:00+00:00"
    listed = alice.get("/cards").text
    assert "Sanna" in listed and "2027-12-31" in listed and charger.station.name in listed


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"uid": ""}, "Enter the number"),
        ({"uid": "x" * 21}, "A card number has 1 to 20 letters"),
        ({"uid": "🚗"}, "without accents"),
        ({"uid": "04A1", "where": "chosen"}, "Choose at least one"),
        ({"uid": "04A1", "expires": "soon"}, "Not a valid date"),
        ({"uid": "OLD"}, "already"),
    ],
)
def test_what_cannot_be_is_said(alice, db, make, harbour, data, said):
    make(factories.token, harbour, "OLD")

    response = alice.post("/cards/new", data={"where": "all", "group": ""} | data)

    assert response.status_code == 422
    assert said in response.text
    assert card_of(db, "04A1") is None


def test_an_unknown_card_becomes_a_persons_in_one_step(alice, db, make, charger):
    make(factories.sighting, charger, "04FEED")

    assert "04FEED" in alice.get("/cards/unknown").text
    assert "Assign to a person" in alice.get("/cards/new?uid=04feed").text
    response = alice.post("/cards/new", data={"uid": "04FEED", "name": "Oskar", "group": "", "where": "all"})

    assert response.location.endswith("/cards/unknown")
    assert "04FEED" not in alice.get("/cards/unknown").text.partition("<table")[2]
    assert card_of(db, "04FEED").name == "Oskar"
    assert "HG-01" in alice.get("/cards").text


def test_an_unknown_card_can_be_taken_off_the_list(alice, make, charger):
    make(factories.sighting, charger, "04FEED")

    assert alice.post("/cards/04FEED/forget").status_code == 303
    assert "No unknown cards" in alice.get("/cards/unknown").text


def test_blocking_says_what_it_means_and_clears_caches(alice, db, make, harbour, charger):
    token = make(factories.token, harbour, "04A1", name="Lost one")
    make(factories.charging, charger, token_id=token.id, started_at=NOW.replace(year=2026))
    make(factories.sighting, charger, "04A1")

    asked = alice.get("/cards/04A1/block").text
    assert alice.post("/cards/04A1/block", data={"clear": "y"}).status_code == 303

    assert "Clear the cache" in asked and "HG-01" in asked
    assert card_of(db, "04A1").status is TokenStatus.BLOCKED
    assert [command.action for command in db.scalars(select(Command))] == ["ClearCache"]
    db.commit()
    assert alice.post("/cards/04A1/allow").status_code == 303
    assert card_of(db, "04A1").status is TokenStatus.ACCEPTED


def test_a_card_is_changed_and_deleted(alice, db, make, harbour):
    make(factories.token, harbour, "04A1")

    assert alice.post("/cards/04A1/edit", data={"name": "Van", "group": "", "where": "all"}).status_code == 303
    assert card_of(db, "04A1").name == "Van"
    assert alice.post("/cards/04a1/delete").status_code == 303
    assert card_of(db, "04A1") is None


def test_groups(alice, db, make, harbour):
    made = alice.post("/cards/groups/new", data={"name": "City vans", "uid": "CITY"})
    make(factories.token, harbour, "04A1", parent_uid="city")
    make(factories.token, harbour, "04A2", parent_uid="TAXI")

    assert made.status_code == 303
    page = alice.get("/cards/groups").text
    assert "City vans" in page and "TAXI" in page
    assert "City vans" not in alice.get("/cards").text.partition("<tbody")[2].partition("04A2")[2]
    alice.post("/cards/CITY/block")
    assert card_of(db, "CITY").status is TokenStatus.BLOCKED


def test_an_export_can_be_imported_again_and_hides_names_from_the_technician(alice, bob, db, make, harbour):
    make(factories.token, harbour, "04A1", name="Sanna")

    mine = openpyxl.load_workbook(io.BytesIO(alice.get("/cards/export.xlsx").data)).active
    his = openpyxl.load_workbook(io.BytesIO(bob.get("/cards/export.xlsx").data)).active
    checked = alice.post("/cards/import", data={"file": (io.BytesIO(alice.get("/cards/export.csv").data), "cards.csv")})

    assert [cell.value for cell in mine[1]][:2] == ["card number", "holder"]
    assert "holder" not in [cell.value for cell in his[1]]
    assert "You have this card already." in alice.get(checked.location).text


def test_charlie_sees_no_card_and_no_sighting(charlie, make, harbour, charger):
    make(factories.token, harbour, "04A1")
    make(factories.sighting, charger, "04FEED")

    assert "04A1" not in charlie.get("/cards").text
    assert "04FEED" not in charlie.get("/cards/unknown").text
    assert charlie.post("/cards/04A1/block").status_code == 404


def test_the_api_obeys_the_limit(db, make, harbour, charger):
    elsewhere = make(factories.station, harbour, name="Elsewhere")
    tokens.add(db, harbour.id, "04A1", now=NOW, station_ids=[elsewhere.id])

    assert not tokens.authorise(db, charger, "04A1", NOW).is_accepted


@pytest.mark.parametrize("uid", ["../x", ".", "a/b", "~x", "#1", "50%"])
def test_any_card_number_can_be_edited(alice, db, uid):
    alice.post("/cards/new", data={"uid": uid, "where": "all", "group": ""})
    address = re.search(r'href="(/cards/[^"]+/edit)"', alice.get("/cards").text)[1]

    alice.post(address, data={"name": "Sanna", "where": "all", "group": ""})

    assert ".." not in address
    assert card_of(db, uid.upper()).name == "Sanna"


def test_a_longer_number_that_a_charger_told_can_be_assigned(alice, db, make, harbour, charger):
    db.add(Sighting(operator_id=harbour.id, uid="X" * 24, uid_key="X" * 24, charger_id=charger.id, noted_at=NOW,
                    seen_at=NOW))  # fmt: skip
    db.commit()

    assert alice.post("/cards/new", data={"uid": "x" * 24, "where": "all", "group": ""}).status_code == 303
