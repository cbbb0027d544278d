"""What every answer has in common: headers, caching, theme, navigation, errors."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from blueprints import headers, shell
from domain.errors import Conflict, NotFound, Refused
from domain.models.operators import Role
from tests import factories
from tests.blueprints.conftest import HTMX

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self' https://checkout.stripe.com https://www.paypal.com "
    "https://www.sandbox.paypal.com; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@pytest.mark.parametrize("path", ["/sign-in", "/healthz", "/nowhere", "/static/app.css"])
def test_every_answer_carries_the_headers(client, path):
    response = client.get(path)

    assert response.headers["Content-Security-Policy"] == POLICY
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    response.close()


def test_pages_are_never_stored_and_vary_by_asker(client):
    response = client.get("/sign-in")

    assert response.headers["Cache-Control"] == "no-store"
    assert {"HX-Request", "Cookie", "Accept-Encoding"} <= set(response.headers["Vary"].split(", "))


def test_a_redirect_leads_the_browser_and_is_not_swapped_into_a_form(client):
    plain = client.post("/theme", data={"theme": "dark", "next": "/overview"})
    led = client.post("/theme", data={"theme": "dark", "next": "/overview"}, headers=HTMX)

    assert (plain.status_code, plain.location) == (303, "/overview")
    assert (led.status_code, led.headers["HX-Redirect"], led.data) == (204, "/overview", b"")
    assert "Location" not in led.headers
    assert "theme=dark" in led.headers["Set-Cookie"]


def test_static_files_are_kept_for_ever_under_their_hash_only(app, client):
    with app.test_request_context():
        version = headers.static_version("app.css")

    hashed = client.get(f"/static/app.css?v={version}")
    others = [client.get("/static/app.css"), client.get("/static/app.css?v=0123456789ab")]

    assert hashed.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert [response.headers["Cache-Control"] for response in others] == ["no-cache", "no-cache"]
    for response in [hashed, *others]:
        response.close()


@pytest.mark.parametrize("way", ["../app.py", "vendor/../../app.py", "%2e%2e/app.py", "..%2fapp.py"])
def test_an_address_never_tells_what_is_in_files_outside_the_static_folder(client, way):
    inside = hashlib.sha256(Path("app.py").read_bytes()).hexdigest()[:12]

    response = client.get(f"/static/{way}?v={inside}")

    assert response.status_code == 404
    assert response.headers["Cache-Control"] == "no-cache"


def test_files_outside_the_static_folder_have_no_version(app):
    with app.test_request_context():
        versions = [headers.static_version(name) for name in ("../app.py", "vendor/../../app.py", "/etc/passwd")]

    assert versions == [None, None, None]


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_text_is_compressed(client, encoding):
    page = client.get("/sign-in", headers={"Accept-Encoding": encoding})
    styles = client.get("/static/app.css", headers={"Accept-Encoding": encoding})

    assert page.headers["Content-Encoding"] == styles.headers["Content-Encoding"] == encoding
    assert len(page.data) < 2_500
    styles.close()


def test_pages_have_no_inline_style_or_script(alice, client):
    texts = [client.get("/sign-in").text, alice.get("/password").text, alice.get("/nowhere").text]

    for text in texts:
        assert "<style" not in text
        assert not re.search(r"\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", text)


def test_no_template_switches_escaping_off(app):
    sources = {name: app.jinja_env.loader.get_source(app.jinja_env, name)[0] for name in app.jinja_env.list_templates()}

    careless = [
        name for name, text in sources.items() if re.search(r"\|\s*safe\b|autoescape\s+false|hx-on|\sstyle=", text)
    ]

    assert careless == []


def test_htmx_is_configured_as_the_policy_needs(client):
    text = client.get("/sign-in").text

    config = json.loads(re.search(r"name=\"htmx-config\" content='([^']+)'", text)[1].replace("&#34;", '"'))

    assert config["allowEval"] is False
    assert config["allowScriptTags"] is False
    assert config["includeIndicatorStyles"] is False
    assert config["historyCacheSize"] == 0
    assert config["selfRequestsOnly"] is True
    assert [rule["code"] for rule in config["responseHandling"]] == ["204", "[23]..", "422", "[45].."]


@pytest.mark.parametrize("chosen", ["light", "dark"])
def test_the_server_renders_the_chosen_theme(client, chosen):
    response = client.post("/theme", data={"theme": chosen, "next": "/sign-in"})

    text = client.get("/sign-in").text

    assert (response.status_code, response.location) == (303, "/sign-in")
    assert f'<html lang="en" data-bs-theme="{chosen}">' in text
    assert f'<meta name="color-scheme" content="{chosen}">' in text


@pytest.mark.parametrize("cookie", [None, "pink", '"><script>'])
def test_without_a_choice_the_system_decides(client, cookie):
    if cookie:
        client.set_cookie("theme", cookie)

    text = client.get("/sign-in").text

    assert '<html lang="en">' in text
    assert '<meta name="color-scheme" content="light dark">' in text


def test_an_unknown_theme_is_refused(client):
    assert client.post("/theme", data={"theme": "pink"}).status_code == 400


def test_the_search_key_can_be_switched_off(alice):
    alice.post("/keys", data={"keys": "off"})

    assert "Switch on the / key" in alice.get("/password").text


def test_the_menu_shows_no_page_that_does_not_exist(alice, app):
    text = alice.get("/password").text

    links = set(re.findall(r'<a href="(/[^"?#]*)"', text))
    assert all(alice.get(link).status_code != 404 for link in links)


def test_the_badge_says_when_money_is_test_money(alice, make, harbour):
    before = alice.get("/password").text
    make(factories.payment_account, harbour)

    after = alice.get("/password").text

    assert "Test money" not in before
    assert "Test money" in after


def test_platform_staff_see_the_platform(make, sign_in):
    admin = sign_in(make(factories.user, None, Role.PLATFORM_ADMIN, name="Pia Admin"))

    text = admin.get("/password").text

    assert "<small>Platform</small>" in text
    assert "PA<span" in text


def test_the_session_cookie_is_closed_to_scripts_and_named_after_the_port(client):
    cookie = client.get("/sign-in").headers["Set-Cookie"]

    assert cookie.startswith("voltdesk_8000=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFound("No such charger."), 404), (Refused("Is offline."), 422), (Conflict("Has moved on."), 409)],
)
def test_domain_errors_become_pages_and_messages(own_app, error, status):
    def fail():
        raise error

    fail.requirement = own_app.view_functions["health.healthz"].requirement
    own_app.add_url_rule("/fail", "fail", fail)

    page = own_app.test_client().get("/fail")
    message = own_app.test_client().get("/fail", headers=HTMX)

    assert (page.status_code, message.status_code) == (status, status)
    assert str(error) in page.text
    assert json.loads(message.headers["HX-Trigger"]) == {"toast": str(error)}
    assert message.headers["HX-Reswap"] == "none"
    assert message.text == ""


def test_a_view_without_declaration_is_closed(own_app, make, harbour, sign_in):
    own_app.add_url_rule("/forgotten", "forgotten", lambda: "secret")

    response = sign_in(make(factories.user, harbour), own_app).get("/forgotten")

    assert response.status_code == 403
    assert "secret" not in response.text


def test_a_bug_is_told_without_details(own_app):
    def fail():
        raise KeyError("secret detail")

    fail.requirement = own_app.view_functions["health.healthz"].requirement
    own_app.add_url_rule("/broken", "broken", fail)
    own_app.testing = False
    own_app.config["PROPAGATE_EXCEPTIONS"] = False

    response = own_app.test_client().get("/broken")

    assert response.status_code == 500
    assert "Something broke on our side" in response.text
    assert "secret detail" not in response.text


@pytest.mark.parametrize(
    ("name", "letters"), [("Maria Laine", "ML"), ("Harbour Energy Oy", "HO"), ("Voltdesk", "VO"), ("x", "X")]
)
def test_initials(name, letters):
    assert shell.initials(name) == letters


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/stations/{station}/hours", "Charging stations"),
        ("/stations/{station}/photos", "Charging stations"),
        ("/stations/{station}/power", "Charging stations"),
        ("/chargers/HE60D1/configuration", "Chargers"),
        ("/chargers/HE60D1/firmware", "Chargers"),
        ("/firmware", "Firmware upgrade"),
        ("/overview", "Overview"),
    ],
)
def test_the_menu_shows_where_one_is(alice, make, harbour, path, entry):
    charger = make(factories.charger, make(factories.station, harbour), device_id="HE60D1")

    side = alice.get(path.format(station=charger.station_id)).text.split('id="side"')[1].split("</nav>")[0]

    current = re.findall(r'aria-current="page"><svg.*?</svg>([^<\n]+)', side)
    assert [each.strip() for each in current] == [entry]
