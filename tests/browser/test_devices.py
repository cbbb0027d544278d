"""Adding chargers as the operator does it: one by hand, many from the template; and giving a card to a person."""

import io

import openpyxl
import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from domain import jobs
from domain.clock import utcnow
from domain.files import FileStore
from domain.job_kinds import STEPS
from domain.models.chargers import Charger
from domain.models.jobs import Job
from tests import factories
from tests.browser.conftest import DESKTOP, PHONE, inspect

PAGES = ("/devices", "/devices/new", "/devices/import", "/cards", "/cards/groups", "/cards/unknown", "/cards/new")
LOOKS = [(DESKTOP, "light"), (PHONE, "dark")]


@pytest.fixture
def owner(live):
    """Maija, who has one station with a charger, and a card that nobody knows."""
    with Session(live.engine, expire_on_commit=False) as db:
        operator = factories.operator(db)
        owner = factories.user(db, operator, name="Maija Lehto")
        charger = factories.charger(db, factories.station(db, operator), device_id="HE60D0000001", label="HG-01")
        factories.sighting(db, charger, "04FEED0001")
        factories.token(db, operator, "04A1B2C3", name="Sanna Virta")
        db.commit()
    return owner


def work(live, instance_dir):
    """What the worker does in the background."""
    place = jobs.Workplace(sessionmaker(live.engine, expire_on_commit=False), FileStore(instance_dir / "files"))
    with place.reading() as db:
        waiting = list(db.scalars(select(Job.id)))
    for job_id in waiting:
        jobs.work(place, STEPS, job_id, utcnow)


def test_add_device(visit, owner):
    page = visit("/", owner)

    page.get_by_role("link", name="Devices").click()
    page.get_by_role("link", name="Add device").click()
    page.get_by_label("Charging station").select_option("Harbour Garage")
    page.get_by_label("device id").fill("HE60D 0000/7")
    page.get_by_role("button", name="OK").click()
    expect(page.get_by_label("device id")).to_be_focused()
    page.get_by_label("device id").fill("HE60D0000007")
    page.get_by_label("device account").fill("4711-0007")
    page.get_by_role("button", name="OK").click()

    expect(page.get_by_role("heading", name="HG-02 is added to Harbour Garage")).to_be_visible()
    assert len(page.locator("#added-password").inner_text()) == 40
    assert inspect(page) == []


def test_batch_import_devices(visit, owner, live, instance_dir):
    page = visit("/devices", owner)

    page.get_by_role("link", name="Batch import devices").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the device import template").click()
    book = openpyxl.load_workbook(io.BytesIO(download.value.path().read_bytes()))
    for row in (("HE60D0000008", "4711-0008"), ("HE60D0000009", "4711-0009"), ("he60d0000001", "")):
        book["Devices"].append(row)
    filled = io.BytesIO()
    book.save(filled)
    page.get_by_label("Charging station").select_option("Harbour Garage")
    page.get_by_label("File").set_input_files(
        {"name": "filled.xlsx", "mimeType": "application/octet-stream", "buffer": filled.getvalue()}
    )
    page.get_by_role("button", name="OK").click()

    expect(page.get_by_text("This is a dry run.")).to_be_visible()
    page.get_by_role("link", name="Exists already 1").click()
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Import 2 devices").click()
    expect(page.locator("#batch-job")).to_be_visible()
    work(live, instance_dir)
    expect(page.get_by_role("link", name="Download passwords")).to_be_visible()
    with Session(live.engine) as db:
        assert db.scalar(select(func.count()).select_from(Charger)) == 3
    page.get_by_role("link", name="Download passwords").click()
    with page.expect_download() as download:
        page.get_by_role("dialog").get_by_role("button", name="Download XLSX").click()
    assert download.value.suggested_filename == "passwords filled.xlsx"


def test_a_card_that_nobody_knows_is_assigned_to_a_person(visit, owner):
    page = visit("/cards", owner)

    page.get_by_role("link", name="Unknown cards 1").click()
    page.get_by_role("link", name="Assign to a person").click()
    page.get_by_label("Holder").fill("Oskar Niemi")
    page.get_by_label("Chosen ones only").check()
    page.get_by_label("Harbour Garage").check()
    page.get_by_role("button", name="Assign card").click()

    expect(page.get_by_text("No unknown cards")).to_be_visible()
    page.get_by_role("link", name="Cards", exact=True).click()
    expect(page.get_by_role("row", name="Oskar Niemi")).to_contain_text("Harbour Garage")


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_every_page_is_clean(visit, owner, size, scheme):
    faults = {}
    for path in (
        "/devices",
        "/devices/new",
        "/devices/import",
        "/cards",
        "/cards/groups",
        "/cards/unknown",
        "/cards/new",
    ):
        found = inspect(visit(path, owner, size=size, scheme=scheme))
        if found:
            faults[path] = found

    assert faults == {}
