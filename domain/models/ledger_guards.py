"""Guards of the ledger in the database itself: rows are only added, journals balance and are closed once written.

SQLite loses the triggers of a table that a migration makes anew (Alembic's batch mode): such a migration creates
them again with `create_statements`.
"""

from sqlalchemy import DDL, event

from domain.models.ledger import Posting

ADD_ONLY = ("journal", "posting")
_UNBALANCED = (
    "EXISTS (SELECT 1 FROM posting WHERE journal_id = NEW.id GROUP BY currency HAVING sum(amount_minor) <> 0)"
    " OR NOT EXISTS (SELECT 1 FROM posting WHERE journal_id = NEW.id)"
)
_CLOSED = "EXISTS (SELECT 1 FROM journal WHERE id = NEW.journal_id)"

# (trigger, table, when, condition, sentence)
_GUARDS = (
    *(
        (f"{table}_{word}", table, when, "1 = 1", f"the ledger is only ever added to: no {when} of {table}")
        for table in ADD_ONLY
        for word, when in (("is_final", "UPDATE"), ("is_kept", "DELETE"))
    ),
    ("journal_balances", "journal", "INSERT", _UNBALANCED, "a journal has to sum to zero in each currency"),
    ("posting_before_its_journal", "posting", "INSERT", _CLOSED, "nothing is added to a journal that stands"),
)


def create_statements(dialect: str) -> list[str]:
    """The statements that set up the guards on that database."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {name} BEFORE {when} ON {table} WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
            for name, table, when, condition, sentence in _GUARDS
        ]
    made = []
    for name, table, when, condition, sentence in _GUARDS:
        verdict = "OLD" if when == "DELETE" else "NEW"
        made.append(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} "
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
    # Postings are the last of the ledger's tables to be made.
    for dialect in ("sqlite", "postgresql"):
        for statement in create_statements(dialect):
            ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
            event.listen(Posting.__table__, "after_create", ddl.execute_if(dialect=dialect))


_guard_new_databases()
