"""What the client tests create: one plain body for each entity, as an app of a contractor would send it.

Invariant: every body names records of the sample company only, found by their names, so nothing depends on ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

Body = dict[str, Any]
_numbers: Iterator[int] = count(1)


def fresh(word: str) -> str:
    """A name that is not in use."""
    return f"{word} {next(_numbers)}"


@dataclass
class Sample:
    """Finds records of the sample company; `find(entity, field, value)` gives the Id."""

    find: Callable[[str, str, str], str]
    known: dict[tuple[str, str], str] = field(default_factory=dict)

    def ref(self, entity: str, name: str) -> Body:
        """A reference by name."""
        if (entity, name) not in self.known:
            key = "DisplayName" if entity in ("Customer", "Vendor", "Employee") else "Name"
            self.known[entity, name] = self.find(entity, key, name)
        return {"value": self.known[entity, name]}


def sold(sample: Sample, amount: int = 120) -> list[Body]:
    """One line of a sales form."""
    detail = {"ItemRef": sample.ref("Item", "Carpentry"), "Qty": 2, "UnitPrice": amount // 2}
    return [{"DetailType": "SalesItemLineDetail", "Amount": amount, "SalesItemLineDetail": detail}]


def spent(sample: Sample, amount: int = 80) -> list[Body]:
    """One line of a bill or an expense."""
    detail = {"AccountRef": sample.ref("Account", "Travel"), "BillableStatus": "NotBillable"}
    return [{"DetailType": "AccountBasedExpenseLineDetail", "Amount": amount, "AccountBasedExpenseLineDetail": detail}]


def bought(sample: Sample) -> list[Body]:
    """One line of an order."""
    detail = {"ItemRef": sample.ref("Item", "Deck board"), "Qty": 5, "UnitPrice": 16}
    return [{"DetailType": "ItemBasedExpenseLineDetail", "Amount": 80, "ItemBasedExpenseLineDetail": detail}]


def journal(sample: Sample) -> list[Body]:
    """A balanced pair."""
    sides = (("Debit", "Travel"), ("Credit", "Checking"))
    return [
        {
            "DetailType": "JournalEntryLineDetail",
            "Amount": 60,
            "JournalEntryLineDetail": {"PostingType": side, "AccountRef": sample.ref("Account", account)},
        }
        for side, account in sides
    ]


def open_bill(sample: Sample) -> list[Body]:
    """A dollar of the sign maker's bill."""
    link = {"TxnId": sample.find("Bill", "VendorRef", vendor(sample)["VendorRef"]["value"]), "TxnType": "Bill"}
    return [{"Amount": 1, "LinkedTxn": [link]}]


def customer(sample: Sample) -> Body:
    return {"CustomerRef": sample.ref("Customer", "Grady Orchard")}


def vendor(sample: Sample) -> Body:
    return {"VendorRef": sample.ref("Vendor", "Everly Signs")}


def account(sample: Sample, key: str, name: str) -> Body:
    return {key: sample.ref("Account", name)}


BODIES: dict[str, Callable[[Sample], Body]] = {
    "Account": lambda _: {"Name": fresh("Account"), "AccountType": "Expense", "AccountSubType": "Travel"},
    "Attachable": lambda _: {"Note": fresh("Note")},
    "Bill": lambda s: {**vendor(s), "Line": spent(s)},
    "BillPayment": lambda s: {
        **vendor(s), "PayType": "Check", "TotalAmt": 1, "Line": open_bill(s),
        "CheckPayment": account(s, "BankAccountRef", "Checking"),
    },
    "Class": lambda _: {"Name": fresh("Class")},
    "CreditCardPayment": lambda s: {
        "Amount": 40, **account(s, "BankAccountRef", "Checking"), **account(s, "CreditCardAccountRef", "Visa"),
    },
    "CreditMemo": lambda s: {**customer(s), "Line": sold(s)},
    "Customer": lambda _: {"DisplayName": fresh("Customer"), "PrimaryEmailAddr": {"Address": "a@b.test"}},
    "Department": lambda _: {"Name": fresh("Location")},
    "Deposit": lambda s: {
        **account(s, "DepositToAccountRef", "Checking"),
        "Line": [{"DetailType": "DepositLineDetail", "Amount": 30,
                  "DepositLineDetail": account(s, "AccountRef", "Interest Earned")}],
    },
    "Employee": lambda _: {"GivenName": "Ada", "FamilyName": fresh("Byron")},
    "Estimate": lambda s: {**customer(s), "Line": sold(s)},
    "Invoice": lambda s: {**customer(s), "Line": sold(s)},
    "Item": lambda s: {"Name": fresh("Item"), "Type": "Service", "UnitPrice": 25,
                       **account(s, "IncomeAccountRef", "Services")},
    "JournalEntry": lambda s: {"Line": journal(s)},
    "Payment": lambda s: {**customer(s), "TotalAmt": 50},
    "PaymentMethod": lambda _: {"Name": fresh("Method"), "Type": "NON_CREDIT_CARD"},
    "Purchase": lambda s: {"PaymentType": "Cash", **account(s, "AccountRef", "Checking"), "Line": spent(s)},
    "PurchaseOrder": lambda s: {**vendor(s), **account(s, "APAccountRef", "Accounts Payable (A/P)"),
                                "Line": bought(s)},
    "RefundReceipt": lambda s: {**customer(s), **account(s, "DepositToAccountRef", "Checking"), "Line": sold(s)},
    "SalesReceipt": lambda s: {**customer(s), "Line": sold(s)},
    "Term": lambda _: {"Name": fresh("Term"), "DueDays": 20},
    "TimeActivity": lambda s: {
        "NameOf": "Employee", "EmployeeRef": s.ref("Employee", "Sam Okafor"), "Hours": 2, "Minutes": 30,
        "TxnDate": "2026-03-04",
    },
    "Transfer": lambda s: {"Amount": 25, **account(s, "FromAccountRef", "Checking"),
                           **account(s, "ToAccountRef", "Savings")},
    "Vendor": lambda _: {"DisplayName": fresh("Vendor")},
    "VendorCredit": lambda s: {**vendor(s), "Line": spent(s)},
}  # fmt: skip
# What an update changes, and its new value.
CHANGES: dict[str, tuple[str, Any]] = {
    "Account": ("Description", "For trips"),
    "Attachable": ("Note", "Rewritten"),
    "Customer": ("CompanyName", "Renamed Ltd"),
    "Employee": ("GivenName", "Augusta"),
    "Item": ("UnitPrice", 31),
    "Term": ("DueDays", 45),
    "TimeActivity": ("Description", "Measured twice"),
    "Vendor": ("CompanyName", "Renamed Ltd"),
}
# What a sparse update has to name all the same.
NEEDED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Bill", "BillPayment", "PurchaseOrder", "VendorCredit"), ("VendorRef",)),
    "Purchase": ("PaymentType",),
}
# Lists: removed by being made inactive. The rest is deleted for good.
LISTS = ("Account", "Class", "Customer", "Department", "Employee", "Item", "PaymentMethod", "Term", "Vendor")


def change_of(entity: str) -> tuple[str, Any]:
    """A property and a new value for it."""
    if entity in ("Class", "Department", "PaymentMethod"):
        return "Name", fresh(f"Renamed {entity}"[:24])
    return CHANGES.get(entity, ("PrivateNote", "Changed by a client"))
