"""Nobody is sent off this site."""

import itertools
import re
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints import addresses

OFF_SITE = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\tevil.example",
    "/\n/evil.example",
    "/ /evil.example",
    "\t//evil.example",
    "http:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "//[",
    "/\x00",
    "/\u2028",
    "",
    None,
]


@pytest.mark.parametrize("target", OFF_SITE)
def test_it_falls_back_to_the_home_page(target):
    assert addresses.safe(target) == "/"


@pytest.mark.parametrize("target", ["/", "/chargers", "/chargers?q=a%2Fb&sort=-label", "/orders/VD-2026-000001"])
def test_it_keeps_a_path_of_ours(target):
    assert addresses.safe(target) == target


def test_it_reads_what_htmx_encoded(app):
    headers = {"HX-Current-URL": "http://localhost/search?q=%C3%A4", "HX-Current-URL-URI-AutoEncoded": "true"}

    with app.test_request_context(headers=headers):
        assert addresses.htmx_page() == "/search?q=ä"


def host_in_a_browser(location):
    """Where a browser goes: it drops tabs and line ends, trims control characters, and reads backslashes as slashes."""
    seen = re.sub(r"[\t\r\n]", "", location).strip("".join(map(chr, range(0x21)))).replace("\\", "/")
    return urlsplit(urljoin("https://voltdesk.example/sign-in", seen)).hostname


STARTS = [
    "",
    "/",
    "//",
    "///",
    "/\\",
    "\\/",
    "/\t/",
    "/\r\n/",
    " //",
    "/ /",
    "/./",
    "/../",
    "/;/",
    "https:",
    "http:/",
    "https://",
    "HTTPS:\\",
]
HOSTS = [
    "evil.example",
    "evil.example/",
    "user@evil.example",
    "voltdesk.example@evil.example",
    "[::1]",
    "%2F%2Fevil.example",
]
ENDS = ["", "/chargers", "?next=/"]


def test_no_variation_leads_elsewhere():
    targets = ["".join(parts) for parts in itertools.product(STARTS, HOSTS, ENDS)]

    hosts = {host_in_a_browser(addresses.safe(target)) for target in targets}

    assert len(targets) >= 300
    assert hosts == {"voltdesk.example"}


@given(st.text("/\\:.@?#evil\t\n\r \0%", max_size=12))
def test_nothing_written_at_random_leads_elsewhere(target):
    assert host_in_a_browser(addresses.safe(target)) == "voltdesk.example"
