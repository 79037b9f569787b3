"""What of an address may be taken, kept and shown.

Invariant: an address with a user name or a password in it is not used and not repeated; of an address that another
system names, only scheme, host and path are told, for the rest of it may open something.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from qb_pipeline.errors import Misconfigured


def refuse_userinfo(address: str, what: str, fix: str) -> None:
    """Raises `Misconfigured` for a user name or password in an address; `fix` says where these belong.

    Any @ counts: a password with a slash in it looks like a part of the path.
    """
    if "@" in address:
        raise Misconfigured(f"The {what} holds a user name or a password.", code="secret_in_address", fix=fix)


def is_loopback(url: str) -> bool:
    """Whether the host of `url` is this machine, by name or by address."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def redirect_address(given: str, what: str) -> str:
    """`given` itself, where the browser is to come back to after the consent; raises `Misconfigured` naming `what`
    unless it is one that Intuit takes: absolute, https (plain http to this machine only), without a fragment."""
    refuse_userinfo(given, what, "Give it as it is registered with the app, without these.")
    reason = _no_redirect(given)
    if reason is None:
        return given
    raise Misconfigured(
        f"The {what} {reason}: {shown(given)!r}.",
        code="bad_redirect_uri",
        fix="Give it as it is registered with the app on Intuit's developer portal, such as "
        "https://books.example.com/oauth/callback or http://localhost:8050/oauth/callback.",
    )


def _no_redirect(address: str) -> str | None:
    """Why nobody can be sent back there; None when one can."""
    # Asked before it is taken apart, as urlsplit leaves line breaks and tabs out without a word.
    if not address.isprintable() or " " in address:
        return "holds a space or a control character"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port  # the port is read where it is asked for
    except ValueError:
        return "can't be read"
    if parts.scheme not in ("http", "https") or not host:
        return "is not a whole address with http or https and a host"
    if "#" in address:
        return "holds a fragment (#), which no server is ever sent"
    if parts.scheme == "http" and not is_loopback(address):
        return "is not an https address, and plain http is for localhost only"
    return None


def shown(address: str) -> str:
    """Scheme, host and path of an address, whole or relative; words for one that is none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "an address that can't be read"
    told = f"{parts.netloc}{parts.path}".rpartition("@")[2]
    before = (f"{parts.scheme}://" if parts.scheme else "//") if parts.netloc else ""
    return f"{before}{told}" or "another address"
