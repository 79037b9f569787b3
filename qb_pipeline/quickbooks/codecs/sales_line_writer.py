"""Writing the lines of a sales document.

Invariant: the array sent is always complete, because QBO drops the lines left out; a line that exists keeps its Id and
whatever others entered in it that is not canonical.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from qb_pipeline.entities import values as canonical
from qb_pipeline.entities.records import Line
from qb_pipeline.errors import PipelineError
from qb_pipeline.quickbooks.codecs import fields, situations
from qb_pipeline.quickbooks.codecs.fields import Body, Raw
from qb_pipeline.quickbooks.codecs.sales_lines import (
    DISCOUNT,
    FOOTER_ITEMS,
    GROUP,
    ITEM,
    SUBTOTAL,
    TEXT,
    detail_of,
    group_parts,
    read_line,
)
from qb_pipeline.quickbooks.facts import Facts
from qb_pipeline.situations import Situation

_DETAIL_OF_KIND = {"item": ITEM, "text": TEXT, "discount": DISCOUNT}
_TYPE_OF_DETAIL = {ITEM: ITEM, TEXT: "DescriptionOnly", DISCOUNT: DISCOUNT}
# Read-only blocks that QBO refuses or recomputes; the line's place in the array gives its number.
_SERVER_MADE = frozenset({"LineEx", "CustomExtensions", "LineNum"})
_DESCRIPTION_LIMIT = 4000


@dataclass(frozen=True)
class LineWriter:
    """Writes one document's lines. `document` is the object as QBO holds it, empty for a new one; `owner` names it."""

    facts: Facts
    owner: str
    document: Raw

    def write(self, lines: tuple[Line, ...]) -> list[Body]:
        """The complete `Line` array in QBO's order; raises `FixTheData` naming the line QBO can't hold."""
        if sum(line["kind"] == "discount" for line in lines) > 1:
            raise self._refuse(situations.SECOND_DISCOUNT)
        existing = self._existing()
        groups = self._groups()
        subtotal = sum((_amount(line) or Decimal(0) for line in lines if line["kind"] != "discount"), Decimal(0))
        body: list[Body] = []
        written_groups: list[Raw] = []
        for place, line in sorted(enumerate(lines, start=1), key=lambda placed: _rank(placed[1])):
            line_id = line.get("id")
            group = groups.get(line_id)
            if group is None:
                body.append(self._line(line, place, existing.get(line_id, {}), subtotal))
            elif group not in written_groups:
                written_groups.append(group)
                body.append(self._unchanged_group(group, lines))
        return body

    def _existing(self) -> dict[str | None, Raw]:
        lines = [raw for raw in fields.objects(self.document, "Line") if detail_of(raw) not in (SUBTOTAL, GROUP)]
        by_id = {read_line(raw, self.document, self.facts)["id"]: raw for raw in lines}
        return {line_id: raw for line_id, raw in by_id.items() if line_id is not None}

    def _groups(self) -> dict[str | None, Raw]:
        """Each bundle by the ids of its parts."""
        groups = [raw for raw in fields.objects(self.document, "Line") if detail_of(raw) == GROUP]
        return {fields.read_text(part, "Id"): group for group in groups for part in group_parts(group)}

    def _unchanged_group(self, group: Raw, lines: tuple[Line, ...]) -> Body:
        parts = [read_line(part, self.document, self.facts) for part in group_parts(group)]
        ids = {part["id"] for part in parts}
        if [{name: line.get(name) for name in parts[0]} for line in lines if line.get("id") in ids] != parts:
            raise self._refuse(situations.BUNDLE_CHANGED, line=group.get("Id"))
        inner = {**group[GROUP], "Line": [_accepted(part) for part in group_parts(group)]}
        return {**_accepted(group), GROUP: inner}

    def _line(self, line: Line, place: int, existing: Raw, subtotal: Decimal) -> Body:
        self._check(line, place)
        before = read_line(existing, self.document, self.facts) if existing else {}
        if before.get("kind") == line["kind"]:
            body = {**_accepted(existing), **_described(line)}
        else:
            # Of another kind of line only the identity is worth keeping.
            before, body = {}, fields.without_blanks({**_identity(existing), **_described(line)})
        changed = frozenset(name for name in line if name not in before or before[name] != line[name])
        if line["kind"] == "item":
            return self._item(line, place, body, changed)
        if line["kind"] == "discount":
            return self._discount(line, place, body, subtotal)
        return _text(line, body)

    def _item(self, line: Line, place: int, body: Body, changed: frozenset[str]) -> Body:
        # QBO takes the account from the item; the old one would contradict a new item.
        detail = {key: part for key, part in body.get(ITEM, {}).items() if key != "ItemAccountRef"}
        if "item" in changed:
            detail["ItemRef"] = {"value": self._item_id(line, place)}
        if "taxable" in changed and line["taxable"] is not None:
            detail["TaxCodeRef"] = {"value": "TAX" if line["taxable"] else "NON"}
        if changed & {"quantity", "unit_price", "amount"}:
            detail = {key: part for key, part in detail.items() if key not in ("Qty", "UnitPrice")}
            detail |= _quantity_and_price(line)
        if "division" in changed:
            detail = self._with_class(detail, line)
        return {**body, "DetailType": ITEM, "Amount": self._known_amount(line, place), ITEM: detail}

    def _discount(self, line: Line, place: int, body: Body, subtotal: Decimal) -> Body:
        amount = -self._known_amount(line, place)
        detail = self._with_class(dict(body.get(DISCOUNT, {})), line)
        if not _still_the_same_percent(detail, subtotal, amount):
            detail.pop("DiscountPercent", None)
            detail["PercentBased"] = False
        if self.facts.discount_account and "DiscountAccountRef" not in detail:
            detail["DiscountAccountRef"] = {"value": self.facts.discount_account}
        return {**body, "DetailType": DISCOUNT, "Amount": amount, DISCOUNT: detail}

    def _with_class(self, detail: Body, line: Line) -> Body:
        if self.facts.class_tracking != "line":
            return detail
        rest = {key: part for key, part in detail.items() if key != "ClassRef"}
        return {**rest, "ClassRef": {"value": line["division"]}} if line.get("division") else rest

    def _item_id(self, line: Line, place: int) -> str:
        if line.get("item") is None:
            raise self._refuse(situations.NO_ITEM, line=f"{place} {_quoted(line)}")
        return str(line["item"])

    def _known_amount(self, line: Line, place: int) -> Decimal:
        amount = _amount(line)
        if amount is None:
            raise self._refuse(situations.NO_AMOUNT, line=f"{place} {_quoted(line)}")
        return amount

    def _check(self, line: Line, place: int) -> None:
        if line["kind"] not in _DETAIL_OF_KIND:
            raise self._refuse(situations.UNKNOWN_LINE, line=place, kind=line["kind"])
        length = len(line.get("description") or "")
        if length > _DESCRIPTION_LIMIT:
            raise situations.TOO_LONG.error(
                record=f"{self.owner} line {place}", length=length, label="description", limit=_DESCRIPTION_LIMIT,
                field="lines",
            )  # fmt: skip

    def _refuse(self, situation: Situation, **names: Any) -> PipelineError:
        return situation.error(record=self.owner, field="lines", **names)


