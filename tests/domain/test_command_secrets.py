"""Passwords in commands and answers are not kept in clear."""

from domain.command_secrets import masked, masked_answer

FRAME = '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"hunter2 \\"}{"}]'


def test_the_value_of_a_secret_key_is_masked_wherever_it_stands():
    assert masked(FRAME) == '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"•••"}]'
    assert masked('{"value": "a", "readonly": false, "key" : "WifiPassword"}') == (
        '{"value": "•••", "readonly": false, "key" : "WifiPassword"}'
    )


def test_an_address_for_an_upload_is_masked():
    text = '{"location":"https://desk.example/up/' + "aB3_-" * 8 + 'xyz"}'

    assert masked(text) == '{"location":"https://desk.example/up/•••"}'


def test_everything_else_stays_byte_for_byte():
    text = '[3,"1",{"configurationKey":[{"key":"CpoName","value":"secret plans","readonly":false}]}]'

    assert masked(text) == text


def test_an_answer_loses_only_what_is_secret():
    answer = {
        "configurationKey": [
            {"key": "AuthorizationKey", "readonly": False, "value": "hunter2"},
            {"key": "HeartbeatInterval", "readonly": False, "value": "60"},
        ]
    }

    kept = masked_answer(answer)

    assert [entry["value"] for entry in kept["configurationKey"]] == ["•••", "60"]
    assert answer["configurationKey"][0]["value"] == "hunter2"
