"""Do the books agree? Both servers' data compared record by record, with links used only to say which is which.

Invariant: whatever differs or stands on one side alone is listed; it passes only with a reason the pipeline itself
gave, and the difference in open receivables is the sum of listed items to the cent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from qb_pipeline.demo.read_contractor import SHARED
from qb_pipeline.demo.readings import HIDDEN, ZERO, Reading, Ref, Side
from qb_pipeline.demo.reasons import Reason, Reasons
from qb_pipeline.store import links

_GONE = ("deleted", "void")
_LOOSE = ("payment", "credit_memo")  # money and credits that may wait for an invoice


@dataclass(frozen=True)
class Finding:
    """Something that is not the same on both sides. `amount` is what it adds to the contractor's open receivables
    over QuickBooks' (negative: what QuickBooks has more)."""

    what: str
    entity: str
    label: str
    detail: str
    reason: Reason | None
    amount: Decimal = ZERO

    @property
    def explained(self) -> bool:
        return self.reason is not None


@dataclass
class Counted:
    """One entity on both sides."""

    entity: str
    contractor: int = 0
    quickbooks: int = 0
    linked: int = 0
    agreeing: int = 0


@dataclass
class Receivables:
    """Open receivables: unpaid balances of invoices, and separately money and credits no invoice uses yet."""

    contractor_open: Decimal = ZERO
    quickbooks_open: Decimal = ZERO
    contractor_loose: Decimal = ZERO
    quickbooks_loose: Decimal = ZERO
    items: list[Finding] = field(default_factory=list)
    loose_items: list[Finding] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether the listed items account for the whole difference and each of them is explained."""
        return (
            self.contractor_open - self.quickbooks_open == sum((i.amount for i in self.items), ZERO)
            and self.contractor_loose - self.quickbooks_loose == sum((i.amount for i in self.loose_items), ZERO)
            and all(i.explained for i in (*self.items, *self.loose_items))
        )


@dataclass
class Comparison:
    """Everything that was compared."""

    counted: list[Counted] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    twice: list[Finding] = field(default_factory=list)
    receivables: Receivables = field(default_factory=Receivables)

    @property
    def unexplained(self) -> list[Finding]:
        return [f for f in (*self.findings, *self.receivables.items, *self.receivables.loose_items) if not f.explained]

    @property
    def agrees(self) -> bool:
        return not self.unexplained and not self.twice and self.receivables.agrees


class Pairs:
    """Which record of one side is which of the other."""

    def __init__(self, conn: Connection, company: str) -> None:
        self.across: dict[str, dict[str, str]] = {}
        self.back: dict[str, dict[str, str]] = {}
        for entity in SHARED:
            both = [x for x in links.everything(conn, company, entity) if x.contractor_id and x.quickbooks_id]
            self.across[entity] = {str(x.contractor_id): str(x.quickbooks_id) for x in both}
            self.back[entity] = {q: c for c, q in self.across[entity].items()}

    def translate(self, value: Any) -> Any:
        """A contractor's value with its references as QuickBooks knows them."""
        if isinstance(value, Ref):
            there = self.across[value.entity].get(value.id)
            return Ref(value.entity, there) if there else Ref(value.entity, f"{value.id} (not linked)")
        if isinstance(value, dict):
            return {self.translate(k): self.translate(v) for k, v in value.items()}
        return [self.translate(v) for v in value] if isinstance(value, list) else value


def compare(contractor: Side, quickbooks: Side, pairs: Pairs, reasons: Reasons) -> Comparison:
    """Compare everything both systems have."""
    found = Comparison()
    for entity in SHARED:
        _compare_entity(entity, contractor, quickbooks, pairs, reasons, found)
    found.receivables = _receivables(contractor, quickbooks, pairs, reasons)
    return found


def _compare_entity(
    entity: str, contractor: Side, quickbooks: Side, pairs: Pairs, reasons: Reasons, found: Comparison
) -> None:
    ours, theirs = contractor.of(entity), quickbooks.of(entity)
    both = {c: q for c, q in pairs.across[entity].items() if c in ours and q in theirs}
    counted = Counted(entity, _there(ours), _there(theirs), len(both))
    for ours_id, theirs_id in both.items():
        difference = differences(ours[ours_id], theirs[theirs_id], pairs)
        if not difference:
            counted.agreeing += 1
            continue
        reason = reasons.of(entity, ours_id, theirs_id)
        if reason is None and all(text.startswith("balance:") for text in difference):
            reason = _why(entity, ours[ours_id], theirs[theirs_id], contractor, quickbooks, pairs, reasons)
        found.findings.append(Finding("differs", entity, theirs[theirs_id].label, "; ".join(difference), reason))
    found.counted.append(counted)
    found.findings += _alone(ours, both, pairs.across[entity], "contractor", reasons)
    found.findings += _alone(theirs, both.values(), pairs.back[entity], "QuickBooks", reasons)
    found.twice += _twice(entity, _standing(ours.values()), _standing(theirs.values()), pairs)


def _there(readings: Mapping[str, Reading]) -> int:
    """How many there are, void ones too."""
    return sum(r.state != "deleted" for r in readings.values())


def _standing(readings: Iterable[Reading]) -> list[Reading]:
    return [r for r in readings if r.state not in _GONE]


def differences(ours: Reading, theirs: Reading, pairs: Pairs) -> list[str]:
    """What differs between two linked records, field by field."""
    if ours.state in _GONE or theirs.state in _GONE:
        gone = {r.state if r.state in _GONE else "live" for r in (ours, theirs)}
        same = len(gone) == 1 or gone == set(_GONE)
        return [] if same else [f"{ours.state} at the contractor, {theirs.state} in QuickBooks"]
    return [text for name in ours.values if name in theirs.values for text in _differing(name, ours, theirs, pairs)]


