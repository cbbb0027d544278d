"""Cars come and go at a station with a limit: a real sidecar, a real worker, chargers that obey charging profiles.

What flows is summed up after every tick of every charger: never more than the limit, not for a moment.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import charger_keys
from domain.clock import utcnow
from domain.db import read_only
from domain.models.chargers import Charger
from domain.models.power import LimitUnit, Newcomers, PowerProfile, ProfileState, ProfileUse, StationLimit
from simulator.charger import SimulatedCharger
from simulator.power import Vehicle
from simulator.spec import ChargerSpec, ConnectorSpec, Timing
from tests import factories
from tests.processes import Sidecar, Worker

WATTS_OF_AN_AMPERE = 690
LIMIT_A = 40


class Site:
    """A station with chargers that work, its limit, and a record of the sum of what flows."""

    def __init__(self, db: Session, url: str, worker: Worker, newcomers: Newcomers, size: int) -> None:
        self.db, self.worker = db, worker
        operator = factories.operator(db)
        self.station = factories.station(db, operator)
        self.chargers = [self._charger(url, number) for number in range(1, size + 1)]
        for number in range(1, size + 1):
            factories.token(db, operator, f"CARD{number}")
        limit = StationLimit(
            station_id=self.station.id,
            operator_id=operator.id,
            is_on=True,
            unit=LimitUnit.A,
            amount=LIMIT_A * 10,
            newcomers=newcomers,
            changed_at=utcnow(),
            changed_by="alice@example.com",
        )
        db.add(limit)
        db.commit()
        self.most_w = 0.0
        self.samples = 0

    def _charger(self, url: str, number: int) -> SimulatedCharger:
        password = charger_keys.generate()
        salt, key_hash = charger_keys.seal(password)
        row = factories.charger(
            self.db,
            self.station,
            connectors=1,
            device_id=f"POWER{number}",
            label=f"P{number}",
            password_salt=salt,
            password_hash=key_hash,
        )
        row.connectors[0].max_power_w = 22_000
        spec = ChargerSpec(
            url=url,
            device_id=f"POWER{number}",
            password=password,
            connectors=(ConnectorSpec(),),
            boots_on_reconnect=True,  # so that it may be told something at once
            speed=20,  # the car's ramp is over in a moment
            configuration={"MeterValueSampleInterval": "1"},
            timing=Timing(tick_s=0.05, reconnect_min_s=0.2, reconnect_max_s=0.2),
        )
        return SimulatedCharger(spec)

    def restart_worker(self) -> None:
        """The one who plans dies in the middle of it, and another one comes."""
        self.worker.kill()
        self.worker.start()

    def flowing_w(self) -> float:
        return sum(charger.connectors[1].power_w for charger in self.chargers)

    async def watch(self) -> None:
        """Sums up at every turn of the loop that a tick may have used."""
        while True:
            self.most_w = max(self.most_w, self.flowing_w())
            self.samples += 1
            await asyncio.sleep(0.005)

    async def until(self, condition: Callable[[], bool], what: str, within_s: float = 15) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            flows = [f"{c.connectors[1].power_w / 690:.1f}" for c in self.chargers]
            raise AssertionError(f"{what} did not come true; amperes now: {flows}; {self.told()}") from None

    def amps(self, number: int) -> float:
        return round(self.chargers[number - 1].connectors[1].power_w / WATTS_OF_AN_AMPERE, 1)

    async def arrive(self, number: int) -> None:
        charger = self.chargers[number - 1]
        await charger.plug_in(1, Vehicle(battery_wh=10_000_000, ac_max_w=22_000))
        await charger.present_card(1, f"CARD{number}")

    async def leave(self, number: int) -> None:
        await self.chargers[number - 1].unplug(1)

    def told(self) -> list[str]:
        found = select(Charger.label, PowerProfile).join(PowerProfile, PowerProfile.charger_id == Charger.id)
        with read_only(), Session(self.db.get_bind()) as db:
            rows = db.execute(found).all()
            return [f"{label} {row.use} {row.amount} bound {row.bound} {row.state} {row.told}" for label, row in rows]

    def are_newcomers_bound(self) -> bool:
        with read_only(), Session(self.db.get_bind()) as db:
            states = db.scalars(select(PowerProfile.state).where(PowerProfile.use == ProfileUse.START)).all()
        return len(states) == len(self.chargers) and set(states) == {ProfileState.AGREED}


@asynccontextmanager
async def open_site(
    database_url: str, folder: Path, newcomers: Newcomers, size: int, db: Session
) -> AsyncIterator[Site]:
    sidecar = Sidecar(database_url, folder)
    worker = Worker(database_url, folder)
    site = Site(db, sidecar.url, worker, newcomers, size)
    sidecar.start()
    worker.start()
    watching = asyncio.create_task(site.watch())
    try:
        await asyncio.to_thread(sidecar.wait_ready)
        await asyncio.gather(*(charger.connect(30) for charger in site.chargers))
        await site.until(site.are_newcomers_bound, "every charger knowing what newcomers may draw", 30)
        yield site
    finally:
        watching.cancel()
        for charger in site.chargers:
            await charger.stop()
        await asyncio.to_thread(worker.stop)
        await asyncio.to_thread(sidecar.stop)
    assert site.samples > 100
    assert site.most_w <= LIMIT_A * WATTS_OF_AN_AMPERE + 1


def test_cars_come_and_go_and_the_limit_is_never_exceeded(database_url, tmp_path, db):
    # Either way of starting, each on one of the databases.
    newcomers = Newcomers.WAIT if database_url.startswith("sqlite") else Newcomers.FLOOR

    async def play() -> None:
        reserve = 6 if newcomers is Newcomers.FLOOR else 0
        async with open_site(database_url, tmp_path, newcomers, 5, db) as site:
            await site.arrive(1)
            await site.until(lambda: site.amps(1) >= min(31.8, LIMIT_A - 4 * reserve), "one car charging alone")

            await asyncio.gather(site.arrive(2), site.arrive(3))
            await asyncio.to_thread(site.restart_worker)
            third = round((LIMIT_A - 2 * reserve) / 3 - 0.2, 1)
            await site.until(lambda: min(map(site.amps, (1, 2, 3))) >= third, "three cars sharing")

            await site.chargers[1].go_offline()
            await site.arrive(4)
            await site.until(lambda: site.amps(4) >= 6, "a fourth car beside the lost charger")
            assert site.amps(2) >= third

            await site.leave(1)
            rest = LIMIT_A - site.amps(2) - 2 * reserve
            await site.until(lambda: min(map(site.amps, (3, 4))) >= rest / 2 - 0.6, "what the first car left")

            await site.leave(2)
            await site.chargers[1].go_online()
            await site.arrive(5)
            third = round((LIMIT_A - 2 * reserve) / 3 - 0.6, 1)
            await site.until(
                lambda: min(map(site.amps, (3, 4, 5))) >= third, "the share of the charger that is back", 30
            )

    asyncio.run(play())
