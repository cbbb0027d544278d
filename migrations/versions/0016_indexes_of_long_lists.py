"""indexes of long lists: chargers by label, payments by card ending and e-mail

Read every line before it lands: expand first, contract in a later release; name each constraint.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ix_charger_by_label", "charger", ["operator_id", sa.text("lower(label)"), "id"])
    op.create_index("ix_payment_operator_id_last4", "payment", ["operator_id", "last4"])
    op.create_index("ix_payment_operator_id_driver_email", "payment", ["operator_id", "driver_email"])


def downgrade() -> None:
    op.drop_index("ix_payment_operator_id_driver_email", "payment")
    op.drop_index("ix_payment_operator_id_last4", "payment")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_charger_by_label", "charger")
