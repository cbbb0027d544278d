"""A form made from the schema of a CALL: its texts, what is wrong with them, rows that come and go."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import request

from domain import call_fields, call_schemas
from domain.call_fields import Field
from domain.errors import Refused

NOT_TEXTS = {"csrf_token", "ask", "more", "less", "pick", "all", "q", "station", "view", "pace", "at_once", "offline"}


@dataclass
class CallForm:
    """The form of one CALL. `errors` are by the path of their field; "" holds those of the whole."""

    action: str
    zone: str
    root: Field
    texts: dict[str, str]
    errors: dict[str, list[str]] = field(default_factory=dict)

    @property
    def form_errors(self) -> list[str]:
        return self.errors.get("", [])

    def rows(self, part: Field, path: str) -> range:
        """The rows that a list shows."""
        return range(call_fields.count(part, path, self.texts))

    def is_open(self, part: Field, path: str) -> bool:
        """Whether an optional group is shown open: something in it is filled in or wrong."""
        is_wrong = any(place.startswith(f"{path}.") for place in self.errors)
        return is_wrong or call_fields.is_filled(part, path, self.texts)

    def payload(self) -> dict[str, Any] | None:
        """The payload; None if something is wrong, and then `errors` tells what."""
        try:
            made = call_fields.payload(self.root, self.texts, self.zone)
            call_schemas.check_call("1.6", self.action, made)
        except Refused as refusal:
            self.refuse(refusal)
            return None
        return made

    def refuse(self, refusal: Refused) -> None:
        """The reasons stand at their fields, or above the form."""
        shown = {path for path, _ in call_fields.paths(self.root)}
        for path, sentence in refusal.errors:
            known = path in self.texts or path in shown
            self.errors.setdefault(path if known else "", []).append(sentence)
        if not refusal.errors:
            self.errors.setdefault("", []).append(str(refusal))


def empty(action: str, zone: str, now: datetime) -> CallForm:
    """The form as it is first shown."""
    return CallForm(action, zone, call_fields.of_call("1.6", action), _suggested(action, zone, now))


def filled(action: str, zone: str) -> CallForm:
    """The form as it was sent."""
    texts = {name: text for name, text in request.form.items() if name not in NOT_TEXTS}
    return CallForm(action, zone, call_fields.of_call("1.6", action), texts)


def wants_rows() -> bool:
    """Whether a button for one row more or less was pressed, rather than the verb."""
    return "more" in request.form or "less" in request.form


def with_rows(form: CallForm) -> CallForm:
    """The same form with the row that was asked for, or without."""
    texts: Mapping[str, str] = form.texts
    if "more" in request.form:
        form.texts = call_fields.with_row(texts, request.form["more"][:300])
    else:
        path, _, number = request.form["less"][:300].rpartition(".")
        if number.isascii() and number.isdigit() and len(number) < 9:
            form.texts = call_fields.without_row(texts, path, int(number))
    return form


def _suggested(action: str, zone: str, now: datetime) -> dict[str, str]:
    # Numbers that nobody else has: seconds of the clock.
    number = str(int(now.timestamp()) % 2**31)
    local = now.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")
    suggested = {
        "GetLog": {"requestId": number},
        "SignedUpdateFirmware": {"requestId": number, "firmware.retrieveDateTime": local},
        "UpdateFirmware": {"retrieveDate": local},
        "ReserveNow": {"reservationId": number},
    }
    return suggested.get(action, {})


def as_json(payload: dict[str, Any]) -> str:
    """The payload on lines."""
    return json.dumps(payload, indent=2, ensure_ascii=False)
