"""How prices change: versions, planned ones, what was changed meanwhile, the same prices elsewhere."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from domain import price_changes, price_drafts, tariff_book
from domain.errors import Conflict, Refused
from domain.models.price_drafts import TariffDraft
from domain.models.stations import StationTariff
from domain.models.tariffs import Tariff
from domain.price_changes import Outdated, Prices
from tests import factories
from tests.factories import NOW

LATER = NOW + timedelta(days=10)


def terms(price):
    return {
        "elements": [{"price_components": [{"type": "ENERGY", "price": price, "vat": "25.5", "step_size": 1}]}],
        "tax_included": "YES",
    }


OLD, NEW = Prices("Prices", "EUR", terms("0.40")), Prices("Prices", "EUR", terms("0.50"))


@pytest.fixture
def station(db, make):
    return make(factories.station)


@pytest.fixture
def base(db, station):
    made = price_changes.publish(db, station, OLD, base=None, by="alice", now=NOW - timedelta(days=1))
    db.commit()
    return made


def publish(db, station, prices, base, by="alice", now=NOW):
    made = price_changes.publish(db, station, prices, base=base, by=by, now=now)
    db.commit()
    return made


def price_at(db, station, at):
    found = tariff_book.in_force(db, station.id, at)
    return found.terms["elements"][0]["price_components"][0]["price"] if found else None


def test_a_change_is_a_version_that_names_the_one_before(db, station, base):
    new = publish(db, station, NEW, base)

    assert (new.replaces_id, new.created_by) == (base.id, "alice")
    assert price_at(db, station, NOW) == "0.50"
    assert price_at(db, station, NOW - timedelta(hours=1)) == "0.40"


@pytest.mark.parametrize("prices", [NEW, replace(NEW, valid_from=LATER)])
def test_a_second_click_makes_no_second_version(db, station, base, prices):
    first = publish(db, station, prices, base)
    second = publish(db, station, prices, base)

    assert first.id == second.id


def test_a_change_of_nothing_makes_no_version(db, station, base):
    assert publish(db, station, OLD, base).id == base.id


def test_who_has_not_seen_the_latest_version_changes_nothing(db, station, base):
    bobs = publish(db, station, NEW, base, by="bob")

    with pytest.raises(Outdated, match="bob published other prices on 20 Nov at 13:04"):
        publish(db, station, Prices("Prices", "EUR", terms("0.60")), base)
    db.rollback()

    assert tariff_book.in_force(db, station.id, NOW).id == bobs.id


def test_the_past_is_refused(db, station, base):
    with pytest.raises(Refused) as refusal:
        publish(db, station, replace(NEW, valid_from=NOW - timedelta(hours=1)), base)

    assert refusal.value.errors[0][0] == "valid_from"


def test_a_planned_version_is_replaced_before_it_begins(db, station, base):
    planned = publish(db, station, replace(NEW, valid_from=LATER), base)

    again = publish(db, station, Prices("Prices", "EUR", terms("0.55"), LATER), planned)

    assert [row.tariff_id for row in price_changes.planned(db, station, NOW)] == [again.id]
    assert (price_at(db, station, NOW), price_at(db, station, LATER)) == ("0.40", "0.55")


def test_a_planned_version_is_withdrawn_before_it_begins_and_not_after(db, station, base):
    planned = publish(db, station, replace(NEW, valid_from=LATER), base)

    with pytest.raises(Conflict, match="have begun or were withdrawn"):
        price_changes.withdraw(db, station, planned, by="alice", now=LATER + timedelta(minutes=1))
    price_changes.withdraw(db, station, planned, by="alice", now=NOW)
    db.commit()

    assert price_at(db, station, LATER) == "0.40"
    with pytest.raises(Conflict):
        price_changes.withdraw(db, station, planned, by="alice", now=NOW)


def test_limited_prices_stay_limited_when_they_change(db, station, base):
    limited = publish(db, station, replace(NEW, valid_until=LATER), base)

    publish(db, station, replace(price_changes.of_tariff(limited, NOW), terms=terms("0.60")), limited)

    assert (price_at(db, station, NOW), price_at(db, station, LATER)) == ("0.60", "0.40")
    assert price_changes.what_follows(db, station, LATER, None) == "Prices"


def test_prices_are_copied_once(db, make, station, base):
    other = make(factories.station, station.operator, name="Pier")

    given, same = price_changes.copy(db, OLD, [other], by="alice", now=NOW)
    db.commit()
    again = price_changes.copy(db, OLD, [other], by="alice", now=NOW)

    assert (given, same) == ([other], [])
    assert again == ([], [other])
    assert price_at(db, other, NOW) == "0.40"


def test_prices_in_another_currency_are_copied_to_nobody(db, make, station, base):
    swedish = make(factories.station, station.operator, name="Malmö", currency="SEK")
    pier = make(factories.station, station.operator, name="Pier")

    with pytest.raises(Refused, match="Malmö bills in SEK, these prices are in EUR"):
        price_changes.copy(db, OLD, [pier, swedish], by="alice", now=NOW)

    assert price_at(db, pier, NOW) is None


# --- Drafts ----------------------------------------------------------------------------------------------------


@pytest.fixture
def draft(db, station, base):
    made = price_drafts.begin(db, station, NEW, base=base, by="alice", now=NOW)
    db.commit()
    return made


def test_nobody_pays_by_a_draft(db, station, draft):
    price_drafts.change(db, draft, Prices("Prices", "EUR", terms("9.99")), seen=1, by="alice", now=NOW)
    db.commit()

    assert price_at(db, station, NOW) == "0.40"
    assert len(db.scalars(select(StationTariff)).all()) == 1


def test_a_station_has_one_draft(db, station, base, draft):
    assert price_drafts.begin(db, station, NEW, base=base, by="alice", now=NOW).id == draft.id
    with pytest.raises(Conflict, match="has a draft of alice already"):
        price_drafts.begin(db, station, OLD, base=base, by="bob", now=NOW)


def test_a_draft_that_somebody_else_changed_is_looked_at_again(db, draft):
    price_drafts.change(db, draft, OLD, seen=1, by="bob", now=NOW)

    with pytest.raises(Outdated, match="bob changed this draft"):
        price_drafts.change(db, draft, NEW, seen=1, by="alice", now=NOW)

    assert draft.revision == 2


def test_a_published_draft_is_gone(db, station, base, draft):
    new = price_drafts.publish(db, station, draft, seen=1, over=base.id, by="alice", now=NOW)
    db.commit()

    assert price_at(db, station, NOW) == "0.50"
    assert new.replaces_id == base.id
    assert db.scalars(select(TariffDraft)).all() == []


def test_a_draft_does_not_replace_prices_that_nobody_saw(db, station, base, draft):
    publish(db, station, Prices("Prices", "EUR", terms("0.45")), base, by="bob")

    with pytest.raises(Outdated, match="Other prices came into force"):
        price_drafts.publish(db, station, draft, seen=1, over=base.id, by="alice", now=NOW)
    db.rollback()

    assert price_at(db, station, NOW) == "0.45"


def test_a_discarded_draft_leaves_prices_alone(db, station, draft):
    price_drafts.discard(db, draft, by="alice", now=NOW)
    db.commit()

    assert price_drafts.of_station(db, station.id) is None
    assert len(db.scalars(select(Tariff)).all()) == 1


def test_a_draft_that_ends_before_it_begins_is_refused(db, draft):
    wrong = replace(NEW, valid_from=LATER, valid_until=LATER)

    with pytest.raises(Refused):
        price_drafts.change(db, draft, wrong, seen=1, by="alice", now=NOW)
