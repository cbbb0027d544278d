"""The clock: sweeps that bring forward what waits. Each may run twice, late, or after a crash (docs/adr/002)."""

import logging
import signal
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import NamedTuple, TypeVar

from apscheduler.schedulers.blocking import BlockingScheduler
from sqlalchemy.orm import Session, sessionmaker

from domain import (
    answers,
    audit_chain,
    batches,
    billing,
    books,
    closing,
    commands,
    configuration,
    connections,
    disputes,
    doorbell,
    firmware_campaigns,
    firmware_progress,
    firmware_upgrades,
    holds,
    job_kinds,
    jobs,
    key_offers,
    local_lists,
    mails,
    messages,
    money_watch,
    payment_accounts,
    payments,
    power_delivery,
    power_sharing,
    provider_events,
    proving,
    report_units,
    reservations,
    secret_links,
    settling,
    settling_disputes,
    sign_ups,
)
from domain.clock import utcnow
from domain.commands import ChargerOffline
from domain.db import TROUBLE, make_engine, read_only, would_write
from domain.files import FileStore
from domain.jobs import Workplace
from domain.mails import MailCarrier
from domain.payment_provider import About
from domain.settings import Settings
from domain.settling import Till
from providers import mail, payment_providers

# Within the second until the next run of the power sweep.
POWER_ROUNDS, POWER_PAUSE_S = 5, 0.15

# How many calls to payment providers are under way at once; one that hangs keeps one of them for some seconds.
CALLS_AT_ONCE = 12
_callers = ThreadPoolExecutor(CALLS_AT_ONCE, "calls")

log = logging.getLogger("worker")

Result = TypeVar("Result")
One = TypeVar("One")


class Sweep(NamedTuple):
    """A function that runs every so many seconds."""

    run: Callable[[Till, datetime], None]
    every_s: int


def bill(till: Till, now: datetime) -> None:
    """Every session that ended has its order, or is known to get none."""
    for charging_session_id in _waiting(till, lambda db: billing.unbilled(db, now)):
        try:
            with till.transaction() as db:
                order = billing.bill(db, charging_session_id, now)
        except TROUBLE:
            raise  # the database, not the session: the next run tries again
        except Exception:
            log.exception("session %s cannot be billed", charging_session_id)
            with till.transaction() as db:
                billing.set_aside(db, charging_session_id, now)
            continue
        if order is not None and order.payment_id is not None:
            _each([order.payment_id], lambda payment_id: settling.settle_payment(till, payment_id, now))


def settle(till: Till, now: datetime) -> None:
    """Providers were asked about everything that is due, several at once: each answer takes its time."""
    _each_at_once(
        _waiting(till, lambda db: settling.due_payments(db, now)),
        lambda payment_id: settling.settle_payment(till, payment_id, now),
    )
    _each_at_once(
        _waiting(till, lambda db: settling.due_refunds(db, now)),
        lambda refund_id: settling.settle_refund(till, refund_id, now),
    )


def take_in_disputes(till: Till, now: datetime) -> None:
    """Disputes that providers told of, and those still open, are as the providers have them."""

    def told(db: Session) -> list[int]:
        return [event.id for event in provider_events.waiting(db, About.DISPUTE)]

    _each(_waiting(till, told), lambda event_id: settling_disputes.take_in_event(till, event_id, now))
    _each(
        _waiting(till, lambda db: disputes.due(db, now)),
        lambda dispute_id: settling_disputes.look_again(till, dispute_id, now),
    )


def keep_books(till: Till, now: datetime) -> None:
    """Payments that were captured before there was a ledger are in it."""

    def book(payment_id: int) -> None:
        with till.transaction() as db:
            books.keep(db, payments.locked(db, payment_id), now)

    _each(_waiting(till, books.unbooked), book)


def watch_money(till: Till, now: datetime) -> None:
    """What wants a person about money is on the list, and off it once it does not."""
    _if_it_writes(till, lambda db: money_watch.watch(db, now))


def prove(till: Till, now: datetime) -> None:
    """Once a day sessions, orders, payments, ledger and providers are compared."""
    with read_only(), till.open_db() as db:
        is_due = proving.is_due(db, now)
    if is_due:
        proving.run(till, now)


