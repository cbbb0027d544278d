"""What the platform takes of an order, and who owes its VAT: as agreed with the operator when the order was made."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import audit
from domain.currencies import exponent, round_half_up
from domain.currencies import from_minor as amount
from domain.errors import Refused
from domain.models.contracts import Contract
from domain.models.orders import Order


@dataclass(frozen=True, slots=True)
class Shares:
    """How a captured amount is divided; the three sum to it."""

    payable_minor: int  # the operator's
    fee_minor: int
    tax_minor: int  # only what the platform owes

    @property
    def captured_minor(self) -> int:
        """The whole."""
        return self.payable_minor + self.fee_minor + self.tax_minor


def in_force(db: Session, operator_id: int, currency: str) -> Contract | None:
    """The operator's newest terms for that currency."""
    newest = select(Contract).where(Contract.operator_id == operator_id, Contract.currency == currency)
    return db.scalar(newest.order_by(Contract.id.desc()).limit(1))


def agree(
    db: Session,
    operator_id: int,
    currency: str,
    *,
    fee_basis_points: int,
    fee_fixed_minor: int,
    is_vat_owed_by_platform: bool,
    is_fee_refunded: bool,
    by: str,
    now: datetime,
) -> Contract:
    """These terms hold for orders made from now on; earlier orders keep theirs.

    Raises: Refused.
    """
    exponent(currency)
    if not 0 <= fee_basis_points <= 10_000:
        raise Refused("The fee is a share between 0 and 100 %.", [("fee_percent", "Enter 0 to 100.")])
    if not 0 <= fee_fixed_minor <= 100_000_000:
        raise Refused("The fee for each order is not a sensible amount.", [("fee_fixed", "Enter 0 or more.")])
    contract = Contract(
        operator_id=operator_id,
        currency=currency,
        fee_basis_points=fee_basis_points,
        fee_fixed_minor=fee_fixed_minor,
        is_vat_owed_by_platform=is_vat_owed_by_platform,
        is_fee_refunded=is_fee_refunded,
        created_at=now,
        created_by=by,
    )
    db.add(contract)
    db.flush()
    audit.record(
        db,
        "agreed",
        "contract",
        contract.id,
        operator_id=operator_id,
        by=by,
        now=now,
        fee_percent=f"{fee_basis_points // 100}.{fee_basis_points % 100:02d}",
        fee_fixed=str(amount(fee_fixed_minor, currency)),
        currency=currency,
        vat_owed_by="platform" if is_vat_owed_by_platform else "operator",
        fee_refunded=is_fee_refunded,
    )
    return contract


def shares(order: Order, captured_minor: int, contract: Contract | None) -> Shares:
    """How what was captured for the order is divided under its contract.

    The fee is rounded half up once, and never takes more than is there. VAT of a part that was captured is that part's
    share of the bill's VAT.
    """
    if contract is None:
        return Shares(captured_minor, 0, 0)
    tax = 0
    if contract.is_vat_owed_by_platform and order.gross_minor:
        tax = _rounded(Fraction(captured_minor * order.vat_minor, order.gross_minor))
    fee = _rounded(Fraction(captured_minor * contract.fee_basis_points, 10_000)) + contract.fee_fixed_minor
    fee = min(fee, captured_minor - tax)
    return Shares(captured_minor - fee - tax, fee, tax)


def of_order(db: Session, order: Order) -> Contract | None:
    """The terms that the order was made under."""
    return db.get(Contract, order.contract_id) if order.contract_id else None


def _rounded(exact: Fraction) -> int:
    return int(round_half_up(exact, 0))
