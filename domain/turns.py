"""Who goes first when two work on the same thing at the same moment.

On PostgreSQL a row that is locked keeps others waiting until the transaction ends. Whoever locks rows of several kinds
locks them in one order everywhere, so that no two ever wait for each other:

    charger -> command -> charging session -> payment -> refund, order

Kinds may be left out, never turned round: billing locks the session and then its payment; guarding a hold does the
same, although it starts from the payment; a start locks the open sessions of its plug before it looks for the payment
behind its card. Of several rows of one kind the smaller id comes first. On SQLite whoever writes is alone anyway.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.models.chargers import Charger


def at_charger(db: Session, charger_id: int) -> None:
    """Until the transaction ends nobody else changes what hangs on that charger's row by this rule.

    Rows that refer to the charger can still be added: only the key is left free.
    """
    db.execute(select(Charger.id).where(Charger.id == charger_id).with_for_update(key_share=True))
