"""key offers

Read every line before it lands: expand first, contract in a later release; name each constraint.
"""

import sqlalchemy as sa
from alembic import op

from domain.db import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "key_offer",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("charger_id", sa.BigInteger(), nullable=False),
        sa.Column("command_id", sa.BigInteger(), nullable=False),
        sa.Column("key_salt", sa.LargeBinary(), nullable=True),
        sa.Column("key_hash", sa.LargeBinary(), nullable=True),
        sa.Column("offered_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint("(ended_at IS NULL) = (key_hash IS NOT NULL)", name=op.f("ck_key_offer_hash_while_open")),
        sa.ForeignKeyConstraint(["charger_id"], ["charger.id"], name=op.f("fk_key_offer_charger_id_charger")),
        sa.ForeignKeyConstraint(["command_id"], ["command.id"], name=op.f("fk_key_offer_command_id_command")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_offer")),
        sa.UniqueConstraint("command_id", name=op.f("uq_key_offer_command_id")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_key_offer_open",
        "key_offer",
        ["charger_id"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_key_offer_open", table_name="key_offer")
    op.drop_table("key_offer")
