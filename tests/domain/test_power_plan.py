"""Shares never add up to more than the limit: not in the plan, and in no moment on the way to it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from domain.power_plan import TURN_S, Place, Why, plan, steps


def car(key: int, **values: object) -> Place:
    """A car at a 32 A connector, in tenths of an ampere, charging with nothing yet."""
    return Place(**({"key": key, "ceiling": 0, "floor": 60, "most": 320} | values))


def limits(shares: dict) -> list[int]:
    return [shares[key].limit for key in sorted(shares)]


def test_one_car_gets_all_that_its_connector_gives():
    assert plan(630, [car(1)])[1].limit == 320
    assert plan(630, [car(1)])[1].why is Why.WHOLE


def test_three_cars_share_equally_and_the_odd_tenth_goes_to_the_first():
    assert limits(plan(320, [car(1), car(2), car(3)])) == [107, 107, 106]


def test_what_one_does_not_use_goes_to_the_others():
    shares = plan(320, [car(1, wants=70), car(2), car(3)])

    assert limits(shares) == [70, 125, 125]
    assert shares[1].why is Why.USED


def test_a_free_connector_keeps_what_a_newcomer_starts_with():
    shares = plan(320, [car(1), car(2, is_charging=False, start=60)])

    assert limits(shares) == [260, 60]


def test_a_lost_charger_keeps_what_it_had():
    shares = plan(320, [car(1), car(2, is_held=True, ceiling=160)])

    assert limits(shares) == [160, 160]
    assert shares[2].why is Why.HELD


def test_below_the_floor_the_longest_waiting_gets_the_next_turn():
    cars = [car(1, is_on=True, turn_at=0), car(2, turn_at=100), car(3, turn_at=50)]

    before, after = plan(100, cars, TURN_S - 1), plan(100, cars, TURN_S)

    assert limits(before) == [100, 0, 0]
    assert limits(after) == [0, 0, 100]
    assert after[1].why is Why.WAITS


def test_a_car_whose_connector_is_switched_off_takes_no_turn():
    assert limits(plan(100, [car(1, most=0), car(2)])) == [0, 100]


def test_when_too_much_is_reserved_everybody_waits():
    assert limits(plan(100, [car(1, is_held=True, ceiling=320), car(2)])) == [320, 0]


def test_a_newcomer_is_raised_only_when_the_others_have_gone_down():
    cars = [car(1, ceiling=320), car(2)]
    shares = plan(320, cars)

    first = steps(320, cars, shares)
    later = steps(320, [replace(cars[0], ceiling=160), cars[1]], shares)

    assert first == {1: 160}
    assert later == {2: 160}


def test_small_changes_are_not_worth_a_message_but_a_lower_limit_is():
    cars = [car(1, ceiling=165), car(2, ceiling=155)]

    calm = steps(320, cars, plan(320, cars), slack=10)
    lowered = steps(310, cars, plan(310, cars), slack=10)

    assert calm == {}
    assert lowered == {1: 155}


numbers = st.integers(0, 400)


@st.composite
def stations(draw: st.DrawFn) -> list[Place]:
    return [
        Place(
            key,
            ceiling=draw(numbers),
            floor=draw(st.integers(1, 200)),
            most=draw(numbers),
            start=draw(st.sampled_from((0, 60))),
            is_charging=draw(st.booleans()),
            is_held=draw(st.sampled_from((False, False, False, True))),
            wants=draw(st.none() | numbers),
            is_on=draw(st.booleans()),
            turn_at=draw(st.integers(0, 3000)),
        )
        for key in range(draw(st.integers(1, 8)))
    ]


@given(st.integers(0, 2000), stations(), st.integers(0, 3000))
def test_shares_fit_the_limit_and_floors_are_kept(limit, places, now_s):
    shares = plan(limit, places, now_s)

    fixed = sum(shares[p.key].limit for p in places if p.is_held or not p.is_charging)
    shared = [(p, shares[p.key].limit) for p in places if p.is_charging and not p.is_held]
    assert sum(share for _, share in shared) <= max(0, limit - fixed)
    assert all(share == 0 or p.floor <= share <= p.most for p, share in shared)
    assert shares == plan(limit, list(reversed(places)), now_s)


@given(st.integers(0, 2000), stations(), st.integers(0, 3000))
def test_nobody_waits_while_enough_is_left(limit, places, now_s):
    shares = plan(limit, places, now_s)

    left = limit - sum(share.limit for share in shares.values())
    assert all(left < p.floor for p in places if shares[p.key].why is Why.WAITS and p.floor <= p.most)
    assert left <= 0 or all(s.why in (Why.WHOLE, Why.HELD, Why.FREE, Why.WAITS) for s in shares.values())


@given(st.integers(0, 2000), stations(), st.data())
def test_no_step_on_the_way_exceeds_the_limit(limit, places, data):
    """Each change is under way for a while: the charger may obey the old or the new limit, or never answer."""
    before = sum(place.ceiling for place in places)
    for _ in range(6):
        shares = plan(limit, places, 0)
        changes = steps(limit, places, shares, slack=data.draw(st.sampled_from((0, 5))))
        # In this moment both the old and the new limit of each may hold.
        worst = [replace(p, ceiling=max(p.ceiling, changes.get(p.key, 0))) for p in places]
        assert sum(p.ceiling for p in worst) <= max(limit, before)
        obeyed = data.draw(st.sets(st.sampled_from(sorted(changes))) if changes else st.just(set()))
        places = [replace(p, ceiling=changes[p.key]) if p.key in obeyed else p for p in worst]
        before = sum(place.ceiling for place in places)


@given(st.integers(0, 2000), stations())
def test_a_station_that_obeys_is_at_its_plan_after_two_steps(limit, places):
    for _ in range(2):
        changes = steps(limit, places, plan(limit, places))
        places = [replace(p, ceiling=changes.get(p.key, p.ceiling)) for p in places]

    shares = plan(limit, places)
    within = sum(share.limit for share in shares.values()) <= limit
    assert not within or all(p.is_held or p.ceiling == shares[p.key].limit for p in places)
