"""QR codes: public addresses `/c/<code>` of chargers, which tell nothing about the device behind."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, joinedload

from domain import audit
from domain.errors import Conflict, NotFound, Refused
from domain.models.chargers import Charger, Connector, QrBinding, QrCode

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no 0 and O, no 1 and I: people type them off a sticker
LENGTH = 8  # 40 bits: not to be guessed one after the other
MOST_AT_ONCE = 5000
_AT_A_TIME = 500  # bound parameters of one statement
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")


class Others(StrEnum):
    """What becomes of the codes that lead to the same plug already."""

    KEEP = "keep"
    FREE = "free"


class HasCodes(Conflict):
    """Other codes lead to this charger already; whoever asks must say what becomes of them."""


def make(db: Session, operator_id: int, count: int, *, now: datetime) -> list[QrCode]:
    """That many new codes of the operator, bound to nothing yet.

    Raises:
        Refused: fewer than one or more than five thousand.
    """
    if not 1 <= count <= MOST_AT_ONCE:
        raise Refused(f"Make 1 to {MOST_AT_ONCE:,} codes at once.", [("count", f"From 1 to {MOST_AT_ONCE:,}.")])
    codes = [QrCode(operator_id=operator_id, code=code, created_at=now) for code in unused(db, count)]
    db.add_all(codes)
    db.flush()
    return codes


def bind(
    db: Session, code: QrCode, charger: Charger, connector_number: int | None = None, *, by: str, now: datetime
) -> None:
    """Who scans the code reaches that charger.

    Raises:
        NotFound: the charger is another operator's.
        Conflict: the code leads to another charger; unbind it first.
    """
    if charger.operator_id != code.operator_id:
        raise NotFound("There is no such charger.")
    if code.charger_id not in (None, charger.id):
        raise Conflict("This code belongs to another charger. Unbind it there first.")
    _close_binding(db, code, by, now)
    code.charger_id, code.connector_number, code.bound_at = charger.id, connector_number, now
    binding = QrBinding(
        operator_id=code.operator_id,
        qr_code_id=code.id,
        charger_id=charger.id,
        connector_number=connector_number,
        bound_at=now,
        bound_by=by,
    )
    db.add(binding)
    db.flush()
    _record(db, "bound", code, by, now, charger_id=charger.id)


def unbind(db: Session, code: QrCode, *, by: str, now: datetime) -> None:
    """The code leads nowhere; the sticker can be used for another charger."""
    was = code.charger_id
    _close_binding(db, code, by, now)
    code.charger_id = code.connector_number = code.bound_at = None
    db.flush()
    _record(db, "unbound", code, by, now, charger_id=was)


def associate(
    db: Session,
    code: QrCode,
    charger: Charger,
    connector_number: int | None,
    others: Others | None,
    *,
    by: str,
    now: datetime,
) -> None:
    """The code leads to that charger from now on, wherever it led before.

    Args:
        others: what becomes of other codes that lead to the same plug; None if nobody said.

    Raises:
        NotFound: the charger is another operator's.
        Refused: it has no such connector.
        HasCodes: there are other codes, and nobody said what becomes of them.
    """
    if connector_number is not None and connector_number not in _plugs(db, charger):
        raise Refused("This charger has no such connector.", [("connector", "There is no such connector.")])
    present = [each for each in leading_to(db, charger, connector_number) if each.id != code.id]
    if present and others is None:
        names = ", ".join(each.code for each in present[:5])
        raise HasCodes(f"{charger.label} is associated with {names} already. Choose what becomes of that.")
    if present and others is Others.FREE:
        for each in present:
            unbind(db, each, by=by, now=now)
    if code.charger_id not in (None, charger.id):
        unbind(db, code, by=by, now=now)
    bind(db, code, charger, connector_number, by=by, now=now)


def leading_to(db: Session, charger: Charger, connector_number: int | None) -> Sequence[QrCode]:
    """The codes that lead to that plug of the charger, or to the charger as a whole."""
    same_plug = QrCode.connector_number.is_not_distinct_from(connector_number)
    return db.scalars(select(QrCode).where(QrCode.charger_id == charger.id, same_plug).order_by(QrCode.id)).all()


def all_of_charger(db: Session, charger: Charger) -> Sequence[QrCode]:
    """Every code that leads to the charger."""
    codes = select(QrCode).where(QrCode.charger_id == charger.id, QrCode.operator_id == charger.operator_id)
    return db.scalars(codes.order_by(QrCode.id)).all()


def of_charger(db: Session, charger: Charger) -> QrCode | None:
    """The oldest code that leads to the charger."""
    return next(iter(all_of_charger(db, charger)), None)


def history(db: Session, code: QrCode) -> Sequence[QrBinding]:
    """Where the code has led, the present first."""
    bindings = select(QrBinding).where(QrBinding.qr_code_id == code.id).options(joinedload(QrBinding.charger))
    return db.scalars(bindings.order_by(QrBinding.id.desc()).limit(100)).all()


def find(db: Session, typed: str) -> QrCode | None:
    """The code as somebody may type it: any case, with spaces or dashes."""
    code = "".join(character for character in typed.upper() if character.isalnum())
    return db.scalar(select(QrCode).where(QrCode.code == code))


def find_charger(db: Session, operator_id: int, typed: str) -> Charger:
    """The operator's charger with that uuid, as typed, pasted or scanned; its device id or label will do.

    Raises:
        NotFound: there is none, or several have that label.
    """
    mine = select(Charger).where(Charger.operator_id == operator_id)
    asked = typed.strip()
    found = _UUID.search(asked.lower())
    if found:
        digits = found.group().replace("-", "")
        dashed = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        charger = db.scalar(mine.where(Charger.uuid == dashed))
        if charger is None:
            raise NotFound("No charger of yours has this uuid.")
        return charger
    named = db.scalars(mine.where((Charger.device_id == asked) | (func.lower(Charger.label) == asked.lower())).limit(2))
    chargers = named.all()
    if len(chargers) > 1:
        raise NotFound("Several chargers have this label. Type the uuid.")
    if not chargers:
        raise NotFound("No charger of yours has this uuid, device id or label.")
    return chargers[0]


def _plugs(db: Session, charger: Charger) -> set[int]:
    numbers = select(Connector.number).where(Connector.charger_id == charger.id, Connector.number > 0)
    return set(db.scalars(numbers)) or {1}


def _close_binding(db: Session, code: QrCode, by: str, now: datetime) -> None:
    still_open = update(QrBinding).where(QrBinding.qr_code_id == code.id, QrBinding.unbound_at.is_(None))
    db.execute(still_open.values(unbound_at=now, unbound_by=by))


def unused(db: Session, count: int) -> list[str]:
    """That many different codes that nobody has."""
    made: set[str] = set()
    while len(made) < count:
        fresh = list({_code() for _ in range(min(_AT_A_TIME, count - len(made)))} - made)
        made.update(set(fresh) - set(db.scalars(select(QrCode.code).where(QrCode.code.in_(fresh)))))
    return sorted(made)


def _code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def _record(db: Session, verb: str, code: QrCode, by: str, now: datetime, **detail: object) -> None:
    audit.record(db, verb, "qr_code", code.id, operator_id=code.operator_id, by=by, now=now, **detail)
