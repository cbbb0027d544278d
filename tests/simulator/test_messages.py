"""What meter values look like on each kind of connector."""

from datetime import UTC, datetime

import pytest

from simulator import messages
from simulator.connector import Connector
from simulator.power import Outlet, Vehicle

NOW = datetime(2025, 6, 2, 10, 0, tzinfo=UTC)
EVERYTHING = list(messages.MEASURANDS)


def sampled(connector):
    value = messages.meter_value(connector, NOW, "Sample.Periodic", EVERYTHING)
    return {(s["measurand"], s.get("phase")): (s["value"], s["unit"]) for s in value["sampledValue"]}


def test_a_single_phase_connector():
    connector = Connector(1, Outlet("AC", 7_400, 1), 1234.9, vehicle=Vehicle(soc=0.5), power_w=6_900)

    assert sampled(connector) == {
        ("Energy.Active.Import.Register", None): ("1234", "Wh"),
        ("Power.Active.Import", None): ("6900", "W"),
        ("Power.Offered", None): ("7400", "W"),
        # 6900 W / 230 V and 7400 W / 230 V
        ("Current.Import", None): ("30.0", "A"),
        ("Current.Offered", None): ("32.2", "A"),
        ("Voltage", None): ("230.0", "V"),
        ("Temperature", None): ("31.0", "Celsius"),
    }


def test_a_dc_connector_tells_the_battery():
    connector = Connector(1, Outlet("DC", 60_000, 1), 0.0, vehicle=Vehicle(soc=0.5), power_w=38_000, limit_w=41_000)

    values = sampled(connector)

    # Half full: 380 V, so 38 kW are 100 A.
    assert values[("SoC", None)] == ("50", "Percent")
    assert values[("Voltage", None)] == ("380.0", "V")
    assert values[("Current.Import", None)] == ("100.0", "A")
    assert values[("Power.Offered", None)] == ("41000", "W")
    assert values[("Current.Offered", None)] == ("100.0", "A")


def test_an_empty_dc_connector_has_no_voltage_and_no_battery():
    values = sampled(Connector(1, Outlet("DC", 60_000, 1), 0.0))

    assert values[("Voltage", None)] == ("0.0", "V")
    assert values[("Current.Import", None)] == ("0.0", "A")
    assert ("SoC", None) not in values


@pytest.mark.parametrize(
    ("hour", "micro", "text"), [(10, 0, "2025-06-02T10:00:00.000Z"), (0, 1500, "2025-06-02T00:00:00.001Z")]
)
def test_times_are_utc_with_milliseconds(hour, micro, text):
    assert messages.stamp(datetime(2025, 6, 2, hour, microsecond=micro, tzinfo=UTC)) == text
