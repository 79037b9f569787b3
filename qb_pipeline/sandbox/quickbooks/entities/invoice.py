"""Invoice.

Invariant: Balance = TotalAmt - Deposit - what payments and credits have been applied; a void or a removal frees what
was applied.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.applications import free_applications
from qb_pipeline.sandbox.quickbooks.entities.auto_apply import use_credits
from qb_pipeline.sandbox.quickbooks.entities.billing import bill, complete_billing
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.invoice_link import with_invoice_link
from qb_pipeline.sandbox.quickbooks.entities.money_account import complete_money_account
from qb_pipeline.sandbox.quickbooks.entities.payment import PAYMENT
from qb_pipeline.sandbox.quickbooks.entities.sale import KEPT, SALE, complete_sale, due_date, voided_sale
from qb_pipeline.sandbox.quickbooks.entities.transaction import refuse_closed
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import MONEY, Day, Flag, Property, Ref, Text

ONLINE = ("AllowIPNPayment", "AllowOnlinePayment", "AllowOnlineCreditCardPayment", "AllowOnlineACHPayment")
OWN: dict[str, Property] = {
    **{key: Flag() for key in ONLINE},
    "DueDate": Day(),
    "ShipDate": Day(),
    "TrackingNum": Text(31),
    "Deposit": MONEY,
    "DepositToAccountRef": Ref("Account"),
}
LAYOUT = (
    "Deposit", *ONLINE, *HEAD, "CustomField", "DocNumber", "TxnDate", "DepartmentRef", "CurrencyRef", "ExchangeRate",
    "PrivateNote", "LinkedTxn", "Line", "TxnTaxDetail", "CustomerRef", "ProjectRef", "CustomerMemo", "BillAddr",
    "ShipAddr", "FreeFormAddress", "ShipFromAddr", "ClassRef", "SalesTermRef", "DueDate", "ShipMethodRef", "ShipDate",
    "TrackingNum", "GlobalTaxCalculation", "TotalAmt", "HomeTotalAmt", "ApplyTaxAfterDiscount", "PrintStatus",
    "EmailStatus", "BillEmail", "BillEmailCc", "BillEmailBcc", "Balance", "HomeBalance", "DepositToAccountRef",
    "DeliveryInfo", "InvoiceLink",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in an invoice."""
    obj, before = draft.obj, draft.before
    total = complete_sale(company, "Invoice", draft)
    complete_billing(company, draft)
    for key in ONLINE:
        obj.setdefault(key, False)
    if "DueDate" not in obj or terms_changed(draft):
        obj["DueDate"] = due_date(company, obj)
    applied = applied_to(before)
    complete_deposit(company, obj, total)
    total -= decimal_of(obj.get("Deposit"))
    if total < applied:
        raise business(f"The invoice has {applied} applied; its total cannot become {total}.", element="TotalAmt")
    if before is not None and applied and ref_value(before, "CustomerRef") != ref_value(obj, "CustomerRef"):
        raise Fault(
            620, f"Invoice {before['Id']} has payments of its customer; unapply them first.", element="CustomerRef"
        )
    obj["Balance"] = number(total - applied)
    return obj


def applied_to(invoice: JsonObject | None) -> Decimal:
    """What payments and credits have settled of an invoice."""
    amounts = invoice or {}
    return sum(
        (sign * decimal_of(amounts.get(key)) for key, sign in (("TotalAmt", 1), ("Deposit", -1), ("Balance", -1))),
        Decimal(0),
    )


def complete_deposit(company: Company, obj: JsonObject, total: Decimal) -> None:
    """A part paid when the invoice is written, in a company that takes such deposits. 5030, 6000, 6430."""
    takes = bool((company.preferences().get("SalesFormsPrefs") or {}).get("AllowDeposit"))
    amount = decimal_of(obj.get("Deposit"))
    if amount and not takes:
        raise Fault(
            5030, "Feature not supported: deposits on invoices are switched off (AllowDeposit).", element="Deposit"
        )
    if not 0 <= amount <= total:
        raise business(f"The deposit of {amount} must lie between 0 and the total of {total}.", element="Deposit")
    if takes:
        obj["Deposit"] = number(amount)
    if amount:
        complete_money_account(company, obj)
    else:
        obj.pop("DepositToAccountRef", None)
        if not takes:
            obj.pop("Deposit", None)


def terms_changed(draft: Draft) -> bool:
    """Whether the update moves terms or date and leaves the due date to the server."""
    return (
        not draft.given("DueDate") and draft.before is not None and bool({"SalesTermRef", "TxnDate"} & set(draft.sent))
    )


def effect(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """What is billed says so; a removed or voided invoice leaves its payments unapplied."""
    bill(company, before, after)
    if before is None:
        use_credits(company, PAYMENT, after or {})
        return
    voided = after is not None and bool(before.get("LinkedTxn")) and not after.get("LinkedTxn")
    if after is None or voided:
        free_applications(company, "Invoice", str(before["Id"]))


def voided(_company: Company, obj: JsonObject) -> JsonObject:
    """Nothing sold, nothing paid down."""
    after = voided_sale(obj)
    return {**after, "Deposit": 0} if "Deposit" in after else after


INVOICE = Entity(
    name="Invoice",
    properties={**SALE, **OWN},
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    kept=(*KEPT, *ONLINE),
    guard=refuse_closed,
    effect=effect,
    voided=voided,
    shown=with_invoice_link,
)
