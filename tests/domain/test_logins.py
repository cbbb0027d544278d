"""Login sessions and counted tries."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from domain import logins, passwords
from domain.errors import Refused
from tests import factories
from tests.factories import NOW

ADDRESS = "192.0.2.1"


def test_a_login_session_is_found_by_its_secret_only(db, make):
    user = make(factories.user, make(factories.operator))

    token = logins.start(db, user, ADDRESS, "Firefox", NOW)

    login = logins.find(db, token, NOW)
    assert login.user is user
    assert token not in login.token_hash
    assert logins.find(db, login.token_hash, NOW) is None


def test_a_login_lasts_seven_days(db, make):
    token = logins.start(db, make(factories.user), ADDRESS, None, NOW)

    assert logins.find(db, token, NOW + timedelta(days=7, seconds=-1)) is not None
    assert logins.find(db, token, NOW + timedelta(days=7)) is None


def test_signing_in_forgets_the_tries_of_this_address_only(db, make):
    user = make(factories.user)
    for address in (ADDRESS, "192.0.2.2"):
        for _ in range(logins.TRIES):
            logins.count_try(db, user.email, address, NOW)

    logins.start(db, user, ADDRESS, None, NOW)

    logins.count_try(db, user.email, ADDRESS, NOW)
    with pytest.raises(logins.TooManyTries):
        logins.count_try(db, user.email, "192.0.2.2", NOW)


def test_twenty_threads_share_ten_tries(engine):
    def attempt(_):
        with Session(engine) as db:
            try:
                logins.count_try(db, "dora@example.com", ADDRESS, NOW)
            except logins.TooManyTries:
                return False
            db.commit()
            return True

    with ThreadPoolExecutor(20) as pool:
        counted = sum(pool.map(attempt, range(20)))

    assert counted == 10


def test_the_right_password_finds_the_person(db, make):
    user = make(factories.user, email="dora@example.com", password_hash=passwords.hash_password("a fine phrase"))

    assert logins.find_by_password(db, "dora@example.com", "a fine phrase") is user
    assert logins.find_by_password(db, "dora@example.com", "another phrase") is None
    assert logins.find_by_password(db, "nobody@example.com", "a fine phrase") is None


def test_a_new_password_ends_every_login(db, make):
    user = make(factories.user, password_hash=passwords.hash_password("a fine phrase"), must_change_password=True)
    token = logins.start(db, user, ADDRESS, None, NOW)

    logins.change_password(db, user, "a fine phrase", "another fine phrase", NOW)

    assert logins.find(db, token, NOW) is None
    assert not user.must_change_password
    assert passwords.matches(user.password_hash, "another fine phrase")


def test_a_wrong_old_password_changes_nothing(db, make):
    user = make(factories.user, password_hash=passwords.hash_password("a fine phrase"))

    with pytest.raises(Refused, match="present password"):
        logins.change_password(db, user, "guess", "another fine phrase", NOW)

    assert passwords.matches(user.password_hash, "a fine phrase")
