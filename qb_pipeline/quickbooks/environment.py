"""Where Intuit's services live, and which addresses may be spoken to without TLS.

Invariant: tokens and the books travel over TLS; plain HTTP is for a server on this very machine only.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from qb_pipeline.addresses import is_loopback, refuse_userinfo
from qb_pipeline.errors import Misconfigured

MINOR_VERSION = "75"  # the lowest that Intuit still serves; newer fields come without a new number
ACCOUNTING_SCOPE = "com.intuit.quickbooks.accounting"


@dataclass(frozen=True)
class Environment:
    """One of Intuit's installations: the OpenID discovery document and the base of the data service."""

    name: str
    discovery_url: str
    api_base: str


PRODUCTION = Environment(
    "production",
    "https://developer.api.intuit.com/.well-known/openid_configuration",
    "https://quickbooks.api.intuit.com",
)
SANDBOX = Environment(
    "sandbox",
    "https://developer.api.intuit.com/.well-known/openid_sandbox_configuration",
    "https://sandbox-quickbooks.api.intuit.com",
)


def environment(name: str) -> Environment:
    """The environment called `production` or `sandbox`; raises `Misconfigured` for any other name."""
    known = {each.name: each for each in (PRODUCTION, SANDBOX)}
    if name not in known:
        raise Misconfigured(
            f"There is no QuickBooks environment called {name!r}.",
            code="qbo_environment",
            fix=f"Use one of: {', '.join(known)}.",
        )
    return known[name]


def secure(url: str, what: str) -> str:
    """`url` itself; raises `Misconfigured` naming `what` unless it is https, or http to this machine.

    One with a password in it is refused too.
    """
    refuse_userinfo(
        url,
        what,
        "Give the address alone: what opens QuickBooks is the app's --client-id and --client-secret, and the consent.",
    )
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))):
        return url
    raise Misconfigured(
        f"The {what} {url!r} is not an https address.",
        code="qbo_insecure_address",
        fix=f"Give the {what} as https://…; plain http is accepted for localhost only.",
    )
