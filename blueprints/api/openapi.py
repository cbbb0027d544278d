"""`/openapi.json`: the API described by the same declarations that route and check it."""

import re
from functools import cache
from typing import Any

from flask.typing import ResponseReturnValue

from blueprints.api import chargers, commands, idempotency, messages, orders, sessions, stations, tariffs, tokens
from blueprints.api.answers import answer_with
from blueprints.api.operation import OPERATIONS, Operation, bp
from blueprints.api.parameters import Parameter
from blueprints.api.problems import CONTENT_TYPE
from blueprints.api.schemas import PROBLEM, Schema

VERSION = "1.0"
DESCRIPTION = """
Send your key as `Authorization: Bearer vd_…`. What belongs to another operator is a 404. Lists are pages: follow
`next_cursor` until it is null. Times are RFC 3339 in UTC, money is decimal text with its currency, energy is in whole
Wh, ids are text. A POST with an `Idempotency-Key` happens once; for 24 hours its repetition gets the same answer. 600
requests a minute a key. Everything that goes wrong is a problem of RFC 9457.
""".strip()
NAMED: dict[str, Schema] = {
    "Problem": PROBLEM,
    "Station": stations.STATION,
    "NewStation": stations.NEW_STATION,
    "ChangedStation": stations.CHANGED_STATION,
    "TariffAssignment": stations.ASSIGNMENT,
    "TariffAssigned": stations.ASSIGNED,
    "Charger": chargers.CHARGER,
    "ChargerWithPassword": chargers.CHARGER_WITH_PASSWORD,
    "NewCharger": chargers.NEW_CHARGER,
    "ChangedCharger": chargers.CHANGED_CHARGER,
    "Connector": chargers.CONNECTOR,
    "Command": commands.COMMAND,
    "NewCommand": commands.NEW_COMMAND,
    "Message": messages.MESSAGE,
    "Token": tokens.TOKEN,
    "NewToken": tokens.NEW_TOKEN,
    "ChangedToken": tokens.CHANGED_TOKEN,
    "Session": sessions.SESSION,
    "SessionWithMeterValues": sessions.SESSION_WITH_METER_VALUES,
    "MeterValue": sessions.METER_VALUE,
    "Order": orders.ORDER,
    "OrderLine": orders.LINE,
    "Payment": orders.PAYMENT,
    "Refund": orders.REFUND,
    "RefundWish": orders.REFUND_WISH,
    "Tariff": tariffs.TARIFF,
    "NewTariff": tariffs.NEW_TARIFF,
    "DescribedSession": tariffs.DESCRIBED,
    "Price": tariffs.PRICE,
    "PriceLine": tariffs.PRICED_LINE,
}
PROBLEMS = {
    400: "The request cannot be read.",
    401: "No valid key.",
    403: "The key has not the scope.",
    404: "There is no such thing, or it is another operator's.",
    409: "The state of things does not allow it now, or an Idempotency-Key was used for something else.",
    413: "The body is larger than 1 MiB.",
    415: "The body is not declared as JSON.",
    422: "Fields or parameters are wrong; `errors` names them.",
    429: "Too many requests; Retry-After tells when to go on.",
    503: "The database does not answer; nothing was changed.",
}
_WITH_BODY = (409, 413, 415)


@bp.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """The OpenAPI 3.1 document of this API."""
    return answer_with(document())


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    paths: dict[str, dict[str, Any]] = {}
    for declared in OPERATIONS:
        paths.setdefault(_path(declared.path), {})[declared.method.lower()] = _operation(declared)
    names = {id(schema): name for name, schema in NAMED.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Voltdesk operator API", "version": VERSION, "description": DESCRIPTION},
        "servers": [{"url": bp.url_prefix}],
        "security": [{"key": []}],
        "paths": _referring(paths, names),
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                name: {part: _referring(value, names) for part, value in schema.items()}
                for name, schema in NAMED.items()
            },
        },
    }


def _operation(declared: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": declared.name,
        "summary": declared.summary,
        "description": f"Needs the scope `{declared.scope}`.",
        "tags": [declared.tag],
        "parameters": [*_path_parameters(declared.path), *map(_query_parameter, declared.query)],
        "responses": {str(declared.status): _content("As asked.", declared.answer)} | _problems(declared),
    }
    if declared.is_once:
        described["parameters"].append(_IDEMPOTENCY_KEY)
    if declared.body is not None:
        described["requestBody"] = {
            "required": not declared.is_body_optional,
            "content": {"application/json": {"schema": declared.body}},
        }
    return described


_IDEMPOTENCY_KEY = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.LONGEST, "pattern": "^[!-~]+$"},
}


def _problems(declared: Operation) -> dict[str, Any]:
    statuses = [status for status in PROBLEMS if declared.body is not None or status not in _WITH_BODY]
    return {str(status): _content(PROBLEMS[status], PROBLEM, CONTENT_TYPE) for status in statuses}


def _content(description: str, schema: Schema, content_type: str = "application/json") -> dict[str, Any]:
    return {"description": description, "content": {content_type: {"schema": schema}}}


def _path(rule: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def _path_parameters(rule: str) -> list[dict[str, Any]]:
    names = re.findall(r"<(?:\w+:)?(\w+)>", rule)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.about,
        "schema": parameter.schema,
    }


def _referring(value: Any, names: dict[int, str]) -> Any:
    """The value with named schemas replaced by references to their components."""
    if isinstance(value, dict):
        if id(value) in names:
            return {"$ref": f"#/components/schemas/{names[id(value)]}"}
        return {name: _referring(part, names) for name, part in value.items()}
    return [_referring(part, names) for part in value] if isinstance(value, list) else value
