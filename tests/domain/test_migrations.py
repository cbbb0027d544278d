"""The migrations make what the models say, and can be taken back."""

import json
from datetime import datetime

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, Table, create_engine, inspect, text

from domain.db import Base, make_engine


@pytest.fixture
def bare_engine(request, tmp_path):
    """A database without any table."""
    if request.param == "sqlite":
        engine = make_engine(f"sqlite:///{tmp_path / 'bare.db'}")
    else:
        server = request.getfixturevalue("postgresql_server").url
        admin = create_engine(server, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text("DROP DATABASE IF EXISTS voltdesk_bare"))
            connection.execute(text("CREATE DATABASE voltdesk_bare"))
        url = admin.url.set(database="voltdesk_bare").render_as_string(hide_password=False)
        admin.dispose()
        engine = make_engine(url)
    yield engine
    engine.dispose()


# The index of expressions is made on PostgreSQL only; it is compared there.
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
@pytest.mark.parametrize("bare_engine", ["sqlite", "postgresql"], indirect=True)
def test_up_down_up(bare_engine):
    config = Config("alembic.ini")

    with bare_engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
        made = set(inspect(connection).get_table_names()) - {"alembic_version"}
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
        command.downgrade(config, "base")
        connection.commit()
        left = set(inspect(connection).get_table_names()) - {"alembic_version"}
        command.upgrade(config, "head")
        connection.commit()
        again = set(inspect(connection).get_table_names()) - {"alembic_version"}

    assert made == set(Base.metadata.tables)
    assert differences == []
    assert left == set()
    assert again == made


OLD = "0002"
MOMENT = "2026-03-02T08:30:00.000000+00:00"
ROWS = (
    ("operator", {"id": 7, "name": "Harbour Energy", "currency": "EUR", "created_at": MOMENT}),
    (
        "station",
        {
            "id": 71, "operator_id": 7, "name": "Pier", "time_zone": "Europe/Berlin", "currency": "EUR",
            "hold_minor": 5000, "latitude": 53.5, "created_at": MOMENT,
        },
    ),
    (
        "charger",
        {
            "id": 711, "operator_id": 7, "station_id": 71, "device_id": "HE60D01930041", "uuid": "b1f7c0de",
            "label": "Pier 1", "created_at": MOMENT, "security_profile": 1, "accepts_no_subprotocol": False,
            "answers_pings": True, "epoch": 3,
        },
    ),
    ("connector", {"id": 1, "charger_id": 711, "number": 1, "status": "Available"}),
    (
        "token",
        {
            "id": 1, "operator_id": 7, "uid": "04aB12", "uid_key": "04AB12", "status": "Accepted", "created_at": MOMENT,
        },
    ),
    (
        "qr_code",
        {"id": 1, "operator_id": 7, "code": "K7M2Q9", "charger_id": 711, "connector_number": 1, "created_at": MOMENT},
    ),
    ("qr_code", {"id": 2, "operator_id": 7, "code": "K7M2QA", "created_at": MOMENT}),
    (
        "payment_account",
        {
            "id": 1, "operator_id": 7, "provider": "sandbox", "name": "Harbour", "collection_mode": "operator",
            "is_test": True, "created_at": MOMENT,
        },
    ),
    (
        "charging_session",
        {
            "id": 9, "operator_id": 7, "station_id": 71, "charger_id": 711, "connector_number": 1,
            "ocpp_version": "1.6", "start_key": "a key", "status": "completed", "started_at": MOMENT,
            "start_received_at": MOMENT, "energy_wh": 20_123, "flags": [],
        },
    ),
    (
        "orders",
        {
            "id": 5, "operator_id": 7, "station_id": 71, "charging_session_id": 9, "number": "V-000005",
            "token": "unguessable", "status": "paid", "is_test": True, "currency": "EUR", "net_minor": 1000,
            "vat_minor": 190, "gross_minor": 1190, "shortfall_minor": 0, "flags": [], "created_at": MOMENT,
        },
    ),
    (
        "command",
        {
            "id": 3, "charger_id": 711, "action": "Reset", "payload": '{"type":"Soft"}', "status": "accepted",
            "timeout_s": 30, "queued_at": MOMENT, "expires_at": MOMENT, "asked_by": "alice@example.com",
        },
    ),
    (
        "audit_event",
        {
            "id": 1, "at": MOMENT, "operator_id": 7, "actor": "alice@example.com", "verb": "created",
            "object_type": "charger", "object_id": "711", "detail": {},
        },
    ),
)  # fmt: skip


@pytest.mark.parametrize("bare_engine", ["sqlite", "postgresql"], indirect=True)
def test_rows_survive_the_way_up_and_down(bare_engine):
    config = Config("alembic.ini")

    with bare_engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, OLD)
        connection.commit()
        for name, values in ROWS:
            table = Table(name, MetaData(), autoload_with=connection)
            connection.execute(table.insert().values(_stored(connection, table, values)))
        connection.commit()
        before, guarded = _everything(connection), _guards(connection)
        command.upgrade(config, "head")
        connection.commit()
        up = _everything(connection)
        who = connection.scalar(text("SELECT created_by FROM charger WHERE id = 711"))
        led = connection.execute(text("SELECT qr_code_id, charger_id, connector_number FROM qr_binding")).all()
        broken = _broken_references(connection)
        command.downgrade(config, OLD)
        connection.commit()
        down, guarded_again = _everything(connection), _guards(connection)
        broken += _broken_references(connection)

    assert {name for name, rows in before.items() if rows} == {name for name, _ in ROWS}
    for name, rows in before.items():
        assert [{key: row[key] for key in rows[0]} for row in up[name]] == rows
    assert who == "alice@example.com"
    assert led == [(1, 711, 1)]
    assert down == before
    assert guarded_again == guarded
    assert broken == []


def _stored(connection, table, values):
    """The values as that database takes them: the tables are as they were, so no model knows them."""
    if connection.dialect.name == "sqlite":
        return {key: json.dumps(value) if isinstance(value, list | dict) else value for key, value in values.items()}
    moments = {key: datetime.fromisoformat(value) for key, value in values.items() if value == MOMENT}
    return values | moments


def _everything(connection):
    """The rows of all tables, by table."""
    names = sorted(set(inspect(connection).get_table_names()) - {"alembic_version", "installation"})
    return {
        name: [dict(row) for row in connection.execute(text(f'SELECT * FROM "{name}" ORDER BY 1')).mappings()]
        for name in names
    }


def _guards(connection):
    """What each table refuses: its CHECKs, references and indexes, and on SQLite whether it is STRICT."""
    found = inspect(connection)
    kinds = (found.get_check_constraints, found.get_foreign_keys, found.get_unique_constraints, found.get_indexes)
    guards = {(name, each["name"]) for name in found.get_table_names() for kind in kinds for each in kind(name)}
    if connection.dialect.name != "sqlite":
        return guards
    return guards | set(connection.execute(text("SELECT name, strict FROM pragma_table_list WHERE strict")).all())


def _broken_references(connection):
    if connection.dialect.name != "sqlite":
        return []
    return connection.execute(text("PRAGMA foreign_key_check")).all()
