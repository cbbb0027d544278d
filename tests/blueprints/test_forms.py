"""Enter in any field of any form does what its main button does."""

import re
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).parents[2] / "templates"
FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)
SUBMIT = re.compile(r"\{\{ enter\(|<button\b(?:[^>{]|\{\{.*?\}\}|\{%.*?%\})*>")
FORMS = [
    (path.relative_to(TEMPLATES).as_posix(), form)
    for path in sorted(TEMPLATES.rglob("*.html"))
    for form in FORM.findall(path.read_text())
]


def first_submit(form: str) -> str:
    """What a browser presses for Enter: the first submit button in the form, seen or not."""
    return next((each for each in SUBMIT.findall(form) if 'type="button"' not in each), "")


def does_something_else(button: str) -> bool:
    return not button.startswith("{{ enter(") and ("formaction" in button or "name=" in button)


def takes_text(form: str) -> bool:
    """Whether there is a field in which Enter sends the form."""
    return bool(re.search(r"\bfield\(|cell\(|period\(", form)) or any(
        not re.search(r'type="(hidden|checkbox|radio|file)"', each) for each in re.findall(r"<input\b[^>]*>", form)
    )


@pytest.mark.parametrize(("template", "form"), [each for each in FORMS if takes_text(each[1])])
def test_enter_presses_the_main_button(template, form):
    assert not does_something_else(first_submit(form)), f"{template}: call enter() first"


def test_the_walk_tells_the_two_apart():
    assert does_something_else(first_submit('<form><button formaction="/off">Off</button><button>On</button></form>'))
    assert not does_something_else(first_submit('<form>{{ enter() }}<button formaction="/off">Off</button></form>'))
