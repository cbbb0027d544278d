"""Weeks of charging, told to the same handlers, tariffs and payments that work for real, with an older clock."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from demo import cast
from domain import billing, payments, refunds, tariff_book
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession
from domain.models.orders import Order
from domain.models.payments import Payment
from domain.settling import Till, settle_payment, settle_refund
from ocpp_server.context import Context
from ocpp_server.v16 import HANDLERS
from providers import Registry, sandbox_kind
from providers.sandbox import Sandbox

SEED = 20261120
METER_EVERY = timedelta(minutes=5)
CARDS = ("success", "success", "success", "success", "refund_fails", "slow")
REASONS = ("Charging stopped by itself", "Charged by mistake", "Goodwill")


@dataclass(frozen=True)
class Visit:
    """One car at one plug."""

    at: datetime
    charger: Charger
    described: cast.DemoCharger
    connector_number: int
    wants_wh: int
    stays: timedelta
    card: str | None  # a fleet's RFID card; without one the driver pays


class Clock:
    """The time that the sandbox believes in."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def write_history(engine: Engine, now: datetime, days: int) -> None:
    """The days before `now` are in the database, up to an hour ago."""
    began = now - timedelta(days=days)
    chance = random.Random(SEED)  # noqa: S311 - believable, not secret
    clock = Clock(now)
    sandbox = Sandbox(lambda: Session(engine), clock)
    till = Till(
        lambda: Session(engine, expire_on_commit=False), Registry([sandbox_kind(sandbox)], ""), "http://localhost"
    )
    teller = _Teller(engine, till, sandbox, clock, chance)
    with Session(engine, expire_on_commit=False) as db:
        known = {charger.device_id: charger for charger in db.scalars(select(Charger))}
        for charger in known.values():
            charger.station  # noqa: B018 - loaded while the database is open
    for described in cast.CHARGERS:
        teller.boot(known[described.device_id], described, began)
    for visit in _visits(known, began, now, chance):
        teller.tell(visit)


def _visits(known: dict[str, Charger], began: datetime, now: datetime, chance: random.Random) -> list[Visit]:
    """Cars come by day more than by night, never two at once at a plug, in the order of time."""
    found = []
    for described in cast.CHARGERS:
        charger = known[described.device_id]
        zone = ZoneInfo(charger.station.time_zone)
        for number, (_, kw, kind) in enumerate(described.connectors, start=1):
            at = began + timedelta(hours=chance.uniform(1, 20))
            while True:
                is_fast = kind == "DC"
                wants_wh = int(chance.uniform(9_000, 46_000) if is_fast else chance.uniform(4_000, 24_000))
                pace_w = kw * 1000 * 0.72 if is_fast else min(kw * 1000, 11_000)
                needs = timedelta(hours=wants_wh / pace_w)
                stays = needs + timedelta(minutes=chance.choice((0, 2, 4, 6, 9, 12, 38)))
                if at + stays > now - timedelta(hours=1):
                    break
                is_fleet = chance.random() < 0.18
                cards = described.behaviour.get("cards")
                card = cards[number - 1] if is_fleet and cards else None
                if 6 <= at.astimezone(zone).hour < 23 or chance.random() < 0.15:
                    found.append(Visit(at, charger, described, number, wants_wh, stays, card))
                at += stays + timedelta(hours=chance.expovariate(1 / (5 if is_fast else 9)))
    return sorted(found, key=lambda visit: visit.at)


