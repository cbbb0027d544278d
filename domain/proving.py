"""The nightly run of the proof: our books by themselves, then against each provider's list."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import money_items, payment_accounts, proof, proof_lines
from domain.db import read_only
from domain.models.money_items import ProofRun
from domain.models.payments import PaymentAccount
from domain.money_items import Finding
from domain.payment_provider import ProviderMisuse, ProviderTrouble, SettlementLine
from domain.settling import Till

log = logging.getLogger(__name__)

EVERY = timedelta(hours=24)
# What the providers tell is read again for so long: lists fill late, and a run may have failed.
LOOK_BACK = timedelta(days=3)


def is_due(db: Session, now: datetime) -> bool:
    """Whether the last proof is a day old. One that was cut off counts as none."""
    last = select(ProofRun.started_at).where(ProofRun.ended_at.is_not(None)).order_by(ProofRun.id.desc()).limit(1)
    started_at = db.scalar(last)
    return started_at is None or now - started_at >= EVERY


def run(till: Till, now: datetime) -> ProofRun:
    """The proof of this moment is on record, its differences are items; returns the record."""
    since, until = now - LOOK_BACK, now
    with till.transaction() as db:
        record = ProofRun(started_at=now, since=since, until=until, counts={})
        db.add(record)
    # Nobody is kept waiting by a look over the whole history.
    with read_only(), till.open_db() as db:
        findings, counts = proof.prove(db, now), proof.counts(db)
        accounts = _accounts(db)
    with till.transaction() as db:
        proof.record(db, findings, now)
    told: list[Finding] = []
    for account in accounts:
        lines = _lines(till, account, since, until)
        if lines is None:
            counts["unreachable"] = counts.get("unreachable", 0) + 1
            continue
        counts["lines"] = counts.get("lines", 0) + len(lines)
        with till.transaction() as db:
            proof_lines.book(db, account, lines, now)
            told += proof_lines.compare(db, account, lines, since, until)
    with till.transaction() as db:
        money_items.add(db, told, now)
        record = db.get_one(ProofRun, record.id)
        record.ended_at, record.counts = now, {**counts, "differences": len(findings) + len(told)}
    return record


def _accounts(db: Session) -> list[PaymentAccount]:
    """One row for each account at a provider: two rows may be about the same one."""
    holders = select(PaymentAccount).where(PaymentAccount.platform_account_id.is_(None)).order_by(PaymentAccount.id)
    seen: set[int] = set()
    found = []
    for account in db.scalars(holders):
        if account.id not in seen:
            seen.update(db.scalars(payment_accounts.sharing(account)))
            found.append(account)
    return found


def _lines(till: Till, account: PaymentAccount, since: datetime, until: datetime) -> list[SettlementLine] | None:
    try:
        return till.providers.provider_for(account).list_settlement_lines(since, until)
    except (ProviderTrouble, ProviderMisuse) as trouble:
        log.warning("proof: payment account %s does not answer: %r", account.id, trouble)
        return None
