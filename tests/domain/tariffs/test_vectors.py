"""The published and hand-worked sessions, each with the cost that must come out."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.tariffs import price_described

FILES = sorted((Path(__file__).parents[2] / "data" / "tariffs").glob("*.json"))
DESCRIBED = ("tariff", "tariff_changes", "time_zone", "currency", "session")
ONE_MILLIONTH = Decimal("0.000001")


def agree(ours: object, theirs: object, path: str, tolerance: Decimal) -> None:
    """Both say the same; amounts are compared as numbers."""
    if isinstance(theirs, dict):
        assert isinstance(ours, dict), path
        assert sorted(ours) == sorted(theirs), path
        for name, value in theirs.items():
            agree(ours[name], value, f"{path}.{name}", tolerance)
    elif isinstance(theirs, str) and theirs.lstrip("-")[0].isdigit():
        assert isinstance(ours, str), path
        assert abs(Decimal(ours) - Decimal(theirs)) <= tolerance, f"{path}: {ours} is not {theirs}"
    else:
        assert ours == theirs, path


def priced_lines(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines that cost something, without the quantity in hours, which is printed rounded."""
    kept = [line for line in lines if Decimal(line["excl_vat"] or line["incl_vat"])]
    return [{k: v for k, v in line.items() if k != "quantity" or line["unit"] != "h"} for line in kept]


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_it_prices_a_vector_as_expected(path):
    vector = json.loads(path.read_text())
    expected = vector["expected"]

    expected.pop("billed_other_reading", None)
    tolerance = ONE_MILLIONTH if expected.pop("six_decimals", False) else Decimal(0)

    answer = price_described({name: vector[name] for name in DESCRIBED if name in vector})

    ours, theirs = priced_lines(answer.pop("lines")), priced_lines(expected.pop("lines"))
    assert len(ours) == len(theirs)
    for position, (line, expected_line) in enumerate(zip(ours, theirs, strict=True)):
        agree(line, expected_line, f"lines[{position}]", tolerance)
    agree(answer, expected, "expected", tolerance)


def test_there_are_80_vectors():
    assert len(FILES) == 80
