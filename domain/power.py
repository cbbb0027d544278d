"""Maximum power: what people decide about chargers, connectors and stations. `power_delivery` carries it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import audit, commands, power_delivery, power_messages, power_schedule, power_units
from domain.errors import Conflict, NotFound, Refused
from domain.models.chargers import Charger, Connector
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.commands import Command
from domain.models.operators import AuditEvent
from domain.models.power import (
    LimitUnit,
    Newcomers,
    PowerAbility,
    PowerProfile,
    ProfileState,
    ProfileUse,
    ShareMethod,
    StationLimit,
)
from domain.models.stations import Station
from domain.power_schedule import Wish
from domain.power_units import Outlet

CHARGER_LOG, STATION_LOG = "charger_power", "station_power"
HIGHEST_STACK_LEVEL = 8  # below which profiles of others are looked for, at a charger that did not tell its own
PURPOSES = ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")


class Stale(Conflict):
    """Somebody else changed the limit since the form was opened."""

    def __init__(self) -> None:
        super().__init__("Somebody has changed this limit meanwhile. Nothing of yours is saved yet.")


# --- Chargers and connectors ----------------------------------------------------------------------------------


def outlet(charger: Charger, connector_number: int) -> Outlet:
    """What the connector, or with 0 the whole charger, can give.

    Raises:
        NotFound: it has no such connector.
    """
    if connector_number == 0:
        return power_units.cabinet(charger.connectors)
    for connector in charger.connectors:
        if connector.number == connector_number:
            return power_units.outlet(connector)
    raise NotFound("There is no such connector.")


def find(db: Session, charger: Charger, connector_number: int) -> PowerProfile | None:
    """The row of a person's limit of that connector, or with 0 of the charger."""
    use = ProfileUse.CONNECTOR if connector_number else ProfileUse.CHARGER
    return db.scalar(select(PowerProfile).filter_by(charger_id=charger.id, connector_number=connector_number, use=use))


def set_limit(
    db: Session, charger: Charger, connector_number: int, wish: Wish, *, version: int, by: str, now: datetime
) -> PowerProfile:
    """That limit is wished; the charger is told now, or when it is back.

    Args:
        version: of the limit that the person saw; 0: none.

    Raises:
        Refused: the wish makes no sense, with a sentence for each field.
        Stale: somebody was faster.
    """
    power_schedule.check(wish, power_units.most(outlet(charger, connector_number), wish.unit), now)
    row = _current(db, charger, connector_number, version)
    if row is None:
        row = PowerProfile(
            operator_id=charger.operator_id,
            charger_id=charger.id,
            connector_number=connector_number,
            use=ProfileUse.CONNECTOR if connector_number else ProfileUse.CHARGER,
            state_at=now,
            variant=0,
            tries=0,
            version=version,
        )
        db.add(row)
    row.wish = power_schedule.as_json(wish)
    _changed(db, charger, row, "limit set", by, now)
    return row


def remove_limit(db: Session, charger: Charger, connector_number: int, *, version: int, by: str, now: datetime) -> None:
    """The limit is wished no more; the charger is told to forget it, now or when it is back.

    Raises:
        NotFound: there is none.
        Stale: somebody was faster.
    """
    row = _current(db, charger, connector_number, version)
    if row is None or row.wish is None:
        raise NotFound("There is no such limit.")
    row.wish = None
    _changed(db, charger, row, "limit removed", by, now)


def _current(db: Session, charger: Charger, connector_number: int, version: int) -> PowerProfile | None:
    db.get(Charger, charger.id, with_for_update={"key_share": True})
    row = find(db, charger, connector_number)
    if row is not None:
        db.refresh(row)
    if (row.version if row is not None else 0) != version:
        raise Stale
    return row


def _changed(db: Session, charger: Charger, row: PowerProfile, verb: str, by: str, now: datetime) -> None:
    row.version, row.changed_at, row.changed_by = row.version + 1, now, by
    row.variant = row.tries = 0
    row.refused_key = row.retry_at = row.reported = None
    row.state, row.state_at, row.told = ProfileState.WAITING, now, None
    db.flush()
    audit.record(
        db,
        verb,
        CHARGER_LOG,
        charger.id,
        operator_id=charger.operator_id,
        by=by,
        now=now,
        connector=row.connector_number,
        limit=row.wish,
    )


