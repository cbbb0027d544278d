"""Devices from a spreadsheet: a dry run that changes nothing, an import that does nothing twice, an undo."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from domain import batches, chargers, device_batches, jobs, many_chargers
from domain.batch_kinds import KINDS
from domain.charger_keys import matches
from domain.errors import Conflict, Refused
from domain.models.batches import Verdict
from domain.models.chargers import Charger, QrCode
from domain.models.jobs import Job, JobStatus
from domain.models.operators import AuditEvent
from tests import factories
from tests.domain.batch_world import BY, HEAD, World, csv_of, told, xlsx_of
from tests.factories import NOW


@pytest.fixture
def world(engine, db, tmp_path):
    station = factories.station(db)
    db.commit()
    return World(engine, tmp_path / "files", station)


def devices(db):
    return sorted(db.scalars(select(Charger.device_id)))


def test_each_row_has_its_verdict_and_nothing_is_added(db, world):
    factories.charger(db, world.station, device_id="OLD1", label="HG-01")
    factories.charger(db, factories.station(db, factories.operator(db, name="Other")), device_id="FOREIGN1")
    db.commit()
    rows = [
        HEAD,
        ("NEW1", "A1"),
        ("new1", "A2"),
        ("old1", ""),
        ("foreign1", ""),
        ("NO/GOOD", ""),
        ("", "A6"),
        ("=A2", ""),
        ("NEW2", "x" * 101),
        ("NEW3", ""),
    ]

    batch = world.check(db, csv_of(*rows))

    assert told(db, batch) == [
        (2, "NEW1", "ok", None),
        (3, "new1", "duplicate", "Row 2 has this device id already."),
        (4, "old1", "exists", "You have this charger already: HG-01."),
        (5, "foreign1", "refused", chargers.FOREIGN),
        (6, "NO/GOOD", "malformed", chargers.identity_trouble("/")),
        (7, "", "malformed", "The device id is missing."),
        (8, "=A2", "cell", batches.FORMULA),
        (9, "NEW2", "malformed", "Use up to 100 characters on one line."),
        (10, "NEW3", "ok", None),
    ]
    assert devices(db) == ["FOREIGN1", "OLD1"]


def test_what_is_good_is_imported_with_a_code_and_on_record(db, world):
    batch = world.imported(db, xlsx_of(HEAD, ("NEW1", "A1"), ("NEW2", None), ("NO/GOOD", "A3")))

    made = db.scalars(select(Charger).order_by(Charger.device_id)).all()
    assert [(each.device_id, each.device_account, each.label, each.created_by) for each in made] == [
        ("NEW1", "A1", "HG-01", BY),
        ("NEW2", None, "HG-02", BY),
    ]
    assert {each.station_id for each in made} == {world.station.id}
    assert sorted(db.scalars(select(QrCode.charger_id))) == sorted(each.id for each in made)
    assert db.scalar(select(func.count()).where(AuditEvent.verb == "created", AuditEvent.object_type == "charger")) == 2
    job = db.get(Job, batch.job_id)
    assert (job.status, job.done, job.total, job.failed) == (JobStatus.DONE, 2, 2, 0)


def test_the_columns_may_stand_in_any_order_and_the_head_may_be_missing(db, world):
    turned = world.check(db, csv_of(("Device account", "note", "DEVICE_ID"), ("A1", "x", "D1")))
    bare = world.check(db, csv_of(("D2", "A2")))

    assert [row[:3] for row in told(db, turned)] == [(2, "D1", "ok")]
    assert [row[:3] for row in told(db, bare)] == [(1, "D2", "ok")]


@pytest.mark.parametrize("data", [csv_of(HEAD), b"\r\n\r\n", csv_of(("note", "device account"), ("x", "A1"))])
def test_a_file_without_devices_is_refused(db, world, data):
    with pytest.raises(Refused):
        world.check(db, data)


def test_the_same_file_twice_and_two_at_once_add_nothing_twice(db, world):
    data = csv_of(HEAD, *((f"D{number}", "") for number in range(1200)))
    first, second = world.check(db, data), world.check(db, data)

    jobs_of_both = [world.start(db, first), world.start(db, second)]
    for job_id in jobs_of_both:
        world.work(db, job_id)

    assert len(devices(db)) == 1200
    assert batches.counts(db, first)[Verdict.ADDED] == 1200
    assert batches.counts(db, second)[Verdict.EXISTS] == 1200
    assert batches.counts(db, world.check(db, data))[Verdict.EXISTS] == 1200


def test_an_import_runs_once(db, world):
    batch = world.check(db, csv_of(HEAD, ("D1", "")))
    world.start(db, batch)

    with pytest.raises(Conflict, match="worked on already"):
        batches.start(db, batch, KINDS[batch.kind], by=BY, now=NOW)


def test_a_cancelled_import_can_be_finished_later(db, world):
    batch = world.check(db, csv_of(HEAD, ("D1", ""), ("D2", "")))
    jobs.cancel(jobs.locked(db, world.start(db, batch)), NOW)
    db.commit()

    world.work(db, world.start(db, batch))

    assert devices(db) == ["D1", "D2"]


def test_rejected_rows_can_be_uploaded_again_as_they_were_told(db, world):
    batch = world.check(db, csv_of(HEAD, ("'-D1", "'+4711"), ("D1", "a")))

    assert [(row.key, row.cells) for row in db.scalars(select(batches.BatchRow).order_by(batches.BatchRow.number))] == [
        ("-D1", ["-D1", "+4711"]),
        ("D1", ["D1", "a"]),
    ]
    assert batches.counts(db, batch)[Verdict.OK] == 2


def test_an_undo_takes_what_nobody_has_used_and_says_why_the_rest_stays(db, world):
    batch = world.imported(db, csv_of(HEAD, ("D1", ""), ("D2", ""), ("D3", "")))
    made = {each.device_id: each for each in db.scalars(select(Charger))}
    made["D2"].connected_at = NOW
    factories.command(db, made["D3"])
    db.commit()

    world.undo(db, batch)

    assert devices(db) == ["D2", "D3"]
    assert told(db, batch) == [
        (2, "D1", "removed", None),
        (3, "D2", "added", "It has connected."),
        (4, "D3", "added", "It was sent commands."),
    ]
    assert db.scalar(select(func.count()).select_from(QrCode)) == 2
    assert batches.counts(db, world.check(db, csv_of(HEAD, ("D1", ""))))[Verdict.OK] == 1


def test_a_device_that_was_there_before_is_no_part_of_the_undo(db, world):
    factories.charger(db, world.station, device_id="OLD1")
    db.commit()
    batch = world.imported(db, csv_of(HEAD, ("OLD1", ""), ("D1", "")))

    world.undo(db, batch)

    assert devices(db) == ["OLD1"]


def test_a_code_that_somebody_associated_survives_the_undo_as_free(db, world):
    batch = world.imported(db, csv_of(HEAD, ("D1", "")))
    charger = db.scalars(select(Charger)).one()
    factories.qr_code(db, charger, code="STICKER2", created_at=NOW.replace(year=2025))
    db.commit()

    world.undo(db, batch)

    assert [(code.code, code.charger_id, code.bound_at) for code in db.scalars(select(QrCode))] == [
        ("STICKER2", None, None)
    ]


def test_passwords_are_made_when_they_are_taken_and_only_once(db, world):
    batch = world.imported(db, csv_of(HEAD, ("D1", ""), ("D2", "")))

    taken = device_batches.tell_keys(db, batch, again=False, by=BY, now=NOW)

    assert [each.charger.device_id for each in taken] == ["D1", "D2"]
    db.commit()
    db.expire_all()
    for each in taken:
        assert matches(each.charger.password_salt, each.charger.password_hash, each.password.encode())
    with pytest.raises(Conflict, match=BY):
        device_batches.tell_keys(db, batch, again=False, by=BY, now=NOW)


def test_new_passwords_leave_those_alone_that_are_in_use(db, world):
    batch = world.imported(db, csv_of(HEAD, ("D1", ""), ("D2", "")))
    first = {
        each.charger.device_id: each.password
        for each in device_batches.tell_keys(db, batch, again=False, by=BY, now=NOW)
    }
    charger = db.scalars(select(Charger).where(Charger.device_id == "D1")).one()
    charger.connected_at = NOW
    db.commit()

    again = device_batches.tell_keys(db, batch, again=True, by=BY, now=NOW)

    assert [each.charger.device_id for each in again] == ["D2"]
    assert matches(charger.password_salt, charger.password_hash, first["D1"].encode())


def test_whatever_leans_on_a_charger_counts_as_use(db):
    charger = factories.charger(db)
    factories.charging(db, charger)
    free = factories.charger(db, charger.station)
    factories.qr_code(db, free)
    factories.handshake(db, free.device_id, charger_id=free.id)

    assert many_chargers.in_use(db, [charger.id, free.id]) == {charger.id: "It has charging sessions."}


def test_uploads_that_came_to_nothing_are_forgotten(db, world):
    world.check(db, csv_of(HEAD, ("D1", "")))
    kept = world.imported(db, csv_of(HEAD, ("D2", "")))

    batches.forget(db, NOW + batches.FORGOTTEN_AFTER * 2)

    assert list(db.scalars(select(batches.Batch.id))) == [kept.id]


def test_an_import_that_was_killed_goes_on_where_it_was(db, world):
    batch = world.check(db, csv_of(HEAD, *((f"D{number}", "") for number in range(1200))))
    job_id = world.start(db, batch)
    batches.import_step(KINDS, world.place, job_id, NOW)
    db.rollback()
    db.expire_all()
    assert (len(devices(db)), db.get(Job, job_id).done) == (500, 500)
    db.rollback()

    world.work(db, job_id)

    assert len(devices(db)) == 1200
    assert db.get(Job, job_id).done == 1200
    assert db.scalar(select(func.count()).select_from(QrCode)) == 1200


def test_a_step_that_fails_adds_no_half_row(db, world):
    batch = world.check(db, csv_of(HEAD, ("D1", ""), ("D2", "")))
    job_id = world.start(db, batch)

    def break_down(*_):
        device_batches.add(*_)
        raise RuntimeError("killed")

    broken = {batch.kind: replace(KINDS[batch.kind], add=break_down)}
    with pytest.raises(RuntimeError):
        batches.import_step(broken, world.place, job_id, NOW)

    db.rollback()
    db.expire_all()
    assert devices(db) == []
    assert batches.counts(db, batch)[Verdict.OK] == 2
