"""What an operator and the platform agreed about money."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base


class Contract(Base):
    """The terms from that moment on, for orders of that currency; an order keeps those it was made under."""

    __tablename__ = "contract"
    __table_args__ = (
        CheckConstraint("fee_basis_points >= 0 AND fee_basis_points <= 10000", name="fee_is_a_share"),
        CheckConstraint("fee_fixed_minor >= 0", name="fee_is_not_negative"),
        Index(None, "operator_id", "currency", "id"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"))
    currency: Mapped[str]
    fee_basis_points: Mapped[int]  # of what is captured: 250 is 2.5 %
    fee_fixed_minor: Mapped[int]  # for each captured order besides
    is_vat_owed_by_platform: Mapped[bool] = mapped_column(default=False)
    is_fee_refunded: Mapped[bool] = mapped_column(default=False)  # with a full refund
    created_at: Mapped[datetime]
    created_by: Mapped[str]
