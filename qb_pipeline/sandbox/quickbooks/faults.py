"""QBO's refusals: codes, messages, HTTP statuses and the two envelopes they travel in.

Invariant: every refusal carries a code from this catalogue, so that a client can act on the code and never on the text.

    raise Fault(6240, "The name supplied already exists. : Id=12")
    fault.body(moment) -> {"Fault": {...}, "time"}     fault.item() -> the Fault alone, for a batch item
    gateway_body(status, moment) -> the lower-case envelope of 401, 403 and 429
"""

from datetime import datetime
from typing import Any

from qb_pipeline.sandbox.quickbooks.times import envelope_time

INACTIVE_HINT = (
    "Something you're trying to use has been made inactive. "
    "Check the fields with accounts, customers, items, vendors or employees."
)

MESSAGES = {
    500: "Unsupported Operation",
    610: "Object Not Found",
    620: "Transaction Id cannot be linked",
    700: "Parent is invalid",
    800: "Cannot delete object, it has dependencies",
    900: "Parent cannot be a child of itself",
    1040: "Batch is too large",
    1050: "Invalid content type",
    2000: "Unsupported object name",
    2010: "Request has invalid or unsupported property",
    2020: "Required param missing, need to supply the required value for the API",
    2030: "Invalid ID",
    2040: "Invalid characters in string",
    2050: "Invalid string length",
    2060: "Invalid date format",
    2070: "Invalid date",
    2090: "Invalid number",
    2120: "Invalid type",
    2130: "Invalid requestid format",
    2140: "Invalid amount",
    2150: "Invalid percent",
    2160: "Invalid quantity",
    2170: "Invalid enumeration",
    2180: "Value out of range",
    2190: "Value below the minimum",
    2210: "Invalid email address format",
    2220: "Invalid currency",
    2230: "Invalid boolean",
    2240: "Value out of range",
    2250: "Line is missing",
    2260: "PostingType is missing",
    2270: "TaxApplicableOn is missing",
    2290: "Line amount must not be negative",
    2300: "Debits and credits differ",
    2500: "Invalid Reference Id",
    3000: "Invalid custom field",
    3001: "message=ThrottleExceeded; errorCode=003001; statusCode=429",
    4000: "Error parsing query",
    4001: "Invalid query",
    4002: "Error processing query",
    5010: "Stale Object Error",
    5020: "Permission Denied Error",
    5030: "Feature not supported",
    6000: "A business validation error has occurred while processing your request",
    6010: "Account type missing",
    6030: "Upload size exceeds the limit",
    6040: "Invalid metadata type",
    6041: "Invalid file",
    6050: "Invalid reference type",
    6060: "OpenBalanceDate is missing",
    6070: "Amount is not equal to UnitPrice * Qty",
    6080: "No name provided",
    6090: "Discount info missing",
    6100: "Invalid line TaxCode",
    6130: "BillWithParent cannot be changed",
    6140: "Duplicate Document Number Error",
    6150: "ParentRef is required for a job and only for a job",
    6160: "CustomSalesTax is not allowed",
    6170: "TxnTaxDetail is not allowed where tax does not apply",
    6180: "Too many levels of sub-names",
    6190: "Invalid Company Status",
    6210: "Account Period Closed, Cannot Update Through Services API",
    6220: "Delete List Has Balance Error",
    6230: "CustomSalesTax is not allowed",
    6240: "Duplicate Name Exists Error",
    6250: "Invalid customer",
    6270: "Transaction date is before the item's inventory start date",
    6290: "Employee and vendor both given",
    6300: "Name of employee or vendor is missing",
    6310: "Billable time needs a customer",
    6390: "Duration given twice",
    6420: "Delivery e-mail address missing",
    6430: "Invalid account type",
    6440: "Line needs an item or an account",
    6470: "Invalid tax liability or rate",
    6490: "Budget entry type is missing",
    6500: "Invalid budget account",
    6510: "Budget dates do not match its fiscal year",
    6520: "Tracked item without quantity",
    6540: "Deposited Transaction cannot be changed",
    10000: "An application error has occurred while processing your request",
}


