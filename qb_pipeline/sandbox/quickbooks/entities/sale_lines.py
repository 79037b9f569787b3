"""The lines of an invoice or a credit memo.

Invariant: a line keeps its Id as long as the client sends it; one SubTotal line and at most one discount close the
list.

    lines = complete_lines(company, sent_lines, stored_lines)
    lines.all      what is stored    lines.subtotal / .discount / .taxable    Decimals, before tax
"""

from dataclasses import dataclass
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company, arranged
from qb_pipeline.sandbox.quickbooks.entities.common import CUSTOM_FIELDS, LINKED, RO
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing, not_modelled
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, cents, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value, reference_name
from qb_pipeline.sandbox.quickbooks.schema import MONEY, Anything, Day, Flag, Group, Many, Number, Ref, Text

DETAIL = "SalesItemLineDetail"
MODELLED = (DETAIL, "DiscountLineDetail", "DescriptionOnly", "SubTotalLineDetail")
REFUSED = ("GroupLineDetail", "TDSLineDetail", "TaxLineDetail")
SPECIAL_ITEMS = ("SHIPPING_ITEM_ID", "GRATUITY_ITEM_ID")
CENT = Decimal("0.01")
LINE = Many(
    Group(
        {
            "Id": Text(20),
            "LineNum": Number(),
            "Description": Text(4000),
            "Amount": MONEY,
            "DetailType": Text(50),
            "LinkedTxn": LINKED,
            "CustomField": CUSTOM_FIELDS,
            "CustomExtensions": RO,
            "LineEx": RO,
            "ProjectRef": RO,
            DETAIL: Group(
                {
                    "ItemRef": Ref(""),
                    "ClassRef": Ref("Class"),
                    "UnitPrice": Number(),
                    "Qty": Number(),
                    "ItemAccountRef": RO,
                    "TaxCodeRef": Ref("", named=False),
                    "ServiceDate": Day(),
                    "TaxInclusiveAmt": RO,
                    "TaxClassificationRef": RO,
                    "MarkupInfo": Anything(),
                    "DiscountAmt": RO,
                    "DiscountRate": RO,
                }
            ),
            "DiscountLineDetail": Group(
                {
                    "PercentBased": Flag(),
                    "DiscountPercent": Number(),
                    "DiscountAccountRef": Ref("Account"),
                    "ClassRef": Ref("Class"),
                    "TaxCodeRef": Ref("", named=False),
                }
            ),
            "SubTotalLineDetail": Anything(),
            "DescriptionLineDetail": Anything(),
            "GroupLineDetail": Anything(),
            "TaxLineDetail": Anything(),
        }
    )
)
LINE_LAYOUT = ("Id", "LineNum", "Description", "Amount", "LinkedTxn", "DetailType", DETAIL, "DescriptionLineDetail")
DETAIL_LAYOUT = ("ItemRef", "ClassRef", "UnitPrice", "Qty", "ItemAccountRef", "TaxCodeRef", "ServiceDate")


@dataclass
class Lines:
    """The completed lines and their sums."""

    all: list[JsonObject]
    subtotal: Decimal
    discount: Decimal
    taxable: Decimal


