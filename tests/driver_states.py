"""Every state in which a driver meets the pages: what has happened at a `World`, and the address of the page then."""

from collections.abc import Callable
from datetime import timedelta

from domain import orders, payments, refunds
from domain.models.chargers import Connector
from domain.models.commands import CommandStatus
from domain.models.payments import Payment, PaymentAccount, StationMerchant
from tests import factories
from tests.money_world import World

CODE = "HG5K7QWX"
NEVER = {"week": [[] for _ in range(7)], "exceptions": []}
EVERYTHING = {
    "idle_grace_s": 900,
    "min_price": {"excl_vat": "1.00", "incl_vat": "1.26"},
    "max_price": {"excl_vat": "40.00", "incl_vat": "50.00"},
    "elements": [
        {
            "name": "Day",
            "price_components": [
                {"type": "ENERGY", "price": "0.40", "vat": "25.5"},
                {"type": "TIME", "price": "1.20", "vat": "25.5"},
                {"type": "PARKING_TIME", "price": "4.81", "vat": "10"},
                {"type": "FLAT", "price": "0.80", "vat": "25.5"},
            ],
            "restrictions": {"start_time": "07:00", "end_time": "19:00"},
        },
        {
            "price_components": [{"type": "ENERGY", "price": "0.30", "vat": "25.5"}],
            "restrictions": {"min_kwh": 20, "max_duration": 3600},
        },
        {"price_components": [{"type": "ENERGY", "price": "0.20", "vat": "25.5"}]},
    ],
}


def prepare(world: World) -> World:
    """The charger has a code, a rapid plug and a slow one."""
    world.code = factories.qr_code(world.db, world.charger, code=CODE).code
    kinds = (("CCS", 60_000), ("Type 2", 22_000))
    for connector, (kind, power_w) in zip(_plugs(world), kinds, strict=True):
        connector.kind, connector.max_power_w = kind, power_w
    world.db.commit()
    return world


def _plugs(world: World) -> list[Connector]:
    return world.db.query(Connector).order_by(Connector.number).all()


# --- The page of the code -------------------------------------------------------------------------------------------


def _place(change: Callable[[World], None]) -> Callable[[World], str]:
    def address(world: World) -> str:
        change(world)
        world.db.commit()
        return f"/c/{CODE}"

    return address


