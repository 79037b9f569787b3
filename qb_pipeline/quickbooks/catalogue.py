"""What each of QBO's error codes means for us: how to recover, in whose hands, with which words.

Invariant: a code decides, never QBO's text, which is translated into the company's language and changes over the years.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from qb_pipeline.errors import FixTheData, OwnerMustAct, PipelineError, PlanAgain, PossibleDuplicate, Reconnect, Who
from qb_pipeline.errors import RetryLater as Later
from qb_pipeline.situations import Situation


@dataclass(frozen=True)
class Entry:
    """One code. `quote` says whether QBO's own detail may be shown: those of 401 hold pieces of the token.

    `{what}` in the fix stands for the value that QBO names.
    """

    recovery: type[PipelineError]
    cause: str
    fix: str
    who: Who = "accountant"
    quote: bool = True

    def fix_of(self, element: str | None) -> str:
        """The fix for the element that QBO's answer names, if any."""
        return self.fix.format(what=element_in_words(element or ""))


_BY_ITSELF = "It is retried by itself; call Intuit's support with the reference if it lasts for hours."
_RECONNECT = "Connect the company to QuickBooks again, as a user who is its administrator."
_REPORT = "Report it with the reference: the request itself has to change, trying again can't help."
_THEN = "It is then tried again by itself."
_CORRECT = f"Correct {{what}} in the contractor's system, as QuickBooks says. {_THEN}"
_ANEW = "It is read again and planned anew by itself. If it stays: {what_to_do}. It is then tried again by itself."
_COMPANY_FILE = "the company's file (.qb/companies/NAME.yaml)"
_UNNAMED = ("", "SystemFailureError")  # elements that name nothing a person could correct
_ELEMENTS = {
    "AcctNum": "account number", "BillEmail": "e-mail address", "DisplayName": "display name", "DocNumber": "number",
    "FamilyName": "last name", "GivenName": "first name", "Line.Amount": "amount of a line",
    "PrimaryEmailAddr": "e-mail address", "PrimaryPhone": "phone number", "TotalAmt": "total", "TxnDate": "date",
}  # fmt: skip


def _later(cause: str, fix: str = _BY_ITSELF) -> Entry:
    return Entry(Later, cause, fix, "nobody", quote=False)


def _reconnect(cause: str) -> Entry:
    return Entry(Reconnect, cause, _RECONNECT, "owner", quote=False)


def _again(cause: str, what_to_do: str, *, quote: bool = True) -> Entry:
    return Entry(PlanAgain, cause, _ANEW.format(what_to_do=what_to_do), quote=quote)


