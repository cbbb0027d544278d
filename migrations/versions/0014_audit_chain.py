"""audit chain

Read every line before it lands: expand first, contract in a later release; name each constraint.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
        sqlite_strict=True,
    )
    op.add_column("audit_event", sa.Column("chain_number", sa.BigInteger(), nullable=True))
    op.add_column("audit_event", sa.Column("chain_hash", sa.Text(), nullable=True))
    op.create_index("uq_audit_event_chain_number", "audit_event", ["chain_number"], unique=True)
    unsealed = sa.text("chain_number IS NULL")
    op.create_index("ix_audit_event_unsealed", "audit_event", ["id"], sqlite_where=unsealed, postgresql_where=unsealed)


def downgrade() -> None:
    op.drop_index("ix_audit_event_unsealed", table_name="audit_event")
    op.drop_index("uq_audit_event_chain_number", table_name="audit_event")
    op.drop_column("audit_event", "chain_hash")
    op.drop_column("audit_event", "chain_number")
    op.drop_table("audit_head")
