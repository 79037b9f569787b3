"""Preferences: one object a company, updated in place.

Invariant: the closing date is a person's to set, so an API update never moves it.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import ANYTHING, ECHOED, HEAD
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import not_modelled
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject

GROUPS = (
    "AccountingInfoPrefs", "ProductAndServicesPrefs", "SalesFormsPrefs", "EmailMessagesPrefs",
    "VendorAndPurchasesPrefs", "TimeTrackingPrefs", "TaxPrefs", "CurrencyPrefs", "ReportPrefs", "OtherPrefs",
)  # fmt: skip

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
    properties={**ECHOED, **dict.fromkeys(GROUPS, ANYTHING)},
    layout=(*GROUPS, *HEAD),
    sequence="Preferences",
    verbs=frozenset({"update"}),
    complete=complete,
)
