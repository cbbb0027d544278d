"""What a tariff body may say, and what is answered to the rest."""

from decimal import Decimal
from fractions import Fraction

import pytest

from domain.errors import Refused
from domain.tariffs import Dimension, InvalidTariff, parse_tariff
from domain.tariffs.terms import Range, TariffTerms

ENERGY = {"type": "ENERGY", "price": "0.49", "vat": "25.5", "step_size": 1}


def tariff(component=None, restrictions=None, **more):
    element = {"price_components": [ENERGY | (component or {})]}
    if restrictions is not None:
        element["restrictions"] = restrictions
    return {"elements": [element], **more}


def test_it_reads_every_member():
    restrictions = {
        "start_time": "22:00",
        "end_time": "06:00",
        "start_date": "2026-01-01",
        "end_date": "2027-01-01",
        "day_of_week": ["FRIDAY", "SUNDAY"],
        "min_kwh": "1.5",
        "max_duration": 3600,
        "min_power": 11,
        "max_current": "32",
    }
    body = tariff(
        {}, restrictions, idle_grace_s=900, tax_included="YES", max_price={"excl_vat": "10", "incl_vat": "12"}
    )

    terms = parse_tariff(body)

    asked = terms.elements[0].restrictions
    assert (asked.start_minute, asked.end_minute) == (22 * 60, 6 * 60)
    assert (asked.start_date.isoformat(), asked.end_date.isoformat()) == ("2026-01-01", "2027-01-01")
    assert asked.weekdays == {4, 6}
    assert asked.energy_wh == Range(low=Fraction(1500))
    assert asked.duration_s == Range(high=Fraction(3600))
    assert asked.power_kw == Range(low=Fraction(11))
    assert asked.current_a == Range(high=Fraction(32))
    assert terms.elements[0].components[0].price == Decimal("0.49")
    assert terms.elements[0].components[0].dimension is Dimension.ENERGY
    assert (terms.idle_grace_s, terms.tax_included) == (900, "YES")
    assert (terms.max_price.net, terms.max_price.gross) == (10, 12)


def test_members_of_publishing_and_nulls_are_left_aside():
    body = tariff({"vat": None}, {"start_time": None, "reservation": None}, name="Day", currency="EUR", min_price=None)

    terms = parse_tariff(body)

    assert isinstance(terms, TariffTerms)
    assert terms.elements[0].restrictions.start_minute is None


def test_a_step_size_left_out_is_1():
    terms = parse_tariff({"elements": [{"price_components": [{"type": "FLAT", "price": 1}]}]})

    assert terms.elements[0].components[0].step_size == 1


