"""Which firmware version is the newer one: numbers, dates, prefixes, suffixes, and names that do not tell."""

import pytest

from domain.firmware_versions import compare, key


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("1.10", "1.9"),
        ("v1.10", "1.9.9"),
        ("V 2.0", "v1.99"),
        ("FW-1.10", "fw1.9"),
        ("1.2", "1.2-rc1"),
        ("1.2-rc1", "1.2-beta4"),
        ("1.2b10", "1.2b2"),
        ("1.2p3", "1.2"),
        ("1.2.0-build12", "1.2.0-build9"),
        ("2024-03-02", "20240301"),
        ("01.04.2024", "2024.03.31"),
        ("1.5-EU", "1.4-US"),
        ("1.2-EU-4", "1.2-EU-3"),
        ("HW2-FW1.10", "HW2-FW1.9"),
        ("1.2.4-a1b2c3d", "1.2.3-ffa0012"),
        ("3_10_1", "3_9_12"),
        ("9" * 5000 + ".1", "1"),
    ],
)
def test_newer(newer, older):
    assert (compare(newer, older), compare(older, newer)) == (1, -1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.2", "1.2.0"),
        (" v1.2 ", "1.2"),
        ("1.4-EU", "1.4"),
        ("2024-03-01", "20240301"),
        ("Nimbus", "NIMBUS"),
        ("", ""),
    ],
)
def test_the_same(one, other):
    assert compare(one, other) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Nimbus", "Cirrus"),
        ("2024.03.01", "1.10"),
        ("1.4-EU", "1.4-US"),
        ("ABC-1.2", "DEF-1.3"),
        ("HW3-FW1.10", "HW2-FW1.9"),
        ("1.2.3+a1b2c3d", "1.2.3+ffa0012"),
        ("", "1.0"),
        ("?", "1.0"),
    ],
)
def test_cannot_be_told(one, other):
    assert (compare(one, other), compare(other, one)) == (None, None)


def test_spellings_have_one_key():
    assert [key(each) for each in ("V1.2.0", "version 1.2.0", " 1.2.0 ", "Ver_1.2.0")] == ["1.2.0"] * 4
