"""Mail over SMTP, as one connection for all mails of a sending.

Invariant: a mail counts as sent only after the server has accepted it, a password never travels in the clear, and no
error tells a secret.

    server_of(settings) -> MailServer | None
    with connection(server) as post: post(mail)
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses
from html import escape
from pathlib import Path
from typing import Literal

import structlog

from qb_pipeline.errors import Misconfigured, RetryLater
from qb_pipeline.notify.wording import Mail
from qb_pipeline.secrecy import quoted
from qb_pipeline.settings import Settings

Post = Callable[[Mail], None]
_log = structlog.get_logger(__name__)
_PORTS = {"none": 25, "starttls": 587, "tls": 465}
_TIMEOUT = 20.0  # seconds for each step of the conversation


@dataclass(frozen=True)
class MailServer:
    """Where mails go out, from whom and to whom."""

    host: str
    port: int
    tls: Literal["none", "starttls", "tls"]
    sender: str
    recipients: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None


def server_of(settings: Settings) -> MailServer | None:
    """What the settings say; None where they name no server, `Misconfigured` where they say too little."""
    if settings.smtp_host is None:
        return None
    sender, recipients = _addresses(settings.mail_from, "QB_MAIL_FROM"), _addresses(settings.mail_to, "QB_MAIL_TO")
    if len(sender) != 1:
        raise _wrong("QB_MAIL_FROM names several addresses.", "Name one.")
    if settings.smtp_user is not None and settings.smtp_tls == "none":
        raise _wrong("The mail server's password would travel in the clear.", "Set QB_SMTP_TLS to starttls or tls.")
    if (settings.smtp_user is None) != (settings.smtp_password is None):
        raise _wrong("QB_SMTP_USER and QB_SMTP_PASSWORD go together.", "Set both, or neither.")
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port or _PORTS[settings.smtp_tls],
        tls=settings.smtp_tls,
        sender=sender[0],
        recipients=recipients,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        ca=settings.smtp_ca,
    )


@contextmanager
def connection(server: MailServer) -> Iterator[Post]:
    """Yields what sends one mail; raises `RetryLater` where the server can't be reached or refuses."""
    with _understood(server):
        smtp = _open(server)
    try:
        yield lambda mail: _send(smtp, server, mail)
    finally:
        _leave(smtp)


def message(server: MailServer, mail: Mail) -> EmailMessage:
    """The mail in plain text and as simple HTML; sent again it is the same to the letter, its id too."""
    made = EmailMessage()
    made["Subject"] = " ".join(f"[qb-pipeline] {mail.subject}".split())
    made["From"] = server.sender
    made["To"] = ", ".join(server.recipients)
    made["Date"] = format_datetime(mail.at)
    made["Message-ID"] = f"<{mail.key}@{server.sender.rpartition('@')[2].rstrip('>')}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(mail.text)
    made.add_alternative(_html(mail.text), subtype="html")
    return made


def _send(smtp: smtplib.SMTP, server: MailServer, mail: Mail) -> None:
    with _understood(server):
        refused = smtp.send_message(message(server, mail))
    if refused:  # others got it: it is sent
        _log.warning("notices.recipients_refused", recipients=sorted(refused))


def _open(server: MailServer) -> smtplib.SMTP:
    trusted = ssl.create_default_context(cafile=str(server.ca) if server.ca else None)
    if server.tls == "tls":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT, context=trusted)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT)
    try:
        if server.tls == "starttls":
            smtp.starttls(context=trusted)
        if server.user is not None:
            smtp.login(server.user, server.password or "")
    except BaseException:
        smtp.close()
        raise
    return smtp


def _leave(smtp: smtplib.SMTP) -> None:
    try:
        smtp.quit()
    except (smtplib.SMTPException, OSError):
        smtp.close()  # what it accepted it has accepted; a missing goodbye changes nothing


@contextmanager
def _understood(server: MailServer) -> Iterator[None]:
    """Turns what can go wrong with a mail server into one error with its cause and fix."""
    where = f"The mail server {server.host}:{server.port}"
    try:
        yield
    except smtplib.SMTPNotSupportedError:
        raise _refusal(f"{where} offers no STARTTLS, or no login.", "Correct QB_SMTP_TLS or QB_SMTP_USER.") from None
    except smtplib.SMTPAuthenticationError as error:
        # What the server says to a login may repeat it.
        fix = "Correct QB_SMTP_USER and QB_SMTP_PASSWORD."
        raise _refusal(f"{where} refuses the login ({error.smtp_code}).", fix) from None
    except smtplib.SMTPRecipientsRefused as error:
        reasons = "; ".join(f"{who}: {_said(code, text)}" for who, (code, text) in error.recipients.items())
        raise _refusal(f"{where} takes mail for nobody of QB_MAIL_TO ({reasons}).", "Correct QB_MAIL_TO.") from None
    except smtplib.SMTPServerDisconnected:
        raise _refusal(f"{where} hung up.", "It is tried again by itself.", "mail_unreachable") from None
    except smtplib.SMTPResponseException as error:
        said = _said(error.smtp_code, error.smtp_error)
        raise _refusal(f"{where} refuses the mail ({said}).", "It is tried again by itself.") from None
    except ssl.SSLError as error:
        fix = "Correct QB_SMTP_TLS, or name the certificates to trust in QB_SMTP_CA."
        raise _refusal(f"{where} can't be trusted or speaks no TLS ({error.reason}).", fix) from None
    except OSError as error:
        fix = "See that it runs and that QB_SMTP_HOST and QB_SMTP_PORT name it; it is tried again by itself."
        cause = f"{where} can't be reached ({error.strerror or error})."
        raise _refusal(cause, fix, "mail_unreachable") from None


def _said(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {quoted(words, 200)}"


def _addresses(given: str | None, name: str) -> tuple[str, ...]:
    found = tuple(address for _, address in getaddresses([given or ""]) if address)
    bad = [a for a in found if "@" not in a.strip("@")]
    if not found or bad:
        raise _wrong(f"{name} names no address{f' with {bad[0]!r}' if bad else ''}.", "Write it as name@example.com.")
    return found


def _html(text: str) -> str:
    """Paragraphs, and lists where lines begin with a dash."""
    blocks = []
    for block in text.strip().split("\n\n"):
        lines = block.split("\n")
        plain = "<br>\n".join(escape(line) for line in lines if not line.startswith("- "))
        items = "".join(f"<li>{escape(line[2:])}</li>\n" for line in lines if line.startswith("- "))
        blocks.append((f"<p>{plain}</p>\n" if plain else "") + (f"<ul>\n{items}</ul>\n" if items else ""))
    return f"<!doctype html>\n<html><body>\n{''.join(blocks)}</body></html>\n"


def _refusal(cause: str, fix: str, code: str = "mail_refused") -> RetryLater:
    return RetryLater(cause, code=code, fix=fix)


def _wrong(cause: str, fix: str) -> Misconfigured:
    return Misconfigured(cause, code="bad_mail_setting", fix=fix)
