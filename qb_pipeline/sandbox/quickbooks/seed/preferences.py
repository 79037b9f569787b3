"""The Preferences a company begins with.

Invariant: what it names (discount account, tax code, uncategorized accounts) exists in the company.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject

THANKS = "Thank you for your business."
# Key of EmailMessagesPrefs -> what the form is called in a mail.
FORMS = {
    "InvoiceMessage": "invoice",
    "EstimateMessage": "estimate",
    "SalesReceiptMessage": "sales receipt",
    "StatementMessage": "statement",
}
# Name in OtherPrefs -> the account that plays the part.
CATCH_ALL = {
    "UncategorizedAssetAccountId": "uncategorized asset",
    "UncategorizedIncomeAccountId": "uncategorized income",
    "UncategorizedExpenseAccountId": "uncategorized expense",
}


def preferences(company: Company, company_name: str, *, currencies: bool = False, home: str = "USD") -> JsonObject:
    """A company that tracks classes per line and locations, and taxes its sales; with several currencies on demand."""
    tax = {"TaxGroupCodeRef": {"value": "2"}} if company.store.get("TaxCode", "2") else {}
    return {
        "AccountingInfoPrefs": {
            "FirstMonthOfFiscalYear": "January",
            "UseAccountNumbers": False,
            "TaxYearMonth": "January",
            "ClassTrackingPerTxn": False,
            "ClassTrackingPerTxnLine": True,
            "TrackDepartments": True,
            "DepartmentTerminology": "Location",
            "CustomerTerminology": "Customers",
        },
        "ProductAndServicesPrefs": {
            "ForSales": True,
            "ForPurchase": True,
            "QuantityWithPriceAndRate": True,
            "QuantityOnHand": True,
        },
        "SalesFormsPrefs": sales_forms(company),
        "EmailMessagesPrefs": {key: message(form, company_name) for key, form in FORMS.items()},
        "VendorAndPurchasesPrefs": {"TrackingByCustomer": True, "BillableExpenseTracking": True},
        "TimeTrackingPrefs": {
            "UseServices": True,
            "BillCustomers": True,
            "ShowBillRateToAll": False,
            "WorkWeekStartDate": "Monday",
            "MarkTimeEntriesBillable": True,
        },
        "TaxPrefs": {"UsingSalesTax": True, **tax},
        "CurrencyPrefs": {"MultiCurrencyEnabled": currencies, "HomeCurrency": {"value": home}},
        "ReportPrefs": {"ReportBasis": "Accrual", "CalcAgingReportFromTxnDate": False},
        "OtherPrefs": {"NameValue": [{"Name": name, "Value": value} for name, value in others(company).items()]},
    }


def sales_forms(company: Company) -> JsonObject:
    """Server-made numbers, discounts, no deposits or shipping on forms."""
    discounts = account_named(company, "discounts given")
    return {
        "CustomField": [],
        "CustomTxnNumbers": False,
        "AllowDeposit": False,
        "AllowDiscount": True,
        **({"DefaultDiscountAccount": discounts} if discounts else {}),
        "AllowEstimates": True,
        "ETransactionEnabledStatus": "NotApplicable",
        "ETransactionAttachPDF": False,
        "ETransactionPaymentEnabled": False,
        "IPNSupportEnabled": False,
        "AllowServiceDate": True,
        "AllowShipping": False,
        "DefaultTerms": {"value": "3"},
        "UsingPriceLevels": False,
        "UsingProgressInvoicing": False,
        "AutoApplyCredit": False,
        "AutoApplyPayments": False,
        "DefaultCustomerMessage": THANKS,
    }


def message(form: str, company_name: str) -> JsonObject:
    """Subject and text of the mail that goes with a form."""
    text = f"Please find your {form} attached.\n{THANKS}\n\n{company_name}"
    return {"Subject": f"{form.capitalize()} from {company_name}", "Message": text}


def others(company: Company) -> dict[str, str]:
    """Settings without a group of their own, in the order they are told."""
    found = {name: account_named(company, account) for name, account in CATCH_ALL.items()}
    return {
        "SalesFormsPrefs.DefaultCustomerMessage": THANKS,
        "DTXCopyMemo": "true",
        **{name: identifier for name, identifier in found.items() if identifier is not None},
        "SFCEnabled": "true",
        "DataPartner": "false",
        "Vendor1099Enabled": "true",
        "TimeTrackingFeatureEnabled": "true",
    }


def account_named(company: Company, name: str) -> str | None:
    """The id of a top-level account; `name` in lower case."""
    holder = company.store.holder_of_name(f"Account//{name}")
    return None if holder is None else holder[1]
