"""Fills an empty database with the demo world and tells how to get in. Doing it again changes nothing."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session, sessionmaker

from demo import cast, firmware, joining, manage, settled
from demo.devices import write_devices
from demo.history import write_history
from demo.lines import write_lines
from demo.power import load_power
from demo.prices import draft_prices
from domain import (
    api_keys,
    chargers,
    contracts,
    operators,
    report_units,
    stations,
    statuses,
    tariff_book,
    tokens,
    users,
)
from domain.charger_clock import read_time
from domain.clock import utcnow
from domain.db import make_engine
from domain.files import FileStore
from domain.jobs import Workplace
from domain.models.chargers import Charger, Connector, QrCode
from domain.models.operators import Operator, Role
from domain.models.payments import CollectionMode, PaymentAccount
from domain.models.stations import Station
from domain.models.tokens import TokenStatus
from domain.settings import Settings

DAYS = 30
BY = "demo"


def load(settings: Settings, days: int = DAYS) -> None:
    """The demo world with that many days of history is in the database, its addresses and logins are on the screen."""
    engine = make_engine(settings.database_url)
    with _fast(engine):
        with Session(engine) as db:
            is_new = db.scalar(select(Operator.id).limit(1)) is None
            if is_new:
                print("Making the demo world: two stations, six chargers, a month of history", flush=True)  # noqa: T201
                _write_world(db, settings, utcnow() - timedelta(days=days))
                db.commit()
        if is_new:
            write_history(engine, utcnow(), days)
            with Session(engine) as db:
                write_lines(db, utcnow(), days)
                manage.write(db, utcnow())
                firmware.load(db, settings, utcnow())
                draft_prices(db, utcnow())
                db.commit()
                first = db.scalars(select(Operator.id).order_by(Operator.id).limit(1)).one()
            with Session(engine) as db:
                operator = db.get_one(Operator, first)
                settled.settle(db, first, operator.currency, settings.secret_key, utcnow(), days)
                db.commit()
            place = Workplace(sessionmaker(engine, expire_on_commit=False), FileStore(settings.instance_dir / "files"))
            write_devices(place, first, utcnow())
            with Session(engine) as db:
                report_units.refresh(db, utcnow())
                db.commit()
    with Session(engine) as db:
        print(_welcome(db, settings))  # noqa: T201
    engine.dispose()


@contextmanager
def _fast(engine: Engine) -> Iterator[None]:
    """Loading does not wait for the disk: a world half made is made anew."""
    if engine.dialect.name != "sqlite":
        yield
        return

    def hurry(connection: object, _record: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")  # type: ignore[attr-defined]

    event.listen(engine, "connect", hurry)
    yield
    engine.dispose()
    event.remove(engine, "connect", hurry)


def _write_world(db: Session, settings: Settings, began: datetime) -> None:
    operator = _operator(db, cast.OPERATOR, cast.PEOPLE, began)
    _operator(db, cast.OTHER_OPERATOR, cast.OTHER_PEOPLE, began)
    _contract(db, operator, began)
    account = PaymentAccount(
        operator_id=operator.id,
        provider="sandbox",
        name="Test money",
        collection_mode=CollectionMode.PLATFORM,
        is_test=True,
        created_at=began,
    )
    db.add(account)
    db.flush()
    sites = {key: _station(db, operator, account, key, began) for key in cast.STATIONS}
    joining.load(db, settings, list(sites.values()), utcnow())
    played = [_charger(db, sites[charger.station], charger, began) for charger in cast.CHARGERS]
    load_power(db, sites, began)
    for uid, name, status in cast.TOKENS:
        tokens.add(db, operator.id, uid, name=name, status=TokenStatus(status), now=began)
    _, secret = api_keys.create(db, operator, "Demo key", by=BY, now=began)
    _keep(settings.instance_dir / "demo-chargers.json", json.dumps(played, indent=1))
    _keep(settings.instance_dir / "demo-api-key", secret)


def _contract(db: Session, operator: Operator, at: datetime) -> None:
    terms = {"fee_basis_points": 300, "fee_fixed_minor": 5, "is_vat_owed_by_platform": False, "is_fee_refunded": True}
    contracts.agree(db, operator.id, operator.currency, **terms, by=BY, now=at)


def _keep(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _operator(
    db: Session, described: dict[str, str], people: tuple[tuple[str, str, str], ...], at: datetime
) -> Operator:
    operator = operators.create(db, **described, by=BY, now=at)
    for email, name, word in people:
        role = Role(word)
        employer = None if role.is_platform else operator
        users.create(db, email, role, employer, name=name, password=cast.PASSWORD, by=BY, now=at)
    return operator


def _station(db: Session, operator: Operator, account: PaymentAccount, key: str, at: datetime) -> Station:
    values = {**cast.STATIONS[key], "payment_account_id": account.id}
    station = stations.create(db, operator, values, by=BY, now=at)
    tariff = tariff_book.publish(
        db, operator.id, **cast.TARIFFS[key], currency=operator.currency, valid_from=at, by=BY, now=at
    )
    tariff_book.assign(db, station, tariff, by=BY, now=at)
    return station


def _charger(db: Session, station: Station, described: cast.DemoCharger, at: datetime) -> dict[str, object]:
    """The charger is registered with its plugs; what the simulator has to know of it."""
    password = secrets.token_urlsafe(24)
    charger, _ = chargers.add(db, station, described.device_id, label=described.label, password=password, by=BY, now=at)
    for number, (plug, kw, _) in enumerate(described.connectors, start=1):
        available = statuses.Report(number, "Available", "NoError", time=read_time(at.isoformat(), at, "UTC"))
        statuses.report(db, charger.id, available, at)
        connector = db.scalars(select(Connector).where(Connector.charger_id == charger.id, Connector.number == number))
        made = connector.one()
        made.kind, made.max_power_w = plug, int(kw * 1000)
    return described.for_simulator(password)


def _welcome(db: Session, settings: Settings) -> str:
    quiet = db.scalars(select(Charger).where(Charger.device_id == cast.FOR_VISITORS)).one()
    code = db.scalars(select(QrCode).where(QrCode.charger_id == quiet.id).order_by(QrCode.id)).first()
    rows = [f"  {role.replace('_', ' '):18} {email}" for email, _, role in (*cast.PEOPLE, *cast.OTHER_PEOPLE)]
    return "\n".join(
        [
            "",
            "Voltdesk, demo world",
            "",
            f"  Back office        {settings.public_url}",
            f"  A driver's phone   {settings.public_url}/c/{code.code if code else '?'}   ({quiet.label})",
            f"  Chargers           {settings.ocpp_public_url}/<device id>",
            f"  API key            {(settings.instance_dir / 'demo-api-key').read_text()}",
            "",
            f"  Everybody's password is: {cast.PASSWORD}",
            *rows,
            "",
            f"  The command line on this world: INSTANCE_DIR={settings.instance_dir} .venv/bin/flask --help",
            "  Stop with Ctrl+C.",
            "",
        ]
    )
