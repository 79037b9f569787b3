"""Preferences: one object a company, updated in place.

Invariant: the closing date is a person's to set, so an API update never moves it.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import ECHOED, HEAD, RO
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import not_modelled
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.schema import Flag, Group, Many, Property, Ref, Text

# What the sandbox's rules read is typed; the rest of a group is kept as sent.
READ: dict[str, dict[str, Property]] = {
    "AccountingInfoPrefs": {
        "ClassTrackingPerTxn": Flag(),
        "ClassTrackingPerTxnLine": Flag(),
        "TrackDepartments": Flag(),
        "BookCloseDate": RO,
    },
    "SalesFormsPrefs": {
        "CustomField": RO,
        "CustomTxnNumbers": Flag(),
        "DefaultDiscountAccount": Text(20),
        "DefaultTerms": Ref("Term", named=False),
        "AutoApplyCredit": Flag(),
        "AutoApplyPayments": Flag(),
        "AllowDeposit": Flag(),
        "AllowShipping": Flag(),
    },
    "CurrencyPrefs": {"MultiCurrencyEnabled": Flag(), "HomeCurrency": RO},
    "TaxPrefs": {"TaxGroupCodeRef": Ref("TaxCode", named=False)},
    "OtherPrefs": {"NameValue": Many(Group({"Name": Text(100), "Value": Text(1000)}))},
}
GROUPS = (
    "AccountingInfoPrefs", "ProductAndServicesPrefs", "SalesFormsPrefs", "EmailMessagesPrefs",
    "VendorAndPurchasesPrefs", "TimeTrackingPrefs", "TaxPrefs", "CurrencyPrefs", "ReportPrefs", "OtherPrefs",
)  # fmt: skip

PROPERTIES = {group: Group(READ.get(group, {}), open=True) for group in GROUPS}
UNMODELLED = (
    ("CurrencyPrefs", "MultiCurrencyEnabled"),
    ("SalesFormsPrefs", "AutoApplyCredit"),
    ("SalesFormsPrefs", "AutoApplyPayments"),
    ("SalesFormsPrefs", "AllowDeposit"),
    ("SalesFormsPrefs", "AllowShipping"),
)


def complete(_company: Company, draft: Draft) -> JsonObject:
    """Each group sent is laid over the stored one."""
    before = draft.before or {}
    merged = dict(before)
    for group in GROUPS:
        if draft.given(group):
            merged[group] = {**(before.get(group) or {}), **draft.sent[group]}
    refuse_unmodelled(merged, before)
    accounting = dict(merged.get("AccountingInfoPrefs") or {})
    closed = (before.get("AccountingInfoPrefs") or {}).get("BookCloseDate")
    accounting.pop("BookCloseDate", None)
    merged["AccountingInfoPrefs"] = {**accounting, "BookCloseDate": closed} if closed else accounting
    return merged


def refuse_unmodelled(merged: JsonObject, before: JsonObject) -> None:
    """500 for a switch whose consequences the sandbox does not imitate."""
    for group, key in UNMODELLED:
        if (merged.get(group) or {}).get(key) and not (before.get(group) or {}).get(key):
            raise not_modelled(f"switching on {group}.{key}")


PREFERENCES = Entity(
    name="Preferences",
    properties={**ECHOED, **PROPERTIES},
    layout=(*GROUPS, *HEAD),
    sequence="Preferences",
    verbs=frozenset({"update"}),
    complete=complete,
)
