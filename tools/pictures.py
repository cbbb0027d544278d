"""Takes the README's pictures from a running demo: `python tools/pictures.py http://localhost:8000 /c/CODE`."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
PAGES = {
    "overview": "/overview",
    "chargers": "/chargers",
    "charger": "/chargers/HE60D01930041",
    "billings": "/billings",
    "electricity": "/stations/1/electricity",
}


def main(url: str, driver_path: str) -> None:
    """The pictures are in docs/pictures/."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = _page(browser, url, DESKTOP)
        page.goto("/sign-in")
        page.fill("input[name=email]", "owner@harbour.example")
        page.fill("input[name=password]", "demo demo demo")
        page.press("input[name=password]", "Enter")
        page.wait_for_url("**/overview")
        for name, path in PAGES.items():
            page.goto(path)
            page.screenshot(path=FOLDER / f"{name}.png")
        phone = _page(browser, url, PHONE)
        phone.goto(driver_path)
        phone.screenshot(path=FOLDER / "driver.png")
        browser.close()


def _page(browser: Browser, url: str, size: dict[str, int]) -> Page:
    context = browser.new_context(base_url=url, viewport=size, locale="en-GB")  # type: ignore[arg-type]
    return context.new_page()


if __name__ == "__main__":
    main(*sys.argv[1:3])
