"""A second pricing engine, slow and simple: it walks through a session in steps of ten seconds and looks everything up.

It shares no code with the engine. It is exact only for sessions whose every border (times, limits of energy and
duration, grace) falls on a step; the strategies make only such sessions.
"""

from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

STEP_S = 10
DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]


def oracle_lines(body):
    """(reservation, type, element) -> billed quantity in sessions, Wh or seconds, in order of first use."""
    quantities, last = {}, {}
    for reserved, kind, index, amount in uses(body):
        key = (reserved, kind, index)
        if kind == "FLAT" and any(other[:2] == (reserved, "FLAT") for other in quantities):
            continue
        quantities[key] = quantities.get(key, 0) + amount
        if kind != "FLAT":
            last[(reserved, "ENERGY" if kind == "ENERGY" else "time")] = key
    for key in last.values():
        step = component(body["tariff"]["elements"][key[2]], key[1])["step_size"]
        total = sum(amount for other, amount in quantities.items() if other[:2] == key[:2])
        quantities[key] += -total % step if step else 0
    return quantities


def uses(body):
    """(reservation, type, element, amount) for each step of the session and each thing that costs money in it."""
    session, grace, energy = body["session"], body["tariff"].get("idle_grace_s", 0), Fraction(0)
    for period in session["periods"]:
        now, end = moment(period["start"]), moment(period["end"])
        steps = int((end - now).total_seconds()) // STEP_S
        reserved = period.get("reservation", False)
        origin = moment(session["periods"][0]["start"] if reserved else session["start"])
        per_step = Fraction(period["energy_kwh"]) * 1000 / steps
        power = period.get("max_power_kw", per_step * 3600 / STEP_S / 1000)
        current = period.get("current_a", None if period["charging"] else 0)
        is_parked = not period["charging"] and not reserved and period.get("suspended_by") != "station"
        for _ in range(steps):
            state = (now.astimezone(ZoneInfo(body["time_zone"])), now - origin, energy, power, current)
            amounts = {"FLAT": 1, "ENERGY": per_step}
            if period["charging"] or reserved:
                amounts["TIME"] = STEP_S
            elif is_parked and grace <= 0:
                amounts["PARKING_TIME"] = STEP_S
            for kind, amount in amounts.items():
                index = first(body["tariff"]["elements"], kind, modes(period, session), state)
                if index is not None and amount:
                    yield reserved, kind, index, amount
            grace -= STEP_S if is_parked else 0
            energy += per_step
            now += timedelta(seconds=STEP_S)


def modes(period, session):
    """Which elements may price the period."""
    if not period.get("reservation"):
        return [None]
    return ["RESERVATION_EXPIRES", "RESERVATION"] if session.get("reservation_expired") else ["RESERVATION"]


def oracle_total(body, quantities):
    """The exact net and gross of these quantities; all prices without VAT, or with it if `tax_included` is YES."""
    net = gross = Fraction(0)
    for (_, kind, index), quantity in quantities.items():
        priced = component(body["tariff"]["elements"][index], kind)
        unit = {"FLAT": 1, "ENERGY": 1000}.get(kind, 3600)
        amount = Fraction(priced["price"]) * quantity / unit
        rate = Fraction(priced.get("vat", 0)) / 100
        if body["tariff"].get("tax_included") == "YES":
            net, gross = net + amount / (1 + rate), gross + amount
        else:
            net, gross = net + amount, gross + amount * (1 + rate)
    for name, bound in (("min_price", max), ("max_price", min)):
        if name in body["tariff"]:
            limits = body["tariff"][name]
            net, gross = bound(net, Fraction(limits["excl_vat"])), bound(gross, Fraction(limits["incl_vat"]))
    return net, gross


def moment(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def component(element, kind):
    return next((c for c in element["price_components"] if c["type"] == kind), None)


def first(elements, kind, modes, state):
    """The index of the first element that prices this kind of thing."""
    if kind == "TIME":
        # An expired reservation's own time price comes before that of a used one.
        for mode in modes:
            for index, element in enumerate(elements):
                if component(element, kind) and mode_of(element) == mode and holds(element, state):
                    return index
        return None
    for index, element in enumerate(elements):
        if component(element, kind) and mode_of(element) in modes and holds(element, state):
            return index
    return None


def mode_of(element):
    return element.get("restrictions", {}).get("reservation")


def holds(element, state):
    """Whether all restrictions of the element hold."""
    wanted = element.get("restrictions", {})
    local, elapsed, energy, power, current = state
    values = {"kwh": energy / 1000, "duration": elapsed.total_seconds(), "power": power, "current": current}
    return (
        holds_hours(wanted, local.time().replace(tzinfo=None))
        and date.fromisoformat(wanted.get("start_date", "0001-01-01")) <= local.date()
        and date.fromisoformat(wanted.get("end_date", "9999-12-31")) > local.date()
        and (not wanted.get("day_of_week") or DAYS[local.weekday()] in wanted["day_of_week"])
        and all(holds_bounds(wanted, name, value) for name, value in values.items())
    )


def holds_hours(wanted, clock):
    start = time.fromisoformat(wanted.get("start_time", "00:00"))
    end = time.fromisoformat(wanted.get("end_time", "00:00"))
    if start < end:
        return start <= clock < end
    return start == end or clock >= start or clock < end


def holds_bounds(wanted, name, value):
    low, high = wanted.get(f"min_{name}"), wanted.get(f"max_{name}")
    if low is None and high is None:
        return True
    if value is None:
        return False
    return (low is None or Fraction(low) <= Fraction(value)) and (high is None or Fraction(value) < Fraction(high))
