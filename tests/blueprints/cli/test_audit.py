"""flask audit verify: whether the log is whole, and where it is not."""

from sqlalchemy import text

from domain import audit, audit_chain
from domain.clock import utcnow


def verify(app, *options):
    return app.test_cli_runner().invoke(args=["audit", "verify", *options])


def test_a_whole_log_tells_its_end_and_a_changed_one_where(app, db):
    for number in range(3):
        audit.record(db, "changed", "station", number, operator_id=None, by="alice@example.com", now=utcnow())
    audit_chain.seal(db)
    db.commit()

    whole = verify(app)
    end = whole.output.splitlines()[-1]
    again = verify(app, "--expect", end)
    db.execute(text("UPDATE audit_event SET actor = 'bob@example.com' WHERE chain_number = 2"))
    db.commit()
    changed = verify(app)

    assert (whole.exit_code, whole.output.splitlines()[0]) == (0, "The audit log is whole.")
    assert end.startswith("3:")
    assert again.exit_code == 0
    assert changed.exit_code == 1
    assert "Row 2 of the chain (audit_event 2) was changed." in changed.output


def test_what_cannot_be_an_earlier_end_is_refused(app):
    assert "--expect takes NUMBER:HASH" in verify(app, "--expect", "yesterday").output
