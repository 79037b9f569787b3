"""A pytest plugin (`-p`) that points the Python client libraries at a sandbox, and changes nothing else of them.

Invariant: only base addresses move; the addresses come from SANDBOX_URL, the rest of the connection from the variables
the suites read themselves (CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, COMPANY_ID).
"""

import os

import intuitlib.config
from quickbooks import QuickBooks

BASE = os.environ["SANDBOX_URL"]
# Before the libraries refuse plain http.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
QuickBooks.api_url_v3 = QuickBooks.sandbox_api_url_v3 = f"{BASE}/v3"
for environment in intuitlib.config.DISCOVERY_URL:
    intuitlib.config.DISCOVERY_URL[environment] = f"{BASE}/.well-known/openid_configuration"