def sum_up(till: Till, now: datetime) -> None:
    """The sums that Reports shows are those of the rows, and were compared with the ledger."""

    def put_down(unit: report_units.Unit) -> None:
        # All of it is read at one moment, or a payment in between would look like a difference.
        with read_only(), till.open_db() as db:
            if db.get_bind().dialect.name == "postgresql":
                db.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            sums = report_units.compute(db, unit, now)
        with till.transaction() as db:
            report_units.store(db, unit, sums, now)

    with read_only(), till.open_db() as db:
        units = report_units.due(db, now)
    _each(units, put_down)


def recheck_accounts(till: Till, now: datetime) -> None:
    """Providers were asked whether they take again the credentials that they refused."""
    _each(
        _waiting(till, payment_accounts.in_trouble),
        lambda account_id: settling.recheck_account(till, account_id, now),
    )


def release_unstarted(till: Till, now: datetime) -> None:
    """Holds on which nothing started in time are on their way back."""

    def release(payment_id: int) -> None:
        with till.transaction() as db:
            payments.release_if_not_started(db, payment_id, now)

    _each(_waiting(till, lambda db: payments.overdue_starts(db, now)), release)


def guard_holds(till: Till, now: datetime) -> None:
    """Chargers are asked to stop before a hold is used up. Their sidecar looks for commands once a second."""

    def guard(payment_id: int) -> None:
        # Most are far from it, and to price them must not take the write lock of SQLite from the chargers.
        with read_only(), till.open_db() as db:
            if not holds.must_stop(db, payment_id, now):
                return
        try:
            with till.transaction() as db:
                holds.guard(db, payment_id, now)
        except ChargerOffline:
            log.info("payment %s: the charger to stop is offline", payment_id)

    _each(_waiting(till, holds.running), guard)


def release_expiring(till: Till, now: datetime) -> None:
    """Holds that nobody decided about are let go before the provider drops them."""

    def release(payment_id: int) -> None:
        with till.transaction() as db:
            holds.release_if_expiring(db, payment_id, now)

    _each(_waiting(till, lambda db: holds.expiring(db, now)), release)


def close_abandoned(till: Till, now: datetime) -> None:
    """Sessions whose stop never came are closed."""

    def close(charging_session_id: int) -> None:
        with till.transaction() as db:
            closing.close_if_abandoned(db, charging_session_id, now)

    _each(_waiting(till, lambda db: closing.abandoned(db, now)), close)


def end_silence(till: Till, now: datetime) -> None:
    """Chargers of a sidecar that is gone are offline, and what waited too long for one is never sent."""

    def in_turn(act: Callable[[Session, datetime], object]) -> None:
        with till.transaction() as db:
            act(db, now)

    _each((connections.release_dead, commands.expire), in_turn)


def take_in_answers(till: Till, now: datetime) -> None:
    """What came of commands is in the tables that they are about."""
    for command_id in _waiting(till, answers.unread):
        try:
            with till.transaction() as db:
                answers.take_in(db, command_id, now)
        except TROUBLE:
            raise  # the database, not the command: the next run tries again
        except Exception:
            log.exception("command %s: its answer cannot be taken in", command_id)
            with till.transaction() as db:
                answers.set_aside(db, command_id)


def follow_up(till: Till, now: datetime) -> None:
    """Reservations, and passwords that chargers never took, are over in time; what waited for a boot is read again."""

    def in_turn(find: Callable[[Session], list[int]], act: Callable[[Session], None]) -> None:
        if _waiting(till, find):
            with till.transaction() as db:
                act(db)

    def read_again(charger_id: int) -> None:
        with till.transaction() as db:
            configuration.after_boot(db, charger_id, now)

    acts = (
        (lambda db: reservations.overdue(db, now), lambda db: reservations.expire(db, now)),
        (lambda db: key_offers.overdue(db, now), lambda db: key_offers.expire(db, now)),
    )
    _each(acts, lambda pair: in_turn(*pair))
    _each(_waiting(till, configuration.rebooted), read_again)


