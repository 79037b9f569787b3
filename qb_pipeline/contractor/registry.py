"""Opening a connector by the name of its platform.

Invariant: whoever needs a contractor connection asks here and sees only the `Connector` protocol.
"""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

from qb_pipeline.addresses import refuse_userinfo
from qb_pipeline.contractor.protocol import Connector
from qb_pipeline.contractor.rest import RestConnector
from qb_pipeline.contractor.systems import load_system
from qb_pipeline.errors import Misconfigured
from qb_pipeline.secrecy import remember


def open_connector(system: str, base_url: str, api_key: str) -> Connector:
    """A connector to one workspace; sends nothing yet.

    `system` is a shipped platform's name or the path of a system file; raises `Misconfigured` for an unknown platform,
    an address that is none or holds a password, or an empty key.
    """
    refuse_userinfo(
        base_url,
        "contractor system's address",
        "Connect with the address alone (--contractor-url https://host); the key belongs in --contractor-key.",
    )
    address = urlsplit(base_url)
    if address.scheme not in ("http", "https") or not address.netloc:
        raise Misconfigured(
            f"{base_url!r} is not the address of a contractor system.",
            code="bad_address",
            fix="Give it as https://host, without the path of a collection.",
        )
    if not api_key.strip() or any(ord(c) < 32 or ord(c) > 126 for c in api_key):
        raise Misconfigured("The contractor system's key is empty or broken.", code="bad_key", fix="Give its API key.")
    loaded = load_system(system)
    remember(api_key, base64.b64encode(f"{loaded.connection.auth.user}:{api_key}".encode()).decode())
    return RestConnector(loaded, base_url, api_key)
