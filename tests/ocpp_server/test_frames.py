"""From text to frame, and how much of a broken one can be saved."""

import time

import pytest

from ocpp_server.frames import Call, Error, Result, Unreadable, read

NOT_READ = "FormationViolation"


@pytest.mark.parametrize(
    ("text", "message_id"),
    [
        ('[2,"1","Heartbeat",{}]', '"1"'),
        ('[2, "36:352" , "Heartbeat" , { } ]', '"36:352"'),
        ('[\n\t2,\r\n"0583200",\n"Heartbeat",\n{}\n]\n', '"0583200"'),
        ('[2,"12345678901234567890","Heartbeat",{}]', '"12345678901234567890"'),
        ('[2,12345678901234567890123,"Heartbeat",{}]', "12345678901234567890123"),
        ('[2,42,"Heartbeat",{}]', "42"),
        ('[2,4.20,"Heartbeat",{}]', "4.20"),
        ('[2,"","Heartbeat",{}]', '""'),
        ('[2,"a\\u0041\\"","Heartbeat",{}]', '"a\\u0041\\""'),
        ('[2,"Ä","Heartbeat",{}]', '"Ä"'),
    ],
)
def test_the_message_id_is_kept_byte_for_byte(text, message_id):
    frame = read(text)

    assert frame.id == message_id


def test_a_call_has_its_action_and_payload():
    assert read('[2,"1","Authorize",{"idTag":"04A1"}]') == Call('"1"', "Authorize", {"idTag": "04A1"})


def test_answers_are_told_from_calls():
    assert read('[3,"1",{"status":"Accepted"}]') == Result('"1"', {"status": "Accepted"})
    assert read('[4,"1","NotSupported","No",{}]') == Error('"1"', "NotSupported", "No")
    assert read('[4,"1","NotSupported"]') == Error('"1"', "NotSupported", "")
    assert read('[3,"1","Accepted"]') == Error('"1"', NOT_READ, "The CALLRESULT holds no object.")


def test_a_truncated_answer_fails_its_call():
    frame = read('[3,"17",{"configurationKey":[]')

    assert isinstance(frame, Error)
    assert (frame.id, frame.code) == ('"17"', NOT_READ)


@pytest.mark.parametrize(
    "text",
    [
        '[2,"1","A",{"x":NaN}]',
        '[2,"1","A",{"x":Infinity}]',
        '[2,"1","A",{"x":-Infinity}]',
        '[2,"1","A",{"x":1e400}]',
        '[2,"1","A",{"x":9223372036854775808}]',
        '[2,"1","A",{"x":-9223372036854775809}]',
        '[2,"1","A",{"x":' + "9" * 5000 + "}]",
        '[2,"1","A",{"x":01}]',
        '[2,"1","A",{"x":1.}]',
        '[2,"1","A",{"x":1,"x":2}]',
        '[2,"1","A",{"x":{"y":1,"y":1}}]',
        '[2,"1","A",{"x":"\\u0000"}]',
        '[2,"1","A",{"x":"\\ud800"}]',
        '[2,"1","A",{"x":"a\nb"}]',
        '[2,"1","A",{"x":' + "[" * 40 + "]" * 40 + "}]",
        '[2,"1","A",{"x":' + '{"a":' * 31 + "1" + "}" * 31 + "}]",
        '[2,"1","A",{"x":tru}]',
        '[2,"1","A",{\'x\':1}]',
        '[2,"1","A",{"x":1},]',
        '[2,"1","A",{"x":1}',
        '[2,"1","A",{"idTag":"336699\\\\\\","m":1}]',
        '[2,"1","A"]',
        '[2,"1","A",[]]',
        '[2,"1","A",null]',
        '[2,"1","A",{},{}]',
        '[2,"1",7,{}]',
        '[2,"1"]',
        '["2","1","A",{}]',
        '[2,"1","' + "A" * 65 + '",{}]',
    ],
)
def test_a_broken_call_is_known_by_its_id(text):
    frame = read(text)

    assert isinstance(frame, Unreadable)
    assert (frame.id, frame.code) == ('"1"', NOT_READ)


@pytest.mark.parametrize(
    "text",
    ["", " ", "hello", "null", "2", "{}", "[]", "[2]", "[2,]", '[2,null,"A",{}]', '[2,{},"A",{}]', '[2,true,"A",{}]']
    + ['[5,"1",{}]', '[6,"1","A",{}]', '[-1,"1"]', '["5","1",{}]', "[" * 100_000, '{"a":' * 100_000],
)
def test_what_has_no_id_is_no_call(text):
    frame = read(text)

    assert isinstance(frame, Unreadable)
    assert frame.id is None


@pytest.mark.parametrize(
    "value",
    ["9223372036854775807", "-9223372036854775808", "1e308", "0.1234567890123456789", "-0", "true", '"\\ud83d\\ude00"']
    + ['"\\u200f\\r\\n"', "[" * 29 + "]" * 29, '{"a":' * 28 + "1" + "}" * 28],
)
def test_the_edges_of_the_allowed_are_read(value):
    frame = read('[2,"1","A",{"x":' + value + "}]")

    assert isinstance(frame, Call)
    assert frame.quirks == ()


@pytest.mark.parametrize(
    ("payload", "repaired", "quirks"),
    [
        ('{"sampledValue":[,{"value":"1"}]}', {"sampledValue": [{"value": "1"}]}, ("B1",)),
        ('{"sampledValue":[ , {"value":"[,1"}]}', {"sampledValue": [{"value": "[,1"}]}, ("B1",)),
        ('{"transactionId":,"connectorId":1}', {"transactionId": None, "connectorId": 1}, ("B2",)),
        ('{"connectorId":1,"transactionId": }', {"transactionId": None, "connectorId": 1}, ("B2",)),
        ('{"a":[,{"b":,"c":":,"}]}', {"a": [{"b": None, "c": ":,"}]}, ("B1", "B2")),
    ],
)
def test_gaps_of_known_chargers_are_filled(payload, repaired, quirks):
    assert read(f'[2,"1","MeterValues",{payload}]') == Call('"1"', "MeterValues", repaired, quirks)


@pytest.mark.parametrize(
    "text",
    ['[2,"1",' + '"' + '\\"' * 120_000, '[2,"1","A",{"a":' + "[," * 120_000, '[2,"1","A",{' + '"a":,' * 50_000]
    + [
        '[2,"1","A",{"a":"' + "\\u0041" * 40_000 + '"}',
        '[2,"' + "\\" * 250_000,
        "[" + " " * 260_000,
        "[2," + '"' * 250_000,
    ],
)
def test_mischief_costs_little(text):
    began = time.process_time()

    read(text)

    assert time.process_time() - began < 1
