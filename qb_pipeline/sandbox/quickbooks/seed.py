"""What a company holds before anybody has worked in it, and a small sample of work.

Invariant: every company has Preferences, CompanyInfo and the pseudo tax codes, whatever it was made from.

    complete_company(company)      adds only what is missing (after --data)
    fresh_company(company)         a new United States company without names, items or transactions
    sample_company(company)        a handful of each, made through the same writes a client uses
"""

from collections.abc import Callable
from typing import Any

from qb_pipeline.sandbox.quickbooks.company import Company, arranged
from qb_pipeline.sandbox.quickbooks.entities.account import TYPES
from qb_pipeline.sandbox.quickbooks.entities.registry import ENTITIES, sequence_of
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.taxservice import CODE_LAYOUT, RATE_LAYOUT
from qb_pipeline.sandbox.quickbooks.times import today
from qb_pipeline.sandbox.quickbooks.writes import create

COMPANY_NAME = "Sandbox Company"
# (Name, AccountType, AccountSubType), the chart a new service company gets.
CHART = (
    ("Services", "Income", "ServiceFeeIncome"),
    ("Sales", "Income", "SalesOfProductIncome"),
    ("Retained Earnings", "Equity", "RetainedEarnings"),
    ("Undeposited Funds", "Other Current Asset", "UndepositedFunds"),
    ("Fees Billed", "Income", "ServiceFeeIncome"),
    ("Advertising", "Expense", "AdvertisingPromotional"),
    ("Bank Charges", "Expense", "BankCharges"),
    ("Dues & Subscriptions", "Expense", "DuesSubscriptions"),
    ("Equipment Rental", "Expense", "EquipmentRental"),
    ("Insurance", "Expense", "Insurance"),
    ("Job Materials", "Expense", "SuppliesMaterials"),
    ("Legal & Professional Fees", "Expense", "LegalProfessionalFees"),
    ("Meals and Entertainment", "Expense", "EntertainmentMeals"),
    ("Office Expenses", "Expense", "OfficeGeneralAdministrativeExpenses"),
    ("Rent or Lease", "Expense", "RentOrLeaseOfBuildings"),
    ("Maintenance and Repair", "Expense", "RepairMaintenance"),
    ("Travel", "Expense", "Travel"),
    ("Travel expense", "Expense", "TravelMeals"),
    ("Utilities", "Expense", "Utilities"),
    ("Uncategorized Income", "Income", "ServiceFeeIncome"),
    ("Uncategorized Expense", "Expense", "OtherMiscellaneousServiceCost"),
    ("Uncategorized Asset", "Other Current Asset", "OtherCurrentAssets"),
    ("Accounts Payable (A/P)", "Accounts Payable", "AccountsPayable"),
    ("Opening Balance Equity", "Equity", "OpeningBalanceEquity"),
    ("Checking", "Bank", "Checking"),
    ("Savings", "Bank", "Savings"),
    ("Mastercard", "Credit Card", "CreditCard"),
    ("Sales of Product Income", "Income", "SalesOfProductIncome"),
    ("Cost of Goods Sold", "Cost of Goods Sold", "SuppliesMaterialsCogs"),
    ("Inventory Asset", "Other Current Asset", "Inventory"),
    ("Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable"),
    ("Discounts given", "Income", "DiscountsRefundsGiven"),
    ("Cost of Labor", "Expense", "CostOfLabor"),
    ("Subcontractors", "Cost of Goods Sold", "CostOfLaborCos"),
    ("Retainage Receivable", "Other Current Asset", "Retainage"),
    ("Board of Equalization Payable", "Other Current Liability", "GlobalTaxPayable"),
    ("Unapplied Cash Payment Income", "Income", "UnappliedCashPaymentIncome"),
    ("Interest Earned", "Other Income", "InterestEarned"),
    ("Miscellaneous", "Other Expense", "OtherMiscellaneousExpense"),
)
TERMS = (("Due on receipt", 0), ("Net 15", 15), ("Net 30", 30), ("Net 60", 60), ("Net 10", 10))
METHODS = (
    ("Cash", "NON_CREDIT_CARD"),
    ("Check", "NON_CREDIT_CARD"),
    ("Visa", "CREDIT_CARD"),
    ("MasterCard", "CREDIT_CARD"),
    ("Discover", "CREDIT_CARD"),
    ("ACH", "NON_CREDIT_CARD"),
)
PSEUDO_CODES = (("TAX", True, False), ("NON", False, False), ("CustomSalesTax", True, True))


