"""Token buckets: so much at once, and then no faster than that."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, refilled at `per_s` a second."""

    burst: float
    per_s: float


class Bucket:
    """One bucket; starts full."""

    __slots__ = ("_at", "_level", "_rate")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._level = rate.burst
        self._at = now

    def take(self, now: float) -> bool:
        """Whether there was one to take; it is taken."""
        if self.wait_s(now) > 0:
            return False
        self._level -= 1
        return True

    def wait_s(self, now: float) -> float:
        """How long until there is one to take."""
        self._level = min(self._rate.burst, self._level + (now - self._at) * self._rate.per_s)
        self._at = now
        return 0.0 if self._level >= 1 else (1 - self._level) / self._rate.per_s

    def is_full(self, now: float) -> bool:
        """Whether nothing is known of it that a new bucket would not know."""
        self.wait_s(now)
        return self._level >= self._rate.burst


class Buckets:
    """A bucket for each key; the least used are forgotten when there are too many."""

    def __init__(self, rate: Rate, most: int = 10_000) -> None:
        self._rate = rate
        self._most = most
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()

    def of(self, key: Hashable, now: float) -> Bucket:
        """The bucket of that key."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._rate, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket

    def has(self, key: Hashable, now: float) -> bool:
        """Whether there is one to take in that key's bucket; nothing is taken and no bucket made."""
        bucket = self._buckets.get(key)
        return bucket is None or bucket.wait_s(now) == 0.0
