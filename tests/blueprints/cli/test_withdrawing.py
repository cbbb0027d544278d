"""What leaked is withdrawn: an API key, a charger's password."""

import pytest
from sqlalchemy import select

from domain import api_keys, charger_keys, logins, second_factors
from domain.clock import utcnow
from domain.models.operators import AuditEvent, Role
from tests import factories


@pytest.fixture
def key(db, make):
    key, secret = api_keys.create(db, make(factories.operator), "our ERP", by="alice@example.com", now=utcnow())
    db.commit()
    return key, secret


@pytest.fixture
def charger(make):
    salt, key_hash = charger_keys.seal("the old password")
    return make(factories.charger, device_id="HE60D01", password_salt=salt, password_hash=key_hash)


def test_a_revoked_key_opens_nothing(db, flask, last_line, key):
    row, secret = key
    key_id = row.id
    assert api_keys.find(db, secret, utcnow()) is not None
    db.rollback()

    told = last_line("api-key", "revoke", str(key_id))
    again = flask("api-key", "revoke", str(key_id))

    db.expire_all()
    assert told == str(key_id)
    assert again.exit_code == 0
    assert api_keys.find(db, secret, utcnow()) is None


def test_keys_are_listed_with_what_revoking_needs(flask, key):
    row, secret = key

    before = flask("api-key", "list", "--operator", str(row.operator_id)).stdout
    flask("api-key", "revoke", str(row.id))
    after = flask("api-key", "list", "--operator", str(row.operator_id)).stdout

    assert before.startswith(f"{row.id}  our ERP  read write commands  until ")
    assert "revoked" not in before
    assert "revoked" in after
    assert secret not in before


def test_no_such_key_is_a_sentence(flask, key):
    answer = flask("api-key", "revoke", "999")

    assert answer.exit_code == 1
    assert answer.stderr == "Error: There is no API key 999.\n"


def test_a_new_password_replaces_the_old_one(db, flask, charger):
    answer = flask("charger", "new-password", "--device-id", "HE60D01")

    db.refresh(charger)
    new = answer.stdout.splitlines()[-1]
    assert charger_keys.matches(charger.password_salt, charger.password_hash, new.encode())
    assert not charger_keys.matches(charger.password_salt, charger.password_hash, b"the old password")
    assert "stays connected until it connects\nagain" in answer.stdout
    assert db.scalars(select(AuditEvent.verb)).all() == ["password renewed"]


def test_a_given_password_is_taken_and_not_told(db, flask, charger):
    answer = flask("charger", "new-password", "--device-id", "HE60D01", "--password", "tall ships sail")

    db.refresh(charger)
    assert charger_keys.matches(charger.password_salt, charger.password_hash, b"tall ships sail")
    assert "tall ships sail" not in answer.output


def test_no_such_charger_is_a_sentence(flask, charger):
    answer = flask("charger", "new-password", "--device-id", "he60d01")

    assert answer.exit_code == 1
    assert answer.stderr == "Error: There is no charger he60d01.\n"


def test_who_lost_everything_gets_in_again(db, make, flask, last_line):
    admin = make(factories.user, None, Role.PLATFORM_ADMIN, email="root@example.com")
    token = logins.start(db, admin, None, None, utcnow())
    db.commit()

    password = last_line("user", "new-password", "--email", "Root@example.com")
    flask("user", "reset-two-factor", "--email", "root@example.com")

    db.rollback()
    assert logins.find(db, token, utcnow()) is None
    db.refresh(admin)
    assert admin.must_change_password
    assert logins.find_by_password(db, "root@example.com", password) is admin
    assert second_factors.of(db, admin.id) is None
