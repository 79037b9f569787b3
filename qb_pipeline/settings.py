"""Settings from the environment, each with its description.

Invariant: this is the only place that reads environment variables, and `.env.example` is rendered from it, so a
variable can't exist without being described.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from qb_pipeline.addresses import redirect_address
from qb_pipeline.errors import Misconfigured
from qb_pipeline.secrecy import remember

PREFIX = "QB_"


class Settings(BaseSettings):
    """Everything that can be set; names in the environment carry the prefix `QB_`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", env_ignore_empty=True, frozen=True
    )

    home: Path = Field(
        Path(".qb"),
        description="Folder of everything a running instance keeps (database, keys, reports, logs). Several instances "
        "run side by side with different folders.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="A PostgreSQL server to use, postgresql://user:password@host:5432/database. Without it, an "
        "embedded server keeps its data in QB_HOME/postgres.",
    )
    token_key: SecretStr | None = Field(
        None,
        description="Key that seals OAuth tokens and secrets: 32 random bytes in base64. Without it, one is generated "
        "into QB_HOME/token.key. Losing it means connecting every company again. While keys are changed, the new key "
        "and the former one, with a comma between (qb-pipeline rotate-key).",
    )
    environment: Literal["production", "sandbox"] = Field(
        "production", description="Which of Intuit's environments to talk to: production or sandbox."
    )
    client_id: str | None = Field(None, description="Client id of the app on Intuit's developer portal.")
    client_secret: SecretStr | None = Field(None, description="Client secret of the app on Intuit's developer portal.")
    verifier_token: SecretStr | None = Field(
        None,
        description="Verifier token of the app on Intuit's developer portal: what signs QuickBooks' webhooks. A "
        "company with an app of its own has its own (connect --verifier-token).",
    )
    webhook_secret: SecretStr | None = Field(
        None,
        description="What signs the contractor system's webhooks, for companies connected without --webhook-secret.",
    )
    redirect_uri: str = Field(
        "http://127.0.0.1:8050/oauth/callback",
        description="Where Intuit sends the browser back after the consent; must be registered with the app.",
    )
    console_host: str = Field(
        "127.0.0.1",
        description="Address the console listens on: webhooks, consent, health and metrics. It speaks plain HTTP: for "
        "the world outside, put a proxy with TLS in front of it.",
    )
    console_port: int = Field(
        8050, ge=0, le=65535, description="Port of the console; QB_REDIRECT_URI names the same one. 0 takes a free one."
    )
    console_key: SecretStr | None = Field(
        None,
        description="What opens the console's pages, its health and its metrics: given once as ?key=…, or as a Bearer "
        "token; at least 16 characters. Without it, one is generated into QB_HOME/console.key.",
    )
    console_body_limit: int = Field(
        1_048_576, ge=1024, description="Largest body of a webhook in bytes; Intuit sends about 1 MB at most."
    )
    console_body_seconds: float = Field(
        10.0, gt=0, description="Seconds a client has for its headers, and again for the body of a webhook."
    )
    console_refusals: int = Field(
        30,
        ge=1,
        description="Wrong signatures, or wrong keys, answered with 401 per client address and minute; further ones "
        "are answered with 429. A rightly signed webhook is taken however many wrong ones came before.",
    )
    console_proxies: str = Field(
        "127.0.0.1",
        description="Addresses of the proxies, separated by commas, whose X-Forwarded-For header names the client.",
    )
    answer_seconds: float = Field(
        60.0,
        gt=0,
        description="Seconds that QuickBooks has for an answer. A write that gets none is asked for again by the next "
        "run, under the same key.",
    )
    run_launcher: Literal["default", "celery"] = Field(
        "default",
        description="How Dagster starts runs: default (a process for each run, which spends seconds on imports) or "
        "celery (warm workers that wait for work: qb-pipeline worker, started by up; needs QB_CELERY_BROKER and the "
        "extra qb-pipeline[celery]).",
    )
    celery_broker: SecretStr | None = Field(
        None,
        description="Where runs wait for warm workers: redis://:password@host:6379/0 or amqp://user:password@host//.",
    )
    run_workers: int = Field(
        4,
        ge=1,
        description="Processes of a worker, and so the runs that warm workers carry out at once, each of another "
        "company. Dagster lets no more go.",
    )
    rate_scale: float = Field(
        1.0,
        ge=0,
        description="How much faster than Intuit's real limits QuickBooks may be asked: 1 keeps to them; 20 is for a "
        "sandbox whose time runs twenty times as fast; 0 sets no limits of our own: only the server's 429 answers are "
        "honoured, for as long as they say, or else for pauses that grow from a second to a minute.",
    )
    company_file_dir: Path | None = Field(
        None, description="Folder of the companies' mapping files. Default: QB_HOME/companies."
    )
    smtp_host: str | None = Field(
        None,
        description="Mail server that sends notices: alarms, all-clears and digests of new exceptions. Without it no "
        "mail is sent; qb-pipeline notices list shows what would have been.",
    )
    smtp_port: int | None = Field(
        None, ge=1, le=65535, description="Port of the mail server. Default: 587, with tls 465, without TLS 25."
    )
    smtp_tls: Literal["none", "starttls", "tls"] = Field(
        "starttls",
        description="How the mail server is spoken to: starttls (TLS after the greeting, or no mail), tls from the "
        "first byte on, or none.",
    )
    smtp_ca: Path | None = Field(
        None, description="File with the certificates to trust, where the mail server's is not signed by a public one."
    )
    smtp_user: str | None = Field(None, description="Account at the mail server, where it wants one.")
    smtp_password: SecretStr | None = Field(None, description="Password of that account. It is never sent without TLS.")
    mail_from: str | None = Field(None, description="Sender of the notices, such as qb-pipeline@example.com.")
    mail_to: str | None = Field(
        None, description="Who gets the notices: one address, or several with commas between them."
    )
    mail_digest_minutes: float = Field(
        60.0,
        gt=0,
        description="Shortest time between two digests of new exceptions for one company, in minutes. Alarms do not "
        "wait for it.",
    )
    stale_hours: float = Field(
        3.0,
        gt=0,
        description="Hours without a run that succeeded after which a company counts as degraded, and the freshness "
        "check of its summary fails.",
    )
    keep_events_days: float = Field(
        30.0,
        gt=0,
        description="Days for which webhook events are kept after a run has looked at them; those of companies nobody "
        "here is connected to are kept six times as long. An event that no run has taken is never removed.",
    )
    keep_history_days: float = Field(
        400.0,
        gt=0,
        description="Days for which runs that wrote nothing, log lines of what was only read, notices that were sent "
        "and settled, and QuickBooks' raw answers are kept. An undo needs those answers: it takes back runs of that "
        "time. What was written stays in the journal for good.",
    )
    keep_runs_days: float = Field(
        30.0,
        ge=1,
        description="Days for which Dagster keeps a run, its events and its logs after it has ended; older ones go at "
        "night. The last success of each job for each company stays, and so does everything the pipeline itself keeps.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="How much is logged.")

    @field_validator("home", "company_file_dir", mode="after")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path.expanduser().absolute() if path else path

    @field_validator("console_key", mode="after")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < 16:
            raise ValueError("a key of less than 16 characters can be guessed")
        return key

    def model_post_init(self, _context: Any) -> None:
        for value in vars(self).values():
            if isinstance(value, SecretStr):
                _remember(value.get_secret_value())

    @property
    def companies(self) -> Path:
        """The folder of the companies' mapping files."""
        return self.company_file_dir or self.home / "companies"


def settings(**overrides: Any) -> Settings:
    """Settings from the environment, `.env` and `overrides`; `Misconfigured` names each variable that is wrong."""
    try:
        chosen = Settings(**overrides)
    except ValidationError as error:
        wrong = "; ".join(f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise Misconfigured(
            f"Settings can't be read: {wrong}.",
            code="bad_setting",
            fix="Correct the variable in the environment or in .env; .env.example describes each.",
        ) from None
    redirect_address(chosen.redirect_uri, "address in QB_REDIRECT_URI")
    return chosen


def _remember(secret: str) -> None:
    """A secret of the settings, the single keys of a list, and the password within an address."""
    remember(secret, *secret.split(","))
    with suppress(ValueError):  # of an address that can't be read nobody knows which part is the password
        remember(urlsplit(secret).password)


def token_key(current: Settings) -> bytes:
    """The 32 bytes that seal secrets; generated once into QB_HOME/token.key (mode 0600) unless QB_TOKEN_KEY is set."""
    return token_keys(current)[0]


def token_keys(current: Settings) -> tuple[bytes, ...]:
    """The key that seals, then former ones that may still open what was sealed before a change of keys."""
    if current.token_key is not None:
        return tuple(_decoded(k, "QB_TOKEN_KEY") for k in current.token_key.get_secret_value().split(","))
    path = key_file(current)
    if not path.exists():
        _generate(path, base64.b64encode(secrets.token_bytes(32)).decode())
    return tuple(_decoded(line, str(path)) for line in path.read_text().split())


def key_file(current: Settings) -> Path:
    """Where the key is kept unless QB_TOKEN_KEY is set."""
    return current.home / "token.key"


def write_keys(path: Path, keys: Sequence[bytes]) -> None:
    """Replace the keys in a file at once and for good: a reader, also after a crash, finds the old ones or the new."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        _write_secret(draft, "".join(base64.b64encode(key).decode() + "\n" for key in keys))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _settle(path.parent)


def console_key(current: Settings) -> str:
    """What opens the console; generated once into QB_HOME/console.key (mode 0600) unless QB_CONSOLE_KEY is set."""
    if current.console_key is not None:
        return current.console_key.get_secret_value()
    path = current.home / "console.key"
    if not path.exists():
        _generate(path, secrets.token_urlsafe(32))
    key = path.read_text().strip()
    if not key:
        # An empty key would open the console to whoever sends nothing.
        raise Misconfigured(f"{path} is empty.", code="bad_console_key", fix="Remove it: a new key is generated.")
    return key


def _decoded(encoded: str, source: str) -> bytes:
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise Misconfigured(
            f"{source} does not hold 32 bytes in base64.",
            code="bad_token_key",
            fix="Restore the former key, or remove it and connect every company again.",
        )
    return key


def _generate(path: Path, key: str) -> None:
    """Write a new key so that of two processes starting at once both end with the same complete one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    _write_secret(draft, key + "\n")
    try:
        os.link(draft, path)  # unlike a rename it refuses to replace a key another process has just written
    except FileExistsError:
        return
    finally:
        draft.unlink()
    _settle(path.parent)


def _write_secret(path: Path, text: str) -> None:
    """A file of mode 0600, whatever a process that was killed left under its name."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """Make the names in a folder durable: until then a power cut may bring back the file that was replaced."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def env_example() -> str:
    """The text of `.env.example`: each variable's description and default."""
    blocks = [_example(name, field.description or "", field.default) for name, field in Settings.model_fields.items()]
    return "\n\n".join(blocks) + "\n"


def _example(name: str, description: str, default: Any) -> str:
    value = "" if default is None else f"{default:g}" if isinstance(default, float) else str(default)
    return f"# {description}\n#{PREFIX}{name.upper()}={value}"
