"""Mails that wait to go out, as their readers see them."""

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.models.mails import Mail


def letters(db: Session) -> list[Mail]:
    """Every mail so far, oldest first."""
    db.rollback()
    found = list(db.scalars(select(Mail).order_by(Mail.id), execution_options={"populate_existing": True}))
    db.commit()  # the next one who writes must not wait for us
    return found


def path_in(mail: Mail) -> str:
    """The path of the first address in the mail."""
    found = re.search(r"http://localhost:8000(/\S*)", mail.body or "")
    assert found is not None
    return found[1]
