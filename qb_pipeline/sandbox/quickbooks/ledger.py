"""What a transaction means for customers' balances and accounts.

Invariant: Customer.Balance moves by exactly the change of what is open on the customer's documents, so
Balance = open invoices - unapplied payments - open credits whenever it was so before.

    open_amount("Invoice", obj)   -> signed amount the document leaves open for its customer
    postings(company, "Invoice", obj) -> {account id: debit (negative: credit)}
    settle(company, entity, before, after)   applies the difference of both to customers and accounts

    sold(obj, "Invoice")          -> {item id: quantity that left the stock}

A posting moves LastUpdatedTime of its customer and accounts and leaves their SyncTokens alone. The cost of goods sold
is not modelled: it needs the purchases, so inventory items change their quantity only.
"""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.accounts import account_of_subtype, tax_account
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value

# Equity shows a credit as a positive balance; income and expense accounts show none at all.
SIGN = {"Asset": 1, "Liability": 1, "Equity": -1}
Postings = dict[str, Decimal]


def open_amount(entity: str, obj: JsonObject) -> Decimal:
    """What the document adds to its customer's balance."""
    if entity == "Invoice":
        return decimal_of(obj.get("Balance"))
    if entity == "CreditMemo":
        return -decimal_of(obj.get("Balance"))
    if entity == "Payment":
        return -decimal_of(obj.get("UnappliedAmt"))
    return Decimal(0)


def postings(company: Company, entity: str, obj: JsonObject) -> Postings:
    """Debits per account; accounts the company does not have are left out."""
    result: defaultdict[str, Decimal] = defaultdict(Decimal)
    if entity in ("Invoice", "CreditMemo"):
        post_sale(company, obj, result, 1 if entity == "Invoice" else -1)
    elif entity == "Payment":
        amount = decimal_of(obj.get("TotalAmt"))
        add(result, ref_value(obj, "DepositToAccountRef"), amount)
        add(result, account_of_subtype(company, "AccountsReceivable"), -amount)
    elif entity == "Deposit":
        post_deposit(company, obj, result)
    return dict(result)


def post_sale(company: Company, obj: JsonObject, result: defaultdict[str, Decimal], sign: int) -> None:
    """Receivables against income, discounts and sales tax."""
    add(result, account_of_subtype(company, "AccountsReceivable"), sign * decimal_of(obj.get("TotalAmt")))
    for line in obj.get("Line") or []:
        amount = sign * decimal_of(line.get("Amount"))
        add(result, ref_value(line.get("SalesItemLineDetail") or {}, "ItemAccountRef"), -amount)
        add(result, ref_value(line.get("DiscountLineDetail") or {}, "DiscountAccountRef"), amount)
    tax = obj.get("TxnTaxDetail") or {}
    if total := decimal_of(tax.get("TotalTax")):
        add(result, tax_account(company, tax), -sign * total)


def post_deposit(company: Company, obj: JsonObject, result: defaultdict[str, Decimal]) -> None:
    """The bank account against undeposited funds and the lines' own accounts."""
    add(result, ref_value(obj, "DepositToAccountRef"), decimal_of(obj.get("TotalAmt")))
    for line in obj.get("Line") or []:
        account = ref_value(line.get("DepositLineDetail") or {}, "AccountRef")
        if line.get("LinkedTxn"):
            account = account_of_subtype(company, "UndepositedFunds")
        add(result, account, -decimal_of(line.get("Amount")))
    cash_back = obj.get("CashBack") or {}
    add(result, ref_value(cash_back, "AccountRef"), decimal_of(cash_back.get("Amount")))


def add(result: defaultdict[str, Decimal], account: str | None, debit: Decimal) -> None:
    """Add a debit to an account that exists."""
    if account is not None:
        result[account] += debit


