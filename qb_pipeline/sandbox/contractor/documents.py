"""The arithmetic of documents: line amounts, subtotal, tax, total, balance, status. Pure functions.

Invariant: subtotal = sum of line amounts, total = subtotal + tax, balance = total - what is applied (0 when void).
"""

from collections.abc import Callable
from decimal import Decimal

from qb_pipeline.sandbox.contractor.problems import invalid
from qb_pipeline.sandbox.contractor.values import ZERO, Record, amount_of, money_text, shown, to_cent, total_of


def line_amount(line: Record, price: str, path: str) -> str | None:
    """The line's amount: given, or quantity times `price`; Problem 422 when both are there and disagree."""
    quantity, unit = line["quantity"], line[price]
    if quantity is None or unit is None:
        return None if line["amount"] is None else str(line["amount"])
    expected = money_text(to_cent(Decimal(quantity) * Decimal(unit)))
    if line["amount"] not in (None, expected):
        raise invalid(
            "amount_mismatch",
            f"{path}.amount is {shown(line['amount'])} but quantity {quantity} times {price} {unit} is {expected};"
            f" send {expected} or leave amount out",
            f"{path}.amount",
        )
    return expected


def sales_line(line: Record, position: int, item_taxable: Callable[[str], bool]) -> Record:
    """A sales line with its amount and its taxability (its item's when not given)."""
    path = f"lines[{position}]"
    amount = line_amount(line, "unit_price", path)
    if line["item_id"] is not None and amount is None:
        raise invalid(
            "amount_missing", f"{path} sells an item: send amount, or quantity and unit_price", f"{path}.amount"
        )
    taxable = line["taxable"]
    if taxable is None:
        taxable = line["item_id"] is not None and item_taxable(line["item_id"])
    return {**line, "amount": amount, "taxable": taxable}


def purchase_line(line: Record, position: int) -> Record:
    """A purchase line with its amount, booked to an item or to an account."""
    path = f"lines[{position}]"
    amount = line_amount(line, "unit_cost", path)
    if line["item_id"] is not None and line["account_id"] is not None:
        raise invalid("two_targets", f"{path} has both item_id and account_id; send one of them", f"{path}.account_id")
    if Decimal(amount or 0) != 0 and line["item_id"] is None and line["account_id"] is None:
        raise invalid("no_target", f"{path} has an amount: send item_id or account_id", f"{path}.item_id")
    return {**line, "amount": amount}


def computed_tax(lines: list[Record], percent: Decimal) -> Decimal:
    """Tax on the taxable lines; a taxable discount line lowers the base."""
    base = total_of(line for line in lines if line["taxable"])
    return to_cent(base * percent / 100)


def sales_totals(record: Record, tax: Decimal) -> Record:
    """subtotal, tax and total of a sales document; Problem 422 when the total is negative."""
    subtotal = total_of(record["lines"])
    total = subtotal + tax
    if total < 0:
        raise invalid("negative_total", f"the total would be {money_text(total)}; use a credit memo instead", "lines")
    return {"subtotal": money_text(subtotal), "tax": money_text(tax), "total": money_text(total)}


def balance_and_status(record: Record, applied: Decimal, *, open_balance: bool) -> Record:
    """`balance` and `status` after `applied` money; Problem 422 when more is applied than the total."""
    if record["status"] == "void" or not open_balance:
        return {"balance": "0.00", "status": record["status"]}
    balance = amount_of(record, "total") - applied
    if balance < 0:
        raise invalid(
            "over_allocated",
            f"{record['id']}: {money_text(applied)} is applied already, more than the total {record['total']};"
            " reduce the allocations first",
            "lines",
        )
    return {"balance": money_text(balance), "status": settled_status(record["status"], balance, applied)}


def settled_status(status: str, balance: Decimal, applied: Decimal) -> str:
    """Paid when allocations brought the balance to zero, sent again when it reopens."""
    if balance == 0 and applied > 0:
        return "paid"
    return "sent" if status == "paid" and balance > ZERO else status
