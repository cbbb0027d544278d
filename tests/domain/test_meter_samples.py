"""What samples say, section D of what real chargers do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.meter_samples import ENERGY, POWER, read


def sample(value: str, measurand: str | None = None, unit: str | None = None, **rest: str) -> dict[str, str]:
    given = {"value": value, "measurand": measurand, "unit": unit, **rest}
    return {name: text for name, text in given.items() if text is not None}


@pytest.mark.parametrize(
    ("samples", "energy_wh"),
    [
        ([sample("17137228.43", ENERGY, "Wh")], 17137228),
        ([sample("604.213", ENERGY, "Wh")], 604),
        ([sample("2133.8543", ENERGY, "kWh")], 2133854),  # D10
        ([sample("1000", ENERGY)], 1000),
        ([sample("1000")], 1000),  # D9: the default measurand is energy
        ([sample("1.5", unit="kWh")], 1500),
        ([sample("15.630", unit="A")], None),  # D9: not energy
        ([sample("5000", ENERGY, "W")], 5000),  # D4: the measurand is trusted
        ([sample("4296944685", ENERGY, "Wh")], 4296944685),  # beyond 32 bits
        ([sample("1e400", ENERGY)], None),
        ([sample("NaN", ENERGY)], None),
        ([sample("1_000", ENERGY)], None),
        ([sample("9" * 30, ENERGY)], None),
        ([sample("\uff11\uff12", ENERGY)], None),
        ([sample("", ENERGY)], None),
        ([sample("AP8yMTMz", ENERGY, "Wh", format="SignedData")], None),  # D11
        ([sample("2133.8543", ENERGY, format="SignedData"), sample("2133854.3", ENERGY, "Wh")], 2133854),
    ],
)
def test_the_register_in_wh(samples, energy_wh):
    assert read(samples).energy_wh == energy_wh


def test_d13_a_total_counts_before_its_phases():
    phases = [sample("3300", ENERGY, "Wh", phase=phase) for phase in ("L1", "L2", "L3")]

    assert read([*phases, sample("10000", ENERGY, "Wh")]).energy_wh == 10000
    assert read(phases).energy_wh == 9900


def test_d13_a_phase_named_twice_is_added_once():
    both = [sample("70.14", ENERGY, "Wh", phase="L1-N"), sample("70.14", ENERGY, "Wh", phase="L1")]

    assert read(both).energy_wh == 70


def test_the_outlet_counts_before_other_places():
    samples = [sample("9", ENERGY, location="Outlet"), sample("8", ENERGY, location="Inlet")]

    assert read(samples).energy_wh == 9
    assert read(samples[::-1]).energy_wh == 9


def test_begin_and_end_of_a_transaction_are_told_apart():
    reading = read(
        [sample("1000", ENERGY, context="Transaction.Begin"), sample("2421", ENERGY, context="Transaction.End")]
    )

    assert (reading.begin_wh, reading.end_wh, reading.energy_wh) == (1000, 2421, 2421)


@pytest.mark.parametrize(
    ("samples", "power_w"),
    [
        ([sample("7.2", POWER, "kW")], 7200),
        ([sample("6807.0", POWER, "W")], 6807),
        ([sample("2300", POWER, "W", phase=phase) for phase in ("L1", "L2", "L3")], 6900),
        ([sample("0", POWER, "W", phase="L1"), sample("30", POWER, "W")], 30),
        ([sample("-7.97", POWER, "W")], -8),
    ],
)
def test_power_in_w(samples, power_w):
    assert read(samples).power_w == power_w


@pytest.mark.parametrize(("text", "percent"), [("68", 68), ("100", 100), ("101", None), ("-1", None), ("67.6", 68)])
def test_state_of_charge_in_percent(text, percent):
    assert read([sample(text, "SoC", "Percent")]).soc_percent == percent


@pytest.mark.parametrize(
    "odd",
    [
        sample("49.965004", "Frequency", "W"),
        sample("68", "SoC", "V"),
        sample("16", "Current.Offered", "V"),
        sample("16", "Current.Import", "V"),
    ],
)
def test_d4_an_impossible_unit_is_flagged(odd):
    assert read([odd]).flags == ["unit_implausible"]


@pytest.mark.parametrize(
    ("volts", "amps", "watts", "flags"),
    [
        ("230", "16", "3680", []),
        ("230", "16", "11040", []),  # one current for three phases
        ("230", "16", "368", ["power_implausible"]),  # ten times too low
        ("0.0", "16", "3680", ["power_implausible"]),  # no voltage while charging
        ("0.0", "0", "0", []),
        ("230", "0.1", "40", []),
    ],
)
def test_d12_power_that_fits_neither_voltage_nor_current_is_flagged(volts, amps, watts, flags):
    reading = read([sample(volts, "Voltage", "V"), sample(amps, "Current.Import", "A"), sample(watts, POWER, "W")])

    assert reading.flags == flags


def test_d14_voltage_alone_says_nothing_about_energy():
    reading = read([sample("244.54", "Voltage", "V")])

    assert (reading.energy_wh, reading.power_w, reading.flags) == (None, None, [])


words = st.sampled_from([ENERGY, POWER, "Voltage", "Current.Import", "SoC", "Nonsense", ""])
fields = st.fixed_dictionaries(
    {"value": st.text(max_size=12) | st.floats().map(str)},
    optional={"measurand": words, "unit": st.sampled_from(["Wh", "kWh", "W", "kW", "A", "V", "x"]), "phase": words},
)


@given(st.lists(fields, max_size=6))
def test_no_sample_makes_it_stumble(samples):
    reading = read(samples)

    assert reading.energy_wh is None or abs(reading.energy_wh) <= 3 * 10**15