def complete_company(company: Company) -> None:
    """Add Preferences, CompanyInfo and the pseudo tax codes where they are missing."""
    if company.store.get("Preferences", "1") is None:
        put(company, "Preferences", {"Id": "1", **preferences(company)}, ENTITIES["Preferences"].layout)
    if company.store.get("CompanyInfo", "1") is None:
        put(company, "CompanyInfo", {"Id": "1", **company_info(company)}, ())
    for name, taxable, group in PSEUDO_CODES:
        if company.store.get("TaxCode", name) is None:
            company.store.put("TaxCode", pseudo_code(company, name, taxable, group))


def pseudo_code(company: Company, name: str, taxable: bool, group: bool) -> JsonObject:
    """TAX, NON or CustomSalesTax, which have neither token nor Active."""
    meta = {"CreateTime": company.stamp, "LastUpdatedTime": company.stamp}
    return {"Name": name, "Description": name, "Taxable": taxable, "TaxGroup": group, "Id": name, "MetaData": meta}


def put(company: Company, entity: str, obj: JsonObject, layout: tuple[str, ...]) -> JsonObject:
    """Store an object of version 0 with a given id, without an event."""
    meta = {"CreateTime": company.stamp, "LastUpdatedTime": company.stamp}
    head: JsonObject = {"domain": "QBO", "sparse": False, "SyncToken": "0", "MetaData": meta}
    stored = arranged({**obj, **head}, layout)
    company.store.put(entity, stored)
    if str(obj["Id"]).isdecimal():
        company.store.raise_sequence(sequence_of(entity), int(obj["Id"]))
    return stored


def fresh_company(company: Company) -> None:
    """Chart of accounts, terms, payment methods, one tax code; nothing else."""
    for number, (name, kind, subtype) in enumerate(CHART, 1):
        put(company, "Account", {"Id": str(number), **account(name, kind, subtype)}, ENTITIES["Account"].layout)
    for number, (name, days) in enumerate(TERMS, 1):
        term = {"Id": str(number), "Name": name, "Active": True, "Type": "STANDARD", "DueDays": days, "DiscountDays": 0}
        put(company, "Term", term, ENTITIES["Term"].layout)
    for number, (name, kind) in enumerate(METHODS, 1):
        method = {"Id": str(number), "Name": name, "Active": True, "Type": kind}
        put(company, "PaymentMethod", method, ENTITIES["PaymentMethod"].layout)
    put_tax(company)
    complete_company(company)


def account(name: str, kind: str, subtype: str) -> JsonObject:
    """An account without a balance."""
    return {
        "Name": name,
        "SubAccount": False,
        "FullyQualifiedName": name,
        "Active": True,
        "Classification": TYPES[kind][0],
        "AccountType": kind,
        "AccountSubType": subtype,
        "CurrentBalance": 0,
        "CurrentBalanceWithSubAccounts": 0,
        "CurrencyRef": {"value": "USD", "name": "United States Dollar"},
    }


def put_tax(company: Company) -> None:
    """One agency, one rate of 8 %, one code."""
    agency = {"Id": "1", "TaxTrackedOnPurchases": False, "TaxTrackedOnSales": True}
    put(company, "TaxAgency", {**agency, "DisplayName": "Board of Equalization"}, ())
    rate = {
        "Id": "3",
        "Name": "California",
        "Description": "Sales Tax",
        "Active": True,
        "RateValue": 8,
        "AgencyRef": {"value": "1"},
        "SpecialTaxType": "NONE",
        "DisplayType": "ReadOnly",
    }
    put(company, "TaxRate", rate, RATE_LAYOUT)
    listed = {
        "TaxRateRef": {"value": "3", "name": "California"},
        "TaxTypeApplicable": "TaxOnAmount",
        "TaxOrder": 0,
    }
    code = {
        "Id": "2",
        "Name": "California",
        "Description": "California",
        "Active": True,
        "Taxable": True,
        "TaxGroup": True,
        "SalesTaxRateList": {"TaxRateDetail": [listed]},
        "PurchaseTaxRateList": {"TaxRateDetail": []},
    }
    put(company, "TaxCode", code, CODE_LAYOUT)


