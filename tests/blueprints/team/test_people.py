"""Team and roles: who is invited, changed and let go, by whom, and what ends with it."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from domain import team
from domain.clock import utcnow
from domain.errors import Refused
from domain.models.mails import Mail
from domain.models.operators import AuditEvent, LoginSession, Operator, Role, UserAccount
from domain.models.secret_links import SecretLink
from tests import factories
from tests.blueprints.conftest import HTMX

JOINING = {"name": "Dora Diaz", "password": "a fine long phrase", "again": "a fine long phrase"}


def invite(browser, email="dora@example.com", role="technician"):
    return browser.post("/team/invite", data={"email": email, "role": role})


def link(db, page="invitation"):
    """The path in the latest mail."""
    db.rollback()
    body = db.scalars(select(Mail.body).order_by(Mail.id.desc())).first()
    db.rollback()  # SQLite's lock is free again
    return re.search(rf"(/{page}/\S+)", body)[1]


def person(db, email):
    db.rollback()
    found = select(UserAccount).where(UserAccount.email == email).execution_options(populate_existing=True)
    user = db.scalars(found).one_or_none()
    if user is not None:
        db.expunge(user)
    db.rollback()
    return user


def test_an_invited_person_joins_with_their_own_name_and_password(alice, client, db, harbour):
    invited = invite(alice, " Dora@Example.com ")
    path = link(db)
    page = client.get(path)
    joined = client.post(path, data=JOINING)

    assert (invited.status_code, invited.location) == (303, "/team")
    assert "Join Harbour Energy" in page.text
    assert "Technician" in page.text
    assert (joined.status_code, joined.location) == (303, "/")
    dora = person(db, "dora@example.com")
    assert (dora.name, dora.role, dora.is_active, dora.operator_id) == (
        "Dora Diaz",
        Role.TECHNICIAN,
        True,
        harbour.id,
    )
    assert client.get("/chargers").status_code == 200
    assert client.get("/team").status_code == 403


def test_an_invitation_is_used_once(alice, client, app, db):
    invite(alice)
    path = link(db)
    client.post(path, data=JOINING)

    again = app.test_client().post(path, data=JOINING | {"name": "Thief"})

    assert again.status_code == 404
    assert "has been used or has run out" in again.text
    assert person(db, "dora@example.com").name == "Dora Diaz"


def test_an_invitation_runs_out_after_seven_days(alice, client, db):
    invite(alice)
    path = link(db)
    before = client.get(path).status_code
    db.execute(update(SecretLink).values(expires_at=utcnow()))
    db.execute(
        update(UserAccount).where(UserAccount.invited_at.is_not(None)).values(invited_at=utcnow() - timedelta(days=7))
    )
    db.commit()

    late = client.post(path, data=JOINING)

    assert (before, late.status_code) == (200, 404)
    assert "Invitation ran out" in alice.get("/team").text


def test_a_new_invitation_ends_the_one_before(alice, client, db):
    invite(alice)
    first, dora = link(db), person(db, "dora@example.com")

    alice.post(f"/team/{dora.id}/invite-again")

    assert client.get(first).status_code == 404
    assert client.get(link(db)).status_code == 200


def test_a_withdrawn_invitation_opens_nothing_and_leaves_the_address_free(alice, client, db):
    invite(alice)
    path, dora = link(db), person(db, "dora@example.com")

    alice.post(f"/team/{dora.id}/withdraw")

    assert client.post(path, data=JOINING).status_code == 404
    assert person(db, "dora@example.com") is None
    assert invite(alice).status_code == 303


def test_who_is_in_the_team_is_not_invited_again(alice, bob):
    response = invite(alice, "bob@example.com")

    assert response.status_code == 422
    assert "Bob is in your team already." in response.text
    assert 'value="bob@example.com"' in response.text


def test_who_is_invited_already_gets_the_mail_again_from_the_list(alice):
    invite(alice)

    response = invite(alice)

    assert response.status_code == 422
    assert "This e-mail address is already invited. Send the invitation again" in response.text


def test_who_works_elsewhere_is_told_by_mail_and_nobody_else_is(alice, charlie, db):
    response = invite(alice, "charlie@example.com")

    assert (response.status_code, response.location) == (303, "/team")
    assert "The invitation is on its way to charlie@example.com." in alice.get("/team").text
    db.rollback()
    told = db.scalars(select(Mail)).one()
    assert told.to_address == "charlie@example.com"
    assert "belongs to an account of another company already" in told.body


@pytest.mark.parametrize("address", ["zoë@example.com", "dora@..example"])
def test_what_no_mail_server_takes_is_refused(alice, address):
    assert invite(alice, address).status_code == 422


def test_nobody_is_invited_to_a_role_of_another_kind(alice, db):
    response = invite(alice, role="platform_admin")

    assert response.status_code == 422
    assert person(db, "dora@example.com") is None


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": " "}, "Enter your name"),
        ({"password": "short", "again": "short"}, "Use at least 10 characters."),
        ({"again": "typo"}, "The two passwords differ."),
    ],
)
def test_a_refused_form_leaves_the_invitation_as_it_was(alice, client, db, typed, sentence):
    invite(alice)
    path = link(db)

    refused = client.post(path, data=JOINING | typed)

    assert refused.status_code == 422
    assert sentence in refused.text
    assert client.post(path, data=JOINING).status_code == 303


def test_another_role_ends_the_rights_within_one_request(alice, bob, db):
    before = bob.get("/stations/new").status_code

    alice.post(f"/team/{person(db, 'bob@example.com').id}/role", data={"role": "finance"})

    after = bob.get("/stations/new")
    assert (before, after.status_code) == (200, 303)
    assert after.location.startswith("/sign-in")
    assert person(db, "bob@example.com").role is Role.FINANCE
    record = db.scalars(select(AuditEvent).where(AuditEvent.verb == "role changed")).one()
    assert (record.actor, record.detail) == ("alice@example.com", {"old": "technician", "new": "finance"})


def test_who_is_deactivated_is_out_at_once_and_may_be_let_in_again(alice, bob, db):
    bobs = person(db, "bob@example.com").id

    alice.post(f"/team/{bobs}/deactivate")
    out = bob.get("/chargers")
    alice.post(f"/team/{bobs}/reactivate")

    assert out.status_code == 303
    assert person(db, "bob@example.com").is_active
    assert bob.get("/chargers").status_code == 303, "the old cookie stays worthless"
    assert db.scalars(select(LoginSession.ended_at).where(LoginSession.user_id == bobs)).one() is not None


@pytest.mark.parametrize(("path", "data"), [("role", {"role": "finance"}), ("deactivate", {})])
def test_nobody_does_it_to_themselves(alice, make, harbour, db, path, data):
    make(factories.user, harbour, email="second@example.com")
    mine = person(db, "alice@example.com").id

    response = alice.post(f"/team/{mine}/{path}", data=data)

    assert response.status_code == 422
    assert "Nobody" in response.text
    assert alice.get("/team").status_code == 200


def test_a_foreign_person_is_not_there(alice, charlie, bob, db):
    bobs = person(db, "bob@example.com").id

    answers = [charlie.post(f"/team/{bobs}/{verb}", data={"role": "finance"}) for verb in ("role", "deactivate")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert "bob@example.com" not in charlie.get("/team").text
    assert person(db, "bob@example.com").is_active


def test_platform_staff_run_their_own_team_only(make, sign_in, alice, db):
    root = sign_in(make(factories.user, None, Role.PLATFORM_ADMIN, email="root@example.com"))

    invite(root, role="platform_support")

    page = root.get("/team").text
    assert "dora@example.com" in page
    assert "alice@example.com" not in page
    assert person(db, "dora@example.com").operator_id is None
    assert root.post(f"/team/{person(db, 'alice@example.com').id}/deactivate").status_code == 404


@pytest.mark.parametrize("role", [Role.OWNER, Role.PLATFORM_ADMIN])
@pytest.mark.parametrize("act", ["role", "deactivate"])
def test_the_last_in_charge_stays(db, make, harbour, role, act):
    company = None if role.is_platform else harbour
    last, other = (make(factories.user, company, role, email=f"{name}@example.com") for name in ("last", "other"))
    other.is_active = False
    db.commit()

    with pytest.raises(Refused, match="is the last active"):
        if act == "role":
            new = Role.PLATFORM_SUPPORT if role.is_platform else Role.FINANCE
            team.change_role(db, last, new, by=other, now=utcnow())
        else:
            team.deactivate(db, last, by=other, now=utcnow())


def test_the_table_says_in_plain_words_what_each_role_may_do(alice):
    text = alice.get("/team").text

    row = re.search(r"Electricity management</th>(.*?)</tr>", text, re.DOTALL)[1]
    words = re.findall(r"</svg> ([A-Z][^<]*)<", row)
    assert words == ["Yes", "Yes", "No", "Reads"]


def test_under_htmx_the_list_changes_in_place(alice, bob, db):
    bobs = person(db, "bob@example.com").id

    asked = alice.get(f"/team/{bobs}/deactivate", headers=HTMX)
    done = alice.post(f"/team/{bobs}/deactivate", headers=HTMX)

    assert "Bob is signed out everywhere at once" in asked.text
    assert done.status_code == 200
    assert 'id="team"' in done.text
    assert "Deactivated" in done.text
    assert "Bob is deactivated" in done.headers["HX-Trigger"]


def test_a_link_for_a_new_password_is_used_once_and_signs_out(alice, bob, client, db):
    bobs = person(db, "bob@example.com").id
    alice.post(f"/team/{bobs}/new-password")
    path = link(db, "choose-password")
    typed = {"new": "another fine phrase", "again": "another fine phrase"}
    before = bob.get("/chargers").status_code

    weak = client.post(path, data={"new": "short", "again": "short"})
    done = client.post(path, data=typed)
    again = client.post(path, data=typed)

    assert (before, weak.status_code, done.location, again.status_code) == (200, 422, "/", 404)
    assert bob.get("/chargers").status_code == 303


def test_an_invitation_of_a_suspended_operator_opens_nothing(alice, client, db):
    invite(alice)
    path = link(db)
    db.execute(update(Operator).values(suspended_at=utcnow()))
    db.commit()

    assert client.post(path, data=JOINING).status_code == 404


def test_of_two_owners_who_let_each_other_go_one_stays(engine, db, make, harbour):
    owners = [make(factories.user, harbour, email=f"{name}@example.com").id for name in ("one", "two")]

    def let_go(pair):
        with Session(engine) as own:
            target, by = (own.get_one(UserAccount, user_id) for user_id in pair)
            try:
                team.deactivate(own, target, by=by, now=utcnow())
            except Refused:
                return False
            own.commit()
            return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(let_go, [owners, owners[::-1]]))

    assert sorted(done) == [False, True]
    db.rollback()
    assert db.scalar(select(func.count()).where(UserAccount.is_active)) == 1


def test_a_dialog_that_stands_alone_leads_to_the_list(alice, make, harbour):
    dora = make(factories.user, harbour, Role.TECHNICIAN, email="dora@example.com", name="Dora")
    address = f"/team/{dora.id}/role"

    page = alice.get(address).text
    alone = alice.post(address, data={"role": "finance"}, headers=HTMX | {"Dialog-Stands": "alone"})
    behind = alice.post(address, data={"role": "technician"}, headers=HTMX)

    assert """hx-headers='{"Dialog-Stands": "alone"}'""" in page
    assert (alone.status_code, alone.headers["HX-Redirect"]) == (204, "/team")
    assert "Dora has the role Finance." in alice.get("/team").text
    assert "HX-Redirect" not in behind.headers
    assert "dialog-close" in behind.headers["HX-Trigger"]
