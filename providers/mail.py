"""Mail out of the house: to an SMTP server, or into a folder where none is set."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from domain.mails import MailCarrier, MailTrouble
from domain.models.mails import Mail
from domain.settings import Settings

TIMEOUT_S = 20


def carrier(settings: Settings) -> MailCarrier:
    """The way mails of that installation go out."""
    if settings.smtp_url:
        return SmtpCarrier(settings.smtp_url, settings.mail_from)
    return FolderCarrier(settings.instance_dir / "mail", settings.mail_from)


@dataclass(frozen=True)
class SmtpCarrier:
    """`smtp://user:password@host:587` (STARTTLS where the server offers it) or `smtps://…:465`."""

    url: str
    sender: str

    def send(self, mail: Mail) -> None:
        parts = urlsplit(self.url)
        context = ssl.create_default_context()
        try:
            with self._connection(parts.scheme, parts.hostname or "localhost", parts.port, context) as server:
                if parts.scheme == "smtp" and server.has_extn("starttls"):
                    server.starttls(context=context)
                    server.ehlo()
                if parts.username:
                    _refuse_eavesdroppers(server)
                    server.login(unquote(parts.username), unquote(parts.password or ""))
                server.send_message(message(mail, self.sender))
        except MailTrouble:
            raise
        except smtplib.SMTPRecipientsRefused as refusal:
            code, text = next(iter(refusal.recipients.values()))
            raise MailTrouble(_told(code, text), is_final=code >= 500) from refusal
        except smtplib.SMTPResponseException as refusal:
            # 5xx about the server's opinion of us may pass once somebody mends the settings.
            raise MailTrouble(_told(refusal.smtp_code, refusal.smtp_error)) from refusal
        except (OSError, smtplib.SMTPException) as trouble:
            raise MailTrouble(str(trouble) or type(trouble).__name__) from trouble

    def _connection(self, scheme: str, host: str, port: int | None, context: ssl.SSLContext) -> smtplib.SMTP:
        if scheme == "smtps":
            return smtplib.SMTP_SSL(host, port or 465, timeout=TIMEOUT_S, context=context)
        server = smtplib.SMTP(host, port or 25, timeout=TIMEOUT_S)
        server.ehlo()
        return server


@dataclass(frozen=True)
class FolderCarrier:
    """Writes each mail to a file, for installations without a mail server and for the demo."""

    folder: Path
    sender: str

    def send(self, mail: Mail) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self.folder / f"{mail.id:08d}.eml"
            path.touch(mode=0o600)
            path.write_bytes(bytes(message(mail, self.sender)))
        except OSError as trouble:
            raise MailTrouble(str(trouble)) from trouble


def _refuse_eavesdroppers(server: smtplib.SMTP) -> None:
    """A password goes over TLS only, or stays on this machine."""
    sock = server.sock
    if sock is None or isinstance(sock, ssl.SSLSocket) or ip_address(sock.getpeername()[0]).is_loopback:
        return
    raise MailTrouble(
        "The mail server offers no TLS, so the password is not sent to it. Use smtps:// or another server."
    )


def message(mail: Mail, sender: str) -> EmailMessage:
    """The mail as it travels."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, _in_ascii(mail.to_address), mail.subject
    made["Message-ID"], made["Date"] = mail.message_id, format_datetime(mail.queued_at)
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(mail.body or "")
    return made


def _in_ascii(address: str) -> str:
    """The address with its domain as the mail system knows it: "zoe@xn--kauppa-4ua.example"."""
    local, _, domain = address.rpartition("@")
    try:
        local.encode("ascii")
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError as error:
        raise MailTrouble(f"No mail server takes the address {address}.", is_final=True) from error


def _told(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
