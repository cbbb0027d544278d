"""Nobody overwrites what they have not seen.

A form carries a mark of what it was made from, in the field `seen`. A refused form keeps the mark that it came with:
however often it is sent again, it is as old as before, until its page is opened anew.
"""

import hashlib
from typing import Any

from flask import request

from domain.errors import Conflict

FIELD = "seen"
_LONGEST = 64


class Stale(Conflict):
    """What a form shows is not what is stored any more."""

    def __init__(self, what: str) -> None:
        """Args:
        what: such as "these hours", as the person reads it.
        """
        super().__init__(f"Somebody has changed {what} meanwhile. Nothing of yours is saved yet.")


def mark(*values: Any) -> str:
    """A short text that differs when any of these does."""
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


def carried(present: str) -> str:
    """What the form shall carry: the mark it was sent with, else the present one."""
    return request.form.get(FIELD, present)[:_LONGEST]


def check(present: str, what: str) -> None:
    """The form was made from what is stored now.

    Raises: Stale.
    """
    if request.form.get(FIELD, present) != present:
        raise Stale(what)
