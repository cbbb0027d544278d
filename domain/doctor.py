"""What `flask doctor` finds out about an installation: database, ports, certificate, clock, mail."""

import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from domain import certificates
from domain.db import read_only
from domain.settings import Settings

PATIENCE_S = 3
MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"
CERTIFICATE_ENDS_SOON = timedelta(days=30)
TOLERATED_CLOCK_GAP_S = 5
OLDEST_BELIEVABLE = datetime(2026, 1, 1, tzinfo=UTC)


class Finding(NamedTuple):
    """One thing looked at. What is not `is_fine` must be mended."""

    subject: str
    is_fine: bool
    sentence: str


def examine(settings: Settings, engine: Engine, now: datetime) -> Iterator[Finding]:
    """Every finding, in the order of their importance."""
    yield database(engine)
    yield port("Web port", settings.web_port)
    yield port("OCPP port", settings.ocpp_port)
    yield certificate(settings, now)
    yield clock(engine, now)
    yield mail(settings)


def database(engine: Engine) -> Finding:
    """Whether the database answers and has the newest schema."""
    name = f"Database ({engine.dialect.name})"
    newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    try:
        with read_only(), engine.connect() as connection:
            present = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        return Finding(name, False, f"It cannot be used: {_first_line(error)}. Check DATABASE_URL.")
    if present is None:
        return Finding(name, False, "It has no tables yet. Run make migrate.")
    if present != newest:
        return Finding(name, False, f"Its schema is {present}, this release needs {newest}. Run make migrate.")
    return Finding(name, True, f"It answers; its schema is {present}.")


def port(name: str, number: int, patience_s: float = PATIENCE_S) -> Finding:
    """Whether the port is ours or free."""
    subject = f"{name} {number}"
    try:
        with socket.create_connection(("127.0.0.1", number), timeout=patience_s):
            pass
    except OSError:
        return Finding(subject, True, "Nothing runs there now; the port is free.")
    try:
        with urlopen(f"http://127.0.0.1:{number}/healthz", timeout=patience_s) as answer:  # noqa: S310 - our own port
            is_ours = answer.status == 200
    except (URLError, OSError, ValueError):
        is_ours = False
    if is_ours:
        return Finding(subject, True, "It runs and answers.")
    return Finding(subject, False, "Something else listens there. Stop it or choose another port.")


def certificate(settings: Settings, now: datetime) -> Finding:
    """Whether wss can work, and for how long."""
    here, subject = certificates.files(settings.instance_dir), "Certificate"
    if not here.certificate.exists() or not here.key.exists():
        return Finding(subject, True, "There is none, so wss is off. flask tls self-signed makes one.")
    try:
        ends = certificates.read(here.certificate).not_valid_after_utc
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(here.certificate, here.key)
    except (ValueError, OSError) as error:
        return Finding(subject, False, f"It cannot be used: {_first_line(error)}.")
    if ends <= now:
        return Finding(subject, False, f"It ended on {ends:%Y-%m-%d}. Chargers on wss cannot connect.")
    if ends <= now + CERTIFICATE_ENDS_SOON:
        return Finding(subject, False, f"It ends on {ends:%Y-%m-%d}. Renew it.")
    return Finding(subject, True, f"It is valid until {ends:%Y-%m-%d}; wss listens on {settings.ocpp_tls_port}.")


def clock(engine: Engine, now: datetime) -> Finding:
    """Whether this machine's time can be meant, and agrees with the database server's."""
    if now < OLDEST_BELIEVABLE:
        return Finding("Clock", False, f"This machine believes it is {now:%Y-%m-%d}. Set its clock.")
    gap = 0.0
    if engine.dialect.name == "postgresql":
        try:
            with engine.connect() as connection:
                there: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        except SQLAlchemyError:
            return Finding("Clock", False, "The database's clock could not be asked.")
        gap = abs(there.timestamp() - time.time())
    if gap > TOLERATED_CLOCK_GAP_S:
        return Finding("Clock", False, f"The database server's clock is {gap:.0f} seconds away. Use NTP on both.")
    return Finding("Clock", True, f"It is {now:%Y-%m-%d %H:%M} UTC here.")


def mail(settings: Settings) -> Finding:
    """Whether the mail server answers, or mails can be written to the instance folder."""
    if settings.smtp_url is None:
        is_writable = settings.instance_dir.is_dir()
        told = f"SMTP_URL is not set: mails are written to {settings.instance_dir / 'mail'}."
        return Finding("Mail", is_writable, told if is_writable else f"{settings.instance_dir} does not exist.")
    url = urlsplit(settings.smtp_url)
    kind = smtplib.SMTP_SSL if url.scheme == "smtps" else smtplib.SMTP
    try:
        with kind(url.hostname or "localhost", url.port or 0, timeout=PATIENCE_S) as server:
            server.noop()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return Finding("Mail", False, f"The mail server {url.hostname} does not answer: {_first_line(error)}.")
    return Finding("Mail", True, f"The mail server {url.hostname} answers.")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
