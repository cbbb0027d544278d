"""The second factor: set up, asked for, spent once, lost, reset, and demanded of some roles."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from app import create_app
from blueprints import database
from domain import passwords, sealing, second_factors
from domain.clock import utcnow
from domain.errors import Refused
from domain.models.mails import Mail
from domain.models.operators import AuditEvent, Role
from domain.models.second_factors import RecoveryCode, SecondFactor
from tests import factories

PASSWORD = "correct horse battery"
HASH = passwords.hash_password(PASSWORD)
KEY = "test"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NOON = factories.NOW


@pytest.fixture
def dora(make, harbour):
    return make(factories.user, harbour, Role.FINANCE, email="dora@example.com", name="Dora", password_hash=HASH)


@pytest.fixture
def protected(make, dora):
    """Dora with an app in force."""
    make(factories.second_factor, dora, sealed_secret=sealing.seal(KEY, "second factor", SECRET))
    return dora


def code(at=None):
    return pyotp.TOTP(SECRET).at(at or utcnow())


def wrong_code():
    """Six digits that are none of the codes of these minutes."""
    near = {code(utcnow() + timedelta(seconds=30 * step)) for step in range(-3, 4)}
    return next(digits for digits in ("000000", "111111", "222222", "333333") if digits not in near)


def type_password(client, **data):
    return client.post("/sign-in", data={"email": "dora@example.com", "password": PASSWORD, **data})


def verbs(db):
    db.rollback()
    return db.scalars(select(AuditEvent.verb).order_by(AuditEvent.id)).all()


def test_it_is_set_up_with_a_code_of_the_app(client, dora, db):
    type_password(client)
    client.post("/two-factor/begin")
    page = client.get("/two-factor").text
    secret = re.search(r'id="secret"[^>]*>([A-Z2-7]+)<', page)[1]

    done = client.post("/two-factor/confirm", data={"code": pyotp.TOTP(secret).now()})

    assert 'src="data:image/png;base64,' in page
    codes = re.findall(r"<li>([a-z0-9]{4}(?:-[a-z0-9]{4}){3})</li>", done.text)
    assert len(set(codes)) == 10
    assert client.get("/two-factor").text.count("10 of 10 recovery codes") == 1
    stored = db.scalars(select(SecondFactor)).one()
    assert secret not in stored.sealed_secret
    assert not set(codes) & set(db.scalars(select(RecoveryCode.code_hash)))


def test_a_wrong_code_switches_nothing_on(client, dora, db):
    type_password(client)
    client.post("/two-factor/begin")

    refused = client.post("/two-factor/confirm", data={"code": "12"})

    assert refused.status_code == 422
    assert "This code is not right" in refused.text
    assert db.scalars(select(SecondFactor.confirmed_at)).one() is None


def test_the_password_alone_opens_nothing(client, protected):
    half = type_password(client, next="/two-factor")

    outside = client.get("/two-factor")
    inside = client.post("/sign-in/code", data={"code": code()})

    assert (half.status_code, half.location) == (303, "/sign-in/code")
    assert outside.location.startswith("/sign-in?")
    assert (inside.status_code, inside.location) == (303, "/two-factor")
    assert client.get("/two-factor").status_code == 200


def test_a_code_is_accepted_once(app, client, protected):
    thief, digits = app.test_client(), code()
    type_password(client)
    type_password(thief)

    first, second = (browser.post("/sign-in/code", data={"code": digits}) for browser in (client, thief))

    assert (first.status_code, second.status_code) == (303, 422)
    assert "was used before" in second.text


@pytest.mark.parametrize(("seconds", "is_right"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_the_phone_may_be_half_a_minute_off(db, protected, seconds, is_right):
    typed = code(NOON + timedelta(seconds=seconds))

    try:
        second_factors.check(db, protected, typed, KEY, NOON)
    except Refused:
        assert not is_right
    else:
        assert is_right


def test_no_code_before_the_last_one_is_accepted(db, protected):
    second_factors.check(db, protected, code(NOON), KEY, NOON)

    with pytest.raises(Refused):
        second_factors.check(db, protected, code(NOON - timedelta(seconds=30)), KEY, NOON)


def test_a_recovery_code_opens_once_however_it_is_typed(client, app, protected, db):
    first, *_ = second_factors.renew_recovery_codes(db, protected, utcnow())
    db.commit()
    other = app.test_client()
    type_password(client)
    type_password(other)

    used = client.post("/sign-in/code", data={"code": first.upper().replace("-", " ")})
    again = other.post("/sign-in/code", data={"code": first})

    assert (used.status_code, again.status_code) == (303, 422)
    assert second_factors.recovery_codes_left(db, protected.id) == 9
    assert "recovery code used" in verbs(db)


def test_codes_are_counted_as_passwords_are(client, protected):
    type_password(client)
    wrong = [client.post("/sign-in/code", data={"code": wrong_code()}) for _ in range(9)]

    eleventh = client.post("/sign-in/code", data={"code": code()})

    assert {answer.status_code for answer in wrong} == {422}
    assert eleventh.status_code == 422
    assert "Too many tries" in eleventh.text


def test_a_link_for_a_new_password_does_not_replace_the_code(client, protected, alice, db):
    alice.post(f"/team/{protected.id}/new-password")
    db.rollback()
    path = re.search(r"/choose-password/\S+", db.scalars(select(Mail.body)).one())[0]
    db.rollback()

    response = client.post(path, data={"new": "another fine phrase", "again": "another fine phrase"})

    assert (response.status_code, response.location) == (303, "/sign-in/code")
    assert client.get("/two-factor").status_code == 303


def test_a_code_without_a_password_leads_to_the_sign_in_page(client, protected):
    response = client.post("/sign-in/code", data={"code": code()})

    assert response.status_code == 422
    assert "The code came too late. Sign in again." in response.text


def test_switching_it_off_needs_password_and_code(client, protected, db):
    type_password(client)
    recovery, *_ = second_factors.renew_recovery_codes(db, protected, utcnow())
    db.commit()
    client.post("/sign-in/code", data={"code": code()})

    without_password = client.post("/two-factor/off", data={"password": "wrong", "code": recovery})
    without_code = client.post("/two-factor/off", data={"password": PASSWORD, "code": "000"})
    both = client.post("/two-factor/off", data={"password": PASSWORD, "code": recovery})

    assert (without_password.status_code, without_code.status_code, both.status_code) == (422, 422, 303)
    assert db.scalar(select(func.count()).select_from(SecondFactor)) == 0
    assert db.scalar(select(func.count()).select_from(RecoveryCode)) == 0
    assert client.get("/two-factor").status_code == 200


def test_an_owner_resets_it_and_the_person_is_told(alice, protected, sign_in, db):
    doras = sign_in(protected)

    alice.post(f"/team/{protected.id}/reset-two-factor")

    assert doras.get("/two-factor").status_code == 303
    assert verbs(db)[-1] == "two-factor reset"
    mail = db.scalars(select(Mail)).one()
    assert mail.to_address == "dora@example.com"
    assert "Alice Harbour (alice@example.com) has reset" in mail.body
    assert db.scalar(select(func.count()).select_from(SecondFactor)) == 0


def test_a_secret_opens_only_with_its_key_and_purpose():
    sealed = sealing.seal("key", "purpose", "secret")

    assert sealing.unseal("key", "purpose", sealed) == "secret"
    for key, purpose in (("other", "purpose"), ("key", "other")):
        with pytest.raises(sealing.Unreadable):
            sealing.unseal(key, purpose, sealed)


@pytest.mark.parametrize("role", [Role.PLATFORM_ADMIN, Role.PLATFORM_SUPPORT])
def test_platform_staff_see_nothing_else_before_they_have_one(make, sign_in, db, role):
    staff = make(factories.user, None, role)
    db.delete(db.get(SecondFactor, staff.id))
    db.commit()
    browser = sign_in(staff)

    anywhere = browser.get("/handshakes")
    page = browser.get("/two-factor")

    assert (anywhere.status_code, anywhere.location) == (303, "/two-factor")
    assert "Your role needs it." in page.text


@pytest.mark.parametrize(("is_demo", "location"), [(False, "/two-factor"), (True, "/")])
def test_an_installation_may_ask_more_roles_but_the_demo_asks_nobody(settings, dora, is_demo, location):
    app = create_app(replace(settings, second_factor_roles=frozenset({Role.FINANCE}), is_demo=is_demo))
    app.config["WTF_CSRF_ENABLED"] = False
    browser = app.test_client()
    type_password(browser)

    response = browser.get("/two-factor" if is_demo else "/chargers")

    assert response.status_code == (200 if is_demo else 303)
    assert is_demo or response.location == location
    with app.app_context():
        database.db.engine.dispose()


def test_an_unknown_address_costs_the_same_work(app, client, dora):
    with app.app_context():
        engine = database.db.engine
    told = []
    event.listen(engine, "before_cursor_execute", lambda *call: told.append(call[2].split()[0]))

    client.post("/sign-in", data={"email": "dora@example.com", "password": "wrong"})
    known, told[:] = list(told), []
    client.post("/sign-in", data={"email": "nobody@example.com", "password": "wrong"})

    assert known == told
    assert "INSERT" in known


def test_signing_in_out_and_failing_is_on_record(client, dora, db):
    client.post("/sign-in", data={"email": "dora@example.com", "password": "wrong"})
    type_password(client)
    client.post("/sign-out")

    db.rollback()
    rows = db.execute(select(AuditEvent.verb, AuditEvent.actor, AuditEvent.object_id).order_by(AuditEvent.id)).all()
    assert rows == [
        ("sign-in failed", "stranger", str(dora.id)),
        ("signed in", "dora@example.com", str(dora.id)),
        ("signed out", "dora@example.com", str(dora.id)),
    ]


def test_of_twenty_who_send_the_same_code_one_gets_in(engine, protected):
    def send(_):
        with Session(engine) as db:
            try:
                second_factors.check(db, protected, code(NOON), KEY, NOON)
            except Refused:
                return False
            db.commit()
            return True

    with ThreadPoolExecutor(8) as pool:
        accepted = sum(pool.map(send, range(20)))

    assert accepted == 1


def test_a_secret_of_another_key_lets_only_recovery_codes_in(db, protected):
    recovery, *_ = second_factors.renew_recovery_codes(db, protected, NOON)

    with pytest.raises(Refused):
        second_factors.check(db, protected, code(NOON), "another key", NOON)
    second_factors.check(db, protected, recovery, "another key", NOON)

    assert second_factors.recovery_codes_left(db, protected.id) == 9
