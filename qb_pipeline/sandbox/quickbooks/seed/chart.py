"""The accounts a company begins with.

Invariant: FRESH and SAMPLE both hold every account the ledger posts to by itself. SAMPLE has the usual accounts under
the usual ids (1 income, 4 Undeposited Funds, 22 Travel, 33 A/P, 35 Checking, 41 Mastercard, 42 Visa, 84 A/R,
86 Discounts given), because suites written against Intuit's own sample company name them by id.
"""

from dataclasses import dataclass

from qb_pipeline.sandbox.quickbooks.entities.account_types import TYPES
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject


@dataclass(frozen=True)
class Seeded:
    """One account; `parent` is an id of the same chart."""

    id: int
    name: str
    kind: str
    subtype: str
    parent: int | None = None


# (Name, AccountType, AccountSubType), the chart a new service company gets; ids count from 1.
SERVICE_COMPANY = (
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
FRESH = tuple(Seeded(number, *entry) for number, entry in enumerate(SERVICE_COMPANY, 1))

# (Id, Name, AccountType, AccountSubType[, Id of the parent]).
CONTRACTOR = (
    (1, "Services", "Income", "ServiceFeeIncome"),
    (2, "Retained Earnings", "Equity", "RetainedEarnings"),
    (3, "Prepaid Expenses", "Other Current Asset", "PrepaidExpenses"),
    (4, "Undeposited Funds", "Other Current Asset", "UndepositedFunds"),
    (5, "Fees Billed", "Income", "ServiceFeeIncome"),
    (6, "Refunds-Allowances", "Income", "DiscountsRefundsGiven"),
    (7, "Advertising", "Expense", "AdvertisingPromotional"),
    (8, "Bank Charges", "Expense", "BankCharges"),
    (9, "Commissions & fees", "Expense", "CommissionsAndFees"),
    (10, "Dues & Subscriptions", "Expense", "DuesSubscriptions"),
    (11, "Insurance", "Expense", "Insurance"),
    (12, "Legal & Professional Fees", "Expense", "LegalProfessionalFees"),
    (13, "Meals and Entertainment", "Expense", "EntertainmentMeals"),
    (14, "Miscellaneous", "Other Expense", "OtherMiscellaneousExpense"),
    (15, "Office Expenses", "Expense", "OfficeGeneralAdministrativeExpenses"),
    (16, "Promotional", "Expense", "AdvertisingPromotional"),
    (17, "Rent or Lease", "Expense", "RentOrLeaseOfBuildings"),
    (18, "Shipping and delivery", "Expense", "ShippingFreightDelivery"),
    (19, "Stationery & Printing", "Expense", "OfficeGeneralAdministrativeExpenses"),
    (20, "Supplies", "Expense", "SuppliesMaterials"),
    (21, "Taxes & Licenses", "Expense", "TaxesPaid"),
    (22, "Travel", "Expense", "Travel"),
    (23, "Travel Meals", "Expense", "TravelMeals"),
    (24, "Utilities", "Expense", "Utilities"),
    (25, "Interest Earned", "Other Income", "InterestEarned"),
    (26, "Other Portfolio Income", "Other Income", "OtherMiscellaneousIncome"),
    (27, "Penalties & Settlements", "Other Expense", "PenaltiesSettlements"),
    (28, "Dump Fees", "Expense", "OtherBusinessExpenses"),
    (29, "Equipment Rental", "Expense", "EquipmentRental"),
    (30, "Uncategorized Income", "Income", "ServiceFeeIncome"),
    (31, "Uncategorized Expense", "Expense", "OtherMiscellaneousServiceCost"),
    (32, "Uncategorized Asset", "Other Current Asset", "OtherCurrentAssets"),
    (33, "Accounts Payable (A/P)", "Accounts Payable", "AccountsPayable"),
    (34, "Opening Balance Equity", "Equity", "OpeningBalanceEquity"),
    (35, "Checking", "Bank", "Checking"),
    (36, "Savings", "Bank", "Savings"),
    (37, "Van", "Fixed Asset", "Vehicles"),
    (38, "Original Cost", "Fixed Asset", "Vehicles", 37),
    (39, "Depreciation", "Fixed Asset", "AccumulatedDepreciation", 37),
    (40, "Depreciation", "Other Expense", "Depreciation"),
    (41, "Mastercard", "Credit Card", "CreditCard"),
    (42, "Visa", "Credit Card", "CreditCard"),
    (43, "Loan Payable", "Other Current Liability", "OtherCurrentLiabilities"),
    (44, "Notes Payable", "Long Term Liability", "OtherLongTermLiabilities"),
    (45, "Construction Income", "Income", "OtherPrimaryIncome"),
    (46, "Labor", "Income", "OtherPrimaryIncome", 45),
    (47, "Materials", "Income", "OtherPrimaryIncome", 45),
    (48, "Subcontracted Work", "Income", "OtherPrimaryIncome", 45),
    (49, "Change Orders", "Income", "OtherPrimaryIncome", 45),
    (50, "Service Calls", "Income", "OtherPrimaryIncome"),
    (55, "Automobile", "Expense", "Auto"),
    (56, "Fuel", "Expense", "Auto", 55),
    (57, "Workers Compensation", "Expense", "Insurance", 11),
    (58, "Job Expenses", "Expense", "OtherMiscellaneousServiceCost"),
    (59, "Cost of Labor", "Expense", "CostOfLabor", 58),
    (60, "Subcontractors", "Expense", "CostOfLabor", 58),
    (62, "Equipment Rental", "Expense", "EquipmentRental", 58),
    (63, "Job Materials", "Expense", "SuppliesMaterials", 58),
    (68, "Permits", "Expense", "OtherMiscellaneousServiceCost", 58),
    (69, "Bookkeeping & tax", "Expense", "LegalProfessionalFees", 12),
    (72, "Maintenance and Repair", "Expense", "RepairMaintenance"),
    (76, "Gas and Electric", "Expense", "Utilities", 24),
    (77, "Telephone", "Expense", "Utilities", 24),
    (78, "Purchases", "Expense", "SuppliesMaterials"),
    (79, "Sales of Product Income", "Income", "SalesOfProductIncome"),
    (80, "Cost of Goods Sold", "Cost of Goods Sold", "SuppliesMaterialsCogs"),
    (81, "Inventory Asset", "Other Current Asset", "Inventory"),
    (82, "Design income", "Income", "OtherPrimaryIncome"),
    (83, "Other Income", "Income", "OtherPrimaryIncome"),
    (84, "Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable"),
    (85, "Billable Expense Income", "Income", "ServiceFeeIncome"),
    (86, "Discounts given", "Income", "DiscountsRefundsGiven"),
    (87, "Unapplied Cash Payment Income", "Income", "UnappliedCashPaymentIncome"),
    (88, "Unapplied Cash Bill Payment Expense", "Expense", "UnappliedCashBillPaymentExpense"),
    (89, "Nevada Department of Taxation Payable", "Other Current Liability", "GlobalTaxPayable"),
    (90, "Board of Equalization Payable", "Other Current Liability", "GlobalTaxPayable"),
    (91, "Retainage Receivable", "Other Current Asset", "Retainage"),
    (92, "Inventory Shrinkage", "Cost of Goods Sold", "SuppliesMaterialsCogs"),
)
SAMPLE = tuple(Seeded(*entry) for entry in CONTRACTOR)


def accounts(chart: tuple[Seeded, ...]) -> list[JsonObject]:
    """The chart as Account objects without balances, parents before their children."""
    paths: dict[int, str] = {}
    result = []
    for entry in chart:
        paths[entry.id] = entry.name if entry.parent is None else f"{paths[entry.parent]}:{entry.name}"
        result.append(account(entry, paths[entry.id]))
    return result


def account(entry: Seeded, path: str) -> JsonObject:
    """An account without a balance; `path` is its FullyQualifiedName."""
    parent: JsonObject = {} if entry.parent is None else {"ParentRef": {"value": str(entry.parent)}}
    return {
        "Id": str(entry.id),
        "Name": entry.name,
        "SubAccount": entry.parent is not None,
        **parent,
        "FullyQualifiedName": path,
        "Active": True,
        "Classification": TYPES[entry.kind][0],
        "AccountType": entry.kind,
        "AccountSubType": entry.subtype,
        "CurrentBalance": 0,
        "CurrentBalanceWithSubAccounts": 0,
        "CurrencyRef": {"value": "USD", "name": "United States Dollar"},
    }
