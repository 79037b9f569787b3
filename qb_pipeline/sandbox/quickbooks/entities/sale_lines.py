"""The lines of a sales form.

Invariant: a line keeps its Id as long as the client sends it; the SubTotal line closes the list, and after it stand
only discount, shipping and gratuity.

    lines = complete_lines(company, sent_lines, stored_lines, mode)
    lines.all      what is stored    lines.subtotal / .discount / .extra / .by_code    Decimals, before tax
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.bundles import complete_bundle, expand
from qb_pipeline.sandbox.quickbooks.entities.closing_lines import complete_discounts, complete_extras, special_item
from qb_pipeline.sandbox.quickbooks.entities.item_lines import complete_item_line, default_item, text_line
from qb_pipeline.sandbox.quickbooks.entities.line_schema import BUNDLE, DETAIL, DISCOUNT, LINE, SUBTOTAL, TEXT_ONLY
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value

__all__ = ["LINE", "Lines", "complete_lines", "item_lines"]
EXTRA = "extra"
KINDS = (DETAIL, DISCOUNT, TEXT_ONLY, SUBTOTAL, BUNDLE)
# DetailTypes other sales regions or other entities have.
ELSEWHERE = ("TDSLineDetail", "TaxLineDetail")


@dataclass
class Lines:
    """The completed lines and their sums."""

    all: list[JsonObject]
    subtotal: Decimal
    discount: Decimal
    # Shipping and gratuity.
    extra: Decimal
    # What is sold under each tax code, "" where a line has none.
    by_code: dict[str, Decimal]
    # The tax that prices include, where they do.
    included: Decimal


def complete_lines(company: Company, sent: list[JsonObject], stored: list[JsonObject], mode: str) -> Lines:
    """Check and fill in all lines. 2020, 2500, 610, 6000, 6070, 6090, 6100."""
    sorted_out = by_kind(company, sent)
    if not {DETAIL, BUNDLE} & {kind_of(line) for line in sorted_out["ordinary"]}:
        raise missing("Line")
    expanded = [expand(company, line, mode) if kind_of(line) == BUNDLE else line for line in sorted_out["ordinary"]]
    old_items = {ref_value(line[DETAIL], "ItemRef") for line in item_lines(stored)}
    completed = [complete_line(company, line, old_items, mode) for line in with_ids(expanded, stored)]
    subtotal = sum((decimal_of(line.get("Amount")) for line in completed), Decimal(0))
    discounts = complete_discounts(company, sorted_out[DISCOUNT], subtotal)
    extras = complete_extras(company, sorted_out[EXTRA])
    closing = [{"Amount": number(subtotal), "DetailType": SUBTOTAL, SUBTOTAL: {}}, *discounts, *extras]
    return Lines(
        [*completed, *closing],
        subtotal,
        sum((decimal_of(line["Amount"]) for line in discounts), Decimal(0)),
        sum((decimal_of(line["Amount"]) for line in extras), Decimal(0)),
        sums_by_code([*item_lines(completed), *extras]),
        sum((included_tax(line) for line in item_lines(completed)), Decimal(0)),
    )


def by_kind(company: Company, sent: list[JsonObject]) -> defaultdict[str, list[JsonObject]]:
    """The lines under "ordinary", "extra" and the discount's DetailType; subtotals sent are made anew."""
    found: defaultdict[str, list[JsonObject]] = defaultdict(list)
    for position, line in enumerate(sent, 1):
        check_kind(line, position)
        kind = kind_of(line)
        if kind == DETAIL and special_item(line):
            found[EXTRA].append(line)
        elif kind == DISCOUNT:
            found[DISCOUNT].append(line)
        elif kind != SUBTOTAL:
            found["ordinary"].append(as_text(line) if nameless(company, line) else line)
    return found


def kind_of(line: JsonObject) -> str:
    """The line's DetailType."""
    return str(line.get("DetailType"))


def check_kind(line: JsonObject, position: int) -> None:
    """2020 without a DetailType, 2170 for an unknown one."""
    if line.get("DetailType") is None:
        raise missing("Line.DetailType")
    if kind_of(line) in ELSEWHERE:
        raise business(
            f"Line {position}: {kind_of(line)} has no place on a sales form here.", element="Line.DetailType"
        )
    if kind_of(line) not in KINDS:
        raise Fault(2170, f"DetailType {kind_of(line)} of line {position} is unknown.", element="Line.DetailType")


def nameless(company: Company, line: JsonObject) -> bool:
    """An item line without an item, in a company that has no item for such lines: QBO takes it as text."""
    return (
        kind_of(line) == DETAIL
        and ref_value(line.get(DETAIL) or {}, "ItemRef") is None
        and default_item(company) is None
    )


def as_text(line: JsonObject) -> JsonObject:
    """The line as words; its amount counts for nothing."""
    return {**line, "DetailType": TEXT_ONLY}


def item_lines(lines: list[JsonObject]) -> Iterator[JsonObject]:
    """The lines with an item, those inside bundles too."""
    for line in lines:
        if DETAIL in line:
            yield line
        yield from item_lines((line.get(BUNDLE) or {}).get("Line") or [])


def with_ids(lines: list[JsonObject], stored: list[JsonObject]) -> list[JsonObject]:
    """Known Ids stay; other lines get the numbers after the highest ever used here. Parts follow their bundle."""
    known = {str(line["Id"]) for line in everything(stored) if "Id" in line}
    following = max((int(identifier) for identifier in known if identifier.isdecimal()), default=0) + 1
    for position, line in enumerate(everything(lines), 1):
        identifier = line.get("Id")
        if identifier in known:
            known.discard(str(identifier))
        else:
            line["Id"], following = str(following), following + 1
        line["LineNum"] = position
    return lines


def everything(lines: list[JsonObject]) -> Iterator[JsonObject]:
    """Lines and, each after its bundle, the parts of bundles."""
    for line in lines:
        yield line
        yield from (line.get(BUNDLE) or {}).get("Line") or []


def complete_line(company: Company, line: JsonObject, old_items: set[str | None], mode: str) -> JsonObject:
    """One item, bundle or text line."""
    if kind_of(line) == TEXT_ONLY:
        return text_line(line)
    if kind_of(line) == BUNDLE:
        return complete_bundle(company, line, old_items, mode)
    return complete_item_line(company, line, old_items, mode)


def sums_by_code(lines: list[JsonObject]) -> dict[str, Decimal]:
    """Amounts by tax code."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[ref_value(line[DETAIL], "TaxCodeRef") or ""] += decimal_of(line["Amount"])
    return dict(sums)


def included_tax(line: JsonObject) -> Decimal:
    """What the price of a line holds beyond its amount."""
    gross = line[DETAIL].get("TaxInclusiveAmt")
    return Decimal(0) if gross is None else decimal_of(gross) - decimal_of(line["Amount"])
