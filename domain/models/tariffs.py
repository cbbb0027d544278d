"""Tariffs as they were published. A tariff is never edited: a change is a new row."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base


class Tariff(Base):
    """Prices with OCPI elements, restrictions and components, in one currency."""

    __tablename__ = "tariff"
    __table_args__ = (UniqueConstraint("operator_id", "id"), {"sqlite_strict": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"), index=True)
    name: Mapped[str]
    currency: Mapped[str]
    terms: Mapped[dict[str, Any]]  # elements, min_price, max_price, idle_grace_s, tax_included; decimals as text
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("tariff.id"))
    created_at: Mapped[datetime]
    created_by: Mapped[str]
