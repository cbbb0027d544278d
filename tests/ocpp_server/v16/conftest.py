"""A charger that speaks OCPP 1.6: what it says is repaired, judged and handled, our answers are judged strictly."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs
import pytest
from sqlalchemy.orm import Session

from domain.models.chargers import Charger
from ocpp_server.context import Context
from ocpp_server.normalise import normalise
from ocpp_server.v16 import HANDLERS
from ocpp_server.v16.accepted import accepted_schema
from tests import factories
from tests.factories import NOW


@cache
def judge_of_calls(action: str) -> Any:
    return jsonschema_rs.Draft6Validator(accepted_schema(action), validate_formats=False)


@cache
def judge_of_answers(action: str) -> Any:
    text = files("ocpp").joinpath("v16", "schemas", f"{action}Response.json").read_text(encoding="utf-8-sig")
    return jsonschema_rs.Draft6Validator(json.loads(text), validate_formats=True)


class Speaker:
    """One charger's side of the conversation, without the socket."""

    def __init__(self, db: Session, charger: Charger, clock_zone: str = "UTC") -> None:
        self.db = db
        self.charger = charger
        self.clock_zone = clock_zone
        self.now = NOW
        self.commits = True  # off: the test rolls back

    def __call__(self, action: str, payload: dict[str, Any], now: datetime | None = None) -> dict[str, Any]:
        """Our answer to that CALL, received at that time (or one second after the one before)."""
        self.now = now or self.now + timedelta(seconds=1)
        repaired, _ = normalise(action, json.loads(json.dumps(payload)))
        judge_of_calls(action).validate(repaired)
        with self.db.begin_nested():
            answer = HANDLERS[action](self.db, self.context(), repaired)
        if self.commits:
            self.db.commit()
        judge_of_answers(action).validate(answer)
        return answer

    def frame(self, text: str, now: datetime | None = None) -> dict[str, Any]:
        """Our answer to that frame of the wire."""
        _, _, action, payload = json.loads(text)
        return self(action, payload, now)

    def context(self) -> Context:
        return Context(
            charger_id=self.charger.id,
            operator_id=self.charger.operator_id,
            station_id=self.charger.station_id,
            device_id=self.charger.device_id,
            ocpp_version="1.6",
            clock_zone=self.clock_zone,
            node="ocpp-1",
            epoch=1,
            now=self.now,
        )


@pytest.fixture
def charger(db: Session) -> Charger:
    """A charger at a station with a price, whose operator knows the card 04A1B2C3."""
    station = factories.station(db)
    factories.assign_tariff(db, station, factories.tariff(db, station.operator))
    factories.token(db, station.operator)
    made = factories.charger(db, station)
    db.commit()
    return made


@pytest.fixture
def says(db: Session, charger: Charger) -> Speaker:
    """`says("Heartbeat", {})`: the charger says that, and gets our answer."""
    return Speaker(db, charger)


@pytest.fixture
def speaker(db: Session) -> Callable[..., Speaker]:
    """Another charger's voice."""
    return lambda charger, **values: Speaker(db, charger, **values)
