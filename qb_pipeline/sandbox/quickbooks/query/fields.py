"""Which properties of an entity can be filtered and sorted by, and where they are stored.

Invariant: only what QBO documents as filterable is; anything else is refused with 4001.
"""

from dataclasses import dataclass

from qb_pipeline.sandbox.quickbooks.rows import NAMED, PEOPLE


@dataclass(frozen=True)
class Column:
    """SQL over the table `objects`; kind: id, text, amount, day, instant or flag.

    `among` names a JSON array of the body; `sql` then speaks of one `part.value` of it, and one part is enough.
    """

    sql: str
    kind: str = "text"
    among: str | None = None

    @property
    def indexed(self) -> bool:
        """Whether the store has an index on it (see store.py)."""
        return self.sql in ("id", "name", "doc_number", "party", "txn_date", "updated")


def inside(path: str) -> Column:
    """A text property that has no column of its own."""
    return Column(f"json_extract(body, '$.{path}') COLLATE NOCASE")


def linked(path: str, kind: str = "text") -> Column:
    """A property of an attachment's references."""
    return Column(f"json_extract(part.value, '$.{path}') COLLATE NOCASE", kind, "$.AttachableRef")


COMMON = {
    "Id": Column("id", "id"),
    "MetaData.CreateTime": Column("created", "instant"),
    "MetaData.LastUpdatedTime": Column("updated", "instant"),
}
ACTIVE = {"Active": Column("active", "flag")}
NAME = {**ACTIVE, "Name": Column("name")}
PATH = {**NAME, "FullyQualifiedName": inside("FullyQualifiedName"), "ParentRef": inside("ParentRef.value")}
PERSON = {
    **ACTIVE,
    "DisplayName": Column("name"),
    **{key: inside(key) for key in ("GivenName", "MiddleName", "FamilyName", "Suffix", "PrintOnCheckName")},
}
DATED = {"TxnDate": Column("txn_date", "day")}
AMOUNTS = {"TotalAmt": Column("total", "amount"), "Balance": Column("balance", "amount")}
SALE = {**DATED, **AMOUNTS, "DocNumber": Column("doc_number"), "CustomerRef": Column("party")}
PURCHASE = {
    **DATED,
    **AMOUNTS,
    "DocNumber": Column("doc_number"),
    "VendorRef": Column("party"),
    "DueDate": Column("json_extract(body, '$.DueDate')", "day"),
}
FIELDS = {
    "Customer": {
        **PERSON,
        "FullyQualifiedName": inside("FullyQualifiedName"),
        "CompanyName": inside("CompanyName"),
        "PrimaryEmailAddr": inside("PrimaryEmailAddr.Address"),
        "Balance": Column("balance", "amount"),
    },
    "Vendor": {**PERSON, "CompanyName": inside("CompanyName"), "Balance": Column("balance", "amount")},
    "Employee": PERSON,
    "Item": {**PATH, "Sku": inside("Sku"), "Type": inside("Type")},
    "Account": {
        **PATH,
        **{key: inside(key) for key in ("AccountType", "AccountSubType", "Classification")},
        "CurrentBalance": Column("balance", "amount"),
    },
    "Class": PATH,
    "Department": PATH,
    **dict.fromkeys(("Term", "PaymentMethod", "TaxCode", "TaxRate", "CustomerType"), NAME),
    "TaxAgency": {"DisplayName": Column("name")},
    "Invoice": {
        **SALE,
        "DueDate": Column("json_extract(body, '$.DueDate')", "day"),
        "SalesTermRef": inside("SalesTermRef.value"),
        "ProjectRef": inside("ProjectRef.value"),
    },
    "Payment": {
        **DATED,
        "TotalAmt": AMOUNTS["TotalAmt"],
        "CustomerRef": Column("party"),
        "ProjectRef": inside("ProjectRef.value"),
        "PaymentRefNum": inside("PaymentRefNum"),
    },
    **dict.fromkeys(("CreditMemo", "SalesReceipt", "RefundReceipt"), SALE),
    "Estimate": {
        **SALE,
        "TxnStatus": inside("TxnStatus"),
        "ExpirationDate": Column("json_extract(body, '$.ExpirationDate')", "day"),
        "DueDate": Column("json_extract(body, '$.DueDate')", "day"),
    },
    **dict.fromkeys(("Bill", "BillPayment", "VendorCredit", "PurchaseOrder"), PURCHASE),
    **{
        entity: {**DATED, "DocNumber": Column("doc_number"), "TotalAmt": AMOUNTS["TotalAmt"]}
        for entity in ("Deposit", "JournalEntry", "Purchase", "Transfer")
    },
    "TimeActivity": DATED,
    "CreditCardPaymentTxn": DATED,
    "ReimburseCharge": {**DATED, "CustomerRef": Column("party")},
    "Budget": {
        **NAME,
        **{key: Column(f"json_extract(body, '$.{key}')", "day") for key in ("StartDate", "EndDate")},
        **{key: inside(key) for key in ("BudgetType", "BudgetEntryType")},
    },
    "CompanyCurrency": {**NAME, "Code": inside("Code")},
    "ExchangeRate": {
        "SourceCurrencyCode": inside("SourceCurrencyCode"),
        "AsOfDate": Column("json_extract(body, '$.AsOfDate')", "day"),
    },
    "JournalCode": {**NAME, "Type": inside("Type")},
    # The kind of what is wrapped.
    "RecurringTransaction": {"Type": Column("(SELECT key FROM json_each(body) LIMIT 1) COLLATE NOCASE")},
    "InventoryAdjustment": {**DATED, "DocNumber": Column("doc_number")},
    "Attachable": {
        **{
            key: inside(key)
            for key in ("FileName", "Note", "Category", "ContentType", "PlaceName", "Tag", "Lat", "Long")
        },
        "Size": Column("json_extract(body, '$.Size') * 1000000", "amount"),
        "AttachableRef.EntityRef.Type": linked("EntityRef.type"),
        "AttachableRef.EntityRef.Value": linked("EntityRef.value"),
        "AttachableRef.EntityRef": linked("EntityRef.value"),
        "AttachableRef.IncludeOnSend": linked("IncludeOnSend", "flag"),
    },
    "CompanyInfo": {},
    "Preferences": {},
}
# Lists whose queries hide inactive records unless the WHERE names Active.
LISTED = frozenset({*PEOPLE, *NAMED, "TaxAgency", "CompanyCurrency"})
SINGLE = ("CompanyInfo", "Preferences")
# Recorded: these answer a totalCount that is only the number of rows of the page.
COUNTING = ("Invoice", "Bill", "BillPayment", "Deposit", "JournalEntry", "PurchaseOrder")


def columns_of(entity: str) -> dict[str, Column]:
    """Lower-case property -> column."""
    return {key.lower(): column for key, column in {**COMMON, **FIELDS.get(entity, {})}.items()}
