"""Two reviewers at the same moment: one decides."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import application_approval, applications, places
from domain.application_approval import Decision
from domain.errors import Conflict
from domain.links import Links
from domain.models.chargers import Charger
from domain.models.mails import Mail
from domain.models.operators import Operator
from domain.models.stations import Station
from tests import factories
from tests.factories import NOW

LINKS = Links("/sign-in", "/forgot", "/confirm/{}".format, "/choose/{}".format, "/apply/{}".format, "/review/{}".format)
DECISION = Decision("Quay 7", "Laituri 7", "Uusimaa", "Europe/Helsinki", "EUR")


@pytest.mark.parametrize("other", ["approve", "reject"])
def test_of_two_reviewers_one_decides(engine, db, make, other):
    application_id = make(factories.application, "QC60D01", "QC60D02").id
    both_ready = Barrier(2)

    def decide(by, act):
        with Session(engine) as own:
            both_ready.wait(timeout=10)
            try:
                if act == "approve":
                    application_approval.approve(own, application_id, DECISION, links=LINKS, by=by, now=NOW)
                else:
                    applications.reject(own, application_id, "No.", links=LINKS, by=by, now=NOW)
                own.commit()
            except Conflict as conflict:
                own.rollback()
                return str(conflict)
            return "done"

    with ThreadPoolExecutor(2) as pool:
        said = [each.result() for each in (pool.submit(decide, "pia", "approve"), pool.submit(decide, "sam", other))]

    application = applications.get(db, application_id)
    expected = 1 if application.status == "approved" else 0
    counts = [db.scalar(select(func.count()).select_from(each)) for each in (Operator, Station, Mail)]
    assert sorted(said)[1] == "done"
    assert sorted(said)[0].startswith(f"This application was already {application.status} by {application.decided_by}")
    assert counts == [expected, expected, 1]
    assert db.scalar(select(func.count()).select_from(Charger)) == 2 * expected


@pytest.mark.parametrize(
    ("country", "place", "zone", "currency"),
    [
        ("FI", "", "Europe/Helsinki", "EUR"),
        ("DE", "", "Europe/Berlin", "EUR"),
        ("SE", "", "Europe/Stockholm", "SEK"),
        ("US", "1 Main St, New York", "America/New_York", "USD"),
        ("US", "5 Sunset Blvd, Los Angeles", "America/Los_Angeles", "USD"),
        ("AU", "", "Australia/Sydney", "AUD"),
        ("ES", "", "Europe/Madrid", "EUR"),
        ("ES", "Calle Mayor 1, Ceuta", "Africa/Ceuta", "EUR"),
    ],
)
def test_a_country_tells_time_and_money(country, place, zone, currency):
    assert (places.guess_zone(country, place), places.currency_of(country)) == (zone, currency)
