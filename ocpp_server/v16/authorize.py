"""Authorize: a card was shown to the charger."""

from typing import Any

from sqlalchemy.orm import Session

from domain import charger_events, sightings, tokens
from ocpp_server.context import Context
from ocpp_server.v16.wire import charger_of, id_tag_info

_REPEATED_S = 60


def handle(db: Session, context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """What the card may do; one that may not is told to the timeline, so that somebody can give it to a person."""
    id_tag = payload["idTag"]
    found = tokens.authorise(db, charger_of(db, context), id_tag, context.now)
    sightings.note(db, charger_of(db, context), id_tag, found, context.now, context.now)
    if found.token is not None:
        found.token.last_seen_at = context.now
        db.flush()
    if not found.is_accepted:
        _remember(db, context, id_tag, payload.get("connectorId"), found.verdict)
    return {"idTagInfo": id_tag_info(found, context.now)}


def _remember(db: Session, context: Context, id_tag: str, connector: int | None, verdict: tokens.Verdict) -> None:
    summary = f"Card {id_tag[:40]} refused: {verdict.value}"
    if charger_events.was_recorded_since(
        db, context.charger_id, "token", summary, now=context.now, within_s=_REPEATED_S
    ):
        return
    charger_events.record(
        db, context.charger_id, "token", summary,
        at=context.now, now=context.now, connector_number=connector, detail={"id_tag": id_tag},
    )  # fmt: skip
