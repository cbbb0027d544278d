"""The `flask` command line: each command prints what it made, the id or key alone on the last line."""

import functools
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from alembic import command as alembic
from alembic.config import Config
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import inspect, select
from sqlalchemy.exc import SQLAlchemyError

from blueprints.database import db
from domain import (
    api_keys,
    audit_chain,
    certificates,
    chargers,
    doctor,
    logins,
    operators,
    payment_accounts,
    qr_codes,
    second_factors,
    stations,
    tokens,
    users,
)
from domain.api_keys import Scope
from domain.clock import utcnow
from domain.db import read_only
from domain.errors import DomainError
from domain.models.chargers import Charger
from domain.models.operators import ApiKey, Operator, Role, UserAccount
from domain.models.stations import Station
from domain.models.tokens import TokenStatus
from domain.settings import Settings

BY = "command line"
MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"

user_group = AppGroup("user", help="People who sign in.")
operator_group = AppGroup("operator", help="Companies that own stations.")
station_group = AppGroup("station", help="Charging stations.")
charger_group = AppGroup("charger", help="Chargers.")
key_group = AppGroup("api-key", help="Keys to the operator API.")
token_group = AppGroup("token", help="RFID cards and other tokens.")
payment_account_group = AppGroup("payment-account", help="Accounts at payment providers.")
demo_group = AppGroup("demo", help="The demo world.")
audit_group = AppGroup("audit", help="The audit log.")
tls_group = AppGroup("tls", help="Certificates for wss.")


def init_app(app: Flask) -> None:
    for group in (
        user_group,
        operator_group,
        station_group,
        charger_group,
        key_group,
        token_group,
        payment_account_group,
        demo_group,
        audit_group,
        tls_group,
    ):
        app.cli.add_command(group)
    app.cli.add_command(examine)


def committed(work: Callable[..., str]) -> Callable[..., None]:
    """Commits, then prints what the command returns as the last line; a refusal is a sentence on stderr."""

    @functools.wraps(work)
    def run(*args: Any, **options: Any) -> None:
        try:
            _make_tables_if_none()
            last_line = work(*args, **options)
            db.session.commit()
        except DomainError as error:
            raise click.ClickException(" ".join(_sentences(error))) from error
        except SQLAlchemyError as error:
            raise click.ClickException(f"The database refused: {str(error).splitlines()[0]}") from error
        click.echo(last_line)

    return run


def _sentences(error: DomainError) -> list[str]:
    told = [str(error)]
    told += [f"({field}: {sentence})" for field, sentence in error.errors if sentence not in told[0]]
    return told


def _make_tables_if_none() -> None:
    with read_only(), db.engine.connect() as connection:
        is_empty = not inspect(connection).get_table_names()
    if not is_empty:
        return
    click.echo("The database is empty: making its tables.", err=True)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = _settings().database_url
    alembic.upgrade(config, "head")


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def _station(station_id: int) -> Station:
    station = db.session.get(Station, station_id)
    if station is None:
        raise click.ClickException(f"There is no station {station_id}.")
    return station


def _words(words: type[Role]) -> click.Choice:
    return click.Choice([word.value.replace("_", "-") for word in words])


@user_group.command("create")
@click.option("--email", required=True)
@click.option("--role", required=True, type=_words(Role))
@click.option("--operator", "operator_id", type=int, help="Id of the operator; not for platform staff.")
@click.option("--password", help="At least 10 characters. Made up if left out, to be changed at the first sign-in.")
@click.option("--name", help="What people call them.")
@committed
def create_user(email: str, role: str, operator_id: int | None, password: str | None, name: str | None) -> str:
    """Make a login. The last line is the user's id."""
    operator = operators.get(db.session, operator_id) if operator_id is not None else None
    wanted = Role(role.replace("-", "_"))
    user, chosen = users.create(db.session, email, wanted, operator, password=password, name=name, by=BY, now=utcnow())
    click.echo(f"User {user.email}, {role}{f' of {operator.name}' if operator else ''}")
    click.echo(f"Sign in at {_settings().public_url}/")
    if password is None:
        click.echo(f"Password, to be changed at the first sign-in: {chosen}")
    return str(user.id)


