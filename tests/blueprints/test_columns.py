"""Which columns of the big lists are shown: chosen with a form, remembered, and harmless when made up."""

import pytest


@pytest.mark.parametrize(
    ("name", "path", "hidden"),
    [
        ("chargers", "/chargers", 3),
        ("sessions", "/sessions", 4),
        ("billings", "/billings", 5),
        ("stations", "/stations", 2),
    ],
)
def test_what_is_not_ticked_is_hidden_until_it_is_ticked_again(alice, name, path, hidden):
    all_of_them = [str(place) for place in range(1, 9)]
    some = [place for place in all_of_them if place != str(hidden)]

    before = alice.get(path).text
    answer = alice.post("/columns", data={"list": name, "show": some, "next": path})
    after = alice.get(path).text
    alice.post("/columns", data={"list": name, "show": all_of_them, "next": path})

    assert '<table class="t cards">' in before
    assert (answer.status_code, answer.location) == (303, path)
    assert f'<table class="t cards hide-{hidden}">' in after
    assert '<table class="t cards">' in alice.get(path).text


def test_one_list_does_not_touch_the_other(alice):
    alice.post("/columns", data={"list": "chargers", "show": ["2"], "next": "/chargers"})

    assert '<table class="t cards hide-3 hide-4 hide-5 hide-6 hide-7 hide-8">' in alice.get("/chargers").text
    assert '<table class="t cards">' in alice.get("/sessions").text


def test_a_made_up_cookie_hides_nothing(alice):
    alice.set_cookie("columns", "chargers:99.x.3|nothing:1|::|")

    assert '<table class="t cards hide-3">' in alice.get("/chargers").text
