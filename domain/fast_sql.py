"""Statements of the hot paths: written with SQLAlchemy, compiled once for each database, run on the driver's cursor.

Executing through SQLAlchemy costs 40 to 60 µs a statement, the statement itself 5. Everything else stays with
SQLAlchemy: the connection, the transaction, the types, and the errors that callers see.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Delete, Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError

Processor = Callable[[Any], Any] | None


class Prepared:
    """One statement whose values are named by `bindparam`, or by column for an INSERT."""

    def __init__(self, statement: Select[*tuple[Any, ...]] | Insert | Update | Delete, *columns: str) -> None:
        """Args:
        columns: those that an INSERT fills.
        """
        self._statement = statement
        self._columns = columns
        self._compiled: dict[str, _Compiled] = {}

    def first(self, connection: Connection, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The first row as {column: value}, if there is one."""
        compiled = self._for(connection)
        cursor = compiled.execute(connection, compiled.bound(values))
        row = cursor.fetchone()
        cursor.close()
        return None if row is None else compiled.read(row)

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Every row as {column: value}."""
        compiled = self._for(connection)
        cursor = compiled.execute(connection, compiled.bound(values))
        rows = cursor.fetchall()
        cursor.close()
        return [compiled.read(row) for row in rows]

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """The statement has been executed. Returns how many rows it changed."""
        compiled = self._for(connection)
        cursor = compiled.execute(connection, compiled.bound(values))
        changed: int = cursor.rowcount
        cursor.close()
        return changed

    def run_each(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """The statement has been executed for every row of values."""
        compiled = self._for(connection)
        bound = [compiled.bound(values) for values in rows]
        if len(bound) == 1:
            compiled.execute(connection, bound[0]).close()
        elif bound:
            compiled.execute_many(connection, bound)

    def _for(self, connection: Connection) -> "_Compiled":
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled(self._statement, self._columns, dialect)
        return compiled


class _Compiled:
    def __init__(self, statement: Any, columns: Sequence[str], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(columns) or None)
        self.text = str(compiled)
        names = compiled.positiontup if compiled.positional else list(compiled.binds)
        self.names = names
        self.is_positional: bool = compiled.positional
        self.binders: list[tuple[str, Processor, Any]] = [
            (name, _binder(compiled.binds[name].type, dialect), compiled.binds[name].value) for name in names
        ]
        self.readers = [(column.key, _reader(column.type, dialect)) for column in statement.exported_columns]

    def bound(self, values: Mapping[str, Any]) -> Any:
        given = [
            value if binder is None else binder(value)
            for name, binder, fixed in self.binders
            for value in (values.get(name, fixed),)
        ]
        return given if self.is_positional else dict(zip(self.names, given, strict=True))

    def execute(self, connection: Connection, values: Any) -> Any:
        cursor: Any = None
        try:
            cursor = connection.connection.cursor()
            cursor.execute(self.text, values)
        except connection.dialect.loaded_dbapi.Error as error:
            raise self._told(connection, cursor, values, error) from error
        return cursor

    def execute_many(self, connection: Connection, rows: Sequence[Any]) -> None:
        cursor: Any = None
        try:
            cursor = connection.connection.cursor()
            cursor.executemany(self.text, rows)
            cursor.close()
        except connection.dialect.loaded_dbapi.Error as error:
            raise self._told(connection, cursor, rows[0], error) from error

    def _told(self, connection: Connection, cursor: Any, values: Any, error: Exception) -> BaseException:
        dialect = connection.dialect
        if dialect.is_disconnect(error, connection.connection.dbapi_connection, cursor):  # type: ignore[arg-type]
            connection.invalidate(error)
        return DBAPIError.instance(self.text, values, error, dialect.loaded_dbapi.Error, dialect=dialect)

    def read(self, row: Sequence[Any]) -> dict[str, Any]:
        return {
            key: value if reader is None else reader(value)
            for (key, reader), value in zip(self.readers, row, strict=True)
        }


def _binder(kind: Any, dialect: Dialect) -> Processor:
    binder: Processor = kind.dialect_impl(dialect).bind_processor(dialect)
    return binder


def _reader(kind: Any, dialect: Dialect) -> Processor:
    reader: Processor = kind.dialect_impl(dialect).result_processor(dialect, None)
    return reader
