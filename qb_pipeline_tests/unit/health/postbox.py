"""A mail server on a socket that keeps what it takes, refuses what it is told to, and speaks STARTTLS."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from qb_pipeline.settings import Settings, settings

SENDER, READERS = "books@example.com", "office@example.com, Accountant <accountant@example.com>"
USER, PASSWORD = "books", "correct horse battery staple"


@dataclass
class Postbox:
    """What came in. `refusals` are answered, one a mail, before mails are taken again."""

    port: int
    home: Path
    ca: Path | None = None
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    connections: int = 0
    encrypted: list[bool] = field(default_factory=list)

    def settings(self, **more: Any) -> Settings:
        """Settings that send everything here."""
        own: dict[str, Any] = {
            "home": self.home, "smtp_host": "127.0.0.1", "smtp_port": self.port, "smtp_tls": "none",
            "mail_from": SENDER, "mail_to": READERS,
        }  # fmt: skip
        return settings(_env_file=None, **(own | more))

    def environment(self) -> dict[str, str]:
        """The same as variables."""
        return {
            "QB_SMTP_HOST": "127.0.0.1", "QB_SMTP_PORT": str(self.port), "QB_SMTP_TLS": "none",
            "QB_MAIL_FROM": SENDER, "QB_MAIL_TO": READERS,
        }  # fmt: skip

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]).strip().removeprefix("[qb-pipeline] ") for mail in self.mails]

    def text(self, number: int = -1) -> str:
        """The plain text of a mail."""
        return _part(self.mails[number], "plain")

    def html(self, number: int = -1) -> str:
        return _part(self.mails[number], "html")

    async def handle_EHLO(  # noqa: N802 # aiosmtpd calls it by this name
        self, _server: Any, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_DATA(self, _server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802 # as above
        if self.refusals:
            return self.refusals.pop(0)
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.mails.append(message_from_bytes(content, policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        self.encrypted.append(session.ssl is not None)
        return "250 taken"


def _part(mail: EmailMessage, subtype: str) -> str:
    found = mail.get_body((subtype,))
    assert found is not None
    return str(found.get_content())


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def postbox(home: Path, *, tls: bool = False) -> Iterator[Postbox]:
    """A running server; with `tls` it wants STARTTLS and a login."""
    box = Postbox(free_port(), home)
    options: dict[str, Any] = {}
    if tls:
        box.ca, key = _certificate(home)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(box.ca, key)
        options = {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": _known}
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **options)
    controller.start()
    box.connections = 0
    try:
        yield box
    finally:
        controller.stop()


def _known(_server: Any, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that only who is told trusts, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    certificate, private = folder / "mail.pem", folder / "mail.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private
