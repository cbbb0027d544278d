"""Charging profiles: which limit holds at a moment, and the composite schedule of the moments to come.

Source: OCPP 1.6, section 3.13 (purposes, stacking, combining) and 5.16.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.connector import Connector
from simulator.messages import stamp
from simulator.power import Outlet
from simulator.wire import Payload

RECURRENCE_S = {"Daily": 86_400, "Weekly": 7 * 86_400}
PURPOSES = ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")


@dataclass(frozen=True)
class Installed:
    """A profile as it came, with where and when it was installed; connector 0 is the whole charge point."""

    connector_id: int
    profile: Payload
    installed_at: datetime

    @property
    def purpose(self) -> str:
        return self.profile["chargingProfilePurpose"]

    @property
    def rank(self) -> tuple[int, bool]:
        # At the same stack level a connector's own profile stands above one for all connectors.
        return self.profile["stackLevel"], self.connector_id != 0

    def starts(self, transaction_at: datetime | None) -> datetime:
        """When the schedule starts (for a recurring one: its first time)."""
        start = self.profile["chargingSchedule"].get("startSchedule")
        if self.profile["chargingProfileKind"] == "Relative" or start is None:
            return transaction_at or self.installed_at
        return datetime.fromisoformat(start)

    def limit_w(self, outlet: Outlet, at: datetime, transaction_at: datetime | None) -> float | None:
        """None: this profile says nothing about the moment `at`."""
        elapsed_s = self._elapsed_s(at, transaction_at)
        if elapsed_s is None:
            return None
        schedule = self.profile["chargingSchedule"]
        begun = [p for p in schedule["chargingSchedulePeriod"] if p["startPeriod"] <= elapsed_s]
        if not begun:
            return None
        if schedule["chargingRateUnit"] == "A":
            return outlet.watts(begun[-1]["limit"], begun[-1].get("numberPhases"))
        return float(begun[-1]["limit"])

    def _elapsed_s(self, at: datetime, transaction_at: datetime | None) -> float | None:
        valid_from, valid_to = self.profile.get("validFrom"), self.profile.get("validTo")
        if valid_from and at < datetime.fromisoformat(valid_from):
            return None
        if valid_to and at >= datetime.fromisoformat(valid_to):
            return None
        elapsed_s = (at - self.starts(transaction_at)).total_seconds()
        if elapsed_s < 0:
            return None
        elapsed_s %= self._period_s() or float("inf")
        duration_s = self.profile["chargingSchedule"].get("duration")
        return None if duration_s is not None and elapsed_s >= duration_s else elapsed_s

    def _period_s(self) -> int | None:
        if self.profile["chargingProfileKind"] != "Recurring":
            return None
        return RECURRENCE_S[self.profile["recurrencyKind"]]

    def turns(self, since: datetime, until: datetime, transaction_at: datetime | None) -> Iterator[datetime]:
        """The moments in the window at which the limit may change."""
        schedule = self.profile["chargingSchedule"]
        offsets_s = [period["startPeriod"] for period in schedule["chargingSchedulePeriod"]]
        offsets_s += [schedule["duration"]] if "duration" in schedule else []
        start, period_s = self.starts(transaction_at), self._period_s()
        if period_s:
            start += timedelta(seconds=period_s * max(0, (since - start).total_seconds() // period_s))
        while start < until:
            yield from (start + timedelta(seconds=offset) for offset in offsets_s)
            if not period_s:
                break
            start += timedelta(seconds=period_s)
            yield start
        for edge in (self.profile.get("validFrom"), self.profile.get("validTo")):
            if edge:
                yield datetime.fromisoformat(edge)


class Profiles:
    """All profiles of a charge point."""

    def __init__(self) -> None:
        self.installed: list[Installed] = []

    def install(self, new: Installed) -> None:
        """The profile is in force; one with its id, or with its place, purpose and stack level, is gone."""
        self.installed = [old for old in self.installed if not _is_replaced(old, new)] + [new]

    def clear(self, is_cleared: Callable[[Installed], bool]) -> bool:
        """Whether any was cleared."""
        kept = [profile for profile in self.installed if not is_cleared(profile)]
        is_any = len(kept) < len(self.installed)
        self.installed = kept
        return is_any

    def station_limit_w(self, cabinet: Outlet, at: datetime) -> float | None:
        return _top_w([p for p in self.installed if p.purpose == "ChargePointMaxProfile"], cabinet, at, None)

    def connector_limit_w(self, connector: Connector, at: datetime) -> float | None:
        """The limit of the transaction on this connector, or of one that would start now."""
        running = connector.transaction
        since = running.started_at if running else at
        own = [p for p in self.installed if p.purpose == "TxProfile" and p.connector_id == connector.id and running]
        limit_w = _top_w(own, connector.outlet, at, since)
        if limit_w is not None:
            return limit_w
        return _top_w(self._defaults(connector), connector.outlet, at, since)

    def _defaults(self, connector: Connector) -> list[Installed]:
        return [p for p in self.installed if p.purpose == "TxDefaultProfile" and p.connector_id in (0, connector.id)]

    def limit_w(self, connector: Connector, cabinet: Connector, sharing: int, at: datetime) -> float | None:
        """What holds for the connector; the charge point's own limit is shared equally by `sharing` connectors."""
        station_w = self.station_limit_w(cabinet.outlet, at)
        share_w = None if station_w is None else station_w / max(sharing, 1)
        return _least(share_w, self.connector_limit_w(connector, at))

    def composite(self, place: Connector, cabinet: Connector, since: datetime, duration_s: int, unit: str) -> Payload:
        """The ChargingSchedule in force for `place` (the cabinet: the whole charge point) from `since` on."""
        until = since + timedelta(seconds=duration_s)
        transaction_at = place.transaction.started_at if place.transaction else since
        turns = {turn for p in self.installed for turn in p.turns(since, until, transaction_at)}
        periods: list[Payload] = []
        for at in sorted({since, *(turn for turn in turns if since < turn < until)}):
            limit_w = self.station_limit_w(cabinet.outlet, at)
            if place is not cabinet:
                limit_w = _least(limit_w, self.connector_limit_w(place, at))
            period = _period(place.outlet, int((at - since).total_seconds()), limit_w, unit)
            if not periods or periods[-1]["limit"] != period["limit"]:
                periods.append(period)
        return {
            "duration": duration_s,
            "startSchedule": stamp(since),
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": periods,
        }


def _period(outlet: Outlet, start_s: int, limit_w: float | None, unit: str) -> Payload:
    watts = outlet.max_w if limit_w is None else min(limit_w, outlet.max_w)
    if unit == "W":
        return {"startPeriod": start_s, "limit": round(watts, 1)}
    return {"startPeriod": start_s, "limit": round(outlet.amps(watts), 1), "numberPhases": outlet.phases}


def _top_w(
    profiles: Iterable[Installed], outlet: Outlet, at: datetime, transaction_at: datetime | None
) -> float | None:
    for profile in sorted(profiles, key=lambda p: p.rank, reverse=True):
        limit_w = profile.limit_w(outlet, at, transaction_at)
        if limit_w is not None:
            return limit_w
    return None


def _is_replaced(old: Installed, new: Installed) -> bool:
    if old.profile["chargingProfileId"] == new.profile["chargingProfileId"]:
        return True
    return (old.connector_id, old.purpose, old.profile["stackLevel"]) == (
        new.connector_id,
        new.purpose,
        new.profile["stackLevel"],
    )


def _least(*limits: float | None) -> float | None:
    return min((limit for limit in limits if limit is not None), default=None)
