"""Wished charging profiles reach their chargers: sent over a socket, confirmed, told again after each reconnect.

A wish is a state, not a message: nothing is queued for a charger that is offline, so nothing comes late; on every new
socket what is wished now is sent. Each step is one transaction with the command that it queues, and may be repeated.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, literal_column, select
from sqlalchemy.orm import Session

from domain import power_ability, power_check, power_messages, power_schedule
from domain.errors import DomainError
from domain.models.chargers import Charger
from domain.models.charging import SessionStatus
from domain.models.commands import Command, CommandStatus
from domain.models.power import (
    LimitUnit,
    PowerAbility,
    PowerProfile,
    ProfileState,
    ProfileUse,
    ShareMethod,
)
from domain.power_desk import BY, Desk
from domain.power_messages import Variant
from domain.power_units import RateUnit

AGAIN_AFTER = timedelta(seconds=5)  # a share that was refused: the session may just have ended
MOST_TRIES = 3
MENDED_AFTER = timedelta(seconds=30)  # a charger that says something else is told again
NEW_SOCKET = timedelta(minutes=5)  # seconds are enough, unless the worker was away
DAY_S, MOMENT_S = 86_400, 60


def due(db: Session, now: datetime) -> list[int]:
    """Ids of the chargers with a profile that is under way, waits, has to change, or was told on an earlier socket.

    Asked every second, so every part of it goes by an index; sockets older than `NEW_SOCKET` are left to `untold`.
    """
    # Written out, not bound: SQLite only then sees that the index of what is under way serves.
    words: list[Any] = [literal_column(f"'{state.value}'") for state in (ProfileState.WAITING, ProfileState.SENT)]
    wanting = (
        select(PowerProfile.charger_id).where(PowerProfile.state.in_(words)),
        select(PowerProfile.charger_id).where(PowerProfile.retry_at <= now),
        _untold().where(Charger.connected_at >= now - NEW_SOCKET),
    )
    found = {charger_id for each in wanting for charger_id in db.scalars(each)}
    online = select(Charger.id).where(Charger.id.in_(found), Charger.node.is_not(None))
    return sorted({*(db.scalars(online) if found else ()), *under_way(db)})


def untold(db: Session) -> list[int]:
    """Ids of the chargers with a profile that was told on an earlier socket, however long the present one is open."""
    return sorted(set(db.scalars(_untold())))


def _untold() -> Select[int]:
    told_before = select(PowerProfile.charger_id).join(Charger, Charger.id == PowerProfile.charger_id)
    return told_before.where(PowerProfile.epoch != Charger.epoch, Charger.node.is_not(None))


def under_way(db: Session) -> list[int]:
    """Ids of the chargers with a message on its way."""
    waiting = (
        select(PowerProfile.charger_id).where(PowerProfile.set_command_id.is_not(None)),
        select(PowerProfile.charger_id).where(PowerProfile.check_command_id.is_not(None)),
        select(PowerAbility.charger_id).where(PowerAbility.command_id.is_not(None)),
    )
    return sorted({charger_id for each in waiting for charger_id in db.scalars(each)})


def with_schedules(db: Session) -> list[int]:
    """Ids of the chargers with a person's limit: its time may be over, and summer time shifts its hours."""
    people = PowerProfile.use.in_((ProfileUse.CHARGER, ProfileUse.CONNECTOR))
    return list(db.scalars(select(PowerProfile.charger_id).where(people).distinct()))


def advance(db: Session, charger_id: int, now: datetime) -> int:
    """What the charger answered is taken in, and what it has to be told next is queued. Returns how many CALLs."""
    # The charger's row is the lock: a person's change and a sweep take turns.
    charger = db.get(Charger, charger_id, with_for_update={"key_share": True}, populate_existing=True)
    if charger is None:
        return 0
    desk = Desk(db, charger, now)
    power_ability.learn(desk)
    for profile in desk.profiles:
        _take_answers(desk, profile)
        if not profile.is_under_way:
            _decide(desk, profile)
    db.flush()
    return desk.queued


# --- Answers --------------------------------------------------------------------------------------------------


def _take_answers(desk: Desk, profile: PowerProfile) -> None:
    for name, take in (("set_command_id", _take_verdict), ("check_command_id", _take_composite)):
        command_id = getattr(profile, name)
        if command_id is None:
            continue
        command = desk.db.get_one(Command, command_id, populate_existing=True)
        if not command.is_settled:
            return
        setattr(profile, name, None)
        take(desk, profile, command)


