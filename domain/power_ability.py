"""What a charger can do with limits: asked once, and again after a boot, perhaps with another firmware."""

from typing import Any

from domain.models.commands import Command, CommandStatus
from domain.models.power import PowerAbility, ShareMethod
from domain.power_desk import Desk

CONFIGURATION = (
    "ChargingScheduleAllowedChargingRateUnit",
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleMaxPeriods",
    "MaxChargingProfilesInstalled",
)


def learn(desk: Desk) -> None:
    """The charger was asked what limits it understands, and what it answered is known."""
    ability, charger = desk.ability, desk.charger
    if ability.command_id is not None:
        command = desk.db.get_one(Command, ability.command_id, populate_existing=True)
        if not command.is_settled:
            return
        ability.command_id = None
        if command.status is CommandStatus.ACCEPTED:
            _read_configuration(ability, command.response or {})
        if command.status is not CommandStatus.EXPIRED:
            ability.learned_at = desk.now
    has_booted = charger.booted_at is not None and ability.asked_at is not None and charger.booted_at > ability.asked_at
    is_asked = ability.asked_at is not None and not has_booted and ability.learned_at is not None
    if desk.profiles and charger.is_connected and desk.speaks and not is_asked:
        ability.asked_at = desk.now
        if has_booted:  # perhaps with another firmware
            ability.share_method, ability.method_at = ShareMethod.TX_PROFILE, None
        ability.command_id = desk.try_to_send("GetConfiguration", {"key": list(CONFIGURATION)})


def _read_configuration(ability: PowerAbility, answer: dict[str, Any]) -> None:
    entries = [entry for entry in answer.get("configurationKey") or [] if isinstance(entry, dict)]
    told = {str(entry.get("key")): str(entry.get("value") or "") for entry in entries}
    units, level, periods, profiles = (told.get(name, "") for name in CONFIGURATION)
    words = {word.strip().lower() for word in units.split(",")}
    known = [unit for unit, names in (("A", {"current", "a"}), ("W", {"power", "w"})) if words & names]
    ability.units = ",".join(known) or None
    ability.max_stack_level, ability.max_periods = _whole(level), _whole(periods)
    ability.max_profiles = _whole(profiles)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