@user_group.command("new-password")
@click.option("--email", required=True)
@committed
def renew_user_password(email: str) -> str:
    """Give somebody a one-time password and sign them out. The last line is the password."""
    return users.renew_password(db.session, _user(email), by=BY, now=utcnow())


@user_group.command("reset-two-factor")
@click.option("--email", required=True)
@committed
def reset_second_factor(email: str) -> str:
    """Let somebody sign in who lost their phone and their recovery codes. The last line is the user's id."""
    user = _user(email)
    second_factors.switch_off(db.session, user, by=BY, now=utcnow())
    logins.end_all(db.session, user.id, utcnow())
    click.echo(f"{user.email} signs in with the password alone, and may have to set up two-factor sign-in again.")
    return str(user.id)


def _user(email: str) -> UserAccount:
    user = db.session.scalar(select(UserAccount).where(UserAccount.email == email.strip().lower()))
    if user is None:
        raise click.ClickException(f"There is no account of {email}.")
    return user


@operator_group.command("create")
@click.option("--name", required=True)
@click.option("--currency", default="EUR", show_default=True, help="ISO 4217, of new stations.")
@click.option("--country", help="Two letters, ISO 3166-1.")
@committed
def create_operator(name: str, currency: str, country: str | None) -> str:
    """Make an operator. The last line is its id."""
    operator = operators.create(db.session, name, currency=currency, country=country, by=BY, now=utcnow())
    click.echo(f"Operator {operator.name}, {operator.currency}")
    return str(operator.id)


@station_group.command("create")
@click.option("--operator", "operator_id", required=True, type=int, help="Id of the operator.")
@click.option("--name", required=True)
@click.option("--time-zone", required=True, help="IANA name such as Europe/Helsinki.")
@click.option("--country", help="Two letters, ISO 3166-1.")
@click.option("--address", help="Street and number.")
@click.option("--city")
@click.option("--currency", help="ISO 4217; the operator's if left out.")
@committed
def create_station(operator_id: int, **values: Any) -> str:
    """Make a charging station. The last line is its id."""
    operator = operators.get(db.session, operator_id)
    station = stations.create(db.session, operator, values, by=BY, now=utcnow())
    click.echo(f"Station {station.name} of {operator.name}, {station.time_zone}, {station.currency}")
    return str(station.id)


@charger_group.command("add")
@click.option("--station", "station_id", required=True, type=int, help="Id of the station.")
@click.option("--device-id", required=True, help="OCPP identity, as the charger sends it.")
@click.option("--device-account", help="Account of the device at its maker.")
@click.option("--password", help="At least 10 characters; a random one if left out.")
@click.option("--label", help="What people read on the device.")
@click.option("--security-profile", type=int, default=1, show_default=True, help="1: ws, 2: wss; both with password.")
@committed
def add_charger(station_id: int, device_id: str, password: str | None, **values: Any) -> str:
    """Add a charger. The last line is its password if we made it, else its device id."""
    station = _station(station_id)
    charger, key = chargers.add(db.session, station, device_id, password=password, by=BY, now=utcnow(), **values)
    code = qr_codes.of_charger(db.session, charger)
    click.echo(f"Charger {charger.device_id}, label {charger.label}, at {station.name}")
    click.echo(f"It connects to {_settings().ocpp_public_url}/<device id>; not sure between ws and wss? Use ws.")
    if code is not None:
        click.echo(f"Drivers: {_settings().public_url}/c/{code.code}")
    if password is not None:
        return charger.device_id
    click.echo("Its password for Basic authentication (user = device id), shown only now:")
    return key