def ask_again(db: Session, charger: Charger, *, by: str, now: datetime) -> None:
    """Everything that is wished is sent again, what was refused too, and how the charger takes limits is tried anew.

    Raises:
        ChargerOffline: nobody can ask it.
    """
    if not charger.is_connected:
        raise commands.ChargerOffline(charger)
    for row in db.scalars(select(PowerProfile).filter_by(charger_id=charger.id)):
        row.refused_key = row.retry_at = row.epoch = None
        row.variant = row.tries = 0
        if row.wish is not None or row.amount is not None:
            row.state = ProfileState.WAITING
    ability = db.get(PowerAbility, charger.id)
    if ability is not None:
        ability.asked_at = ability.learned_at = None
        ability.share_method = ShareMethod.TX_PROFILE
    db.flush()
    audit.record(db, "told again", CHARGER_LOG, charger.id, operator_id=charger.operator_id, by=by, now=now)


def ask_schedule(db: Session, charger: Charger, connector_number: int, *, by: str, now: datetime) -> Command:
    """The charger is asked for its composite schedule of the next day.

    Raises:
        ChargerOffline: nobody can ask it.
    """
    outlet(charger, connector_number)
    units = power_messages.understood(db.get(PowerAbility, charger.id))
    rate: power_units.RateUnit = "W" if "W" in units else "A"
    question = power_messages.ask(connector_number, power_delivery.DAY_S, rate)
    return commands.queue(db, charger, "GetCompositeSchedule", question, by=by, now=now)


def latest_schedule(db: Session, charger: Charger, connector_number: int) -> Command | None:
    """The last question for the composite schedule of that connector."""
    asked = select(Command).where(Command.charger_id == charger.id, Command.action == "GetCompositeSchedule")
    start = f'{{"connectorId":{connector_number},'
    return db.scalars(asked.where(Command.payload.startswith(start)).order_by(Command.id.desc()).limit(1)).first()


def clear_others(db: Session, charger: Charger, *, by: str, now: datetime) -> int:
    """The charger is asked to forget every charging profile that is not ours. Returns how many questions that takes.

    OCPP 1.6 cannot list profiles: they are cleared by purpose and stack level, ours are left out.

    Raises:
        ChargerOffline: nobody can ask it.
    """
    ability = db.get(PowerAbility, charger.id)
    known = ability.max_stack_level if ability else None
    levels = range((HIGHEST_STACK_LEVEL if known is None else min(known, 2 * HIGHEST_STACK_LEVEL)) + 1)
    ours = {
        (power_messages.purpose(row.use), power_messages.stack_level(row.use, ability))
        for row in db.scalars(select(PowerProfile).filter_by(charger_id=charger.id))
    }
    wanted = [(purpose, level) for purpose in PURPOSES for level in levels if (purpose, level) not in ours]
    for purpose, level in wanted:
        payload = {"chargingProfilePurpose": purpose, "stackLevel": level}
        commands.queue(db, charger, "ClearChargingProfile", payload, by=by, now=now)
    audit.record(db, "other profiles cleared", CHARGER_LOG, charger.id, operator_id=charger.operator_id, by=by, now=now)
    return len(wanted)


def set_rating(
    db: Session, charger: Charger, connector: Connector, max_power_w: int, kind: str | None, *, by: str, now: datetime
) -> None:
    """The connector's rating is known: limits are checked and shares are counted by it.

    Raises:
        Refused: no connector has that.
    """
    if not 1_000 <= max_power_w <= power_units.MOST_KW * 1000:
        sentence = f"Type a rating from 1 to {power_units.MOST_KW} kW."
        raise Refused(sentence, [("rating", sentence)])
    connector.max_power_w, connector.kind = max_power_w, kind or connector.kind
    db.flush()
    audit.record(
        db,
        "rating set",
        CHARGER_LOG,
        charger.id,
        operator_id=charger.operator_id,
        by=by,
        now=now,
        connector=connector.number,
        watts=max_power_w,
        kind=connector.kind,
    )


# --- Stations -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Budget:
    """What a person wants a station's sessions to draw together; `amount` as in StationLimit."""

    unit: LimitUnit
    amount: int
    newcomers: Newcomers


def station_limit(db: Session, station: Station) -> StationLimit | None:
    """The station's limit, switched off ones too."""
    return db.scalar(select(StationLimit).filter_by(station_id=station.id, operator_id=station.operator_id))


def set_station_limit(
    db: Session, station: Station, wanted: Budget, *, version: int, by: str, now: datetime
) -> StationLimit:
    """The station's sessions share that limit from now on.

    Raises:
        Refused: too little to charge at all, more than any station has, or newcomers' floors do not fit.
        Stale: somebody was faster.
    """
    _check_budget(db, station, wanted)
    row = _current_limit(db, station, version)
    if row is not None and row.unit is not wanted.unit:
        _count_anew(db, station)
    if row is None:
        row = StationLimit(station_id=station.id, operator_id=station.operator_id, version=0)
        db.add(row)
    row.is_on, row.unit, row.amount, row.newcomers = True, wanted.unit, wanted.amount, wanted.newcomers
    _station_changed(db, station, row, "limit set", by, now)
    return row


