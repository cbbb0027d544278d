"""What tells this installation from another one."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base


class Installation(Base):
    """One row: the code that stands in every key given to a payment provider."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"), {"sqlite_strict": True})

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str]
