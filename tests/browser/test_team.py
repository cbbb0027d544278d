"""An owner invites somebody; the person joins and sets up two-factor sign-in; the log tells of both."""

import re

import pyotp
from playwright.sync_api import expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.models.mails import Mail
from tests import factories
from tests.browser.conftest import DESKTOP, PHONE, inspect


def test_from_invitation_to_second_factor(live, visit):
    with Session(live.engine, expire_on_commit=False) as db:
        owner = factories.user(db, factories.operator(db), email="alice@example.com", name="Alice Harbour")
        db.commit()
    page = visit("/team", user=owner)
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_role("button", name="Send invitation").click()
    expect(page.get_by_text("Enter an e-mail address.")).to_be_visible()
    page.get_by_label("E-mail address").fill("dora@example.com")
    page.get_by_label("Technician").check()
    page.get_by_role("button", name="Send invitation").click()
    expect(page.locator("#snack")).to_contain_text("The invitation is on its way")
    expect(page.locator("#team")).to_contain_text("dora@example.com")
    assert inspect(page) == []
    with Session(live.engine) as db:
        path = re.search(r"/invitation/\S+", db.scalars(select(Mail.body)).one())[0]

    dora = visit(path, size=PHONE, scheme="dark")
    dora.get_by_label("Your name").fill("Dora Diaz")
    dora.get_by_label("Password", exact=True).fill("a fine long phrase")
    dora.get_by_label("Password again").fill("a fine long phrase")
    dora.get_by_role("button", name="Join").click()
    dora.goto("/two-factor")
    dora.get_by_role("button", name="Set it up").click()
    secret = dora.locator("#secret").inner_text()
    dora.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    dora.get_by_role("button", name="Switch on").click()
    expect(dora.get_by_role("heading", name="Keep your recovery codes")).to_be_visible()
    assert inspect(dora) == []

    log = visit("/audit-log?q=dora", user=owner, size=DESKTOP, scheme="dark")
    expect(log.get_by_text("Two-factor switched on").last).to_be_visible()
    assert inspect(log) == []
