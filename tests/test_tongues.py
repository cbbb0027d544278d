"""The catalogues: every sentence for drivers is in each of them, whole, and says the same with the same figures."""

import ast
import re
import sys
from pathlib import Path

import pytest
from jinja2 import Environment
from jinja2.lexer import TOKEN_DATA

from domain import catalogues
from providers import paypal_facts, sandbox
from providers.stripe import words as stripe_words

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import messages  # noqa: E402 - a tool, no package

FOREIGN = catalogues.LANGUAGES[1:]
TEMPLATES = sorted(path for folder in messages.TEMPLATES for path in (ROOT / folder).rglob("*.html"))
PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")
# Names and signs, the same in every language.
NO_WORDS = {"Voltdesk", "PayPal", "kWh"}


@pytest.fixture(scope="module")
def extracted():
    return [message for message in messages.extracted() if message.id]


def sentences(message):
    """The English of a message: one sentence, or singular and plural."""
    return message.id if isinstance(message.id, tuple) else (message.id,)


@pytest.mark.parametrize("language", FOREIGN)
def test_every_sentence_is_translated(extracted, language):
    written = messages.written(language)

    missing = []
    for message in extracted:
        known = written.get(message.id)
        parts = [] if known is None else [known.string] if isinstance(known.string, str) else known.string
        if not parts or not all(parts) or known.fuzzy:
            missing.append(message.id)

    assert missing == []


@pytest.mark.parametrize("language", FOREIGN)
def test_no_sentence_is_left_over(extracted, language):
    wanted = {message.id for message in extracted}

    assert [message.id for message in messages.written(language) if message.id and message.id not in wanted] == []


@pytest.mark.parametrize("language", FOREIGN)
def test_placeholders_are_the_same(language):
    differing = []
    for message in messages.written(language):
        if isinstance(message.id, tuple):
            one, many = message.id
            pairs = [(one, message.string[0]), *((many, part) for part in message.string[1:])]
        else:
            pairs = [(message.id, message.string)]
        differing += [
            english
            for english, foreign in pairs
            if sorted(PLACEHOLDER.findall(english)) != sorted(PLACEHOLDER.findall(foreign))
            or english.count("%%") != foreign.count("%%")
        ]

    assert differing == []


@pytest.mark.parametrize("language", FOREIGN)
def test_sentences_end_alike(language):
    """A sentence stays a sentence, a label a label, and a question a question."""
    differing = [
        message.id
        for message in messages.written(language)
        if message.id
        and isinstance(message.id, str)
        and message.id[-1] in ".?"
        and message.string[-1] != message.id[-1]
    ]

    assert differing == []


def test_addresses_are_formal():
    german = " ".join(str(message.string) for message in messages.written("de") if message.id)
    french = " ".join(str(message.string) for message in messages.written("fr") if message.id)
    spanish = " ".join(str(message.string) for message in messages.written("es") if message.id)

    assert re.findall(r"\b(?:du|dich|dir|dein\w*|deine\w*)\b", german, re.I) == []
    assert re.findall(r"\b(?:tu|ton|ta|tes|toi)\b", french, re.I) == []
    assert re.findall(r"\b(?:tú|tus|ti|contigo|puedes|tienes)\b", spanish, re.I) == []


def test_french_signs_stand_behind_a_space_that_does_not_break():
    for message in (each for each in messages.written("fr") if each.id):
        for part in [message.string] if isinstance(message.string, str) else message.string:
            assert not re.search(r"[^\u00a0\s%(][;:?!»]|[ ][;:?!»]|«[^\u00a0]", part), part


# --- What no catalogue can know of ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_says_a_word_that_is_not_translated(path):
    """Text between the tags, and text in attributes that people hear or see."""
    plain = []
    template = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.S)
    for _line, token, value in Environment().lexer.tokeniter(template, path.name):
        if token == TOKEN_DATA:
            plain.append(value)
        elif token.endswith("_end") or token.endswith("_begin"):
            plain.append("\x00")
    text = "".join(plain)
    heard = re.findall(r'\b(?:aria-label|alt|title|placeholder)="([^"]*)"', text)
    seen = re.sub(r"<[^>]*>", "\n", text).split("\n")

    words = {word for part in (*heard, *seen) for word in re.findall(r"[A-Za-z]{2,}", part)}

    assert words - NO_WORDS == set()


@pytest.mark.parametrize(
    ("path", "functions"),
    [
        ("domain/journey.py", None),
        ("domain/payments.py", None),
        ("domain/station_hours.py", {"check_open"}),
        ("blueprints/driver.py", None),
        ("blueprints/driver_place.py", None),
        ("blueprints/sandbox.py", None),
    ],
)
def test_every_refusal_that_reaches_drivers_is_marked(path, functions):
    tree = ast.parse((ROOT / path).read_text())
    bodies = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    chosen = [node for node in bodies if functions is None or node.name in functions]
    raised = [
        node.exc.args[0] for body in chosen for node in ast.walk(body) if isinstance(node, ast.Raise) and _tells(node)
    ]

    unmarked = [ast.unparse(told) for told in raised if isinstance(told, ast.Constant | ast.JoinedStr)]

    assert chosen
    assert [told for told in unmarked if "=" not in told] == []  # a ValueError shows figures, to us


def _tells(node):
    return isinstance(node.exc, ast.Call) and node.exc.args and node.exc.func.id != "ValueError"


def test_the_reasons_of_providers_are_known():
    reasons = {
        *stripe_words._DECLINES.values(),
        stripe_words.DECLINED,
        sandbox.DECLINED,
        sandbox.NOT_CONFIRMED,
        sandbox.REFUND_REFUSED,
        paypal_facts.DECLINED,
        paypal_facts.REFUND_FAILED,
    }

    assert [reason for reason in reasons if not catalogues.is_spoken(reason)] == []


# --- The catalogues at work -----------------------------------------------------------------------------------------


def test_plurals_follow_the_language():
    def first_minutes(language, count):
        known = catalogues.catalogue(language)
        return known.ngettext("free for the first minute", "free for the first %(num)s min", count)

    assert [first_minutes("de", count) for count in (1, 15)] == [
        "die erste Minute kostenlos",
        "die ersten %(num)s Minuten kostenlos",
    ]
    assert [first_minutes("fr", count) for count in (0, 1, 2)] == [
        "gratuit la première minute",
        "gratuit la première minute",
        "gratuit les %(num)s premières minutes",
    ]
    assert first_minutes("en", 1) == "free for the first minute"


@pytest.mark.parametrize("language", ["fi", "xx", "../de", None])
def test_where_there_is_no_catalogue_english_is_spoken(language):
    assert catalogues.translated("EV charging", language) == "EV charging"
