"""Is the web alive, and can it work?"""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from blueprints import access
from blueprints.database import db
from domain.models.operators import Operator

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@access.public
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return {"status": "ok"}


@bp.get("/readyz")
@access.public
def readyz() -> ResponseReturnValue:
    """Database and schema can be used."""
    try:
        db.session.execute(select(Operator.id).limit(1))
    except SQLAlchemyError:
        return {"status": "unavailable", "detail": "The database or its schema cannot be used."}, 503
    return {"status": "ok"}
