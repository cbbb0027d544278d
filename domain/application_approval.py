"""Approval: operator, owner's login, station and chargers exist, all or none of them, and the applicant can sign in."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import (
    application_mails,
    applications,
    audit,
    chargers,
    logins,
    operators,
    password_links,
    places,
    secret_links,
    stations,
    users,
)
from domain.errors import Conflict, Refused
from domain.links import Links
from domain.models.applications import ApplicationStatus, StationApplication
from domain.models.operators import Operator, Role, UserAccount
from domain.models.secret_links import Purpose

# Who may add stations to their operator.
_MAY_JOIN = (Role.OWNER, Role.TECHNICIAN)


@dataclass(frozen=True)
class Decision:
    """What staff set, besides what the applicant sent."""

    station_name: str
    address: str
    region: str
    time_zone: str
    currency: str


@dataclass(frozen=True)
class Prospect:
    """What approval would do: open a new company, or join the applicant's own."""

    user: UserAccount | None  # who has this e-mail
    operator: Operator | None  # whom the station would join
    obstacle: str | None  # why it cannot be approved
    namesakes: int  # companies that are called the same

    @property
    def is_new(self) -> bool:
        return self.user is None


def proposed(application: StationApplication, prospect: Prospect) -> Decision:
    """What staff will most likely set."""
    place = f"{application.address} {application.region}"
    country = application.country
    currency = prospect.operator.currency if prospect.operator else places.currency_of(country)
    zone = places.guess_zone(country, place)
    return Decision(application.station_name, application.address, application.region, zone, currency)


def look_ahead(db: Session, application: StationApplication) -> Prospect:
    """What approving it would do now."""
    same = select(func.count()).where(func.lower(Operator.name) == application.company.lower())
    user = users.find(db, application.email)
    operator = user.operator if user else None
    return Prospect(user, operator, _obstacle(user), db.scalar(same) or 0)


def approve(
    db: Session, application_id: int, decision: Decision, *, links: Links, by: str, now: datetime
) -> StationApplication:
    """The station is open. Of two who approve at the same moment the second one changes nothing.

    Raises:
        AlreadyDecided: somebody was faster.
        Refused: naming the fields that are wrong, or the e-mail's login may not open stations.
        Conflict: one of the chargers got registered meanwhile.
    """
    application = applications.locked(db, application_id)
    if not application.is_open:
        raise applications.AlreadyDecided(application)
    prospect = look_ahead(db, application)
    if prospect.obstacle:
        raise Refused(prospect.obstacle)
    operator = prospect.operator or operators.create(
        db, application.company, currency=decision.currency, country=application.country, by=by, now=now
    )
    user = prospect.user or users.create(db, application.email, Role.OWNER, operator, by=by, now=now)[0]
    _open_station(db, application, operator, decision, by, now)
    application.user_id = user.id
    application.status, application.status_at = ApplicationStatus.APPROVED, now
    application.decided_by, application.decided_at = by, now
    db.flush()
    audit.record(
        db, "approved", "station_application", application.id, operator_id=operator.id, by=by, now=now,
        station_id=application.station_id, new_operator=prospect.is_new,
    )  # fmt: skip
    _tell(db, application, user, operator, links, now)
    return application


def send_password_link(db: Session, application: StationApplication, *, links: Links, by: str, now: datetime) -> None:
    """The new owner has another link to choose the first password; the earlier one is over.

    Raises:
        Refused: there is none to send: not approved, or the password is chosen.
    """
    user = waiting_user(db, application)
    if user is None:
        raise Refused("The password is chosen already. Forgot password on the sign-in page replaces it.")
    application_mails.password(db, user, password_links.make_first(db, user, links, now), now)
    audit.record(db, "password link sent", "user_account", user.id, operator_id=user.operator_id, by=by, now=now)


def waiting_user(db: Session, application: StationApplication) -> UserAccount | None:
    """The login of an approved application whose first password is not chosen yet."""
    user = db.get(UserAccount, application.user_id) if application.user_id else None
    return user if user and user.must_change_password and logins.may_sign_in(user) else None


def _obstacle(user: UserAccount | None) -> str | None:
    if user is None:
        return None
    if not logins.may_sign_in(user):
        return f"The login {user.email} or its company is closed. Ask for another login e-mail."
    if user.operator is None or user.role not in _MAY_JOIN:
        return f"{user.email} has a login that may not open stations. Ask for another login e-mail."
    return None


def _open_station(
    db: Session, application: StationApplication, operator: Operator, decision: Decision, by: str, now: datetime
) -> None:
    values = {
        "name": decision.station_name,
        "address": decision.address,
        "city": decision.region,
        "country": application.country,
        "time_zone": decision.time_zone,
        "currency": decision.currency,
    }
    station = stations.create(db, operator, values, by=by, now=now)
    for device in application.devices:
        try:
            chargers.add(db, station, device.device_id, device_account=device.device_account, by=by, now=now)
        except chargers.DeviceIdTaken as taken:
            sentence = f"{device.device_id} is registered already. Ask the applicant about it."
            raise Conflict(sentence) from taken
    application.operator_id, application.station_id = operator.id, station.id
    application.station_name = station.name


def _tell(
    db: Session, application: StationApplication, user: UserAccount, operator: Operator, links: Links, now: datetime
) -> None:
    if not user.must_change_password:
        application_mails.joined(db, application, operator.name, links.sign_in, now)
        return
    secret = secret_links.make(db, Purpose.APPLICATION, application.id, lasts=applications.LINK_LASTS, now=now)
    password_link = password_links.make_first(db, user, links, now)
    application_mails.approved(db, application, password_link, links.application(secret), now)