def _all_plugs(status: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        for connector in _plugs(world):
            connector.status = status

    return change


def _offline(world: World) -> None:
    world.charger.node = None


def _closed(world: World) -> None:
    today = (world.now + timedelta(hours=2)).weekday()
    week = [[] if day == today else [[480, 1080]] for day in range(7)]
    world.charger.station.hours = {"week": week, "exceptions": []}


def _closed_for_good(world: World) -> None:
    world.charger.station.hours = NEVER


def _only_warns(world: World) -> None:
    _closed(world)
    world.charger.station.refuses_outside_hours = False


def _priced(world: World, terms: dict) -> None:
    world.tariff = factories.tariff(world.db, world.charger.station.operator, terms=terms)
    factories.assign_tariff(world.db, world.charger.station, world.tariff)


def _no_price(world: World) -> None:
    _priced(world, {"elements": [{"price_components": [{"type": "ENERGY", "price": "0.4"}]}], "tax_included": "NO"})


def _no_payment(world: World) -> None:
    world.db.get_one(PaymentAccount, world.charger.station.payment_account_id).trouble = "The key was revoked."


def _no_account(world: World) -> None:
    world.charger.station.payment_account_id = None


def _no_plugs(world: World) -> None:
    world.db.query(Connector).delete()


def _each_plug_otherwise(world: World) -> None:
    states = ("Available", "Preparing", "Unknown", "Charging", "Finishing", "Reserved", "Faulted", "Unavailable")
    for number, status in enumerate(states, start=1):
        found = next((each for each in _plugs(world) if each.number == number), None)
        if found is None:
            world.db.add(Connector(charger_id=world.charger.id, number=number, status=status))
        else:
            found.status = status


def _two_ways(world: World) -> None:
    station = world.charger.station
    other = factories.payment_account(world.db, station.operator, provider="paypal", name="PayPal")
    world.db.add(
        StationMerchant(
            operator_id=station.operator_id, station_id=station.id, payment_account_id=other.id, added_at=world.now
        )
    )


PLACES = {
    "payable": _place(lambda world: None),
    "many prices": _place(lambda world: _priced(world, EVERYTHING)),
    "two ways to pay": _place(_two_ways),
    "every state of a plug": _place(_each_plug_otherwise),
    "offline": _place(_offline),
    "busy": _place(_all_plugs("Charging")),
    "faulted": _place(_all_plugs("Faulted")),
    "closed": _place(_closed),
    "closed for good": _place(_closed_for_good),
    "outside the hours": _place(_only_warns),
    "no price": _place(_no_price),
    "payment not available": _place(_no_payment),
    "no payment account": _place(_no_account),
    "no plugs yet": _place(_no_plugs),
    "unknown code": lambda world: "/c/NOSUCHCODE",
    "code without a charger": lambda world: _unbound(world),
}


def _unbound(world: World) -> str:
    code = factories.qr_code(world.db, world.charger, code="FREECODE", charger_id=None).code
    world.db.commit()
    return f"/c/{code}"


# --- From the hold to the bill --------------------------------------------------------------------------------------


def _story(happen: Callable[[World], Payment]) -> Callable[[World], str]:
    return lambda world: f"/s/{happen(world).token}"


def _asked(world: World, payment: Payment, action: str, status: CommandStatus) -> Payment:
    factories.command(
        world.db,
        world.charger,
        action=action,
        status=status,
        payment_id=payment.id,
        queued_at=world.now,
        settled_at=None if status is CommandStatus.SENT else world.now,
    )
    world.db.commit()
    return payment


def _start_is(status: CommandStatus) -> Callable[[World], Payment]:
    return lambda world: _asked(world, world.pay(), "RemoteStartTransaction", status)


def _abandoned(world: World) -> Payment:
    payment = world.checkout()
    world.sandbox.give_up(payment.provider_ref)
    return payment


def _ready_offline(world: World) -> Payment:
    payment = world.pay()
    _offline(world)
    world.db.commit()
    return payment


def _ready_broken(world: World) -> Payment:
    payment = world.pay()
    _plugs(world)[0].status = "Faulted"
    world.db.commit()
    return payment


def _charging(world: World, **values: object) -> Payment:
    payment = world.pay()
    world.now_is(minutes_ago=25)
    charging = world.start(payment, **values)
    world.later(minutes=25)
    world.meter(charging, 11_000, power_w=43_200)
    charging.soc_percent = 63
    world.db.commit()
    return payment


def _charging_offline(world: World) -> Payment:
    payment = _charging(world)
    _offline(world)
    world.db.commit()
    return payment


def _parked(world: World) -> Payment:
    payment = _charging(world)
    _plugs(world)[0].status = "SuspendedEV"
    world.db.commit()
    return payment


def _stop_is(status: CommandStatus) -> Callable[[World], Payment]:
    return lambda world: _asked(world, _charging(world), "RemoteStopTransaction", status)


def _ended(world: World, energy_wh: int = 10_000, **values: object) -> Payment:
    payment = world.pay()
    charging = world.start(payment, **values)
    world.later(minutes=30)
    world.stop(charging, energy_wh)
    return payment


def _swept(happen: Callable[[World], Payment]) -> Callable[[World], Payment]:
    def swept(world: World) -> Payment:
        payment = happen(world)
        world.sweep()
        return payment

    return swept


def _let_go(reason: str, *, is_done: bool = True) -> Callable[[World], Payment]:
    def happen(world: World) -> Payment:
        payment = world.pay()
        payments.ask_release(payment, reason, world.now)
        world.db.commit()
        if is_done:
            world.settle()
        return payment

    return happen


def _ended_by_the_bank(world: World) -> Payment:
    payment = world.pay()
    world.bank_ends(payment)
    world.later(hours=6)
    world.settle()
    return payment


def _billed_only(world: World) -> Payment:
    payment = _ended(world)
    world.bill()
    return payment


def _all_prices(world: World) -> Payment:
    _priced(world, EVERYTHING)
    world.db.commit()
    return _swept(lambda world: _ended(world, 100_000))(world)


def _cheap(world: World) -> Payment:
    _priced(world, EVERYTHING | {"min_price": {"excl_vat": "9.00", "incl_vat": "11.00"}})
    world.db.commit()
    return _swept(lambda world: _ended(world, 100))(world)


def _waived(world: World) -> Payment:
    payment = _ended(world, flags=["stop_after_close"])
    (order,) = world.bill()
    orders.waive(world.db, order, by="alice@example.com", now=world.now)
    world.db.commit()
    world.settle()
    return payment


def _refund(card: str, rounds: int) -> Callable[[World], Payment]:
    def happen(world: World) -> Payment:
        order = world.paid_order(card=card)
        refunds.request(world.db, order, reason="fault", by="alice@example.com", now=world.now)
        world.db.commit()
        for _ in range(rounds):
            world.settle()
            world.later(seconds=10)
        return world.payment_of(order)

    return happen


def _by_charging_card(world: World) -> str:
    world.charge(None, 10_000)
    (order,) = world.bill()
    return f"/s/{order.token}"


REJECTED, SILENT, SENT = CommandStatus.REJECTED, CommandStatus.TIMEOUT, CommandStatus.SENT
STORIES = {
    "paying": _story(lambda world: world.checkout()),
    "provider does not answer": _story(lambda world: world.choose()),
    "bank is checking": _story(lambda world: world.pay("slow")),
    "declined": _story(lambda world: world.pay("decline")),
    "abandoned": _story(_abandoned),
    "ready": _story(lambda world: world.pay()),
    "start refused": _story(_start_is(REJECTED)),
    "start not answered": _story(_start_is(SILENT)),
    "starting": _story(_start_is(SENT)),
    "ready, charger offline": _story(_ready_offline),
    "ready, plug broken": _story(_ready_broken),
    "charging": _story(_charging),
    "charging, charger offline": _story(_charging_offline),
    "charging, hold nearly used": _story(lambda world: _charging(world, stop_cause="hold_limit")),
    "charging, hold ends": _story(lambda world: _charging(world, stop_cause="hold_expires")),
    "parked": _story(_parked),
    "stopping": _story(_stop_is(SENT)),
    "stop refused": _story(_stop_is(REJECTED)),
    "stop not answered": _story(_stop_is(SILENT)),
    "bill being made": _story(_ended),
    "not billable": _story(_swept(lambda world: _ended(world, tariff_id=None))),
    "being released": _story(_let_go("cancelled", is_done=False)),
    "nothing started": _story(_let_go("not_started")),
    "cancelled": _story(_let_go("cancelled")),
    "nothing used": _story(_let_go("nothing_used")),
    "hold ran out": _story(_let_go("hold_expires")),
    "ended by the bank": _story(_ended_by_the_bank),
    "being taken": _story(_billed_only),
    "paid": _story(_swept(_ended)),
    "paid, all prices": _story(_all_prices),
    "paid, minimum": _story(_cheap),
    "paid, stopped at the hold": _story(_swept(lambda world: _ended(world, stop_cause="hold_limit"))),
    "paid, stopped as the hold ended": _story(_swept(lambda world: _ended(world, stop_cause="hold_expires"))),
    "shortfall": _story(_swept(lambda world: _ended(world, 100_000))),
    "under review": _story(_swept(lambda world: _ended(world, flags=["stop_after_close"]))),
    "waived": _story(_waived),
    "refund under way": _story(_refund("success", 0)),
    "refunded": _story(_refund("success", 1)),
    "refund failed": _story(_refund("refund_fails", 2)),
    "by charging card": _by_charging_card,
    "dead link": lambda world: "/s/" + "x" * 40,
}


def _question(world: World) -> str:
    payment = world.checkout()
    world.sandbox.pay(payment.provider_ref, "challenge")
    return payment.checkout_url


CHECKOUTS = {"test checkout": lambda world: world.checkout().checkout_url, "the bank asks": _question}

STATES: dict[str, Callable[[World], str]] = PLACES | STORIES | CHECKOUTS
