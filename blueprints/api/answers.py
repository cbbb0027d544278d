"""JSON answers: members in the order given, characters as they are."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from domain import json_text


def answer_with(body: Mapping[str, Any], status: int = 200, content_type: str = "application/json") -> Response:
    """The body as an answer."""
    return Response(json_text.encode(body), status, content_type=content_type)
