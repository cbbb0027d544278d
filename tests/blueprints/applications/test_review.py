"""The review queue: who waits, and what approving, asking and rejecting do."""

import re

import pytest
from sqlalchemy import select

from domain import passwords
from domain.models.applications import StationApplication
from domain.models.chargers import Charger, QrCode
from domain.models.operators import AuditEvent, Operator, Role, UserAccount
from domain.models.stations import Station
from tests import factories
from tests.blueprints.conftest import HTMX
from tests.letters import letters, path_in

APPROVAL = {
    "station_name": "Quay 7",
    "address": "Laituri 7, 00160 Helsinki",
    "region": "Uusimaa",
    "time_zone": "Europe/Helsinki",
    "currency": "EUR",
}
NEW = {"new": "seven blue boats", "again": "seven blue boats"}


@pytest.fixture
def pia(make, sign_in):
    """The browser of Pia, platform administrator."""
    return sign_in(make(factories.user, None, Role.PLATFORM_ADMIN, email="pia@voltdesk.example", name="Pia"))


@pytest.fixture
def sam(make, sign_in):
    """The browser of Sam, platform support."""
    return sign_in(make(factories.user, None, Role.PLATFORM_SUPPORT, email="sam@voltdesk.example", name="Sam"))


@pytest.fixture
def application(make):
    return make(factories.application, "QC60D01", "QC60D02", email="nina@quay.example")


def url(application, tail=""):
    return f"/platform/applications/{application.id}{tail}"


def fresh(db, application):
    found = db.get(StationApplication, application.id, populate_existing=True)
    db.commit()  # the next one who writes must not wait for us
    return found


def all_of(db, statement):
    found = db.scalars(statement, execution_options={"populate_existing": True}).all()
    db.commit()
    return found


def test_the_queue_shows_what_waits_with_counts(pia, make, application):
    make(factories.application, station_name="Mill Lane 3", company="Mill Lane", country="GB", status="asked")

    page = pia.get("/platform/applications").text
    asked = pia.get("/platform/applications?view=asked", headers=HTMX).text

    assert "Quay 7" in page
    assert "Mill Lane 3" not in page
    assert re.search(r'To review\s*<span class="pill">1</span>', page)
    assert re.search(r'All\s*<span class="pill">2</span>', page)
    assert '<span class="count">1' in page  # in the menu
    assert "Mill Lane 3" in asked


@pytest.mark.parametrize(
    ("query", "is_found"),
    [("q=qc60d02", True), ("q=NINA%40quay", True), ("q=Charging+Oy", True), ("country=FI", True), ("country=SE", False),
     ("q=%25", False), ("q=nobody", False), ("view=approved", False), ("view=made_up", True)],
)  # fmt: skip
def test_filters(pia, application, query, is_found):
    assert ("Quay 7" in pia.get(f"/platform/applications?{query}").text) is is_found


def test_the_detail_says_what_approving_would_do_and_what_looks_odd(pia, make, application, harbour):
    make(factories.charger, make(factories.station, harbour), device_id="qc60d01")
    make(factories.application, "QC60D02", station_name="Elsewhere")

    page = pia.get(url(application)).text

    assert "Open the operator Quay Charging Oy" in page
    assert "A charger with this device id is registered already." in page
    assert "Also in another application" in page
    assert "not yet" in page  # the link in the mail was not opened


def test_the_time_zone_and_currency_are_guessed_and_can_be_changed(pia, make):
    perth = make(
        factories.application, country="AU", region="Western Australia", address="12 Hay Street, Perth WA 6000"
    )

    form = pia.get(url(perth, "/approve")).text

    assert 'value="Australia/Perth"' in form
    assert 'value="AUD"' in form
    assert "this country has 12 time zones" in form


def test_approval_opens_everything_and_mails_the_login(pia, client, db, application):
    response = pia.post(url(application, "/approve"), data=APPROVAL | {"station_name": "Quay Seven"})

    (operator,) = all_of(db, select(Operator))
    user = all_of(db, select(UserAccount).where(UserAccount.email == "nina@quay.example"))[0]
    (station,) = all_of(db, select(Station))
    chargers = all_of(db, select(Charger).order_by(Charger.id))
    decided = fresh(db, application)
    assert (response.status_code, response.location) == (303, url(application))
    assert (operator.name, operator.country, operator.currency) == ("Quay Charging Oy", "FI", "EUR")
    assert (user.operator_id, user.role, user.must_change_password) == (operator.id, Role.OWNER, True)
    assert (station.name, station.time_zone, station.operator_id) == ("Quay Seven", "Europe/Helsinki", operator.id)
    assert (station.address, station.city, station.country) == ("Laituri 7, 00160 Helsinki", "Uusimaa", "FI")
    assert [(each.device_id, each.device_account, each.station_id) for each in chargers] == [
        ("QC60D01", "ACC-1", station.id),
        ("QC60D02", "ACC-2", station.id),
    ]
    assert len(all_of(db, select(QrCode))) == 2
    assert (decided.status, decided.decided_by, decided.station_id) == ("approved", "pia@voltdesk.example", station.id)
    (mail,) = letters(db)
    assert (mail.to_address, mail.subject) == ("nina@quay.example", "Quay Seven is open: your login")
    assert "Your login e-mail: nina@quay.example" in mail.body

    client.post(path_in(mail), data=NEW)

    assert "Quay Seven" in client.get("/stations").text
    assert fresh(db, application).status == "approved"


