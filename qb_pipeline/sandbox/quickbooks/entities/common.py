"""Property groups that several entities share.

Invariant: the same kind of value has the same limits wherever it appears.
"""

from qb_pipeline.sandbox.quickbooks.company import HEAD
from qb_pipeline.sandbox.quickbooks.schema import (
    Anything,
    Choice,
    Flag,
    Group,
    Many,
    Number,
    Property,
    ReadOnly,
    Ref,
    Text,
)

RO = ReadOnly()
ADDRESS = Group(
    {
        **{f"Line{n}": Text(500) for n in range(1, 6)},
        "Id": Text(50),
        "City": Text(255),
        "Country": Text(255),
        "CountryCode": Text(255),
        "CountrySubDivisionCode": Text(255),
        "PostalCode": Text(30),
        "Note": Text(1000),
        # Found by QBO itself; what is echoed stays.
        "Lat": Text(50),
        "Long": Text(50),
    }
)
PHONE = Group({"FreeFormNumber": Text(30), "Id": RO, "Default": RO, "Tag": RO})
EMAIL = Group({"Address": Text(100, email=True), "Id": RO, "Default": RO, "Tag": RO})
WEB = Group({"URI": Text(1000), "Id": RO, "Default": RO, "Tag": RO})
CURRENCY = Ref("", named=False)
LINKED = Many(Group({"TxnId": Text(20), "TxnType": Text(50), "TxnLineId": Text(20)}))
CUSTOM_FIELDS = Many(Group({"DefinitionId": Text(20), "Name": Text(100), "Type": Text(50), "StringValue": Text(31)}))
GLOBAL_TAX = Choice(("TaxExcluded", "TaxInclusive", "NotApplicable"))
# Every entity may be sent these back; the server makes them.
ECHOED: dict[str, Property] = {"AttachableRef": RO, "ClientEntityId": RO, "V4IDPseudonym": RO}

# A name's own parts, shared by Customer, Vendor and Employee.
PERSON: dict[str, Property] = {
    **ECHOED,
    "DisplayName": Text(500, name=True),
    "Title": Text(16, name=True),
    "GivenName": Text(100, name=True),
    "MiddleName": Text(100, name=True),
    "FamilyName": Text(100, name=True),
    "Suffix": Text(16, name=True),
    "PrintOnCheckName": Text(110, name=True),
    "Active": Flag(),
    "PrimaryPhone": PHONE,
    "AlternatePhone": PHONE,
    "Mobile": PHONE,
    "Fax": PHONE,
    "PrimaryEmailAddr": EMAIL,
    "WebAddr": WEB,
    "CurrencyRef": CURRENCY,
    "Balance": RO,
    "CustomField": RO,
    "Organization": RO,
    "FullyQualifiedName": RO,
}

TRANSACTION: dict[str, Property] = {
    **ECHOED,
    "DocNumber": Text(21),
    "PrivateNote": Text(4000),
    "DepartmentRef": Ref("Department"),
    "CurrencyRef": CURRENCY,
    "ExchangeRate": Number(),
    "TxnStatus": RO,
    "TxnSource": RO,
    "TotalAmt": RO,
    "HomeTotalAmt": RO,
    "RecurDataRef": RO,
    "TransactionLocationType": Text(100),
    "LinkedTxn": LINKED,
    "GlobalTaxCalculation": GLOBAL_TAX,
    "ProjectRef": Ref("Customer"),
}
ANYTHING = Anything()
NAME_VERBS = frozenset({"create", "update"})
TRANSACTION_VERBS = frozenset({"create", "update", "delete"})

__all__ = [
    "ADDRESS",
    "ANYTHING",
    "CURRENCY",
    "CUSTOM_FIELDS",
    "ECHOED",
    "EMAIL",
    "GLOBAL_TAX",
    "HEAD",
    "LINKED",
    "NAME_VERBS",
    "PERSON",
    "PHONE",
    "RO",
    "TRANSACTION",
    "TRANSACTION_VERBS",
    "WEB",
]
