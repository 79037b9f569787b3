"""Several currencies in one company: which one a record is in, and what it is worth at home.

Invariant: a transaction is in the currency of its customer, vendor or account, and its ExchangeRate says how many home
units one of that currency is; a company with one currency shows no rate at all.

    priced(company, "Invoice", draft, obj)   after the entity's own completion: CurrencyRef, ExchangeRate, Home...
    rate_on(company, "EUR", "2026-03-01")    the rate that was last set by then, None when there is none
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entity import Draft
from qb_pipeline.sandbox.quickbooks.faults import Fault, business
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, loads, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value

# Where each transaction takes its currency from: (key of the reference, entity); "" for what it says itself.
TAKEN_FROM = {
    **dict.fromkeys(
        ("Invoice", "SalesReceipt", "CreditMemo", "RefundReceipt", "Estimate", "Payment"), ("CustomerRef", "Customer")
    ),
    **dict.fromkeys(("Bill", "VendorCredit", "BillPayment", "PurchaseOrder"), ("VendorRef", "Vendor")),
    "Purchase": ("AccountRef", "Account"),
    "Deposit": ("DepositToAccountRef", "Account"),
    "Transfer": ("FromAccountRef", "Account"),
    "CreditCardPaymentTxn": ("BankAccountRef", "Account"),
    "JournalEntry": ("", ""),
}
WITH_HOME_TOTAL = ("Invoice", "SalesReceipt", "CreditMemo", "RefundReceipt", "Estimate", "Deposit", "JournalEntry")
WITH_HOME_BALANCE = ("Invoice", "CreditMemo", "Bill", "VendorCredit")
HOLDERS = ("Customer", "Vendor", "Account")
# Accounts that may be kept in another currency than the home one.
FOREIGN_ACCOUNTS = (
    "Bank", "Credit Card", "Accounts Receivable", "Accounts Payable", "Other Current Asset", "Other Current Liability",
)  # fmt: skip
RATES = (
    "SELECT body FROM objects WHERE c = ? AND entity = 'ExchangeRate'"
    " AND json_extract(body, '$.SourceCurrencyCode') = ?"
    " AND json_extract(body, '$.AsOfDate') <= ? ORDER BY json_extract(body, '$.AsOfDate') DESC LIMIT 1"
)


def is_multicurrency(company: Company) -> bool:
    """Whether the company keeps several currencies."""
    return bool((company.preferences().get("CurrencyPrefs") or {}).get("MultiCurrencyEnabled"))


def home_code(company: Company) -> str:
    """The home currency's code."""
    return str(company.currency_of(None)["value"])


def rate_on(company: Company, code: str, day: str) -> Decimal | None:
    """Home units for one unit of a currency, as last set on or before a day."""
    row = company.store.conn.execute(RATES, (company.store.company, code, day)).fetchone()
    return None if row is None else decimal_of(loads(row[0]).get("Rate"))


def priced(company: Company, entity: str, draft: Draft, obj: JsonObject) -> JsonObject:
    """Complete what several currencies add to a record. 6000, 2140."""
    if entity in HOLDERS:
        return held(company, entity, draft, obj)
    if entity not in TAKEN_FROM or not is_multicurrency(company):
        return obj
    code = currency_of_transaction(company, entity, draft, obj)
    obj["CurrencyRef"] = company.currency_of({"value": code})
    check_accounts(company, obj, code)
    # A bank in home currency takes everything, at its worth at home.
    if entity == "Deposit" and code != home_code(company):
        check_deposited(company, obj, code)
    obj["ExchangeRate"] = number(exchange_rate(company, draft, obj, code))
    # The amounts are filled in when the object is stored, because side effects move them too.
    if entity in WITH_HOME_TOTAL:
        obj["HomeTotalAmt"] = 0
    if entity in WITH_HOME_BALANCE:
        obj["HomeBalance"] = 0
    return obj


def held(company: Company, entity: str, draft: Draft, obj: JsonObject) -> JsonObject:
    """The currency of a customer, vendor or account stays what it was made with. 6000."""
    before = draft.before or {}
    if not draft.given("CurrencyRef"):
        parent = ref_value(obj, "ParentRef")
        above = company.store.get(entity, parent) if parent and draft.before is None else None
        obj["CurrencyRef"] = (above or before).get("CurrencyRef") or obj["CurrencyRef"]
    code = ref_value(obj, "CurrencyRef")
    if before.get("CurrencyRef") and ref_value(before, "CurrencyRef") != code:
        raise business(f"The currency of {entity} {before['Id']} cannot be changed.", element="CurrencyRef")
    if entity == "Account" and obj["AccountType"] not in FOREIGN_ACCOUNTS and code != home_code(company):
        raise business(f"An account of type {obj['AccountType']} is kept in the home currency.", element="CurrencyRef")
    return obj


def currency_of_transaction(company: Company, entity: str, draft: Draft, obj: JsonObject) -> str:
    """The currency of the party or account; 6000 when the client says another one."""
    key, target = TAKEN_FROM[entity]
    identifier = ref_value(obj, key)
    holder = company.store.get(target, identifier) if identifier else None
    said = ref_value(draft.sent, "CurrencyRef")
    if holder is None:
        return said or ref_value(draft.before or {}, "CurrencyRef") or home_code(company)
    code = ref_value(holder, "CurrencyRef") or home_code(company)
    if said is not None and said != code:
        raise business(
            f"The currency must be {code}, that of {target} {identifier}, not {said}.", element="CurrencyRef"
        )
    return code


def check_accounts(company: Company, obj: JsonObject, code: str) -> None:
    """6000 for money into or out of an account of a third currency."""
    for key in ("DepositToAccountRef", "ToAccountRef", "CreditCardAccountRef"):
        identifier = ref_value(obj, key)
        kept = ref_value(company.store.get("Account", identifier) or {}, "CurrencyRef") if identifier else None
        if kept is not None and kept not in (code, home_code(company)):
            raise business(f"{key} {identifier} is kept in {kept}; the transaction is in {code}.", element=key)


def check_deposited(company: Company, obj: JsonObject, code: str) -> None:
    """6000 for money of a third currency in a deposit."""
    for line in obj.get("Line") or []:
        for link in line.get("LinkedTxn") or []:
            source = company.store.get(str(link.get("TxnType")), str(link.get("TxnId"))) or {}
            kept = ref_value(source, "CurrencyRef") or code
            if kept != code:
                raise business(
                    f"{link['TxnType']} {link['TxnId']} is in {kept}; the deposit goes to an account in {code}.",
                    element="LinkedTxn",
                )


def exchange_rate(company: Company, draft: Draft, obj: JsonObject, code: str) -> Decimal:
    """The rate sent, or the one that stood, or the one of the day, or 1."""
    if code == home_code(company):
        return Decimal(1)
    before = draft.before or {}
    if draft.given("ExchangeRate"):
        rate = decimal_of(draft.sent["ExchangeRate"])
        if rate <= 0:
            raise Fault(2140, f"ExchangeRate must be greater than 0, not {rate}.", element="ExchangeRate")
        return rate
    unmoved = before.get("TxnDate") == obj.get("TxnDate") and ref_value(before, "CurrencyRef") == code
    if unmoved and before.get("ExchangeRate"):
        return decimal_of(before["ExchangeRate"])
    return rate_on(company, code, str(obj.get("TxnDate") or company.now.date())) or Decimal(1)
