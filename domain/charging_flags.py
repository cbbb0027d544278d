"""What may look wrong about a charging session, each with a sentence for the person who reviews it."""

from collections.abc import Iterable
from enum import StrEnum


class Flag(StrEnum):
    """A mark on a charging session. Nothing is lost or billed silently because of one."""

    # Who charged.
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 - a word, not a secret
    BLOCKED_TOKEN = "blocked_token"  # noqa: S105
    EXPIRED_TOKEN = "expired_token"  # noqa: S105
    TOKEN_NOT_HERE = "token_not_here"  # noqa: S105
    CONCURRENT_TOKEN = "concurrent_token"  # noqa: S105
    ODD_TOKEN = "odd_token"  # noqa: S105
    ENERGY_THOUGH_REFUSED = "energy_though_refused"
    NO_TARIFF = "no_tariff"

    # How it began and ended.
    STOP_WITHOUT_START = "stop_without_start"
    STOP_MISSING = "stop_missing"
    ENERGY_UNKNOWN = "energy_unknown"
    STOP_REFUSED = "stop_refused"
    STOP_GUESSED = "stop_guessed"
    STOP_AFTER_CLOSE = "stop_after_close"
    STOP_BEFORE_START = "stop_before_start"
    CLOSED_BY_HAND = "closed_by_hand"
    FOREIGN_TRANSACTION_ID = "foreign_transaction_id"

    # Its meter.
    METER_STOP_BELOW_START = "meter_stop_below_start"
    METER_STOP_DIFFERS = "meter_stop_differs"
    METER_SATURATED = "meter_saturated"
    METER_DIP = "meter_dip"
    METER_RESET = "meter_reset"
    METER_SPIKE = "meter_spike"
    METER_IMPLAUSIBLE = "meter_implausible"
    POWER_IMPLAUSIBLE = "power_implausible"
    UNIT_IMPLAUSIBLE = "unit_implausible"

    # Its clock.
    TIME_UNKNOWN = "time_unknown"
    CLOCK_AHEAD = "clock_ahead"
    CLOCK_BEHIND = "clock_behind"
    CLOCK_WHOLE_HOURS = "clock_whole_hours"
    CLOCK_ZONE_UNSURE = "clock_zone_unsure"
    ARRIVED_LATE = "arrived_late"

    @property
    def sentence(self) -> str:
        """What it means, for people."""
        return SENTENCES[self]

    @property
    def needs_review(self) -> bool:
        """Whether a person must look before this session is billed."""
        return self in NEEDS_REVIEW


SENTENCES: dict[Flag, str] = {
    Flag.UNKNOWN_TOKEN: "The card or app that started it is not known here; charging was refused.",
    Flag.BLOCKED_TOKEN: "The card that started it is blocked; charging was refused.",
    Flag.EXPIRED_TOKEN: "The card or payment that started it was no longer valid; charging was refused.",
    Flag.TOKEN_NOT_HERE: "The card that started it may not charge at this station; charging was refused.",
    Flag.CONCURRENT_TOKEN: "The card was already charging elsewhere; this charge was refused.",
    Flag.ODD_TOKEN: "The card number contains characters that no card has.",
    Flag.ENERGY_THOUGH_REFUSED: "The charger delivered energy although charging had been refused.",
    Flag.NO_TARIFF: "No price was in force when it started, so it cannot be billed.",
    Flag.STOP_WITHOUT_START: "The charger reported only the end; when and where it began is unknown.",
    Flag.STOP_MISSING: "The charger never reported the end; it was closed with the last meter value.",
    Flag.ENERGY_UNKNOWN: "It ended without any meter value of its charge; how much was charged is not known.",
    Flag.STOP_REFUSED: "It did not stop when asked to before the hold was used up; it is asked every minute.",
    Flag.STOP_GUESSED: "The end named no valid transaction; this was the only open one that fits.",
    Flag.STOP_AFTER_CLOSE: "The charger reported the end after the session had been closed and billed or settled here.",
    Flag.STOP_BEFORE_START: "The charger's clock puts the end before the start; no time is billed.",
    Flag.CLOSED_BY_HAND: "A person closed it in the books.",
    Flag.FOREIGN_TRANSACTION_ID: "The charger reported meter values under a transaction id that we never gave it.",
    Flag.METER_STOP_BELOW_START: "The meter showed less at the end than at the start.",
    Flag.METER_STOP_DIFFERS: "The meter value of the stop and the last sample of the transaction disagree.",
    Flag.METER_SATURATED: "The meter value of the start or stop is at its limit; samples were used instead.",
    Flag.METER_DIP: "The meter went back for a while; energy regained afterwards is not billed twice.",
    Flag.METER_RESET: "The meter restarted from zero during the session.",
    Flag.METER_SPIKE: "The meter jumped to a value for a moment and came back.",
    Flag.METER_IMPLAUSIBLE: "The meter rose faster than any charger can deliver.",
    Flag.POWER_IMPLAUSIBLE: "Reported power does not fit the reported voltage and current; it is not used for billing.",
    Flag.UNIT_IMPLAUSIBLE: "A sample came with a unit that its quantity cannot have; the unit was ignored.",
    Flag.TIME_UNKNOWN: "The charger gave no usable time; the time of receipt is used.",
    Flag.CLOCK_AHEAD: "The charger's clock is ahead of ours; the time of receipt is used.",
    Flag.CLOCK_BEHIND: "The charger's clock is behind ours; times were moved to our clock.",
    Flag.CLOCK_WHOLE_HOURS: "The charger's time differs from ours by whole hours, as if it sent local time as UTC.",
    Flag.CLOCK_ZONE_UNSURE: "The charger's time has no time zone and differs from ours by more than five minutes.",
    Flag.ARRIVED_LATE: "It was reported later than it happened, as after time offline.",
}

NEEDS_REVIEW = frozenset(
    {
        Flag.ENERGY_THOUGH_REFUSED,
        Flag.STOP_WITHOUT_START,
        Flag.ENERGY_UNKNOWN,
        Flag.STOP_AFTER_CLOSE,
        Flag.METER_STOP_BELOW_START,
        Flag.METER_SATURATED,
        Flag.METER_RESET,
        Flag.METER_SPIKE,
    }
)


def merged(present: Iterable[str], *added: str) -> list[str]:
    """The flags with the new ones behind them, each once; a new list, so that a JSON column sees the change."""
    return list(dict.fromkeys([*present, *map(str, added)]))