def settle(company: Company, entity: str, before: JsonObject | None, after: JsonObject | None) -> None:
    """Carry the difference between two versions of a transaction to its customers and accounts."""
    customers: defaultdict[str, Decimal] = defaultdict(Decimal)
    accounts: defaultdict[str, Decimal] = defaultdict(Decimal)
    for obj, sign in ((before, -1), (after, 1)):
        if obj is None:
            continue
        if entity in ("Invoice", "CreditMemo", "Payment") and (customer := ref_value(obj, "CustomerRef")):
            customers[customer] += sign * open_amount(entity, obj)
        for account, debit in postings(company, entity, obj).items():
            accounts[account] += sign * debit
    move_customers(company, customers)
    move_accounts(company, accounts)
    if entity in ("Invoice", "CreditMemo"):
        move_stock(company, sold(before, entity), sold(after, entity))


def move_customers(company: Company, changes: Mapping[str, Decimal]) -> None:
    """Add to Balance of each customer, and to BalanceWithJobs up to the top of its family."""
    for identifier, change in changes.items():
        own, current = change, company.store.get("Customer", identifier)
        while current is not None:
            after = dict(current)
            after["Balance"] = number(decimal_of(current.get("Balance")) + own)
            after["BalanceWithJobs"] = number(decimal_of(current.get("BalanceWithJobs")) + change)
            company.touch("Customer", after, current)
            parent = ref_value(current, "ParentRef")
            own, current = Decimal(0), company.store.get("Customer", parent) if parent and change else None


def move_branch(company: Company, entity: str, key: str, before: JsonObject, after: JsonObject) -> None:
    """A record that changes its parent takes its `key` (a sum with its subs) from the old branch to the new one."""
    old, new = ref_value(before, "ParentRef"), ref_value(after, "ParentRef")
    amount = decimal_of(after.get(key))
    if old == new or not amount:
        return
    for parent, change in ((old, -amount), (new, amount)):
        current = company.store.get(entity, parent) if parent else None
        while current is not None:
            company.touch(entity, {**current, key: number(decimal_of(current.get(key)) + change)}, current)
            higher = ref_value(current, "ParentRef")
            current = company.store.get(entity, higher) if higher else None


def move_accounts(company: Company, changes: Mapping[str, Decimal]) -> None:
    """Add to CurrentBalance of balance-sheet accounts, and with sub-accounts up the tree."""
    for identifier, change in changes.items():
        own, current = change, company.store.get("Account", identifier)
        while current is not None:
            sign = SIGN.get(str(current.get("Classification")), 0)
            after = dict(current)
            after["CurrentBalance"] = number(decimal_of(current.get("CurrentBalance")) + sign * own)
            with_subs = decimal_of(current.get("CurrentBalanceWithSubAccounts")) + sign * change
            after["CurrentBalanceWithSubAccounts"] = number(with_subs)
            company.touch("Account", after, current)
            parent = ref_value(current, "ParentRef")
            own, current = Decimal(0), company.store.get("Account", parent) if parent and change else None


def sold(obj: JsonObject | None, entity: str) -> Postings:
    """Quantities by item; a credit memo brings them back."""
    quantities: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in (obj or {}).get("Line") or []:
        detail = line.get("SalesItemLineDetail") or {}
        if detail.get("Qty"):
            add(quantities, ref_value(detail, "ItemRef"), decimal_of(detail["Qty"]))
    return {item: quantity if entity == "Invoice" else -quantity for item, quantity in quantities.items()}


def move_stock(company: Company, before: Postings, after: Postings) -> None:
    """Take the difference out of QtyOnHand of inventory items."""
    for identifier in sorted({*before, *after}):
        change = after.get(identifier, Decimal(0)) - before.get(identifier, Decimal(0))
        item = company.store.get("Item", identifier) if change else None
        if item is not None and item.get("Type") == "Inventory":
            quantity = number(decimal_of(item.get("QtyOnHand")) - change)
            company.touch("Item", {**item, "QtyOnHand": quantity}, item)
