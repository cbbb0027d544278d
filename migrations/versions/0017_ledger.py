"""ledger, contracts, disputes, manual refunds, money needing attention

Read every line before it lands: expand first, contract in a later release; name each constraint.
"""

import sqlalchemy as sa
from alembic import op

from domain.db import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TRIGGERS = (
    ("journal_is_final", "journal"),
    ("journal_is_kept", "journal"),
    ("posting_is_final", "posting"),
    ("posting_is_kept", "posting"),
    ("journal_balances", "journal"),
    ("posting_before_its_journal", "posting"),
)
# As domain/models/ledger_guards.py made them then.
GUARDS = {
    "sqlite": (
        "CREATE TRIGGER journal_is_final BEFORE UPDATE ON journal WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'the"
        " ledger is only ever added to: no UPDATE of journal'); END",
        "CREATE TRIGGER journal_is_kept BEFORE DELETE ON journal WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'the "
        "ledger is only ever added to: no DELETE of journal'); END",
        "CREATE TRIGGER posting_is_final BEFORE UPDATE ON posting WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'the"
        " ledger is only ever added to: no UPDATE of posting'); END",
        "CREATE TRIGGER posting_is_kept BEFORE DELETE ON posting WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'the "
        "ledger is only ever added to: no DELETE of posting'); END",
        "CREATE TRIGGER journal_balances BEFORE INSERT ON journal WHEN EXISTS (SELECT 1 FROM posting WHERE "
        "journal_id = NEW.id GROUP BY currency HAVING sum(amount_minor) <> 0) OR NOT EXISTS (SELECT 1 FROM "
        "posting WHERE journal_id = NEW.id) BEGIN SELECT RAISE(ABORT, 'a journal has to sum to zero in each"
        " currency'); END",
        "CREATE TRIGGER posting_before_its_journal BEFORE INSERT ON posting WHEN EXISTS (SELECT 1 FROM "
        "journal WHERE id = NEW.journal_id) BEGIN SELECT RAISE(ABORT, 'nothing is added to a journal that "
        "stands'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION journal_is_final() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF 1 = 1 THEN "
        "RAISE EXCEPTION 'the ledger is only ever added to: no UPDATE of journal' USING ERRCODE = "
        "'integrity_constraint_violation'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER journal_is_final BEFORE UPDATE ON journal FOR EACH ROW EXECUTE FUNCTION journal_is_final()",
        "CREATE FUNCTION journal_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF 1 = 1 THEN RAISE"
        " EXCEPTION 'the ledger is only ever added to: no DELETE of journal' USING ERRCODE = "
        "'integrity_constraint_violation'; END IF; RETURN OLD; END $$",
        "CREATE TRIGGER journal_is_kept BEFORE DELETE ON journal FOR EACH ROW EXECUTE FUNCTION journal_is_kept()",
        "CREATE FUNCTION posting_is_final() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF 1 = 1 THEN "
        "RAISE EXCEPTION 'the ledger is only ever added to: no UPDATE of posting' USING ERRCODE = "
        "'integrity_constraint_violation'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER posting_is_final BEFORE UPDATE ON posting FOR EACH ROW EXECUTE FUNCTION posting_is_final()",
        "CREATE FUNCTION posting_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF 1 = 1 THEN RAISE"
        " EXCEPTION 'the ledger is only ever added to: no DELETE of posting' USING ERRCODE = "
        "'integrity_constraint_violation'; END IF; RETURN OLD; END $$",
        "CREATE TRIGGER posting_is_kept BEFORE DELETE ON posting FOR EACH ROW EXECUTE FUNCTION posting_is_kept()",
        "CREATE FUNCTION journal_balances() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT "
        "1 FROM posting WHERE journal_id = NEW.id GROUP BY currency HAVING sum(amount_minor) <> 0) OR NOT "
        "EXISTS (SELECT 1 FROM posting WHERE journal_id = NEW.id) THEN RAISE EXCEPTION 'a journal has to "
        "sum to zero in each currency' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN "
        "NEW; END $$",
        "CREATE TRIGGER journal_balances BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION journal_balances()",
        "CREATE FUNCTION posting_before_its_journal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF "
        "EXISTS (SELECT 1 FROM journal WHERE id = NEW.journal_id) THEN RAISE EXCEPTION 'nothing is added to"
        " a journal that stands' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END "
        "$$",
        "CREATE TRIGGER posting_before_its_journal BEFORE INSERT ON posting FOR EACH ROW EXECUTE FUNCTION "
        "posting_before_its_journal()",
    ),
}