@charger_group.command("new-password")
@click.option("--device-id", required=True, help="OCPP identity.")
@click.option("--password", help="At least 10 characters; a random one if left out.")
@committed
def renew_charger_password(device_id: str, password: str | None) -> str:
    """Replace a charger's password. The last line is the new one if we made it, else the device id."""
    charger = db.session.scalar(select(Charger).where(Charger.device_id == device_id))
    if charger is None:
        raise click.ClickException(f"There is no charger {device_id}.")
    key = chargers.renew_password(db.session, charger, password, by=BY, now=utcnow())
    click.echo("The old password opens nothing from now on. A charger that is online stays connected until it connects")
    click.echo("again: enter the new password in it, then reboot it.")
    return charger.device_id if password is not None else key


@key_group.command("create")
@click.option("--operator", "operator_id", required=True, type=int, help="Id of the operator.")
@click.option("--name", required=True, help="What the key is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help="read, write, commands or refunds; may be repeated. All but refunds if left out.",
)
@click.option("--expires-in-days", type=click.IntRange(1, 3650), default=365, show_default=True)
@committed
def create_key(operator_id: int, name: str, scopes: tuple[str, ...], expires_in_days: int) -> str:
    """Make a key to the operator API. The last line is the key, shown only now."""
    operator = operators.get(db.session, operator_id)
    lasts = timedelta(days=expires_in_days)
    wanted = _scopes(scopes) or api_keys.USUAL_SCOPES
    key, secret = api_keys.create(db.session, operator, name, wanted, lasts=lasts, by=BY, now=utcnow())
    click.echo(f"API key {key.id}, {key.name}, of {operator.name}: {', '.join(key.scopes)}")
    click.echo(f"It expires {key.expires_at:%Y-%m-%d}; flask api-key revoke {key.id} ends it earlier.")
    return secret


@audit_group.command("verify")
@click.option("--expect", metavar="NUMBER:HASH", help="What an earlier run told: that row must still be the same.")
def verify_audit(expect: str | None) -> None:
    """Follow the audit log from its first row to its last. The last line is NUMBER:HASH, to be kept elsewhere."""
    number, _, told = (expect or "").partition(":")
    if expect and not (number.isascii() and number.isdigit() and told):
        raise click.ClickException("--expect takes NUMBER:HASH as an earlier run told it.")
    with read_only():
        found = audit_chain.verify(db.session(), utcnow(), expected=(int(number), told) if expect else None)
    if found.trouble:
        raise click.ClickException(f"The audit log is not whole. {found.trouble}")
    click.echo("The audit log is whole.")
    click.echo(f"{found.number}:{found.hash}")


@key_group.command("list")
@click.option("--operator", "operator_id", required=True, type=int, help="Id of the operator.")
def list_keys(operator_id: int) -> None:
    """Tell an operator's keys, each after its id; never the keys themselves."""
    with read_only():
        for key in db.session.scalars(select(ApiKey).where(ApiKey.operator_id == operator_id).order_by(ApiKey.id)):
            until = f"until {key.expires_at:%Y-%m-%d}" if key.expires_at else "no end"
            used = f"used {key.last_used_at:%Y-%m-%d}" if key.last_used_at else "never used"
            revoked = f"  revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else ""
            click.echo(f"{key.id}  {key.name}  {' '.join(key.scopes)}  {until}  {used}{revoked}")


@key_group.command("revoke")
@click.argument("key_id", type=int)
@committed
def revoke_key(key_id: int) -> str:
    """End a key: it opens nothing from now on. The last line is its id."""
    key = db.session.get(ApiKey, key_id)
    if key is None:
        raise click.ClickException(f"There is no API key {key_id}.")
    api_keys.revoke(db.session, key, by=BY, now=utcnow())
    return str(key.id)


def _scopes(given: tuple[str, ...]) -> list[Scope]:
    words = " ".join(given).replace(",", " ").split()
    try:
        return [Scope(word) for word in words]
    except ValueError as error:
        raise click.BadParameter(f"choose from {', '.join(Scope)}.", param_hint="--scope") from error


