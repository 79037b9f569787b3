"""What the store itself may have to refuse, in words.

Invariant: as in `qb_pipeline.situations`: a code, its words and its recovery stand in one place.
"""

from __future__ import annotations

from qb_pipeline.errors import Reconnect, RetryLater
from qb_pipeline.situations import Situation

_TOWARDS = "the connection to QuickBooks"

NOT_CONNECTED = Situation(
    "not_connected", "The company is not connected", "Company {company!r} is not connected to QuickBooks.",
    "Run qb-pipeline connect --company {company_quoted} and give the consent.", "owner", Reconnect, _TOWARDS,
)  # fmt: skip
TOKEN_BUSY = Situation(
    "token_busy", "Another process is refreshing the tokens",
    "Another process is refreshing the tokens of company {company!r}.", "It is retried by itself.", "nobody",
    RetryLater, _TOWARDS,
)  # fmt: skip
VALUE_TOO_LARGE = Situation(
    "value_too_large", "An amount is too large to be kept",
    "{record}: its {label} in {system} is {value}, which is too large.",
    "Correct the {label} of {record} in {system}.", "office", area="reading",
)  # fmt: skip

SITUATIONS = (NOT_CONNECTED, TOKEN_BUSY, VALUE_TOO_LARGE)