def upgrade() -> None:
    op.create_table(
        "proof_run",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proof_run")),
        sqlite_strict=True,
    )
    op.create_table(
        "contract",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("fee_basis_points", sa.BigInteger(), nullable=False),
        sa.Column("fee_fixed_minor", sa.BigInteger(), nullable=False),
        sa.Column("is_vat_owed_by_platform", sa.Boolean(), nullable=False),
        sa.Column("is_fee_refunded", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "fee_basis_points >= 0 AND fee_basis_points <= 10000", name=op.f("ck_contract_fee_is_a_share")
        ),
        sa.CheckConstraint("fee_fixed_minor >= 0", name=op.f("ck_contract_fee_is_not_negative")),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_contract_operator_id_operator")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
        sqlite_strict=True,
    )
    op.create_index("ix_contract_operator_id_currency_id", "contract", ["operator_id", "currency", "id"])

    op.create_table(
        "ledger_account",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "provider_clearing",
                "bank",
                "provider_fee",
                "platform_fee",
                "tax_payable",
                "operator_payable",
                "operator_direct",
                "fee_receivable",
                "shortfall_receivable",
                "refunds_pending",
                "settlement_pending",
                "dispute_held",
                "driver_balance",
                "balance_reserved",
                name="account_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("operator_id", sa.BigInteger(), nullable=True),
        sa.Column("payment_account_id", sa.BigInteger(), nullable=True),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "operator_id IS NOT NULL OR kind NOT IN ('operator_payable', 'operator_direct', 'fee_receivable', 'settlement_pending')",
            name=op.f("ck_ledger_account_has_its_operator"),
        ),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_ledger_account_operator_id_operator")),
        sa.ForeignKeyConstraint(
            ["payment_account_id"],
            ["payment_account.id"],
            name=op.f("fk_ledger_account_payment_account_id_payment_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_account")),
        sa.UniqueConstraint("id", "is_test", name=op.f("uq_ledger_account_id_is_test")),
        sa.UniqueConstraint("name", name=op.f("uq_ledger_account_name")),
        sqlite_strict=True,
    )
    op.create_index("ix_ledger_account_operator_id", "ledger_account", ["operator_id"])

    op.create_table(
        "dispute",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("open", "won", "lost", name="dispute_status", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("is_withdrawn", sa.Boolean(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("answer_before", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("next_look_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_dispute_amount_is_positive")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_dispute_payment_id_payment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
        sa.UniqueConstraint("provider", "provider_ref", name=op.f("uq_dispute_provider_provider_ref")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_dispute_due",
        "dispute",
        ["next_look_at"],
        sqlite_where=sa.text("next_look_at IS NOT NULL"),
        postgresql_where=sa.text("next_look_at IS NOT NULL"),
    )
    op.create_index("ix_dispute_payment_id", "dispute", ["payment_id"])

    op.create_table(
        "journal",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "capture",
                "shortfall",
                "shortfall_written_off",
                "refund_requested",
                "refund_succeeded",
                "refund_failed",
                "manual_refund",
                "dispute",
                "dispute_reinstated",
                "dispute_lost",
                "provider_fee",
                "provider_payout",
                "top_up",
                "withdrawal_applied",
                "withdrawal_returned",
                "withdrawal_paid",
                "settlement_applied",
                "settlement_rejected",
                "settlement_paid",
                name="journal_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_journal_operator_id_operator")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_journal_order_id_orders")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_journal_payment_id_payment")),
        sa.ForeignKeyConstraint(["reverses_id"], ["journal.id"], name=op.f("fk_journal_reverses_id_journal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
        sa.UniqueConstraint("id", "is_test", name=op.f("uq_journal_id_is_test")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_journal_idempotency_key")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_journal_reverses_id")),
        sqlite_strict=True,
    )
    op.create_index("ix_journal_operator_id_occurred_at", "journal", ["operator_id", "occurred_at"])
    op.create_index("ix_journal_order_id", "journal", ["order_id"])
    op.create_index("ix_journal_payment_id", "journal", ["payment_id"])

    op.create_table(
        "manual_refund",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "proposed",
                "confirmed",
                "withdrawn",
                name="manual_refund_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("status <> 'confirmed' OR decided_by <> asked_by", name=op.f("ck_manual_refund_two_people")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_manual_refund_amount_is_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_manual_refund_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manual_refund")),
        sa.UniqueConstraint("order_id", "nonce", name=op.f("uq_manual_refund_order_id_nonce")),
        sqlite_strict=True,
    )
    op.create_index("ix_manual_refund_order_id", "manual_refund", ["order_id"])

    op.create_table(
        "money_item",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "capture_failed",
                "hold_expired",
                "hold_expiring",
                "hold_stands",
                "unknown",
                "refund_failed",
                "alarm",
                "dispute",
                "account_trouble",
                "not_billed",
                "review",
                "missing_here",
                "missing_there",
                "amount",
                "fee",
                "currency",
                "duplicate",
                "books",
                name="money_item_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("operator_id", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("payment_account_id", sa.BigInteger(), nullable=True),
        sa.Column("charging_session_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["charging_session_id"],
            ["charging_session.id"],
            name=op.f("fk_money_item_charging_session_id_charging_session"),
        ),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_money_item_operator_id_operator")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_money_item_order_id_orders")),
        sa.ForeignKeyConstraint(
            ["payment_account_id"],
            ["payment_account.id"],
            name=op.f("fk_money_item_payment_account_id_payment_account"),
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_money_item_payment_id_payment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_money_item")),
        sqlite_strict=True,
    )
    op.create_index("ix_money_item_operator_id_resolved_at_id", "money_item", ["operator_id", "resolved_at", "id"])
    op.create_index(
        "uq_money_item_open",
        "money_item",
        ["key"],
        unique=True,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    )

    op.create_table(
        "posting",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_posting_moves_something")),
        sa.ForeignKeyConstraint(
            ["account_id", "is_test"],
            ["ledger_account.id", "ledger_account.is_test"],
            name=op.f("fk_posting_account_id_is_test_ledger_account"),
        ),
        sa.ForeignKeyConstraint(
            ["journal_id", "is_test"],
            ["journal.id", "journal.is_test"],
            name=op.f("fk_posting_journal_id_is_test_journal"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
        sqlite_strict=True,
    )
    op.create_index("ix_posting_account_id_currency", "posting", ["account_id", "currency"])
    op.create_index("ix_posting_journal_id", "posting", ["journal_id"])

    op.create_index("ix_payment_status_status_at", "payment", ["status", "status_at"])
    # Written out: Alembic would make the whole table of orders anew on SQLite.
    whole = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE orders ADD COLUMN contract_id {whole}"
        " CONSTRAINT fk_orders_contract_id_contract REFERENCES contract (id)"
    )
    for statement in GUARDS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for name, table in TRIGGERS:
        op.execute(f"DROP TRIGGER {name}" if is_sqlite else f"DROP TRIGGER {name} ON {table}")
        if not is_sqlite:
            op.execute(f"DROP FUNCTION {name}()")
    op.execute("ALTER TABLE orders DROP COLUMN contract_id")
    op.drop_index("ix_payment_status_status_at", "payment")

    op.drop_index("ix_posting_journal_id", "posting")
    op.drop_index("ix_posting_account_id_currency", "posting")

    op.drop_table("posting")
    op.drop_index("uq_money_item_open", "money_item")
    op.drop_index("ix_money_item_operator_id_resolved_at_id", "money_item")

    op.drop_table("money_item")
    op.drop_index("ix_manual_refund_order_id", "manual_refund")

    op.drop_table("manual_refund")
    op.drop_index("ix_journal_payment_id", "journal")
    op.drop_index("ix_journal_order_id", "journal")
    op.drop_index("ix_journal_operator_id_occurred_at", "journal")

    op.drop_table("journal")
    op.drop_index("ix_dispute_payment_id", "dispute")
    op.drop_index("ix_dispute_due", "dispute")

    op.drop_table("dispute")
    op.drop_index("ix_ledger_account_operator_id", "ledger_account")

    op.drop_table("ledger_account")
    op.drop_index("ix_contract_operator_id_currency_id", "contract")

    op.drop_table("contract")
    op.drop_table("proof_run")
