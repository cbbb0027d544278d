"""Signing up: what is asked, what anybody can learn, and when a login exists."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain import sign_ups
from domain.clock import utcnow
from domain.models.operators import Operator, Role, UserAccount
from domain.models.sign_ups import SignUp
from tests import factories
from tests.letters import letters, path_in

FORM = {"company": "Quay Charging Oy", "email": "Nina@Quay.example", "password": "seven blue boats", "country": "GB"}
PASSWORD = {"password": "seven blue boats"}


def signed_up(client, db, **changes):
    client.post("/sign-up", data=FORM | changes)
    return path_in(letters(db)[-1])


def test_signing_up_and_confirming_opens_the_back_office(client, db):
    response = client.post("/sign-up", data=FORM)
    told = client.get(response.location).text
    (mail,) = letters(db)
    asked = client.get(path_in(mail)).text
    confirmed = client.post(path_in(mail), data=PASSWORD)

    user, operator = db.scalars(select(UserAccount)).one(), db.scalars(select(Operator)).one()
    assert (response.status_code, response.location) == (303, "/sign-up/sent")
    assert "Nina@Quay.example" in told
    assert "Tell us about your station" in told
    assert (mail.to_address, mail.subject) == ("nina@quay.example", "Confirm your e-mail address")
    assert "nina@quay.example" in asked
    assert (confirmed.status_code, confirmed.location) == (303, "/")
    assert (user.email, user.role, user.must_change_password) == ("nina@quay.example", Role.OWNER, False)
    assert (operator.name, operator.country, operator.currency) == ("Quay Charging Oy", "GB", "GBP")
    assert user.operator_id == operator.id
    assert "What to do next" in client.get("/overview").text


def test_nothing_exists_before_the_address_is_confirmed(client, db):
    signed_up(client, db)

    assert db.scalars(select(UserAccount)).all() == []
    assert db.scalars(select(Operator)).all() == []
    db.rollback()
    assert client.post("/sign-in", data={"email": FORM["email"], **PASSWORD}).status_code == 422


def test_a_known_address_gets_the_same_answer_and_another_mail(client, db, make, harbour):
    make(factories.user, harbour, email="alice@example.com")

    new = client.post("/sign-up", data=FORM)
    known = client.post("/sign-up", data=FORM | {"email": "alice@example.com"})

    assert (new.status_code, new.location) == (known.status_code, known.location)
    assert [mail.subject for mail in letters(db)] == [
        "Confirm your e-mail address",
        "You have a login at Voltdesk already",
    ]
    assert "/sign-up/confirm/" not in letters(db)[1].body
    assert len(db.scalars(select(SignUp)).all()) == 1


def test_no_word_of_a_stranger_is_mailed(client, db):
    signed_up(client, db, company="Win at http://evil.example now")

    assert "evil.example" not in letters(db)[0].body


def test_a_stranger_who_signs_up_with_my_address_gains_nothing(client, db):
    path = signed_up(client, db, password="the stranger's own")

    response = client.post(path, data={"password": "what I would type"})

    assert response.status_code == 422
    assert "This is not the password that you chose." in response.text
    assert db.scalars(select(UserAccount)).all() == []


def test_the_password_tells_which_sign_up_is_meant(client, db):
    signed_up(client, db, password="the stranger's own", company="Stranger Ltd")
    signed_up(client, db)
    stranger_path = path_in(letters(db)[0])

    client.post(stranger_path, data=PASSWORD)

    assert db.scalars(select(Operator.name)).all() == ["Quay Charging Oy"]
    assert db.scalars(select(SignUp)).all() == []


def test_looking_does_not_use_the_link_up_but_confirming_does(client, app, db):
    path = signed_up(client, db)
    for _ in range(3):
        assert client.get(path).status_code == 200
    client.post(path, data=PASSWORD)

    again = app.test_client()
    assert again.get(path).status_code == 404
    assert again.post(path, data=PASSWORD).status_code == 404
    assert len(db.scalars(select(UserAccount)).all()) == 1


def test_an_old_link_is_over_and_forgotten(client, db):
    path = signed_up(client, db)
    sign_up = db.scalars(select(SignUp)).one()
    sign_ups.forget(db, utcnow() + timedelta(days=2, minutes=1))
    db.commit()

    assert client.get(path).status_code == 404
    assert db.get(SignUp, sign_up.id, populate_existing=True) is None


def test_foreign_links_open_nothing(client, db, make, harbour):
    client.post("/forgot-password", data={"email": make(factories.user, harbour).email})
    secret = path_in(letters(db)[0]).rsplit("/", 1)[1]

    assert client.get(f"/sign-up/confirm/{secret}").status_code == 404
    assert client.get("/sign-up/confirm/made-up").status_code == 404


def test_the_mail_is_sent_again_only_where_a_sign_up_waits(client, db):
    signed_up(client, db)

    answers = [client.post("/sign-up/again", data={"email": each}) for each in (FORM["email"], "who@else.example", "?")]

    assert {(answer.status_code, answer.location) for answer in answers} == {(303, "/sign-up/sent")}
    assert [mail.to_address for mail in letters(db)] == ["nina@quay.example"] * 2
    assert path_in(letters(db)[0]) != path_in(letters(db)[1])


def test_nobodys_mailbox_is_filled(client, db):
    for _ in range(8):
        assert client.post("/sign-up", data=FORM).status_code == 303

    assert len(letters(db)) == 5


def test_an_address_that_got_a_login_meanwhile_is_told_so(client, db, make, harbour):
    path = signed_up(client, db)
    make(factories.user, harbour, email="nina@quay.example")

    response = client.post(path, data=PASSWORD)

    assert response.status_code == 422
    assert "You have a login with this e-mail address already." in response.text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"company": ""}, "Type your company&#39;s name."),
        ({"company": "A\x07B"}, "Type your company&#39;s name, up to 120 characters."),
        ({"email": "nina"}, "This is not an e-mail address."),
        ({"email": "nina@quay.example\r\nBcc: x@y.example"}, "This is not an e-mail address."),
        ({"password": "short"}, "Use at least 10 characters."),
        ({"password": "nina@quay.example"}, "Choose something that others cannot guess."),
        ({"country": "XX"}, "Not a valid choice."),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_field(client, db, change, sentence):
    response = client.post("/sign-up", data=FORM | change)

    assert response.status_code == 422
    assert sentence in response.text
    assert "seven blue boats" not in response.text
    assert letters(db) == []


def test_too_many_tries_are_refused(client):
    statuses = [client.post("/sign-up", data=FORM | {"password": "short"}).status_code for _ in range(21)]

    assert statuses[-1] == 429
    assert 429 not in statuses[:20]
