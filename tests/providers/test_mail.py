"""Mail over a real SMTP server, and into the folder where none is set."""

import email.policy
import socket
import ssl
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from domain import certificates
from domain.clock import utcnow
from domain.mails import MailTrouble
from domain.models.mails import Mail
from domain.settings import Settings
from providers import mail
from tests.factories import NOW
from tests.processes import free_port

SENDER = "Voltdesk <desk@voltdesk.example>"
LINK = "https://desk.example/choose-password/Zm9v"


class Postbox:
    """What a server took, and with which words it answers."""

    def __init__(self, rcpt="250 OK", data="250 OK"):
        self.taken, self.rcpt, self.data = [], rcpt, data

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's names
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.data.startswith("250"):
            self.taken.append((envelope, session.ssl is not None, getattr(session, "authenticated", False)))
        return self.data


@contextmanager
def serving(box, host="127.0.0.1", **options):
    controller = Controller(box, hostname=host, port=free_port(), **options)
    controller.start()
    try:
        yield f"{host}:{controller.port}"
    finally:
        controller.stop()


def letter(**values):
    defaults = {
        "id": 7,
        "message_id": "<one@voltdesk>",
        "to_address": "alice@example.com",
        "subject": "Prüfung: 3 chargers",
        "body": f"Grüße\n\n{LINK}\n",
        "queued_at": NOW,
    }
    return Mail(**(defaults | values))


def read(content):
    return message_from_bytes(content, policy=email.policy.default)


