"""The signing key of the sandbox's OpenID provider, and the id_token it signs.

Invariant: the key belongs to the state and is made when it is first needed; what it signs, the published key verifies.

    jwks(conn) -> {"keys": [...]}        id_token(conn, claims) -> compact JWT, RS256
"""

import base64
import json
import sqlite3
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from qb_pipeline.sandbox.kernel.database import get_meta, set_meta

KEY, KEY_ID = "openid_private_key", "sandbox-key-1"


def private_key(conn: sqlite3.Connection) -> rsa.RSAPrivateKey:
    """The key of this state; made once."""
    stored = get_meta(conn, KEY)
    if stored is not None:
        found = serialization.load_pem_private_key(stored.encode(), password=None)
        if not isinstance(found, rsa.RSAPrivateKey):
            raise RuntimeError(f"the state's {KEY} is no RSA key; begin with a new state file")
        return found
    fresh = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    set_meta(conn, KEY, fresh.private_bytes(*form).decode())
    return fresh


def jwks(conn: sqlite3.Connection) -> dict[str, Any]:
    """The public half, as `jwks_uri` publishes it."""
    numbers = private_key(conn).public_key().public_numbers()
    key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID}
    return {"keys": [{**key, "n": whole(numbers.n), "e": whole(numbers.e)}]}


def id_token(conn: sqlite3.Connection, claims: dict[str, Any]) -> str:
    """The claims, signed."""
    head = {"kid": KEY_ID, "alg": "RS256"}
    signed = ".".join(text(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    signature = private_key(conn).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{text(signature)}"


def whole(number: int) -> str:
    """A whole number as JWK writes it."""
    return text(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def text(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
