"""Vendored files are what their packages held; the sprite has every icon that a template names."""

import base64
import hashlib
import json
import re
from pathlib import Path

from blueprints import navigation, words

ROOT = Path(__file__).parent.parent
VENDOR = ROOT / "static" / "vendor"
ICONS = set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "static" / "icons.svg").read_text()))


def test_every_vendored_file_has_the_hash_it_came_with():
    listed = json.loads((VENDOR / "sri.json").read_text())

    hashes = {
        path.name: "sha384-" + base64.b64encode(hashlib.sha384(path.read_bytes()).digest()).decode()
        for path in VENDOR.iterdir()
        if path.is_file() and path.name != "sri.json"
    }

    assert hashes == {name: entry["integrity"] for name, entry in listed.items()}


def test_every_package_has_its_licence():
    packages = {entry["package"] for entry in json.loads((VENDOR / "sri.json").read_text()).values()}

    licences = {path.stem for path in (VENDOR / "licences").iterdir()}

    assert licences == {package[::-1].replace("@", "-", 1)[::-1] for package in packages} | {"tabler-icons-3.51.0"}


def test_the_pins_are_the_decided_ones():
    packages = {entry["package"] for entry in json.loads((VENDOR / "sri.json").read_text()).values()}

    assert packages == {"htmx.org@2.0.11", "bootstrap@5.3.8", "dejavu-fonts-ttf@2.37.3", "leaflet@1.9.4"}


def test_every_named_icon_is_in_the_sprite():
    templates = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    named = set(re.findall(r'\bic\("([a-z0-9-]+)"', templates))
    named |= {look.icon for look in words.LOOKS.values()} | {words.UNKNOWN.icon}
    named |= {entry.icon for _, entries in navigation.SECTIONS for entry in entries}

    assert named - ICONS == set()
