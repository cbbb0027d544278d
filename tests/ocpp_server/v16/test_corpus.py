"""Real chargers' frames: none is refused by what we repair and accept, none makes a handler stumble."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from domain.db import Base
from ocpp_server.v16 import HANDLERS
from tests.factories import NOW

CORPUS = Path(__file__).parents[2] / "data" / "corpus"


def calls_of(path: Path) -> list[str]:
    """The CALLs of chargers that speak 1.6 and send JSON."""
    frames = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    texts = [row["frame"] for row in frames if row["direction"] == "cp_to_csms" and row["ocpp"].startswith("1")]
    return [text for text in texts if is_known_call(text)]


def is_known_call(text: str) -> bool:
    try:
        frame = json.loads(text)
    except ValueError:
        return False  # the connection repairs or refuses these
    return isinstance(frame, list) and frame[:1] == [2] and frame[2] in HANDLERS


FILES = [CORPUS / "frames.jsonl", *sorted((CORPUS / "sessions").glob("*.jsonl"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_call_of_the_corpus_is_answered(says, path):
    texts = calls_of(path)

    answers = [says.frame(text) for text in texts]

    assert len(answers) == len(texts)


def test_saying_the_whole_corpus_again_changes_nothing_in_the_books(db, says):
    texts = calls_of(FILES[0])
    for text in texts:
        says.frame(text)
    before = books(db)

    for text in texts:
        says.frame(text, NOW)

    assert books(db) == before
    assert len(before) > 20


def books(db) -> list[tuple]:
    """Every session and meter value, as the database has it."""
    db.expire_all()
    rows = []
    for name in ("charging_session", "meter_value"):
        table = Base.metadata.tables[name]
        rows += [tuple(map(str, row)) for row in db.execute(select(table).order_by(table.c.id))]
    return rows
