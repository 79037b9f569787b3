"""Whose signature a webhook carries.

Invariant: signatures are computed over the raw bytes and compared in constant time, all of them, so that the time an
answer takes does not tell which secret nearly fitted; an empty secret fits nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping

from qb_pipeline.contractor.system import WebhookShape
from qb_pipeline.contractor.webhook import signature

INTUIT_HEADER = "intuit-signature"


def intuit_signed(raw_body: bytes, given: str, verifier_tokens: Iterable[str]) -> bool:
    """Whether one of the tokens made `given`, base64 of the HMAC-SHA256."""
    fitting = [_fits(given, _intuit(raw_body, token)) for token in verifier_tokens if token]
    return any(fitting)


def signers(shape: WebhookShape, headers: Mapping[str, str], raw_body: bytes, secrets: Mapping[str, str]) -> list[str]:
    """The companies (keys of `secrets`) whose secret made the signature; `headers` with lower-case names."""
    given = headers.get(shape.signature_header.lower(), "")
    fitting = {
        company: _fits(given, signature(shape, headers, raw_body, secret))
        for company, secret in secrets.items()
        if secret
    }
    return [company for company, fits in fitting.items() if fits]


def _intuit(raw_body: bytes, token: str) -> str:
    return base64.b64encode(hmac.new(token.encode(), raw_body, hashlib.sha256).digest()).decode()


def _fits(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
