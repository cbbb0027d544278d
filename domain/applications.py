"""Station applications: sent in by anybody, asked about, answered, rejected.

Approval is in domain/application_approval.py.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from domain import application_mails, audit, device_rows, operators, secret_links, stations, users
from domain.device_rows import DeviceRow
from domain.errors import Conflict, NotFound, Refused
from domain.links import Links
from domain.models.applications import ApplicationDevice, ApplicationLetter, ApplicationStatus, StationApplication
from domain.models.secret_links import Purpose

MOST_DEVICES = 200
LINK_LASTS = timedelta(days=90)
MOST_OF_AN_EMAIL, MOST_OF_AN_ADDRESS = 5, 20  # a day
LONGEST = {
    "order_number": 60,
    "company": operators.LONGEST_NAME,
    "email": users.LONGEST_EMAIL,
    "station_name": stations.LONGEST["name"],
    "region": stations.LONGEST["city"],
    "address": stations.LONGEST["address"],
}
LONGEST_LETTER = 2000
_MISSING = {
    "order_number": "Type the order number of the order in which the chargers were bought.",
    "company": "Type your company's name.",
    "email": "Type the e-mail address to sign in with.",
    "station_name": "Give the station a name.",
    "country": "Choose the country.",
    "region": "Type the region, such as a state, county or city.",
    "address": "Type the full address: street, number, postal code, town.",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_LETTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Given:
    """The form as it was typed."""

    order_number: str
    company: str
    email: str
    station_name: str
    country: str
    region: str
    address: str


class AlreadyDecided(Conflict):
    """Somebody approved or rejected it before."""

    def __init__(self, application: StationApplication) -> None:
        super().__init__(f"This application was already {application.status} by {application.decided_by}.")


def send(
    db: Session, given: Given, rows: Sequence[DeviceRow], *, remote_address: str | None, links: Links, now: datetime
) -> StationApplication:
    """The application waits for staff, and the applicant has a mail with a link to its state.

    Raises:
        Refused: naming fields, and rows as "devices-3-device_id"; or there were too many of this sender today.
    """
    tidy = _checked(db, given, rows)
    _refuse_flood(db, tidy.email, remote_address, now)
    application = StationApplication(remote_address=remote_address, created_at=now, status_at=now, **vars(tidy))
    application.devices = _devices(rows)
    db.add(application)
    db.flush()
    audit.record(
        db, "sent", "station_application", application.id, operator_id=None, by=tidy.email, now=now,
        devices=len(application.devices),
    )  # fmt: skip
    application_mails.received(db, application, _new_link(db, application, links, now), now)
    return application


def correct(
    db: Session, application: StationApplication, given: Given, rows: Sequence[DeviceRow], *, now: datetime
) -> None:
    """The applicant's corrections are in the application; its e-mail stays, which the link proved.

    Raises:
        Refused: as `send`.
        Conflict: it is decided.
    """
    application = locked(db, application.id)
    _refuse_decided(application)
    tidy = _checked(db, given, rows)
    for each in fields(tidy):
        if each.name != "email":
            setattr(application, each.name, getattr(tidy, each.name))
    application.devices.clear()
    db.flush()  # before the new rows: both may name the same device
    application.devices.extend(_devices(rows))
    _take_turn(application, ApplicationStatus.ANSWERED, now)
    db.flush()
    _record(db, "corrected", application, application.email, now)


def ask(db: Session, application_id: int, question: str, *, links: Links, by: str, now: datetime) -> StationApplication:
    """The applicant has the question by mail.

    Raises:
        Refused: there is no question.
        Conflict: it is decided.
    """
    text = _letter(question, "question", "Type what you want to know.")
    application = locked(db, application_id)
    _refuse_decided(application)
    db.add(ApplicationLetter(application_id=application.id, at=now, by_staff=by, text=text))
    _take_turn(application, ApplicationStatus.ASKED, now)
    db.flush()
    _record(db, "question asked", application, by, now)
    application_mails.asked(db, application, text, _new_link(db, application, links, now), now)
    return application


def answer(db: Session, application_id: int, text: str, *, links: Links, now: datetime) -> None:
    """Staff have the answer, and who asked last has a mail about it.

    Raises:
        Refused: there is no answer, or nothing was asked.
        Conflict: it is decided.
    """
    written = _letter(text, "answer", "Type your answer.")
    application = locked(db, application_id)
    _refuse_decided(application)
    if len(application.letters) >= 100:
        raise Refused("There are enough letters here. Wait for our answer.")
    asker = next((each.by_staff for each in reversed(application.letters) if each.by_staff), None)
    db.add(ApplicationLetter(application_id=application.id, at=now, text=written))
    if application.status != ApplicationStatus.NEW:
        _take_turn(application, ApplicationStatus.ANSWERED, now)
    db.flush()
    _record(db, "answered", application, application.email, now)
    if asker:
        application_mails.answered(db, application, asker, links.review(application.id), now)


def reject(
    db: Session, application_id: int, reason: str, *, links: Links, by: str, now: datetime
) -> StationApplication:
    """The application is over, and the applicant knows why.

    Raises:
        Refused: there is no reason.
        Conflict: it is decided.
    """
    text = _letter(reason, "reason", "Type the reason; the applicant reads it.")
    application = locked(db, application_id)
    _refuse_decided(application)
    application.reason, application.decided_by, application.decided_at = text, by, now
    _take_turn(application, ApplicationStatus.REJECTED, now)
    db.flush()
    _record(db, "rejected", application, by, now)
    application_mails.rejected(db, application, _new_link(db, application, links, now), now)
    return application


def find(db: Session, secret: str, now: datetime) -> StationApplication:
    """The application that this link shows.

    Raises:
        NotFound: the link has run out.
    """
    application = db.get(StationApplication, secret_links.find(db, Purpose.APPLICATION, secret, now).subject_id)
    if application is None:
        raise NotFound(secret_links.GONE)
    return application


def get(db: Session, application_id: int) -> StationApplication:
    """The application with that id.

    Raises:
        NotFound: there is none.
    """
    application = db.get(StationApplication, application_id)
    if application is None:
        raise NotFound("There is no such application.")
    return application


def locked(db: Session, application_id: int) -> StationApplication:
    """The application as it is now; nobody else changes it before this transaction ends."""
    found = select(StationApplication).where(StationApplication.id == application_id).with_for_update()
    application = db.scalar(found.execution_options(populate_existing=True))
    if application is None:
        raise NotFound("There is no such application.")
    return application


def also_named_in(db: Session, application: StationApplication) -> dict[str, int]:
    """Device ids that another open application names too, each with that application's id."""
    names = {device.device_id.lower() for device in application.devices}
    others = (
        select(func.lower(ApplicationDevice.device_id), StationApplication.id)
        .join(StationApplication, StationApplication.id == ApplicationDevice.application_id)
        .where(
            StationApplication.id != application.id,
            StationApplication.status.not_in((ApplicationStatus.APPROVED, ApplicationStatus.REJECTED)),
            func.lower(ApplicationDevice.device_id).in_(names),
        )
    )
    found: dict[str, int] = dict(db.execute(others).all())
    return {
        device.device_id: found[device.device_id.lower()]
        for device in application.devices
        if device.device_id.lower() in found
    }


