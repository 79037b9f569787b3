"""Which account plays which part in postings.

Invariant: the part is told by AccountSubType, never by name or id, so it holds for any chart of accounts; an account
that is needed and missing is made, as QBO makes its special accounts on first use.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject

TAX_PAYABLE = ("GlobalTaxPayable", "SalesTaxPayable")
# AccountSubType -> (Name, AccountType, Classification) of the account QBO makes itself.
SPECIAL = {
    "AccountsReceivable": ("Accounts Receivable (A/R)", "Accounts Receivable", "Asset"),
    "AccountsPayable": ("Accounts Payable (A/P)", "Accounts Payable", "Liability"),
    "UndepositedFunds": ("Undeposited Funds", "Other Current Asset", "Asset"),
    "Inventory": ("Inventory Asset", "Other Current Asset", "Asset"),
    "Checking": ("Checking", "Bank", "Asset"),
    "GlobalTaxPayable": ("Sales Tax Payable", "Other Current Liability", "Liability"),
    "OpeningBalanceEquity": ("Opening Balance Equity", "Equity", "Equity"),
    "RetainedEarnings": ("Retained Earnings", "Equity", "Equity"),
    "ServiceFeeIncome": ("Services", "Income", "Revenue"),
    "SalesOfProductIncome": ("Sales of Product Income", "Income", "Revenue"),
    "DiscountsRefundsGiven": ("Discounts given", "Income", "Revenue"),
    "OtherMiscellaneousIncome": ("Other Miscellaneous Income", "Other Income", "Revenue"),
    "SuppliesMaterialsCogs": ("Cost of Goods Sold", "Cost of Goods Sold", "Expense"),
    "OtherMiscellaneousServiceCost": ("Uncategorized Expense", "Expense", "Expense"),
    "ShippingFreightDelivery": ("Shipping", "Expense", "Expense"),
    "ExchangeGainOrLoss": ("Exchange Gain or Loss", "Other Expense", "Expense"),
}


def account_of_subtype(company: Company, subtype: str) -> str | None:
    """The id of the first active account of a subtype; None when there is none."""
    if not company.account_roles:
        rows = company.store.conn.execute(
            "SELECT json_extract(body, '$.AccountSubType'), id FROM objects"
            " WHERE c = ? AND entity = 'Account' AND active = 1 ORDER BY num DESC",
            (company.store.company,),
        )
        company.account_roles.update({str(kind): identifier for kind, identifier in rows})
    return company.account_roles.get(subtype)


def account_for(company: Company, subtype: str) -> str:
    """The id of the first active account of a subtype, made when there is none."""
    return account_of_subtype(company, subtype) or make_special(company, subtype)


def account_called(company: Company, name: str, kind: str, classification: str, subtype: str) -> str:
    """The id of the account of that name, made when there is none: for parts that share their subtype with others."""
    holder = company.store.holder_of_name(f"Account//{name.casefold()}")
    if holder is not None and company.require("Account", holder[1]).get("AccountType") == kind:
        return holder[1]
    return make_account(company, name, kind, classification, subtype)


def make_special(company: Company, subtype: str) -> str:
    """A special account by its subtype."""
    name, kind, classification = SPECIAL[subtype]
    return make_account(company, name, kind, classification, subtype)


def make_account(company: Company, name: str, kind: str, classification: str, subtype: str) -> str:
    """A new account; when its name is taken by another kind, QBO numbers it."""
    while company.store.holder_of_name(f"Account//{name.casefold()}") is not None:
        name += " 1"
    obj: JsonObject = {
        "Name": name,
        "SubAccount": False,
        "FullyQualifiedName": name,
        "Active": True,
        "Classification": classification,
        "AccountType": kind,
        "AccountSubType": subtype,
        "CurrentBalance": 0,
        "CurrentBalanceWithSubAccounts": 0,
        "CurrencyRef": company.home_currency(None),
        "Id": str(company.store.next_number("Account")),
    }
    return str(company.save("Account", obj, None, tuple(obj), "Create")["Id"])


def tax_account(company: Company, tax: JsonObject) -> str:
    """The liability account of the agency behind a TxnTaxDetail, else any account for sales tax."""
    for line in tax.get("TaxLine") or []:
        rate = company.store.get("TaxRate", str(line.get("TaxLineDetail", {}).get("TaxRateRef", {}).get("value")))
        agency = company.store.get("TaxAgency", str((rate or {}).get("AgencyRef", {}).get("value")))
        name = str((agency or {}).get("DisplayName", "")).casefold()
        holder = company.store.holder_of_name(f"Account//{name} payable")
        if holder is not None:
            return holder[1]
    found = [account_of_subtype(company, kind) for kind in TAX_PAYABLE]
    return next((identifier for identifier in found if identifier), None) or make_special(company, TAX_PAYABLE[0])