def test_the_first_sign_in_by_any_other_way_forces_a_new_password(pia, sign_in, db, application):
    pia.post(url(application, "/approve"), data=APPROVAL)
    user = all_of(db, select(UserAccount).where(UserAccount.email == "nina@quay.example"))[0]

    response = sign_in(user).get("/overview")

    assert (response.status_code, response.location) == (303, "/password")


def test_pressed_twice_it_happens_once(pia, db, application):
    answers = [pia.post(url(application, "/approve"), data=APPROVAL) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(all_of(db, select(Station))) == 1
    assert len(letters(db)) == 1


def test_the_second_reviewer_is_told_who_was_faster(pia, sam, db, application):
    pia.post(url(application, "/approve"), data=APPROVAL)

    late = [
        sam.post(url(application, "/approve"), data=APPROVAL, headers=HTMX),
        sam.post(url(application, "/reject"), data={"reason": "No."}, headers=HTMX),
        sam.post(url(application, "/ask"), data={"question": "Why?"}, headers=HTMX),
    ]

    assert [answer.status_code for answer in late] == [422, 422, 422]
    assert all("already approved by pia@voltdesk.example" in answer.text for answer in late)
    assert fresh(db, application).status == "approved"
    assert len(letters(db)) == 1


def test_the_station_joins_the_company_that_signed_up(pia, db, make, harbour):
    make(factories.user, harbour, email="alice@example.com")
    application = make(factories.application, email="alice@example.com", company="Another name")

    page = pia.get(url(application)).text
    pia.post(url(application, "/approve"), data=APPROVAL)

    (station,), (operator,) = all_of(db, select(Station)), all_of(db, select(Operator))
    assert "Join Harbour Energy" in page
    assert station.operator_id == operator.id == harbour.id
    (mail,) = letters(db)
    assert mail.subject == "Quay 7 is open"
    assert "/choose-password/" not in mail.body


@pytest.mark.parametrize(
    ("role", "values", "sentence"),
    [
        (Role.FINANCE, {}, "has a login that may not open stations"),
        (Role.PLATFORM_SUPPORT, {}, "has a login that may not open stations"),
        (Role.OWNER, {"is_active": False}, "is closed"),
    ],
)
def test_an_e_mail_whose_login_may_not_open_stations_is_refused(pia, db, make, harbour, role, values, sentence):
    make(factories.user, None if role.is_platform else harbour, role, email="x@example.com", **values)
    application = make(factories.application, email="x@example.com")

    response = pia.post(url(application, "/approve"), data=APPROVAL)

    assert response.status_code == 422
    assert sentence in response.text
    assert all_of(db, select(Station)) == []


def test_a_charger_that_was_registered_meanwhile_stops_everything(pia, db, make, application, harbour):
    make(factories.charger, make(factories.station, harbour), device_id="qc60d02")

    response = pia.post(url(application, "/approve"), data=APPROVAL, headers=HTMX)

    assert response.status_code == 422
    assert "QC60D02 is registered already." in response.text
    assert [each.name for each in all_of(db, select(Operator))] == ["Harbour Energy"]
    assert len(all_of(db, select(Station))) == 1
    assert fresh(db, application).status == "new"
    assert letters(db) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"time_zone": "Helsinki"}, "Name a time zone such as Europe/Helsinki."),
        ({"currency": "XXX"}, "Use a three-letter"),
        ({"station_name": ""}, "Give the station a name."),
        ({"station_name": "x" * 121}, "Use up to 120 characters"),
        ({"region": "x" * 121}, "Use up to 120 characters"),
    ],
)
def test_what_staff_mistype_is_refused_and_nothing_is_half_done(pia, db, application, change, sentence):
    response = pia.post(url(application, "/approve"), data=APPROVAL | change, headers=HTMX)

    assert response.status_code == 422
    assert sentence in response.text or "This currency is not known." in response.text
    assert all_of(db, select(Operator)) == []
    assert fresh(db, application).status == "new"


def test_a_rejection_needs_a_reason_which_the_applicant_reads(pia, db, application):
    refused = pia.post(url(application, "/reject"), data={"reason": " "}, headers=HTMX)
    response = pia.post(url(application, "/reject"), data={"reason": "The order is not ours."})

    (mail,) = letters(db)
    assert (refused.status_code, response.status_code) == (422, 303)
    assert "The order is not ours." in mail.body
    assert "The order is not ours." in pia.get(path_in(mail)).text
    assert fresh(db, application).reason == "The order is not ours."
    assert all_of(db, select(AuditEvent.verb)) == ["rejected"]


def test_the_password_link_is_sent_again_until_a_password_is_chosen(pia, client, db, application):
    pia.post(url(application, "/approve"), data=APPROVAL)
    first = path_in(letters(db)[0])

    again = pia.post(url(application, "/password-link"))
    second = path_in(letters(db)[1])

    assert again.status_code == 303
    assert client.get(first).status_code == 404
    client.post(second, data=NEW)
    user = all_of(db, select(UserAccount).where(UserAccount.email == "nina@quay.example"))[0]
    assert passwords.matches(user.password_hash, "seven blue boats")
    assert pia.post(url(application, "/password-link")).status_code == 422
    assert len(letters(db)) == 2


def test_nobody_else_sees_the_queue(alice, charlie, application):
    for browser in (alice, charlie):
        assert browser.get("/platform/applications").status_code == 403
        assert browser.post(url(application, "/approve"), data=APPROVAL).status_code == 403
