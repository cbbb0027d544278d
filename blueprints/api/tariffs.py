"""`/tariffs`: publishing prices, and pricing a described session."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from blueprints.api import parameters, schemas, values
from blueprints.api.keys import caller
from blueprints.api.operation import operation
from blueprints.api.pages import listed, within
from blueprints.database import db
from domain import tariff_book
from domain.api_keys import Scope
from domain.clock import utcnow
from domain.models.tariffs import Tariff
from domain.tariffs import price_described

TAG = "Tariffs"

# The rules inside a tariff (which restrictions go together, which limits) are the tariff engine's: it names the fields.
_TERMS: schemas.Schema = {
    "elements": {
        "type": "array",
        "minItems": 1,
        "maxItems": 200,
        "items": schemas.ANYTHING,
        "description": "OCPI elements: price_components (type ENERGY, TIME, PARKING_TIME or FLAT; price; vat; "
        "step_size) and restrictions; a name for people is ours. Amounts are decimal text.",
    },
    "min_price": schemas.or_null({**schemas.ANYTHING, "description": "excl_vat, incl_vat."}),
    "max_price": schemas.or_null({**schemas.ANYTHING, "description": "excl_vat, incl_vat."}),
    "idle_grace_s": schemas.or_null({"type": "integer", "minimum": 0, "description": "Parking that costs nothing."}),
    "tax_included": schemas.or_null(schemas.one_of(("YES", "NO", "N/A"))),
}
NEW_TARIFF = schemas.body(
    "name",
    "currency",
    "elements",
    name=schemas.up_to(tariff_book.LONGEST_NAME),
    currency=schemas.KNOWN_CURRENCY,
    **_TERMS,
    valid_from=schemas.or_null({**schemas.TIME, "description": "The present minute if left out."}),
    valid_until=schemas.or_null(schemas.TIME),
)
TARIFF = schemas.record(
    id=schemas.ID,
    name=schemas.TEXT,
    currency=schemas.CURRENCY,
    **_TERMS,
    valid_from=schemas.TIME,
    valid_until=schemas.or_null(schemas.TIME),
    created_at=schemas.TIME,
)
DESCRIBED: schemas.Schema = {
    "type": "object",
    "properties": {
        "tariff": schemas.ANYTHING,
        "tariff_changes": schemas.or_null({"type": "array", "items": schemas.ANYTHING}),
        "time_zone": schemas.TEXT,
        "currency": schemas.KNOWN_CURRENCY,
        "session": schemas.ANYTHING,
    },
    "required": ["tariff", "time_zone", "currency", "session"],
    "description": "Further members, such as a title, are not looked at.",
}
_MAYBE = schemas.or_null(schemas.AMOUNT)
PRICED_LINE: schemas.Schema = {
    "type": "object",
    "properties": {
        "type": schemas.TEXT,
        "element": schemas.WHOLE,
        "quantity": schemas.AMOUNT,
        "quantity_s": schemas.AMOUNT,
        "unit": schemas.TEXT,
        "price": schemas.AMOUNT,
        "vat": {**schemas.AMOUNT, "description": "VAT rate in percent."},
        "excl_vat": _MAYBE,
        "incl_vat": _MAYBE,
        "reservation": schemas.FLAG,
    },
    "required": ["type", "element", "quantity", "unit", "price", "excl_vat", "incl_vat"],
    "additionalProperties": False,
}
PRICE: schemas.Schema = {
    "type": "object",
    "properties": {
        "total_excl_vat": {**_MAYBE, "description": "Exact; null where the tariff does not tell the tax."},
        "total_incl_vat": _MAYBE,
        "rounded_excl_vat": {**_MAYBE, "description": "The exact total, rounded."},
        "rounded_incl_vat": _MAYBE,
        "billed": {
            **schemas.record(excl_vat=schemas.AMOUNT, vat=schemas.AMOUNT, incl_vat=schemas.AMOUNT),
            "description": "What is paid: the sum of the rounded lines.",
        },
        "lines": {"type": "array", "items": PRICED_LINE},
        "adjustment": schemas.record(reason=schemas.TEXT, excl_vat=_MAYBE, incl_vat=_MAYBE),
        "energy_kwh": schemas.AMOUNT,
        "needs_review": schemas.FLAG,
    },
    "required": ["total_excl_vat", "total_incl_vat", "rounded_excl_vat", "rounded_incl_vat", "lines"],
    "additionalProperties": False,
}


@operation(
    "GET", "/tariffs", scope=Scope.READ, tag=TAG, summary="Your tariffs, oldest first",
    query=(*parameters.PAGING, *parameters.PERIOD), answer=schemas.page_of(TARIFF),
)  # fmt: skip
def list_tariffs(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The operator's tariffs."""
    mine = select(Tariff).where(Tariff.operator_id == caller().operator_id, *within(Tariff.created_at, asked))
    return listed(mine, Tariff.id, shape, asked)


@operation(
    "POST", "/tariffs", scope=Scope.WRITE, tag=TAG, summary="Publish a tariff; no station charges by it yet",
    body=NEW_TARIFF, answer=TARIFF, status=201,
)  # fmt: skip
def publish_tariff(given: Mapping[str, Any]) -> dict[str, Any]:
    """A new tariff."""
    tariff = tariff_book.publish(
        db.session,
        caller().operator_id,
        name=given["name"],
        currency=given["currency"],
        terms={name: given[name] for name in tariff_book.TERMS if name in given},
        valid_from=given.get("valid_from"),
        valid_until=given.get("valid_until"),
        by=caller().by,
        now=utcnow(),
    )
    return shape(tariff)


@operation("GET", "/tariffs/<tariff_id>", scope=Scope.READ, tag=TAG, summary="One tariff", answer=TARIFF)
def read_tariff(tariff_id: str) -> dict[str, Any]:
    """One tariff of the operator."""
    return shape(tariff_book.get(db.session, caller().operator_id, values.number(tariff_id, "tariff")))


@operation(
    "POST", "/tariffs/price", scope=Scope.READ, tag=TAG, summary="What a described session costs; nothing is stored",
    body=DESCRIBED, answer=PRICE, stores=False,
)  # fmt: skip
def price_session(given: Mapping[str, Any]) -> dict[str, Any]:
    """The price of a described session."""
    return price_described(given)


def shape(tariff: Tariff) -> dict[str, Any]:
    """The tariff as JSON."""
    return {
        "id": str(tariff.id),
        "name": tariff.name,
        "currency": tariff.currency,
        **{name: tariff.terms.get(name) for name in tariff_book.TERMS},
        "valid_from": values.moment(tariff.valid_from),
        "valid_until": values.moment(tariff.valid_until),
        "created_at": values.moment(tariff.created_at),
    }
