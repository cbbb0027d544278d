"""A station full of chargers with known passwords, and what must be in the database after any fault."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from domain import billing, charger_keys
from domain.clock import utcnow
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession, MeterValue, SessionStatus
from domain.models.messages import Direction, Message
from domain.models.orders import Order
from tests import factories
from tests.charge_points import Acknowledged, Identity, Ledger


def make_fleet(db: Session, size: int) -> list[Identity]:
    """A priced station with that many chargers; each driver has a card of his own. Commits."""
    operator = factories.operator(db)
    station = factories.station(db, operator)
    factories.assign_tariff(db, station, factories.tariff(db, operator))
    fleet = []
    for number in range(1, size + 1):
        who = Identity(f"FLEET{number:05d}", charger_keys.generate(), f"CARD{number:05d}")
        salt, key_hash = charger_keys.seal(who.password)
        factories.charger(db, station, device_id=who.device_id, password_salt=salt, password_hash=key_hash)
        factories.token(db, operator, who.id_tag)
        fleet.append(who)
    db.commit()
    return fleet


def bill_everything(db: Session) -> None:
    """What the worker's sweep does, until nothing waits. Commits."""
    while waiting := billing.unbilled(db, utcnow()):
        for charging_session_id in waiting:
            billing.bill(db, charging_session_id, utcnow())
        db.commit()


@dataclass(frozen=True)
class Audit:
    """How the database compares with what was acknowledged."""

    lost: list[str]
    duplicates: list[str]
    counted: Counter[str]


def audit(db: Session, ledger: Ledger) -> Audit:
    """Every acknowledged start, meter value, stop and frame was looked for, and everything that is there twice."""
    chargers = {row.device_id: row.id for row in db.scalars(select(Charger))}
    lost = [
        *_lost_sessions(db, ledger, chargers),
        *_lost_meter_values(db, ledger.of("MeterValues"), chargers),
        *_lost_messages(db, ledger.acknowledged, chargers),
    ]
    duplicates = [
        *_twice(db, select(ChargingSession.charger_id, ChargingSession.started_at_charger), "session"),
        *_twice(db, select(MeterValue.charger_id, MeterValue.at_charger), "meter value"),
        *_twice(db, select(Order.charging_session_id), "order"),
        *_two_ids_for_one_start(ledger.of("StartTransaction")),
        *_odd_orders(db),
    ]
    return Audit(lost, duplicates, Counter(entry.action for entry in ledger.acknowledged))


def _lost_sessions(db: Session, ledger: Ledger, chargers: dict[str, int]) -> Iterable[str]:
    rows = {(row.charger_id, row.transaction_id): row for row in db.scalars(select(ChargingSession))}
    for start in ledger.of("StartTransaction"):
        row = rows.get((chargers[start.device_id], str(start.answer["transactionId"])))
        sent = start.payload
        if row is None or (row.started_at_charger, row.meter_start_wh, row.id_tag) != (
            sent["timestamp"],
            sent["meterStart"],
            sent["idTag"],
        ):
            yield f"start {start.frame} -> {start.answer_frame}"
        elif row.status is SessionStatus.REFUSED:
            yield f"refused start {start.frame} -> {start.answer_frame}"
    for stop in ledger.of("StopTransaction"):
        row = rows.get((chargers[stop.device_id], str(stop.payload["transactionId"])))
        if row is None or (row.status, row.meter_stop_wh, row.stopped_at_charger) != (
            SessionStatus.COMPLETED,
            stop.payload["meterStop"],
            stop.payload["timestamp"],
        ):
            yield f"stop {stop.frame}"


def _lost_meter_values(db: Session, told: Iterable[Acknowledged], chargers: dict[str, int]) -> Iterable[str]:
    stored = {
        (charger_id, at): energy_wh
        for charger_id, at, energy_wh in db.execute(
            select(MeterValue.charger_id, MeterValue.at_charger, MeterValue.energy_wh)
        )
    }
    for entry in told:
        for value in entry.payload["meterValue"]:
            register_wh = int(value["sampledValue"][0]["value"])
            if stored.get((chargers[entry.device_id], value["timestamp"])) != register_wh:
                yield f"meter value {entry.frame}"


def _lost_messages(db: Session, told: Iterable[Acknowledged], chargers: dict[str, int]) -> Iterable[str]:
    log = {tuple(row) for row in db.execute(select(Message.charger_id, Message.direction, Message.text))}
    for entry in told:
        charger_id = chargers[entry.device_id]
        if (charger_id, Direction.CP_TO_CSMS, entry.frame) not in log:
            yield f"message {entry.frame}"
        if (charger_id, Direction.CSMS_TO_CP, entry.answer_frame) not in log:
            yield f"answer {entry.answer_frame}"


def _twice(db: Session, rows: Select[Any], what: str) -> Iterable[str]:
    counted = Counter(tuple(row) for row in db.execute(rows))
    return [f"{what} {key} is there {count} times" for key, count in counted.items() if count > 1]


def _two_ids_for_one_start(starts: Sequence[Acknowledged]) -> Iterable[str]:
    told: dict[tuple[str, str], int] = {}
    for start in starts:
        key = (start.device_id, start.payload["timestamp"])
        if told.setdefault(key, start.answer["transactionId"]) != start.answer["transactionId"]:
            yield f"start {key} has two transaction ids"


def _odd_orders(db: Session) -> Iterable[str]:
    completed = db.scalar(select(func.count()).where(ChargingSession.status == SessionStatus.COMPLETED))
    billed = db.scalar(select(func.count(Order.id)))
    if completed != billed:
        yield f"{completed} completed sessions have {billed} orders"
