"""Contrast, computed from the style sheets' own tokens; colours stand nowhere but in tokens."""

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parent.parent / "static"
TEXT, LINES = 4.5, 3.0

BACK_OFFICE = [
    *[("ink", ground, TEXT) for ground in ("ground", "surface", "inset", "side", "hover", "picked", "brand-soft")],
    *[("muted", ground, TEXT) for ground in ("ground", "surface", "inset", "side", "hover", "picked")],
    *[("link", ground, TEXT) for ground in ("ground", "surface", "inset", "picked")],
    *[("on-brand", ground, TEXT) for ground in ("brand", "brand-h", "danger", "danger-h")],
    ("brand-ink", "brand-soft", TEXT),
    ("surface", "ink", TEXT),
    ("bad", "surface", TEXT),
    ("bad", "ground", TEXT),
    *[(tone, f"{tone}-soft", TEXT) for tone in ("ok", "busy", "warn", "bad", "off")],
    *[(f"p{n}-ink", f"p{n}", TEXT) for n in range(1, 5)],
    *[(line, "surface", LINES) for line in ("field", "focus", "accent", "chart", "bad")],
    ("focus", "ground", LINES),
]
DRIVER = [
    *[("ink", ground, TEXT) for ground in ("ground", "surface", "brand-soft", "warn-soft", "bad-soft")],
    *[("muted", ground, TEXT) for ground in ("ground", "surface", "brand-soft")],
    *[("link", ground, TEXT) for ground in ("ground", "surface")],
    *[("on-brand", ground, TEXT) for ground in ("brand", "brand-h", "danger")],
    *[(tone, ground, TEXT) for tone in ("ok", "warn", "bad") for ground in ("surface", "ground")],
    ("ok", "brand-soft", TEXT),
    ("warn", "warn-soft", TEXT),
    *[(line, "surface", LINES) for line in ("field", "focus", "accent")],
]
CASES = [("app.css", *pair) for pair in BACK_OFFICE] + [("driver.css", *pair) for pair in DRIVER]


def tokens(sheet, theme):
    found = re.findall(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", (STATIC / sheet).read_text())
    return {name: (light, dark)[theme] for name, light, dark in found}


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("sheet", "front", "back", "least"), CASES)
def test_it_can_be_read(sheet, front, back, least, theme):
    colours = tokens(sheet, theme)

    assert contrast(colours[front], colours[back]) >= least


def test_the_measure_is_the_standard_one():
    assert contrast("#ffffff", "#000000") == 21
    assert round(contrast("#ffffff", "#777777"), 2) == 4.48


@pytest.mark.parametrize("sheet", ["app.css", "driver.css"])
def test_no_colour_stands_outside_the_tokens(sheet):
    rules = (STATIC / sheet).read_text().split("\n}\n", 1)[1]

    assert re.findall(r"(?<!%23)#[0-9a-fA-F]{3,8}\b(?![^{]*\{)", rules) == []
