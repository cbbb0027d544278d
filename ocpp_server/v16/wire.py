"""Our values as OCPP 1.6 writes them, and a charger's as we do."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from domain.charger_clock import read_time
from domain.meter_values import Sampled
from domain.models.chargers import Charger
from domain.models.tokens import Token
from domain.tokens import Authorisation, Verdict
from ocpp_server.context import Context

_LONGEST_TAG = 20


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with `Z`: chargers misread every other spelling."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def id_tag_info(found: Authorisation, now: datetime) -> dict[str, Any]:
    """The IdTagInfo of that authorisation; an expiry that has come would end the card at once, so it is left out."""
    info: dict[str, Any] = {"status": found.verdict.value}
    token: Token | None = found.token
    if token is None or found.verdict is not Verdict.ACCEPTED:
        return info
    if token.parent_uid is not None and len(token.parent_uid) <= _LONGEST_TAG:
        info["parentIdTag"] = token.parent_uid
    if token.expires_at is not None and token.expires_at > now:
        info["expiryDate"] = stamp(token.expires_at)
    return info


def charger_of(db: Session, context: Context) -> Charger:
    """The charger that speaks, as it is now."""
    return db.get_one(Charger, context.charger_id, populate_existing=True)


def sampled(values: Iterable[dict[str, Any]], context: Context) -> list[Sampled]:
    """A MeterValue list in our words."""
    return [
        Sampled(read_time(value.get("timestamp"), context.now, context.clock_zone), value["sampledValue"])
        for value in values
    ]
