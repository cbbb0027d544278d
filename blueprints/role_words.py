"""Roles and what they may do, as people read it; the table itself is domain/rights.py."""

from collections.abc import Sequence
from typing import NamedTuple

from blueprints.words import Look
from domain import rights
from domain.models.operators import Role
from domain.rights import Right

NAMES = {
    Role.PLATFORM_ADMIN: "Platform administrator",
    Role.PLATFORM_SUPPORT: "Platform support",
    Role.OWNER: "Owner",
    Role.FINANCE: "Finance",
    Role.TECHNICIAN: "Technician",
    Role.OPERATOR_SUPPORT: "Support",
}
IN_SHORT = {
    Role.PLATFORM_ADMIN: "runs the platform: operators, settlements, firmware files, people",
    Role.PLATFORM_SUPPORT: "helps operators when they ask",
    Role.OWNER: "may do everything, money and people included",
    Role.FINANCE: "prices, orders, refunds, settlements",
    Role.TECHNICIAN: "stations, chargers, commands, firmware",
    Role.OPERATOR_SUPPORT: "helps drivers: sessions, refunds, start and stop",
}


class Word(NamedTuple):
    """One cell of the table of rights."""

    text: str
    look: Look


_ANSWERS = {
    "A": Word("Yes", Look("ok", "circle-check")),
    "O": Word("Yes", Look("ok", "circle-check")),
    "R": Word("Reads", Look("off", "eye")),
    "2": Word("With a second person", Look("warn", "users")),
    "C": Word("With an open case", Look("warn", "lock-open")),
    "G": Word("If the operator grants it", Look("warn", "lock-open")),
    "-": Word("No", Look("off", "x")),
}


def choice(role: Role) -> str:
    """The role beside its button."""
    return f"{NAMES[role]}: {IN_SHORT[role]}"


def table(roles: Sequence[Role]) -> list[tuple[str, list[Word]]]:
    """What those roles may do, a row for each right that one of them has."""
    rows = ((right, [rights.cell(role, right) for role in roles]) for right in Right)
    return [(_capital(right), [_word(cell) for cell in cells]) for right, cells in rows if set(cells) != {"-"}]


def _word(letters: str) -> Word:
    return _ANSWERS["2" if "2" in letters else letters[0]]


def _capital(right: Right) -> str:
    return right.value[0].upper() + right.value[1:]