def only_alice(_server, _session, _envelope, _mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"alice@house", b"p:w/d"), handled=False)


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """TLS of a server on 127.0.0.1, and a client that trusts it."""
    certificates.write_self_signed(tmp_path, ["127.0.0.1", "localhost"], days=2, now=utcnow())
    files = certificates.files(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context, files.certificate


def test_a_mail_is_delivered_with_its_words_and_its_name():
    box = Postbox()

    with serving(box) as server:
        mail.SmtpCarrier(f"smtp://{server}", SENDER).send(letter())

    ((envelope, is_tls, _),) = box.taken
    arrived = read(envelope.content)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("desk@voltdesk.example", ["alice@example.com"])
    assert (arrived["Subject"], arrived["Message-ID"]) == ("Prüfung: 3 chargers", "<one@voltdesk>")
    assert (arrived["From"], arrived["Auto-Submitted"]) == (SENDER, "auto-generated")
    assert LINK in arrived.get_content()
    assert "Grüße" in arrived.get_content()
    assert not is_tls  # not offered: it goes out all the same


@pytest.mark.parametrize(
    ("rcpt", "is_final"), [("550 5.1.1 No such mailbox", True), ("450 4.2.0 Greylisted, try again", False)]
)
def test_a_refused_recipient_is_final_and_a_delayed_one_is_not(rcpt, is_final):
    with serving(Postbox(rcpt=rcpt)) as server, pytest.raises(MailTrouble) as trouble:
        mail.SmtpCarrier(f"smtp://{server}", SENDER).send(letter())

    assert trouble.value.is_final is is_final
    assert rcpt in str(trouble.value)


@pytest.mark.parametrize("data", ["451 4.3.0 Later, please", "554 5.7.1 Your server is on a list"])
def test_what_the_server_thinks_of_us_may_change(data):
    with serving(Postbox(data=data)) as server, pytest.raises(MailTrouble) as trouble:
        mail.SmtpCarrier(f"smtp://{server}", SENDER).send(letter())

    assert (trouble.value.is_final, str(trouble.value)) == (False, data)


def test_a_server_that_is_down_is_tried_again():
    with pytest.raises(MailTrouble) as trouble:
        mail.SmtpCarrier(f"smtp://127.0.0.1:{free_port()}", SENDER).send(letter())

    assert not trouble.value.is_final
    assert "refused" in str(trouble.value)


def test_tls_is_used_where_it_is_offered(certificate, monkeypatch):
    context, file = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    box = Postbox()

    with serving(box, tls_context=context, require_starttls=True) as server:
        mail.SmtpCarrier(f"smtp://{server}", SENDER).send(letter())

    assert [is_tls for _, is_tls, _ in box.taken] == [True]


def test_a_certificate_that_nobody_vouches_for_gets_no_mail(certificate):
    context, _ = certificate
    box = Postbox()

    with serving(box, tls_context=context) as server, pytest.raises(MailTrouble) as trouble:
        mail.SmtpCarrier(f"smtp://{server}", SENDER).send(letter())

    assert "CERTIFICATE_VERIFY_FAILED" in str(trouble.value)
    assert (trouble.value.is_final, box.taken) == (False, [])


def test_the_password_in_the_address_is_decoded():
    box = Postbox()

    with serving(box, authenticator=only_alice, auth_require_tls=False) as server:
        mail.SmtpCarrier(f"smtp://alice%40house:p%3Aw%2Fd@{server}", SENDER).send(letter())

    assert [is_known for _, _, is_known in box.taken] == [True]


def test_a_wrong_password_is_told_and_tried_again_later():
    box = Postbox()

    with (
        serving(box, authenticator=only_alice, auth_require_tls=False) as server,
        pytest.raises(MailTrouble) as trouble,
    ):
        mail.SmtpCarrier(f"smtp://alice%40house:wrong@{server}", SENDER).send(letter())

    assert str(trouble.value).startswith("535")
    assert (trouble.value.is_final, box.taken) == (False, [])


def test_a_password_never_leaves_the_machine_in_the_clear():
    box = Postbox()
    host = address_of_this_machine()

    with (
        serving(box, host, authenticator=only_alice, auth_require_tls=False) as server,
        pytest.raises(MailTrouble) as trouble,
    ):
        mail.SmtpCarrier(f"smtp://alice%40house:p%3Aw%2Fd@{server}", SENDER).send(letter())

    assert "offers no TLS" in str(trouble.value)
    assert box.taken == []


def address_of_this_machine():
    """An address of this machine that is no loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: only chooses the way out
        except OSError:
            pytest.skip("this machine has no network")
        return probe.getsockname()[0]


def test_without_a_server_each_mail_is_a_file_that_only_we_read(tmp_path):
    settings = Settings(database_url="sqlite://", instance_dir=tmp_path, secret_key="test", mail_from=SENDER)

    mail.carrier(settings).send(letter())
    mail.carrier(settings).send(letter())  # once more after a crash: the same file

    (file,) = (tmp_path / "mail").iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == ("00000007.eml", 0o600)
    assert LINK in read(file.read_bytes()).get_content()


def test_a_folder_that_cannot_be_written_is_trouble(tmp_path):
    (tmp_path / "mail").write_text("in the way")

    with pytest.raises(MailTrouble):
        mail.FolderCarrier(tmp_path / "mail", SENDER).send(letter())


def test_a_server_is_used_once_it_is_set():
    settings = Settings(
        database_url="sqlite://",
        instance_dir=Path("unused"),
        secret_key="test",
        smtp_url="smtp://mail.example:587",
        mail_from=SENDER,
    )

    assert mail.carrier(settings) == mail.SmtpCarrier("smtp://mail.example:587", SENDER)


def test_a_domain_travels_as_the_mail_system_knows_it():
    sent = Mail(message_id="<1@voltdesk>", to_address="zoe@kauppä.example", subject="s", body="b", queued_at=NOW)

    assert mail.message(sent, SENDER)["To"] == "zoe@xn--kaupp-kra.example"


def test_what_no_server_takes_is_given_up_at_once():
    sent = Mail(message_id="<1@voltdesk>", to_address="zoë@kauppa.example", subject="s", body="b", queued_at=NOW)

    with pytest.raises(MailTrouble) as trouble:
        mail.message(sent, SENDER)

    assert trouble.value.is_final