def element_in_words(element: str) -> str:
    """What QBO calls an element, for a person: `Line.ItemRef` is the item."""
    if element in _UNNAMED:
        return "the value that QuickBooks names"
    last = element.removesuffix(".value").rsplit(".", 1)[-1].removesuffix("Ref")
    return "the " + (_ELEMENTS.get(element) or " ".join(re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", last)).lower())


def _data(cause: str, fix: str = _CORRECT, who: Who = "accountant") -> Entry:
    return Entry(FixTheData, cause, fix, who)


def _ours(cause: str) -> Entry:
    return Entry(FixTheData, cause, _REPORT, "data engineer")


def _owner(cause: str, fix: str) -> Entry:
    return Entry(OwnerMustAct, cause, fix, "owner")


_CONNECTION = {
    "100": _reconnect("QuickBooks does not accept the connection's credentials."),
    "110": _reconnect("QuickBooks refuses the OAuth credentials of this app."),
    "120": _reconnect("The person who connected the company is not its administrator any more."),
    "130": _later("QuickBooks sent the request to the wrong one of its clusters."),
    "140": _later("The company is locked in QuickBooks for a moment."),
    "150": _later("QuickBooks is closed for maintenance."),
    "3001": _later("QuickBooks' request limit for this company is used up."),
    "3100": _reconnect("The connection has no right to this company: wrong realm, wrong environment or disconnected."),
    "3200": _reconnect("QuickBooks does not accept the access token, not even a fresh one."),
    "3202": _reconnect("QuickBooks found no access token in the request."),
    "invalid_grant": _reconnect(
        "QuickBooks does not accept the refresh token any more: it was revoked or has expired."
    ),
    "access_denied": _reconnect("The person asked for consent declined it."),
}

_MOVED = {
    "5010": _again("Somebody changed the record in QuickBooks since it was read.",
                   "open the record in QuickBooks and save it there once more", quote=False),
    "610": _again("The record, or one it refers to, was deleted or made inactive in QuickBooks.",
                  "restore it in QuickBooks or make it active again, or choose another in the contractor's system"),
    "620": _again("A transaction can't be linked: it is closed, inactive or another customer's.",
                  "in the contractor's system, apply the payment to open invoices of the same customer only"),
    "2500": _again("The record refers to something that QuickBooks does not know or has made inactive.",
                   "make that active again in QuickBooks, or choose another in the contractor's system"),
    "6540": _again("The payment was put into a deposit in QuickBooks and can't be changed there.",
                   "take the payment out of its bank deposit in QuickBooks, or take back the edit in the contractor's "
                   "system"),
    "600": _later("QuickBooks is still working on an earlier sending of this very request."),
}  # fmt: skip

_OWNER = {
    "5020": _owner("The connected user has no permission for this in QuickBooks.",
                   "Give that user the right in QuickBooks, or connect again as an administrator."),
    "5030": _owner("The company's QuickBooks plan or settings lack this feature.",
                   "Switch the feature on in QuickBooks (Account and settings), or choose a plan that has it."),
    "6190": _owner("The company's QuickBooks subscription has lapsed: it can only be read.",
                   "Renew the subscription in QuickBooks (Subscriptions and billing)."),
    "6200": _owner("The date lies in a period whose books are closed in QuickBooks.",
                   "Reopen the period in QuickBooks (Account and settings, Advanced), or date the record later."),
    "6210": _owner("The date lies in a period whose books are closed with a password in QuickBooks.",
                   "Reopen the period in QuickBooks (Account and settings, Advanced), or date the record later."),
    "10200": _owner("The company's data was reset in QuickBooks.",
                    "Confirm the reset, then disconnect the company and connect it again."),
}  # fmt: skip

_SAME_NAME = "Link the two records if they are the same; otherwise rename one, then retry the exception."
_SAME_NUMBER = (
    "Link the two documents if they are the same; otherwise give one another number, then retry the exception. A void "
    "document keeps its number in QuickBooks: give that one another number there."
)
_DUPLICATE = {
    "630": Entry(PossibleDuplicate, "QuickBooks already holds an equal record.", _SAME_NAME),
    "6140": Entry(PossibleDuplicate, "The document number is already used in QuickBooks.", _SAME_NUMBER),
    "6240": Entry(PossibleDuplicate,
                  "The name is already used in QuickBooks. Customers, vendors and employees can't share a name.",
                  "Rename one of the two, then retry the exception. Link them only if they are the same record."),
}  # fmt: skip

_OURS = {
    "500": _ours("QuickBooks does not offer this operation."),
    "1040": _ours("The batch has more items than QuickBooks takes."),
    "1050": _ours("QuickBooks does not take this content type."),
    "2000": _ours("QuickBooks does not know this kind of object."),
    "2010": _ours("The request has a property that QuickBooks does not know or take."),
    "2130": _ours("QuickBooks does not accept the form of the request id."),
    "4000": _ours("QuickBooks can't parse the query."),
    "4001": _ours("QuickBooks can't answer this query."),
    "5000": _ours("The request uses a field that QuickBooks has given up."),
    "10100": _ours("The query's answer is larger than QuickBooks gives."),
}

_DATA = {
    "800": _data("Other records depend on this one, so QuickBooks does not delete it.",
                 "Remove or unlink what depends on it in QuickBooks, then retry the exception."),
    "2020": _data("A value that QuickBooks requires is missing.",
                  f"Fill in {{what}} in the contractor's system. {_THEN}"),
    "2030": _data("An id has a form that QuickBooks does not accept.", _REPORT, "data engineer"),
    "2040": _data("A text has a character that QuickBooks does not accept (colon, tab or line feed in a name).",
                  f"Remove the character from {{what}} in the contractor's system. {_THEN}"),
    "2050": _data("A text is too long or too short for QuickBooks.",
                  f"Correct the length of {{what}} in the contractor's system. {_THEN}"),
    "2210": _data("An e-mail address is not valid.", "Correct the e-mail address, then retry the exception.", "office"),
    "2300": _data("Debits and credits are not equal.",
                  f"Correct the amounts of the lines in the contractor's system, so that they add up. {_THEN}"),
    "4002": _data("A record in QuickBooks holds a value that QuickBooks itself can't read back.",
                  "Correct the value in QuickBooks (most often an e-mail address), then run the sync again."),
    "6000": _data("QuickBooks refuses the record by a business rule."),
    "6070": _data("An amount is not quantity times unit price.",
                  f"Correct the quantity, unit price or amount of the line in the contractor's system. {_THEN}"),
    "6100": _data("A line's tax code must be TAX or NON in a US company.",
                  f"Mark each line as taxable or not taxable in the contractor's system. {_THEN}"),
    "6220": _data("The customer or account still has a balance, so QuickBooks does not make it inactive.",
                  "Settle the balance first, then retry the exception."),
    "6250": _data("The customer is missing or inactive in QuickBooks.",
                  "Make the customer active in QuickBooks or choose another, then retry the exception."),
    "6270": _data("The date lies before the start date of a stocked item.",
                  "Change the document's date or the item's start date, then retry the exception."),
    "6280": _data("The customer still has unbilled charges, so QuickBooks does not make it inactive.",
                  "Bill or delete the charges first, then retry the exception."),
    "6430": _data("An account is of the wrong type for this use.",
                  f"Choose an account of the right type for the item in the contractor's system, or under defaults in "
                  f"{_COMPANY_FILE}. Then run qb-pipeline errors retry --code qbo_6430."),
    "6440": _data("A line has neither item nor account.",
                  f"Choose an item for the line in the contractor's system; for a discount, a discount_account under "
                  f"defaults in {_COMPANY_FILE}. Then run qb-pipeline errors retry --code qbo_6440."),
    "6450": _data("The payment was settled by QuickBooks Payments and can't be voided.",
                  "Refund it in QuickBooks instead of voiding it."),
    "6480": _data("The transaction is matched with the bank feed, so QuickBooks does not delete it.",
                  "Undo the match in QuickBooks' banking page, then retry the exception."),
}  # fmt: skip

CATALOGUE: dict[str, Entry] = {**_CONNECTION, **_MOVED, **_OWNER, **_DUPLICATE, **_OURS, **_DATA}

APPLICATION_ERROR = "10000"
_FAILED_INSIDE = _later("QuickBooks failed inside while working on the request.")
_NOT_AVAILABLE = _later("QuickBooks is not available at the moment (HTTP {status}).")
_NEVER_WORKS = _ours("QuickBooks can't do what was asked, and says so only as an inner failure.")
_REFUSED = _data("QuickBooks refuses the record.")

# Class names and router messages of the service's own program: unlike its texts, they are never translated.
_LASTING = ("UnsupportedOperationException", "IllegalArgumentException", "Could not find resource")

CLOSED_PERIOD_UNDER_5010 = CATALOGUE["6200"]


def entry_for(code: str, *, message: str, detail: str, status: int) -> Entry:
    """The entry for a code of a Fault; `message`, `detail` and HTTP `status` settle the few ambiguous codes."""
    if code == "5010" and "period" in f"{message} {detail}".casefold():
        return CLOSED_PERIOD_UNDER_5010
    if code in ("100", "120") and status >= 500:
        return _FAILED_INSIDE
    if code == APPLICATION_ERROR:
        return _NEVER_WORKS if any(name in detail for name in _LASTING) else _FAILED_INSIDE
    if code in CATALOGUE:
        return CATALOGUE[code]
    return by_status(status) if status in (401, 403, 408, 429) or status >= 500 else _REFUSED


def by_status(status: int) -> Entry:
    """The entry for an answer that names no known code."""
    if status == 401:
        return CATALOGUE["3200"]
    if status == 403:
        return CATALOGUE["3100"]
    if status == 429:
        return CATALOGUE["3001"]
    if status == 408 or status >= 500:
        return replace(_NOT_AVAILABLE, cause=_NOT_AVAILABLE.cause.format(status=status))
    return _ours(f"QuickBooks answered HTTP {status} without saying why.")


_TOWARDS = "the connection to QuickBooks"
UNREACHABLE = Situation(
    "qbo_unreachable", "QuickBooks can't be reached", "{where} can't be reached.", "It is retried by itself.", "nobody",
    Later, _TOWARDS,
)  # fmt: skip
TIMEOUT = Situation(
    "qbo_timeout", "QuickBooks did not answer in time", "{where} did not answer in time.", UNREACHABLE.fix, "nobody",
    Later, _TOWARDS,
)  # fmt: skip
CONNECTION_LOST = Situation(
    "qbo_connection_lost", "QuickBooks closed the connection", "{where} closed the connection before its answer.",
    UNREACHABLE.fix, "nobody", Later, _TOWARDS,
)  # fmt: skip
NOT_ITS_ANSWER = Situation(
    "unexpected_answer", "The answer is not one of QuickBooks'", "The answer is not one of QuickBooks': {what}.",
    "It is retried by itself; if it lasts, look for a proxy between here and QuickBooks.", "nobody", Later, _TOWARDS,
)  # fmt: skip
NOT_DONE = Situation(
    "not_done", "QuickBooks answered without doing it", "QuickBooks answered without doing what was asked: {what}.",
    "Look at the record in QuickBooks and make the change there by hand.", "accountant", FixTheData, _TOWARDS,
)  # fmt: skip


def _listed(code: str, entry: Entry, area: str) -> Situation:
    title = entry.cause.removesuffix(".")
    return Situation(code, title, entry.cause, entry.fix, entry.who, entry.recovery, area)


def _situations() -> tuple[Situation, ...]:
    """QBO's own codes, as exceptions name them, and what may happen to a request on its way."""
    named = [
        _listed(f"qbo_{code}", entry, _TOWARDS if code in _CONNECTION else "QuickBooks")
        for code, entry in CATALOGUE.items()
    ]
    inside = [
        _listed(f"qbo_{APPLICATION_ERROR}", _FAILED_INSIDE, "QuickBooks"),
        _listed("qbo_http_503", _NOT_AVAILABLE, _TOWARDS),
    ]
    return (*named, *inside, UNREACHABLE, TIMEOUT, CONNECTION_LOST, NOT_ITS_ANSWER, NOT_DONE)


SITUATIONS = _situations()
