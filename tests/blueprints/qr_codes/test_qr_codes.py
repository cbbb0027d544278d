"""QR codes: generated, associated, unbound, downloaded."""

import io
import zipfile
from datetime import timedelta

import pypdfium2
import pytest
import zxingcpp
from sqlalchemy import select
from sqlalchemy.orm import sessionmaker

from domain import job_kinds, jobs, qr_codes, qr_images
from domain.clock import utcnow
from domain.files import FileStore
from domain.jobs import Workplace
from domain.models.chargers import QrCode
from domain.models.jobs import Job, JobStatus
from tests import factories
from tests.blueprints.conftest import HTMX
from tests.factories import NOW

UUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


@pytest.fixture
def charger(make, harbour):
    station = make(factories.station, harbour)
    return make(factories.charger, station, label="HG-01", device_id="SECRET-EVSE", connectors=2, uuid=UUID)


@pytest.fixture
def code(db, harbour):
    (code,) = qr_codes.make(db, harbour.id, 1, now=NOW)
    db.commit()
    return code


def fresh(db, code):
    db.commit()
    db.refresh(code)
    db.commit()  # lets go of SQLite's write lock
    return code


def test_codes_are_generated_and_listed_as_free(alice, db):
    answer = alice.post("/qr-codes/generate", data={"count": "3"}, follow_redirects=True)

    codes = db.scalars(select(QrCode)).all()
    assert len(codes) == 3
    assert "3 QR codes are generated." in answer.text
    assert all(f"{each.code[:4]} {each.code[4:]}" in answer.text for each in codes)
    assert answer.text.count("associate UUID") >= 3


@pytest.mark.parametrize("count", ["", "0", "5001", "-3", "1e3", "ten", "٣", "9" * 400])
def test_an_impossible_number_is_told_and_kept(alice, db, count):
    answer = alice.post("/qr-codes/generate", data={"count": count})

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert db.scalars(select(QrCode)).all() == []


def test_a_code_is_associated_by_uuid(alice, db, charger, code):
    answer = alice.post(f"/qr-codes/{code.code}/associate", data={"uuid": UUID.upper()}, follow_redirects=True)

    assert f"{code.code} leads to HG-01 now." in answer.text
    assert fresh(db, code).charger_id == charger.id


def test_a_code_is_associated_by_a_photo(alice, db, charger, code):
    photo = (io.BytesIO(qr_images.png(UUID)), "label.png")

    answer = alice.post(f"/qr-codes/{code.code}/associate", data={"photo": photo, "connector": "2"})

    assert answer.status_code == 303
    assert (fresh(db, code).charger_id, code.connector_number) == (charger.id, 2)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"uuid": ""}, "Type or paste the charger&#39;s uuid"),
        ({"uuid": UUID[:-1] + "9"}, "No charger of yours has this uuid."),
        ({"uuid": "x\0y"}, ""),
        ({"uuid": UUID, "connector": "7"}, "This charger has no such connector."),
    ],
)
def test_what_cannot_be_associated_is_told(alice, db, charger, code, given, sentence):
    answer = alice.post(f"/qr-codes/{code.code}/associate", data=given, headers=HTMX)

    assert answer.status_code in (400, 422)
    assert sentence in answer.text
    assert fresh(db, code).charger_id is None


def test_a_uuid_that_is_bound_already_asks_what_becomes_of_the_old_code(alice, db, charger, code):
    alice.post(f"/qr-codes/{code.code}/associate", data={"uuid": UUID})
    (second,) = qr_codes.make(db, charger.operator_id, 1, now=NOW)
    db.commit()

    asked = alice.post(f"/qr-codes/{second.code}/associate", data={"uuid": UUID}, headers=HTMX)
    assert asked.status_code == 422
    assert f"HG-01 is associated with {code.code} already." in asked.text
    assert f'value="{UUID}"' in asked.text

    done = alice.post(f"/qr-codes/{second.code}/associate", data={"uuid": UUID, "others": "free"})
    assert done.status_code == 303
    assert (fresh(db, code).charger_id, fresh(db, second).charger_id) == (None, charger.id)


def test_an_unbound_code_says_so_to_drivers_and_the_history_stays(alice, client, db, charger, code):
    alice.post(f"/qr-codes/{code.code}/associate", data={"uuid": UUID})

    question = alice.get(f"/qr-codes/{code.code}/unbind")
    alice.post(f"/qr-codes/{code.code}/unbind")

    assert "Who scans it no longer reaches HG-01" in question.text
    assert "Code not in use yet" in client.get(f"/c/{code.code}").text
    page = alice.get(f"/qr-codes/{code.code}")
    assert "Free" in page.text
    assert "HG-01" in page.text


def test_no_public_page_or_picture_tells_the_device_id(alice, client, charger, code):
    alice.post(f"/qr-codes/{code.code}/associate", data={"uuid": UUID})

    pages = [client.get(f"/c/{code.code}").data, alice.get(f"/qr-codes/{code.code}/picture.svg").data]
    pages.append(alice.post("/qr-codes/download", data={"kind": "labels", "pick": code.code}).data)

    assert not any(b"SECRET-EVSE" in page or UUID.encode() in page for page in pages)