def _take_verdict(desk: Desk, profile: PowerProfile, command: Command) -> None:
    if command.action == "ClearChargingProfile":
        _cleared(desk, profile, command)
    elif command.status is CommandStatus.ACCEPTED:
        profile.held_key, profile.refused_key, profile.tries, profile.retry_at = profile.sent_key, None, 0, None
        if profile.use is ProfileUse.SHARE:
            desk.ability.has_taken_share = True
    elif command.status is CommandStatus.EXPIRED:
        _never_sent(profile, desk.now)
    elif command.status is CommandStatus.FAILED and _is_lost(desk.charger, command):
        _put(profile, ProfileState.WAITING, desk.now, "The connection was lost; it is told again when it is back.")
        profile.epoch = None
    else:
        _refused(desk, profile, command)


def _cleared(desk: Desk, profile: PowerProfile, command: Command) -> None:
    # "Unknown": there was none any more.
    if command.status in (CommandStatus.ACCEPTED, CommandStatus.REJECTED):
        profile.held_key = profile.sent_key = None
        profile.bound = profile.amount = None
        _put(profile, ProfileState.ACCEPTED, desk.now, None)
    elif command.status is CommandStatus.TIMEOUT and profile.tries >= MOST_TRIES:
        profile.held_key = None
        _put(profile, ProfileState.REFUSED, desk.now, "The charger did not answer when it was asked to forget it.")
    else:
        profile.tries += 1
        profile.retry_at = desk.now + AGAIN_AFTER


def _is_lost(charger: Charger, command: Command) -> bool:
    return not charger.is_connected or command.sent_epoch != charger.epoch


def _never_sent(profile: PowerProfile, now: datetime) -> None:
    # What was granted stays reserved: it is told as soon as the charger is back.
    profile.sent_key, profile.epoch = profile.held_key, None
    _put(profile, ProfileState.WAITING, now, "The charger went offline before it could be told.")


def _refused(desk: Desk, profile: PowerProfile, command: Command) -> None:
    """The next way to say it is tried; after the last one it is refused."""
    is_silent = command.status is CommandStatus.TIMEOUT
    is_known = profile.use is ProfileUse.SHARE and desk.ability.has_taken_share  # it is not the way that it refuses
    if not is_known and profile.variant + 1 < len(_variants(desk, profile)):
        profile.variant += 1
        return
    profile.variant, profile.tries = profile.variant if is_known else 0, profile.tries + 1
    answer = str((command.response or {}).get("status") or command.error or "no answer")
    is_unsupported = answer.startswith(("NotSupported", "NotImplemented"))
    if profile.use is ProfileUse.SHARE:
        _share_refused(desk, profile, is_unsupported)
        return
    if is_silent and profile.tries < MOST_TRIES:
        profile.retry_at = desk.now + MENDED_AFTER
        _put(profile, ProfileState.WAITING, desk.now, "The charger did not answer; it is told again.")
        return
    wanted = _wanted(desk, profile)  # by the first of the ways: that one is not begun again
    profile.refused_key, profile.sent_key = wanted[1] if wanted else None, profile.held_key
    state = ProfileState.UNSUPPORTED if is_unsupported else ProfileState.REFUSED
    sentence = f"The charger answered: {answer}." if not is_silent else "The charger did not answer."
    _put(profile, state, desk.now, sentence)
    if profile.use is ProfileUse.START:
        desk.ability.share_method, desk.ability.method_at = ShareMethod.NONE, desk.now


def _share_refused(desk: Desk, profile: PowerProfile, is_unsupported: bool) -> None:
    charging = profile.charging
    if charging is None or charging.status is not SessionStatus.ACTIVE:
        return  # it had just ended
    profile.retry_at = desk.now + AGAIN_AFTER
    if profile.held_key is not None:
        # The limit that it took before is still in force, and stays reserved.
        profile.retry_at = desk.now + MENDED_AFTER
        _put(profile, ProfileState.DIFFERS, desk.now, "The charger refuses the new limit and keeps the one before.")
    elif is_unsupported or profile.tries >= (MOST_TRIES if desk.ability.has_taken_share else 2):
        desk.ability.share_method, desk.ability.method_at = ShareMethod.TX_DEFAULT, desk.now
        _put(profile, ProfileState.REFUSED, desk.now, "The charger refuses limits of single sessions.")


def _take_composite(desk: Desk, profile: PowerProfile, command: Command) -> None:
    if profile.held_key is None or profile.held_key != profile.sent_key:
        return  # refused meanwhile; the schedule is not about it
    if command.status in (CommandStatus.EXPIRED, CommandStatus.FAILED) and not desk.charger.is_connected:
        profile.epoch = None
        _put(profile, ProfileState.WAITING, desk.now, "The connection was lost before it was confirmed.")
        return
    answer = command.response if command.status is CommandStatus.ACCEPTED else None
    profile.reported = answer
    told = power_messages.composite(answer)
    if profile.use in (ProfileUse.START, ProfileUse.SHARE):
        _confirm_amount(desk, profile, told)
    elif profile.wish is not None:
        outcome = power_check.compare(desk, profile, told, command.sent_at or desk.now)
        _put(profile, outcome.state, desk.now, outcome.sentence)


