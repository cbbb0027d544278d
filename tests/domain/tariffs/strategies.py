"""Tariffs and sessions for property tests, as JSON bodies.

Every border falls on a step of ten seconds: periods last whole steps and deliver 0, 10 or 50 Wh in each and a multiple
of 50 Wh altogether; limits of energy are multiples of 50 Wh, limits of duration and the grace of ten seconds.
"""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from tests.domain.tariffs.oracle import DAYS, STEP_S

# Around a midnight and both clock changes; Lord Howe moves its clocks by half an hour, Chatham sits at +12:45.
MOMENTS = [
    ("Europe/Berlin", datetime(2026, 3, 28, 22, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 24, 23, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 5, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 4, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 14, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 14, tzinfo=UTC)),
    ("Pacific/Chatham", datetime(2026, 4, 4, 13, tzinfo=UTC)),
    ("Asia/Kolkata", datetime(2026, 5, 4, 17, tzinfo=UTC)),
    ("Europe/Helsinki", datetime(2026, 12, 31, 20, tzinfo=UTC)),
]
DATES = ["2026-03-29", "2026-10-25", "2026-03-08", "2026-04-05", "2027-01-01"]

hundredths = st.integers(0, 400).map(lambda cents: f"{cents / 100:.2f}")
rates = st.sampled_from(["0", "7.0", "19.0", "25.5"])
half_hours = st.integers(0, 47).map(lambda n: f"{n // 2:02}:{n % 2 * 30:02}")


@st.composite
def components(draw, kinds):
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, unique=True))
    steps = {"ENERGY": [0, 1, 500, 1000]}
    return [
        {
            "type": kind,
            "price": draw(hundredths),
            "step_size": draw(st.sampled_from(steps.get(kind, [0, 1, 60, 900]))),
            **({"vat": draw(rates)} if draw(st.booleans()) else {}),
        }
        for kind in chosen
    ]


@st.composite
def bounds(draw, name, values):
    low, high = sorted(draw(st.lists(st.sampled_from(values), min_size=2, max_size=2, unique=True)))
    kept = draw(st.sampled_from(["min", "max", "both"]))
    return {f"{side}_{name}": limit for side, limit in (("min", low), ("max", high)) if kept in (side, "both")}


@st.composite
def restrictions(draw, of_session=True):
    wanted = {}
    if draw(st.booleans()):
        wanted["start_time"] = draw(half_hours)
    if draw(st.booleans()):
        wanted["end_time"] = draw(half_hours)
    if draw(st.integers(0, 3)) == 0:
        wanted["day_of_week"] = draw(st.lists(st.sampled_from(DAYS), unique=True))
    if draw(st.integers(0, 5)) == 0:
        wanted[draw(st.sampled_from(["start_date", "end_date"]))] = draw(st.sampled_from(DATES))
    if of_session and draw(st.integers(0, 2)) == 0:
        wanted |= draw(bounds("kwh", ["0.05", "0.5", "1", "2.35", "7.5"]))
    if of_session and draw(st.integers(0, 2)) == 0:
        wanted |= draw(bounds("duration", [0, 10, 600, 3600, 7210]))
    if of_session and draw(st.integers(0, 5)) == 0:
        wanted |= draw(bounds("power", [3, 4, 11, 18, 22]))
    if of_session and draw(st.integers(0, 5)) == 0:
        wanted |= draw(bounds("current", [0, 16, 32]))
    return wanted


@st.composite
def tariffs(draw, of_session=True, limits=True):
    elements = []
    for _ in range(draw(st.integers(1, 5))):
        wanted = draw(st.one_of(st.just({}), restrictions(of_session)))
        kinds = ["FLAT", "ENERGY", "TIME", "PARKING_TIME"]
        if of_session and draw(st.integers(0, 3)) == 0:
            wanted["reservation"] = draw(st.sampled_from(["RESERVATION", "RESERVATION_EXPIRES"]))
            kinds = ["FLAT", "TIME"]
        elements.append({"price_components": draw(components(kinds)), "restrictions": wanted})
    tariff = {"elements": elements, "idle_grace_s": draw(st.sampled_from([0, 10, 900, 3600]))}
    if draw(st.booleans()) and all("vat" in c for e in elements for c in e["price_components"]):
        tariff["tax_included"] = "YES"
    if limits and draw(st.integers(0, 2)) == 0:
        tariff["min_price"] = {"excl_vat": "1.50", "incl_vat": "1.80"}
    if limits and draw(st.integers(0, 2)) == 0:
        tariff["max_price"] = {"excl_vat": "4.00", "incl_vat": "4.76"}
    return tariff


@st.composite
def sessions(draw, near, reservations=True):
    here = near + timedelta(seconds=STEP_S * draw(st.integers(0, 4 * 360)))
    start = None
    periods = []
    kind = draw(st.sampled_from(["plain", "plain", "reserved", "expired"])) if reservations else "plain"
    count = 1 if kind == "expired" else draw(st.integers(1, 4))
    for position in range(count):
        wh_a_step = draw(st.sampled_from([0, 10, 10, 50]))
        steps = draw(st.integers(1, 72)) * 5 if wh_a_step == 10 else draw(st.integers(1, 360))
        period = {"start": here.isoformat(), "end": (here := here + timedelta(seconds=STEP_S * steps)).isoformat()}
        if kind != "plain" and position == 0:
            periods.append({**period, "energy_kwh": "0", "charging": False, "reservation": True})
            continue
        start = start or period["start"]
        period["charging"] = wh_a_step > 0 or draw(st.booleans())
        wh = steps * wh_a_step
        period["energy_kwh"] = f"{wh // 1000}.{wh % 1000:03}"
        if not period["charging"] and draw(st.booleans()):
            period["suspended_by"] = draw(st.sampled_from(["station", "vehicle"]))
        if draw(st.booleans()):
            period["current_a"] = draw(st.sampled_from(["0", "15.9", "16", "32"]))
        if draw(st.booleans()):
            period["max_power_kw"] = draw(st.sampled_from(["3", "11", "22"]))
        periods.append(period)
    start = start or (periods[0]["start"] if kind == "expired" else here.isoformat())
    return {"start": start, "periods": periods, "reservation_expired": kind == "expired"}


@st.composite
def bodies(draw, of_session=True, limits=True):
    """A body of `price_described`."""
    zone, near = draw(st.sampled_from(MOMENTS))
    return {
        "tariff": draw(tariffs(of_session, limits)),
        "time_zone": zone,
        "currency": draw(st.sampled_from(["EUR", "JPY", "KWD"])),
        "session": draw(sessions(near, reservations=of_session)),
    }
