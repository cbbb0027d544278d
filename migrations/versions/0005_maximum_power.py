"""maximum power

Read every line before it lands: expand first, contract in a later release; name each constraint.
"""

import sqlalchemy as sa
from alembic import op

from domain.db import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "station_limit",
        sa.Column("station_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column(
            "unit",
            sa.Enum("A", "kW", name="limit_unit", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column(
            "newcomers",
            sa.Enum("floor", "wait", name="newcomers", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_station_limit_amount_is_positive")),
        sa.ForeignKeyConstraint(
            ["operator_id", "station_id"],
            ["station.operator_id", "station.id"],
            name=op.f("fk_station_limit_operator_id_station_id_station"),
        ),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_station_limit_operator_id_operator")),
        sa.PrimaryKeyConstraint("station_id", name=op.f("pk_station_limit")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("station_limit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_station_limit_operator_id"), ["operator_id"], unique=False)

    op.create_table(
        "power_ability",
        sa.Column("charger_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.Text(), nullable=True),
        sa.Column("max_stack_level", sa.BigInteger(), nullable=True),
        sa.Column("max_periods", sa.BigInteger(), nullable=True),
        sa.Column("max_profiles", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=True),
        sa.Column("learned_at", UtcDateTime(), nullable=True),
        sa.Column("command_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "share_method",
            sa.Enum(
                "tx_profile",
                "tx_default",
                "none",
                name="share_method",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("method_at", UtcDateTime(), nullable=True),
        sa.Column("has_taken_share", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["command_id"], ["command.id"], name=op.f("fk_power_ability_command_id_command")),
        sa.ForeignKeyConstraint(
            ["operator_id", "charger_id"],
            ["charger.operator_id", "charger.id"],
            name=op.f("fk_power_ability_operator_id_charger_id_charger"),
        ),
        sa.PrimaryKeyConstraint("charger_id", name=op.f("pk_power_ability")),
        sqlite_strict=True,
    )
    op.create_table(
        "power_profile",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("charger_id", sa.BigInteger(), nullable=False),
        sa.Column("connector_number", sa.BigInteger(), nullable=False),
        sa.Column(
            "use",
            sa.Enum(
                "charger",
                "connector",
                "start",
                "share",
                name="profile_use",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("wish", sa.JSON(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("bound", sa.BigInteger(), nullable=True),
        sa.Column("charging_session_id", sa.BigInteger(), nullable=True),
        sa.Column("target", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("turn_at", UtcDateTime(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "sent",
                "agreed",
                "accepted",
                "differs",
                "refused",
                "unsupported",
                name="profile_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("state_at", UtcDateTime(), nullable=False),
        sa.Column("told", sa.Text(), nullable=True),
        sa.Column("variant", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("retry_at", UtcDateTime(), nullable=True),
        sa.Column("sent_key", sa.Text(), nullable=True),
        sa.Column("sent_amount", sa.BigInteger(), nullable=True),
        sa.Column("sent_unit", sa.Text(), nullable=True),
        sa.Column("held_key", sa.Text(), nullable=True),
        sa.Column("refused_key", sa.Text(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=True),
        sa.Column("set_command_id", sa.BigInteger(), nullable=True),
        sa.Column("check_command_id", sa.BigInteger(), nullable=True),
        sa.Column("reported", sa.JSON(), nullable=True),
        sa.CheckConstraint(
            "(use = 'charger') = (connector_number = 0)", name=op.f("ck_power_profile_charger_is_connector_0")
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_power_profile_amount_not_negative")),
        sa.ForeignKeyConstraint(
            ["charging_session_id"],
            ["charging_session.id"],
            name=op.f("fk_power_profile_charging_session_id_charging_session"),
        ),
        sa.ForeignKeyConstraint(
            ["check_command_id"], ["command.id"], name=op.f("fk_power_profile_check_command_id_command")
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "charger_id"],
            ["charger.operator_id", "charger.id"],
            name=op.f("fk_power_profile_operator_id_charger_id_charger"),
        ),
        sa.ForeignKeyConstraint(
            ["set_command_id"], ["command.id"], name=op.f("fk_power_profile_set_command_id_command")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_power_profile")),
        sa.UniqueConstraint(
            "charger_id", "connector_number", "use", name=op.f("uq_power_profile_charger_id_connector_number_use")
        ),
        sqlite_strict=True,
    )
    with op.batch_alter_table("power_profile", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_power_profile_charging_session_id"), ["charging_session_id"], unique=False)
        batch_op.create_index(
            "ix_power_profile_under_way",
            ["charger_id"],
            unique=False,
            sqlite_where=sa.text("state IN ('waiting', 'sent')"),
            postgresql_where=sa.text("state IN ('waiting', 'sent')"),
        )


def downgrade() -> None:
    with op.batch_alter_table("power_profile", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_power_profile_under_way",
            sqlite_where=sa.text("state IN ('waiting', 'sent')"),
            postgresql_where=sa.text("state IN ('waiting', 'sent')"),
        )
        batch_op.drop_index(batch_op.f("ix_power_profile_charging_session_id"))

    op.drop_table("power_profile")
    op.drop_table("power_ability")
    with op.batch_alter_table("station_limit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_station_limit_operator_id"))

    op.drop_table("station_limit")
