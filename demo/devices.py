"""Devices on their way, an import with rejected rows, cards in groups, and two cards that nobody knows."""

import csv
import io
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from demo import cast
from domain import batches, chargers, sightings, tokens
from domain.batch_kinds import KINDS
from domain.files import FileStore
from domain.job_kinds import STEPS
from domain.jobs import Workplace, work
from domain.models.batches import BatchKind
from domain.models.chargers import Charger
from domain.models.operators import Operator
from domain.models.stations import Station
from domain.models.tokens import TokenStatus
from domain.sheets.reading import read_rows
from domain.tokens import Authorisation, Verdict

BY = "technician@harbour.example"
GROUPS = (("CITY", "City vehicles"), ("TAXI", "Harbour taxis"))
MEMBERS = {
    "CITY": ("04F00D77AA", "04F00D77AB"),
    "TAXI": ("04A1B2C3D4", "04A1B2C3D5", "04B7E2119C", "04B7E2119D"),
}
# Staff charge in the garage only.
GARAGE_ONLY = ("0453CC9A01", "0453CC9A02")
UNKNOWN = (
    ("04C0FFEE11", "HE60D01930041", 2, 26),
    ("047A11B0E5", "HE22A01930045", 5, 190),
)  # uid, where, times, min ago
# What a supplier's list looks like: two good rows, and one of each trouble.
ROWS = (
    ("device id", "device account"),
    ("HE22A01930051", "4711-0051"),
    ("HE22A01930052", "4711-0052"),
    ("HE22A01930051", "4711-0051"),
    ("HE60D01930044", "4711-0044"),
    ("HE22A/1930053", "4711-0053"),
    ("", "4711-0054"),
    ("=A2", "4711-0055"),
)


def write_devices(place: Workplace, operator_id: int, now: datetime) -> None:
    """The operator has them."""
    with place.transaction() as db:
        operator = db.get_one(Operator, operator_id)
        known = {charger.device_id: charger for charger in db.query(Charger).filter_by(operator_id=operator_id)}
        sites = {station.name: station for station in db.query(Station).filter_by(operator_id=operator_id)}
        garage, square = (sites[cast.STATIONS[key]["name"]] for key in ("garage", "square"))
        chargers.add(
            db, garage, "HE22A01930047", label="HG-04 Level 3", device_account="4711-0047", by=BY,
            now=now - timedelta(days=1, hours=3),
        )  # fmt: skip
        _cards(db, operator, garage, now)
        for uid, device_id, times, minutes in UNKNOWN:
            for again in range(times):
                at = now - timedelta(minutes=minutes + 2 * (times - again))
                sightings.note(db, known[device_id], uid, Authorisation(Verdict.INVALID), at, at)
        job_id = _imported(db, place.files, operator, square, now - timedelta(hours=5))
    work(place, STEPS, job_id, lambda: now - timedelta(hours=5))


def _cards(db: Session, operator: Operator, garage: Station, now: datetime) -> None:
    for uid, name in GROUPS:
        tokens.add(db, operator.id, uid, name=name, is_group=True, now=now)
        for card in MEMBERS[uid]:
            tokens.change(db, operator.id, card, parent_uid=uid)
    for card in GARAGE_ONLY:
        tokens.change(db, operator.id, card, station_ids=[garage.id])
    tokens.add(
        db, operator.id, "0488E1A9C2", name="Guest of the harbour festival", status=TokenStatus.ACCEPTED,
        expires_at=now - timedelta(days=6), now=now - timedelta(days=20),
    )  # fmt: skip


def _imported(db: Session, files: FileStore, operator: Operator, station: Station, now: datetime) -> int:
    text = io.StringIO()
    csv.writer(text).writerows(ROWS)
    kind, data = KINDS[BatchKind.DEVICES], text.getvalue().encode()
    batch = batches.check(
        db, files, data, read_rows(data), "delivery november.csv", kind, BatchKind.DEVICES,
        operator_id=operator.id, station=station, by=BY, now=now,
    )  # fmt: skip
    return batches.start(db, batch, kind, by=BY, now=now).id
