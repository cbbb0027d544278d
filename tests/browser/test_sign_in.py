"""A person signs in, by keyboard, with and without JavaScript, in light and dark, at a desk and on a phone."""

import re

import pytest
from playwright.sync_api import expect

from domain import passwords
from tests import factories
from tests.browser.conftest import DESKTOP, PHONE, inspect

PASSWORD = "correct horse battery"
LOOKS = [(size, scheme) for size in (DESKTOP, PHONE) for scheme in ("light", "dark")]


@pytest.fixture
def dora(make):
    return make(
        factories.user,
        make(factories.operator),
        email="dora@example.com",
        name="Dora Quay",
        password_hash=passwords.hash_password(PASSWORD),
    )


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_sign_in_page_is_sound(visit, size, scheme):
    page = visit("/sign-in", size=size, scheme=scheme)

    assert inspect(page) == []


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_refused_form_is_sound_and_leads_to_the_fault(visit, size, scheme):
    page = visit("/sign-in", size=size, scheme=scheme)

    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_text("Enter your e-mail address.")).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_be_focused()
    assert inspect(page) == []


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_page_inside_is_sound_with_its_menus_open(visit, dora, size, scheme):
    page = visit("/password", user=dora, size=size, scheme=scheme)

    page.get_by_role("button", name="account of Dora Quay").click()

    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert inspect(page) == []


@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_other_pages_of_the_frame_are_sound(visit, dora, path):
    page = visit(path, user=dora, size=PHONE)

    assert [fault for fault in inspect(page) if "status of 404" not in fault] == []


@pytest.mark.parametrize("scripts", [True, False])
def test_signing_in_and_out_by_keyboard(visit, dora, scripts):
    page = visit("/password", scripts=scripts)

    page.get_by_label("E-mail address").focus()
    page.keyboard.type("dora@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Change password")).to_be_visible()
    page.get_by_role("button", name="account of Dora Quay").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_skip_link_comes_first(visit, dora):
    page = visit("/password", user=dora)

    page.keyboard.press("Tab")

    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_theme_is_in_the_servers_html(visit, dora, scripts):
    page = visit("/password", user=dora, scripts=scripts)

    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    answer = page.reload().text()

    assert '<html lang="en" data-bs-theme="dark">' in answer
    expect(page.locator("body")).to_have_css("background-color", "rgb(14, 18, 23)")


def test_the_drawer_opens_and_closes_on_a_phone_and_gives_focus_back(visit, dora):
    page = visit("/password", user=dora, size=PHONE)
    menu = page.get_by_role("button", name="Menu", exact=True)

    menu.click()
    expect(page.get_by_role("button", name="Close menu")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="Close menu")).to_be_hidden()
    expect(menu).to_be_focused()


def test_htmx_knows_the_token(visit, dora):
    page = visit("/password", user=dora)

    with page.expect_response(re.compile("/theme$")) as answer:
        page.evaluate("htmx.ajax('POST', '/theme', {values: {theme: 'dark'}, swap: 'none'})")

    assert answer.value.status == 204  # without the token: 400


def test_a_lost_login_leads_to_the_sign_in_page(visit, dora):
    page = visit("/password", user=dora)

    page.context.clear_cookies()
    page.evaluate("htmx.ajax('GET', '/password', {swap: 'none'})")

    expect(page).to_have_url(re.compile(r"/sign-in\?next=/password$"))
