"""`/orders`: bills, and their refunds."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from blueprints.api import parameters, schemas, values
from blueprints.api.keys import caller
from blueprints.api.operation import operation
from blueprints.api.pages import listed, matching, within
from blueprints.database import db
from domain import refunds
from domain.api_keys import Scope
from domain.clock import utcnow
from domain.errors import NotFound
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession
from domain.models.orders import Order, OrderLine, OrderStatus
from domain.models.payments import Payment, PaymentStatus, Refund, RefundStatus

TAG = "Orders"

LINE = schemas.record(
    type={**schemas.TEXT, "description": "ENERGY, TIME, PARKING_TIME, FLAT, or ADJUSTMENT to a price limit."},
    label=schemas.TEXT,
    quantity=schemas.AMOUNT,
    unit=schemas.TEXT,
    price={**schemas.AMOUNT, "description": "For one unit, without rounding."},
    vat={**schemas.or_null(schemas.AMOUNT), "description": "VAT rate in percent."},
    excl_vat=schemas.AMOUNT,
    vat_amount=schemas.AMOUNT,
    incl_vat=schemas.AMOUNT,
)
REFUND = schemas.record(
    id=schemas.ID,
    status=schemas.one_of(RefundStatus),
    amount=schemas.AMOUNT,
    currency=schemas.CURRENCY,
    reason=schemas.TEXT,
    failure=schemas.or_null(schemas.TEXT),
    requested_at=schemas.TIME,
    ended_at=schemas.or_null(schemas.TIME),
)
PAYMENT = schemas.record(
    id=schemas.ID,
    provider=schemas.TEXT,
    is_test={**schemas.FLAG, "description": "No real money moves."},
    status=schemas.one_of(PaymentStatus),
    currency=schemas.CURRENCY,
    held=schemas.AMOUNT,
    captured=schemas.AMOUNT,
    instrument=schemas.or_null(schemas.TEXT),
    last4=schemas.or_null(schemas.TEXT),
    refunds={"type": "array", "items": REFUND},
)
ORDER = schemas.record(
    id=schemas.ID,
    number=schemas.TEXT,
    session_id=schemas.ID,
    station_id=schemas.ID,
    device_id=schemas.TEXT,
    status=schemas.one_of(OrderStatus),
    currency=schemas.CURRENCY,
    total_excl_vat=schemas.AMOUNT,
    total_vat=schemas.AMOUNT,
    total_incl_vat=schemas.AMOUNT,
    shortfall={**schemas.AMOUNT, "description": "What the hold did not cover."},
    lines={"type": "array", "items": LINE},
    token={**schemas.or_null(schemas.TEXT), "description": "The idTag, as the charger sent it."},
    payment=schemas.or_null(PAYMENT),
    flags=schemas.FLAGS,
    created_at=schemas.TIME,
)
REFUND_WISH = schemas.body(reason=schemas.up_to(200), note=schemas.or_null({"type": "string", "maxLength": 1000}))
USUAL_REASON = "Asked for over the API"


@operation(
    "GET", "/orders", scope=Scope.READ, tag=TAG, summary="Bills, newest first",
    query=(
        *parameters.PAGING, *parameters.PERIOD, parameters.DEVICE, parameters.STATION,
        parameters.choice("status", "In this state.", OrderStatus),
        parameters.row("session_id", "Of this session."),
        parameters.text("number", "With this number."),
    ),
    answer=schemas.page_of(ORDER),
)  # fmt: skip
def list_orders(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The operator's orders."""
    wanted = matching(
        asked,
        device_id=Charger.device_id,
        station_id=Order.station_id,
        status=Order.status,
        session_id=Order.charging_session_id,
        number=Order.number,
    )
    mine = _mine().where(*within(Order.created_at, asked), *wanted)
    return listed(mine, Order.id, shape, asked, newest_first=True)


@operation("GET", "/orders/<order_id>", scope=Scope.READ, tag=TAG, summary="One bill", answer=ORDER)
def read_order(order_id: str) -> dict[str, Any]:
    """One order of the operator."""
    return _told(order_id)


@operation(
    "POST", "/orders/<order_id>/refund", scope=Scope.REFUNDS, tag=TAG, status=202, answer=ORDER,
    summary="Give back the whole amount; the order is refunding, soon refunded",
    body=REFUND_WISH, is_body_optional=True,
)  # fmt: skip
def refund_order(order_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The refund is asked for; the worker asks the provider within seconds."""
    order = _own(order_id)[0]
    reason = given.get("reason") or USUAL_REASON
    refunds.request(db.session, order, reason=reason, note=given.get("note"), by=caller().by, now=utcnow())
    return _told(order_id)


def shape(order: Order, device_id: str, id_tag: str | None) -> dict[str, Any]:
    """The order as JSON: the billed figures, sums of rounded lines."""

    def amount(minor: int) -> str | None:
        return values.amount(minor, order.currency)

    return {
        "id": str(order.id),
        "number": order.number,
        "session_id": str(order.charging_session_id),
        "station_id": str(order.station_id),
        "device_id": device_id,
        "status": order.status.value,
        "currency": order.currency,
        "total_excl_vat": amount(order.net_minor),
        "total_vat": amount(order.vat_minor),
        "total_incl_vat": amount(order.gross_minor),
        "shortfall": amount(order.shortfall_minor),
        "lines": [_line(line, order.currency) for line in order.lines],
        "token": id_tag,
        "payment": _payment(order.payment) if order.payment else None,
        "flags": list(order.flags),
        "created_at": values.moment(order.created_at),
    }


def _mine() -> Select[Any]:
    return (
        select(Order, Charger.device_id, ChargingSession.id_tag)
        .join(ChargingSession, ChargingSession.id == Order.charging_session_id)
        .join(Charger, Charger.id == ChargingSession.charger_id)
        .where(Order.operator_id == caller().operator_id)
        .options(selectinload(Order.lines), joinedload(Order.payment).selectinload(Payment.refunds))
    )


def _own(order_id: str) -> Any:
    mine = _mine().where(Order.id == values.number(order_id, "order"))
    row = db.session.execute(mine.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound("There is no such order.")
    return row


def _told(order_id: str) -> dict[str, Any]:
    return shape(*_own(order_id))


def _line(line: OrderLine, currency: str) -> dict[str, Any]:
    return {
        "type": line.kind,
        "label": line.label,
        "quantity": line.quantity,
        "unit": line.unit,
        "price": line.unit_price,
        "vat": line.vat_rate,
        "excl_vat": values.amount(line.net_minor, currency),
        "vat_amount": values.amount(line.vat_minor, currency),
        "incl_vat": values.amount(line.gross_minor, currency),
    }


def _payment(payment: Payment) -> dict[str, Any]:
    return {
        "id": str(payment.id),
        "provider": payment.provider,
        "is_test": payment.is_test,
        "status": payment.status.value,
        "currency": payment.currency,
        "held": values.amount(payment.hold_minor, payment.currency),
        "captured": values.amount(payment.captured_minor, payment.currency),
        "instrument": payment.instrument,
        "last4": payment.last4,
        "refunds": [_refund(refund) for refund in payment.refunds],
    }


def _refund(refund: Refund) -> dict[str, Any]:
    return {
        "id": str(refund.id),
        "status": refund.status.value,
        "amount": values.amount(refund.amount_minor, refund.currency),
        "currency": refund.currency,
        "reason": refund.reason,
        "failure": refund.failure,
        "requested_at": values.moment(refund.requested_at),
        "ended_at": values.moment(refund.ended_at),
    }
