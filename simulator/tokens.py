"""Who may charge: the local list, the cache, and the question to the central system."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from simulator.wire import CallRefused, Offline, Payload, Unanswered

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger

CACHE_LENGTH = 500


@dataclass(frozen=True)
class Verdict:
    status: str
    parent_id_tag: str | None = None

    @property
    def is_accepted(self) -> bool:
        return self.status == "Accepted"


@dataclass
class KnownTokens:
    """idTagInfo by idTag: what the central system sent as a list, and what it answered before."""

    list_version: int = 0
    listed: dict[str, Payload] = field(default_factory=dict)
    cached: dict[str, Payload] = field(default_factory=dict)

    def remember(self, id_tag: str, info: Payload) -> None:
        self.cached.pop(id_tag, None)
        self.cached[id_tag] = info
        if len(self.cached) > CACHE_LENGTH:
            del self.cached[next(iter(self.cached))]

    def verdict(self, id_tag: str, now: datetime, *, uses_list: bool, uses_cache: bool) -> Verdict | None:
        """What we know by ourselves; the list wins over the cache. None: nothing."""
        for known, is_used in ((self.listed, uses_list), (self.cached, uses_cache)):
            if is_used and id_tag in known:
                return _verdict(known[id_tag], now)
        return None


async def authorise(charger: "SimulatedCharger", id_tag: str) -> Verdict:
    """The decision about a card. Source: OCPP 1.6, sections 3.5 and 4.1."""
    known = local_verdict(charger, id_tag)
    if charger.is_accepted and charger.is_online:
        if known and known.is_accepted and charger.configuration.is_on("LocalPreAuthorize"):
            return known
        try:
            answer = await charger.call("Authorize", {"idTag": id_tag})
        except (Offline, Unanswered):
            pass
        except CallRefused:
            return Verdict("Invalid")
        else:
            return take_in(charger, id_tag, answer["idTagInfo"])
    if known and charger.configuration.is_on("LocalAuthorizeOffline"):
        return known
    is_stranger_welcome = known is None and charger.configuration.is_on("AllowOfflineTxForUnknownId")
    return Verdict("Accepted" if is_stranger_welcome else "Invalid")


def local_verdict(charger: "SimulatedCharger", id_tag: str) -> Verdict | None:
    return charger.tokens.verdict(
        id_tag,
        charger.clock.now(),
        uses_list=charger.configuration.is_on("LocalAuthListEnabled"),
        uses_cache=charger.configuration.is_on("AuthorizationCacheEnabled"),
    )


def take_in(charger: "SimulatedCharger", id_tag: str, info: Payload) -> Verdict:
    """The central system's verdict, remembered for the next time."""
    if charger.configuration.is_on("AuthorizationCacheEnabled"):
        charger.tokens.remember(id_tag, info)
    return Verdict(info.get("status", "Invalid"), info.get("parentIdTag"))


def is_same_group(id_tag: str, parent: str | None, other_tag: str, other_parent: str | None) -> bool:
    return id_tag == other_tag or (parent is not None and parent == other_parent)


def _verdict(info: Payload, now: datetime) -> Verdict:
    expiry = info.get("expiryDate")
    status = info.get("status", "Invalid")
    if status == "Accepted" and expiry and datetime.fromisoformat(expiry) <= now:
        return Verdict("Expired", info.get("parentIdTag"))
    return Verdict(status, info.get("parentIdTag"))
