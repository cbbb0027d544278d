"""No device id hides a page, and no page hides a charger's."""

import re

from domain import chargers

DEVICE_ID = "<device_id>"


def hidden_words(app):
    """The words that the address of a charger's page would be read as another page with."""
    adapter = app.url_map.bind("localhost")
    rules = list(app.url_map.iter_rules())
    for rule in (each for each in rules if DEVICE_ID in each.rule):
        before, after = rule.rule.split(DEVICE_ID, 1)
        words = {each.rule.removeprefix(before).split("/")[0] for each in rules if each.rule.startswith(before)}
        for word in sorted(each for each in words if each and "<" not in each):
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                path = before + word + re.sub(r"<int:\w+>", "1", re.sub(r"<any\((\w+).*?>", r"\1", after))
                if adapter.test(path, method) and adapter.match(path, method)[0] != rule.endpoint:
                    yield word


def test_the_reserved_words_are_those_of_our_addresses(app):
    assert set(hidden_words(app)) == chargers.RESERVED


def test_a_device_with_such_a_name_is_refused():
    assert chargers.identity_trouble("live") == (
        "“live” is a word of our addresses and cannot be a device id. Choose another one."
    )