def _differing(name: str, ours: Reading, theirs: Reading, pairs: Pairs) -> Iterator[str]:
    left, right = pairs.translate(ours.values[name]), theirs.values[name]
    if name == "lines":
        here, there = _as_multiset(left), _as_multiset(_revealed(left, right))
        if here != there:
            more, missing = (here - there).total(), (there - here).total()
            yield f"lines: {more} only at the contractor, {missing} only in QuickBooks"
    elif left != right:
        yield f"{name}: {_shown(left)} at the contractor, {_shown(right)} in QuickBooks"


def _revealed(ours: list[Mapping[str, Any]], theirs: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A charge that QuickBooks counts without showing a line stands for any line of that amount without an item."""
    return [
        next((one for one in ours if one["item"] is None and one["amount"] == line["amount"]), line)
        if line["description"] == HIDDEN
        else line
        for line in theirs
    ]


def _as_multiset(lines: list[Mapping[str, Any]]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(sorted(line.items())) for line in lines if _says_something(line))


def _says_something(line: Mapping[str, Any]) -> bool:
    return bool(line["amount"] or line["description"] or line["item"])


def _shown(value: Any) -> str:
    if isinstance(value, Ref):
        return f"{value.entity} {value.id}"
    return "nothing" if value in (None, "", {}) else str(value)


def _alone(
    readings: Mapping[str, Reading], paired: Iterable[str], linked: Mapping[str, str], where: str, reasons: Reasons
) -> list[Finding]:
    """Records of one side that have no counterpart; one that is void here may be deleted there."""
    found, present = [], set(paired)
    for native, reading in readings.items():
        agreed_gone = reading.state == "void" and native in linked
        if native in present or reading.state == "deleted" or agreed_gone:
            continue
        ids = (native, None) if where == "contractor" else (None, native)
        reason = reasons.of(reading.entity, *ids)
        found.append(Finding(f"only in {where}", reading.entity, reading.label, f"id {native}", reason))
    return found


def _twice(entity: str, ours: list[Reading], theirs: list[Reading], pairs: Pairs) -> list[Finding]:
    """Copies: a key that one side has more than once, and more often than the other side."""
    left = Counter(tuple(_plain(pairs.translate(part)) for part in r.key) for r in ours)
    right = Counter(tuple(_plain(part) for part in r.key) for r in theirs)
    return [
        Finding("twice", entity, f"{entity} {key}", f"{left[key]} at the contractor, {right[key]} in QuickBooks", None)
        for key in left.keys() | right.keys()
        if max(left[key], right[key]) > 1 and left[key] != right[key]
    ]


def _plain(value: Any) -> Any:
    return (value.entity, value.id) if isinstance(value, Ref) else value


def _receivables(contractor: Side, quickbooks: Side, pairs: Pairs, reasons: Reasons) -> Receivables:
    found = Receivables(
        sum((r.open for r in contractor.live("invoice")), ZERO),
        sum((r.open for r in quickbooks.live("invoice")), ZERO),
        sum((r.loose for kind in _LOOSE for r in contractor.live(kind)), ZERO),
        sum((r.loose for kind in _LOOSE for r in quickbooks.live(kind)), ZERO),
    )
    found.items = list(_money(contractor, quickbooks, "invoice", "open", pairs, reasons))
    for kind in _LOOSE:
        found.loose_items += _money(contractor, quickbooks, kind, "loose", pairs, reasons)
    return found


def _money(
    contractor: Side, quickbooks: Side, entity: str, kind: str, pairs: Pairs, reasons: Reasons
) -> Iterator[Finding]:
    """Every document whose open money is not the same on both sides."""
    ours = {pairs.across[entity].get(r.id, f"contractor {r.id}"): r for r in contractor.live(entity)}
    theirs = {r.id: r for r in quickbooks.live(entity)}
    for key in dict.fromkeys((*ours, *theirs)):
        left, right = ours.get(key), theirs.get(key)
        amount = (getattr(left, kind) if left else ZERO) - (getattr(right, kind) if right else ZERO)
        if amount:
            reason = _why(entity, left, right, contractor, quickbooks, pairs, reasons)
            shown = left or right
            yield Finding(
                "open amount", entity, shown.label if shown else key, _sides(left, right, kind), reason, amount
            )


def _sides(left: Reading | None, right: Reading | None, kind: str) -> str:
    return (
        f"{getattr(left, kind) if left else 'not there'} at the contractor, "
        f"{getattr(right, kind) if right else 'not there'} in QuickBooks"
    )


def _why(
    entity: str,
    left: Reading | None,
    right: Reading | None,
    contractor: Side,
    quickbooks: Side,
    pairs: Pairs,
    reasons: Reasons,
) -> Reason | None:
    """The document's own reason, or that of a payment that settles it on one side only."""
    own = reasons.of(entity, left.id if left else None, right.id if right else None)
    if own is not None or entity != "invoice":
        return own
    payers = [*_payers(contractor, left), *_payers(quickbooks, right)]
    return next((reason for payer in payers if (reason := _of_payer(payer, pairs, reasons)) is not None), None)


def _payers(side: Side, invoice: Reading | None) -> list[Reading]:
    if invoice is None:
        return []
    return [p for p in side.live("payment") if Ref("invoice", invoice.id) in p.values["applied to"]]


def _of_payer(payment: Reading, pairs: Pairs, reasons: Reasons) -> Reason | None:
    found = next(iter(reasons.all("payment", payment.id)), None)
    if found is None or payment.id in pairs.across["payment"] or payment.id in pairs.back["payment"]:
        return found
    return Reason(found.kind, f"{payment.label}, which settles it, is not on the other side: {found.cause}", found.fix)
