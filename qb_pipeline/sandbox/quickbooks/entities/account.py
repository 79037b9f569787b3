"""Account: the chart of accounts.

Invariant: AccountType, AccountSubType and Classification always agree; balances are the ledger's.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import CURRENCY, ECHOED, HEAD, NAME_VERBS, RO
from qb_pipeline.sandbox.quickbooks.entities.names import (
    Tree,
    apply_activity,
    place_in_tree,
    require_childless,
    require_unique,
    spread_name,
)
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.ledger.balances import move_branch
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import Choice, Flag, Property, Ref, Text

# AccountType -> (Classification, the subtype QBO takes when none is given).
TYPES = {
    "Bank": ("Asset", "Checking"),
    "Accounts Receivable": ("Asset", "AccountsReceivable"),
    "Other Current Asset": ("Asset", "OtherCurrentAssets"),
    "Fixed Asset": ("Asset", "OtherFixedAssets"),
    "Other Asset": ("Asset", "OtherLongTermAssets"),
    "Accounts Payable": ("Liability", "AccountsPayable"),
    "Credit Card": ("Liability", "CreditCard"),
    "Other Current Liability": ("Liability", "OtherCurrentLiabilities"),
    "Long Term Liability": ("Liability", "OtherLongTermLiabilities"),
    "Equity": ("Equity", "OpeningBalanceEquity"),
    "Income": ("Revenue", "SalesOfProductIncome"),
    "Cost of Goods Sold": ("Expense", "SuppliesMaterialsCogs"),
    "Expense": ("Expense", "OtherMiscellaneousServiceCost"),
    "Other Income": ("Revenue", "OtherMiscellaneousIncome"),
    "Other Expense": ("Expense", "OtherMiscellaneousExpense"),
}
EXPENSES = (
    "AdvertisingPromotional", "Auto", "BadDebts", "BankCharges", "CharitableContributions", "CostOfLabor",
    "DuesSubscriptions", "Entertainment", "EntertainmentMeals", "EquipmentRental", "Insurance", "InterestPaid",
    "LegalProfessionalFees", "OfficeExpenses", "OfficeGeneralAdministrativeExpenses", "OtherBusinessExpenses",
    "PayrollExpenses", "PromotionalMeals", "RentOrLeaseOfBuildings", "RepairMaintenance",
    "ShippingFreightDelivery", "SuppliesMaterials", "TaxesPaid", "Travel", "TravelMeals", "Utilities",
    "UnappliedCashBillPaymentExpense",
)  # fmt: skip
# Which type a subtype alone implies; other subtypes need their AccountType.
SUBTYPE_IMPLIES = {
    **{subtype: kind for kind, (_, subtype) in TYPES.items()},
    "Savings": "Bank",
    "CashOnHand": "Bank",
    "MoneyMarket": "Bank",
    "UndepositedFunds": "Other Current Asset",
    "Inventory": "Other Current Asset",
    "PrepaidExpenses": "Other Current Asset",
    "Retainage": "Other Current Asset",
    "EmployeeCashAdvances": "Other Current Asset",
    "Vehicles": "Fixed Asset",
    "AccumulatedDepreciation": "Fixed Asset",
    "MachineryAndEquipment": "Fixed Asset",
    "GlobalTaxPayable": "Other Current Liability",
    "SalesTaxPayable": "Other Current Liability",
    "PayrollTaxPayable": "Other Current Liability",
    "LoanPayable": "Other Current Liability",
    "NotesPayable": "Long Term Liability",
    "RetainedEarnings": "Equity",
    "OwnersEquity": "Equity",
    "ServiceFeeIncome": "Income",
    "OtherPrimaryIncome": "Income",
    "DiscountsRefundsGiven": "Income",
    "NonProfitIncome": "Income",
    "UnappliedCashPaymentIncome": "Income",
    "CostOfLaborCos": "Cost of Goods Sold",
    "EquipmentRentalCos": "Cost of Goods Sold",
    "OtherCostsOfServiceCos": "Cost of Goods Sold",
    "ShippingFreightDeliveryCos": "Cost of Goods Sold",
    **dict.fromkeys(EXPENSES, "Expense"),
    "InterestEarned": "Other Income",
    "Depreciation": "Other Expense",
    "PenaltiesSettlements": "Other Expense",
}  # fmt: skip
TREE = Tree("Account", "Name", "SubAccount", level=False)
OWN: dict[str, Property] = {
    **ECHOED,
    "Name": Text(100, name=True),
    "AcctNum": Text(7),
    "Description": Text(4000),
    "Active": Flag(),
    "SubAccount": Flag(),
    "ParentRef": Ref("Account", named=False),
    "FullyQualifiedName": RO,
    "Classification": RO,
    "AccountType": Choice(tuple(TYPES)),
    "AccountSubType": Text(100),
    "CurrentBalance": RO,
    "CurrentBalanceWithSubAccounts": RO,
    "CurrencyRef": CURRENCY,
    "TaxCodeRef": Ref("TaxCode", named=False),
    "AccountAlias": Text(100),
}
LAYOUT = (
    "Name", "SubAccount", "ParentRef", "Description", "FullyQualifiedName", "Active", "Classification", "AccountType",
    "AccountSubType", "AcctNum", "CurrentBalance", "CurrentBalanceWithSubAccounts", "CurrencyRef", *HEAD,
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in an account."""
    obj, before = draft.obj, draft.before
    if not obj.get("Name"):
        raise missing("Name")
    if '"' in obj["Name"]:
        raise Fault(2040, "Property Name must not hold a double quote.", element="Name")
    settle_type(obj, before)
    require_childless(company, draft, "Account")
    apply_activity(draft, "Name")
    require_unique(company, "Account", obj, before)
    check_parent_type(company, obj)
    place_in_tree(company, draft, TREE)
    obj["CurrencyRef"] = company.home_currency(obj.get("CurrencyRef"))
    # An inactive account shows no balance although its postings remain.
    shown = before is not None and obj["Active"] is not False
    for key in ("CurrentBalance", "CurrentBalanceWithSubAccounts"):
        obj[key] = (before or {}).get(key, 0) if shown else 0
    return obj


