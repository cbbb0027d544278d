"""The audit log as a list: who did what to which object, the latest first; and the objects by the names people know."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from domain import paging
from domain.models.chargers import Charger, QrCode
from domain.models.operators import ApiKey, AuditEvent, Operator, UserAccount
from domain.models.orders import Order
from domain.models.payments import PaymentAccount
from domain.models.stations import Station
from domain.models.tariffs import Tariff

# object_type -> where its name is
_NAMES: dict[str, tuple[Any, Any]] = {
    "api_key": (ApiKey, ApiKey.name),
    "charger": (Charger, Charger.label),
    "operator": (Operator, Operator.name),
    "orders": (Order, Order.number),
    "payment_account": (PaymentAccount, PaymentAccount.name),
    "qr_code": (QrCode, QrCode.code),
    "station": (Station, Station.name),
    "tariff": (Tariff, Tariff.name),
    "user_account": (UserAccount, UserAccount.name),
}


@dataclass(frozen=True)
class Filter:
    """What a person narrowed the log to."""

    actor: str = ""
    kind: str = ""
    object_id: str = ""
    verb: str = ""
    since: datetime | None = None
    before: datetime | None = None
    text: str = ""  # in person, act or object

    @property
    def is_narrow(self) -> bool:
        return any((self.actor, self.kind, self.object_id, self.verb, self.since, self.before, self.text))


@dataclass(frozen=True)
class Subject:
    """The object of an act as people know it; `key` is what its address names it by."""

    name: str
    key: str


def page(
    db: Session, operator_id: int | None, wanted: Filter, cursor: str | None, limit: int
) -> paging.Page[tuple[AuditEvent, Operator | None]]:
    """One page of acts, each with the operator it concerns.

    Args:
        operator_id: whose log; None: everybody's.
    """
    found = _narrowed(operator_id, wanted)
    keys: list[Any] = [AuditEvent.id]
    return paging.fetch_page(db, found, keys, descending=True, cursor=cursor, limit=limit)


def everything(
    db: Session, operator_id: int | None, wanted: Filter, chunk: int = 500
) -> Iterator[list[tuple[AuditEvent, Operator | None]]]:
    """All acts that match, the latest first, in chunks."""
    statement = _narrowed(operator_id, wanted).order_by(AuditEvent.id.desc())
    for part in db.execute(statement.execution_options(yield_per=chunk)).partitions():
        yield [(event, operator) for event, operator in part]


def of_object(db: Session, operator_id: int | None, kind: str, object_id: object, limit: int) -> list[AuditEvent]:
    """The latest acts on that object."""
    found = _narrowed(operator_id, Filter(kind=kind, object_id=str(object_id)))
    return [event for event, _ in db.execute(found.order_by(AuditEvent.id.desc()).limit(limit))]


def subjects(db: Session, operator_id: int | None, events: Iterable[AuditEvent]) -> dict[tuple[str, str], Subject]:
    """The names of the operator's objects that are still there, by (kind, id); None: of everybody's."""
    ids: dict[str, set[int]] = defaultdict(set)
    for event in events:
        if event.object_type in _NAMES and event.object_id.isascii() and event.object_id.isdigit():
            ids[event.object_type].add(int(event.object_id))
    found = {}
    for kind, wanted in ids.items():
        model, name = _NAMES[kind]
        key = Charger.device_id if kind == "charger" else name if kind in ("orders", "qr_code") else model.id
        named = select(model.id, name, key).where(model.id.in_(wanted))
        if operator_id is not None:  # the id of a row that is gone may have been given to somebody else's
            named = named.where((Operator.id if model is Operator else model.operator_id) == operator_id)
        for row_id, text, address in db.execute(named):
            found[kind, str(row_id)] = Subject(text or f"no. {row_id}", str(address))
    return found


def _narrowed(operator_id: int | None, wanted: Filter) -> Any:
    found: Any = select(AuditEvent, Operator).outerjoin(Operator, Operator.id == AuditEvent.operator_id)
    if operator_id is not None:
        found = found.where(AuditEvent.operator_id == operator_id)
    for column, value in (
        (AuditEvent.actor, wanted.actor),
        (AuditEvent.object_type, wanted.kind),
        (AuditEvent.object_id, wanted.object_id),
        (AuditEvent.verb, wanted.verb),
    ):
        if value:
            found = found.where(column == value)
    if wanted.since is not None:
        found = found.where(AuditEvent.at >= wanted.since)
    if wanted.before is not None:
        found = found.where(AuditEvent.at < wanted.before)
    if wanted.text:
        found = found.where(_mentions(wanted.text))
    return found


def _mentions(text: str) -> ColumnElement[bool]:
    columns = (AuditEvent.actor, AuditEvent.verb, AuditEvent.object_type, AuditEvent.object_id, Operator.name)
    named = [
        (AuditEvent.object_type == kind)
        & AuditEvent.object_id.in_(_ids_as_text(model, name.icontains(text, autoescape=True)))
        for kind, (model, name) in _NAMES.items()
    ]
    return or_(*(column.icontains(text, autoescape=True) for column in columns), *named)


def _ids_as_text(model: Any, is_wanted: ColumnElement[bool]) -> Select[tuple[str]]:
    return select(model.id.cast(AuditEvent.object_id.type)).where(is_wanted)
