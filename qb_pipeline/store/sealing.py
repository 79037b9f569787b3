"""Secrets at rest: AES-256-GCM, bound to the key they were sealed with and to their company.

Invariant: no token, key or client secret is stored in the clear, and a sealed value moved to another company's row,
or changed by a bit, does not open.
"""

from __future__ import annotations

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from qb_pipeline.errors import Misconfigured, Reconnect
from qb_pipeline.secrecy import remember

_KEY_ID_BYTES = 8
_NONCE_BYTES = 12


class Sealer:
    """Seals and unseals text; a sealed value is key id (8 bytes) + nonce (12 bytes) + ciphertext with its tag.

    New values are sealed with the first key; values of the `former` ones still open, until they are sealed anew.
    """

    def __init__(self, key: bytes, *former: bytes) -> None:
        self._ciphers = {_key_id(each): AESGCM(each) for each in (key, *former)}
        self._current = _key_id(key)

    def seal(self, secret: str, company: str) -> bytes:
        remember(secret)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, secret.encode(), _context(self._current, company))
        return self._current + nonce + sealed

    def unseal(self, sealed: bytes, company: str) -> str:
        """The secret; `Misconfigured` if another key sealed it, `Reconnect` if changed or another company's."""
        key_id, nonce, body = _split(bytes(sealed))
        if key_id not in self._ciphers:
            raise Misconfigured(
                f"The secrets of company {company!r} were sealed with another key.",
                code="other_token_key",
                fix="Restore the former QB_TOKEN_KEY (or token.key), or connect the company again.",
            )
        try:
            secret = self._ciphers[key_id].decrypt(nonce, body, _context(key_id, company)).decode()
        except InvalidTag:
            raise Reconnect(
                f"A stored secret of company {company!r} was changed or belongs to another company.",
                code="seal_broken",
                fix="Connect the company again.",
                who="owner",
            ) from None
        remember(secret)
        return secret

    def is_current(self, sealed: bytes) -> bool:
        """Whether the first key sealed it."""
        return _split(bytes(sealed))[0] == self._current


def _key_id(key: bytes) -> bytes:
    if len(key) != 32:
        raise Misconfigured(
            f"The key that seals tokens has {len(key)} bytes.",
            code="bad_token_key",
            fix="Set QB_TOKEN_KEY to the base64 form of 32 random bytes.",
        )
    return hashlib.blake2b(key, digest_size=_KEY_ID_BYTES, person=b"qb-token-key").digest()


def _context(key_id: bytes, company: str) -> bytes:
    return key_id + company.encode()


def _split(sealed: bytes) -> tuple[bytes, bytes, bytes]:
    start = _KEY_ID_BYTES + _NONCE_BYTES
    return sealed[:_KEY_ID_BYTES], sealed[_KEY_ID_BYTES:start], sealed[start:]
