import time
from contextlib import suppress

import pytest

from domain.json_text import InvalidJson, decode, encode


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": [1, -2.5, true, null, "\xc3\xa4"]}', {"a": [1, -2.5, True, None, "ä"]}),
        ("9223372036854775807", 9223372036854775807),
        ("-9223372036854775808", -9223372036854775808),
        ('"12345678901234567890123"', "12345678901234567890123"),
        (r'"\ud83d\ude00"', "😀"),
        (r'"\\u0000"', r"\u0000"),
        ("[" * 32 + "]" * 32, None),
        ("1e308", 1e308),
        (" [] \n", []),
    ],
)
def test_it_reads(text, value):
    read = decode(text)

    assert value is None or read == value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[1] 2", "not JSON"),
        ("{'a': 1}", "not JSON"),
        ("[1,]", "not JSON"),
        ("01", "not JSON"),
        ("1_000", "not JSON"),
        ("\ufeff{}", "not JSON"),
        ('"a\nb"', "not JSON"),
        ('"\0"', "not JSON"),
        (b'"\xff"', "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        ("NaN", "NaN is not a JSON number"),
        ("[Infinity]", "Infinity is not"),
        ("-Infinity", "-Infinity is not"),
        ("1e400", "too large"),
        ("-1e400", "too large"),
        ("9223372036854775808", "64 bits"),
        ("-9223372036854775809", "64 bits"),
        ("1" * 5000, "64 bits"),
        ('{"a": 1, "b": 2, "a": 1}', "'a' is given twice"),
        (r'{"a": 1, "\u0061": 2}', "'a' is given twice"),
        ("[" * 33 + "]" * 33, "deeper than 32"),
        ('{"a":' * 40 + "1" + "}" * 40, "deeper than 32"),
        ("[" * 100_000 + "]" * 100_000, "deeper than 32"),
        (r'"\u0000"', "NUL"),
        (r'["\ud800"]', "surrogate"),
        (r'{"\udc00": 1}', "surrogate"),
        (r'"\ude00\ud83d"', "surrogate"),
    ],
)
def test_it_refuses(text, sentence):
    with pytest.raises(InvalidJson, match=sentence):
        decode(text)


@pytest.mark.parametrize(
    "text",
    ["[" + "0," * 400_000 + "0]", '{"a":' * 100_000, "[" * 1_000_000, "[" + "[],{}," * 150_000 + "0]", "9" * 1_000_000],
)
def test_a_megabyte_of_mischief_costs_little(text):
    begin = time.process_time()
    with suppress(InvalidJson):
        decode(text)

    assert time.process_time() - begin < 10  # quadratic work would take minutes


def test_it_writes_compactly_and_in_order():
    assert encode({"b": [1, "ä"], "a": None}) == '{"b":[1,"ä"],"a":null}'


def test_it_never_writes_what_is_no_json():
    with pytest.raises(ValueError, match="Out of range"):
        encode(float("nan"))