def test_a_label_sheet_scans(alice, charger, code):
    alice.post(f"/qr-codes/{code.code}/associate", data={"uuid": UUID})

    answer = alice.post(
        "/qr-codes/download", data={"kind": "labels", "size": "a4-2x7", "start": "3", "pick": code.code}
    )

    assert answer.headers["Content-Disposition"] == 'attachment; filename="QR labels.pdf"'
    page = pypdfium2.PdfDocument(answer.data)[0]
    (found,) = zxingcpp.read_barcodes(page.render(scale=3).to_pil())
    assert found.text == f"http://localhost:8000/c/{code.code}"
    assert "HG-01" in page.get_textpage().get_text_range()


def test_the_filtered_codes_become_one_zip(alice, db, harbour, charger, code):
    alice.post(f"/qr-codes/{code.code}/associate", data={"uuid": UUID})
    free = qr_codes.make(db, harbour.id, 2, now=NOW + timedelta(days=1))
    db.commit()

    answer = alice.post("/qr-codes/download?view=free", data={"kind": "svg"})

    names = zipfile.ZipFile(io.BytesIO(answer.data)).namelist()
    assert sorted(names) == sorted(f"{each.code}.svg" for each in free)


@pytest.mark.parametrize("start", ["0", "25", "x", "-1"])
def test_a_position_that_the_sheet_does_not_have_is_told(alice, code, start):
    answer = alice.post("/qr-codes/download", data={"kind": "labels", "start": start, "pick": code.code})

    assert answer.status_code == 422
    assert "This sheet has positions 1 to 24." in answer.text


def test_many_codes_are_drawn_by_a_job(alice, db, engine, harbour, instance_dir):
    qr_codes.make(db, harbour.id, 201, now=NOW)
    db.commit()

    answer = alice.post("/qr-codes/download?view=free", data={"kind": "labels"})

    job = db.scalars(select(Job)).one()
    assert answer.location == f"/jobs/{job.id}"
    place = Workplace(sessionmaker(engine, expire_on_commit=False), FileStore(instance_dir / "files"))
    db.commit()
    jobs.work(place, job_kinds.STEPS, job.id, utcnow)
    db.refresh(job)
    assert (job.status, job.done, job.total, job.failed) == (JobStatus.DONE, 201, 201, 0)
    db.commit()
    with alice.get(f"/jobs/{job.id}/file") as file:
        assert len(pypdfium2.PdfDocument(file.data)) == 9


def test_the_list_is_searched(alice, db, make, charger, code):
    alice.post(f"/qr-codes/{code.code}/associate", data={"uuid": UUID})
    (free,) = qr_codes.make(db, charger.operator_id, 1, now=NOW)
    db.commit()
    shown, other = f"{code.code[:4]} {code.code[4:]}", f"{free.code[:4]} {free.code[4:]}"

    for query in (f"q={code.code}", f"q={shown.lower()}", "q=hg-01", f"q={UUID[:13]}", "view=associated"):
        page = alice.get(f"/qr-codes?{query}").text
        assert shown in page
        assert other not in page
    assert "No code matches these filters" in alice.get("/qr-codes?q=nothing").text


def rows(*lines):
    return {"file": (io.BytesIO("\n".join(lines).encode()), "codes.csv")}


def test_a_list_is_looked_at_before_anything_changes(alice, db, make, charger, code):
    foreign = make(factories.charger)
    (other, third) = qr_codes.make(db, charger.operator_id, 2, now=NOW)
    db.commit()

    looked = alice.post(
        "/qr-codes/associate-list",
        data=rows(
            "code,uuid,connector",
            f"{code.code},{UUID},1",
            f"{other.code},{foreign.uuid}",
            f"{code.code},{UUID}",
            f"NOSUCHXX,{UUID}",
            f"{third.code},{UUID},9",
            "=1+1,x",
        ),
    )

    assert "1 of 6 rows can be associated." in looked.text
    assert "No charger of yours has this uuid." in looked.text
    assert "The same code stands in row 2." in looked.text
    assert looked.text.count("There is no such code. Generate it first.") == 2
    assert "This charger has no such connector." in looked.text
    assert fresh(db, code).charger_id is None

    looked_at = looked.text.split('name="looked_at" value="')[1].split('"')[0]
    alice.post("/qr-codes/associate-list", data={"looked_at": looked_at})
    assert (fresh(db, code).charger_id, code.connector_number) == (charger.id, 1)
    assert (fresh(db, other).charger_id, fresh(db, third).charger_id) == (None, None)


@pytest.mark.parametrize("text", ["", "code,uuid", "\n\n"])
def test_a_list_without_rows_is_refused(alice, text):
    assert alice.post("/qr-codes/associate-list", data=rows(text)).status_code == 422


@pytest.mark.parametrize("data", [{}, {"looked_at": "%%%"}])
def test_no_file_is_refused(alice, data):
    assert alice.post("/qr-codes/associate-list", data=data).status_code == 422


def test_charlie_cannot_see_it(charlie, db, charger, code):
    assert charlie.get(f"/qr-codes/{code.code}").status_code == 404
    assert charlie.post(f"/qr-codes/{code.code}/associate", data={"uuid": UUID}).status_code == 404
    refused = charlie.post("/qr-codes/download", data={"kind": "png", "pick": code.code})
    assert refused.status_code == 422
    assert code.code[:4] not in charlie.get("/qr-codes").text
