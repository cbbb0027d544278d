"""indexes of sweeps

Read every line before it lands: expand first, contract in a later release; name each constraint.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# (index, table, column, whether it holds only what is not null)
INDEXES = (
    ("ix_power_profile_retry", "power_profile", "retry_at", True),
    ("ix_power_profile_set", "power_profile", "set_command_id", True),
    ("ix_power_profile_check", "power_profile", "check_command_id", True),
    ("ix_power_ability_asking", "power_ability", "command_id", True),
    ("ix_charger_connected_at", "charger", "connected_at", False),
    ("ix_secret_link_expires_at", "secret_link", "expires_at", False),
)


def upgrade() -> None:
    for name, table, column, is_partial in INDEXES:
        held = sa.text(f"{column} IS NOT NULL") if is_partial else None
        op.create_index(name, table, [column], sqlite_where=held, postgresql_where=held)


def downgrade() -> None:
    for name, table, *_ in INDEXES:
        op.drop_index(name, table_name=table)
