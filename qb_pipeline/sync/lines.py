"""Three-tree merge of a document's lines; pure.

Invariant: a line keeps its identity through the ids (or key) both sides gave it, never through its position; a line
added on either side survives, and a line edited on one side beats its deletion on the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from qb_pipeline.entities.spec import Field, Kind, Side
from qb_pipeline.entities.values import comparable, money, same

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Trio:
    """One line as the base, the contractor and QuickBooks know it; None where it is absent."""

    base: Line | None
    contractor: Line | None
    quickbooks: Line | None


@dataclass
class LineMerge:
    """The complete arrays to write (None: that side needs nothing) and the lines both sides agree on.

    Each line to write has "id", the target's native line id, or None for a new line, and "twin", the id of the same
    line on the other side. `contested` is true when both sides changed the same thing differently and the favoured
    side's word was taken.
    """

    base: tuple[dict[str, Any], ...]
    to_contractor: tuple[dict[str, Any], ...] | None = None
    to_quickbooks: tuple[dict[str, Any], ...] | None = None
    contested: bool = False


@dataclass
class _Work:
    compared: tuple[Field, ...]
    favoured: Side
    only: Side | None
    contested: bool = False
    agreed: list[dict[str, Any]] = field(default_factory=list)
    for_contractor: list[dict[str, Any]] = field(default_factory=list)
    for_quickbooks: list[dict[str, Any]] = field(default_factory=list)


def merge_lines(
    spec: Field,
    compared: tuple[Field, ...],
    contractor: Sequence[Line],
    quickbooks: Sequence[Line],
    base: Sequence[Line] | None,
    *,
    favoured: Side,
    only: Side | None = None,
) -> LineMerge:
    """Merge two observed arrays with the agreed one.

    `compared` are the line fields both sides can hold; `favoured` wins contested fields; `only` names the side whose
    word always stands, where the direction allows one way alone. On first contact an empty array is no statement.
    """
    if base is None and not (contractor and quickbooks):
        base = ()
    contractor, quickbooks = _folded(spec, contractor), _folded(spec, quickbooks)
    work = _Work(compared, favoured, only)
    for trio in pair_lines(spec, compared, contractor, quickbooks, base):
        _merge_trio(trio, work, first_contact=base is None)
    return LineMerge(
        base=tuple(work.agreed),
        to_contractor=_unless_equal(spec, compared, contractor, work.for_contractor),
        to_quickbooks=_unless_equal(spec, compared, quickbooks, work.for_quickbooks),
        contested=work.contested,
    )


def pair_lines(
    spec: Field, compared: tuple[Field, ...], contractor: Sequence[Line], quickbooks: Sequence[Line],
    base: Sequence[Line] | None,
) -> list[Trio]:  # fmt: skip
    """Which line is which: by key, by the ids the base remembers, new ones alike, then (first contact) in order."""
    if spec.line_key != "id":
        return _pair_by_key(spec.line_key, contractor, quickbooks, _folded(spec, base or ()))
    left, right = {str(x["id"]): x for x in contractor}, {str(x["id"]): x for x in quickbooks}
    trios = [
        Trio(b, left.pop(str(b.get("contractor_id")), None), right.pop(str(b.get("quickbooks_id")), None))
        for b in base or ()
    ]
    trios += _pair_alike(compared, left, right)
    if base is None:
        trios += _pair_in_order(left, right)
    trios += [Trio(None, x, None) for x in left.values()]
    trios += [Trio(None, None, x) for x in right.values()]
    return trios


def _pair_by_key(key: str, contractor: Sequence[Line], quickbooks: Sequence[Line], base: Sequence[Line]) -> list[Trio]:
    sides = [{x[key]: x for x in lines} for lines in (base, contractor, quickbooks)]
    keys = list(dict.fromkeys(k for side in sides for k in side))
    return [Trio(*(side.get(k) for side in sides)) for k in keys]


def _folded(spec: Field, lines: Sequence[Line]) -> Sequence[Line]:
    """Lines that share a key (two allocations to one invoice) as one, their amounts added up."""
    if spec.line_key == "id":
        return lines
    amounts = [f.name for f in spec.lines if f.kind is Kind.MONEY]
    folded: dict[Any, Line] = {}
    for line in lines:
        held = folded.get(line[spec.line_key])
        sums = {n: (held.get(n) or 0) + (line.get(n) or 0) for n in amounts} if held else {}
        folded[line[spec.line_key]] = {**(held or line), **sums}
    return list(folded.values())


def _pair_alike(compared: tuple[Field, ...], left: dict[str, Line], right: dict[str, Line]) -> list[Trio]:
    trios = []
    for line_id, line in list(left.items()):
        twin = next((k for k, other in right.items() if _alike(compared, line, other)), None)
        if twin is not None:
            trios.append(Trio(None, left.pop(line_id), right.pop(twin)))
    return trios


def _pair_in_order(left: dict[str, Line], right: dict[str, Line]) -> list[Trio]:
    pairs = list(zip(list(left), list(right), strict=False))
    return [Trio(None, left.pop(a), right.pop(b)) for a, b in pairs]


def _meaningful(compared: tuple[Field, ...], line: Line) -> list[Field]:
    """The fields that mean something on a line of this kind."""
    return [f for f in compared if not f.line_kinds or line.get("kind") in f.line_kinds]


def _alike(compared: tuple[Field, ...], one: Line, other: Line) -> bool:
    return all(same(f, one.get(f.name), other.get(f.name)) for f in _meaningful(compared, one))


def lines_edited(spec: Field, side: Side, lines: Sequence[Line], base: Sequence[Line]) -> bool:
    """Whether the lines of `side` differ from the agreed ones in anything that those say."""
    key = f"{side.value}_id" if spec.line_key == "id" else spec.line_key
    lines, base = _folded(spec, lines), _folded(spec, base)
    agreed = {str(b.get(key)): b for b in base}
    if len(lines) != len(agreed):
        return True
    return not all(_as_agreed(spec, x, agreed.get(str(x.get(spec.line_key)))) for x in lines)


def _as_agreed(spec: Field, line: Line, agreed: Line | None) -> bool:
    if agreed is None:
        return False
    known = [f for f in _meaningful(spec.lines, line) if f.name in agreed]
    return all(same(f, line.get(f.name), agreed[f.name]) for f in known)


def _merge_trio(trio: Trio, work: _Work, *, first_contact: bool) -> None:
    if trio.contractor is not None and trio.quickbooks is not None:
        _merge_present(trio, work)
    elif trio.contractor is not None or trio.quickbooks is not None:
        _merge_one_sided(trio, work, first_contact=first_contact)


def _merge_present(trio: Trio, work: _Work) -> None:
    contractor, quickbooks = trio.contractor or {}, trio.quickbooks or {}
    kinds = {f.name: _merge_value(f, trio, work) for f in work.compared if f.name == "kind"}
    compared = _meaningful(work.compared, kinds)
    values = {f.name: _merge_value(f, trio, work) for f in compared}
    _recompute_amount(values, trio)
    ids = {"contractor_id": contractor.get("id"), "quickbooks_id": quickbooks.get("id")}
    agreed = {f.name: values[f.name] for f in compared if same(f, contractor.get(f.name), quickbooks.get(f.name))}
    work.agreed.append({**(trio.base or {}), **agreed, **ids})
    work.for_contractor.append({**contractor, **values, "twin": quickbooks.get("id")})
    work.for_quickbooks.append({**quickbooks, **values, "twin": contractor.get("id")})


def _merge_value(spec: Field, trio: Trio, work: _Work) -> Any:
    contractor, quickbooks = (trio.contractor or {}).get(spec.name), (trio.quickbooks or {}).get(spec.name)
    if same(spec, contractor, quickbooks):
        return quickbooks
    if work.only is not None:
        return contractor if work.only is Side.CONTRACTOR else quickbooks
    if trio.base is not None and spec.name in trio.base:
        before = trio.base[spec.name]
        if same(spec, contractor, before):
            return quickbooks
        if same(spec, quickbooks, before):
            return contractor
    elif contractor is None or quickbooks is None:
        return quickbooks if contractor is None else contractor
    work.contested = True
    return contractor if work.favoured is Side.CONTRACTOR else quickbooks


def _recompute_amount(values: dict[str, Any], trio: Trio) -> None:
    """Quantity from one side and price from the other: the amount follows both, not either side's old product."""
    quantity, price, amount = (values.get(n) for n in ("quantity", "unit_price", "amount"))
    if not isinstance(quantity, Decimal) or not isinstance(price, Decimal) or amount is None:
        return
    sides = (trio.contractor or {}, trio.quickbooks or {})
    as_observed = any(
        (s.get("quantity"), s.get("unit_price"), s.get("amount")) == (quantity, price, amount) for s in sides
    )
    if not as_observed:
        values["amount"] = money(quantity * price)


