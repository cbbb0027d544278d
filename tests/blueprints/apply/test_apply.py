"""Station data transmission: the form, its rows, its spreadsheet, and the applicant's page."""

import io
import re
import zipfile

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import select, update
from sqlalchemy.orm import selectinload

from domain.clock import utcnow
from domain.models.applications import ApplicationStatus, StationApplication
from domain.models.secret_links import SecretLink
from tests import factories
from tests.blueprints.conftest import HTMX
from tests.letters import letters, path_in

FORM = {
    "order_number": "SO-2026-1182",
    "company": "Quay Charging Oy",
    "email": "Nina@Quay.example",
    "station_name": "Quay 7",
    "country": "FI",
    "region": "Uusimaa",
    "address": "Laituri 7, 00160 Helsinki",
    "devices-0-device_id": "QC60D01",
    "devices-0-device_account": "A-1",
    "devices-1-device_id": "QC60D02",
    "devices-1-device_account": "A-2",
}


def sent(db):
    db.rollback()
    db.expire_all()
    found = db.scalars(select(StationApplication).order_by(StationApplication.id).options(selectinload("*"))).all()
    db.commit()  # the next one who writes must not wait for us
    return found


def sheet(*rows):
    book = Workbook()
    for row in (("device id", "device account"), *rows):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def with_file(data, name="devices.xlsx", **changes):
    typed = {key: value for key, value in FORM.items() if not key.startswith("devices")}
    return typed | {"file": (io.BytesIO(data), name)} | changes


def values(text, name):
    return re.findall(rf'name="devices-\d+-{name}" value="([^"]*)"', text)


@pytest.fixture
def status_path(client, db):
    client.post("/apply", data=FORM)
    return path_in(letters(db)[0])


def test_it_is_sent_and_the_applicant_has_a_mail(client, db):
    page = client.get("/apply").text
    response = client.post("/apply", data=FORM)

    (application,), (mail,) = sent(db), letters(db)
    assert "Station data transmission" in page
    assert (response.status_code, response.location) == (303, "/apply/sent")
    assert "Nina@Quay.example".lower() in client.get("/apply/sent").text
    assert (application.status, application.email, application.region) == ("new", "nina@quay.example", "Uusimaa")
    assert [(each.device_id, each.device_account) for each in application.devices] == [
        ("QC60D01", "A-1"),
        ("QC60D02", "A-2"),
    ]
    assert (mail.to_address, mail.subject) == ("nina@quay.example", "We have your station data")
    assert "Quay" not in mail.body  # no word of a stranger to an address that nobody has proved
    assert "with 2 chargers" in mail.body


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"order_number": " "}, "Type the order number"),
        ({"company": ""}, "Type your company&#39;s name."),
        ({"email": "nina"}, "This is not an e-mail address."),
        ({"station_name": "x" * 121}, "Use up to 120 characters on one line."),
        ({"country": ""}, "Choose the country."),
        ({"country": "XX"}, "Choose a country of the list."),
        ({"region": ""}, "Type the region"),
        ({"address": "a\x07b"}, "Use up to 300 characters on one line."),
        ({"devices-0-device_id": ""}, "Type the device id."),
        ({"devices-0-device_id": "a/b"}, "Use 1 to 48 letters"),
        ({"devices-0-device_id": "qc60d02"}, "This is the device id of row 1 too."),
        ({"devices-1-device_account": ""}, "Type the device account."),
        ({"devices-1-device_account": "x" * 101}, "Use up to 100 characters on one line."),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_place_and_nothing_typed_is_lost(client, db, change, sentence):
    response = client.post("/apply", data=FORM | change, headers=HTMX)

    assert response.status_code == 422
    assert sentence in response.text
    assert 'aria-invalid="true"' in response.text
    assert (FORM | change)["devices-1-device_id"] in response.text
    assert sent(db) == []
    assert letters(db) == []


def test_several_faults_are_told_at_once(client):
    text = client.post("/apply", data={}).text

    assert text.count("Type ") >= 5
    assert "Name at least one charger" in text


