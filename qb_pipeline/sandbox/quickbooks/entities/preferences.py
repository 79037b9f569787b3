"""Preferences: one object a company, updated in place.

Invariant: what Intuit documents as read-only is a person's to set (`/_sandbox/ui`), so an API update never moves it;
the closing date moves by closing the books alone.
"""

from qb_pipeline.sandbox.quickbooks.company import PERSON, Company
from qb_pipeline.sandbox.quickbooks.entities.common import ECHOED, EMAIL, HEAD, RO
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import business
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.schema import (
    Anything,
    Choice,
    Flag,
    Group,
    Many,
    Number,
    Property,
    Ref,
    Text,
    unknown_property,
)

MESSAGE = Group({"Subject": Text(1000), "Message": Text(4000)})
FLAG = Flag()
KNOWN: dict[str, dict[str, Property]] = {
    "AccountingInfoPrefs": {
        **dict.fromkeys(
            ("ClassTrackingPerTxn", "ClassTrackingPerTxnLine", "TrackDepartments", "UseAccountNumbers"), FLAG
        ),
        **dict.fromkeys(("CustomerTerminology", "DepartmentTerminology"), Text(100)),
        **dict.fromkeys(("FirstMonthOfFiscalYear", "TaxYearMonth", "TaxForm"), Text(20)),
        "BookCloseDate": RO,
    },
    "ProductAndServicesPrefs": {
        **dict.fromkeys(("ForSales", "ForPurchase", "QuantityWithPriceAndRate", "QuantityOnHand"), FLAG),
        **dict.fromkeys(("RevenueRecognition", "RevenueRecognitionEnabled"), FLAG),
        **dict.fromkeys(("RevenueRecognitionFrequency", "RecognitionFrequencyType"), Text(20)),
    },
    "SalesFormsPrefs": {
        **dict.fromkeys(
            ("CustomTxnNumbers", "AllowDeposit", "AllowDiscount", "AllowEstimates", "AllowServiceDate"), FLAG
        ),
        **dict.fromkeys(("AllowShipping", "ETransactionAttachPDF", "ETransactionPaymentEnabled"), FLAG),
        **dict.fromkeys(("EmailCopyToCompany", "AutoApplyCredit", "AutoApplyPayments", "UsingProgressInvoicing"), FLAG),
        **dict.fromkeys(("CustomField", "ETransactionEnabledStatus", "IPNSupportEnabled", "UsingPriceLevels"), RO),
        **dict.fromkeys(("DefaultCustomerMessage", "EstimateMessage"), Text(4000)),
        **dict.fromkeys(("SalesEmailCc", "SalesEmailBcc"), EMAIL),
        "DefaultDiscountAccount": Text(20),
        # Documented as a flag, seen as an account's id.
        "DefaultShippingAccount": Anything(),
        "DefaultTerms": Ref("Term", named=False),
    },
    "EmailMessagesPrefs": dict.fromkeys(
        ("InvoiceMessage", "EstimateMessage", "SalesReceiptMessage", "StatementMessage"), MESSAGE
    ),
    "VendorAndPurchasesPrefs": {
        **dict.fromkeys(("TrackingByCustomer", "BillableExpenseTracking", "UseCustomTxnNumbers"), FLAG),
        **dict.fromkeys(("POCustomField", "TPAREnabled"), RO),
        "DefaultMarkup": Number(),
        "DefaultMarkupAccount": Ref("Account", named=False),
        "DefaultTerms": Ref("Term", named=False),
    },
    "TimeTrackingPrefs": {
        **dict.fromkeys(("UseServices", "BillCustomers", "ShowBillRateToAll", "UsingSalesTax"), FLAG),
        "MarkTimeEntriesBillable": FLAG,
        "WorkWeekStartDate": Text(20),
    },
    "TaxPrefs": {
        **dict.fromkeys(("UsingSalesTax", "PartnerTaxEnabled"), FLAG),
        "TaxGroupCodeRef": Ref("TaxCode", named=False),
    },
    "CurrencyPrefs": {"MultiCurrencyEnabled": FLAG, "HomeCurrency": RO},
    "ReportPrefs": {"ReportBasis": Choice(("Cash", "Accrual")), "CalcAgingReportFromTxnDate": FLAG},
    "OtherPrefs": {"NameValue": Many(Group({"Name": Text(100), "Value": Text(4000)}))},
}
GROUPS = tuple(KNOWN)
# Read-only for apps; a person changes them in the settings.
BY_PERSON = {
    "AccountingInfoPrefs": ("FirstMonthOfFiscalYear", "UseAccountNumbers", "TaxYearMonth", "TaxForm"),
    "SalesFormsPrefs": ("EstimateMessage", "AutoApplyCredit", "AutoApplyPayments", "UsingProgressInvoicing"),
    "TimeTrackingPrefs": ("WorkWeekStartDate", "MarkTimeEntriesBillable"),
    "TaxPrefs": ("UsingSalesTax", "PartnerTaxEnabled", "TaxGroupCodeRef"),
    "CurrencyPrefs": ("MultiCurrencyEnabled",),
    "ReportPrefs": ("CalcAgingReportFromTxnDate",),
}


def complete(company: Company, draft: Draft) -> JsonObject:
    """Each group sent is laid over the stored one; what is left out stays, in a full update too."""
    before = draft.before or {}
    merged = dict(before)
    for group in GROUPS:
        if draft.given(group):
            stored = before.get(group) or {}
            merged[group] = {**stored, **accepted(company, group, draft.sent[group], stored)}
    refuse_going_back(merged, before)
    accounting = dict(merged.get("AccountingInfoPrefs") or {})
    closed = (before.get("AccountingInfoPrefs") or {}).get("BookCloseDate")
    accounting.pop("BookCloseDate", None)
    merged["AccountingInfoPrefs"] = {**accounting, "BookCloseDate": closed} if closed else accounting
    return merged


def accepted(company: Company, group: str, sent: JsonObject, stored: JsonObject) -> JsonObject:
    """What may be changed in a group. 2010 for a setting that neither QBO nor this company has."""
    for key in sent:
        if key not in KNOWN[group] and key not in stored:
            raise unknown_property(key, group)
    fixed = () if company.user == PERSON else BY_PERSON.get(group, ())
    return {key: value for key, value in sent.items() if key not in fixed}


def refuse_going_back(merged: JsonObject, before: JsonObject) -> None:
    """6000 when several currencies, once kept, are to be given up."""
    old, new = before.get("CurrencyPrefs") or {}, merged.get("CurrencyPrefs") or {}
    if old.get("MultiCurrencyEnabled") and not new.get("MultiCurrencyEnabled"):
        raise business("Multicurrency cannot be switched off again.", element="MultiCurrencyEnabled")


PREFERENCES = Entity(
    name="Preferences",
    # Open, because a company that was loaded may have settings beyond the documented ones; see `accepted`.
    properties={**ECHOED, **{group: Group(known, open=True) for group, known in KNOWN.items()}},
    layout=(*GROUPS, *HEAD),
    sequence="Preferences",
    verbs=frozenset({"update"}),
    complete=complete,
)
