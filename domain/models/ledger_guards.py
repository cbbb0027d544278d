"""The ledger is only ever added to; journals balance, and are closed once written."""

from domain.models.guards import Guard, guard_new_databases
from domain.models.ledger import Posting

_UNBALANCED = (
    "EXISTS (SELECT 1 FROM posting WHERE journal_id = NEW.id GROUP BY currency HAVING sum(amount_minor) <> 0)"
    " OR NOT EXISTS (SELECT 1 FROM posting WHERE journal_id = NEW.id)"
)
_CLOSED = "EXISTS (SELECT 1 FROM journal WHERE id = NEW.journal_id)"

GUARDS = (
    *(
        Guard(f"{table}_{word}", table, when, "1 = 1", f"the ledger is only ever added to: no {when} of {table}")
        for table in ("journal", "posting")
        for word, when in (("is_final", "UPDATE"), ("is_kept", "DELETE"))
    ),
    Guard("journal_balances", "journal", "INSERT", _UNBALANCED, "a journal has to sum to zero in each currency"),
    Guard("posting_before_its_journal", "posting", "INSERT", _CLOSED, "nothing is added to a journal that stands"),
)

# Postings are the last of the ledger's tables to be made.
guard_new_databases(GUARDS, Posting.__table__)
