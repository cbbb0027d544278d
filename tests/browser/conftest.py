"""People's journeys in the system's Chromium, on the real application over HTTP. Without Chromium they are skipped.

`live` is the running product on an empty SQLite database; `visit(...)` opens a page of a person's browser;
`inspect(page)` says what is wrong with what that person sees.
"""

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from domain import logins
from domain.clock import utcnow
from domain.models.operators import UserAccount
from domain.settings import Settings

# The shell first: the same engine without the browser around it, at half the processor time.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = Path(__file__).parent.parent / "data" / "axe" / "axe.min.js"
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESKTOP, PHONE = (1440, 900), (390, 844)
RECORDER = """
window.violations = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip("no Chromium on this machine: apt-get install chromium"))


@dataclass(frozen=True)
class Live:
    """The running web application."""

    url: str
    engine: Engine
    cookie_name: str
    app: object


@pytest.fixture
def database_url(sqlite_database: Callable[[], str]) -> str:
    """SQLite only: what a browser sees does not depend on the database."""
    return sqlite_database()


@pytest.fixture
def live(app_for: Callable[[Settings], Flask], settings: Settings, engine: Engine) -> Iterator[Live]:
    """The application, answering on a free port of this machine."""
    app = app_for(settings)
    app.testing = False
    app.config["WTF_CSRF_ENABLED"] = True
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield Live(f"http://127.0.0.1:{server.port}", engine, app.config["SESSION_COOKIE_NAME"], app)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")  # not longer: its event loop would stand in the way of asynchronous tests
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, live: Live) -> Iterator[Callable[..., Page]]:
    """`visit("/chargers", user=alice, size=PHONE, scheme="dark", scripts=False)`: a page in a new browser."""
    contexts: list[BrowserContext] = []

    def open_page(
        path: str,
        user: UserAccount | None = None,
        size: tuple[int, int] = DESKTOP,
        scheme: str = "light",
        scripts: bool = True,
    ) -> Page:
        is_phone = size[0] < 600
        context = browser.new_context(
            base_url=live.url,
            viewport={"width": size[0], "height": size[1]},
            is_mobile=is_phone,
            has_touch=is_phone,
            color_scheme=scheme,
            locale="en-GB",
            java_script_enabled=scripts,
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        if user is not None:
            context.add_cookies([{"name": live.cookie_name, "value": login_cookie(live, user), "url": live.url}])
        if scripts:
            context.add_init_script(RECORDER)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda message: message.type == "error" and page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def login_cookie(live: Live, user: UserAccount) -> str:
    """The cookie of a person who has just signed in."""
    with Session(live.engine) as db:
        token = logins.start(db, user, "127.0.0.1", "tests", utcnow())
        db.commit()
    serializer = live.app.session_interface.get_signing_serializer(live.app)
    return serializer.dumps({"_user_id": token})


def inspect(page: Page) -> list[str]:
    """What is wrong with the page as it stands: policy violations, script errors, sideways overflow, axe findings.

    Look at a page last: axe leaves attributes behind that the policy then complains about. A refused form (422) makes
    the browser log one line, which is no fault.
    """
    faults = [f"policy: {violation}" for violation in page.evaluate("window.violations")]
    faults += [f"console: {text}" for text in page.complaints if "status of 422" not in text]
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if overflow > 0:
        faults.append(f"{overflow} px too wide")
    page.evaluate(AXE.read_text())
    result = page.evaluate("rules => axe.run(document, {runOnly: rules})", AXE_RULES)
    return faults + [
        f"axe {finding['id']}: {node['target']} {node['failureSummary']}"
        for finding in result["violations"]
        for node in finding["nodes"]
    ]