def _new_link(db: Session, application: StationApplication, links: Links, now: datetime) -> str:
    secret = secret_links.make(db, Purpose.APPLICATION, application.id, lasts=LINK_LASTS, now=now)
    return links.application(secret)


def _checked(db: Session, given: Given, rows: Sequence[DeviceRow]) -> Given:
    tidy = Given(**{each.name: getattr(given, each.name).strip() for each in fields(given)})
    errors = [(name, sentence) for name, sentence in _MISSING.items() if not getattr(tidy, name)]
    wrong = {name for name, _ in errors}
    for name, longest in LONGEST.items():
        if len(getattr(tidy, name)) > longest or _CONTROL.search(getattr(tidy, name)):
            errors.append((name, f"Use up to {longest} characters on one line."))
            wrong.add(name)
    if tidy.country and tidy.country not in stations.countries():
        errors.append(("country", "Choose a country of the list."))
    if "email" not in wrong:
        try:
            tidy = Given(**(vars(tidy) | {"email": users.clean_email(tidy.email)}))
        except Refused as refusal:
            errors += refusal.errors
    if not rows:
        errors.append(("devices", "Name at least one charger, with its device id and device account."))
    elif len(rows) > MOST_DEVICES:
        errors.append(("devices", f"Name up to {MOST_DEVICES} chargers here; the others are imported later."))
    else:
        errors += [(f"devices-{each.index}-{each.field}", each.sentence) for each in device_rows.faults(db, rows)]
    if errors:
        raise Refused(errors[0][1], errors)
    return tidy


def _devices(rows: Sequence[DeviceRow]) -> list[ApplicationDevice]:
    return [
        ApplicationDevice(position=position, device_id=row.device_id, device_account=row.device_account)
        for position, row in enumerate(rows, start=1)
    ]


def _letter(typed: str, field: str, missing: str) -> str:
    text = typed.replace("\r\n", "\n").strip()
    if not text:
        raise Refused(missing, [(field, missing)])
    if len(text) > LONGEST_LETTER or _CONTROL_IN_LETTER.search(text):
        sentence = f"Use up to {LONGEST_LETTER} characters."
        raise Refused(sentence, [(field, sentence)])
    return text


def _refuse_decided(application: StationApplication) -> None:
    if not application.is_open:
        raise AlreadyDecided(application)


def _refuse_flood(db: Session, email: str, remote_address: str | None, now: datetime) -> None:
    of_today = StationApplication.created_at > now - timedelta(days=1)
    sender = or_(StationApplication.email == email, StationApplication.remote_address == remote_address)
    rows = db.execute(select(StationApplication.email, StationApplication.remote_address).where(of_today, sender)).all()
    if sum(row.email == email for row in rows) >= MOST_OF_AN_EMAIL or len(rows) >= MOST_OF_AN_ADDRESS:
        raise Refused(
            "Too many applications were sent from here today. Send the next one tomorrow, or contact support."
        )


def _take_turn(application: StationApplication, status: ApplicationStatus, now: datetime) -> None:
    application.status, application.status_at = status, now


def _record(db: Session, verb: str, application: StationApplication, by: str, now: datetime) -> None:
    audit.record(db, verb, "station_application", application.id, operator_id=application.operator_id, by=by, now=now)