def _confirm_amount(desk: Desk, profile: PowerProfile, told: power_messages.Composite | None) -> None:
    scale, sent = desk.scale(profile.connector_number), profile.sent_amount
    limit = told.at(0) if told else None
    if told is None or limit is None or sent is None or profile.sent_unit not in ("A", "W"):
        profile.bound = sent
        _put(profile, ProfileState.ACCEPTED, desk.now, "The charger accepts it and does not tell its schedule.")
        return
    meant = scale.told(sent, told.rate)
    margin = Decimal("0.2") if told.rate == "A" else Decimal(150)
    if limit <= meant + margin:
        profile.bound = sent
        _put(profile, ProfileState.AGREED, desk.now, None)
        _compare_again(desk, profile.connector_number)
    elif not _is_shown_now(desk, profile):
        # Some firmware tells what newcomers may draw only while one charges.
        profile.bound = sent
        _put(profile, ProfileState.ACCEPTED, desk.now, "The charger accepts it and does not show it yet.")
    else:
        profile.bound = max(profile.bound or 0, scale.heard(limit, told.rate))
        profile.held_key, profile.retry_at = None, desk.now + MENDED_AFTER
        _put(profile, ProfileState.DIFFERS, desk.now, "The charger accepts it, and its schedule allows more.")


def _compare_again(desk: Desk, connector_number: int) -> None:
    """A person's limit that a session's former share stood above is looked at once more."""
    own = desk.find(ProfileUse.CONNECTOR, connector_number)
    if own is None or own.wish is None or own.is_under_way or own.state is not ProfileState.DIFFERS:
        return
    duration_s = DAY_S if power_schedule.from_json(own.wish).rows else MOMENT_S
    question = power_messages.ask(connector_number, duration_s, "A" if own.sent_unit == "A" else "W")
    with suppress(DomainError):
        own.check_command_id = desk.send("GetCompositeSchedule", question).id


def _is_shown_now(desk: Desk, profile: PowerProfile) -> bool:
    is_default = desk.ability.share_method is ShareMethod.TX_DEFAULT
    return profile.use is ProfileUse.SHARE or (is_default and desk.is_charging(profile.connector_number))


# --- What is next ---------------------------------------------------------------------------------------------


def _variants(desk: Desk, profile: PowerProfile) -> list[Variant]:
    units = power_messages.understood(desk.ability) or ("A", "W")
    if profile.use in (ProfileUse.START, ProfileUse.SHARE):
        first: RateUnit = "W" if desk.limit and desk.limit.unit is LimitUnit.KW else "A"
        return power_messages.variants(units, first, is_constant=True)
    wish = power_schedule.from_json(
        profile.wish or {"unit": "kW", "base": "0", "rows": [], "from": None, "until": None}
    )
    return power_messages.variants(units, "W" if wish.unit is LimitUnit.KW else "A", is_constant=not wish.rows)


def _wanted(desk: Desk, profile: PowerProfile) -> tuple[dict[str, Any], str] | None:
    """The message that the charger should have accepted, and its key; None: it should have none."""
    known = _variants(desk, profile)
    variant = known[min(profile.variant, len(known) - 1)]
    number, now, ability = profile.connector_number, desk.now, desk.ability
    if profile.use in (ProfileUse.START, ProfileUse.SHARE):
        if profile.amount is None:
            return None
        limit = desk.scale(number).told(profile.amount, variant.rate)
        of = profile.charging.transaction_id if profile.use is ProfileUse.SHARE and profile.charging else None
        message = power_messages.constant(profile.use, number, limit, variant, ability, now, of)
        return message, power_messages.key(message)
    if profile.wish is None:
        return None
    wish = power_schedule.from_json(profile.wish)
    if wish.valid_until is not None and wish.valid_until <= now:
        return None
    message = power_messages.scheduled(profile.use, number, wish, desk.outlet(number), variant, ability, desk.zone, now)
    return message, power_messages.key(message, desk.zone, now if wish.rows else None)


