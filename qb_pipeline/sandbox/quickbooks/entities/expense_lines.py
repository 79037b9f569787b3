"""The lines of bills, vendor credits, purchases and purchase orders.

Invariant: a line is either on an account or on an item, never both, and keeps its Id as long as the client sends it.

    complete_lines(company, sent_lines, stored_lines, FORM, mode) -> the lines as stored
    sum_of(lines)                                            Decimal, before tax
"""

from dataclasses import dataclass
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company, arranged
from qb_pipeline.sandbox.quickbooks.entities.common import ANYTHING, CUSTOM_FIELDS, LINKED, RO
from qb_pipeline.sandbox.quickbooks.entities.purchase_tax import complete_line_tax
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, inactive, missing, not_modelled
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, cents, decimal_of
from qb_pipeline.sandbox.quickbooks.rows import ref_value, reference_name
from qb_pipeline.sandbox.quickbooks.schema import MONEY, Choice, Group, Many, Number, Property, Ref, Text

ON_ACCOUNT, ON_ITEM = "AccountBasedExpenseLineDetail", "ItemBasedExpenseLineDetail"
CONTROL = ("Accounts Receivable", "Accounts Payable")
BILLABLE = ("Billable", "NotBillable", "HasBeenBilled")
SHARED: dict[str, Property] = {
    "CustomerRef": Ref("Customer"),
    "ClassRef": Ref("Class"),
    "BillableStatus": Choice(BILLABLE),
    "TaxCodeRef": Ref("", named=False),
    "TaxAmount": MONEY,
    "TaxInclusiveAmt": MONEY,
    "MarkupInfo": Group(
        {
            "PercentBased": RO,
            "Value": Number(),
            "Percent": Number(),
            "PriceLevelRef": RO,
            "MarkUpIncomeAccountRef": Ref("Account"),
        }
    ),
}
LINE = Many(
    Group(
        {
            "Id": Text(20),
            "LineNum": Number(),
            "Description": Text(4000),
            "Amount": MONEY,
            "DetailType": Text(50),
            "LinkedTxn": LINKED,
            "Received": RO,
            "CustomField": CUSTOM_FIELDS,
            "CustomExtensions": RO,
            "LineEx": RO,
            "ProjectRef": RO,
            ON_ACCOUNT: Group({**SHARED, "AccountRef": Ref("Account")}),
            ON_ITEM: Group(
                {
                    **SHARED,
                    "ItemRef": Ref(""),
                    "UnitPrice": Number(),
                    "Qty": Number(),
                    "ItemAccountRef": RO,
                    "PriceLevelRef": RO,
                }
            ),
            "DescriptionLineDetail": ANYTHING,
            "GroupLineDetail": ANYTHING,
            "TDSLineDetail": ANYTHING,
        }
    )
)
DETAIL_LAYOUT = (
    "CustomerRef", "ClassRef", "AccountRef", "BillableStatus", "ItemRef", "UnitPrice", "Qty", "TaxAmount",
    "TaxCodeRef", "TaxInclusiveAmt", "MarkupInfo",
)  # fmt: skip


@dataclass(frozen=True)
class Form:
    """How one kind of form shows its lines: numbered or not, with an empty LinkedTxn or none, and where they post."""

    numbered: bool = True
    linked: bool = True
    posts: bool = True
    # Lines on receivables or payables; only forms that name a party in their head can have them.
    control_lines: bool = False

    @property
    def layout(self) -> tuple[str, ...]:
        """The keys of a line in QBO's order."""
        return ("Id", "LineNum", "Description", "Amount", "LinkedTxn", "Received", "DetailType", ON_ACCOUNT, ON_ITEM)


def complete_lines(
    company: Company, sent: list[JsonObject], stored: list[JsonObject], form: Form, mode: str
) -> list[JsonObject]:
    """Check and fill in all lines. 2020, 2170, 2500, 610, 6000, 6070, 6100, 6440."""
    old = {str(line["Id"]): line for line in stored if "Id" in line}
    return [complete_line(company, line, old.get(str(line["Id"])), form, mode) for line in with_ids(sent, old)]


def with_ids(lines: list[JsonObject], old: dict[str, JsonObject]) -> list[JsonObject]:
    """Known Ids stay, each once; other lines get the numbers after the highest ever used here."""
    known = set(old)
    following = max((int(identifier) for identifier in known if identifier.isdecimal()), default=0) + 1
    result: list[JsonObject] = []
    for position, line in enumerate(lines, 1):
        identifier = str(line.get("Id"))
        if identifier in known:
            known.discard(identifier)
        else:
            identifier, following = str(following), following + 1
        result.append({**line, "Id": identifier, "LineNum": position})
    return result


def complete_line(company: Company, line: JsonObject, before: JsonObject | None, form: Form, mode: str) -> JsonObject:
    """One line as it is stored; `before` is the stored one of the same Id."""
    kind = kind_of(line)
    if not form.numbered:
        line.pop("LineNum", None)
    if kind == "DescriptionOnly":
        return {"DescriptionLineDetail": {}} | {k: v for k, v in line.items() if k not in ("Amount", "LinkedTxn")}
    if "Amount" not in line:
        raise missing("Line.Amount")
    detail, old = line.setdefault(kind, {}), (before or {}).get(kind) or {}
    if kind == ON_ACCOUNT:
        check_account(company, detail, form)
    else:
        drop_zeros(detail)
        check_amount(line, detail)
        complete_item(company, detail, old, posts=form.posts)
    complete_status(company, detail, old)
    complete_line_tax(company, line, detail, mode)
    line[kind] = arranged(detail, DETAIL_LAYOUT)
    complete_links(line, before, form)
    return {
        **arranged({key: part for key, part in line.items() if key != other(kind)}, form.layout),
        "CustomExtensions": [],
    }


