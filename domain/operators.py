"""Operators: the companies whose back office this is."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import audit, stations
from domain.currencies import exponent
from domain.errors import NotFound, Refused
from domain.models.operators import Operator

LONGEST_NAME = 120


def create(
    db: Session, name: str, *, currency: str = "EUR", country: str | None = None, by: str, now: datetime
) -> Operator:
    """A new operator without stations and people.

    Raises:
        Refused: the name is empty or too long, or the currency or country is not known.
    """
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise Refused(f"Give the operator a name of up to {LONGEST_NAME} characters.", [("name", "This is needed.")])
    exponent(currency)
    if country is not None and country not in stations.countries():
        message = "Use a two-letter country code such as FI."
        raise Refused(message, [("country", message)])
    operator = Operator(name=name.strip(), currency=currency, country=country, created_at=now)
    db.add(operator)
    db.flush()
    audit.record(db, "created", "operator", operator.id, operator_id=operator.id, by=by, now=now, name=operator.name)
    return operator


def get(db: Session, operator_id: int) -> Operator:
    """The operator with that id.

    Raises:
        NotFound: there is none.
    """
    operator = db.scalar(select(Operator).where(Operator.id == operator_id))
    if operator is None:
        raise NotFound(f"There is no operator {operator_id}.")
    return operator
