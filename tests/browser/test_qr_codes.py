"""From generated codes to the label on the charger, under the words of the operators' guide."""

import pytest
import zxingcpp
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.models.chargers import QrCode
from tests import factories
from tests.browser.conftest import DESKTOP, PHONE, inspect

UUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


@pytest.fixture
def alice(live):
    with Session(live.engine, expire_on_commit=False) as db:
        station = factories.station(db)
        factories.charger(db, station, label="HG-01", device_id="HE60D01", connectors=2, uuid=UUID)
        alice = factories.user(db, station.operator, email="alice@example.com", name="Alice Harbour")
        db.commit()
        return alice


def test_generate_associate_download(live, visit, alice, tmp_path):
    page = visit("/qr-codes", user=alice)
    page.get_by_role("link", name="Generate QR code").first.click()
    page.get_by_label("Number of QR codes").fill("0")
    page.get_by_role("button", name="OK").click()
    page.get_by_text("Make 1 to 5,000 codes at once.").wait_for()
    page.get_by_label("Number of QR codes").fill("2")
    page.get_by_role("button", name="OK").click()
    page.get_by_text("2 QR codes are generated.").wait_for()

    page.get_by_role("link", name="associate UUID").first.click()
    page.get_by_label("Charger uuid").fill(UUID)
    page.get_by_role("button", name="OK").click()
    page.get_by_text("leads to HG-01 now.").wait_for()
    with page.expect_download() as started:
        page.get_by_role("link", name="PNG").click()
    started.value.save_as(tmp_path / "code.png")

    with Session(live.engine) as db:
        code = db.scalars(select(QrCode).where(QrCode.charger_id.is_not(None))).one()
    from PIL import Image

    (read,) = zxingcpp.read_barcodes(Image.open(tmp_path / "code.png"))
    assert read.text == f"http://localhost:8000/c/{code.code}"
    assert inspect(page) == []


def test_a_double_click_makes_the_codes_once(live, visit, alice):
    page = visit("/qr-codes", user=alice)
    page.get_by_role("link", name="Generate QR code").first.click()
    page.get_by_label("Number of QR codes").fill("2")

    page.get_by_role("button", name="OK").dblclick()
    page.get_by_text("2 QR codes are generated.").wait_for()

    with Session(live.engine) as db:
        assert len(db.scalars(select(QrCode)).all()) == 2


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "dark"), (PHONE, "light")])
def test_no_page_has_a_fault(live, visit, alice, size, scheme):
    page = visit("/qr-codes", user=alice, size=size, scheme=scheme)
    page.get_by_role("link", name="Generate QR code").first.click()
    page.get_by_label("Number of QR codes").fill("30")
    page.get_by_role("button", name="OK").click()
    page.get_by_text("30 QR codes are generated.").wait_for()
    with Session(live.engine) as db:
        code = db.scalars(select(QrCode.code)).first()

    faults = inspect(page)
    for path in (
        f"/qr-codes/{code}",
        f"/qr-codes/{code}/associate",
        "/qr-codes/download?view=free",
        "/qr-codes/associate-list",
        "/chargers/HE60D01/qr-codes",
    ):
        page.goto(path)
        faults += inspect(page)

    assert faults == []