class Fault(Exception):
    """One refusal. `http` is the status of the answer it makes when it is not inside a batch."""

    def __init__(
        self,
        code: int,
        detail: str,
        *,
        element: str | None = "",
        http: int = 400,
        kind: str = "ValidationFault",
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail, self.element, self.http, self.kind = code, detail, element, http, kind

    def item(self) -> dict[str, Any]:
        """`{"Error": [...], "type": ...}`, as it stands in an answer and in a batch item."""
        error = {"Message": MESSAGES[self.code], "Detail": self.detail, "code": str(self.code)}
        if self.element is not None:
            error["element"] = self.element
        return {"Error": [error], "type": self.kind}

    def body(self, moment: datetime) -> dict[str, Any]:
        """The whole answer."""
        return {"Fault": self.item(), "time": envelope_time(moment)}


class GatewayRefusal(Exception):
    """A refusal before the API proper: 401 or 403 in the lower-case envelope."""

    def __init__(self, status: int, detail: str | None) -> None:
        super().__init__(f"{status}: {detail}")
        self.status, self.detail = status, detail


def missing(name: str) -> Fault:
    """2020 for one required property."""
    return Fault(2020, f"Required parameter {name} is missing in the request", element=name)


def not_found() -> Fault:
    """610 for an object that does not exist (any more)."""
    return Fault(610, f"Object Not Found : {INACTIVE_HINT}")


def inactive(entity: str, identifier: str) -> Fault:
    """610 for a reference to a record made inactive."""
    return Fault(610, f"Object Not Found : {INACTIVE_HINT} ({entity} {identifier} is inactive.)")


def business(text: str, *, element: str = "") -> Fault:
    """6000 with the rule that was broken."""
    return Fault(6000, f"Business Validation Error: {text}", element=element)


def unsupported(what: str, *, element: str | None = "Operation") -> Fault:
    """500 Unsupported Operation, for what QBO or this sandbox does not do; wrong addresses name no element."""
    return Fault(500, f"Operation {what} is not supported.", element=element)


def not_modelled(what: str) -> Fault:
    """500 for what QBO does and this sandbox does not imitate."""
    return Fault(500, f"Operation {what} is not supported: the sandbox does not model it.", element="Operation")


def stale(entity: str, identifier: str) -> Fault:
    """5010: somebody wrote the object in between."""
    return Fault(
        5010,
        f"Stale Object Error : You and another user were working on {entity} {identifier} at the same time. "
        "The other user finished before you did, so your work was not saved.",
    )


def system_failure(text: str, *, http: int = 500) -> Fault:
    """10000; with `http=200` where QBO was recorded to fail inside a success."""
    return Fault(10000, f"System Failure Error: {text}", element="SystemFailureError", http=http, kind="SystemFault")


GATEWAY = {
    401: ("message=AuthenticationFailed; errorCode=003200; statusCode=401", "3200", "AUTHENTICATION"),
    403: ("message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403", "3100", "SERVICE"),
    429: ("message=ThrottleExceeded; errorCode=003001; statusCode=429", "3001", "SERVICE"),
}


def gateway_body(status: int, detail: str | None, moment: datetime) -> dict[str, Any]:
    """The lower-case envelope with its epoch-millisecond `time`; `status` is 401, 403 or 429."""
    message, code, kind = GATEWAY[status]
    return {
        "warnings": None,
        "intuitObject": None,
        "fault": {
            "error": [{"message": message, "detail": detail, "code": code, "element": None}],
            "type": kind,
        },
        "report": None,
        "queryResponse": None,
        "batchItemResponse": [],
        "attachableResponse": [],
        "syncErrorResponse": None,
        "requestId": None,
        "time": int(moment.timestamp() * 1000),
        "status": None,
        "cdcresponse": [],
    }