def other(kind: str) -> str:
    """The detail the line does not have."""
    return ON_ITEM if kind == ON_ACCOUNT else ON_ACCOUNT


def kind_of(line: JsonObject) -> str:
    """The line's DetailType, one that is modelled. 2020, 2170, 2600."""
    kind = line.get("DetailType")
    if kind is None:
        raise missing("Line.DetailType")
    if kind in ("GroupLineDetail", "TDSLineDetail"):
        raise not_modelled(f"a line with DetailType {kind} on a purchase form")
    if kind not in (ON_ACCOUNT, ON_ITEM, "DescriptionOnly"):
        raise Fault(2170, f"DetailType {kind} cannot stand on a purchase form.", element="Line.DetailType")
    if kind != "DescriptionOnly" and line.get(other(str(kind))):
        raise business(f"A line has either {ON_ACCOUNT} or {ON_ITEM}, never both.", element="Line.DetailType")
    return str(kind)


def check_account(company: Company, detail: JsonObject, form: Form) -> None:
    """6440 without an account, 6000 for receivables or payables on a form that owes for its lines already."""
    identifier = ref_value(detail, "AccountRef")
    if identifier is None:
        raise Fault(6440, "A line needs an account or an item: AccountRef is missing.", element="AccountRef")
    kind = company.require("Account", identifier).get("AccountType")
    if kind in CONTROL and not form.control_lines:
        party = "customer" if kind == CONTROL[0] else "vendor"
        raise business(f"When you use {kind}, you must choose a {party} in the Name field.", element="AccountRef")


def complete_item(company: Company, detail: JsonObject, old: JsonObject, *, posts: bool) -> None:
    """The item with its current name. 6440, 2500, 610; 6000 for one that is not bought."""
    identifier = ref_value(detail, "ItemRef")
    if identifier is None:
        raise Fault(6440, "A line needs an account or an item: ItemRef is missing.", element="ItemRef")
    item = company.require("Item", identifier)
    if item.get("Active") is False and identifier != ref_value(old, "ItemRef"):
        raise inactive("Item", identifier)
    if item.get("Type") in ("Category", "Group"):
        raise business(f"Item {identifier} is a {item['Type']} and cannot stand on a line.", element="ItemRef")
    account = "AssetAccountRef" if item.get("Type") == "Inventory" else "ExpenseAccountRef"
    if posts and ref_value(item, account) is None:
        raise business(f"Item {identifier} has no {account}, so it cannot be bought.", element="ItemRef")
    detail["ItemRef"] = {"value": identifier, "name": reference_name("Item", item)}


def drop_zeros(detail: JsonObject) -> None:
    """Clients with fixed classes send Qty 0 and UnitPrice 0 for "not given"."""
    if not detail.get("Qty") and not detail.get("UnitPrice"):
        detail.pop("Qty", None)
        detail.pop("UnitPrice", None)


def check_amount(line: JsonObject, detail: JsonObject) -> None:
    """6070 unless Amount is Qty x UnitPrice to the cent, where both are given."""
    quantity, price = detail.get("Qty"), detail.get("UnitPrice")
    if not quantity or price is None:
        return
    expected, amount = cents(decimal_of(quantity) * decimal_of(price)), cents(decimal_of(line["Amount"]))
    # A stored line whose price includes tax is sent back with its net amount.
    if expected not in (amount, decimal_of(detail.get("TaxInclusiveAmt", amount))):
        raise Fault(
            6070,
            f"Amount is not equal to UnitPrice * Qty. Supplied value:{amount}, expected {expected}",
            element="Line.Amount",
        )


def complete_status(company: Company, detail: JsonObject, old: JsonObject) -> None:
    """BillableStatus: Billable for a customer where the company bills costs on. 2170 for what only an invoice sets."""
    status, customer = detail.get("BillableStatus"), ref_value(detail, "CustomerRef")
    was = old.get("BillableStatus")
    if status == "HasBeenBilled" and was != "HasBeenBilled":
        raise Fault(2170, "BillableStatus HasBeenBilled is set by billing the line.", element="BillableStatus")
    if was == "HasBeenBilled" and customer == ref_value(old, "CustomerRef"):
        detail["BillableStatus"] = was
    elif customer is None:
        if status == "Billable":
            raise business("A billable line needs a customer.", element="CustomerRef")
        detail["BillableStatus"] = "NotBillable"
    elif status is None:
        detail["BillableStatus"] = "Billable" if bills_costs(company) else "NotBillable"


def bills_costs(company: Company) -> bool:
    """Whether the company passes costs on to its customers; unless it says no, it does."""
    preferences = company.preferences().get("VendorAndPurchasesPrefs") or {}
    return preferences.get("BillableExpenseTracking") is not False


def complete_links(line: JsonObject, before: JsonObject | None, form: Form) -> None:
    """Purchase orders the client names; the charge behind a billable line is the server's and stays."""
    orders = [link for link in line.pop("LinkedTxn", None) or [] if link.get("TxnType") == "PurchaseOrder"]
    kept = [link for link in (before or {}).get("LinkedTxn") or [] if link.get("TxnType") != "PurchaseOrder"]
    if orders or kept or form.linked:
        line["LinkedTxn"] = [*orders, *kept]


def sum_of(lines: list[JsonObject]) -> Decimal:
    """What the lines come to before tax."""
    return sum((decimal_of(line.get("Amount")) for line in lines), Decimal(0))
