"""A database that does not answer: a page that needs none says so, and when to come again."""

import json

import pytest

from app import create_app
from domain.settings import Settings
from tests.blueprints.conftest import HTMX


@pytest.fixture(params=["sqlite", "postgresql"])
def browser(request, tmp_path):
    """A signed-in browser of an application whose database is gone."""
    gone = {
        "sqlite": f"sqlite:///{tmp_path / 'no-such-folder' / 'x.db'}",
        "postgresql": "postgresql://nobody@127.0.0.1:1/nothing",
    }
    app = create_app(Settings(database_url=gone[request.param], instance_dir=tmp_path, secret_key="test"))
    browser = app.test_client()
    with browser.session_transaction() as cookie:
        cookie["_user_id"] = "a login"
    return browser


@pytest.mark.parametrize("path", ["/", "/chargers", "/sign-in", "/nowhere"])
def test_pages_say_so_and_when_to_come_again(browser, path):
    response = browser.get(path)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert response.headers["Cache-Control"] == "no-store"
    assert "The database does not answer" in response.text


def test_drivers_read_it_in_their_language(browser):
    response = browser.get("/c/ABCD2345", headers={"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"})

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert '<html lang="de">' in response.text
    assert "Ein laufender Ladevorgang geht weiter. Versuchen Sie es in einer Minute noch einmal." in response.text


def test_a_live_page_stays_as_it_is(browser):
    response = browser.get("/chargers/live", headers=HTMX)

    assert (response.status_code, response.text) == (503, "")
    assert response.headers["HX-Reswap"] == "none"
    assert json.loads(response.headers["HX-Trigger"])["toast"].startswith("The database does not answer")


def test_programs_get_it_as_json(browser):
    response = browser.get("/chargers", headers={"Accept": "application/json"})

    assert response.status_code == response.json["status"] == 503
    assert response.json["detail"] == "Nothing was changed. Try again in a minute."
