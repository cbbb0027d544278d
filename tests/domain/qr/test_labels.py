"""Printed sheets scan: pages are rendered and read by a library that did not make them."""

import io
import zipfile

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from domain import qr_files, qr_images, qr_labels, qr_reading
from domain.errors import Refused
from domain.qr_files import Order
from domain.qr_labels import SIZES, Label

ADDRESS = "https://charge.harbour-energy.example/c/"


def label(code, charger):
    return Label(code, ADDRESS + code, "Satama Käpylä Северная", charger, "Connector 1, CCS")


def labels(count):
    return [label(f"ABCD{number:04d}", f"HG-{number:02d}") for number in range(1, count + 1)]


def read(pdf):
    """What stands on each page: (address, left and top in mm)."""
    pages = []
    for page in pypdfium2.PdfDocument(pdf):
        image = page.render(scale=200 / 72).to_pil()
        found = zxingcpp.read_barcodes(image)
        mm = 25.4 / 200
        pages.append(
            sorted((code.position.top_left.y * mm, code.position.top_left.x * mm, code.text) for code in found)
        )
    return pages


@pytest.mark.parametrize("size", SIZES)
def test_every_label_of_a_sheet_scans(size):
    count = SIZES[size].per_sheet + 1

    pages = read(qr_labels.sheets(labels(count), SIZES[size]))

    assert [len(page) for page in pages] == [SIZES[size].per_sheet, 1]
    assert {text for page in pages for _, _, text in page} == {label.address for label in labels(count)}


def test_the_first_label_goes_to_its_position():
    (page,) = read(qr_labels.sheets(labels(1), SIZES["a4-3x8"], start=5))

    ((top, left, _),) = page
    # The fifth of three columns: second row, second column; the code begins inside its quiet zone.
    assert 37 < top < 50
    assert 70 < left < 85


def test_codes_are_at_least_25_mm_wide_without_their_quiet_zone():
    modules = len(qr_images.encoded(labels(1)[0].address).get_matrix())

    for size in SIZES.values():
        assert size.qr * (modules - 2 * qr_images.QUIET_ZONE) / modules >= 25


def test_a_long_name_stays_on_its_label():
    long = Label("ABCD2345", f"{ADDRESS}ABCD2345", "Station " * 30, "Charger " * 30, "Connector " * 30)

    page = pypdfium2.PdfDocument(qr_labels.sheets([long], SIZES["a4-3x8"]))[0]

    text = page.get_textpage()
    boxes = [text.get_rect(number) for number in range(text.count_rects())]
    assert max(right for _, _, right, _ in boxes) * 25.4 / 72 <= 70


def test_pictures_scan():
    address = f"{ADDRESS}ABCD2345"

    assert qr_reading.only_text(qr_images.png(address)) == address
    assert b"<svg" in qr_images.svg(address)


def test_a_zip_holds_one_picture_for_each_code():
    archive = zipfile.ZipFile(io.BytesIO(qr_files.made(Order("png", ""), labels(3))))

    assert archive.namelist() == ["HG-01 ABCD0001.png", "HG-02 ABCD0002.png", "HG-03 ABCD0003.png"]
    assert qr_reading.only_text(archive.read("HG-02 ABCD0002.png")) == f"{ADDRESS}ABCD0002"


@pytest.mark.parametrize(
    ("order", "count"),
    [
        (Order("labels", ""), 0),
        (Order("labels", ""), 5001),
        (Order("labels", "", start=0), 1),
        (Order("labels", "", start=25), 1),
        (Order("labels", "", size="a3"), 1),
    ],
)
def test_impossible_sheets_are_refused(order, count):
    with pytest.raises(Refused):
        qr_files.check(order, count)


def photo(*addresses):
    sheet = Image.new("L", (900 * len(addresses), 900), 255)
    for number, address in enumerate(addresses):
        sheet.paste(qr_images.picture(address, 15).convert("L"), (900 * number, 0))
    file = io.BytesIO()
    sheet.save(file, "JPEG", quality=60)
    return file.getvalue()


def test_a_photo_of_one_code_is_read():
    assert qr_reading.only_text(photo("3f2504e0-4f89-41d3-9a0c-0305e82c3301")) == "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (photo("one", "two"), "several codes"),
        (b"", "no photo"),
        (b"GIF89a" + b"\0" * 100, "no photo"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 2000, "no photo"),
        (b"x" * (8 * 1024 * 1024 + 1), "larger than 8 MiB"),
    ],
)
def test_a_bad_photo_is_told(data, sentence):
    with pytest.raises(Refused, match=sentence):
        qr_reading.only_text(data)


def test_a_picture_that_unfolds_to_gigabytes_is_not_unfolded():
    file = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, "PNG")

    with pytest.raises(Refused, match="too many pixels"):
        qr_reading.only_text(file.getvalue())
