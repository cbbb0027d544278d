"""Every message against the OCPP 1.6 JSON schemas; for tests and `--strict`, never needed to run.

The schemas are those inside the `ocpp` package, read as files.
"""

import importlib.util
import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import orjson

from simulator.wire import CALL, CALLRESULT, Direction, Payload

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger

FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None


class SchemaCheck:
    """A watch that calls `complain` with a sentence for each message that breaks its schema."""

    def __init__(self, complain: Callable[[str], None]) -> None:
        self._complain = complain

    def __call__(
        self, charger: "SimulatedCharger", direction: Direction, kind: int, action: str, payload: Payload
    ) -> None:
        if kind not in (CALL, CALLRESULT):
            return
        for complaint in complaints(kind, action, payload):
            self._complain(f"{charger.spec.device_id} {direction} {action}: {complaint}")


def complaints(kind: int, action: str, payload: Payload) -> list[str]:
    validator = _validator(action if kind == CALL else f"{action}Response")
    if validator is None:
        return [f"there is no schema for {action}"]
    # multipleOf 0.1 can only be checked exactly.
    exact = json.loads(orjson.dumps(payload), parse_float=Decimal)
    return [f"{error.json_path} {error.message}" for error in validator.iter_errors(exact)]


@cache
def _validator(name: str) -> Any:
    package = importlib.util.find_spec("ocpp")
    if package is None or package.origin is None:
        raise RuntimeError("--strict needs the ocpp package, for its schemas")
    path = Path(package.origin).parent / "v16" / "schemas" / f"{name}.json"
    if not path.exists():
        return None
    schema = json.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    return jsonschema.validators.validator_for(schema)(schema, format_checker=FORMATS)
