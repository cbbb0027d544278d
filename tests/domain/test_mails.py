"""Mails: claimed by one, tried again later and later, given up, and emptied once they are out."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from domain import mails
from domain.mails import MailTrouble
from domain.models.mails import Mail
from tests.factories import NOW

BODY = "Choose a password: https://desk.example/choose-password/Zm9v"


class Carrier:
    """Takes mails, or has trouble as often as told."""

    def __init__(self, *troubles):
        self.troubles, self.taken = list(troubles), []

    def send(self, mail):
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble:
            raise trouble
        self.taken.append((mail.to_address, mail.body, mail.message_id))


@pytest.fixture
def open_db(engine):
    return lambda: Session(engine, expire_on_commit=False)


@pytest.fixture
def queued(db):
    mail = mails.queue(db, "alice@example.com", "Your login", BODY, now=NOW)
    db.commit()
    return mail.id


def fresh(db, mail_id):
    db.expire_all()
    mail = db.get(Mail, mail_id)
    db.commit()  # the next one who writes must not wait for us
    return mail


def test_a_mail_is_due_at_once_and_its_body_is_gone_when_it_is_out(db, open_db, queued):
    carrier = Carrier()

    assert mails.due(db, NOW) == [queued]
    db.rollback()
    mails.send(open_db, queued, carrier, NOW)

    sent = fresh(db, queued)
    assert [body for _, body, _ in carrier.taken] == [BODY]
    assert (sent.sent_at, sent.next_try_at, sent.body, sent.tries, sent.error) == (NOW, None, None, 1, None)
    assert mails.due(db, NOW + timedelta(days=1)) == []


def test_a_mail_of_a_transaction_that_failed_never_goes_out(db):
    mails.queue(db, "alice@example.com", "Your login", BODY, now=NOW)
    db.rollback()

    assert mails.due(db, NOW) == []


def test_of_two_workers_one_sends_it(db, open_db, queued):
    carrier = Carrier()

    class Slow:
        """While this one is at it, another worker comes along."""

        def send(self, mail):
            mails.send(open_db, queued, carrier, NOW)
            carrier.send(mail)

    mails.send(open_db, queued, Slow(), NOW)

    assert len(carrier.taken) == 1


def test_a_worker_that_died_over_it_leaves_it_to_the_next_under_the_same_name(db, open_db, queued):
    first, second = Carrier(KeyboardInterrupt()), Carrier()
    with pytest.raises(KeyboardInterrupt):
        mails.send(open_db, queued, first, NOW)

    mails.send(open_db, queued, second, NOW + timedelta(seconds=119))
    assert second.taken == []  # perhaps the other one is still at it
    mails.send(open_db, queued, second, NOW + timedelta(minutes=2))

    assert [name for _, _, name in second.taken] == [fresh(db, queued).message_id]


def test_it_is_tried_again_later_and_later_and_given_up_after_two_days(db, open_db, queued):
    now, waits = NOW, []

    for _ in range(12):
        mails.send(open_db, queued, Carrier(MailTrouble("451 Later")), now)
        mail = fresh(db, queued)
        if mail.next_try_at is not None:
            waits.append(int((mail.next_try_at - now).total_seconds()))
            now = mail.next_try_at

    assert waits == [10, 30, 60, 300, 900, 3600, 3600, 7200, 14400, 28800, 43200]
    assert (mail.tries, mail.next_try_at, mail.sent_at, mail.error) == (12, None, None, "451 Later")
    assert mails.due(db, now + timedelta(days=30)) == []


def test_what_will_never_arrive_is_given_up_at_once(db, open_db, queued):
    mails.send(open_db, queued, Carrier(MailTrouble("550 No such mailbox", is_final=True)), NOW)

    mail = fresh(db, queued)
    assert (mail.tries, mail.next_try_at, mail.error) == (1, None, "550 No such mailbox")


def test_trouble_passes(db, open_db, queued):
    carrier = Carrier(MailTrouble("451 Later"))

    mails.send(open_db, queued, carrier, NOW)
    mails.send(open_db, queued, carrier, NOW + timedelta(seconds=10))

    mail = fresh(db, queued)
    assert (len(carrier.taken), mail.tries, mail.error, mail.body) == (1, 2, None, None)


def test_a_subject_is_one_line(db):
    mail = mails.queue(db, "alice@example.com", "Hello\r\nBcc: everybody@example.com", BODY, now=NOW)

    assert mail.subject == "Hello Bcc: everybody@example.com"


def test_strangers_may_have_five_mails_an_hour_sent_to_an_address(db):
    for minute in range(5):
        assert mails.may_ask(db, "alice@example.com", NOW)
        mails.queue(db, "alice@example.com", "Hello", BODY, now=NOW + timedelta(minutes=minute))

    assert not mails.may_ask(db, "alice@example.com", NOW + timedelta(minutes=59))
    assert mails.may_ask(db, "alice@example.com", NOW + timedelta(minutes=61))
    assert mails.may_ask(db, "bob@example.com", NOW)