def complete_lines(company: Company, sent: list[JsonObject], stored: list[JsonObject]) -> Lines:
    """Check and fill in all lines. 2020, 2500, 610, 6000, 6070, 6090, 6100."""
    kinds = [kind_of(line, position) for position, line in enumerate(sent, 1)]
    ordinary = [line for line, kind in zip(sent, kinds, strict=True) if kind in (DETAIL, "DescriptionOnly")]
    discounts = [line for line, kind in zip(sent, kinds, strict=True) if kind == "DiscountLineDetail"]
    if DETAIL not in kinds:
        raise missing("Line")
    if len(discounts) > 1:
        raise business("A document can have one discount line only.", element="Line")
    old_refs = {ref_value(line.get(DETAIL) or {}, "ItemRef") for line in stored}
    completed = [complete_line(company, line, old_refs) for line in with_ids(ordinary, stored)]
    items = [line for line in completed if line["DetailType"] == DETAIL]
    subtotal = sum((decimal_of(line["Amount"]) for line in items), Decimal(0))
    taxed = (line for line in items if ref_value(line[DETAIL], "TaxCodeRef") == "TAX")
    taxable = sum((decimal_of(line["Amount"]) for line in taxed), Decimal(0))
    closing: list[JsonObject] = [
        {"Amount": number(subtotal), "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}
    ]
    closing += [complete_discount(company, line, subtotal) for line in discounts]
    discount = sum((decimal_of(line["Amount"]) for line in closing[1:]), Decimal(0))
    return Lines([*completed, *closing], subtotal, discount, taxable)


def kind_of(line: JsonObject, position: int) -> str:
    """The line's DetailType, one that is modelled."""
    kind = line.get("DetailType")
    if kind is None:
        raise missing("Line.DetailType")
    if kind in REFUSED:
        raise not_modelled(f"a line {position} with DetailType {kind}")
    if kind not in MODELLED:
        raise Fault(2170, f"DetailType {kind} of line {position} is unknown.", element="Line.DetailType")
    return str(kind)


def with_ids(lines: list[JsonObject], stored: list[JsonObject]) -> list[JsonObject]:
    """Known Ids stay; other lines get the numbers after the highest ever used here."""
    known = {str(line["Id"]) for line in stored if "Id" in line}
    following = max((int(identifier) for identifier in known if identifier.isdecimal()), default=0) + 1
    result: list[JsonObject] = []
    for position, line in enumerate(lines, 1):
        identifier = line.get("Id")
        if identifier in known:
            known.discard(str(identifier))
        else:
            identifier, following = str(following), following + 1
        result.append({**line, "Id": identifier, "LineNum": position})
    return result


def complete_line(company: Company, line: JsonObject, old_items: set[str | None]) -> JsonObject:
    """One item or description line."""
    if line["DetailType"] == "DescriptionOnly":
        line.setdefault("DescriptionLineDetail", {})
        line.pop("Amount", None)
        line.pop(DETAIL, None)
        return arranged(line, LINE_LAYOUT)
    if "Amount" not in line:
        raise missing("Line.Amount")
    if line.get("LinkedTxn") == []:
        line.pop("LinkedTxn")
    detail = line.setdefault(DETAIL, {})
    drop_zeros(detail)
    line["Amount"] = number(decimal_of(line["Amount"]))
    check_amount(line, detail)
    complete_item(company, detail, old_items)
    complete_tax_code(detail)
    line[DETAIL] = arranged(detail, DETAIL_LAYOUT)
    return {**arranged(line, LINE_LAYOUT), "CustomExtensions": []}


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
    if expected != amount:
        raise Fault(
            6070,
            f"Amount is not equal to UnitPrice * Qty. Supplied value:{amount}, expected {expected}",
            element="Line.Amount",
        )


def complete_item(company: Company, detail: JsonObject, old_items: set[str | None]) -> None:
    """The item with its current name and its income account. 2500, 610."""
    identifier = ref_value(detail, "ItemRef") or default_item(company)
    if identifier in SPECIAL_ITEMS:
        raise not_modelled(f"a line with the special item {identifier}")
    item = company.require("Item", identifier)
    if item.get("Active") is False and identifier not in old_items:
        raise Fault(610, f"Object Not Found : Item {identifier} has been made inactive.")
    if item.get("Type") in ("Category", "Group"):
        raise business(f"Item {identifier} is a {item['Type']} and cannot stand on a line.", element="ItemRef")
    detail["ItemRef"] = {"value": identifier, "name": reference_name("Item", item)}
    income = ref_value(item, "IncomeAccountRef")
    if income is None:
        raise business(f"Item {identifier} has no income account, so it cannot be sold.", element="ItemRef")
    account = company.store.get("Account", income)
    detail["ItemAccountRef"] = {"value": income, "name": reference_name("Account", account) if account else ""}


def default_item(company: Company) -> str:
    """The item of lines that name none: the preference DefaultItem. 2020 without one."""
    others = (company.preferences().get("OtherPrefs") or {}).get("NameValue") or []
    for pair in others:
        if pair.get("Name") == "SalesFormsPrefs.DefaultItem" and company.store.text("Item", str(pair["Value"])):
            return str(pair["Value"])
    raise missing("SalesItemLineDetail.ItemRef")


def complete_tax_code(detail: JsonObject) -> None:
    """TAX or NON, NON when nothing is said. 6100, 6160."""
    code = ref_value(detail, "TaxCodeRef") or "NON"
    if code == "CustomSalesTax":
        raise Fault(6160, "CustomSalesTax is not allowed on a line.", element="TaxCodeRef")
    if code not in ("TAX", "NON"):
        raise Fault(6100, f"Invalid Line TaxCode {code}: in the United States it is TAX or NON.", element="TaxCodeRef")
    detail["TaxCodeRef"] = {"value": code}


def complete_discount(company: Company, line: JsonObject, subtotal: Decimal) -> JsonObject:
    """The discount's amount and account. 6090 when neither a percentage nor an amount is there."""
    detail = dict(line.get("DiscountLineDetail") or {})
    if detail.get("PercentBased"):
        if not detail.get("DiscountPercent"):
            raise Fault(6090, "DiscountPercent is required when PercentBased is true.", element="DiscountPercent")
        amount = cents(subtotal * decimal_of(detail["DiscountPercent"]) / 100)
    elif "Amount" in line:
        amount = decimal_of(line["Amount"])
        detail.pop("DiscountPercent", None)
    else:
        raise Fault(6090, "A discount needs an Amount or a DiscountPercent.", element="Line.Amount")
    detail.setdefault("PercentBased", False)
    if "DiscountAccountRef" not in detail:
        detail["DiscountAccountRef"] = discount_account(company)
    layout = ("PercentBased", "DiscountPercent", "DiscountAccountRef")
    return {
        "Amount": number(amount),
        "DetailType": "DiscountLineDetail",
        "DiscountLineDetail": arranged(detail, layout),
    }


def discount_account(company: Company) -> JsonObject:
    """The preference DefaultDiscountAccount. 6090 when there is none."""
    identifier = (company.preferences().get("SalesFormsPrefs") or {}).get("DefaultDiscountAccount")
    account = company.store.get("Account", str(identifier))
    if account is None:
        raise Fault(6090, "DiscountAccountRef is required: no default is set.", element="DiscountAccountRef")
    return {"value": account["Id"], "name": reference_name("Account", account)}