def _merge_one_sided(trio: Trio, work: _Work, *, first_contact: bool) -> None:
    side = Side.CONTRACTOR if trio.contractor is not None else Side.QUICKBOOKS
    line = trio.contractor if trio.contractor is not None else trio.quickbooks
    if line is None:
        return
    source, target = (
        (work.for_contractor, work.for_quickbooks)
        if side is Side.CONTRACTOR
        else (work.for_quickbooks, work.for_contractor)
    )
    if trio.base is not None:
        work.agreed.append(dict(trio.base))  # still owed to the other side: forgotten only when both have let it go
    if _stays(trio, line, side, work, first_contact=first_contact):
        source.append(dict(line))
        target.append({**line, "id": None, "twin": line.get("id")})


def _stays(trio: Trio, line: Line, side: Side, work: _Work, *, first_contact: bool) -> bool:
    """Whether a line seen on `side` alone is new there (it stays) or was removed on the other side (it goes)."""
    if work.only is not None:
        return side is work.only
    if first_contact:
        work.contested = True
        return side is work.favoured
    if trio.base is None:
        return True
    edited = not _alike(work.compared, line, trio.base)
    work.contested = work.contested or edited
    return edited


def _unless_equal(
    spec: Field, compared: tuple[Field, ...], observed: Sequence[Line], desired: list[dict[str, Any]]
) -> tuple[dict[str, Any], ...] | None:
    have, want = ([(x.get(spec.line_key), _key(compared, x)) for x in lines] for lines in (observed, desired))
    if len(have) == len(want) and dict(have) == dict(want):
        return None
    return tuple(desired)


