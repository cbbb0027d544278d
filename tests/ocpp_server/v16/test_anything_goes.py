"""Whatever passes the schema is handled on both databases: answered, or refused by a rule, never a crash."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import DomainError
from ocpp_server.v16.accepted import ACTIONS, accepted_schema
from tests.factories import NOW

MOST = 2**63 - 1
# The decoder lets neither NUL nor surrogates through.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
times = st.sampled_from(
    [
        "2026-11-20T11:04:00Z",
        "2026-11-20T13:04:00",
        "2026-11-19T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1970-01-01T00:00:00Z",
        "2038-01-19T03:14:08Z",
        "2022-02-29T00:00:00Z",
        "2026-W47-5",
        "",
    ]
)
wholes = st.sampled_from([0, 1, -1, 2, 2**31 - 1, 2**31, -(2**31), MOST, -MOST - 1]) | st.integers(-MOST - 1, MOST)
numbers = st.sampled_from(
    ["0", "1000", "-5", "1e308", "1e400", "nan", "-inf", "9" * 400, "0x10", "１２", "1.5e3", " 7 "]
)


def of_schema(name: str, schema: dict, definitions: dict) -> st.SearchStrategy:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema["type"]
    if kind == "object":
        return of_object(schema, definitions)
    if kind == "array":
        return st.lists(of_schema("", schema["items"], definitions), max_size=3)
    if kind == "integer":
        return wholes
    if name == "timestamp":
        return times | texts
    if name == "value":
        return numbers | texts
    return texts | st.sampled_from(["Energy.Active.Import.Register", "Transaction.End", "kWh", "04A1B2C3", "x" * 255])


def of_object(schema: dict, definitions: dict) -> st.SearchStrategy:
    members = {name: of_schema(name, part, definitions) for name, part in schema.get("properties", {}).items()}
    required = {name: members.pop(name) for name in schema.get("required", ())}
    return st.fixed_dictionaries(required, optional=members)


def calls() -> st.SearchStrategy:
    def of_action(action: str) -> st.SearchStrategy:
        schema = accepted_schema(action)
        return st.tuples(st.just(action), of_object(schema, schema.get("definitions", {})))

    return st.one_of([of_action(action) for action in ACTIONS])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(calls(), min_size=1, max_size=6))
def test_anything_that_passes_the_schema_is_handled(db, says, messages):
    says.commits = False
    db.rollback()

    for action, payload in messages:
        try:
            says(action, payload, NOW)
        except DomainError as refusal:
            assert str(refusal).endswith(".")


@pytest.mark.parametrize("meter", [MOST, -MOST - 1, 2**31 - 1, 0, -1])
def test_no_register_breaks_the_sum(db, says, meter):
    start = {"connectorId": 1, "idTag": "04A1B2C3", "meterStart": meter, "timestamp": "2026-11-20T11:04:00Z"}
    number = says("StartTransaction", start, NOW)["transactionId"]

    for stop in (0, MOST):
        answer = says(
            "StopTransaction",
            {"transactionId": number, "meterStop": stop, "timestamp": "2026-11-20T11:04:00Z"},
            NOW,
        )
        assert answer == {}
