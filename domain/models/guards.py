"""Guards in the database itself, as triggers: what must never happen to a row, whoever asks for it.

SQLite loses the triggers of a table that a migration makes anew (Alembic's batch mode): such a migration creates
them again. A migration keeps the statements as they were made then.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import DDL, event


class Guard(NamedTuple):
    """While the condition holds for OLD or NEW, the statement fails with the sentence.

    `{distinct}` in a condition is what each engine says between IS and FROM: `OLD.x IS {distinct} NEW.x`.
    """

    name: str
    table: str
    when: str  # "INSERT", "UPDATE OF tariff_id", "DELETE"
    condition: str
    sentence: str


def create_statements(guards: Iterable[Guard], dialect: str) -> list[str]:
    """The statements that set up the guards on that database."""
    make = _on_sqlite if dialect == "sqlite" else _on_postgresql
    return [statement for guard in guards for statement in make(guard)]


def drop_statements(guards: Iterable[Guard], dialect: str) -> list[str]:
    """The statements that take the guards away again."""
    made = []
    for guard in guards:
        on_table = "" if dialect == "sqlite" else f" ON {guard.table}"
        made.append(f"DROP TRIGGER {guard.name}{on_table}")
        made += [] if dialect == "sqlite" else [f"DROP FUNCTION {guard.name}()"]
    return made


def guard_new_databases(guards: Iterable[Guard], last_table: Any) -> None:
    """Whoever makes the tables makes the guards, after the last of the tables that they are about."""
    for dialect in ("sqlite", "postgresql"):
        for statement in create_statements(guards, dialect):
            ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
            event.listen(last_table, "after_create", ddl.execute_if(dialect=dialect))


def _on_sqlite(guard: Guard) -> list[str]:
    condition = guard.condition.format(distinct="NOT")
    return [
        f"CREATE TRIGGER {guard.name} BEFORE {guard.when} ON {guard.table} WHEN {condition} "
        f"BEGIN SELECT RAISE(ABORT, '{guard.sentence}'); END"
    ]


def _on_postgresql(guard: Guard) -> list[str]:
    name, verdict = guard.name, "OLD" if guard.when == "DELETE" else "NEW"
    return [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {guard.condition.format(distinct='DISTINCT FROM')} "
        f"THEN RAISE EXCEPTION '{guard.sentence}' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
        f"RETURN {verdict}; END $$",
        f"CREATE TRIGGER {name} BEFORE {guard.when} ON {guard.table} FOR EACH ROW EXECUTE FUNCTION {name}()",
    ]