def settle_type(obj: JsonObject, before: JsonObject | None) -> None:
    """6010 without type and subtype; 2170 for a subtype that does not fit; the type of a used account stays."""
    for key in ("AccountType", "AccountSubType"):
        if before is not None and key not in obj and key in before:
            obj[key] = before[key]
    kind, subtype = obj.get("AccountType"), obj.get("AccountSubType")
    if kind is None and subtype is None:
        raise Fault(6010, "AccountType or AccountSubType is required.", element="AccountType")
    unchanged = before is not None and (before.get("AccountType"), before.get("AccountSubType")) == (kind, subtype)
    if (
        not unchanged
        and subtype is not None
        and SUBTYPE_IMPLIES.get(str(subtype)) not in ({kind} if kind else {*TYPES})
    ):
        raise Fault(2170, f"AccountSubType {subtype} does not belong to AccountType {kind}.", element="AccountSubType")
    kind = kind or SUBTYPE_IMPLIES[str(subtype)]
    if before is not None and before.get("AccountType") != kind and decimal_of(before.get("CurrentBalance")) != 0:
        raise business(f"Account {before['Id']} has a balance; its AccountType cannot change.", element="AccountType")
    obj["AccountType"] = kind
    obj["Classification"], default = TYPES[str(kind)]
    obj["AccountSubType"] = subtype or default


def check_parent_type(company: Company, obj: JsonObject) -> None:
    """6000 when a sub-account is of another type than its parent."""
    parent = ref_value(obj, "ParentRef")
    if parent is not None and company.require("Account", parent).get("AccountType") != obj["AccountType"]:
        raise business(f"A sub-account must have the AccountType of its parent {parent}.", element="ParentRef")


SPREAD = spread_name("Account")


def effect(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """A new name spreads; a new parent takes over the balance."""
    SPREAD(company, before, after)
    if before is not None and after is not None:
        move_branch(company, "Account", "CurrentBalanceWithSubAccounts", before, after)


ACCOUNT = Entity(
    name="Account",
    properties=OWN,
    layout=LAYOUT,
    sequence="Account",
    verbs=NAME_VERBS,
    complete=complete,
    kept=("Active", "CurrencyRef"),
    effect=effect,
)
