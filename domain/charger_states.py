"""The one word that tells how a charger is: from its connection and the worst or busiest of its connectors."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, case, exists, literal_column, select

from domain.models.chargers import Charger, Connector
from domain.models.charging import ChargingSession

# Written out, not bound: SQLite only then sees that the index of running sessions serves.
IS_RUNNING: ColumnElement[bool] = ChargingSession.status == literal_column("'active'")

# A socket that is open but silent for so long: no heartbeat, no answer to a ping.
LATE_AFTER = timedelta(minutes=10)


class ChargerWord(StrEnum):
    """In the order in which one hides the next."""

    RETIRED = "Retired"
    NEVER_CONNECTED = "Never connected"
    OFFLINE = "Offline"
    FAULTED = "Faulted"
    LATE = "Late"
    CHARGING = "Charging"
    PREPARING = "Preparing"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    AVAILABLE = "Available"
    UNAVAILABLE = "Unavailable"
    UNKNOWN = "Unknown"


NOT_ONLINE = (ChargerWord.OFFLINE, ChargerWord.NEVER_CONNECTED, ChargerWord.RETIRED)

# Attention first; everything that works shares the last place.
_RANKS = {
    ChargerWord.FAULTED: 0,
    ChargerWord.LATE: 1,
    ChargerWord.OFFLINE: 2,
    ChargerWord.NEVER_CONNECTED: 3,
    ChargerWord.UNAVAILABLE: 4,
    ChargerWord.UNKNOWN: 4,
}
_WORKING = 5


def charger_word(now: datetime) -> ColumnElement[str]:
    """The charger's ChargerWord at that moment, as an expression on Charger."""
    running = exists(select(ChargingSession.id).where(ChargingSession.charger_id == Charger.id, IS_RUNNING))
    return case(
        (Charger.retired_at.is_not(None), ChargerWord.RETIRED.value),
        (Charger.connected_at.is_(None), ChargerWord.NEVER_CONNECTED.value),
        (Charger.node.is_(None), ChargerWord.OFFLINE.value),
        (_has_connector("Faulted"), ChargerWord.FAULTED.value),
        (Charger.last_seen_at < now - LATE_AFTER, ChargerWord.LATE.value),
        (running | _has_connector("Charging", "SuspendedEV", "SuspendedEVSE"), ChargerWord.CHARGING.value),
        (_has_connector("Preparing"), ChargerWord.PREPARING.value),
        (_has_connector("Finishing"), ChargerWord.FINISHING.value),
        (_has_connector("Reserved"), ChargerWord.RESERVED.value),
        (_has_connector("Available"), ChargerWord.AVAILABLE.value),
        (_has_connector("Unavailable"), ChargerWord.UNAVAILABLE.value),
        else_=ChargerWord.UNKNOWN.value,
    )


def attention_rank(now: datetime) -> ColumnElement[int]:
    """0 for what needs a person most, as an expression on Charger."""
    word = charger_word(now)
    return case(*((word == each.value, rank) for each, rank in _RANKS.items()), else_=_WORKING)


def _has_connector(*statuses: str) -> ColumnElement[bool]:
    return exists(select(Connector.id).where(Connector.charger_id == Charger.id, Connector.status.in_(statuses)))
