"""`/settlements`: what operators applied for and were paid out."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from blueprints.api import parameters, schemas, values
from blueprints.api.keys import caller
from blueprints.api.operation import operation
from blueprints.api.pages import listed, matching
from domain.api_keys import Scope
from domain.models.settlements import Settlement, SettlementStatus

SETTLEMENT = schemas.record(
    id=schemas.ID,
    number=schemas.TEXT,
    status=schemas.one_of(SettlementStatus),
    currency=schemas.CURRENCY,
    is_test={**schemas.FLAG, "description": "No real money moves."},
    orders=schemas.WHOLE,
    captured=schemas.AMOUNT,
    fee={**schemas.AMOUNT, "description": "Of the platform."},
    carried={**schemas.AMOUNT, "description": "Changes of orders settled before; signed."},
    payable=schemas.AMOUNT,
    applied_at=schemas.TIME,
    settled_at=schemas.or_null(schemas.TIME),
)


@operation(
    "GET", "/settlements", scope=Scope.READ, tag="Settlements", summary="Settlements, the newest first",
    query=(*parameters.PAGING, parameters.choice("status", "In this state.", SettlementStatus)),
    answer=schemas.page_of(SETTLEMENT),
)  # fmt: skip
def list_settlements(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The operator's settlements."""
    mine = select(Settlement).where(Settlement.operator_id == caller().operator_id)
    wanted = mine.where(*matching(asked, status=Settlement.status))
    return listed(wanted, Settlement.id, _shape, asked, newest_first=True)


def _shape(settlement: Settlement) -> dict[str, Any]:
    def amount(minor: int) -> str | None:
        return values.amount(minor, settlement.currency)

    return {
        "id": str(settlement.id),
        "number": settlement.number,
        "status": settlement.status,
        "currency": settlement.currency,
        "is_test": settlement.is_test,
        "orders": settlement.orders,
        "captured": amount(settlement.captured_minor),
        "fee": amount(settlement.fee_minor),
        "carried": amount(settlement.carried_minor),
        "payable": amount(settlement.payable_minor),
        "applied_at": values.moment(settlement.applied_at),
        "settled_at": values.moment(settlement.settled_at),
    }