def _key(compared: tuple[Field, ...], line: Line) -> tuple[Any, ...]:
    return tuple(comparable(f, line.get(f.name)) for f in _meaningful(compared, line))


def with_pairs(base: Sequence[Line], pairs: Sequence[tuple[str, str]]) -> tuple[dict[str, Any], ...]:
    """The base's lines, knowing as well that `pairs` of (contractor id, QuickBooks id) are one line each."""
    kept = [dict(x) for x in base]
    for contractor_id, quickbooks_id in pairs:
        known = next(
            (x for x in kept if x.get("contractor_id") == contractor_id or x.get("quickbooks_id") == quickbooks_id),
            None,
        )
        if known is None:
            kept.append({"contractor_id": contractor_id, "quickbooks_id": quickbooks_id})
        else:
            known.update(contractor_id=contractor_id, quickbooks_id=quickbooks_id)
    return tuple(kept)


def twins_after_write(written: Sequence[Line], answered: Sequence[Line]) -> list[tuple[str, str]]:
    """(id on the other side, id in the answer) of each written line: known ids by themselves, new ones in order.

    The order is that within a kind, because QuickBooks moves a discount behind the items.
    """
    known = {str(x["id"]) for x in written if x.get("id") is not None}
    fresh: dict[Any, list[Line]] = {}
    for line in answered:
        if str(line["id"]) not in known:
            fresh.setdefault(line.get("kind"), []).append(line)
    pairs = []
    for line in written:
        new = fresh.get(line.get("kind"), [])
        answer_id = line["id"] if line.get("id") is not None else (new.pop(0)["id"] if new else None)
        if answer_id is not None and line.get("twin") is not None:
            pairs.append((str(line["twin"]), str(answer_id)))
    return pairs
