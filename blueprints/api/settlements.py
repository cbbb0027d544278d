"""`/settlements`: what operators were paid out."""

from collections.abc import Mapping
from typing import Any

from blueprints.api import parameters, schemas
from blueprints.api.operation import operation
from blueprints.api.pages import whole
from domain.api_keys import Scope


@operation(
    "GET", "/settlements", scope=Scope.READ, tag="Settlements",
    summary="Settlements; nothing can be settled in this release, so the list is empty",
    query=parameters.PAGING, answer=schemas.page_of(schemas.ANYTHING),
)  # fmt: skip
def list_settlements(asked: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - paged like every list
    """None yet."""
    return whole([])
