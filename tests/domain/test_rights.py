"""The table of roles, spot-checked against the written one."""

import pytest

from domain import rights
from domain.models.operators import Role
from domain.rights import Right


@pytest.mark.parametrize("right", Right)
@pytest.mark.parametrize("role", Role)
def test_every_cell_is_filled_with_known_letters(role, right):
    assert rights.cell(role, right) in {"A", "A2", "O", "O2", "R", "C", "G", "CG", "-"}


@pytest.mark.parametrize(
    ("role", "right", "may", "may_see"),
    [
        (Role.OWNER, Right.STATIONS, True, True),
        (Role.FINANCE, Right.STATIONS, False, True),
        (Role.PLATFORM_ADMIN, Right.STATIONS, False, False),
        (Role.PLATFORM_SUPPORT, Right.STATIONS, False, False),
        (Role.OPERATOR_SUPPORT, Right.REBOOT, True, True),
        (Role.OPERATOR_SUPPORT, Right.CONFIGURE, False, False),
        (Role.FINANCE, Right.TARIFFS, True, True),
        (Role.TECHNICIAN, Right.TARIFFS, False, False),
        (Role.TECHNICIAN, Right.REFUND, False, False),
        (Role.TECHNICIAN, Right.REVENUE, False, False),
        (Role.OPERATOR_SUPPORT, Right.REVENUE, True, True),
        (Role.OPERATOR_SUPPORT, Right.REFUND, True, True),
        (Role.PLATFORM_ADMIN, Right.SETTLEMENT_REVIEW, True, True),
        (Role.PLATFORM_SUPPORT, Right.SETTLEMENT_REVIEW, False, True),
        (Role.OWNER, Right.PAYMENT_CREDENTIALS, True, True),
        (Role.FINANCE, Right.PAYMENT_CREDENTIALS, False, False),
    ],
)
def test_who_may(role, right, may, may_see):
    assert (rights.may(role, right), rights.may_see(role, right)) == (may, may_see)