WRONG = [
    (tariff({"price": 0.49}), "elements[0].price_components[0].price"),
    (tariff({"price": "-1"}), "elements[0].price_components[0].price"),
    (tariff({"price": -1}), "elements[0].price_components[0].price"),
    (tariff({"price": True}), "elements[0].price_components[0].price"),
    (tariff({"price": "NaN"}), "elements[0].price_components[0].price"),
    (tariff({"price": "1e3"}), "elements[0].price_components[0].price"),
    (tariff({"price": "٣"}), "elements[0].price_components[0].price"),
    (tariff({"price": "0.1234567"}), "elements[0].price_components[0].price"),
    (tariff({"price": "12345678901"}), "elements[0].price_components[0].price"),
    (tariff({"price": 10**5000}), "elements[0].price_components[0].price"),
    (tariff({"price": None}), "elements[0].price_components[0].price"),
    (tariff({"type": "WATER"}), "elements[0].price_components[0].type"),
    (tariff({"type": ["ENERGY"]}), "elements[0].price_components[0].type"),
    (tariff({"vat": "100.1"}), "elements[0].price_components[0].vat"),
    (tariff({"step_size": -1}), "elements[0].price_components[0].step_size"),
    (tariff({"step_size": "1.5"}), "elements[0].price_components[0].step_size"),
    (tariff({"discount": "1"}), "elements[0].price_components[0]"),
    (tariff({}, {"start_time": "24:00"}), "elements[0].restrictions.start_time"),
    (tariff({}, {"start_time": "7:00"}), "elements[0].restrictions.start_time"),
    (tariff({}, {"start_time": 700}), "elements[0].restrictions.start_time"),
    (tariff({}, {"start_date": "2026-02-30"}), "elements[0].restrictions.start_date"),
    (tariff({}, {"start_date": "20260201"}), "elements[0].restrictions.start_date"),
    (tariff({}, {"start_date": "2026-02-02", "end_date": "2026-02-02"}), "elements[0].restrictions.end_date"),
    (tariff({}, {"day_of_week": "MONDAY"}), "elements[0].restrictions.day_of_week"),
    (tariff({}, {"day_of_week": ["Monday"]}), "elements[0].restrictions.day_of_week[0]"),
    (tariff({}, {"min_kwh": "2", "max_kwh": "2"}), "elements[0].restrictions.max_kwh"),
    (tariff({}, {"max_duration": "soon"}), "elements[0].restrictions.max_duration"),
    (tariff({}, {"reservation": "MAYBE"}), "elements[0].restrictions.reservation"),
    (tariff({}, {"reservation": "RESERVATION"}), "elements[0].price_components"),
    (tariff({}, {"holiday": True}), "elements[0].restrictions"),
    (tariff({}, []), "elements[0].restrictions"),
    (tariff(min_price={}), "min_price"),
    (tariff(min_price="1"), "min_price"),
    (tariff(min_price={"excl_vat": "2", "incl_vat": "1"}), "min_price.incl_vat"),
    (tariff(min_price={"excl_vat": "2"}, max_price={"excl_vat": "1"}), "max_price"),
    (tariff(idle_grace_s=-1), "idle_grace_s"),
    (tariff(tax_included="MAYBE"), "tax_included"),
    (tariff(tax_included="N/A"), "tax_included"),
    (tariff(max_prize={"excl_vat": "2"}), "tariff"),
    ({"elements": []}, "elements"),
    ({"elements": None}, "elements"),
    ({"elements": [{"price_components": []}]}, "elements[0].price_components"),
    ({"elements": [{"price_components": [ENERGY, ENERGY]}]}, "elements[0].price_components[1].type"),
    ({"elements": [{"price_components": [ENERGY], "name": "x" * 61}]}, "elements[0].name"),
    ({"elements": ["free"]}, "elements[0]"),
    ({"elements": [{"price_components": [ENERGY]}] * 201}, "elements"),
    ([], "tariff"),
    (None, "tariff"),
]


@pytest.mark.parametrize(("body", "field"), WRONG, ids=[f"{n}-{field}" for n, (_, field) in enumerate(WRONG)])
def test_it_names_the_field_that_is_wrong(body, field):
    with pytest.raises(InvalidTariff) as refusal:
        parse_tariff(body)

    assert field in [name for name, _ in refusal.value.errors]
    assert all(sentence.endswith(".") for _, sentence in refusal.value.errors)
    assert isinstance(refusal.value, Refused)


def test_it_names_every_field_that_is_wrong_at_once():
    with pytest.raises(InvalidTariff) as refusal:
        parse_tariff(tariff({"price": "x", "vat": "y"}, {"start_time": "z"}))

    assert [name for name, _ in refusal.value.errors] == [
        "elements[0].price_components[0].price",
        "elements[0].price_components[0].vat",
        "elements[0].restrictions.start_time",
    ]


def test_a_limit_on_one_total_needs_one_vat_rate():
    flat = {"type": "FLAT", "price": "1", "vat": "7"}

    with pytest.raises(InvalidTariff) as refusal:
        parse_tariff({"elements": [{"price_components": [ENERGY, flat]}], "min_price": {"excl_vat": "1"}})

    assert refusal.value.errors == (
        ("min_price", "The prices have several VAT rates: name both excl_vat and incl_vat."),
    )


def test_it_stops_counting_at_a_hundred_mistakes():
    with pytest.raises(InvalidTariff) as refusal:
        parse_tariff({"elements": ["x"] * 200})

    assert len(refusal.value.errors) == 100
