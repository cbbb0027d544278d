"""Guards in the database itself: a price that a bill used is never changed, deleted or exchanged.

SQLite loses the triggers of a table that a migration makes anew (Alembic's batch mode): such a migration creates
them again with `create_statements`.
"""

from sqlalchemy import DDL, event

from domain.models.orders import Order

_IS_BILLED = "EXISTS (SELECT 1 FROM charging_session s JOIN orders o ON o.charging_session_id = s.id WHERE {condition})"
_BY_TARIFF = _IS_BILLED.format(condition="s.tariff_id = OLD.id")
_BY_SESSION = _IS_BILLED.format(condition="s.id = OLD.id")
_IS_EXCHANGED = "OLD.tariff_id IS {distinct} NEW.tariff_id"

# (trigger, table, when, its condition besides that of an order, the sentence)
_GUARDS = (
    ("tariff_used_stays", "tariff", "UPDATE", _BY_TARIFF, "a bill used this tariff: it cannot be changed"),
    ("tariff_used_is_kept", "tariff", "DELETE", _BY_TARIFF, "a bill used this tariff: it cannot be deleted"),
    (
        "charging_session_keeps_tariff",
        "charging_session",
        "UPDATE OF tariff_id",
        f"{_IS_EXCHANGED} AND {_BY_SESSION}",
        "this session is billed: its tariff cannot be exchanged",
    ),
)


def create_statements(dialect: str) -> list[str]:
    """The statements that set up the guards on that database."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {name} BEFORE {when} ON {table} WHEN {condition.format(distinct='NOT')} "
            f"BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
            for name, table, when, condition, sentence in _GUARDS
        ]
    made = []
    for name, table, when, condition, sentence in _GUARDS:
        verdict = "OLD" if when == "DELETE" else "NEW"
        made.append(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {condition.format(distinct='DISTINCT FROM')} "
            f"THEN RAISE EXCEPTION '{sentence}' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
            f"RETURN {verdict}; END $$"
        )
        made.append(f"CREATE TRIGGER {name} BEFORE {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
    return made


def drop_statements(dialect: str) -> list[str]:
    """The statements that take the guards away again."""
    made = []
    for name, table, *_ in _GUARDS:
        on_table = "" if dialect == "sqlite" else f" ON {table}"
        made.append(f"DROP TRIGGER {name}{on_table}")
        made += [] if dialect == "sqlite" else [f"DROP FUNCTION {name}()"]
    return made


def _guard_new_databases() -> None:
    # The last of the three tables to be made is orders: both others are there by then.
    for dialect in ("sqlite", "postgresql"):
        for statement in create_statements(dialect):
            ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
            event.listen(Order.__table__, "after_create", ddl.execute_if(dialect=dialect))


_guard_new_databases()
