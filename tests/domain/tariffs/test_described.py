"""Bodies of `POST /api/v1/tariffs/price`: refused with a reason, whatever they are, and never slow."""

import copy
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import DomainError
from domain.tariffs import InvalidDescription, price_described
from tests.domain.tariffs.strategies import bodies

VECTORS = [json.loads(path.read_text()) for path in (Path(__file__).parents[2] / "data" / "tariffs").glob("*.json")]
START = datetime(2026, 3, 17, 9, tzinfo=UTC)


def period(minutes=60, start=START, **more):
    return {
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=minutes)).isoformat(),
        "energy_kwh": "10",
        "charging": True,
    } | more


def body(session=None, **more):
    described = {
        "tariff": {"elements": [{"price_components": [{"type": "ENERGY", "price": "0.5"}]}]},
        "time_zone": "Europe/Berlin",
        "currency": "EUR",
        "session": {"start": START.isoformat(), "periods": [period()]} | (session or {}),
    }
    return described | more


def test_a_plain_body_is_priced():
    answer = price_described(body())

    assert answer == {
        "total_excl_vat": "5.00",
        "total_incl_vat": "5.00",
        "rounded_excl_vat": "5.00",
        "rounded_incl_vat": "5.00",
        "billed": {"excl_vat": "5.00", "vat": "0.00", "incl_vat": "5.00"},
        "lines": [
            {
                "type": "ENERGY",
                "element": 0,
                "quantity": "10",
                "unit": "kWh",
                "price": "0.5",
                "excl_vat": "5.00",
                "incl_vat": "5.00",
            }
        ],
    }


LATER = START + timedelta(hours=1)
READING = {"at": START.isoformat(), "register_kwh": "100"}
WRONG = [
    (body(time_zone="Mars/Olympus"), "time_zone"),
    (body(time_zone="../../etc/passwd"), "time_zone"),
    (body(time_zone=["UTC"]), "time_zone"),
    (body(currency="XXX"), "currency"),
    (body(currency={}), "currency"),
    (body(session=None, tariff=None), "tariff"),
    (body(tariff_changes=[{"effective_from": START.isoformat(), "tariff": {}}]), "tariff_changes[0].tariff.elements"),
    (body(tariff_changes=[{"tariff": {}}]), "tariff_changes[0].effective_from"),
    (body(tariff_changes="none"), "tariff_changes"),
    (body({"start": "2026-03-17T10:00:00"}), "session.start"),
    (body({"start": "2026-13-17T10:00:00Z"}), "session.start"),
    (body({"start": "1969-12-31T23:59:59Z"}), "session.start"),
    (body({"start": "9999-12-31T23:59:59-23:59"}), "session.start"),
    (body({"start": "0001-01-01T00:00:00+23:59"}), "session.start"),
    (body({"start": 1773738000}), "session.start"),
    (body({"colour": "green"}), "session"),
    (body({"reservation_expired": "no"}), "session.reservation_expired"),
    (body({"reservation_expired": True}), "session.periods[0].reservation"),
    (body({"periods": []}), "session.periods"),
    (body({"periods": {}}), "session.periods"),
    (body({"periods": [7]}), "session.periods[0]"),
    (body({"periods": [period(-1)]}), "session.periods[0].end"),
    (body({"periods": [period(charging=None)]}), "session.periods[0].charging"),
    (body({"periods": [period(energy_kwh=None)]}), "session.periods[0].energy_kwh"),
    (body({"periods": [period(energy_kwh=9.5)]}), "session.periods[0].energy_kwh"),
    (body({"periods": [period(energy_kwh="-1")]}), "session.periods[0].energy_kwh"),
    (body({"periods": [period(suspended_by="ghost")]}), "session.periods[0].suspended_by"),
    (body({"periods": [period(current_a="much")]}), "session.periods[0].current_a"),
    (body({"periods": [period(speed="1")]}), "session.periods[0]"),
    (body({"periods": [period(), period()]}), "session.periods[1].start"),
    (body({"periods": [period(), period(start=LATER + timedelta(seconds=1))]}), "session.periods[1].start"),
    (
        body({"periods": [period(), period(start=LATER, energy_kwh="0", reservation=True)]}),
        "session.periods[1].reservation",
    ),
    (body({"periods": [period(reservation=True)]}), "session.periods[0].energy_kwh"),
    (body({"start": LATER.isoformat()}), "session.periods[0].start"),
    (body({"periods": [period(371 * 24 * 60)]}), "session.periods"),
    (body({"periods": [period()] * 5001}), "session.periods"),
    (body({"meter_readings": [READING]}), "session.periods[0].energy_kwh"),
    (body({"meter_readings": [READING] * 20_001}), "session.meter_readings"),
    (body({"meter_readings": []}), "session.meter_readings"),
    (body({"meter_readings": [{"at": "noon", "register_kwh": "1"}]}), "session.meter_readings[0].at"),
    (body({"meter_readings": [READING | {"register_kwh": 1.5}]}), "session.meter_readings[0].register_kwh"),
    ({}, "session"),
    ([], "body"),
    (None, "body"),
    ("price me", "body"),
]