def preferences(company: Company) -> JsonObject:
    """A company that tracks classes per line and locations, and taxes its sales."""
    discounts = company.store.holder_of_name("Account//discounts given")
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
        "SalesFormsPrefs": {
            "CustomField": [],
            "CustomTxnNumbers": False,
            "AllowDeposit": False,
            "AllowDiscount": True,
            **({"DefaultDiscountAccount": discounts[1]} if discounts else {}),
            "AllowEstimates": True,
            "AllowServiceDate": True,
            "AllowShipping": False,
            "DefaultTerms": {"value": "3"},
            "UsingProgressInvoicing": False,
            "AutoApplyCredit": False,
        },
        "VendorAndPurchasesPrefs": {"TrackingByCustomer": True, "BillableExpenseTracking": True},
        "TimeTrackingPrefs": {"UseServices": True, "BillCustomers": True, "WorkWeekStartDate": "Monday"},
        "TaxPrefs": {"UsingSalesTax": True, **tax},
        "CurrencyPrefs": {"MultiCurrencyEnabled": False, "HomeCurrency": {"value": "USD"}},
        "ReportPrefs": {"ReportBasis": "Accrual", "CalcAgingReportFromTxnDate": False},
        "OtherPrefs": {"NameValue": [{"Name": "SFCEnabled", "Value": "true"}]},
    }


def company_info(company: Company) -> JsonObject:
    """Who the company is."""
    address = {
        "Id": "1",
        "Line1": "1 Quarry Road",
        "City": "Sacramento",
        "Country": "USA",
        "CountrySubDivisionCode": "CA",
        "PostalCode": "95814",
    }
    features = {
        "NeoEnabled": "true",
        "IndustryType": "Construction",
        "SubscriptionStatus": "PAID",
        "OfferingSku": "QuickBooks Online Plus",
        "PayrollFeature": "false",
        "AccountantFeature": "false",
        "ItemCategoriesFeature": "true",
    }
    return {
        "CompanyName": COMPANY_NAME,
        "LegalName": COMPANY_NAME,
        "CompanyAddr": address,
        "CustomerCommunicationAddr": address,
        "LegalAddr": address,
        "CompanyStartDate": today(company.now).isoformat(),
        "FiscalYearStartMonth": "January",
        "Country": "US",
        "SupportedLanguages": "en",
        "DefaultTimeZone": "America/Los_Angeles",
        "NameValue": [{"Name": name, "Value": value} for name, value in features.items()],
    }


def sample_company(company: Company) -> None:
    """A little work: names, items, invoices, payments."""

    def make(entity: str, **body: Any) -> str:
        return str(create(company, ENTITIES[entity], body)["Id"])

    sample_names(make)
    customers = [make("Customer", DisplayName=name) for name in ("Ridge Farm", "Hillside School", "Dana Whitlock")]
    barn = make("Customer", DisplayName="New barn", Job=True, ParentRef={"value": customers[0]})
    items = sample_items(make, company)
    bills = ((customers[0], 150, "NON"), (barn, 1200, "NON"), (customers[1], 480, "TAX"), (customers[2], 75, "NON"))
    invoices = [
        make(
            "Invoice",
            CustomerRef={"value": customer},
            Line=[sample_line(items[position % 2], amount, code)],
            TxnTaxDetail={"TxnTaxCodeRef": {"value": "2"}} if code == "TAX" else {},
        )
        for position, (customer, amount, code) in enumerate(bills)
    ]
    for customer, invoice, amount in ((customers[0], invoices[0], 150), (customers[1], invoices[2], 200)):
        line = {"Amount": amount, "LinkedTxn": [{"TxnId": invoice, "TxnType": "Invoice"}]}
        make("Payment", CustomerRef={"value": customer}, TotalAmt=amount, Line=[line])


def sample_names(make: Callable[..., str]) -> None:
    """Two vendors and an employee."""
    make("Vendor", DisplayName="Valley Lumber Supply", Vendor1099=False)
    make("Vendor", DisplayName="Ortega Electric", Vendor1099=True)
    make("Employee", GivenName="Sam", FamilyName="Okafor")


def sample_items(make: Callable[..., str], company: Company) -> list[str]:
    """A service and a material."""
    product = company.store.holder_of_name("Account//sales of product income")
    income = {"IncomeAccountRef": {"value": product[1]}} if product else {}
    return [
        make("Item", Name="Labor", Type="Service", UnitPrice=75, IncomeAccountRef={"value": "1"}),
        make("Item", Name="Lumber", Type="NonInventory", UnitPrice=12, **income),
    ]


def sample_line(item: str, amount: int, code: str) -> JsonObject:
    """One line."""
    detail = {"ItemRef": {"value": item}, "TaxCodeRef": {"value": code}}
    return {"DetailType": "SalesItemLineDetail", "Amount": amount, "SalesItemLineDetail": detail}
