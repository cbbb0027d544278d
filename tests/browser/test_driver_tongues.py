"""The driver's pages in four languages on a phone: small, sound, and as wide as the phone in every state."""

import pytest
from playwright.sync_api import Page, expect

from domain.clock import utcnow
from tests import driver_states
from tests.browser.conftest import PHONE, inspect
from tests.browser.test_driver_journey import CODE, PATIENCE_MS, site  # noqa: F401 - a fixture
from tests.money_world import World

LANGUAGES = ("en", "de", "fr", "es")
NARROW = 360
MOST_BYTES = 25_000
# The widest of every kind, for measuring and for axe.
LARGE = ("many prices", "every state of a plug", "charging", "paid, all prices", "test checkout", "unknown code")
# Words that stick out of their box although the page itself does not scroll.
STICKING_OUT = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walker.nextNode()) {
    const text = walker.currentNode;
    if (!text.data.trim() || text.parentElement.closest(".sr, script, noscript")) continue;
    const box = text.parentElement.closest(".card, .plug, .b, .say, .bar, main, footer, body").getBoundingClientRect();
    const range = document.createRange();
    range.selectNodeContents(text);
    for (const line of range.getClientRects())
      if (line.right > box.right + 1 || line.left < box.left - 1) { found.push(text.data.trim()); break; }
  }
  return found;
}"""


@pytest.fixture
def world(live):
    world = driver_states.prepare(World(live.engine, now=utcnow()))
    yield world
    world.db.close()


def faults_of(page: Page) -> list[str]:
    return [fault for fault in inspect(page) if "status of 404" not in fault]


@pytest.mark.parametrize("state", driver_states.STATES)
def test_every_state_fits_a_narrow_phone_in_every_language(visit, world, state):
    address = driver_states.STATES[state](world)
    page = visit(f"{address}?lang=en", size=(NARROW, 640))
    too_wide = {}

    for language in LANGUAGES:
        for width in (NARROW, PHONE[0]):
            page.set_viewport_size({"width": width, "height": 640})
            page.goto(f"{address}?lang={language}")
            excess = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            words = page.evaluate(STICKING_OUT)
            if excess > 0 or words:
                too_wide[language, width] = (excess, words)

    assert too_wide == {}
    assert page.complaints == [] or "404" in page.complaints[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", LARGE)
def test_it_is_sound_in_every_language(visit, world, state, scheme):
    address = driver_states.STATES[state](world)
    faults = {}

    for language in LANGUAGES:
        page = visit(f"{address}?lang={language}", size=PHONE, scheme=scheme)
        faults[language] = faults_of(page)

    assert faults == {language: [] for language in LANGUAGES}


@pytest.mark.parametrize("state", LARGE)
def test_a_page_with_all_it_needs_is_small(visit, world, state):
    address = driver_states.STATES[state](world)
    bytes_of = {}

    for language in LANGUAGES:
        page = visit("/healthz", size=PHONE)
        line = page.context.new_cdp_session(page)
        line.send("Network.enable")
        line.send("Network.setCacheDisabled", {"cacheDisabled": True})
        arrived = []
        line.on("Network.loadingFinished", lambda event, arrived=arrived: arrived.append(event["encodedDataLength"]))
        page.goto(f"{address}?lang={language}", wait_until="networkidle")
        bytes_of[language] = sum(arrived)
        assert len(arrived) >= 3  # page, style, icons at least

    assert {language: size for language, size in bytes_of.items() if not 5_000 < size <= MOST_BYTES} == {}


def test_the_language_is_switched_without_scripts_and_kept(visit, world):
    page = visit(f"/c/{world.code}", size=PHONE, scripts=False)

    page.get_by_role("link", name="Deutsch").click()
    expect(page.get_by_role("button", name="Bezahlen und laden")).to_be_visible()
    page.get_by_label("CCS").check()
    page.get_by_role("button", name="Bezahlen und laden").click()
    expect(page.get_by_text("Zu reservieren: Laden eines Elektroautos.")).to_be_visible()
    page.get_by_role("button", name="Mit Testgeld bezahlen").click()

    expect(page.get_by_role("heading", name="Bereit zum Laden")).to_be_visible()
    expect(page.get_by_role("link", name="Deutsch")).to_have_attribute("aria-current", "true")


def test_a_phone_can_keep_the_charger_among_its_apps(visit, world):
    page = visit(f"/c/{world.code}?lang=fr", size=PHONE)

    line = page.context.new_cdp_session(page)
    manifest = line.send("Page.getAppManifest")
    problems = line.send("Page.getInstallabilityErrors")["installabilityErrors"]
    known = page.evaluate("fetch(document.querySelector('link[rel=manifest]').href).then(answer => answer.json())")
    icons = page.evaluate(
        """icons => Promise.all(icons.map(icon => new Promise(done => {
          const image = new Image(); image.onload = () => done(`${image.naturalWidth}x${image.naturalHeight}`);
          image.onerror = () => done("none"); image.src = icon.src; })))""",
        known["icons"],
    )

    assert manifest["errors"] == []
    # A page in private browsing cannot be installed; nothing else stands in the way.
    assert {problem["errorId"] for problem in problems} <= {"in-incognito"}
    assert (known["start_url"], known["lang"], known["display"]) == (f"/c/{world.code}", "fr", "standalone")
    assert icons == [icon["sizes"] for icon in known["icons"]] == ["192x192", "512x512", "512x512"]
    assert page.evaluate("window.violations") == []


def test_from_the_sticker_to_the_bill_in_german(visit, site):  # noqa: F811 - the fixture
    page = visit(f"/c/{CODE}?lang=de", size=PHONE)
    page.set_default_timeout(PATIENCE_MS)
    expect(page.get_by_text("Wir reservieren diesen Betrag auf Ihrer Karte.")).to_be_visible()

    page.get_by_label("Anschluss 1").check()
    page.get_by_role("button", name="Bezahlen und laden").click()
    page.get_by_label("4242").check()
    page.get_by_role("button", name="Mit Testgeld bezahlen").click()
    expect(page.get_by_role("heading", name="Bereit zum Laden")).to_be_visible()
    expect(page.get_by_text("45,00\u00a0€ sind reserviert (Visa •••• 4242).")).to_be_visible()
    page.get_by_role("button", name="Laden starten").click()
    expect(page.get_by_role("heading", name="Ihr Auto lädt")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Laden beenden").click()

    expect(page.get_by_role("heading", name="Ihre Abrechnung")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Bezahlt mit Visa •••• 4242.")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("html")).to_have_attribute("lang", "de")
    assert inspect(page) == []
