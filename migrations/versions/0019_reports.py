"""sums of past months for Reports

Read every line before it lands: expand first, contract in a later release; name each constraint.
"""

import sqlalchemy as sa
from alembic import op

from domain.db import UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

USE = ("sessions", "energy_wh", "charging_s", "plug_s", "known_s", "up_s")
MONEY = (
    "orders",
    "net_minor",
    "vat_minor",
    "gross_minor",
    "uncollected_minor",
    "captured_minor",
    "refunded_minor",
    "by_hand_minor",
    "disputed_minor",
    "fee_minor",
    "tax_minor",
    "owed_minor",
)


def upgrade() -> None:
    op.create_table(
        "report_unit",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("computed_at", UtcDateTime(), nullable=False),
        sa.Column("provider_fees", sa.JSON(), nullable=False),
        sa.Column("differences", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_report_unit_operator_id_operator")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_unit")),
        sa.UniqueConstraint(
            "operator_id", "time_zone", "month", name=op.f("uq_report_unit_operator_id_time_zone_month")
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_report_unit_computed_at", "report_unit", ["computed_at"])
    op.create_table(
        "report_use",
        sa.Column("station_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in USE),
        sa.Column("known_from", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["operator_id", "station_id"],
            ["station.operator_id", "station.id"],
            name=op.f("fk_report_use_operator_id_station_id_station"),
        ),
        sa.PrimaryKeyConstraint("station_id", "month", name=op.f("pk_report_use")),
        sqlite_strict=True,
    )
    op.create_index("ix_report_use_operator_id_month", "report_use", ["operator_id", "month"])
    op.create_table(
        "report_money",
        sa.Column("station_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in MONEY),
        sa.ForeignKeyConstraint(
            ["operator_id", "station_id"],
            ["station.operator_id", "station.id"],
            name=op.f("fk_report_money_operator_id_station_id_station"),
        ),
        sa.PrimaryKeyConstraint("station_id", "month", "currency", "is_test", name=op.f("pk_report_money")),
        sqlite_strict=True,
    )
    op.create_index("ix_report_money_operator_id_month", "report_money", ["operator_id", "month"])


def downgrade() -> None:
    op.drop_index("ix_report_money_operator_id_month", "report_money")
    op.drop_table("report_money")
    op.drop_index("ix_report_use_operator_id_month", "report_use")
    op.drop_table("report_use")
    op.drop_index("ix_report_unit_computed_at", "report_unit")
    op.drop_table("report_unit")