def remove_station_limit(db: Session, station: Station, *, version: int, by: str, now: datetime) -> None:
    """Nothing is shared any more; chargers are told to forget their shares.

    Raises:
        NotFound: there is no limit.
        Stale: somebody was faster.
    """
    row = _current_limit(db, station, version)
    if row is None or not row.is_on:
        raise NotFound("There is no such limit.")
    row.is_on = False
    _station_changed(db, station, row, "limit removed", by, now)


def floors(db: Session, station: Station, unit: LimitUnit) -> list[int]:
    """What each connector of the station needs to charge at all."""
    found = (
        select(Connector)
        .join(Charger, Charger.id == Connector.charger_id)
        .where(Charger.station_id == station.id, Connector.number > 0)
    )
    return [power_units.Scale(unit, power_units.outlet(each), ("A", "W")).floor for each in db.scalars(found)]


def _check_budget(db: Session, station: Station, wanted: Budget) -> None:
    most = power_units.MOST_A * 10 if wanted.unit is LimitUnit.A else 2 * power_units.MOST_KW * 1000
    needs = floors(db, station, wanted.unit)
    least = min(needs, default=power_units.FLOOR_A * 10)
    if wanted.amount > most:
        raise _refused("amount", f"Type at most {amount_text(most, wanted.unit)}.")
    if wanted.amount < least:
        raise _refused("amount", f"A car needs at least {amount_text(least, wanted.unit)} to charge. Type more.")
    if wanted.newcomers is Newcomers.FLOOR and sum(needs) > wanted.amount:
        raise _refused(
            "newcomers",
            f"{len(needs)} connectors need {amount_text(sum(needs), wanted.unit)} for that. Let new sessions wait, "
            "or type a higher limit.",
        )


def _refused(field: str, sentence: str) -> Refused:
    return Refused(sentence, [(field, sentence)])


def amount_text(amount: int, unit: LimitUnit) -> str:
    """ "32 A", "10.7 A", "44 kW" """
    value = amount / 10 if unit is LimitUnit.A else amount / 1000
    return f"{value:.1f}".removesuffix(".0") + f" {unit.value}"


def _current_limit(db: Session, station: Station, version: int) -> StationLimit | None:
    row = db.get(StationLimit, station.id, with_for_update=True, populate_existing=True)
    if (row.version if row is not None else 0) != version:
        raise Stale
    return row


def _count_anew(db: Session, station: Station) -> None:
    """What was counted in the other unit is forgotten: ratings are reserved until everything is confirmed again."""
    found = (
        select(PowerProfile)
        .join(Charger, Charger.id == PowerProfile.charger_id)
        .where(Charger.station_id == station.id, PowerProfile.use.in_((ProfileUse.START, ProfileUse.SHARE)))
    )
    for row in db.scalars(found):
        row.amount = row.bound = row.target = row.sent_amount = None
        row.held_key = row.refused_key = row.set_command_id = row.check_command_id = None
    db.flush()


def _station_changed(db: Session, station: Station, row: StationLimit, verb: str, by: str, now: datetime) -> None:
    row.version, row.changed_at, row.changed_by = row.version + 1, now, by
    db.flush()
    detail: dict[str, Any] = {"limit": amount_text(row.amount, row.unit), "newcomers": row.newcomers.value}
    audit.record(db, verb, STATION_LOG, station.id, operator_id=station.operator_id, by=by, now=now, **detail)


# --- Reading --------------------------------------------------------------------------------------------------


def history(db: Session, kind: str, object_id: int, operator_id: int, limit: int = 20) -> Sequence[AuditEvent]:
    """Who changed what, the latest first."""
    found = select(AuditEvent).filter_by(object_type=kind, object_id=str(object_id), operator_id=operator_id)
    return db.scalars(found.order_by(AuditEvent.id.desc()).limit(limit)).all()


def share_of(db: Session, charging: ChargingSession) -> tuple[PowerProfile, StationLimit] | None:
    """The running session's share of its station's limit, if the station has one."""
    if charging.status is not SessionStatus.ACTIVE:
        return None
    row = db.scalar(select(PowerProfile).filter_by(charging_session_id=charging.id, use=ProfileUse.SHARE))
    limit = db.get(StationLimit, charging.station_id)
    return (row, limit) if row is not None and limit is not None and limit.is_on else None
