"""Spreadsheets of devices."""

import pytest

from domain import device_rows
from domain.device_rows import DeviceRow
from domain.errors import Refused


def test_a_head_in_any_spelling_and_empty_rows_are_left_out():
    rows = device_rows.from_sheet(b"Device_ID;Device account\n\nQC60D01;0071\n;\n", most=5)

    assert rows == [DeviceRow("QC60D01", "0071")]


def test_columns_are_found_by_their_heads_as_in_an_import():
    rows = device_rows.from_sheet(b"account,device id\n'-71,QC60D01\n,=1+1\n", most=5)

    assert rows[0] == DeviceRow("QC60D01", "-71")
    assert rows[1].trouble is not None


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"a,b\n" * 600_000, "larger than 2 MiB"),
        (b"a,b\n" * 7, "more than 5"),
        (b"device id,x\n", "holds no rows"),
    ],
)
def test_what_is_too_much_or_nothing_is_refused(data, sentence):
    with pytest.raises(Refused, match=sentence):
        device_rows.from_sheet(data, most=5)