def shared_division(lines: tuple[Line, ...], owner: str) -> str | None:
    """The one division of all item lines, for companies that keep one class per transaction."""
    divisions = {line.get("division") for line in lines if line["kind"] == "item"}
    if len(divisions) > 1:
        raise situations.SEVERAL_DIVISIONS.error(record=owner, field="lines")
    return next(iter(divisions), None)


def _rank(line: Line) -> int:
    """QBO's own order: what is sold, then the discount, then the amounts of the footer."""
    if line.get("id") in FOOTER_ITEMS:
        return 2
    return 1 if line["kind"] == "discount" else 0


def _accepted(raw: Raw) -> Body:
    return {key: part for key, part in raw.items() if key not in _SERVER_MADE}


def _identity(raw: Raw) -> Body:
    return {"Id": raw["Id"]} if "Id" in raw else {}


def _described(line: Line) -> Mapping[str, Any]:
    """The description; an empty one clears what the line said before."""
    return {"Description": line.get("description") or ""}


def _text(line: Line, body: Body) -> Body:
    amount = {"Amount": line["amount"]} if line.get("amount") else {}
    return {**body, **amount, "DetailType": _TYPE_OF_DETAIL[TEXT], TEXT: dict(body.get(TEXT, {}))}


def _amount(line: Line) -> Decimal | None:
    if line.get("amount") is not None:
        return Decimal(line["amount"])
    quantity, price = line.get("quantity"), line.get("unit_price")
    return None if quantity is None or price is None else canonical.money(quantity * price)


def _quantity_and_price(line: Line) -> Body:
    """Quantity and unit price, or neither where QBO would refuse the line because they do not make its amount."""
    quantity, price = line.get("quantity"), line.get("unit_price")
    if quantity is not None and price is not None and canonical.money(quantity * price) != _amount(line):
        return {}
    given = {"Qty": quantity, "UnitPrice": price}
    return {key: part for key, part in given.items() if part is not None}


def _still_the_same_percent(detail: Raw, subtotal: Decimal, amount: Decimal) -> bool:
    percent = fields.read_number(detail, "DiscountPercent")
    if not detail.get("PercentBased") or percent is None:
        return False
    return canonical.money(subtotal * percent / 100) == amount


def _quoted(line: Line) -> str:
    return f"'{line.get('description') or ''}'"