@token_group.command("add")
@click.option("--operator", "operator_id", required=True, type=int, help="Id of the operator.")
@click.option("--uid", required=True, help="As the card reader tells it.")
@click.option("--status", type=click.Choice([status.value for status in TokenStatus]), default="Accepted")
@click.option("--expires-at", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]), help="UTC.")
@click.option("--parent-uid", help="Group of cards.")
@click.option("--name", help="Whose card it is.")
@committed
def add_token(operator_id: int, uid: str, status: str, expires_at: datetime | None, **values: Any) -> str:
    """Add a token. The last line is its uid."""
    operator = operators.get(db.session, operator_id)
    ends = expires_at.replace(tzinfo=UTC) if expires_at else None
    token = tokens.add(
        db.session, operator.id, uid, status=TokenStatus(status), expires_at=ends, by=BY, now=utcnow(), **values
    )
    click.echo(f"Token {token.uid} of {operator.name}: {token.status}")
    return token.uid


@payment_account_group.command("create")
@click.option("--operator", "operator_id", required=True, type=int, help="Id of the operator.")
@click.option("--provider", type=click.Choice([payment_accounts.SANDBOX]), default=payment_accounts.SANDBOX)
@click.option("--name", default="Test money", show_default=True)
@committed
def create_payment_account(operator_id: int, provider: str, name: str) -> str:
    """Let an operator's stations take payments; sandbox is test money. The last line is the account's id."""
    operator = operators.get(db.session, operator_id)
    account = payment_accounts.create_sandbox(db.session, operator, name, by=BY, now=utcnow())
    click.echo(f"Payment account {account.name} of {operator.name}, {provider}: no real money moves")
    return str(account.id)


@demo_group.command("load")
@with_appcontext
def load_demo() -> None:
    """Fill an empty database with the demo world, as make demo does. The last line is its API key."""
    from demo.load import load  # the demo stands beside the product, not in it

    settings = _settings()
    settings.instance_dir.mkdir(parents=True, exist_ok=True)
    key_file = settings.instance_dir / "demo-api-key"
    _make_tables_if_none()
    with read_only():
        is_in_use = db.session.scalar(select(Operator.id).limit(1)) is not None
        db.session.rollback()
    if is_in_use and not key_file.exists():
        raise click.ClickException("This database is in use. The demo world needs an empty one: set DATABASE_URL.")
    load(settings)
    click.echo(key_file.read_text(encoding="utf-8"))


@tls_group.command("self-signed")
@click.option("--host", "hosts", multiple=True, help="Name or address that chargers use; may be repeated.")
@click.option("--days", type=click.IntRange(1, 7300), default=730, show_default=True)
@click.option("--replace", is_flag=True, help="Although there is one.")
def make_certificate(hosts: tuple[str, ...], days: int, replace: bool) -> None:
    """Make a certificate for wss, signed by itself. The last line is its file."""
    settings = _settings()
    names = list(hosts) or _own_names(settings)
    try:
        made = certificates.write_self_signed(settings.instance_dir, names, days=days, replace=replace, now=utcnow())
    except (DomainError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Certificate for {', '.join(names)}, valid until {made.not_valid_after_utc:%Y-%m-%d}")
    click.echo(f"SHA-256 {certificates.fingerprint(made)}")
    click.echo(f"Start the sidecar again: wss then listens on port {settings.ocpp_tls_port}.")
    click.echo(certificates.files(settings.instance_dir).certificate)


def _own_names(settings: Settings) -> list[str]:
    addresses = (urlsplit(url).hostname for url in (settings.ocpp_public_url, settings.public_url))
    return list(
        dict.fromkeys([*filter(None, addresses), socket.gethostname() or "localhost", "localhost", "127.0.0.1"])
    )


@click.command("doctor")
@with_appcontext
def examine() -> None:
    """Check database, ports, certificate, clock and mail, and say what to do."""
    found = list(doctor.examine(_settings(), db.engine, utcnow()))
    for finding in found:
        click.echo(f"{'ok ' if finding.is_fine else 'BAD'}  {finding.subject}: {finding.sentence}")
    troubles = sum(not finding.is_fine for finding in found)
    if troubles:
        raise click.ClickException(f"{troubles} of {len(found)} checks need your attention.")
