"""The database: base class, column types, engines. One rule: the edge commits, domain functions flush.

SQLite and PostgreSQL hold the same schema. On SQLite every table is STRICT and every transaction
takes the write lock at once (BEGIN IMMEDIATE), unless the caller said that it only reads.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Dialect,
    Double,
    Engine,
    Enum,
    MetaData,
    Text,
    TypeDecorator,
    create_engine,
    event,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import JSON, TypeEngine

BUSY_TIMEOUT_MS = 5000

# What the database's trouble looks like; anything else is the fault of the work.
TROUBLE = (OperationalError, InterfaceError, PoolTimeout)

_is_reading: ContextVar[bool] = ContextVar("is_reading", default=False)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, kept in UTC: TIMESTAMPTZ on PostgreSQL, sortable text on SQLite."""

    impl = TIMESTAMP(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else TIMESTAMP(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone.")
        moment = value if value.tzinfo is UTC else value.astimezone(UTC)
        return moment.isoformat(timespec="microseconds") if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if dialect.name == "sqlite" else value
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def words(enum: type[StrEnum]) -> Enum:
    """A column type that stores the enum's values as text, guarded by a CHECK."""
    return Enum(
        enum,
        values_callable=lambda members: [member.value for member in members],
        native_enum=False,
        name=_snake(enum.__name__),
        create_constraint=True,
        length=40,
    )


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


# SQLite's STRICT tables know INTEGER, TEXT, REAL and BLOB only.
@compiles(BigInteger, "sqlite")
@compiles(Boolean, "sqlite")
def _integer(*_: Any, **__: Any) -> str:
    return "INTEGER"


@compiles(Double, "sqlite")
def _real(*_: Any, **__: Any) -> str:
    return "REAL"


@compiles(Enum, "sqlite")
@compiles(JSON, "sqlite")
def _text(*_: Any, **__: Any) -> str:
    return "TEXT"


class Base(DeclarativeBase):
    """Every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own idiom
        int: BigInteger,
        float: Double,
        str: Text,
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[str]: JSON,
        list[Any]: JSON,
    }
    __table_args__: Any = {"sqlite_strict": True}


def make_engine(database_url: str, **options: Any) -> Engine:
    """An engine with this product's settings for that database.

    Args:
        database_url: `sqlite:///path` or `postgresql://…` (driven by psycopg 3).
        options: passed on to `create_engine`.
    """
    engine = create_engine(normal_url(database_url), **engine_options(database_url), **options)
    prepare_engine(engine)
    return engine


def normal_url(database_url: str) -> str:
    """The address with the driver that this product uses."""
    url = make_url(database_url)
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


def engine_options(database_url: str) -> dict[str, Any]:
    """What `create_engine` is given besides the address."""
    # SQLAlchemy keeps 500 compiled statements unless told otherwise; the product has more, the lists alone hundreds.
    common = {"json_serializer": _json, "json_deserializer": orjson.loads, "query_cache_size": 3000}
    if make_url(database_url).get_backend_name() == "sqlite":
        return common | {"connect_args": {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}}
    return common | {"pool_pre_ping": True, "connect_args": {"connect_timeout": 5}}


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def prepare_engine(engine: Engine) -> None:
    """Every connection of that engine gets the settings of design.md, transactions the right BEGIN."""
    if engine.dialect.name != "sqlite":
        return
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-32000",
        "wal_autocheckpoint=8000",  # pages: 32 MB; the same pages change again and again, and are copied once
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN" if _is_reading.get() else "BEGIN IMMEDIATE")


@contextmanager
def read_only() -> Iterator[None]:
    """Transactions begun inside do not ask SQLite for the write lock; they must not write."""
    with _reading(True):
        yield


@contextmanager
def writing() -> Iterator[None]:
    """Transactions begun inside may write, even where the surroundings only read."""
    with _reading(False):
        yield


class _Writing(Exception):
    """Something was about to be written."""


def would_write(db: Session, do: Callable[[Session], object]) -> bool:
    """Whether `do` changes any row, tried in a session that only reads; nothing of it stays.

    For sweeps in which nearly always nothing is to be done: they ask this before they take SQLite's write lock.
    `do` writes through mapped objects only.
    """

    def stop(*_: object) -> None:
        if db.new or db.deleted or any(db.is_modified(row) for row in db.dirty):
            raise _Writing

    event.listen(db, "before_flush", stop)
    try:
        do(db)
        db.flush()
    except _Writing:
        return True
    finally:
        event.remove(db, "before_flush", stop)
        db.rollback()
    return False


@contextmanager
def _reading(is_reading: bool) -> Iterator[None]:
    token = _is_reading.set(is_reading)
    try:
        yield
    finally:
        _is_reading.reset(token)
