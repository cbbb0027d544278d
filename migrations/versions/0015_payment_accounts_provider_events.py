"""credentials of payment accounts, merchants of stations, events of providers

Read every line before it lands: expand first, contract in a later release; name each constraint.
"""

import sqlalchemy as sa
from alembic import op

from domain.db import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

NEW_COLUMNS = (
    "platform_account_id",
    "provider_account",
    "sealed_credentials",
    "credential_endings",
    "is_active",
    "checked_at",
    "trouble",
    "trouble_at",
)


def upgrade() -> None:
    with op.batch_alter_table("payment_account", schema=None) as batch_op:
        batch_op.alter_column("operator_id", existing_type=sa.BigInteger(), nullable=True)
        batch_op.add_column(sa.Column("platform_account_id", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("provider_account", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("sealed_credentials", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("credential_endings", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("is_active", sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.add_column(sa.Column("checked_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("trouble", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("trouble_at", UtcDateTime(), nullable=True))
        batch_op.create_unique_constraint(
            op.f("uq_payment_account_operator_id_platform_account_id"), ["operator_id", "platform_account_id"]
        )
        batch_op.create_check_constraint(
            op.f("ck_payment_account_platform_collects"), "operator_id IS NOT NULL OR collection_mode = 'platform'"
        )
        batch_op.create_check_constraint(
            op.f("ck_payment_account_offered_has_no_credentials"),
            "platform_account_id IS NULL OR (operator_id IS NOT NULL AND collection_mode = 'platform'"
            " AND sealed_credentials IS NULL)",
        )
        batch_op.create_foreign_key(
            op.f("fk_payment_account_platform_account_id_payment_account"),
            "payment_account",
            ["platform_account_id"],
            ["id"],
        )
    with op.batch_alter_table("payment_account", schema=None) as batch_op:
        batch_op.alter_column("is_active", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)

    op.create_table(
        "station_merchant",
        sa.Column("station_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payment_account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id", "payment_account_id"],
            ["payment_account.operator_id", "payment_account.id"],
            name=op.f("fk_station_merchant_operator_id_payment_account_id_payment_account"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "station_id"],
            ["station.operator_id", "station.id"],
            name=op.f("fk_station_merchant_operator_id_station_id_station"),
        ),
        sa.PrimaryKeyConstraint("station_id", "payment_account_id", name=op.f("pk_station_merchant")),
        sqlite_strict=True,
    )
    op.create_table(
        "provider_event",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("payment_account_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("said_at", UtcDateTime(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["payment_account_id"],
            ["payment_account.id"],
            name=op.f("fk_provider_event_payment_account_id_payment_account"),
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_provider_event_payment_id_payment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_event")),
        sa.UniqueConstraint(
            "provider",
            "payment_account_id",
            "event_id",
            name=op.f("uq_provider_event_provider_payment_account_id_event_id"),
        ),
        sqlite_strict=True,
    )
    with op.batch_alter_table("provider_event", schema=None) as batch_op:
        batch_op.create_index(
            "ix_provider_event_waiting",
            ["about"],
            unique=False,
            sqlite_where=sa.text("done_at IS NULL"),
            postgresql_where=sa.text("done_at IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_provider_event_received_at"), ["received_at"], unique=False)
    # Not as a batch: these tables are large, and a column without a constraint needs no copy of them.
    op.add_column("payment", sa.Column("alarm", sa.Text(), nullable=True))
    op.add_column("refund", sa.Column("alarm", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("refund", "alarm")
    op.drop_column("payment", "alarm")
    with op.batch_alter_table("provider_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_provider_event_received_at"))
        batch_op.drop_index(
            "ix_provider_event_waiting",
            sqlite_where=sa.text("done_at IS NULL"),
            postgresql_where=sa.text("done_at IS NULL"),
        )
    op.drop_table("provider_event")
    op.drop_table("station_merchant")
    with op.batch_alter_table("payment_account", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("fk_payment_account_platform_account_id_payment_account"), type_="foreignkey")
        batch_op.drop_constraint(op.f("ck_payment_account_offered_has_no_credentials"), type_="check")
        batch_op.drop_constraint(op.f("ck_payment_account_platform_collects"), type_="check")
        batch_op.drop_constraint(op.f("uq_payment_account_operator_id_platform_account_id"), type_="unique")
        for column in reversed(NEW_COLUMNS):
            batch_op.drop_column(column)
    # The platform's own accounts have no place in the older schema; no payment refers to them.
    op.execute("DELETE FROM payment_account WHERE operator_id IS NULL")
    with op.batch_alter_table("payment_account", schema=None) as batch_op:
        batch_op.alter_column("operator_id", existing_type=sa.BigInteger(), nullable=False)
