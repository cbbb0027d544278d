"""Callers of the API. Every answer that a test gets is held against the OpenAPI document."""

import re
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blueprints.api.openapi import document
from domain import api_keys
from domain.api_keys import Scope
from domain.clock import utcnow
from domain.models.operators import Operator
from tests import factories

_validators: dict[str, jsonschema_rs.Draft202012Validator] = {}


class Caller:
    """Somebody's system with an API key."""

    def __init__(self, client: FlaskClient, secret: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {secret}"}

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.send("GET", path, query_string=query)

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", path, json=body, headers=named)

    def patch(self, path: str, body: Any) -> TestResponse:
        return self.send("PATCH", path, json=body)

    def put(self, path: str, body: Any) -> TestResponse:
        return self.send("PUT", path, json=body)

    def send(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> TestResponse:
        if more.get("json", ...) is None:
            del more["json"]
        response = self.client.open(f"/api/v1{path}", method=method, headers=self.headers | (headers or {}), **more)
        check_documented(method, path, response)
        return response


def check_documented(method: str, path: str, response: TestResponse) -> None:
    """The answer is one that the OpenAPI document tells of."""
    for template, operations in document()["paths"].items():
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
        if method.lower() in operations and re.fullmatch(pattern, path):
            documented = operations[method.lower()]["responses"].get(str(response.status_code))
            assert documented, f"{method} {path} answers {response.status_code}, which is not documented"
            ((content_type, media),) = documented["content"].items()
            assert response.content_type == content_type
            errors = [
                error.message for error in _validator(template, method, response, media).iter_errors(response.json)
            ]
            assert errors == []
            return
    assert response.status_code in (404, 405)
    assert response.content_type == "application/problem+json"


def _validator(template: str, method: str, response: TestResponse, media: dict[str, Any]) -> Any:
    name = f"{method} {template} {response.status_code}"
    if name not in _validators:
        schema = media["schema"] | {"components": document()["components"]}
        _validators[name] = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return _validators[name]


@pytest.fixture
def key_of(app: Flask, db: Session) -> Callable[..., Caller]:
    """`key_of(operator, Scope.READ)`: a caller with a new key."""

    def make(operator: Operator, *scopes: Scope) -> Caller:
        _, secret = api_keys.create(
            db, operator, "billing", scopes or list(Scope), by="alice@example.com", now=utcnow()
        )
        db.commit()
        return Caller(app.test_client(), secret)

    return make


@pytest.fixture
def alice(key_of, harbour) -> Caller:
    """Alice's system: every scope on Harbour Energy."""
    return key_of(harbour)


@pytest.fixture
def charlie(key_of, make) -> Caller:
    """Charlie's system, which must see nothing of Harbour Energy's."""
    return key_of(make(factories.operator, name="Charlie's"))


def fields_of(response: TestResponse) -> list[str]:
    """Which fields a problem blames."""
    return [error["field"] for error in response.json["errors"]]