def test_a_device_id_that_exists_already_is_told_in_its_row(client, db, make, harbour):
    make(factories.charger, make(factories.station, harbour), device_id="QC60D02")

    response = client.post("/apply", data=FORM)

    assert response.status_code == 422
    assert 'id="devices-1-device_id-err"' in response.text
    assert "A charger with this device id is registered already." in response.text
    assert 'id="devices-0-device_id-err"' not in response.text


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_rows_come_and_go_without_a_script(client, db, headers):
    more = client.post("/apply", data=FORM | {"act": "add"}, headers=headers)
    less = client.post("/apply", data=FORM | {"act": "remove-0"}, headers=headers)

    assert (more.status_code, less.status_code) == (200, 200)
    assert values(more.text, "device_id") == ["QC60D01", "QC60D02", ""]
    assert values(less.text, "device_id") == ["QC60D02"]
    assert values(less.text, "device_account") == ["A-2"]
    assert "Quay 7" in less.text
    assert sent(db) == []


def test_the_template_can_be_filled_in_and_sent_back(client, db):
    template = client.get("/apply/device-import-template.xlsx")
    book = load_workbook(io.BytesIO(template.data))
    book["Devices"]["A2"], book["Devices"]["B2"] = "QC60D07", "007"
    file = io.BytesIO()
    book.save(file)

    shown = client.post("/apply", data=with_file(file.getvalue(), act="upload"))
    response = client.post("/apply", data=with_file(file.getvalue()))

    assert book.sheetnames == ["Devices", "Help"]
    assert [cell.value for cell in book["Devices"][1]] == ["device id", "device account"]
    assert shown.status_code == 200
    assert (values(shown.text, "device_id"), values(shown.text, "device_account")) == (["QC60D07"], ["007"])
    assert response.status_code == 303
    assert [each.device_account for each in sent(db)[0].devices] == ["007"]


def test_rows_of_a_spreadsheet_follow_the_typed_ones_and_are_checked(client):
    data = FORM | {"file": (io.BytesIO(sheet(("QC60D02", "A-9"), ("=1+1", "x"))), "d.xlsx"), "act": "upload"}

    response = client.post("/apply", data=data)

    assert response.status_code == 422
    assert values(response.text, "device_id")[:3] == ["QC60D01", "QC60D02", "QC60D02"]
    assert "This is the device id of row 2 too." in response.text
    assert "A cell holds a formula. Type the value itself." in response.text


def bomb():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 30_000_000)
    return file.getvalue()


