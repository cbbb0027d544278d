"""Drafts, stale forms, unusual prices, the whole price list, versions and copies, as people meet them."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from domain import job_kinds, jobs, tariff_book
from domain.clock import utcnow
from domain.files import FileStore
from domain.jobs import Workplace
from domain.models.price_drafts import Rehearsal, TariffDraft
from domain.models.stations import StationTariff
from domain.models.tariffs import Tariff
from tests import factories
from tests.blueprints.conftest import HTMX
from tests.blueprints.electricity.test_electricity import DAY, TERMS, asked, in_force, station, url  # noqa: F401


def price_of(tariff, row=1):
    return tariff.terms["elements"][row]["price_components"][0]["price"]


def draft_of(db):
    with Session(db.get_bind()) as reading:
        return reading.scalars(select(TariffDraft)).one_or_none()


@pytest.fixture
def draft(alice, db, url):  # noqa: F811
    alice.post(f"{url}/prices/1", data=DAY | {"energy": "0.52", "keep": "draft"})
    return draft_of(db)


def test_a_price_is_kept_as_a_draft_and_drivers_pay_as_before(alice, db, station, url, draft):  # noqa: F811
    assert price_of(draft) == "0.52"
    assert price_of(in_force(db, station)) == "0.49"
    page = alice.get(f"{url}?draft=1").text
    assert "Not published" in page
    assert "Day changed" in page
    assert "€0.52" in page
    assert "keeps a draft of other prices" in alice.get(url).text


def test_a_draft_is_edited_as_a_draft(alice, db, station, url, draft):  # noqa: F811
    response = alice.post(f"{url}/prices/1", data=DAY | {"energy": "0.53", "draft": "1", "seen": "d1"})

    assert response.location == f"{url}?draft=1"
    assert (price_of(draft_of(db)), draft_of(db).revision) == ("0.53", 2)
    assert price_of(in_force(db, station)) == "0.49"


def test_a_draft_is_published_after_a_question(alice, db, station, url, draft):  # noqa: F811
    base = in_force(db, station)
    question = alice.get(f"{url}/draft/publish?draft=1", headers=HTMX).text
    sent = {"draft": "1", "seen": "d1", "over": str(base.id)}

    response = alice.post(f"{url}/draft/publish", data=sent)

    assert "pay by these prices from now on" in question
    assert response.status_code == 303
    assert price_of(in_force(db, station)) == "0.52"
    assert draft_of(db) is None


def test_a_draft_is_not_published_over_prices_that_were_not_seen(alice, db, station, url, draft):  # noqa: F811
    base = in_force(db, station)
    alice.post(f"{url}/prices/0", data=DAY | {"name": "Peak", "from_time": "16:00", "to_time": "20:00"})

    response = alice.post(f"{url}/draft/publish", data={"draft": "1", "seen": "d1", "over": str(base.id)})

    assert response.status_code == 422
    assert "Other prices came into force meanwhile." in response.text
    assert price_of(in_force(db, station)) == "0.49"


def test_a_draft_is_discarded_after_a_question(alice, db, url, draft):  # noqa: F811
    assert "This cannot be undone." in alice.get(f"{url}/draft/discard?draft=1", headers=HTMX).text

    alice.post(f"{url}/draft/discard", data={"draft": "1", "seen": "d1"})

    assert draft_of(db) is None
    assert alice.get(f"{url}?draft=1").status_code == 404


def test_a_form_from_before_somebody_elses_change_keeps_what_was_typed(alice, db, station, url):  # noqa: F811
    seen = f"t{in_force(db, station).id}"
    alice.post(f"{url}/prices/0", data=DAY | {"name": "Peak", "from_time": "16:00", "to_time": "21:00"})
    theirs = in_force(db, station).id

    for headers, status in (({}, 409), (HTMX, 422)):
        stale = alice.post(f"{url}/prices/1", data=DAY | {"energy": "0.57", "seen": seen}, headers=headers)

        assert stale.status_code == status
        assert "published other prices" in stale.text
        assert 'value="0.57"' in stale.text
        assert f'value="t{theirs}"' in stale.text
    assert in_force(db, station).id == theirs


def test_a_double_click_saves_once(alice, db, station, url):  # noqa: F811
    sent = DAY | {"energy": "0.57", "seen": f"t{in_force(db, station).id}"}

    first, second = (alice.post(f"{url}/prices/1", data=sent) for _ in range(2))

    assert (first.status_code, second.status_code) == (303, 303)
    assert len(db.scalars(select(Tariff)).all()) == 2
    db.commit()


def test_forty_euros_instead_of_forty_cents_is_asked_about(alice, db, station, url):  # noqa: F811
    refused = alice.post(f"{url}/prices/1", data=DAY | {"energy": "40.00"}, headers=HTMX)

    assert refused.status_code == 422
    assert "€40.00 per kWh is unusual. Did you mean €0.40?" in refused.text
    assert price_of(in_force(db, station)) == "0.49"
    sure = DAY | {"energy": "40.00", "confirmed": "y", "asked": asked(refused)}
    assert alice.post(f"{url}/prices/1", data=sure | {"energy": "41.00"}).status_code == 422
    assert alice.post(f"{url}/prices/1", data=sure).status_code == 303


def test_hours_past_midnight_say_so(alice, url):  # noqa: F811
    friday = DAY | {"name": "Late", "from_time": "22:00", "to_time": "06:00", "days": [4]}

    told = alice.post(f"{url}/check", data=friday, headers=HTMX).text

    assert "there it applies from 00:00 to 06:00 and from 22:00 to 24:00 of the same day" in told


def test_the_bill_follows_what_is_typed(alice, url):  # noqa: F811
    typed = DAY | {"energy": "0.50", "day": "1", "at": "10:00", "minutes": "60", "kwh": "30", "parked": "0"}

    told = alice.post(f"{url}/check?row=1", data=typed, headers=HTMX).text
    whole = alice.post(f"{url}/check?row=1", data=typed)

    assert "30 kWh × €0.50" in told
    assert "€15.00" in told
    assert whole.status_code == 200
    assert "€15.00" in whole.text
    assert 'value="0.50"' in whole.text


def test_conditions_are_saved_and_shown(alice, db, station, url):  # noqa: F811
    alice.post(f"{url}/prices/1", data=DAY | {"min_kwh": "20", "max_power": "22", "last_day": "2099-12-31"})

    restrictions = in_force(db, station).terms["elements"][1]["restrictions"]
    assert (restrictions["min_kwh"], restrictions["max_power"], restrictions["end_date"]) == ("20", "22", "2100-01-01")
    assert "from 20 kWh, below 22 kW, until 31 Dec 2099" in alice.get(url).text


LIST = {"name": "Garage", "currency": "EUR", "tax": "YES", "grace": "15"}


def test_minimum_and_maximum_of_a_session(alice, db, station, url):  # noqa: F811
    alice.post(f"{url}/list", data=LIST | {"least": "2", "most": "50,00"})

    after = in_force(db, station)
    assert (after.name, after.terms["min_price"], after.terms["max_price"]) == (
        "Garage",
        {"incl_vat": "2"},
        {"incl_vat": "50.00"},
    )
    assert "€2.00 with VAT" in alice.get(url).text


def test_a_minimum_above_the_maximum_is_refused(alice, url):  # noqa: F811
    response = alice.post(f"{url}/list", data=LIST | {"least": "20", "most": "5"}, headers=HTMX)

    assert response.status_code == 422
    assert "The maximum price cannot be below the minimum price." in response.text


def test_another_currency_is_confirmed_with_its_consequence(alice, db, station, url):  # noqa: F811
    asking = alice.post(f"{url}/list", data=LIST | {"currency": "SEK"}, headers=HTMX)
    assert re.search("No figure is converted: €0.59 becomes SEK.?0.59.", asking.text)

    done = alice.post(f"{url}/list", data=LIST | {"currency": "SEK", "confirmed": "y", "asked": asked(asking)})

    assert done.status_code == 303
    assert in_force(db, station).currency == "SEK"


def test_prices_with_an_end_say_what_follows(alice, url):  # noqa: F811
    soon = (utcnow() + timedelta(days=9)).strftime("%Y-%m-%dT12:00")

    asking = alice.post(f"{url}/list", data=LIST | {"valid_until": soon}, headers=HTMX)

    assert "When these prices end," in asking.text or "No prices follow when these end" in asking.text


def test_planned_prices_are_withdrawn(alice, db, station, url):  # noqa: F811
    later = (utcnow() + timedelta(days=9)).strftime("%Y-%m-%dT12:00")
    alice.post(f"{url}/prices/1", data=DAY | {"energy": "0.60", "valid_from": later})
    planned = db.scalars(select(StationTariff).order_by(StationTariff.id.desc())).first().tariff_id
    db.commit()
    address = f"{url}/versions/{planned}/withdraw"

    assert "Withdraw the planned prices?" in alice.get(address, headers=HTMX).text
    assert alice.post(address).status_code == 303
    assert alice.post(address).status_code == 409
    assert "Other prices begin" not in alice.get(url).text


def test_two_versions_are_compared(alice, db, station, url):  # noqa: F811
    before = in_force(db, station)
    alice.post(f"{url}/prices/1", data=DAY | {"energy": "0.52"})
    after = in_force(db, station)

    page = alice.get(f"{url}/history?from={before.id}&to={after.id}").text

    section = page[page.index('id="compare"') : page.index('aria-label="Price history"')]
    assert re.search("Day changed.*€0.49.*€0.52", section, re.DOTALL)


def test_prices_are_copied_to_the_stations_chosen(alice, db, make, harbour, station, url):  # noqa: F811
    pier, swedish = make(factories.station, harbour, name="Pier"), make(factories.station, harbour, currency="SEK")

    question = alice.get(f"{url}/copy", headers=HTMX).text
    nobody = alice.post(f"{url}/copy", data={}, headers=HTMX)
    wrong = alice.post(f"{url}/copy", data={"pick": [pier.id, swedish.id]}, headers=HTMX)
    alice.post(f"{url}/copy", data={"pick": [pier.id]})

    assert "bills in SEK: not possible" in question
    assert (nobody.status_code, wrong.status_code) == (422, 422)
    assert in_force(db, pier).terms == TERMS


def test_prices_are_not_copied_to_a_foreign_station(alice, db, make, url):  # noqa: F811
    foreign = make(factories.station, make(factories.operator, name="Charlie's"))

    assert alice.post(f"{url}/copy", data={"pick": [foreign.id]}).status_code == 404

    with Session(db.get_bind()) as reading:
        assert tariff_book.in_force(reading, foreign.id, utcnow()) is None


def test_a_draft_is_rehearsed(alice, db, engine, tmp_path, station, url, draft, make):  # noqa: F811
    charger = make(factories.charger, station)
    began = utcnow().replace(minute=0, second=0, microsecond=0) - timedelta(days=3)
    times = {"started_at": began, "stopped_at": began + timedelta(hours=1), "billed_at": began + timedelta(hours=1)}
    make(factories.charging, charger, tariff_id=in_force(db, station).id, **times)
    days = {"first": f"{began - timedelta(days=1):%Y-%m-%d}", "last": f"{began + timedelta(days=1):%Y-%m-%d}"}

    asking = alice.post(f"{url}/rehearsals", data=days | {"draft": "1"})
    waiting = alice.get(asking.location).text
    with Session(engine) as reading:
        job_id = reading.scalars(select(Rehearsal.job_id)).one()
    jobs.work(Workplace(sessionmaker(engine), FileStore(tmp_path)), job_kinds.STEPS, job_id, utcnow)

    result = alice.get(asking.location).text
    assert "0 of 1 sessions compared" in waiting
    assert "1 session" in result
    assert charger.label in result
    for kind in ("csv", "xlsx"):
        assert alice.get(f"{asking.location}/export.{kind}").status_code == 200
    backwards = {"first": days["last"], "last": days["first"], "draft": "1"}
    assert "The last day cannot lie before the first." in alice.post(f"{url}/rehearsals", data=backwards).text


def test_charlie_cannot(charlie, url, draft):  # noqa: F811
    answers = {
        charlie.get(f"{url}?draft=1").status_code,
        charlie.post(f"{url}/draft").status_code,
        charlie.get(f"{url}/draft/publish").status_code,
        charlie.post(f"{url}/draft/discard").status_code,
        charlie.post(f"{url}/rehearsals").status_code,
        charlie.get(f"{url}/copy").status_code,
        charlie.post(f"{url}/list", data=LIST).status_code,
    }

    assert answers == {404}
