"""Secret links: used as often as they may be, for what they are meant, as long as they last."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain import secret_links
from domain.errors import NotFound
from domain.models.secret_links import Purpose, SecretLink
from tests.factories import NOW

DAY = timedelta(days=1)


def make_link(db, **values):
    return secret_links.make(db, Purpose.CONFIRM_EMAIL, 7, **({"lasts": DAY, "now": NOW} | values))


def test_a_link_opens_its_row_once(db):
    secret = make_link(db)

    assert secret_links.use(db, Purpose.CONFIRM_EMAIL, secret, NOW) == 7
    with pytest.raises(NotFound, match="Ask for a new one"):
        secret_links.use(db, Purpose.CONFIRM_EMAIL, secret, NOW)


def test_a_link_may_be_made_for_several_uses(db):
    secret = make_link(db, uses=2)

    assert [secret_links.use(db, Purpose.CONFIRM_EMAIL, secret, NOW) for _ in range(2)] == [7, 7]
    with pytest.raises(NotFound):
        secret_links.find(db, Purpose.CONFIRM_EMAIL, secret, NOW)


def test_looking_does_not_use_it_up(db):
    secret = make_link(db)

    assert secret_links.find(db, Purpose.CONFIRM_EMAIL, secret, NOW).subject_id == 7
    assert secret_links.use(db, Purpose.CONFIRM_EMAIL, secret, NOW) == 7


@pytest.mark.parametrize("secret", ["", "nonsense", "\udc80", "x" * 10_000])
def test_made_up_secrets_open_nothing(db, secret):
    make_link(db)

    with pytest.raises(NotFound):
        secret_links.use(db, Purpose.CONFIRM_EMAIL, secret, NOW)


def test_a_link_is_over_by_its_time_and_for_another_purpose(db):
    secret = make_link(db)

    for purpose, at in ((Purpose.CONFIRM_EMAIL, NOW + DAY), (Purpose.SET_PASSWORD, NOW)):
        with pytest.raises(NotFound):
            secret_links.use(db, purpose, secret, at)


def test_ended_links_open_nothing(db):
    secret = make_link(db)

    secret_links.end(db, Purpose.CONFIRM_EMAIL, 7)

    with pytest.raises(NotFound):
        secret_links.use(db, Purpose.CONFIRM_EMAIL, secret, NOW)


def test_the_secret_is_not_in_the_database(db):
    secret = make_link(db)

    link = db.scalars(select(SecretLink)).one()
    assert secret not in (link.secret_hash, str(link.subject_id))


def test_old_links_are_forgotten(db):
    make_link(db)

    secret_links.forget(db, NOW + DAY + DAY)

    assert db.scalars(select(SecretLink)).all() == []
