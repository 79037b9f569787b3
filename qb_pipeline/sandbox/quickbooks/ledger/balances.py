"""Balances of accounts, customers and vendors, kept beside them.

Invariant: a balance moves by exactly what was posted, and moves nothing but the record's LastUpdatedTime with it.
"""

from collections.abc import Mapping
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import ref_value

# As recorded: the balance sheet's accounts show debits as positive (a debt is negative); the others show no balance.
SHOWN = ("Asset", "Liability", "Equity")


def shown(account: JsonObject, debit: Decimal) -> Decimal:
    """A debit balance as the account shows it."""
    return debit if account.get("Classification") in SHOWN else Decimal(0)


def move_parties(company: Company, changes: Mapping[Reference, Decimal]) -> None:
    """Add to Balance of each customer (and BalanceWithJobs up its family); vendors show what is owed to them."""
    for (entity, identifier), change in changes.items():
        if not change:
            continue
        if entity == "Customer":
            move_up(company, "Customer", identifier, change, ("Balance", "BalanceWithJobs"))
        elif entity == "Vendor" and (vendor := company.store.get("Vendor", identifier)):
            company.touch("Vendor", {**vendor, "Balance": number(decimal_of(vendor.get("Balance")) - change)}, vendor)


def move_accounts(company: Company, changes: Mapping[str, Decimal]) -> None:
    """Add to CurrentBalance of balance-sheet accounts, and with sub-accounts up the tree."""
    for identifier, debit in changes.items():
        account = company.store.get("Account", identifier)
        change = shown(account, debit) if account is not None else Decimal(0)
        if account is None or not debit:
            continue
        if account.get("Active") is False:
            # It shows nothing while it is inactive; the sums above it still count what is posted to it.
            move_sums(company, "Account", ref_value(account, "ParentRef"), change, "CurrentBalanceWithSubAccounts")
        else:
            move_up(company, "Account", identifier, change, ("CurrentBalance", "CurrentBalanceWithSubAccounts"))


def move_up(company: Company, entity: str, identifier: str, change: Decimal, keys: tuple[str, str]) -> None:
    """Add to a record's own balance (the first key), and to the sum with its subs (the second) up to the top."""
    own, current = change, company.store.get(entity, identifier)
    while current is not None:
        after = dict(current)
        after[keys[0]] = number(decimal_of(current.get(keys[0])) + own)
        after[keys[1]] = number(decimal_of(current.get(keys[1])) + change)
        company.touch(entity, after, current)
        parent = ref_value(current, "ParentRef")
        own, current = Decimal(0), company.store.get(entity, parent) if parent and change else None


def move_branch(company: Company, entity: str, key: str, before: JsonObject, after: JsonObject) -> None:
    """A record that changes its parent takes its `key` (a sum with its subs) from the old branch to the new one."""
    old, new = ref_value(before, "ParentRef"), ref_value(after, "ParentRef")
    amount = decimal_of(after.get(key))
    if old == new or not amount:
        return
    for parent, change in ((old, -amount), (new, amount)):
        move_sums(company, entity, parent, change, key)


def move_sums(company: Company, entity: str, parent: str | None, change: Decimal, key: str) -> None:
    """Add to a sum with subs, from a record up to the top."""
    while parent is not None and change:
        current = company.store.get(entity, parent)
        if current is None:
            return
        company.touch(entity, {**current, key: number(decimal_of(current.get(key)) + change)}, current)
        parent = ref_value(current, "ParentRef")
