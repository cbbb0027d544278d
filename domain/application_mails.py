"""What applicants and staff read about an application.

The first mail goes to an address that nobody has proved yet: it holds no word that a stranger typed.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from domain import mails
from domain.models.applications import StationApplication
from domain.models.operators import UserAccount

_RECEIVED = """Hello,

your station data arrived, with {devices}. We look at it and answer within one to two days.

Its state, our questions and your answers are here:
{link}

Keep this mail: who has the link can read and answer. If you sent nothing, do nothing; no login is made for you
unless we approve it, and you will hear about it at this address.
"""
_ASKED = """Hello,

we have a question about {station}:

{question}

Answer, or correct what you sent, here:
{link}
"""
_ANSWERED = """{company} answered about {station}:
{link}
"""
_REJECTED = """Hello,

we cannot open {station} as it was sent to us:

{reason}

What you sent is here; you may send new station data at any time:
{link}
"""
_APPROVED = """Hello,

{station} is open, with {devices}.

Your login e-mail: {email}
Choose your password here; the link works once, within seven days:
{password_link}

Then sign in, and:
1. Check the station's latitude and longitude on the map, and set business hours and prices.
2. Connect each charger: its page Connect shows the address to type and its password.
3. Generate QR codes, bind them to your chargers, print them and stick them on.
4. Choose where payments go under Payment System.

The state of your application: {link}
"""
_JOINED = """Hello,

{station} is open, with {devices}, under {company}.

Your login e-mail: {email}, with the password that you have.
Sign in: {sign_in}

Next: check the station's position, set business hours and prices, and connect each charger: its page Connect
shows the address to type and its password.
"""
_CHOOSE_ONE = """Hello {name},

your login e-mail: {email}
Choose your password here; the link works once, within seven days, and earlier ones are over:
{password_link}
"""


def received(db: Session, application: StationApplication, link: str, now: datetime) -> None:
    body = _RECEIVED.format(devices=counted(application), link=link)
    _queue(db, application, "We have your station data", body, now)


def asked(db: Session, application: StationApplication, question: str, link: str, now: datetime) -> None:
    body = _ASKED.format(station=application.station_name, question=question, link=link)
    _queue(db, application, f"A question about {application.station_name}", body, now)


def answered(db: Session, application: StationApplication, asker: str, link: str, now: datetime) -> None:
    body = _ANSWERED.format(company=application.company, station=application.station_name, link=link)
    mails.queue(db, asker, f"Answer about {application.station_name}", body, now=now)


def rejected(db: Session, application: StationApplication, link: str, now: datetime) -> None:
    body = _REJECTED.format(station=application.station_name, reason=application.reason, link=link)
    _queue(db, application, f"About your station data: {application.station_name}", body, now)


def approved(db: Session, application: StationApplication, password_link: str, link: str, now: datetime) -> None:
    body = _APPROVED.format(
        station=application.station_name,
        devices=counted(application),
        email=application.email,
        password_link=password_link,
        link=link,
    )
    _queue(db, application, f"{application.station_name} is open: your login", body, now)


def joined(db: Session, application: StationApplication, company: str, sign_in: str, now: datetime) -> None:
    body = _JOINED.format(
        station=application.station_name,
        devices=counted(application),
        company=company,
        email=application.email,
        sign_in=sign_in,
    )
    _queue(db, application, f"{application.station_name} is open", body, now)


def password(db: Session, user: UserAccount, password_link: str, now: datetime) -> None:
    body = _CHOOSE_ONE.format(name=user.name, email=user.email, password_link=password_link)
    mails.queue(db, user.email, "Choose your password", body, now=now)


def counted(application: StationApplication) -> str:
    """ "1 charger", "3 chargers" """
    number = len(application.devices)
    return f"{number} charger" + ("" if number == 1 else "s")


def _queue(db: Session, application: StationApplication, subject: str, body: str, now: datetime) -> None:
    mails.queue(db, application.email, subject, body, now=now)
