"""Many QR codes as one file: label sheets and ZIP archives, at once or as a job."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from domain import jobs, qr_images, qr_labels
from domain.errors import Refused
from domain.jobs import Workplace
from domain.models.chargers import Charger, QrCode
from domain.models.files import FileKind
from domain.models.jobs import Job
from domain.qr_labels import Label

MOST_AT_ONCE = 200  # more become a job
MOST = 5000
KIND = "qr_file"
LASTS = timedelta(days=7)
_MOST_BYTES = 200 * 1024 * 1024
_AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made: "labels" (PDF), "png" or "svg" (ZIP). `public_url` begins every address."""

    kind: str
    public_url: str
    size: str = "a4-3x8"
    start: int = 1


def check(order: Order, count: int) -> None:
    """That file can be made.

    Raises:
        Refused: no codes, too many, or a position that the sheet does not have.
    """
    if count == 0:
        raise Refused("Choose at least one code.", [("codes", "Choose at least one.")])
    if count > MOST:
        raise Refused(f"One file holds up to {MOST:,} codes. Narrow the filter.", [("codes", "Too many.")])
    if order.size not in qr_labels.SIZES:
        raise Refused("Choose one of the label sizes.", [("size", "Choose one.")])
    last = qr_labels.SIZES[order.size].per_sheet
    if not 1 <= order.start <= last:
        sentence = f"This sheet has positions 1 to {last}."
        raise Refused(sentence, [("start", sentence)])


def queue(db: Session, order: Order, code_ids: Sequence[int], *, operator_id: int, by: str, now: datetime) -> Job:
    """The file is made by the worker."""
    title = f"Label sheet of {len(code_ids):,} codes" if order.kind == "labels" else f"{len(code_ids):,} QR codes"
    detail = {"codes": list(code_ids), "kind": order.kind, "size": order.size, "start": order.start}
    detail["public_url"] = order.public_url
    return jobs.queue(db, KIND, title, detail, operator_id=operator_id, total=len(code_ids), by=by, now=now)


def step(place: Workplace, job_id: int, now: datetime) -> None:
    """The whole file; begun anew if it was interrupted, as nothing of it is kept before its end."""
    with place.reading() as db:
        job = db.get_one(Job, job_id)
        detail = dict(job.detail)
        operator_id, title = job.operator_id, job.title
        labels = labels_of(db, detail["codes"], operator_id, detail["public_url"])

    def told(done: int) -> None:
        with place.transaction() as db:
            job = jobs.locked(db, job_id)
            jobs.advance(job, done=done - job.done)

    content = io.BytesIO(
        made(Order(detail["kind"], detail["public_url"], detail["size"], detail["start"]), labels, told)
    )
    written = place.files.write(content, _MOST_BYTES)
    with place.transaction() as db:
        job = jobs.locked(db, job_id)
        name, content_type = file_name(detail["kind"])
        stored = place.files.keep(
            db,
            written,
            kind=FileKind.RESULT,
            name=name,
            content_type=content_type,
            operator_id=operator_id,
            by=title,
            now=now,
            lasts=LASTS,
        )
        jobs.advance(job, done=len(labels) - job.done)
        if not job.is_over:
            jobs.finish(job, now, stored)


def labels_of(db: Session, code_ids: Sequence[int], operator_id: int | None, public_url: str) -> list[Label]:
    """The operator's codes with what stands beside them, in the order of the ids."""
    found: dict[int, QrCode] = {}
    for begin in range(0, len(code_ids), _AT_A_TIME):
        some = select(QrCode).where(QrCode.operator_id == operator_id)
        some = some.where(QrCode.id.in_(code_ids[begin : begin + _AT_A_TIME]))
        whole = some.options(
            joinedload(QrCode.charger).joinedload(Charger.station),
            joinedload(QrCode.charger).selectinload(Charger.connectors),
        )
        found.update((code.id, code) for code in db.scalars(whole))
    return [label_of(found[each], public_url) for each in code_ids if each in found]


def label_of(code: QrCode, public_url: str) -> Label:
    """The code with its charger's words, as far as it leads to one. Never the device id."""
    address = f"{public_url}/c/{code.code}"
    charger = code.charger
    if charger is None:
        return Label(code.code, address)
    plug = next((each for each in charger.connectors if each.number == code.connector_number), None)
    kind = f", {plug.kind}" if plug and plug.kind else ""
    connector = f"Connector {code.connector_number}{kind}" if code.connector_number else ""
    return Label(code.code, address, charger.station.name, charger.label, connector)


def made(order: Order, labels: Sequence[Label], progress: Callable[[int], None] | None = None) -> bytes:
    """The file's bytes."""
    if order.kind == "labels":
        return qr_labels.sheets(labels, qr_labels.SIZES[order.size], order.start, progress)
    draw: Callable[[str], bytes] = qr_images.png if order.kind == "png" else qr_images.svg

    def pictures() -> Any:
        for number, label in enumerate(labels, start=1):
            yield f"{picture_name(label)}.{order.kind}", draw(label.address)
            if progress and number % 100 == 0:
                progress(number)

    return qr_images.zipped(pictures())


def picture_name(label: Label) -> str:
    """The name of the picture of one code, without its ending: "HG-04 ABCD2345"."""
    kept = "".join(character for character in label.charger if character.isalnum() or character in "-_ ")
    return f"{kept.strip()} {label.code}".strip()


def file_name(kind: str) -> tuple[str, str]:
    """The name of the whole file and its content type."""
    return ("QR labels.pdf", "application/pdf") if kind == "labels" else (f"QR codes {kind}.zip", "application/zip")