def seal_audit(till: Till, now: datetime) -> None:  # noqa: ARG001 - as every sweep
    """What was written into the audit log has its place in the chain."""
    while _waiting(till, audit_chain.unsealed):
        with till.transaction() as db:
            audit_chain.seal(db)


def keep_lists(till: Till, now: datetime) -> None:
    """Chargers that keep their local list in step are sent what changed."""

    def catch_up(charger_id: int) -> None:
        with till.transaction() as db:
            local_lists.catch_up(db, charger_id, now)

    _each(_waiting(till, lambda db: local_lists.due(db, now)), catch_up)


def forgetting(days: int) -> Callable[[Till, datetime], None]:
    """The sweep that keeps raw messages, and attempts to connect, for so many days."""

    def forget_traffic(till: Till, now: datetime) -> None:
        for forget in (messages.forget, connections.forget_handshakes):
            is_left = True
            while is_left:
                with till.transaction() as db:
                    is_left = forget(db, now - timedelta(days=days)) > 0

    return forget_traffic


def sharing_power(instance_dir: Path) -> Callable[[Till, datetime], None]:
    """The sweep that shares stations' limits and carries charging profiles to chargers.

    A change takes several messages, one after the other has been agreed to; while any is under way, it looks again at
    once instead of a second later.
    """

    def share_power(till: Till, now: datetime) -> None:
        for _ in range(POWER_ROUNDS):
            queued = _power_round(till, now)
            if queued:
                doorbell.ring(instance_dir)
            if not queued and not _waiting(till, power_delivery.under_way):
                return
            time.sleep(POWER_PAUSE_S)
            now = utcnow()

    return share_power


def _power_round(till: Till, now: datetime) -> int:
    queued: list[int] = []

    def share(station_id: int) -> None:
        _if_it_writes(till, lambda db: power_sharing.share(db, station_id, now))

    def deliver(charger_id: int) -> None:
        queued.append(_if_it_writes(till, lambda db: power_delivery.advance(db, charger_id, now)) or 0)

    _each(_waiting(till, power_sharing.stations), share)
    _each(_waiting(till, lambda db: power_delivery.due(db, now)), deliver)
    return sum(queued)


def renew_schedules(till: Till, now: datetime) -> None:
    """Limits by the hours follow summer time, those that are over are cleared, and no new socket was overlooked."""

    def deliver(charger_id: int) -> None:
        _if_it_writes(till, lambda db: power_delivery.advance(db, charger_id, now))

    _each(_waiting(till, power_delivery.with_schedules), deliver)
    _each(_waiting(till, power_delivery.untold), deliver)


def working(place: Workplace) -> Callable[[Till, datetime], None]:
    """The sweep that goes on with jobs, one after the other."""

    def work_on_jobs(till: Till, now: datetime) -> None:
        _each(
            _waiting(till, lambda db: jobs.waiting(db, now)),
            lambda job_id: jobs.work(place, job_kinds.STEPS, job_id, utcnow),
        )

    return work_on_jobs


def mailing(carrier: MailCarrier) -> Callable[[Till, datetime], None]:
    """The sweep that sends mails."""

    def send_mails(till: Till, now: datetime) -> None:
        _each(
            _waiting(till, lambda db: mails.due(db, now)),
            lambda mail_id: mails.send(till.open_db, mail_id, carrier, now),
        )

    return send_mails


def tidying(files: FileStore) -> Callable[[Till, datetime], None]:
    """The sweep that removes files, links and sign-ups that are over."""

    def tidy(till: Till, now: datetime) -> None:
        def in_turn(forget: Callable[[Session], object]) -> None:
            with till.transaction() as db:
                forget(db)

        forgetting = (
            lambda db: secret_links.forget(db, now - timedelta(days=30)),
            lambda db: sign_ups.forget(db, now),
            lambda db: batches.forget(db, now),
            lambda db: provider_events.forget(db, now - timedelta(days=90)),
        )
        _each(forgetting, in_turn)
        files.sweep(till.open_db, now)

    return tidy