class _Teller:
    """Tells the handlers what happened, and lets the money follow."""

    def __init__(self, engine: Engine, till: Till, sandbox: Sandbox, clock: Clock, chance: random.Random) -> None:
        self.engine, self.till, self.sandbox, self.clock, self.chance = engine, till, sandbox, clock, chance
        self.registers: dict[tuple[int, int], int] = {}

    def boot(self, charger: Charger, described: cast.DemoCharger, at: datetime) -> None:
        said = {
            "chargePointVendor": "Nordvolt",
            "chargePointModel": described.model,
            "firmwareVersion": described.firmware,
            "chargePointSerialNumber": described.device_id[-10:],
        }
        self._in_one(lambda db: self._say(db, charger, at, "BootNotification", said))

    def tell(self, visit: Visit) -> None:
        """The visit from the plug to the bill, and now and then a refund."""
        payment_id = None if visit.card else self._pay(visit)
        self._in_one(lambda db: self._charge(db, visit, payment_id))
        ended = visit.at + visit.stays + timedelta(seconds=4)
        order_id = self._in_one(lambda db: self._bill(db, visit, ended))
        self.clock.now = ended + timedelta(seconds=3)
        if payment_id is not None:
            settle_payment(self.till, payment_id, self.clock.now, at_once=True)
            if order_id is not None and self.chance.random() < 0.03:
                self._refund(order_id, ended + timedelta(hours=self.chance.uniform(1, 30)))

    def _in_one(self, work: Callable[[Session], Any]) -> Any:
        with Session(self.engine, expire_on_commit=False) as db:
            found = work(db)
            db.commit()
            return found

    def _pay(self, visit: Visit) -> int:
        """The driver scanned, agreed to a hold and paid with a test card."""
        scanned = visit.at - timedelta(seconds=self.chance.randint(25, 90))
        self.clock.now = scanned

        def create(db: Session) -> int:
            charger = db.get_one(Charger, visit.charger.id)
            tariff = tariff_book.in_force(db, charger.station_id, scanned)
            assert tariff is not None  # noqa: S101 - the cast gives every station a price
            token = payments.secret_token("demo", str(visit.at.timestamp()), visit.charger.id, visit.connector_number)
            made = payments.create(db, charger, visit.connector_number, tariff, token=token, locale=None, now=scanned)
            return made.id

        payment_id = self._in_one(create)
        settle_payment(self.till, payment_id, scanned, at_once=True)
        ref = self._in_one(lambda db: db.get_one(Payment, payment_id).provider_ref)
        self.sandbox.pay(ref, self.chance.choice(CARDS))
        self.clock.now = scanned + timedelta(seconds=20)
        settle_payment(self.till, payment_id, self.clock.now, at_once=True)
        return payment_id

    def _charge(self, db: Session, visit: Visit, payment_id: int | None) -> None:
        number, at = visit.connector_number, visit.at
        tag = visit.card or db.get_one(Payment, payment_id).id_tag
        register = self.registers.setdefault((visit.charger.id, number), self.chance.randint(200_000, 9_000_000))
        self._status(db, visit, at - timedelta(seconds=8), "Preparing")
        start = {"connectorId": number, "idTag": tag, "meterStart": register, "timestamp": _stamp(at)}
        answer = self._say(db, visit.charger, at, "StartTransaction", start)
        self._status(db, visit, at, "Charging")
        delivered, is_full, soc, moment = 0.0, False, self.chance.randint(12, 45), at
        while moment + METER_EVERY < at + visit.stays:
            moment += METER_EVERY
            power = self._power(visit, delivered)
            step = power * METER_EVERY.total_seconds() / 3600
            delivered = min(delivered + step, float(visit.wants_wh))
            if delivered >= visit.wants_wh and not is_full:
                is_full = True
                self._status(db, visit, moment, "SuspendedEV")
            values = self._values(visit, moment, register + int(delivered), 0 if is_full else power, soc, delivered)
            said = {"connectorId": number, "transactionId": answer["transactionId"], "meterValue": [values]}
            self._say(db, visit.charger, moment, "MeterValues", said)
        total = register + visit.wants_wh
        self.registers[visit.charger.id, number] = total
        end = at + visit.stays
        stop = {
            "transactionId": answer["transactionId"],
            "idTag": tag,
            "meterStop": total,
            "timestamp": _stamp(end),
            "reason": self.chance.choice(("Local", "Remote", "EVDisconnected")),
        }
        self._say(db, visit.charger, end, "StopTransaction", stop)
        self._status(db, visit, end + timedelta(seconds=2), "Available")

    def _power(self, visit: Visit, delivered: float) -> float:
        _, kw, kind = visit.described.connectors[visit.connector_number - 1]
        full = kw * 1000 if kind == "DC" else min(kw * 1000, 11_000)
        taper = 1 - 0.45 * min(1.0, delivered / visit.wants_wh) if kind == "DC" else 1.0
        return full * taper * self.chance.uniform(0.97, 1.0)

    @staticmethod
    def _values(visit: Visit, at: datetime, register: int, power: float, soc: int, delivered: float) -> dict[str, Any]:
        sampled = [
            {"value": str(register), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": f"{power:.0f}", "measurand": "Power.Active.Import", "unit": "W"},
        ]
        if visit.described.connectors[visit.connector_number - 1][2] == "DC":
            battery = min(100, soc + int(delivered / 620))
            sampled.append({"value": str(battery), "measurand": "SoC", "unit": "Percent"})
        return {"timestamp": _stamp(at), "sampledValue": sampled}

    def _status(self, db: Session, visit: Visit, at: datetime, status: str) -> None:
        said = {
            "connectorId": visit.connector_number,
            "errorCode": "NoError",
            "status": status,
            "timestamp": _stamp(at),
        }
        self._say(db, visit.charger, at, "StatusNotification", said)

    def _say(self, db: Session, charger: Charger, at: datetime, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        context = Context(
            charger_id=charger.id,
            operator_id=charger.operator_id,
            station_id=charger.station_id,
            device_id=charger.device_id,
            ocpp_version="1.6",
            clock_zone="UTC",
            node="demo",
            epoch=0,
            now=at,
        )
        return HANDLERS[action](db, context, payload)

    def _bill(self, db: Session, visit: Visit, at: datetime) -> int | None:
        newest = select(ChargingSession.id).where(ChargingSession.charger_id == visit.charger.id)
        charging_session_id = db.scalars(newest.order_by(ChargingSession.id.desc()).limit(1)).one()
        order = billing.bill(db, charging_session_id, at)
        return order.id if order is not None else None

    def _refund(self, order_id: int, at: datetime) -> None:
        def ask(db: Session) -> int:
            order = db.get_one(Order, order_id)
            reason = self.chance.choice(REASONS)
            return refunds.request(db, order, reason=reason, by="support@harbour.example", now=at).id

        self.clock.now = at
        refund_id = self._in_one(ask)
        settle_refund(self.till, refund_id, at)


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
