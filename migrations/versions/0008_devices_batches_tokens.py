"""devices, batches, tokens

Read every line before it lands: expand first, contract in a later release; name each constraint.
"""

import sqlalchemy as sa
from alembic import op

from domain.db import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("token", sa.Column("is_group", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("token", sa.Column("is_limited", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(op.f("ix_token_operator_id_id"), "token", ["operator_id", "id"], unique=True)

    op.create_table(
        "batch",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("devices", "tokens", name="batch_kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("station_id", sa.BigInteger(), nullable=True),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("keys_told_at", UtcDateTime(), nullable=True),
        sa.Column("keys_told_to", sa.Text(), nullable=True),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_batch_file_id_stored_file")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_batch_job_id_job")),
        sa.ForeignKeyConstraint(
            ["operator_id", "station_id"],
            ["station.operator_id", "station.id"],
            name=op.f("fk_batch_operator_id_station_id_station"),
        ),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_batch_operator_id_operator")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("operator_id", "id", name=op.f("uq_batch_operator_id_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "token_station",
        sa.Column("token_id", sa.BigInteger(), nullable=False),
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id", "station_id"],
            ["station.operator_id", "station.id"],
            name=op.f("fk_token_station_operator_id_station_id_station"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "token_id"],
            ["token.operator_id", "token.id"],
            name=op.f("fk_token_station_operator_id_token_id_token"),
        ),
        sa.PrimaryKeyConstraint("token_id", "station_id", name=op.f("pk_token_station")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("token_station", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_token_station_station_id"), ["station_id"], unique=False)

    op.create_table(
        "batch_row",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum(
                "ok",
                "added",
                "removed",
                "duplicate",
                "exists",
                "malformed",
                "cell",
                "refused",
                name="verdict",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("charger_id", sa.BigInteger(), nullable=True),
        sa.Column("token_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["operator_id", "batch_id"],
            ["batch.operator_id", "batch.id"],
            name=op.f("fk_batch_row_operator_id_batch_id_batch"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "charger_id"],
            ["charger.operator_id", "charger.id"],
            name=op.f("fk_batch_row_operator_id_charger_id_charger"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "token_id"],
            ["token.operator_id", "token.id"],
            name=op.f("fk_batch_row_operator_id_token_id_token"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_row")),
        sa.UniqueConstraint("batch_id", "number", name=op.f("uq_batch_row_batch_id_number")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("batch_row", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_batch_row_batch_id_verdict_number"), ["batch_id", "verdict", "number"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_batch_row_charger_id"), ["charger_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_batch_row_token_id"), ["token_id"], unique=False)

    op.create_table(
        "sighting",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("uid_key", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("charger_id", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id", "charger_id"],
            ["charger.operator_id", "charger.id"],
            name=op.f("fk_sighting_operator_id_charger_id_charger"),
        ),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_sighting_operator_id_operator")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sighting")),
        sa.UniqueConstraint("operator_id", "uid_key", name=op.f("uq_sighting_operator_id_uid_key")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("sighting", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sighting_charger_id"), ["charger_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sighting_operator_id_seen_at"), ["operator_id", "seen_at"], unique=False)

    op.add_column("charger", sa.Column("created_by", sa.Text(), nullable=True))
    op.add_column("charger", sa.Column("retired_at", UtcDateTime(), nullable=True))
    # Who added a charger was known to the audit log only.
    op.execute(
        """
        UPDATE charger SET created_by = (
            SELECT min(actor) FROM audit_event
            WHERE object_type = 'charger' AND object_id = CAST(charger.id AS TEXT) AND verb = 'created'
        )
        """
    )


def downgrade() -> None:
    op.drop_column("charger", "retired_at")
    op.drop_column("charger", "created_by")

    with op.batch_alter_table("sighting", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sighting_operator_id_seen_at"))
        batch_op.drop_index(batch_op.f("ix_sighting_charger_id"))

    op.drop_table("sighting")
    with op.batch_alter_table("batch_row", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_batch_row_token_id"))
        batch_op.drop_index(batch_op.f("ix_batch_row_charger_id"))
        batch_op.drop_index(batch_op.f("ix_batch_row_batch_id_verdict_number"))

    op.drop_table("batch_row")
    with op.batch_alter_table("token_station", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_token_station_station_id"))

    op.drop_table("token_station")
    op.drop_table("batch")

    op.drop_index(op.f("ix_token_operator_id_id"), "token")
    op.drop_column("token", "is_limited")
    op.drop_column("token", "is_group")
