"""An operator's tokens."""

from datetime import UTC, datetime

import pytest

from domain import tokens
from domain.errors import Conflict, NotFound, Refused
from domain.models.tokens import TokenStatus
from tests import factories
from tests.factories import NOW


@pytest.fixture
def operator(db):
    return factories.operator(db)


def test_a_token_is_kept_as_typed_and_found_in_any_case(db, operator):
    made = tokens.add(db, operator.id, " 04a1B2c3 ", now=NOW, name="Blue card", parent_uid="FAMILY")

    assert (made.uid, made.uid_key, made.status) == ("04a1B2c3", "04A1B2C3", TokenStatus.ACCEPTED)
    assert tokens.find(db, operator.id, "04A1b2C3") is made


def test_one_operator_has_a_uid_once_and_another_may_have_it_too(db, operator):
    tokens.add(db, operator.id, "04A1B2C3", now=NOW)

    with pytest.raises(Conflict):
        tokens.add(db, operator.id, "04a1b2c3", now=NOW)
    assert tokens.add(db, factories.operator(db, name="Other").id, "04A1B2C3", now=NOW).id


@pytest.mark.parametrize("uid", ["", "  ", "x" * 21, "käärme", "04A1\n", "04\x00A1"])
def test_what_cannot_be_a_card_is_refused(db, operator, uid):
    with pytest.raises(Refused) as refusal:
        tokens.add(db, operator.id, uid.replace("\n", "\n1"), now=NOW)

    assert refusal.value.errors[0][0] == "uid"


def test_a_token_is_not_its_own_parent(db, operator):
    with pytest.raises(Refused):
        tokens.add(db, operator.id, "04A1B2C3", now=NOW, parent_uid="04a1b2c3")


def test_only_what_is_given_changes(db, operator):
    ends = datetime(2027, 1, 1, tzinfo=UTC)
    tokens.add(db, operator.id, "04A1B2C3", now=NOW, name="Blue card", expires_at=ends)

    changed = tokens.change(db, operator.id, "04a1b2c3", status=TokenStatus.BLOCKED, parent_uid=None)

    assert (changed.status, changed.name, changed.expires_at) == (TokenStatus.BLOCKED, "Blue card", ends)


def test_another_operators_token_is_not_found(db, operator):
    tokens.add(db, operator.id, "04A1B2C3", now=NOW)

    with pytest.raises(NotFound):
        tokens.change(db, factories.operator(db, name="Other").id, "04A1B2C3", status=TokenStatus.BLOCKED)


def test_a_member_that_no_token_has_is_a_mistake_of_ours(db, operator):
    tokens.add(db, operator.id, "04A1B2C3", now=NOW)

    with pytest.raises(TypeError):
        tokens.change(db, operator.id, "04A1B2C3", uid="X")