@pytest.mark.parametrize(("described", "field"), WRONG, ids=[f"{n}-{field}" for n, (_, field) in enumerate(WRONG)])
def test_it_names_the_field_that_is_wrong(described, field):
    with pytest.raises(InvalidDescription) as refusal:
        price_described(described)

    assert field in [name for name, _ in refusal.value.errors]


def test_of_several_changes_the_last_one_before_the_start_applies():
    def change(hours, price):
        tariff = {"elements": [{"price_components": [{"type": "ENERGY", "price": price}]}]}
        return {"effective_from": (START + timedelta(hours=hours)).isoformat(), "tariff": tariff}

    answer = price_described(body(tariff_changes=[change(-1, "0.7"), change(-3, "0.6"), change(1, "0.9")]))

    assert answer["total_incl_vat"] == "7.00"


def test_readings_that_miss_an_end_of_the_session_are_marked_for_review():
    metered = period(energy_kwh=None)
    readings = [READING, {"at": (START + timedelta(minutes=50)).isoformat(), "register_kwh": "104"}]

    answer = price_described(body({"periods": [metered], "meter_readings": readings}))

    assert (answer["energy_kwh"], answer["needs_review"], answer["total_incl_vat"]) == ("4.0", True, "2.00")


def test_readings_during_a_reservation_do_not_count():
    reserved = period(30, START - timedelta(minutes=30), energy_kwh=None, charging=False, reservation=True)
    readings = [
        {"at": (START - timedelta(minutes=10)).isoformat(), "register_kwh": "90"},
        READING,
        {"at": LATER.isoformat(), "register_kwh": "110"},
    ]

    answer = price_described(body({"periods": [reserved, period(energy_kwh=None)], "meter_readings": readings}))

    assert (answer["energy_kwh"], answer["needs_review"]) == ("10.0", False)


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["", "-0", "1e999", "NaN", "Infinity", "9999999999.999999", "0.000001", "9999-12-31T23:59:59Z"]),
    st.sampled_from(
        ["2026-03-29T02:30:00+01:00", "24:00", "0001-01-01", "ENERGY", "RESERVATION", "UTC", "\x00", "\ud800"]
    ),
    st.sampled_from([[], {}, [[]], [{}], {"": None}, {1: 2}]),
)


def places(value, here=()):
    """The path of every member and item in a body."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inside in items:
        yield (*here, key)
        yield from places(inside, (*here, key))


@st.composite
def mutated(draw):
    if draw(st.booleans()):
        vector = draw(st.sampled_from(VECTORS))
        names = ("tariff", "tariff_changes", "time_zone", "currency", "session")
        described = copy.deepcopy({name: vector[name] for name in names if name in vector})
    else:
        described = draw(bodies())
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(list(places(described)) or [("session",)]))
        inside = described
        for key in way:
            inside = inside[key]
        action = draw(st.sampled_from(["replace", "replace", "remove", "double", "swap"]))
        if action == "replace":
            inside[last] = copy.deepcopy(draw(JUNK))
        elif action == "remove":
            del inside[last]
        elif action == "double" and isinstance(inside, list):
            inside.insert(last, copy.deepcopy(inside[last]))
        elif isinstance(inside, dict):
            other = draw(st.sampled_from(sorted(inside, key=str)))
            inside[last], inside[other] = inside[other], inside[last]
    return described


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(mutated())
def test_a_broken_body_is_priced_or_refused_but_never_an_error(described):
    try:
        answer = price_described(described)
    except DomainError as refusal:
        assert refusal.errors  # noqa: PT017 - either outcome is right
    else:
        json.dumps(answer, allow_nan=False)


def hours(number):
    """A tariff with so many half-hour prices, none of them alike."""
    return [
        {
            "restrictions": {
                "start_time": f"{n % 24:02}:{n * 7 % 60:02}",
                "end_time": f"{(n + 1) % 24:02}:{n * 11 % 60:02}",
                "max_kwh": f"{n + 1}.5",
            },
            "price_components": [
                {"type": "ENERGY", "price": f"0.{n:03}", "vat": "19"},
                {"type": "TIME", "price": f"0.{n:03}", "vat": "19"},
            ],
        }
        for n in range(number)
    ]


def test_the_longest_body_allowed_is_priced_within_seconds():
    lengths = [60 + n * 7919 % 997 / 1000 for n in range(5000)]  # milliseconds apart, so that fractions do not cancel
    periods, here = [], START
    for length in lengths:
        end = here + timedelta(seconds=length)
        periods.append({"start": here.isoformat(), "end": end.isoformat(), "energy_kwh": "0.123457", "charging": True})
        here = end
    described = body({"periods": periods}, tariff={"elements": hours(200)})
    before = time.process_time()

    answer = price_described(described)

    assert len(answer["lines"]) > 50
    assert time.process_time() - before < 20


def test_too_many_price_changes_for_so_long_a_session_are_refused():
    described = body({"periods": [period(360 * 24 * 60)]}, tariff={"elements": hours(200)})

    with pytest.raises(InvalidDescription, match="too long"):
        price_described(described)