HOSTILE = {
    "a bomb": (bomb(), "unfolds to far more"),
    "no spreadsheet": (b"PK\x03\x04 nothing", "damaged"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(200), "Save the file as XLSX or as CSV"),
    "too many rows": (sheet(*((f"QC{n:05d}", "A") for n in range(300))), "more than 200 rows"),
    "nothing": (sheet(), "This file holds no rows."),
    "an entity": (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>\n',
        "Use 1 to 48 letters",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_words(client, db, name):
    data, sentence = HOSTILE[name]

    response = client.post("/apply", data=with_file(data), headers=HTMX)

    assert response.status_code == 422
    assert sentence in response.text
    assert "Quay 7" in response.text
    assert "root:" not in response.text
    assert sent(db) == []


def test_thousands_of_typed_rows_do_not_stall_the_page(client):
    rows = {f"devices-{n}-device_id": "x" for n in range(900)}

    response = client.post("/apply", data=FORM | rows)

    assert response.status_code == 422
    assert "Name up to 200 chargers here" in response.text


def test_what_a_stranger_types_is_shown_as_text(client):
    response = client.post("/apply", data=FORM | {"station_name": '"><script>alert(1)</script>', "email": ""})

    assert "<script>alert" not in response.text


def test_five_a_day_of_one_address(client, db):
    for number in range(5):
        assert client.post("/apply", data=FORM | {"devices-0-device_id": f"QC{number}"}).status_code == 303

    sixth = client.post("/apply", data=FORM)

    assert sixth.status_code == 422
    assert "Too many applications were sent from here today." in sixth.text
    assert len(sent(db)) == 5


def test_the_applicant_sees_how_it_stands(client, db, status_path):
    page, part = client.get(status_path), client.get(status_path, headers=HTMX)

    assert "Quay 7" in page.text
    assert "We look at it and answer by mail" in page.text
    assert "QC60D02" in page.text
    assert part.text.lstrip().startswith('<div id="state"')
    assert sent(db)[0].opened_at is not None


def test_questions_are_answered_on_it(client, db, status_path, make, sign_in):
    pia = sign_in(make(factories.user, None, "platform_admin", email="pia@voltdesk.example"))
    (application,) = sent(db)
    pia.post(f"/platform/applications/{application.id}/ask", data={"question": "Which shop?\n<b>Please</b>"})

    page = client.get(status_path).text
    empty = client.post(f"{status_path}/answer", data={"answer": "  "})
    answered = client.post(f"{status_path}/answer", data={"answer": "The one in Turku."})

    assert "Which shop?\n&lt;b&gt;Please&lt;/b&gt;" in page
    assert "Question asked" in page
    assert empty.status_code == 422
    assert "Type your answer." in empty.text
    assert answered.status_code == 303
    assert "The one in Turku." in client.get(status_path).text
    assert sent(db)[0].status is ApplicationStatus.ANSWERED
    assert [(mail.to_address, mail.subject) for mail in letters(db)[1:]] == [
        ("nina@quay.example", "A question about Quay 7"),
        ("pia@voltdesk.example", "Answer about Quay 7"),
    ]
    assert client.get(path_in(letters(db)[1])).status_code == 200  # the question's mail has a link too


def test_what_was_sent_can_be_corrected_while_it_is_open(client, db, status_path):
    form = client.get(f"{status_path}/correct").text
    refused = client.post(f"{status_path}/correct", data=FORM | {"devices-0-device_id": ""})
    changed = FORM | {"devices-0-device_id": "QC60D02", "devices-1-device_id": "QC60D03", "email": "thief@x.example"}
    response = client.post(f"{status_path}/correct", data=changed)

    (application,) = sent(db)
    assert 'value="QC60D01"' in form
    assert refused.status_code == 422
    assert response.status_code == 303
    assert [each.device_id for each in application.devices] == ["QC60D02", "QC60D03"]
    assert application.email == "nina@quay.example"


def test_a_decided_one_takes_no_more_words(client, db, status_path):
    db.execute(update(StationApplication).values(status="rejected", reason="No.", decided_at=utcnow(), decided_by="x"))
    db.commit()

    assert client.post(f"{status_path}/answer", data={"answer": "But why?"}).status_code == 422
    assert client.get(f"{status_path}/correct").status_code == 409
    assert client.post(f"{status_path}/correct", data=FORM).status_code == 409
    assert "No." in client.get(status_path).text


def test_the_open_page_asks_for_an_answer_until_it_is_decided(client, db, status_path):
    page = client.get(status_path).text
    before = client.get(status_path, headers=HTMX).text
    db.execute(update(StationApplication).values(status="rejected", reason="No.", decided_at=utcnow(), decided_by="x"))
    db.commit()

    after = client.get(status_path, headers=HTMX).text

    assert 'id="answer-form"' in page
    assert "hx-swap-oob" not in before
    assert '<div id="answer-form" hx-swap-oob="delete"></div>' in after
    assert "answer-form" not in client.get(status_path).text


def test_expired_and_foreign_links_open_nothing(client, db, status_path, make, harbour):
    client.post("/forgot-password", data={"email": make(factories.user, harbour).email})
    foreign = path_in(letters(db)[-1]).rsplit("/", 1)[1]
    assert client.get(f"/apply/status/{foreign}").status_code == 404
    db.execute(update(SecretLink).values(expires_at=utcnow()))
    db.commit()

    for tail, method in (("", "GET"), ("/answer", "POST"), ("/correct", "GET"), ("/password-link", "POST")):
        assert client.open(status_path + tail, method=method).status_code == 404


def test_a_signed_in_owner_finds_company_and_e_mail_filled_in(alice):
    page = alice.get("/apply").text

    assert 'value="alice@example.com"' in page
    assert 'value="Harbour Energy"' in page