def _decide(desk: Desk, profile: PowerProfile) -> None:
    charger = desk.charger
    wanted = _wanted(desk, profile)
    if wanted is None:
        _forget(desk, profile)
        return
    message, key = wanted
    if not charger.is_connected:
        if profile.state is not ProfileState.WAITING and key != profile.held_key:
            _put(profile, ProfileState.WAITING, desk.now, "It is told when the charger is back.")
        return
    if not desk.speaks:
        profile.refused_key, profile.epoch = key, charger.epoch
        _put(profile, ProfileState.UNSUPPORTED, desk.now, f"Limits go to OCPP 1.6, it speaks {charger.ocpp_version}.")
        return
    if desk.ability.learned_at is None:
        return  # first it is asked what it understands
    is_refused = key == profile.refused_key and not _has_booted_since(charger, profile.state_at)
    if is_refused or (profile.use is ProfileUse.CONNECTOR and _is_kept_by_plan(desk, profile)):
        profile.epoch = charger.epoch
        return
    if key == profile.held_key and profile.epoch == charger.epoch:
        return
    if profile.retry_at is not None and desk.now < profile.retry_at:
        return
    if (sentence := _cannot(desk, message)) is not None:
        profile.refused_key, profile.epoch = key, charger.epoch
        _put(profile, ProfileState.UNSUPPORTED, desk.now, sentence)
        return
    _send(desk, profile, message, key)


def _is_kept_by_plan(desk: Desk, profile: PowerProfile) -> bool:
    """A charger with one stack level only cannot hold both this and what newcomers start with: the plan keeps it."""
    start = desk.find(ProfileUse.START, profile.connector_number)
    is_kept = desk.ability.max_stack_level == 0 and start is not None and start.amount is not None
    if is_kept:
        profile.held_key = None
        _put(profile, ProfileState.AGREED, desk.now, "The station's plan keeps it: the charger holds one limit only.")
    return is_kept


def _has_booted_since(charger: Charger, moment: datetime) -> bool:
    return charger.booted_at is not None and charger.booted_at > moment


def _cannot(desk: Desk, message: dict[str, Any]) -> str | None:
    most, periods = (
        desk.ability.max_periods,
        message["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"],
    )
    if most is not None and len(periods) > most:
        return f"The charger holds {most} changes of the limit, this schedule has {len(periods)}. Use fewer rows."
    return None


def _send(desk: Desk, profile: PowerProfile, message: dict[str, Any], key: str) -> None:
    schedule = message["csChargingProfiles"]["chargingSchedule"]
    by = profile.changed_by if profile.use in (ProfileUse.CHARGER, ProfileUse.CONNECTOR) else BY
    try:
        profile.set_command_id = desk.send("SetChargingProfile", message, by).id
        is_long = len(schedule["chargingSchedulePeriod"]) > 1
        question = power_messages.ask(
            profile.connector_number, DAY_S if is_long else MOMENT_S, schedule["chargingRateUnit"]
        )
        profile.check_command_id = desk.send("GetCompositeSchedule", question, by).id
    except DomainError as refusal:
        if profile.set_command_id is None:
            profile.retry_at = desk.now + AGAIN_AFTER
            _put(profile, ProfileState.WAITING, desk.now, str(refusal))
            return
    profile.sent_key, profile.sent_amount, profile.sent_unit = key, profile.amount, schedule["chargingRateUnit"]
    profile.epoch, profile.retry_at = desk.charger.epoch, None
    _put(profile, ProfileState.SENT, desk.now, None)


def _forget(desk: Desk, profile: PowerProfile) -> None:
    """What the charger may still have is cleared; a row that nobody wishes and nobody has is gone."""
    has_none = profile.held_key is None and profile.sent_key is None
    is_over = profile.wish is not None  # its validity has ended: the wish stays on record
    if has_none:
        if profile.use in (ProfileUse.CHARGER, ProfileUse.CONNECTOR) and not is_over:
            desk.db.delete(profile)
        elif is_over and profile.state is not ProfileState.ACCEPTED:
            _put(profile, ProfileState.ACCEPTED, desk.now, "Its time is over.")
        elif not is_over and profile.state is ProfileState.WAITING:
            _put(profile, ProfileState.ACCEPTED, desk.now, None)
        return
    if not desk.charger.is_connected or (profile.retry_at is not None and desk.now < profile.retry_at):
        return
    profile.set_command_id = desk.try_to_send(
        "ClearChargingProfile", power_messages.clear(profile.use, profile.connector_number)
    )
    if profile.set_command_id is not None:
        profile.epoch = desk.charger.epoch
        _put(profile, ProfileState.SENT, desk.now, "The charger is asked to forget it.")


def _put(profile: PowerProfile, state: ProfileState, now: datetime, sentence: str | None) -> None:
    if (profile.state, profile.told) != (state, sentence):
        profile.state_at = now
    profile.state, profile.told = state, sentence
