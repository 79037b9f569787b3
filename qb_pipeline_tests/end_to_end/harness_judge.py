"""The judge: whether two systems agree, and if not, whether somebody was told.

Invariant: nothing here comes from the engine; each side is read over HTTP and put into plain words by its own rules.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from qb_pipeline_tests.end_to_end.harness import (
    COLLECTION_OF,
    JUDGED,
    OBJECT_OF,
    ContractorDesk,
    Instance,
    QuickBooksDesk,
    Raw,
    cents,
    dec,
    words,
)  # fmt: skip

Ref = tuple[str, str] | None
_PARTS = ("line1", "line2", "city", "state", "postal_code", "country")
_MARK = re.compile(r" \(deleted(?: \d+)?\)$")


@dataclass
class View:
    """One record of one side: its state (live, inactive, void, gone, draft) and what it says."""

    id: str
    state: str
    values: dict[str, Any]
    title: str


@dataclass
class Books:
    """One side, by entity and id."""

    views: dict[str, dict[str, View]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, entity: str, view: View) -> None:
        self.views[entity][view.id] = view


def _ref(entity: str, value: Any) -> Ref:
    return (entity, str(value)) if value else None


def _phone(value: Any) -> str:
    digits = re.sub(r"\D", "", words(value))
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits or words(value)


# The contractor's side.


def read_contractor(desk: ContractorDesk) -> Books:
    books = Books()
    for entity in JUDGED:
        for raw in desk.all(COLLECTION_OF[entity]):
            values = _CONTRACTOR[entity](raw)
            books.add(entity, View(raw["id"], _contractor_state(raw), values, _title(entity, values)))
    return books


def _contractor_state(raw: Raw) -> str:
    if raw["deleted_at"] is not None:
        return "gone"
    if (raw.get("status") in ("void", "draft") and "lines" in raw) or raw.get("status") == "void":
        return str(raw["status"])
    return "live" if raw.get("active", True) else "inactive"


def _c_address(prefix: str, address: Raw | None) -> dict[str, Any]:
    found = address or {}
    parts = {f"{prefix}_{p}": words(found.get(p)) for p in _PARTS}
    parts[f"{prefix}_line2"] = _streets(parts[f"{prefix}_line2"].split("\n"))
    return parts


def _streets(lines: Iterable[str]) -> str:
    return "\n".join(line.strip() for line in lines if line.strip())


def _c_division(raw: Raw) -> Raw:
    return {"name": words(raw["name"])}


def _c_customer(raw: Raw) -> Raw:
    return {
        **{k: words(raw[k]) for k in ("name", "company_name", "first_name", "last_name", "notes")},
        "email": words(raw["email"]).casefold(),
        "phone": _phone(raw["phone"]),
        **_c_address("billing", raw["billing_address"]),
        "taxable": raw["taxable"],
        "terms": _ref("term", raw["terms_id"]),
    }


def _c_job(raw: Raw) -> Raw:
    name, number = words(raw["name"]) or words(raw["number"]), words(raw["number"])
    shown = f"{name} ({number})" if number else name
    return {
        "called": name,
        "name": shown,
        "customer": _ref("customer", raw["customer_id"]),
        **_c_address("site", raw["address"]),
    }


def _c_item(raw: Raw) -> Raw:
    return {
        **{k: words(raw[k]) for k in ("name", "sku", "description")},
        "kind": "service" if raw["kind"] in ("service", "labor") else "goods",
        "unit_price": dec(raw["unit_price"]),
        "unit_cost": dec(raw["unit_cost"]),
        "income_account": _ref("account", raw["income_account_id"]),
        "expense_account": _ref("account", raw["expense_account_id"]),
        "taxable": raw["taxable"],
    }


def _c_invoice(raw: Raw) -> Raw:
    return {
        "number": words(raw["number"]),
        "customer": _ref("customer", raw["customer_id"]),
        "job": _ref("job", raw["job_id"]),
        "date": raw["issue_date"],
        "due_date": raw["due_date"],
        "terms": _ref("term", raw["terms_id"]),
        "lines": [_c_line(line) for line in raw["lines"]],
        "tax_code": _ref("tax_code", raw["tax_rate_id"]),
        "tax": cents(raw["tax"]),
        "memo": words(raw["memo"]),
        "total": cents(raw["total"]),
    }


def _c_line(line: Raw) -> tuple[Any, ...]:
    amount = cents(line["amount"])
    if line["item_id"] is None and amount == 0:
        return ("text", words(line["description"]))
    if line["item_id"] is None and amount < 0:
        return ("discount", amount)
    return (
        "item", _ref("item", line["item_id"]), words(line["description"]), dec(line["quantity"]),
        dec(line["unit_price"]), amount, bool(line["taxable"]), _ref("division", line["division_id"]),
    )  # fmt: skip


def _c_payment(raw: Raw) -> Raw:
    return {
        "customer": _ref("customer", raw["customer_id"]),
        "date": raw["date"],
        "amount": cents(raw["amount"]),
        "method": _ref("payment_method", raw["method_id"]),
        "reference": words(raw["reference"]),
        "allocations": [("invoice", _ref("invoice", a["invoice_id"]), cents(a["amount"])) for a in raw["allocations"]],
        "memo": words(raw["memo"]),
    }


_CONTRACTOR = {
    "division": _c_division, "customer": _c_customer, "job": _c_job, "item": _c_item, "invoice": _c_invoice,
    "payment": _c_payment,
}  # fmt: skip


# QuickBooks' side.


def read_quickbooks(desk: QuickBooksDesk) -> Books:
    books = Books()
    parents = {c["Id"]: c["ParentRef"]["value"] for c in desk.all("Customer") if "ParentRef" in c}
    for name in dict.fromkeys(OBJECT_OF[e] for e in JUDGED):
        for raw in desk.all(name):
            entity = next(e for e in JUDGED if OBJECT_OF[e] == name)
            if name == "Customer" and raw.get("Job"):
                entity = "job"
            values = _QUICKBOOKS[entity](raw, parents)
            books.add(entity, View(raw["Id"], _quickbooks_state(raw), values, _title(entity, values)))
    return books


def _quickbooks_state(raw: Raw) -> str:
    # A payment of nothing for nothing is what a void leaves, even after somebody rewrote its note.
    empty = "UnappliedAmt" in raw and not raw.get("Line")
    marked = str(raw.get("PrivateNote", "")).startswith("Voided")
    voided = (marked or empty) and cents(raw.get("TotalAmt")) == 0
    if "TotalAmt" in raw and voided:
        return "void"
    return "live" if raw.get("Active", True) else "inactive"


def _value(raw: Mapping[str, Any], key: str) -> Any:
    return (raw.get(key) or {}).get("value")


def _q_address(prefix: str, address: Raw | None) -> dict[str, Any]:
    found = address or {}
    return {
        f"{prefix}_line1": words(found.get("Line1")),
        f"{prefix}_line2": _streets(words(found.get(f"Line{n}")) for n in range(2, 6)),
        f"{prefix}_city": words(found.get("City")),
        f"{prefix}_state": words(found.get("CountrySubDivisionCode")),
        f"{prefix}_postal_code": words(found.get("PostalCode")),
        f"{prefix}_country": words(found.get("Country")),
    }


def _q_name(raw: Raw, key: str) -> str:
    return words(raw[key]) if raw.get("Active", True) else words(_MARK.sub("", raw[key]))


def _q_division(raw: Raw, _parents: Mapping[str, str]) -> Raw:
    return {"name": _q_name(raw, "FullyQualifiedName")}


def _q_customer(raw: Raw, _parents: Mapping[str, str]) -> Raw:
    return {
        "name": _q_name(raw, "DisplayName"),
        "company_name": words(raw.get("CompanyName")),
        "first_name": words(raw.get("GivenName")),
        "last_name": words(raw.get("FamilyName")),
        "notes": words(raw.get("Notes")),
        "email": words((raw.get("PrimaryEmailAddr") or {}).get("Address")).casefold(),
        "phone": _phone((raw.get("PrimaryPhone") or {}).get("FreeFormNumber")),
        **_q_address("billing", raw.get("BillAddr")),
        "taxable": bool(raw.get("Taxable")),
        "terms": _ref("term", _value(raw, "SalesTermRef")),
    }


def _q_job(raw: Raw, parents: Mapping[str, str]) -> Raw:
    top = raw["ParentRef"]["value"]
    while top in parents:
        top = parents[top]
    name = _q_name(raw, "DisplayName")
    return {
        "called": re.sub(r" \([^()]*\d[^()]*\)$", "", name),
        "name": name,
        "customer": _ref("customer", top),
        **_q_address("site", raw.get("ShipAddr")),
    }


def _q_item(raw: Raw, _parents: Mapping[str, str]) -> Raw:
    return {
        "name": _q_name(raw, "Name"),
        "sku": words(raw.get("Sku")),
        "description": words(raw.get("Description")),
        "kind": "service" if raw["Type"] == "Service" else "goods",
        "unit_price": dec(raw.get("UnitPrice")),
        "unit_cost": dec(raw.get("PurchaseCost")),
        "income_account": _ref("account", _value(raw, "IncomeAccountRef")),
        "expense_account": _ref("account", _value(raw, "ExpenseAccountRef")),
        "taxable": bool(raw.get("Taxable")),
    }


def _q_invoice(raw: Raw, parents: Mapping[str, str]) -> Raw:
    party = top = raw["CustomerRef"]["value"]
    while top in parents:
        top = parents[top]
    tax = raw.get("TxnTaxDetail") or {}
    lines = [_q_line(line) for line in raw["Line"] if line["DetailType"] != "SubTotalLineDetail"]
    nothing = ("discount", cents(0))
    return {
        "number": words(raw.get("DocNumber")),
        "customer": _ref("customer", top),
        "job": _ref("job", party if party in parents else None),
        "date": raw["TxnDate"],
        "due_date": raw.get("DueDate"),
        "terms": _ref("term", _value(raw, "SalesTermRef")),
        "lines": [line for line in lines if line != nothing],
        "tax_code": _ref("tax_code", _value(tax, "TxnTaxCodeRef")),
        "tax": cents(tax.get("TotalTax")),
        "memo": words((raw.get("CustomerMemo") or {}).get("value")),
        "total": cents(raw.get("TotalAmt")),
    }


def _q_line(line: Raw) -> tuple[Any, ...]:
    kind, amount = line["DetailType"], cents(line.get("Amount"))
    if kind == "DiscountLineDetail":
        return ("discount", -amount)
    if kind != "SalesItemLineDetail":
        return ("text", words(line.get("Description")))
    detail = line[kind]
    return (
        "item", _ref("item", _value(detail, "ItemRef")), words(line.get("Description")), dec(detail.get("Qty")),
        dec(detail.get("UnitPrice")), amount, _value(detail, "TaxCodeRef") not in (None, "NON"),
        _ref("division", _value(detail, "ClassRef")),
    )  # fmt: skip


def _q_payment(raw: Raw, parents: Mapping[str, str]) -> Raw:
    top = raw["CustomerRef"]["value"]
    while top in parents:
        top = parents[top]
    settled: Counter[str] = Counter()
    for line in raw.get("Line", []):
        for link in line["LinkedTxn"]:
            if link["TxnType"] == "Invoice":
                settled[link["TxnId"]] += line["Amount"]
    return {
        "customer": _ref("customer", top),
        "date": raw["TxnDate"],
        "amount": cents(raw["TotalAmt"]),
        "method": _ref("payment_method", _value(raw, "PaymentMethodRef")),
        "reference": words(raw.get("PaymentRefNum")),
        "allocations": [("invoice", _ref("invoice", i), cents(a)) for i, a in settled.items()],
        "memo": words(raw.get("PrivateNote")),
    }


_QUICKBOOKS = {
    "division": _q_division, "customer": _q_customer, "job": _q_job, "item": _q_item, "invoice": _q_invoice,
    "payment": _q_payment,
}  # fmt: skip


def _title(entity: str, values: Raw) -> str:
    named = values.get("called") or values.get("name") or values.get("number") or values.get("reference")
    if named or entity not in ("invoice", "payment"):
        return f"{entity} {named or values.get('date')}"
    return f"{entity} of {values['date']} ({values['total' if entity == 'invoice' else 'amount']})"


# The comparison.


@dataclass
class Verdict:
    """What is wrong and unexplained, and what is explained, by reason."""

    wrong: list[str] = field(default_factory=list)
    explained: Counter[str] = field(default_factory=Counter)
    agreeing: int = 0


class Judge:
    """Reads everything once and judges each record."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.contractor = read_contractor(ContractorDesk(instance.contractor))
        self.quickbooks = read_quickbooks(QuickBooksDesk(instance.quickbooks))
        self.links = instance.rows("select * from link where contractor_id is not null and quickbooks_id is not null")
        self.matched = {(r["entity"], r["contractor_id"]) for r in self.links if r["match_class"] != "written"}
        self.across = {(r["entity"], r["contractor_id"]): r["quickbooks_id"] for r in self.links}
        self.back = {(r["entity"], r["quickbooks_id"]): r["contractor_id"] for r in self.links}
        self.reasons: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        self.blocked: dict[str, str] = {}
        self._read_reasons()
        self.verdict = Verdict()

    def _read_reasons(self) -> None:
        for row in self.instance.rows("select * from exception where state <> 'resolved'"):
            why = f"{row['code']}: {row['cause']}"
            self.reasons[row["entity"], row["side"], row["record_id"]].append(why)
            self.blocked |= {str(name).casefold(): f"waits for {why}" for name in row["blocks"]}
        for row in self.instance.rows("select * from candidate where decision = 'open'"):
            for side in ("contractor", "quickbooks"):
                self.reasons[row["entity"], side, row[f"{side}_id"]].append("review: may be a pair")
        skipped = "select entity, side, record_id, detail from sync_log where action = 'skipped'"
        for row in self.instance.rows(skipped):
            self.reasons[row["entity"], row["side"], row["record_id"]].append(f"skipped: {row['detail'].get('why')}")

    def judge(self) -> Verdict:
        for entity in JUDGED:
            for view in self.contractor.views[entity].values():
                other = self.quickbooks.views[entity].get(self.across.get((entity, view.id), ""))
                self._judge(entity, view, other)
            for view in self.quickbooks.views[entity].values():
                there = self.back.get((entity, view.id), "")
                if there not in self.contractor.views[entity]:
                    self._judge(entity, None, view)
        self._nothing_open()
        return self.verdict

    def _nothing_open(self) -> None:
        found = self.instance.rows("select * from journal where phase in ('planned', 'sent', 'answered')")
        self.verdict.wrong += [f"journal row {r['id']} of {r['entity']} is still {r['phase']}" for r in found]

    def _judge(self, entity: str, ours: View | None, theirs: View | None) -> None:
        faults = list(self._faults(entity, ours, theirs))
        if not faults:
            self.verdict.agreeing += ours is not None and theirs is not None
            return
        why = self._why(entity, ours, theirs)
        named = f"{entity} {ours.id if ours else '-'}/{theirs.id if theirs else '-'} ({(ours or theirs or ours).title})"  # type: ignore[union-attr]  # one is there
        if why is None:
            self.verdict.wrong += [f"{named}: {fault}" for fault in faults]
        else:
            self.verdict.explained[why.split(":")[0]] += 1

    def _why(self, entity: str, ours: View | None, theirs: View | None) -> str | None:
        ids = {
            "contractor": ours.id if ours else self.back.get((entity, theirs.id if theirs else "")),
            "quickbooks": theirs.id if theirs else self.across.get((entity, ours.id if ours else "")),
        }
        for side, view in (("contractor", ours), ("quickbooks", theirs)):
            if found := self.reasons.get((entity, side, ids[side] or "")):
                return found[0]
            if view is not None and (waits := self._waits(view.title.casefold())):
                return waits
        return None

    def _waits(self, title: str) -> str | None:
        """What a record is said to wait for; a list of names may show the beginning of a long one."""
        told = (why for name, why in self.blocked.items() if name.endswith("…") and title.startswith(name[:-1]))
        return self.blocked.get(title) or next(told, None)

    def _faults(self, entity: str, ours: View | None, theirs: View | None) -> Iterable[str]:
        left, right = ours.state if ours else "gone", theirs.state if theirs else "gone"
        ended = {"gone", "void", *(("inactive",) if ours and theirs else ())}
        if left == "draft":
            return
        if left in ("gone", "void") and right in ended:
            return
        if left == right == "inactive" or left == right == "live":
            assert ours is not None
            assert theirs is not None
            yield from self._differences(entity, ours, theirs)
            return
        if left in ended and right in ended and "inactive" not in (left, right):
            return
        yield f"{left} for the contractor, {right} in QuickBooks"

    def _differences(self, entity: str, ours: View, theirs: View) -> Iterable[str]:
        mine = {k: self._translated(v) for k, v in ours.values.items()}
        for name, value in theirs.values.items():
            # An item's kind is set when it is created and not compared for items that existed on both sides.
            if name == "called" or (name == "kind" and (entity, ours.id) in self.matched):
                continue
            same = Counter(mine[name]) == Counter(value) if isinstance(value, list) else mine[name] == value
            if not same:
                yield f"{name} is {mine[name]!r} for the contractor, {value!r} in QuickBooks"

    def _translated(self, value: Any) -> Any:
        if isinstance(value, tuple) and len(value) == 2 and value[0] in COLLECTION_OF:
            return (value[0], self.across.get(value, f"{value[1]}, unlinked"))
        if isinstance(value, tuple | list):
            return type(value)(self._translated(v) for v in value)
        return value


def copies(judge: Judge, entered: Mapping[str, set[tuple[str, str]]]) -> list[str]:
    """Records no person entered that are not the one counterpart of a record a person entered on the other side."""
    wrong = []
    for side, books, links in (
        ("contractor", judge.contractor, judge.back),
        ("quickbooks", judge.quickbooks, judge.across),
    ):
        other = "quickbooks" if side == "contractor" else "contractor"
        partners = {(entity, there): (entity, here) for (entity, here), there in links.items()}
        for entity in JUDGED:
            for record_id in books.views[entity]:
                if (entity, record_id) in entered[side]:
                    continue
                if partners.get((entity, record_id)) not in entered[other]:
                    wrong.append(f"nobody entered {entity} {record_id} of {side}, and it is nobody's counterpart")
    return wrong
