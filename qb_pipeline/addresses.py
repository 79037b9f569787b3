"""What of an address may be taken, kept and shown.

Invariant: an address with a user name or a password in it is not used and not repeated; of an address that another
system names, only scheme, host and path are told, for the rest of it may open something.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from qb_pipeline.errors import Misconfigured


def refuse_userinfo(address: str, what: str, fix: str) -> None:
    """Raises `Misconfigured` for a user name or password in an address; `fix` says where these belong.

    Any @ counts: a password with a slash in it looks like a part of the path.
    """
    if "@" in address:
        raise Misconfigured(f"The {what} holds a user name or a password.", code="secret_in_address", fix=fix)


def shown(address: str) -> str:
    """Scheme, host and path of an address, whole or relative; words for one that is none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "an address that can't be read"
    told = f"{parts.netloc}{parts.path}".rpartition("@")[2]
    before = (f"{parts.scheme}://" if parts.scheme else "//") if parts.netloc else ""
    return f"{before}{told}" or "another address"