def upgrading(public_url: str, instance_dir: Path) -> Callable[[Till, datetime], None]:
    """The sweep that brings firmware upgrades and campaigns forward."""

    def upgrade_firmware(till: Till, now: datetime) -> None:
        def follow(upgrade_id: int) -> None:
            with till.transaction() as db:
                firmware_progress.follow(db, upgrade_id, now)

        def advance(campaign_id: int) -> None:
            with till.transaction() as db:
                firmware_campaigns.advance(db, campaign_id, now)

        def ask(upgrade_id: int) -> None:
            with till.transaction() as db:
                is_asked = firmware_upgrades.ask(db, upgrade_id, public_url, now)
            if is_asked:
                doorbell.ring(instance_dir)

        _each(_waiting(till, lambda db: firmware_progress.to_follow(db, now)), follow)
        _each(_waiting(till, lambda db: firmware_campaigns.to_advance(db, now)), advance)
        _each(_waiting(till, lambda db: firmware_upgrades.due(db, now)), ask)

    return upgrade_firmware


SWEEPS = (
    Sweep(bill, 1),
    Sweep(settle, 1),
    Sweep(release_unstarted, 2),
    Sweep(guard_holds, 5),
    Sweep(take_in_answers, 1),
    Sweep(follow_up, 5),
    Sweep(seal_audit, 5),
    Sweep(end_silence, 5),
    Sweep(close_abandoned, 30),
    Sweep(keep_lists, 30),
    Sweep(release_expiring, 300),
    Sweep(recheck_accounts, 300),
    Sweep(take_in_disputes, 5),
    Sweep(keep_books, 3600),
    Sweep(watch_money, 60),
    Sweep(prove, 600),
    Sweep(renew_schedules, 60),
    Sweep(sum_up, 60),
)


def run(sweep: Sweep, till: Till) -> None:
    """The sweep ran once; what went wrong is in the log and tried again by the next run."""
    try:
        sweep.run(till, utcnow())
    except Exception:
        log.exception("%s", sweep.run.__name__)


def _waiting(till: Till, find: Callable[[Session], Iterable[int]]) -> list[int]:
    # Looking must not take the write lock of SQLite once a second.
    with read_only(), till.open_db() as db:
        return list(find(db))


def _if_it_writes(till: Till, do: Callable[[Session], Result]) -> Result | None:
    """What `do` returned, if there was anything for it to do: its look takes no write lock, as `_waiting`."""
    with read_only(), till.open_db() as db:
        if not would_write(db, do):
            return None
    with till.transaction() as db:
        return do(db)


def _each(those: Iterable[One], do: Callable[[One], None]) -> None:
    """The trouble of one row, or of one act, does not stop the others."""
    for one in those:
        _try(one, do)


def _each_at_once(those: Iterable[One], do: Callable[[One], None]) -> None:
    """As `_each`, in threads: for what mostly waits for somebody else."""
    for _ in _callers.map(lambda one: _try(one, do), those):
        pass


def _try(one: One, do: Callable[[One], None]) -> None:
    try:
        do(one)
    except Exception:
        log.exception("%s %s", getattr(do, "__qualname__", do), getattr(one, "__qualname__", one))


def make_till(settings: Settings) -> Till:
    """What this process works with."""
    open_db = sessionmaker(make_engine(settings.database_url), expire_on_commit=False)
    return Till(open_db, payment_providers(open_db, settings), settings.public_url)


def main() -> None:
    """Sweeps run until SIGTERM; what is running then is finished first."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    settings = Settings.from_env()
    till = make_till(settings)
    files = FileStore(settings.instance_dir / "files")
    sweeps = (
        *SWEEPS,
        Sweep(sharing_power(settings.instance_dir), 1),
        Sweep(working(Workplace(till.open_db, files)), 1),
        Sweep(mailing(mail.carrier(settings)), 2),
        Sweep(forgetting(settings.message_retention_days), 3600),
        Sweep(tidying(files), 3600),
        Sweep(upgrading(settings.public_url, settings.instance_dir), 1),
    )
    scheduler = BlockingScheduler(timezone="UTC")
    for sweep in sweeps:
        scheduler.add_job(
            run,
            "interval",
            (sweep, till),
            seconds=sweep.every_s,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
            next_run_time=utcnow(),
        )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        scheduler.shutdown(wait=True)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    scheduler.start()


if __name__ == "__main__":
    main()
