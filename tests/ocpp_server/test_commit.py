"""What became of a commit whose answer was lost is known by the mark that it leaves."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from domain.models.chargers import WriterMark
from ocpp_server.commit import CommitUnknown, commit, was_committed
from tests import factories


@pytest.fixture
def marked(db):
    """A session that leaves marks, on PostgreSQL."""
    if db.get_bind().dialect.name != "postgresql":
        pytest.skip("a commit of SQLite cannot lose its answer")
    return db


def _lose_answer(db, monkeypatch, *, before_commit):
    """The next commit's answer is lost: before the server did it, or afterwards."""
    real = db.commit

    def lost():
        if before_commit:
            db.rollback()
        else:
            real()
        raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))

    monkeypatch.setattr(db, "commit", lost)


@pytest.mark.parametrize("before_commit", [True, False])
def test_a_lost_answer_is_found_out(marked, engine, monkeypatch, before_commit):
    factories.operator(marked)
    commit(marked, "ocpp-1/0")
    factories.operator(marked)
    _lose_answer(marked, monkeypatch, before_commit=before_commit)

    with pytest.raises(CommitUnknown) as unknown:
        commit(marked, "ocpp-1/0")

    assert was_committed(engine, "ocpp-1/0", unknown.value.batch) is not before_commit


def test_a_batch_that_wrote_nothing_leaves_no_mark(marked):
    marked.scalars(select(WriterMark)).all()

    commit(marked, "ocpp-1/0")

    assert marked.scalars(select(WriterMark)).all() == []


def test_writers_have_marks_of_their_own(marked):
    for name in ("ocpp-1/0", "ocpp-1/1", "ocpp-1/0"):
        factories.operator(marked)
        commit(marked, name)

    assert sorted(marked.scalars(select(WriterMark.name))) == ["ocpp-1/0", "ocpp-1/1"]
