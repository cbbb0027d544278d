"""Real chargers' frames over a real socket: logged byte for byte, every CALL answered once, no socket closed.

The frames and where they come from: tests/data/corpus/README.md.
"""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from domain.models.messages import Direction
from tests.ocpp_server.running import logged

CORPUS = Path(__file__).parents[1] / "data" / "corpus"
SESSIONS = sorted((CORPUS / "sessions").glob("*.jsonl"))
ID_OF_CALL = re.compile(r'\s*\[\s*2\s*,\s*("(?:[^"\\]|\\.)*"|[0-9]+)\s*,')


def frames_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def said_by_chargers(path: Path, is_1_6: bool = True) -> list[str]:
    return [
        row["frame"]
        for row in frames_of(path)
        if row["direction"] == "cp_to_csms" and row["ocpp"].startswith("1.") == is_1_6
    ]


def answers(texts: list[str]) -> dict[str, list[list]]:
    """Message id as JSON text -> the frames that answer it."""
    found: dict[str, list[list]] = {}
    for text in texts:
        frame = json.loads(text)
        if frame[0] in (3, 4):
            raw = re.match(r'\[[34],("(?:[^"\\]|\\.)*"|[^,]+),', text)
            found.setdefault(raw[1], []).append(frame)
    return found


def replay(socket, texts: list[str]) -> list[str]:
    """What came back: one text for every frame that is a CALL."""
    came = []
    for text in texts:
        socket.send(text)
        if ID_OF_CALL.match(text):
            came.append(socket.receive())
    socket.send('[2,"the-end","Heartbeat",{}]')
    while not came or not came[-1].startswith('[3,"the-end"'):
        came.append(socket.receive())
    return came[:-1]


@pytest.mark.parametrize("path", [CORPUS / "frames.jsonl", *SESSIONS], ids=lambda path: path.stem)
def test_every_frame_is_logged_and_every_call_answered_once(db, add_charger, connect, path):
    charger = add_charger()
    texts = said_by_chargers(path) + said_by_chargers(path, is_1_6=False)
    socket = connect(charger)

    came = replay(socket, texts)

    received = [row.text for row in logged(db, charger.id) if row.direction is Direction.CP_TO_CSMS]
    assert received == [*texts, '[2,"the-end","Heartbeat",{}]']
    asked = Counter(found[1] for found in map(ID_OF_CALL.match, texts) if found)
    assert {raw: len(frames) for raw, frames in answers(came).items()} == dict(asked)


@pytest.mark.parametrize(
    "path",
    [path for path in (CORPUS / "frames.jsonl", *SESSIONS) if said_by_chargers(path)],
    ids=lambda path: path.stem,
)
def test_no_call_of_a_known_quirk_is_refused(add_charger, connect, path):
    socket = connect(add_charger())

    came = replay(socket, said_by_chargers(path))

    assert [text for text in came if text.startswith("[4,")] == []
